#include "capture/pcapng_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/pcapng_interface.h"
#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

using test::ByteWriter;
using test::payload;
using test::PcapngFile;
using test::read_bytes;
using testing::HasSubstr;

constexpr std::uint16_t option_tsresol = 9;
constexpr std::uint16_t option_tsoffset = 14;
constexpr std::uint64_t second = 1'000'000;

std::int64_t time_of(std::uint8_t resolution, std::int64_t offset, std::uint64_t ticks) {
  ByteWriter body;
  body.u16(1).u16(0).u32(0).u16(option_tsresol).u16(1).u8(resolution).u8(0).u16(0);
  body.u16(option_tsoffset).u16(8).u64(static_cast<std::uint64_t>(offset));
  return nanoseconds(PcapngInterface::parse(body.bytes(), ByteOrder::little)->time(ticks));
}

TEST(PcapngReaderTest, ReadsEveryPacketBlockInBothByteOrders) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    PcapngFile file{order};
    file.interface(1).enhanced(0, 5 * second + 7, payload(61), 1000);
    file.obsolete(0, 6 * second, payload(62)).simple(payload(63));
    const auto reading = read_bytes(file.bytes());
    ASSERT_FALSE(reading.error) << reading.error->what;
    ASSERT_EQ(reading.packets.size(), 3U);
    EXPECT_EQ(reading.packets[0].data, payload(61));
    EXPECT_EQ(reading.packets[0].wire_bytes, 1000U);
    EXPECT_EQ(reading.packets[0].nanoseconds, 5'000'007'000);
    EXPECT_EQ(reading.packets[1].data, payload(62));
    EXPECT_EQ(reading.packets[1].nanoseconds, 6'000'000'000);
    EXPECT_EQ(reading.packets[2].data, payload(63));
  }
}

TEST(PcapngReaderTest, GivesSimplePacketsTheTimeBefore) {
  PcapngFile file;
  file.interface(1).simple(payload(10)).enhanced(0, 9 * second, payload(11)).simple(payload(12));
  const auto reading = read_bytes(file.bytes());
  ASSERT_EQ(reading.packets.size(), 3U);
  EXPECT_TRUE(reading.packets[0].time_missing);
  EXPECT_EQ(reading.packets[0].nanoseconds, 0);
  EXPECT_FALSE(reading.packets[1].time_missing);
  EXPECT_TRUE(reading.packets[2].time_missing);
  EXPECT_EQ(reading.packets[2].nanoseconds, 9'000'000'000);
  EXPECT_EQ(reading.stats.time_missing_packets, 2U);
}

TEST(PcapngReaderTest, CutsSimplePacketsAtSnapLength) {
  PcapngFile file;
  file.interface(1, 40).simple(payload(40), 1500);
  const auto reading = read_bytes(file.bytes());
  ASSERT_FALSE(reading.error) << reading.error->what;
  EXPECT_EQ(reading.packets.at(0).data, payload(40));
  EXPECT_EQ(reading.packets.at(0).wire_bytes, 1500U);
}

TEST(PcapngReaderTest, MixesInterfacesOfDifferentLinkTypes) {
  PcapngFile file;
  file.interface(1).interface(113, 96).interface(14);
  file.enhanced(2, 1, payload(20)).enhanced(0, 2, payload(21)).enhanced(1, 3, payload(22));
  const auto reading = read_bytes(file.bytes());
  ASSERT_EQ(reading.packets.size(), 3U);
  EXPECT_EQ(reading.packets[0].link, 101);
  EXPECT_EQ(reading.packets[0].interface, 2);
  EXPECT_EQ(reading.packets[1].link, 1);
  EXPECT_EQ(reading.packets[2].link, 113);
  EXPECT_EQ(reading.packets[2].interface, 1);
}

TEST(PcapngReaderTest, StartsOverWithEachSection) {
  PcapngFile file{ByteOrder::little};
  file.interface(1).interface(1).enhanced(1, 1 * second, payload(20));
  file.section(ByteOrder::big).interface(113).enhanced(0, 2 * second, payload(21));
  const auto reading = read_bytes(file.bytes());
  ASSERT_FALSE(reading.error) << reading.error->what;
  ASSERT_EQ(reading.packets.size(), 2U);
  EXPECT_EQ(reading.packets[0].interface, 1);
  EXPECT_EQ(reading.packets[1].link, 113);
  EXPECT_EQ(reading.packets[1].interface, 2);  // within the source, not the section
  EXPECT_EQ(reading.packets[1].nanoseconds, 2'000'000'000);
}

TEST(PcapngReaderTest, ForgetsInterfacesOfTheSectionBefore) {
  PcapngFile file;
  file.interface(1).section(ByteOrder::little).enhanced(0, 1, payload(20));
  const auto reading = read_bytes(file.bytes());
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("interface 0, expected one of the 0 described"));
}

TEST(PcapngReaderTest, SkipsUnknownBlocksOfAnySize) {
  PcapngFile file;
  file.block(0x0BAD, payload(8)).interface(1).block(0x80000BAD, {});
  file.enhanced(0, 1, payload(20)).block(4, payload(5U << 20U)).enhanced(0, 2, payload(21));
  const auto reading = read_bytes(file.bytes());
  ASSERT_FALSE(reading.error) << reading.error->what;
  ASSERT_EQ(reading.packets.size(), 2U);
  EXPECT_EQ(reading.packets[1].data, payload(21));
}

TEST(PcapngReaderTest, CountsRecordedLossOncePerInterface) {
  const auto statistics = [](std::uint32_t interface, std::uint64_t nic, std::uint64_t kernel) {
    return ByteWriter{}.u32(interface).u64(0).u16(5).u16(8).u64(nic).u16(7).u16(8).u64(kernel);
  };
  PcapngFile file;
  file.interface(1).interface(1).enhanced(0, 1, payload(20));
  file.block(5, statistics(0, 3, 10).bytes()).block(5, statistics(0, 4, 12).bytes());
  file.block(5, statistics(1, 1, 1).bytes()).block(5, statistics(9, 1, 1).bytes());
  const auto reading = read_bytes(file.bytes());
  EXPECT_EQ(reading.stats.dropped_nic, 5U);
  EXPECT_EQ(reading.stats.dropped_kernel, 13U);
}

TEST(PcapngReaderTest, NamesOffsetOfWrongBlockLengths) {
  struct Case {
    std::uint32_t front;
    std::uint32_t behind;
    const char* text;
  };
  for (const Case& wrong :
       {Case{8, 8, "block length 8"}, Case{17, 17, "block length 17"}, Case{0, 0, "block length 0"},
        Case{16, 20, "20 behind the block"}, Case{0xFFFFFFFC, 16, "block length 4294967292"}}) {
    PcapngFile file;
    file.interface(1).enhanced(0, 1, payload(20));
    const std::size_t offset = file.bytes().size();
    file.raw(ByteWriter{}.u32(6).u32(wrong.front).u32(0).u32(wrong.behind).bytes());
    const auto reading = read_bytes(file.bytes());
    EXPECT_EQ(reading.packets.size(), 1U);
    ASSERT_TRUE(reading.error) << wrong.text;
    EXPECT_THAT(reading.error->what, HasSubstr("packet 2 at byte " + std::to_string(offset)));
    EXPECT_THAT(reading.error->what, HasSubstr(wrong.text));
  }
}

TEST(PcapngReaderTest, RefusesCapturedLengthBeyondItsBlock) {
  PcapngFile file;
  file.interface(1);
  file.block(6, ByteWriter{}.u32(0).u64(0).u32(24).u32(24).raw(payload(20)).bytes());
  const auto reading = read_bytes(file.bytes());
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("captured length 24, expected at most the 20 bytes"));
}

