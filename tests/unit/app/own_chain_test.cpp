#include "probe/app/own_chain.h"

#include <gtest/gtest.h>

#include "tests/support/rotating_chain.h"

namespace dpi {
namespace {

// Whose place in the file signs, when the chain's last checkpoint is signed by `signers`.
std::optional<std::size_t> in_force(std::initializer_list<std::uint8_t> signers,
                                    std::initializer_list<std::uint8_t> file) {
  std::vector<SigningKey> keys;
  for (const std::uint8_t key : file) keys.push_back(chain_key(key));
  const SpoolState state{.head = {},
                         .note = signed_again(rotating_chain()[rotated::note_1].note, signers)};
  return key_in_force(state, keys);
}

TEST(KeyInForceTest, OfAChainThatBeginsTheNewest) {
  std::vector<SigningKey> keys;
  keys.push_back(chain_key(1));
  EXPECT_EQ(key_in_force(std::nullopt, keys), 0U);
  keys.push_back(chain_key(2));
  EXPECT_EQ(key_in_force(std::nullopt, keys), 1U);
}

TEST(KeyInForceTest, IsTheOneThatSignedLast) {
  EXPECT_EQ(in_force({1}, {1}), 0U);
  EXPECT_EQ(in_force({1}, {1, 2}), 0U) << "the rotation is still to come";
  EXPECT_EQ(in_force({2}, {1, 2}), 1U) << "it is done, and not finished";
  EXPECT_EQ(in_force({2}, {2}), 0U);
}

TEST(KeyInForceTest, BehindAHandOverTheNewOne) {
  EXPECT_EQ(in_force({2, 1}, {1, 2}), 1U);
}

TEST(KeyInForceTest, AnOlderOrOtherKeyFileHasNone) {
  EXPECT_EQ(in_force({2}, {1}), std::nullopt);
  EXPECT_EQ(in_force({3}, {1, 2}), std::nullopt);
  // Key 1 signed here, but has handed over to one that this file does not hold.
  EXPECT_EQ(in_force({2, 1}, {1}), std::nullopt);
  EXPECT_EQ(in_force({2, 1}, {1, 3}), std::nullopt);
}

TEST(KeyInForceTest, AnUnreadableCheckpointHasNone) {
  std::vector<SigningKey> keys;
  keys.push_back(chain_key(1));
  EXPECT_EQ(key_in_force(SpoolState{.head = {}, .note = "garbage"}, keys), std::nullopt);
}

}  // namespace
}  // namespace dpi
