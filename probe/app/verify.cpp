#include "probe/app/verify.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "probe/app/report.h"
#include "probe/envelope/chain_verifier.h"
#include "probe/envelope/checkpoint.h"

namespace dpi {
namespace {

constexpr std::string_view envelope_prefix = "{\"envelope\":";
constexpr std::string_view payload_separator = ",\"payload\":";
constexpr std::string_view checkpoint_prefix = "{\"checkpoint\":\"";

// A checkpoint that somebody kept: the chain must have had this root at this size.
struct Witness {
  std::optional<Checkpoint> checkpoint;
  bool met = false;

  Result<void> compare(std::string_view note) {
    if (!checkpoint) return {};
    const auto here = parse_checkpoint(note);
    if (!here || here->origin != checkpoint->origin || here->tree_size != checkpoint->tree_size)
      return {};
    if (here->root != checkpoint->root) {
      return fail(
          Errc::verification,
          fmt::format("the kept checkpoint over {} events has another root: this is another "
                      "history",
                      here->tree_size));
    }
    met = true;
    return {};
  }
};

Result<void> verify_line(ChainVerifier& verifier, Witness& witness, std::string_view line) {
  if (line.starts_with(checkpoint_prefix) && line.ends_with("\"}")) {
    const auto note = parse_base64(
        line.substr(checkpoint_prefix.size(), line.size() - checkpoint_prefix.size() - 2));
    if (!note) return fail(Errc::verification, "the checkpoint line is not base64");
    if (auto added = verifier.add_checkpoint(as_text(*note)); !added) return added;
    return witness.compare(as_text(*note));
  }
  // Neither a quote nor a brace can stand inside a string of the envelope: the first separator is
  // the border.
  const std::size_t border = line.find(payload_separator);
  if (!line.starts_with(envelope_prefix) || border == std::string_view::npos ||
      !line.ends_with("}")) {
    return fail(Errc::verification,
                "the line is neither {\"envelope\":…,\"payload\":…} nor {\"checkpoint\":…}");
  }
  const std::string_view envelope =
      line.substr(envelope_prefix.size(), border - envelope_prefix.size());
  const std::string_view payload = line.substr(border + payload_separator.size(),
                                               line.size() - border - payload_separator.size() - 1);
  return verifier.add_event(envelope, payload);
}

Result<ChainReport> verify_stream(std::istream& in, const std::string& name,
                                  ChainVerifier& verifier, Witness& witness) {
  std::string line;
  std::uint64_t number = 0;
  while (std::getline(in, line)) {
    ++number;
    if (in.eof()) {
      return fail(
          Errc::verification,
          fmt::format("{}:{}: the last line has no newline: the file was cut off", name, number));
    }
    if (auto verified = verify_line(verifier, witness, line); !verified) {
      return fail(verified.error().code,
                  fmt::format("{}:{}: {}", name, number, verified.error().what));
    }
  }
  auto report = verifier.finish();
  if (!report) return fail(report.error().code, fmt::format("{}: {}", name, report.error().what));
  return report;
}

Result<Witness> read_witness(const std::string& path) {
  Witness witness;
  if (path.empty()) return witness;
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  witness.checkpoint = parse_checkpoint(text.str());
  if (!file || !witness.checkpoint)
    return fail(Errc::usage, fmt::format("{}: not a checkpoint (a signed note)", path));
  return witness;
}

void print_report(const ChainReport& report) {
  std::string keys;
  for (const Digest& id : report.key_ids) keys += fmt::format(" {}", hex(id));
  fmt::print("intact: {} events of {}, {} checkpoints, root {}\n", report.events,
             uuid_text(report.instance), report.checkpoints, hex(report.root));
  fmt::print("signed by{}{}\n", keys,
             report.trusted ? ", in the trust file"
                            : ", not in a trust file: whose key it is was not checked (--trust)");
}

}  // namespace

int run_verify(const VerifyOptions& options) {
  std::vector<PublicKey> trusted;
  if (!options.trust.empty()) {
    auto keys = PublicKey::read_pem_bundle(options.trust);
    if (!keys) return report(keys.error());
    trusted = std::move(*keys);
  }
  auto witness = read_witness(options.against);
  if (!witness) return report(witness.error());
  ChainVerifier verifier(std::move(trusted));
  Result<ChainReport> result;
  if (options.source == "-") {
    result = verify_stream(std::cin, "standard input", verifier, *witness);
  } else {
    std::ifstream file(options.source, std::ios::binary);
    if (!file) {
      return report(
          {Errc::input,
           fmt::format("{}: {}; give a JSON lines file, a spool folder or postgres[:CONNINFO]",
                       options.source, std::strerror(errno))});
    }
    result = verify_stream(file, options.source, verifier, *witness);
  }
  if (!result) return report(result.error());
  if (witness->checkpoint && !witness->met) {
    return report({Errc::verification,
                   fmt::format("the chain has no checkpoint over {} events as the kept one: it was "
                               "truncated or replaced",
                               witness->checkpoint->tree_size)});
  }
  print_report(*result);
  return exit_done;
}

}  // namespace dpi
