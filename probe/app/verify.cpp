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
#include "probe/app/schema_check.h"
#include "probe/audit/row_deriver.h"
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
          : fmt::format(" from sequence {} on (those before are not here)", report.first_seq);
  fmt::print("intact: {} events of {}{}, {} checkpoints, root {}\n",
             report.events - report.first_seq - report.skipped, uuid_text(report.instance), part,
             report.checkpoints, hex(report.root));
  if (report.skipped == 0 && !report.proven) {
    fmt::print(
        "links and signatures hold; the root of the last checkpoint cannot be computed "
        "without the events before\n");
  }
  if (report.skipped > 0) {
    fmt::print("{} events are not here: archived, or declared lost{}\n", report.skipped,
               report.proven ? "" : "; the last checkpoint cannot be proven without them");
  }
  if (report.torn_bytes > 0) {
    fmt::print(
        "behind the last commit are {} bytes of a batch that is not whole: torn off by a crash, or "
        "still being written; no committed event is among them\n",
        report.torn_bytes);
  }
  const bool one = report.key_ids.size() == 1;
  fmt::print("signed by key{}{}, {}\n", one ? "" : "s", keys,
             !report.trusted ? "not compared with a trust file (--trust)"
             : one           ? "which is in the trust file"
                             : "in the trust file or handed over to by one that is");
}

Result<std::uint64_t> sequence(std::string_view option, const std::string& text) {
  const auto value = parse_decimal(text);
  if (!value) return fail(Errc::usage, fmt::format("{} {}: not a sequence", option, text));
  return *value;
}

// A UTC day, YYYY-MM-DD, as the moments that it is between.
Result<void> read_day(const std::string& text, Scope& scope) {
  const auto midnight = parse_time(text + "T00:00:00.000000000Z");
  if (!midnight) return fail(Errc::usage, fmt::format("--day {}: not a day, YYYY-MM-DD", text));
  constexpr SqlTime day = 86'400'000'000;
  scope.from = split_time(*midnight).us;
  scope.until = *scope.from + day;
  return {};
}

Result<Scope> scope_of(const VerifyOptions& options) {
  Scope out;
  if (!options.instance.empty()) {
    out.instance = parse_uuid(options.instance);
    if (!out.instance)
      return fail(Errc::usage, fmt::format("--instance {}: not a UUID", options.instance));
  }
  if (!options.from.empty()) {
    const auto first = sequence("--from", options.from);
    if (!first) return tl::unexpected(first.error());
    out.first_seq = *first;
  }
  if (!options.to.empty()) {
    const auto last = sequence("--to", options.to);
    if (!last) return tl::unexpected(last.error());
    out.last_seq = *last;
  }
  if (!options.day.empty()) {
    if (auto day = read_day(options.day, out); !day) return tl::unexpected(day.error());
  }
  return out;
}

// KEY_ID:SEQ each.
Result<Revocations> read_revocations(const std::vector<std::string>& texts) {
  Revocations out;
  for (const std::string& text : texts) {
    const std::size_t colon = text.find(':');
    const auto key_id = parse_digest(text.substr(0, colon));
    const auto from = colon == std::string::npos
                          ? std::nullopt
                          : parse_decimal(std::string_view{text}.substr(colon + 1));
    if (!key_id || !from) {
      return fail(Errc::usage,
                  fmt::format("--revoked {}: must be KEY_ID:SEQ, a key's id as `keys show` prints "
                              "it and the first sequence that it proves nothing of",
                              text));
    }
    out.add(*key_id, *from);
  }
  return out;
}

