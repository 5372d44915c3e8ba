#include "probe/spool/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace dpi {
namespace {

TEST(Crc32cTest, MatchesRfc3720Vectors) {
  ByteBuffer bytes(32);
  EXPECT_EQ(crc32c(bytes), 0x8A9136AAU);
  std::ranges::fill(bytes, std::uint8_t{0xFF});
  EXPECT_EQ(crc32c(bytes), 0x62A8AB43U);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  EXPECT_EQ(crc32c(bytes), 0x46DD794EU);
  std::ranges::reverse(bytes);
  EXPECT_EQ(crc32c(bytes), 0x113FDB5CU);
  const ByteBuffer read_command{0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
                                0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
                                0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0};
  EXPECT_EQ(crc32c(read_command), 0xD9963A56U);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
}

TEST(Crc32cTest, IsTheSameByTableAndByInstruction) {
  ByteBuffer bytes(300);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{3});
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const Bytes part = Bytes{bytes}.first(size);
    EXPECT_EQ(crc32c(part, 0x12345678U), crc32c_by_table(part, 0x12345678U)) << size;
  }
}

TEST(Crc32cTest, ContinuesAtEverySplit) {
  ByteBuffer bytes(67);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{7});
  const std::uint32_t whole = crc32c(bytes);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    EXPECT_EQ(crc32c(Bytes{bytes}.subspan(split), crc32c(Bytes{bytes}.first(split))), whole);
  }
}

}  // namespace
}  // namespace dpi
