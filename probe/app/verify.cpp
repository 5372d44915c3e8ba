#include "probe/app/verify.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "probe/app/audit_database.h"
#include "probe/app/chain_source.h"
#include "probe/app/prove.h"
#include "probe/app/report.h"
#include "probe/envelope/checkpoint.h"
#include "probe/envelope/note_text.h"
#include "probe/store/conninfo.h"

namespace dpi {
namespace {

// A checkpoint that somebody kept: the chain must have had this root at this size.
struct Witness {
  std::optional<Checkpoint> kept;
  bool met = false;

  Result<void> compare(std::string_view note) {
    const auto here = kept ? parse_checkpoint(note) : std::nullopt;
    if (!here || here->origin != kept->origin || here->tree_size != kept->tree_size) return {};
    if (here->root != kept->root) {
      return fail(
          Errc::verification,
          fmt::format(
              "the kept checkpoint over {} events has another root: this is another history",
              here->tree_size));
    }
    met = true;
    return {};
  }
};

Result<Witness> read_witness(const std::string& path) {
  Witness witness;
  if (path.empty()) return witness;
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  witness.kept = parse_checkpoint(text.str());
  if (!file || !witness.kept)
    return fail(Errc::usage, fmt::format("{}: not a checkpoint (a signed note)", path));
  return witness;
}

void print_report(const ChainReport& report) {
  std::string keys;
  for (const Digest& id : report.key_ids) keys += fmt::format(" {}", hex(id));
  const std::string part =
      report.first_seq == 0
          ? std::string{}
          : fmt::format(" from sequence {} on (the others have left this spool)", report.first_seq);
  fmt::print("intact: {} events of {}{}, {} checkpoints, root {}\n",
             report.events - report.first_seq, uuid_text(report.instance), part, report.checkpoints,
             hex(report.root));
  fmt::print(
      "signed by key{}, {}\n", keys,
      report.trusted ? "which is in the trust file" : "which is not in a trust file (--trust)");
}

class Verification {
 public:
  Verification(const VerifyOptions& options, std::vector<PublicKey> trusted, Witness witness,
               std::optional<EventProver> prover)
      : options_(options),
        trusted_(std::move(trusted)),
        witness_(std::move(witness)),
        prover_(std::move(prover)) {}

  Result<void> run() {
    const auto verified = names_postgres(options_.source) ? run_database() : run_single();
    if (!verified) return verified;
    if (witness_.kept && !witness_.met) {
      return fail(Errc::verification,
                  fmt::format("no checkpoint over {} events as the kept one: the chain was "
                              "truncated or replaced",
                              witness_.kept->tree_size));
    }
    if (!prover_) return {};
    if (prover_->found() != nullptr) return write_proof_files(*prover_->found(), options_.prove_to);
    return fail(Errc::input,
                fmt::format("--prove {}: no such event in {}", options_.prove, options_.source));
  }

 private:
  Result<void> finished(const Result<ChainReport>& report, const std::string& name) {
    if (report) {
      print_report(*report);
      return {};
    }
    const bool named = report.error().what.starts_with(name);
    return fail(report.error().code,
                named ? report.error().what : fmt::format("{}: {}", name, report.error().what));
  }
  ChainVerifier verifier() {
    ChainVerifier out(trusted_);
    if (prover_) out.prove(*prover_);
    return out;
  }
  NoteObserver observer() {
    return [this](std::string_view note) { return witness_.compare(note); };
  }
  Result<void> run_single() {
    ChainVerifier walk = verifier();
    const bool spool =
        options_.source.starts_with("spool:") || std::filesystem::is_directory(options_.source);
    const std::string path =
        options_.source.starts_with("spool:") ? options_.source.substr(6) : options_.source;
    return finished(
        spool ? verify_spool(path, walk, observer()) : verify_jsonl(path, walk, observer()), path);
  }
  Result<Scope> scope() const {
    Scope out;
    if (!options_.instance.empty()) {
      out.instance = parse_uuid(options_.instance);
      if (!out.instance)
        return fail(Errc::usage, fmt::format("--instance {}: not a UUID", options_.instance));
    }
    return out;
  }
  Result<void> run_database() {
    const std::string conninfo = conninfo_of(options_.source);
    const auto part = scope();
    if (!part) return tl::unexpected(part.error());
    Findings findings(say);
    std::set<Uuid> instances;
    // A proof is of one event and its chain.
    if (!prover_) {
      const auto rows = audit_database(conninfo, *part, findings);
      if (!rows) return tl::unexpected(rows.error());
      instances = rows->instances;
    }
    if (auto walked = walk_chains(conninfo, *part, std::move(instances), findings); !walked)
      return walked;
    if (findings.count() == 0) return {};
    return fail(Errc::verification,
                fmt::format("{} finding{}: this database is not what was signed",
                            findings.count(), findings.count() == 1 ? "" : "s"));
  }
  Result<void> walk_chains(const std::string& conninfo, const Scope& part, std::set<Uuid> instances,
                           Findings& findings) {
    if (part.instance) {
      instances = {*part.instance};
    } else {
      const auto known = instances_in_database(conninfo);
      if (!known) return tl::unexpected(known.error());
      instances.insert(known->begin(), known->end());
    }
    if (instances.empty()) return fail(Errc::verification, "the database holds no event");
    if (instances.size() > 1 && parse_decimal(options_.prove)) {
      return fail(Errc::usage,
                  fmt::format("--prove {}: {} instances have such a sequence; choose one with "
                              "--instance, or name the event_id",
                              options_.prove, instances.size()));
    }
    for (const Uuid& instance : instances) {
      ChainVerifier walk = verifier();
      const auto walked = verify_database(conninfo, instance, walk, observer());
      if (!walked && walked.error().code == Errc::verification) {
        findings.add({instance, std::nullopt, "chain", walked.error().what});
      } else if (auto one = finished(walked, uuid_text(instance)); !one) {
        return one;
      }
    }
    return {};
  }

  const VerifyOptions& options_;
  std::vector<PublicKey> trusted_;
  Witness witness_;
  std::optional<EventProver> prover_;
};

}  // namespace

int run_verify(const VerifyOptions& options) {
  std::vector<PublicKey> trusted;
  if (!options.trust.empty()) {
    auto keys = PublicKey::read_pem_bundle(options.trust);
    if (!keys) return report(keys.error());
    trusted = std::move(*keys);
  }
  if (!options.proof.empty()) {
    const auto proved = verify_proof_file(options.source, options.proof, trusted);
    return proved ? exit_done : report(proved.error());
  }
  auto witness = read_witness(options.against);
  if (!witness) return report(witness.error());
  std::optional<EventProver> prover;
  if (!options.prove.empty()) {
    const auto choice = parse_event_choice(options.prove);
    if (!choice) return report(choice.error());
    prover.emplace(*choice);
  }
  const auto verified =
      Verification(options, std::move(trusted), std::move(*witness), std::move(prover)).run();
  return verified ? exit_done : report(verified.error());
}

}  // namespace dpi
