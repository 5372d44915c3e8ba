// What the database keeps beside a chain and derives from it: the history of identities, subtree
// hashes, the registry of keys. Follows the walk of the chain.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "probe/audit/audit_context.h"
#include "probe/envelope/chain_verifier.h"

namespace dpi {

class BesideChain {
 public:
  BesideChain(const AuditContext& context, const Uuid& instance);

  // Revocations in the registry hold for that walk.
  [[nodiscard]] Result<void> read(ChainVerifier& verifier);
  // A gap whose events came later: their identities are not noted.
  void filled(std::uint64_t first, std::uint64_t last) { filled_.emplace_back(first, last); }
  // The subtree hashes that the events of the next run must have.
  [[nodiscard]] Result<void> read_subtrees(std::uint64_t first, std::uint64_t last);
  void event(const Envelope& envelope, const Digest& leaf, SqlTime ingested_at);
  // Events up to there are not here.
  void skipped(std::uint64_t next_seq);
  // The tree at the first border of a subtree at or behind that event, from what is kept.
  [[nodiscard]] Result<void> read_tree(std::uint64_t next_seq);
  // When it is of that size.
  [[nodiscard]] std::optional<MerkleTree> tree(std::uint64_t size);
  void finish(const ChainVerifier& verifier);
  // Keys that somebody else may have held, also before the sequence that they are revoked from.
  [[nodiscard]] const std::set<Digest>& compromised() const noexcept { return compromised_; }

 private:
  struct Identity {
    Uuid boot{};
    std::string hostname, version;
    bool operator==(const Identity&) const = default;
  };
  struct Noted {
    Identity identity;
    SqlTime emitted_at = 0;
    SqlTime ingested_at = 0;
    bool met = false;
  };
  void say(std::string where, std::string what);
  void note_identity(const Envelope& envelope, SqlTime ingested_at);
  void judge_subtree(std::uint64_t seq, const Digest& leaf);

  const AuditContext& context_;
  Uuid instance_;
  std::string mine_;
  std::map<std::uint64_t, Noted> history_;  // by first_seq
  std::vector<std::pair<std::uint64_t, std::uint64_t>> filled_;
  std::optional<Identity> identity_;  // of the last event that was noted
  std::map<std::uint64_t, ByteBuffer> subtrees_;
  std::int64_t subtrees_end_ = 0;
  std::optional<MerkleTree> block_;  // of the subtree that the next event is in
  std::optional<MerkleTree> kept_;
  // What the registry says of a key, by key_id.
  struct RegisteredKey {
    std::optional<std::int64_t> from;      // the sequence that it is in force from
    std::vector<std::int64_t> superseded;  // and is replaced at, each time that it is said
  };
  void read_key_status(const StoredRow& row, ChainVerifier& verifier);
  void judge_key(const AnnouncedKey& key, const ChainReport& report);
  void judge_keys(const ChainVerifier& verifier);

  std::map<std::string, RegisteredKey> keys_;
  std::set<Digest> compromised_;
};

}  // namespace dpi
