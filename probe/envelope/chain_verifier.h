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
#include "probe/envelope/checkpoint.h"
#include "probe/envelope/envelope.h"
#include "probe/envelope/event_proof.h"
#include "probe/envelope/merkle.h"
#include "probe/envelope/revocation.h"

namespace dpi {

struct ChainReport {
  std::uint64_t first_seq = 0;  // of the events that were walked
  std::uint64_t events = 0;     // up to the last one, from the beginning of the chain
  std::uint64_t checkpoints = 0;
  std::uint64_t signed_events = 0;  // covered by the last good checkpoint
  std::uint64_t skipped = 0;        // events that are not here
  std::uint64_t torn_bytes = 0;     // of a spool, behind its last commit
  bool proven = true;               // the last checkpoint's root is that of the events
  Uuid instance{};
  Digest root{};
  std::vector<Digest> key_ids;  // that signed, in order of appearance
  // Every one of them was in the trust list, or the chain was handed over to it by one that is.
  bool trusted = false;
};

// A key of the chain.
struct AnnouncedKey {
  PublicKey key;
  std::optional<std::uint64_t> seq;  // of its announcement; nothing: met by its signature only
  std::optional<std::uint64_t> replaced_at{};  // of the key.rotate that hands over from it
};

class ChainVerifier {
 public:
  // What finish() says of a chain without any.
  static constexpr std::string_view no_event = "there is no event";

  // Without trusted keys the chain's own announcements (chain.start, key.rotate) give the keys. A
  // trusted key may hand over to one that is not in the list: both sign the checkpoint that does.
  explicit ChainVerifier(std::vector<PublicKey> trusted = {}, Revocations revoked = {});

  // What is learnt of revocations after the beginning, before the first event.
  void revoke(const Digest& key_id, std::uint64_t from_seq) { revoked_.add(key_id, from_seq); }

  // Shows every event and checkpoint that holds to the prover, which the caller keeps.
  void prove(EventProver& prover) noexcept { prover_ = &prover; }
  // Instead of the events before it: what a spool keeps of a chain whose beginning it no longer
  // has. Proves itself, for the tree has the root that the note signs; but who signs is announced
  // at the beginning, so it needs trusted keys. Errc::usage when there are none.
  [[nodiscard]] Result<void> resume(const Digest& last_hash, const MerkleTree& tree,
                                    std::string_view note);
  // Up to `seq` the events are not here, and that is accounted for elsewhere; the last of them has
  // that hash. The next ones are bound by their links alone, until continue_tree(). When this is
  // the beginning of the chain, who signs is one of the trusted keys: Errc::usage without any.
  [[nodiscard]] Result<void> skip_to(std::uint64_t seq, const Digest& last_hash);
  // The tree over all events so far, kept by somebody: the next checkpoint proves it.
  void continue_tree(const MerkleTree& tree);
  // The exact envelope and payload bytes of the next event. Errors are Errc::verification and name
  // the sequence and the rule that is broken. A payload that was erased lawfully is nothing.
  [[nodiscard]] Result<void> add_event(std::string_view envelope,
                                       std::optional<std::string_view> payload);
  [[nodiscard]] Result<void> add_checkpoint(std::string_view note);
  // At the end: everything must be covered by a checkpoint.
  [[nodiscard]] Result<ChainReport> finish() const;

  [[nodiscard]] const ChainReport& report() const noexcept { return report_; }
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }
  // The last event, and its hash.
  [[nodiscard]] const std::optional<Envelope>& last() const noexcept { return last_; }
  [[nodiscard]] const Digest& last_hash() const noexcept { return last_hash_; }
  // Every key of the chain, the first one first.
  [[nodiscard]] const std::vector<AnnouncedKey>& announced() const noexcept { return announced_; }

 private:
  [[nodiscard]] Result<void> check_links(const Envelope& envelope) const;
  [[nodiscard]] Result<void> learn_key(const Envelope& envelope, std::string_view payload);
  [[nodiscard]] Result<void> hand_over(const Envelope& envelope, std::string_view payload);
  [[nodiscard]] Result<void> find_signers(const Checkpoint& checkpoint);
  [[nodiscard]] Result<void> check_signers(const Checkpoint& checkpoint);
  [[nodiscard]] bool is_known(const PublicKey& key) const;

  EventProver* prover_ = nullptr;
  std::vector<PublicKey> trusted_;
  Revocations revoked_;
  std::vector<AnnouncedKey> announced_;
  // The one that signs. Several: the events that would tell which are not here, and the next
  // signature does.
  std::vector<PublicKey> in_force_;
  std::vector<PublicKey> replaced_;  // since the last checkpoint: they sign the next one too
  bool signer_unknown_ = false;      // who signs is still to be told by a signature
  std::optional<Envelope> last_;
  Digest last_hash_{};
  std::uint64_t next_seq_ = 0;
  bool tree_known_ = true;
  MerkleTree tree_;
  ChainReport report_;
};

}  // namespace dpi
