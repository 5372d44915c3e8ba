#include "probe/envelope/merkle.h"

#include <gtest/gtest.h>

#include <span>

#include "probe/crypto/digest.h"

namespace dpi {
namespace {

Digest leaf(Bytes data) {
  constexpr std::array<std::uint8_t, 1> prefix{0};
  return sha256({prefix, data});
}

// The reference tree of RFC 6962 implementations (certificate-transparency-go, merkle tests).
std::vector<ByteBuffer> reference_inputs() {
  std::vector<ByteBuffer> out;
  for (const char* text : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                           "606162636465666768696a6b6c6d6e6f"}) {
    out.push_back(*parse_hex(text));
  }
  return out;
}

TEST(MerkleTreeTest, MatchesTheReferenceRootsOfEverySize) {
  const std::array<const char*, 9> roots{
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleTree tree;
  EXPECT_EQ(hex(tree.root()), roots[0]);
  std::size_t size = 0;
  for (const ByteBuffer& input : reference_inputs()) {
    tree.add(leaf(input));
    EXPECT_EQ(hex(tree.root()), roots[++size]);
  }
}

TEST(MerkleTreeTest, ContinuesFromItsSavedState) {
  MerkleTree whole;
  for (std::uint8_t i = 0; i < 100; ++i) {
    const auto restored = MerkleTree::restore(whole.save());
    ASSERT_TRUE(restored.has_value());
    EXPECT_EQ(restored->size(), i);
    EXPECT_EQ(restored->root(), whole.root());
    whole.add(leaf(ByteBuffer{i}));
  }
}

// What InclusionPath gives is checked with RFC 9162 §2.1.3.2's own algorithm and with the
// recursive definition of §2.1.3.1.
std::vector<Digest> path_by_definition(std::size_t index, std::span<const Digest> leaves) {
  if (leaves.size() <= 1) return {};
  std::size_t left = 1;
  while (left * 2 < leaves.size()) left *= 2;
  const bool in_left = index < left;
  auto path = path_by_definition(in_left ? index : index - left,
                                 in_left ? leaves.first(left) : leaves.subspan(left));
  MerkleTree other;
  for (const Digest& d : in_left ? leaves.subspan(left) : leaves.first(left)) other.add(d);
  path.push_back(other.root());
  return path;
}

TEST(InclusionPathTest, IsThatOfTheDefinitionForEveryLeafInEveryTree) {
  std::vector<Digest> leaves;
  for (std::uint8_t i = 0; i < 67; ++i) leaves.push_back(leaf(ByteBuffer{i}));
  for (std::size_t index = 0; index < leaves.size(); ++index) {
    MerkleTree tree;
    for (std::size_t i = 0; i < index; ++i) tree.add(leaves[i]);
    InclusionPath path(tree);
    for (std::size_t size = index + 1; size <= leaves.size(); ++size) {
      tree.add(leaves[size - 1]);
      path.add(leaves[size - 1]);
      ASSERT_EQ(path.hashes(),
                path_by_definition(index, std::span<const Digest>{leaves}.first(size)))
          << index << " of " << size;
      ASSERT_TRUE(verify_inclusion(leaves[index], index, size, path.hashes(), tree.root()));
      ASSERT_FALSE(verify_inclusion(leaves[index], index + 1, size, path.hashes(), tree.root()));
    }
    EXPECT_EQ(path.index(), index);
  }
}

TEST(InclusionPathTest, AlteredShortenedOrLengthenedProvesNothing) {
  MerkleTree tree;
  for (std::uint8_t i = 0; i < 9; ++i) tree.add(leaf(ByteBuffer{i}));
  InclusionPath path(tree);
  for (std::uint8_t i = 9; i < 23; ++i) {
    tree.add(leaf(ByteBuffer{i}));
    path.add(leaf(ByteBuffer{i}));
  }
  const auto proves = [&](const std::vector<Digest>& hashes) {
    return verify_inclusion(leaf(ByteBuffer{9}), 9, 23, hashes, tree.root());
  };
  const auto honest = path.hashes();
  ASSERT_TRUE(proves(honest));
  for (std::size_t i = 0; i < honest.size(); ++i) {
    auto altered = honest;
    altered[i][31] ^= 1U;
    EXPECT_FALSE(proves(altered)) << i;
    EXPECT_FALSE(proves({honest.begin(), honest.begin() + static_cast<std::ptrdiff_t>(i)})) << i;
  }
  auto longer = honest;
  longer.push_back(honest.back());
  EXPECT_FALSE(proves(longer));
}

TEST(MerkleTreeTest, RefusesATruncatedOrLongerState) {
  MerkleTree tree;
  for (std::uint8_t i = 0; i < 7; ++i) tree.add(leaf(ByteBuffer{i}));
  ByteBuffer state = tree.save();
  for (std::size_t n = 0; n < state.size(); ++n)
    EXPECT_FALSE(MerkleTree::restore(Bytes{state}.first(n)).has_value());
  state.push_back(0);
  EXPECT_FALSE(MerkleTree::restore(state).has_value());
}

}  // namespace
}  // namespace dpi
