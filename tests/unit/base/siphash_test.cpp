#include "probe/base/siphash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace dpi {
namespace {

// Reference vectors of the SipHash paper's implementation: key 00..0f, message 00..(n-1).
TEST(SipHashTest, MatchesReferenceVectors) {
  const HashSeed seed{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::vector<std::uint8_t> message(15);
  std::iota(message.begin(), message.end(), std::uint8_t{0});
  EXPECT_EQ(siphash(seed, Bytes{message}.first(0)), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(siphash(seed, Bytes{message}.first(1)), 0x74f839c593dc67fdU);
  EXPECT_EQ(siphash(seed, Bytes{message}.first(8)), 0x93f5f5799a932462U);
  EXPECT_EQ(siphash(seed, Bytes{message}.first(15)), 0xa129ca6149be45e5U);
}

TEST(SipHashTest, OfWordsIsThatOfTheirBytes) {
  const std::array<std::uint64_t, 2> words{0x0123456789abcdefU, 0xfedcba9876543210U};
  ByteBuffer bytes;
  for (const std::uint64_t word : words) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  EXPECT_EQ(siphash({1, 2}, words), siphash({1, 2}, Bytes{bytes}));
}

TEST(SipHashTest, DependsOnTheSeed) {
  EXPECT_NE(siphash({1, 2}, as_bytes("flow")), siphash({1, 3}, as_bytes("flow")));
}

}  // namespace
}  // namespace dpi
