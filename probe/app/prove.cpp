#include "probe/app/prove.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "probe/app/files.h"
#include "probe/envelope/exchange_line.h"
#include "probe/envelope/note_text.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

// The longest event line; a proof is shorter.
constexpr std::size_t file_bytes_max = envelope_bytes_max + payload_bytes_max + 64;

Result<std::string> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(file_bytes_max + 1, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && !file.eof())
    return fail(Errc::input, fmt::format("{}: {}", path, std::strerror(errno)));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > file_bytes_max) {
    return fail(Errc::input, fmt::format("{}: over {} bytes: neither one event nor a proof", path,
                                         file_bytes_max));
  }
  return text;
}

}  // namespace

Result<EventChoice> parse_event_choice(const std::string& text) {
  if (const auto seq = parse_decimal(text)) return EventChoice{*seq};
  if (const auto id = parse_uuid(text)) return EventChoice{*id};
  return fail(Errc::usage, fmt::format("--prove {}: neither a sequence nor an event_id", text));
}

Result<void> write_proof_files(const EventProver::Found& found, const std::string& folder) {
  const std::string id = uuid_text(found.event.event_id);
  const fs::path event = (fs::path{folder} / (id + ".json")).lexically_normal();
  const fs::path proof = (fs::path{folder} / (id + ".tlog-proof")).lexically_normal();
  std::string line;
  append_event_line(line, {found.envelope, found.payload});
  if (auto written = write_file(event, line + "\n"); !written) return written;
  if (auto written = write_file(proof, write_event_proof(found.proof)); !written) return written;
  fmt::print("event {} ({}, sequence {}): {} and {}\n", id, found.event.event_type, found.event.seq,
             event.string(), proof.string());
  return {};
}

Result<void> verify_proof_file(const std::string& event, const std::string& proof,
                               const std::vector<PublicKey>& trusted, const Revocations& revoked) {
  if (trusted.empty()) {
    return fail(Errc::usage,
                "--proof: one event says nothing about who signed: name the key with --trust "
                "(`ransomeye-dpi keys show --public`)");
  }
  const auto text = read_whole(event);
  if (!text) return tl::unexpected(text.error());
  const auto proof_text = read_whole(proof);
  if (!proof_text) return tl::unexpected(proof_text.error());
  std::string_view rest = *text;
  const auto line = take_line(rest);
  const auto parts = line ? parse_event_line(*line) : std::nullopt;
  if (!parts || !rest.empty()) {
    return fail(Errc::verification,
                fmt::format("{}: not one line {{\"envelope\":…,\"payload\":…}}", event));
  }
  const auto parsed = parse_event_proof(*proof_text);
  if (!parsed) return fail(Errc::verification, fmt::format("{}: not a C2SP tlog-proof", proof));
  const auto proven = verify_event(parts->envelope, parts->payload, *parsed, trusted, revoked);
  if (!proven) return fail(Errc::verification, fmt::format("{}: {}", event, proven.error().what));
  const Envelope& e = proven->envelope;
  fmt::print("proved: event {} ({}, observed {}) is sequence {} of {}\n", uuid_text(e.event_id),
             e.event_type, view(time_text(e.observed_at)), e.seq, uuid_text(e.identity.instance));
  fmt::print("one of the {} events that key {} signed\n", proven->tree_size, hex(proven->key_id));
  return {};
}

}  // namespace dpi
