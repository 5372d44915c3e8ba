// RFC 6962 §2.1 Merkle tree over a growing log: only the peaks (≤ 64 hashes) are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {

class MerkleTree {
 public:
  void add(const Digest& leaf);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // Of the empty tree: SHA-256 of nothing.
  [[nodiscard]] Digest root() const;

  // The state that continues the tree: size (8 bytes, big-endian) and the peaks, largest first.
  [[nodiscard]] ByteBuffer save() const;
  [[nodiscard]] static std::optional<MerkleTree> restore(Bytes state);

 private:
  friend class InclusionPath;
  std::uint64_t size_ = 0;
  std::vector<Digest> peaks_;  // one for each bit set in size_, largest subtree first
};

// The inclusion path (RFC 9162 §2.1.3.1) of one leaf while the tree grows, without keeping leaves.
class InclusionPath {
 public:
  // Of the next leaf that is added to a tree like this one.
  explicit InclusionPath(const MerkleTree& before);
  // That leaf, then each one after it.
  void add(const Digest& leaf);
  [[nodiscard]] std::uint64_t index() const noexcept { return index_; }
  // From the leaf's sibling up to the root's child, in the tree as it is now.
  [[nodiscard]] std::vector<Digest> hashes() const;

 private:
  std::uint64_t index_;
  std::uint64_t size_;
  std::vector<Digest> peaks_;     // as in MerkleTree
  std::size_t mine_;              // the peak that the leaf is under
  std::vector<Digest> siblings_;  // from the leaf up to that peak
};

// RFC 9162 §2.1.3.2: does path lead from the leaf at index to the root of a tree of that size?
[[nodiscard]] bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                    const std::vector<Digest>& path, const Digest& root);

}  // namespace dpi
