#include "capture/snoop_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

using test::ByteWriter;
using test::payload;
using test::read_bytes;
using testing::HasSubstr;

ByteWriter snoop_file(std::uint32_t link = 4) {
  ByteWriter out{ByteOrder::big};
  out.raw(as_bytes(std::string_view{"snoop\0\0\0", 8})).u32(2).u32(link);
  return out;
}

void add(ByteWriter& out, const ByteBuffer& data, std::uint32_t wire, std::uint32_t drops) {
  const std::size_t padding = (4 - data.size() % 4) % 4;
  out.u32(wire).u32(data.size()).u32(24 + data.size() + padding).u32(drops).u32(9).u32(5);
  out.raw(data).pad4();
}

TEST(SnoopReaderTest, GivesPacketsAndRecordedDrops) {
  ByteWriter file = snoop_file();
  add(file, payload(61), 61, 0);
  add(file, payload(33, 2), 1500, 12);
  const auto reading = read_bytes(file.bytes());
  ASSERT_FALSE(reading.error) << reading.error->what;
  ASSERT_EQ(reading.packets.size(), 2U);
  EXPECT_EQ(reading.packets[0].data, payload(61));
  EXPECT_EQ(reading.packets[0].link, 1);
  EXPECT_EQ(reading.packets[0].nanoseconds, 9'000'005'000);
  EXPECT_EQ(reading.packets[1].wire_bytes, 1500U);
  EXPECT_EQ(reading.stats.dropped_kernel, 12U);
}

TEST(SnoopReaderTest, RefusesRecordShorterThanItsPacket) {
  ByteWriter file = snoop_file();
  file.u32(60).u32(60).u32(80).u32(0).u32(9).u32(5).raw(payload(60));
  EXPECT_THAT(read_bytes(file.bytes()).error->what, HasSubstr("record length 80"));
}

TEST(SnoopReaderTest, RefusesUnknownDataLink) {
  EXPECT_THAT(read_bytes(snoop_file(77).bytes()).error->what, HasSubstr("data link type 77"));
}

TEST(SnoopReaderTest, SurvivesTruncationAtEveryByte) {
  ByteWriter file = snoop_file();
  add(file, payload(10), 10, 0);
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    const auto reading = read_bytes(Bytes{file.bytes()}.first(size));
    EXPECT_TRUE(reading.packets.empty());
    EXPECT_EQ(reading.error.has_value(), size < 16);
  }
}

}  // namespace
}  // namespace dpi