class Verification {
 public:
  Verification(const VerifyOptions& options, std::vector<PublicKey> trusted, Revocations revoked,
               Witness witness, std::optional<EventProver> prover)
      : options_(options),
        trusted_(std::move(trusted)),
        revoked_(std::move(revoked)),
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
    ChainVerifier out(trusted_, revoked_);
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
    if (spool) return finished(verify_spool(path, walk, observer()), path);
    std::optional<std::uint64_t> first;
    if (!options_.from.empty()) {
      const auto given = sequence("--from", options_.from);
      if (!given) return tl::unexpected(given.error());
      first = *given;
    }
    return finished(verify_jsonl(path, walk, observer(), first), path);
  }
  Result<void> run_database() {
    const std::string conninfo = conninfo_of(options_.source);
    if (!options_.from.empty() && options_.instance.empty())
      return fail(Errc::usage, "--from of a database needs --instance: of which chain?");
    auto part = scope_of(options_);
    if (!part) return tl::unexpected(part.error());
    Findings findings([](const std::string& line) { say(line); });
    auto audit = DatabaseAudit::open(conninfo, *part, findings);
    if (!audit) return tl::unexpected(audit.error());
    // A proof is of one event and its chain.
    const bool rows = !prover_ && !options_.chain_only;
    if (rows) {
      if (auto done = (*audit)->rows(); !done) return done;
    }
    if (!part->ranged()) {
      if (auto done = (*audit)->ledgers(); !done) return done;
      if (!options_.rows_only) {
        if (auto done = walk_chains(**audit, *part, findings); !done) return done;
      }
    }
    if (rows && part->whole() && !options_.no_schema) {
      if (auto done = compare_definitions(conninfo, findings); !done) return done;
    }
    if (findings.count() == 0) return {};
    return fail(Errc::verification,
                fmt::format("{} finding{}: this database is not what was signed", findings.count(),
                            findings.count() == 1 ? "" : "s"));
  }
  Result<void> walk_chains(DatabaseAudit& audit, const Scope& part, Findings& findings) {
    std::set<Uuid> instances;
    if (part.instance) {
      instances = {*part.instance};
    } else {
      auto known = audit.instances();
      if (!known) return tl::unexpected(known.error());
      instances = std::move(*known);
    }
    if (instances.size() > 1 && parse_decimal(options_.prove)) {
      return fail(Errc::usage,
                  fmt::format("--prove {}: {} instances have such a sequence; choose one with "
                              "--instance, or name the event_id",
                              options_.prove, instances.size()));
    }
    bool any = false;
    for (const Uuid& instance : instances) {
      ChainVerifier walk = verifier();
      const auto walked = audit.chain(instance, walk, observer());
      // Enrolled, and nothing was sent yet.
      if (!walked && walk.next_seq() == 0 && walked.error().what == ChainVerifier::no_event)
        continue;
      any = true;
      if (!walked && walked.error().code == Errc::verification) {
        findings.add({instance, std::nullopt, "chain", harmless(walked.error().what, 1000)});
      } else if (auto one = finished(walked, uuid_text(instance)); !one) {
        return one;
      }
    }
    if (any || findings.count() > 0) return {};
    return fail(Errc::verification, "the database holds no event");
  }
  // Functions, views, triggers, rights: what the bundle makes in a database of its own.
  Result<void> compare_definitions(const std::string& conninfo, Findings& findings) {
    auto database = Postgres::connect(conninfo);
    if (!database) return tl::unexpected(database.error());
    const bool elsewhere = !options_.reference.empty();
    if (!elsewhere) {
      const auto super = database->query("show is_superuser");
      if (!super) return tl::unexpected(super.error());
      if (super->at(0).at(0) != "on") {
        say("definitions were not compared: functions, views, triggers, rights. That takes a "
            "superuser's login, or a server to make the bundle in: --reference CONNINFO");
        return {};
      }
    }
    const std::string& reference = options_.reference;
    const std::string server = !elsewhere                  ? conninfo
                               : names_postgres(reference) ? conninfo_of(reference)
                                                           : reference;
    const auto differences = schema_differences(*database, server);
    if (!differences) return tl::unexpected(differences.error());
    constexpr std::size_t line_max = 600;
    for (const std::string& line : *differences)
      findings.add({std::nullopt, std::nullopt, "definition", harmless(line, line_max)});
    if (differences->empty()) fmt::print("definitions: every object is as the bundle makes it\n");
    return {};
  }

  const VerifyOptions& options_;
  std::vector<PublicKey> trusted_;
  Revocations revoked_;
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
  auto revoked = read_revocations(options.revoked);
  if (!revoked) return report(revoked.error());
  if (!options.proof.empty()) {
    const auto proved = verify_proof_file(options.source, options.proof, trusted, *revoked);
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
  const auto verified = Verification(options, std::move(trusted), std::move(*revoked),
                                     std::move(*witness), std::move(prover))
                            .run();
  return verified ? exit_done : report(verified.error());
}

}  // namespace dpi
