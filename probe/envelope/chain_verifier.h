// Walks one chain in order and says the first thing that is wrong with it. Hashes stored bytes;
// never re-canonicalises to decide. Knows no file, spool or database: readers feed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/envelope.h"
#include "probe/envelope/event_proof.h"
#include "probe/envelope/merkle.h"

namespace dpi {

struct ChainReport {
  std::uint64_t first_seq = 0;  // of the events that were walked
  std::uint64_t events = 0;     // up to the last one, from the beginning of the chain
  std::uint64_t checkpoints = 0;
  std::uint64_t signed_events = 0;  // covered by the last good checkpoint
  Uuid instance{};
  Digest root{};
  std::vector<Digest> key_ids;  // that signed, in order of appearance
  bool trusted = false;         // every one of them was in the trust list
};

class ChainVerifier {
 public:
  // Without trusted keys the chain's own announcements (chain.start, key.rotate) give the keys.
  explicit ChainVerifier(std::vector<PublicKey> trusted = {});

  // Shows every event and checkpoint that holds to the prover, which the caller keeps.
  void prove(EventProver& prover) noexcept { prover_ = &prover; }
  // Instead of the events before it: what a spool keeps of a chain whose beginning it no longer
  // has. Proves itself, for the tree has the root that the note signs; but who signs is announced
  // at the beginning, so it needs trusted keys. Errc::usage when there are none.
  [[nodiscard]] Result<void> resume(const Digest& last_hash, const MerkleTree& tree,
                                    std::string_view note);
  // The exact envelope and payload bytes of the next event. Errors are Errc::verification and name
  // the sequence and the rule that is broken. A payload that was erased lawfully is nothing.
  [[nodiscard]] Result<void> add_event(std::string_view envelope,
                                       std::optional<std::string_view> payload);
  [[nodiscard]] Result<void> add_checkpoint(std::string_view note);
  // At the end: everything must be covered by a checkpoint.
  [[nodiscard]] Result<ChainReport> finish() const;

  [[nodiscard]] const ChainReport& report() const noexcept { return report_; }

 private:
  [[nodiscard]] Result<void> check_links(const Envelope& envelope) const;
  [[nodiscard]] Result<void> learn_key(const Envelope& envelope, std::string_view payload);
  [[nodiscard]] Result<void> check_signers(std::string_view note);

  EventProver* prover_ = nullptr;
  std::vector<PublicKey> trusted_;
  std::vector<PublicKey> announced_;  // all keys of this chain; the last is in force
  bool rotation_pending_ = false;     // the next checkpoint carries both signatures
  std::optional<Envelope> last_;
  Digest last_hash_{};
  MerkleTree tree_;
  ChainReport report_;
};

}  // namespace dpi