TEST(PcapngReaderTest, RefusesOptionsThatOverrunAnInterface) {
  PcapngFile file;
  file.interface(1, 0, ByteWriter{}.u16(option_tsresol).u16(200).u32(0).bytes());
  EXPECT_TRUE(read_bytes(file.bytes()).error);
}

TEST(PcapngReaderTest, RefusesWrongByteOrderMagicAndVersion) {
  PcapngFile file;
  ByteBuffer wrong_magic = file.bytes();
  wrong_magic[8] = 0;
  EXPECT_THAT(read_bytes(wrong_magic).error->what, HasSubstr("without byte-order magic"));
  ByteBuffer wrong_version = file.bytes();
  wrong_version[12] = 9;
  EXPECT_THAT(read_bytes(wrong_version).error->what, HasSubstr("pcapng version 9.0, expected 1.x"));
}

TEST(PcapngInterfaceTest, ConvertsDecimalAndBinaryResolutions) {
  EXPECT_EQ(time_of(6, 0, 1'234'567), 1'234'567'000);
  EXPECT_EQ(time_of(9, 0, 1'700'000'000'123'456'789), 1'700'000'000'123'456'789);
  EXPECT_EQ(time_of(0, 0, 77), 77'000'000'000);
  EXPECT_EQ(time_of(3, 0, 1'500), 1'500'000'000);
  EXPECT_EQ(time_of(12, 0, 1'999'999'999'999), 1'999'999'999);
  EXPECT_EQ(time_of(0x80 | 10, 0, 1536), 1'500'000'000);
  EXPECT_EQ(time_of(0x80 | 32, 0, (std::uint64_t{7} << 32U) | 0x80000000U), 7'500'000'000);
  EXPECT_EQ(time_of(0x80 | 63, 0, std::uint64_t{1} << 62U), 500'000'000);
  EXPECT_EQ(time_of(0x80, 0, 12), 12'000'000'000);
}

TEST(PcapngInterfaceTest, AddsOffset) {
  EXPECT_EQ(time_of(6, 1'000, 5), 1'000'000'005'000);
  EXPECT_EQ(time_of(6, -2, 5'000'000), 3'000'000'000);
  EXPECT_EQ(time_of(6, -7, 5'000'000), -2'000'000'000);
}

TEST(PcapngInterfaceTest, ClampsTimesOutsideTheClock) {
  constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t min = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(time_of(0, 0, ~std::uint64_t{0}), max);
  EXPECT_EQ(time_of(0, max, ~std::uint64_t{0}), max);
  EXPECT_EQ(time_of(6, min, 0), -max);
  EXPECT_EQ(time_of(127, 0, ~std::uint64_t{0}), 0);
  EXPECT_EQ(time_of(255, 0, ~std::uint64_t{0}), 0);
  EXPECT_EQ(time_of(28, 0, ~std::uint64_t{0}), 1);
}

}  // namespace
}  // namespace dpi
