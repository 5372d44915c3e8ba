#include "probe/app/rotation_request.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "probe/app/request_text.h"
#include "probe/envelope/canonical_writer.h"
#include "probe/envelope/exchange_line.h"
#include "probe/envelope/key_rotation.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/spool_state.h"

namespace dpi {
namespace {

constexpr std::string_view format_name = "ransomeye.rotation-request/1";
constexpr std::string_view event_type = "key.rotate";

tl::unexpected<Error> broken(std::string_view what) {
  return fail(Errc::verification,
              fmt::format("{}: ask the sensor for it again (`ransomeye-dpi keys "
                          "rotate FILE --finish SPOOL`)",
                          what));
}

// The sequence of the event in that batch that hands over to a key.
std::optional<std::uint64_t> rotation_to(const PublicKey& next, const SpoolBatch& batch) {
  for (const SpoolRecord& record : batch.records) {
    // Most events are something else, and need not be parsed to know it.
    if (as_text(record.envelope).find(event_type) == std::string_view::npos) continue;
    const auto envelope = parse_envelope(as_text(record.envelope));
    if (!envelope || envelope->event_type != event_type) continue;
    const auto rotation = read_key_rotation(as_text(record.payload), envelope->identity.instance);
    if (rotation && rotation->next.raw() == next.raw()) return envelope->seq;
  }
  return std::nullopt;
}

// `tree` is over the events before the batch.
std::optional<EventProver::Found> prove(std::uint64_t seq, const SpoolBatch& batch, MerkleTree tree,
                                        std::string_view note) {
  EventProver prover{EventChoice{seq}};
  for (const SpoolRecord& record : batch.records) {
    const auto envelope = parse_envelope(as_text(record.envelope));
    if (!envelope) return std::nullopt;
    const Digest leaf = envelope_hash(as_text(record.envelope));
    prover.event(*envelope, as_text(record.envelope), as_text(record.payload), leaf, tree);
    tree.add(leaf);
  }
  prover.checkpoint(note);
  return prover.found() == nullptr ? std::nullopt : std::optional{*prover.found()};
}

// The new key signs alone: only then does nobody need the old one any more.
Result<void> require_gone_on(const std::filesystem::path& spool, const SpoolState& last,
                             const PublicKey& old, const PublicKey& next) {
  const auto checkpoint = parse_checkpoint(last.note);
  if (checkpoint && signed_by(*checkpoint, next) && !names_signer(*checkpoint, old)) return {};
  return fail(Errc::usage,
              fmt::format("{}: this chain has not gone on under key {} yet: restart the sensor, "
                          "then say this again",
                          spool.string(), hex(next.key_id())));
}

}  // namespace

Result<EventProver::Found> find_rotation(const std::filesystem::path& spool, const PublicKey& old,
                                         const PublicKey& next) {
  auto reader = SpoolReader::open(spool);
  if (!reader) return tl::unexpected(reader.error());
  std::optional<SpoolState> last;
  std::optional<EventProver::Found> found;
  for (;;) {
    const auto batch = reader->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    auto state = decode_spool_state((*batch)->state);
    if (!state) return broken(fmt::format("{}: a commit is unreadable", spool.string()));
    const auto seq = found ? std::nullopt : rotation_to(next, **batch);
    const bool follows = last && last->head.tree.size() == (*batch)->first_seq;
    if (seq && ((*batch)->first_seq == 0 || follows))
      found = prove(*seq, **batch, follows ? last->head.tree : MerkleTree{}, state->note);
    last = std::move(state);
  }
  if (!last) return fail(Errc::usage, fmt::format("{}: there is no event in it", spool.string()));
  if (auto gone_on = require_gone_on(spool, *last, old, next); !gone_on)
    return tl::unexpected(gone_on.error());
  if (found) return std::move(*found);
  return fail(Errc::usage,
              fmt::format("{}: the event that handed over to key {} is no longer here, or what is "
                          "before it; the database has it: register the key with "
                          "re_core.rotate_key(), from that event's sequence on",
                          spool.string(), hex(next.key_id())));
}

std::string rotation_request_text(const EventProver::Found& rotation, const PublicKey& old) {
  std::string line;
  append_event_line(line, {rotation.envelope, rotation.payload});
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("event", base64(as_bytes(line)));
  w.member("format", format_name);
  w.member("old_spki", base64(old.spki()));
  w.member("proof", base64(as_bytes(write_event_proof(rotation.proof))));
  w.end_object();
  return out + "\n";
}

bool is_rotation_request(std::string_view text) {
  return parse_request(text, format_name).has_value();
}

Result<ProvenRotation> parse_rotation_request(std::string_view text) {
  const auto json = parse_request(text, format_name);
  if (!json) return broken(fmt::format("is no {}", format_name));
  const auto event = parse_base64(request_member(*json, "event"));
  const auto proof_text = parse_base64(request_member(*json, "proof"));
  const auto spki = parse_base64(request_member(*json, "old_spki"));
  const auto line = event ? parse_event_line(as_text(*event)) : std::nullopt;
  const auto proof = proof_text ? parse_event_proof(as_text(*proof_text)) : std::nullopt;
  const auto old = spki ? PublicKey::from_spki(*spki) : std::nullopt;
  const auto envelope = line ? parse_envelope(line->envelope) : std::nullopt;
  if (!envelope || !proof || !old || envelope->event_type != event_type)
    return broken("its event, proof or old key is unreadable");
  const auto rotation = read_key_rotation(line->payload, envelope->identity.instance);
  if (!rotation) return broken(rotation.error().what);
  if (rotation->old_key_id != old->key_id())
    return broken("its event replaces another key than the one that it names");
  for (const PublicKey& key : {*old, rotation->next}) {
    const auto proven = verify_event(line->envelope, line->payload, *proof, {key});
    if (!proven) return broken(fmt::format("key {}: {}", hex(key.key_id()), proven.error().what));
  }
  return ProvenRotation{.instance = envelope->identity.instance,
                        .hostname = envelope->identity.hostname,
                        .seq = envelope->seq,
                        .old_key_id = rotation->old_key_id,
                        .new_spki = rotation->next.spki(),
                        .reason = rotation->reason};
}

}  // namespace dpi
