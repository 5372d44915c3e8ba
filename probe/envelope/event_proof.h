// The proof of one event on its own: its inclusion path and a checkpoint whose tree holds it, as
// C2SP tlog-proof text. With the event's bytes and a trusted key it needs nothing else: no
// database, no other event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/checkpoint.h"
#include "probe/envelope/envelope.h"
#include "probe/envelope/merkle.h"
#include "probe/envelope/revocation.h"

namespace dpi {

struct EventProof {
  std::uint64_t index = 0;   // the event's sequence
  std::vector<Digest> path;  // from the leaf's sibling up
  std::string note;          // the checkpoint, exactly as signed
};

[[nodiscard]] std::string write_event_proof(const EventProof& proof);
// Strict: exactly the form that write_event_proof writes; at most 63 hashes.
[[nodiscard]] std::optional<EventProof> parse_event_proof(std::string_view text);

struct ProvenEvent {
  Envelope envelope;
  std::uint64_t tree_size = 0;
  Digest key_id{};  // of the trusted key that signed
};

// The exact bytes of an event against its proof. Errors are Errc::verification and say which step
// does not hold.
[[nodiscard]] Result<ProvenEvent> verify_event(std::string_view envelope, std::string_view payload,
                                               const EventProof& proof,
                                               const std::vector<PublicKey>& trusted,
                                               const Revocations& revoked = {});

// By its place in the chain, or by its event_id.
using EventChoice = std::variant<std::uint64_t, Uuid>;

// Makes the proof of one event while its chain is walked, under the first checkpoint that covers
// it: the one that was signed next to it in time.
class EventProver {
 public:
  explicit EventProver(EventChoice wanted) : wanted_(wanted) {}

  // An event that held, and the tree of those before it.
  void event(const Envelope& event, std::string_view envelope, std::string_view payload,
             const Digest& leaf, const MerkleTree& before);
  // A checkpoint over all events so far that held.
  void checkpoint(std::string_view note);

  // What was wanted, once its checkpoint came.
  struct Found {
    Envelope event;
    std::string envelope;
    std::string payload;
    EventProof proof;
  };
  [[nodiscard]] const Found* found() const noexcept;

 private:
  EventChoice wanted_;
  std::optional<InclusionPath> path_;
  Found found_;
  bool done_ = false;
};

}  // namespace dpi
