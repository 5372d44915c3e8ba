#include "probe/envelope/event_proof.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/crypto/digest.h"
#include "probe/envelope/note_text.h"

namespace dpi {
namespace {

constexpr std::string_view header = "c2sp.org/tlog-proof@v1";
constexpr std::string_view index_prefix = "index ";
constexpr std::size_t path_hashes_max = 63;  // of any tree; ours need 53

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

}  // namespace

std::string write_event_proof(const EventProof& proof) {
  std::string out = fmt::format("{}\n{}{}\n", header, index_prefix, proof.index);
  for (const Digest& hash : proof.path) out += base64(hash) + "\n";
  return out + "\n" + proof.note;
}

std::optional<EventProof> parse_event_proof(std::string_view text) {
  std::string_view rest = text;
  if (take_line(rest) != header) return std::nullopt;
  const auto index = take_line(rest);
  if (!index || !index->starts_with(index_prefix)) return std::nullopt;
  const auto number = parse_decimal(index->substr(index_prefix.size()));
  if (!number) return std::nullopt;
  EventProof out;
  out.index = *number;
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return std::nullopt;
    if (line->empty()) break;
    const auto hash = parse_base64(*line);
    if (!hash || hash->size() != sizeof(Digest) || out.path.size() == path_hashes_max)
      return std::nullopt;
    std::copy(hash->begin(), hash->end(), out.path.emplace_back().begin());
  }
  if (!parse_checkpoint(rest)) return std::nullopt;
  out.note = rest;
  return out;
}

Result<ProvenEvent> verify_event(std::string_view envelope, std::string_view payload,
                                 const EventProof& proof, const std::vector<PublicKey>& trusted,
                                 const Revocations& revoked) {
  const auto event = parse_envelope(envelope);
  if (!event) return broken("the envelope is not canonical envelope v1");
  if (auto committed = check_commitments(*event, payload); !committed)
    return tl::unexpected(committed.error());
  if (event->seq != proof.index) {
    return broken(
        fmt::format("the proof is of sequence {}, the event has {}: another event's proof",
                    proof.index, event->seq));
  }
  const auto checkpoint = parse_checkpoint(proof.note);
  if (!checkpoint) return broken("the proof's checkpoint is not a signed note");
  if (checkpoint->origin != checkpoint_origin(event->identity.instance, event->component)) {
    return broken(fmt::format("the proof's checkpoint is of {}, the event is of {}",
                              checkpoint->origin, uuid_text(event->identity.instance)));
  }
  if (!verify_inclusion(envelope_hash(envelope), proof.index, checkpoint->tree_size, proof.path,
                        checkpoint->root)) {
    return broken(
        fmt::format("sequence {} is not in the tree over {} events: event or path was "
                    "altered",
                    proof.index, checkpoint->tree_size));
  }
  std::optional<Digest> signer;
  std::optional<Error> signed_in_vain;  // a signature of a revoked key is none
  for (const PublicKey& key : trusted) {
    if (!names_signer(*checkpoint, key)) continue;
    if (!signed_by(*checkpoint, key)) {
      return broken(fmt::format("the checkpoint over {} events carries a wrong signature of key {}",
                                checkpoint->tree_size, hex(key.key_id())));
    }
    if (auto in_force = revoked.require_in_force(key, checkpoint->tree_size); !in_force) {
      signed_in_vain = in_force.error();
    } else if (!signer) {
      signer = key.key_id();
    }
  }
  if (signer) return ProvenEvent{*event, checkpoint->tree_size, *signer};
  if (signed_in_vain) return tl::unexpected(*signed_in_vain);
  return broken(fmt::format("the checkpoint over {} events is signed by no key of the trust file",
                            checkpoint->tree_size));
}

void EventProver::event(const Envelope& event, std::string_view envelope, std::string_view payload,
                        const Digest& leaf, const MerkleTree& before) {
  if (done_) return;
  if (!path_) {
    const bool wanted = wanted_ == EventChoice{event.seq} || wanted_ == EventChoice{event.event_id};
    if (!wanted) return;
    path_.emplace(before);
    found_ = {event, std::string{envelope}, std::string{payload}, {}};
  }
  path_->add(leaf);
}

void EventProver::checkpoint(std::string_view note) {
  if (!path_ || done_) return;
  found_.proof = {path_->index(), path_->hashes(), std::string{note}};
  done_ = true;
}

const EventProver::Found* EventProver::found() const noexcept {
  return done_ ? &found_ : nullptr;
}

}  // namespace dpi
