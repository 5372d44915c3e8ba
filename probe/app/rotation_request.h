// What a sensor hands to whoever may enrol, once its chain has gone on under a new key: the event
// key.rotate with its proof, under a checkpoint that both keys signed, and the old public key,
// which the proof is judged by. Nothing in it is secret, and nothing in it has to be believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/event_proof.h"

namespace dpi {

struct ProvenRotation {
  Uuid instance{};
  std::string hostname;   // pct-text
  std::uint64_t seq = 0;  // of the event: the new key is in force from there on
  Digest old_key_id{};
  ByteBuffer new_spki;
  std::string reason;
};

// The event by which the chain in a spool was handed over from one key to the other, with its
// proof. Errc::usage: it has not been handed over yet, or that event is no longer there.
[[nodiscard]] Result<EventProver::Found> find_rotation(const std::filesystem::path& spool,
                                                       const PublicKey& old, const PublicKey& next);

// One line of JSON.
[[nodiscard]] std::string rotation_request_text(const EventProver::Found& rotation,
                                                const PublicKey& old);
[[nodiscard]] bool is_rotation_request(std::string_view text);
// Errc::verification when it does not prove what it says.
[[nodiscard]] Result<ProvenRotation> parse_rotation_request(std::string_view text);

}  // namespace dpi
