#include "probe/base/byte_cursor.h"

#include <gtest/gtest.h>

#include <array>

namespace dpi {
namespace {

constexpr std::array<std::uint8_t, 8> data{1, 2, 3, 4, 5, 6, 7, 8};

TEST(ByteCursorTest, ReadsBothByteOrders) {
  ByteCursor in{data};
  EXPECT_EQ(in.be16(), 0x0102);
  EXPECT_EQ(in.le16(), 0x0403);
  EXPECT_EQ(in.be32(), 0x05060708U);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(ByteCursor{data}.le64(), 0x0807060504030201U);
  EXPECT_EQ(ByteCursor{data}.be64(), 0x0102030405060708U);
  EXPECT_EQ(ByteCursor{data}.be24(), 0x010203U);
}

TEST(ByteCursorTest, StaysFailedAfterOneShortRead) {
  ByteCursor in{Bytes{data}.first(3)};
  EXPECT_EQ(in.be32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_EQ(in.left(), 0U);
  EXPECT_TRUE(in.rest().empty());
}

TEST(ByteCursorTest, TakesExactlyWhatIsLeft) {
  ByteCursor in{data};
  EXPECT_EQ(in.take(8).size(), 8U);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.take(0).size(), 0U);
  EXPECT_TRUE(in.ok());
  in.skip(1);
  EXPECT_FALSE(in.ok());
}

TEST(ByteCursorTest, RefusesLengthsNearTheLimitOfSizeT) {
  ByteCursor in{data};
  in.skip(4);
  EXPECT_TRUE(in.take(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace dpi
