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
  std::uint64_t size_ = 0;
  std::vector<Digest> peaks_;  // one for each bit set in size_, largest subtree first
};

// RFC 9162 §2.1.3.2: does path lead from the leaf at index to the root of a tree of that size?
[[nodiscard]] bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                    const std::vector<Digest>& path, const Digest& root);

}  // namespace dpi
