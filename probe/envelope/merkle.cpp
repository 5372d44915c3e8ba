#include "probe/envelope/merkle.h"

#include <bit>

#include "probe/base/byte_cursor.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

Digest node(const Digest& left, const Digest& right) {
  constexpr std::array<std::uint8_t, 1> prefix{0x01};
  return sha256({prefix, left, right});
}

// What the peaks from that one on stand for together.
Digest bagged(const std::vector<Digest>& peaks, std::size_t from) {
  Digest root = peaks.back();
  for (std::size_t i = peaks.size() - 1; i-- > from;) root = node(peaks[i], root);
  return root;
}

}  // namespace

void MerkleTree::add(const Digest& leaf) {
  Digest subtree = leaf;
  // Each trailing one bit of the size is a complete subtree as large as the one just made.
  for (std::uint64_t size = size_; (size & 1U) != 0; size >>= 1U) {
    subtree = node(peaks_.back(), subtree);
    peaks_.pop_back();
  }
  peaks_.push_back(subtree);
  ++size_;
}

Digest MerkleTree::root() const {
  if (peaks_.empty()) return sha256({});
  return bagged(peaks_, 0);
}

ByteBuffer MerkleTree::save() const {
  ByteBuffer out;
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(size_ >> shift));
  for (const Digest& peak : peaks_) out.insert(out.end(), peak.begin(), peak.end());
  return out;
}

std::optional<MerkleTree> MerkleTree::restore(Bytes state) {
  ByteCursor in{state};
  MerkleTree tree;
  tree.size_ = in.be64();
  for (int i = std::popcount(tree.size_); i > 0; --i) {
    const Bytes peak = in.take(32);
    if (!in.ok()) return std::nullopt;
    std::copy(peak.begin(), peak.end(), tree.peaks_.emplace_back().begin());
  }
  if (!in.ok() || in.left() != 0) return std::nullopt;
  return tree;
}

InclusionPath::InclusionPath(const MerkleTree& before)
    : index_(before.size_), size_(before.size_), peaks_(before.peaks_), mine_(peaks_.size()) {}

void InclusionPath::add(const Digest& leaf) {
  peaks_.push_back(leaf);
  for (std::uint64_t size = size_++; (size & 1U) != 0; size >>= 1U) {
    const Digest right = peaks_.back();
    peaks_.pop_back();
    if (mine_ == peaks_.size()) {
      siblings_.push_back(peaks_.back());
      --mine_;
    } else if (mine_ + 1 == peaks_.size()) {
      siblings_.push_back(right);
    }
    peaks_.back() = node(peaks_.back(), right);
  }
}

std::vector<Digest> InclusionPath::hashes() const {
  std::vector<Digest> out = siblings_;
  if (mine_ + 1 < peaks_.size()) out.push_back(bagged(peaks_, mine_ + 1));
  for (std::size_t i = mine_; i-- > 0;) out.push_back(peaks_[i]);
  return out;
}

bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                      const std::vector<Digest>& path, const Digest& root) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Digest hash = leaf;
  for (const Digest& sibling : path) {
    if (sn == 0) return false;
    if ((fn & 1U) != 0 || fn == sn) {
      hash = node(sibling, hash);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      hash = node(hash, sibling);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && hash == root;
}

}  // namespace dpi
