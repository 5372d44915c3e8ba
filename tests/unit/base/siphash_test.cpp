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

TEST(SipHashTest, DependsOnTheSeed) {
  EXPECT_NE(siphash({1, 2}, as_bytes("flow")), siphash({1, 3}, as_bytes("flow")));
}

}  // namespace
}  // namespace dpi
