// Gives every event its place in the chain and signs checkpoints. Owned by one thread; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "probe/base/time.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/envelope.h"
#include "probe/envelope/merkle.h"

namespace dpi {

// A fact before it is sealed. `payload` is canonical JSON.
struct EncodedEvent {
  std::string_view type;
  std::uint32_t version = 1;
  Timestamp observed_at{};
  std::string_view payload;
};

// When an event is sealed: wall clock and CLOCK_BOOTTIME for a live probe, packet time in replay.
struct SealTime {
  Timestamp emitted_at{};
  std::uint64_t mono_us = 0;
};

struct ChainHead {
  Digest last_hash{};  // zeros before the first event
  MerkleTree tree;     // its size is the next sequence
};

class Sealer {
 public:
  Sealer(Identity identity, SigningKey key, ChainHead head = {});

  // The envelope of the next event; valid until the next call.
  [[nodiscard]] std::string_view seal(const EncodedEvent& event, const SealTime& time);
  // Signs the tree over everything sealed so far.
  [[nodiscard]] std::string checkpoint();
  // Before the key.rotate that says so is sealed: the next checkpoint carries the signatures of
  // both keys, those behind it only that of `next`.
  void rotate_key(SigningKey next);

  [[nodiscard]] std::uint64_t next_seq() const noexcept { return head_.tree.size(); }
  [[nodiscard]] const ChainHead& head() const noexcept { return head_; }
  [[nodiscard]] const Identity& identity() const noexcept { return envelope_.identity; }
  [[nodiscard]] const SigningKey& key() const noexcept { return key_; }

 private:
  Envelope envelope_;  // of the last event; the next one shares most of it
  SigningKey key_;
  std::optional<SigningKey> replaced_;  // since the last checkpoint
  ChainHead head_;
  std::string buffer_;
};

}  // namespace dpi
