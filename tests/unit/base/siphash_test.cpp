#include "probe/base/siphash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace dpi {
namespace {

// What CPython 3.11 hashes bytes to, whose key is zero under PYTHONHASHSEED=0: 00..(n-1).
TEST(SipHashTest, IsWhatAnotherImplementationSays) {
  std::vector<std::uint8_t> message(40);
  std::iota(message.begin(), message.end(), std::uint8_t{0});
  EXPECT_EQ(siphash({}, Bytes{message}.first(1)), 0x68a914128e01e473U);
  EXPECT_EQ(siphash({}, Bytes{message}.first(7)), 0x2f098ab0c751325aU);
  EXPECT_EQ(siphash({}, Bytes{message}.first(8)), 0xead411e67ebe2eeaU);
  EXPECT_EQ(siphash({}, Bytes{message}.first(15)), 0xf30eb725bb91c9eaU);
  EXPECT_EQ(siphash({}, Bytes{message}), 0x95bc321ab41d8206U);
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
