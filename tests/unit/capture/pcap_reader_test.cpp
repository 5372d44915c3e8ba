#include "capture/pcap_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

using test::payload;
using test::PcapFile;
using test::read_bytes;
using testing::HasSubstr;

struct Variant {
  std::uint32_t magic;
  ByteOrder order;
  std::int64_t nanoseconds;
};

class PcapVariantTest : public testing::TestWithParam<Variant> {};

TEST_P(PcapVariantTest, GivesBytesLengthsAndTime) {
  PcapFile file{GetParam().magic, GetParam().order, 113};
  file.packet(1'700'000'000, 123'456, payload(60, 1))
      .packet(1'700'000'001, 0, payload(14, 2), 1514);
  const auto reading = read_bytes(file.bytes());
  ASSERT_FALSE(reading.error) << reading.error->what;
  ASSERT_EQ(reading.packets.size(), 2U);
  EXPECT_EQ(reading.packets[0].data, payload(60, 1));
  EXPECT_EQ(reading.packets[0].wire_bytes, 60U);
  EXPECT_EQ(reading.packets[0].nanoseconds, 1'700'000'000'000'000'000 + GetParam().nanoseconds);
  EXPECT_EQ(reading.packets[0].link, 113);
  EXPECT_EQ(reading.packets[1].data, payload(14, 2));
  EXPECT_EQ(reading.packets[1].wire_bytes, 1514U);
  EXPECT_EQ(reading.stats.snapped_packets, 1U);
  EXPECT_TRUE(reading.warnings.empty());
}

INSTANTIATE_TEST_SUITE_P(All, PcapVariantTest,
                         testing::Values(Variant{PcapFile::micro, ByteOrder::little, 123'456'000},
                                         Variant{PcapFile::micro, ByteOrder::big, 123'456'000},
                                         Variant{PcapFile::nano, ByteOrder::little, 123'456},
                                         Variant{PcapFile::nano, ByteOrder::big, 123'456},
                                         Variant{PcapFile::modified, ByteOrder::little,
                                                 123'456'000},
                                         Variant{PcapFile::modified, ByteOrder::big, 123'456'000}));

ByteBuffer version_2_2(ByteOrder order, std::uint32_t link, std::uint32_t ticks) {
  PcapFile file{PcapFile::micro, order, link, 65535, 2};
  return file.packet(5, ticks, payload(60)).bytes();
}

TEST(PcapReaderTest, ReadsLinkTypeAndNanosecondsAsAixWritesThem) {
  const auto reading = read_bytes(version_2_2(ByteOrder::big, 6, 123'456'789));
  ASSERT_FALSE(reading.error) << reading.error->what;
  ASSERT_EQ(reading.packets.size(), 1U);
  EXPECT_EQ(reading.packets[0].link, 1);
  EXPECT_EQ(reading.packets[0].nanoseconds, 5'123'456'789);
}

TEST(PcapReaderTest, TakesOtherCapturesOfVersion22AsTheySayOfThemselves) {
  for (const auto& [order, link] : {std::pair{ByteOrder::little, 6U}, {ByteOrder::big, 1U}}) {
    const auto reading = read_bytes(version_2_2(order, link, 123'456));
    ASSERT_EQ(reading.packets.size(), 1U);
    EXPECT_EQ(reading.packets[0].link, link);
    EXPECT_EQ(reading.packets[0].nanoseconds, 5'123'456'000);
  }
}

TEST(PcapReaderTest, SkipsDataSizeOfIxiaFiles) {
  for (const std::uint32_t magic : {0x1C0001ACU, 0x1C0001ABU}) {
    PcapFile file{magic, ByteOrder::big};
    file.raw().u32(76);
    file.packet(5, 7, payload(60));
    const auto reading = read_bytes(file.bytes());
    ASSERT_FALSE(reading.error) << reading.error->what;
    ASSERT_EQ(reading.packets.size(), 1U);
    EXPECT_EQ(reading.packets[0].nanoseconds, 5'000'007'000);
  }
}

TEST(PcapReaderTest, IgnoresFrameCheckSequenceBitsOfLinkType) {
  PcapFile file{PcapFile::micro, ByteOrder::little, 0x54000001};
  file.packet(1, 0, payload(20));
  EXPECT_EQ(read_bytes(file.bytes()).packets.at(0).link, 1);
}

TEST(PcapReaderTest, MapsHistoricalRawIpLinkTypes) {
  for (const std::uint32_t link : {12U, 14U, 101U}) {
    PcapFile file{PcapFile::micro, ByteOrder::little, link};
    file.packet(1, 0, payload(20));
    EXPECT_EQ(read_bytes(file.bytes()).packets.at(0).link, 101);
  }
}

TEST(PcapReaderTest, TakesSnapLengthZeroAsUnlimited) {
  PcapFile file{PcapFile::micro, ByteOrder::little, 1, 0};
  file.packet(1, 0, payload(70'000));
  EXPECT_EQ(read_bytes(file.bytes()).packets.at(0).data.size(), 70'000U);
}

TEST(PcapReaderTest, KeepsPacketsLongerThanSmallSnapLength) {
  PcapFile file{PcapFile::micro, ByteOrder::little, 1, 96};
  file.packet(1, 0, payload(200));
  EXPECT_EQ(read_bytes(file.bytes()).packets.at(0).data, payload(200));
}

TEST(PcapReaderTest, RaisesWireLengthBelowCapturedLength) {
  PcapFile file;
  file.packet(1, 0, payload(60), 40);
  const auto reading = read_bytes(file.bytes());
  EXPECT_EQ(reading.packets.at(0).wire_bytes, 60U);
  EXPECT_EQ(reading.stats.clamped_packets, 1U);
}

TEST(PcapReaderTest, SwapsLengthsOfOldVersions) {
  PcapFile always{PcapFile::micro, ByteOrder::little, 1, 65535, 2};
  always.raw().u32(1).u32(0).u32(100).u32(60).raw(payload(60));
  EXPECT_EQ(read_bytes(always.bytes()).packets.at(0).wire_bytes, 100U);
  PcapFile either{PcapFile::micro, ByteOrder::little, 1, 65535, 3};
  either.raw().u32(1).u32(0).u32(100).u32(60).raw(payload(60));
  either.packet(2, 0, payload(60), 100);
  const auto reading = read_bytes(either.bytes());
  EXPECT_EQ(reading.packets.at(0).data.size(), 60U);
  EXPECT_EQ(reading.packets.at(1).data.size(), 60U);
}

TEST(PcapReaderTest, CountsEmptyPackets) {
  PcapFile file;
  file.packet(1, 0, {}).packet(2, 0, {}, 60);
  const auto reading = read_bytes(file.bytes());
  EXPECT_EQ(reading.packets.size(), 2U);
  EXPECT_EQ(reading.stats.zero_packets, 2U);
  EXPECT_EQ(reading.stats.wire_bytes, 60U);
}

TEST(PcapReaderTest, NamesFileOffsetPacketAndLimitOfAbsurdLength) {
  PcapFile file;
  file.packet(1, 0, payload(60)).packet(2, 0, payload(60));
  file.raw().u32(3).u32(0).u32(4'325'376).u32(4'325'376).raw(payload(100));
  const auto reading = read_bytes(file.bytes());
  EXPECT_EQ(reading.packets.size(), 2U);
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->code, Errc::input);
  EXPECT_THAT(reading.error->what, HasSubstr("test.pcap: packet 3 at byte 176: "));
  EXPECT_THAT(reading.error->what, HasSubstr("captured length 4325376, expected at most 262144"));
  EXPECT_THAT(reading.error->what, HasSubstr("get an undamaged copy"));
}

TEST(PcapReaderTest, ReadsPacketLargerThanAnArena) {
  constexpr std::uint32_t large = 3U << 20U;
  PcapFile file{PcapFile::micro, ByteOrder::little, 1, large};
  file.packet(1, 0, payload(100)).packet(2, 0, payload(large, 9)).packet(3, 0, payload(100, 5));
  const auto reading = read_bytes(file.bytes());
  ASSERT_EQ(reading.packets.size(), 3U);
  EXPECT_EQ(reading.packets[1].data, payload(large, 9));
  EXPECT_EQ(reading.packets[2].data, payload(100, 5));
}

TEST(PcapReaderTest, BoundsPacketWhateverTheSnapLengthSays) {
  PcapFile file{PcapFile::micro, ByteOrder::little, 1, 0xFFFFFFFF};
  file.raw().u32(3).u32(0).u32(0xFFFFFFF0).u32(0xFFFFFFF0);
  const auto reading = read_bytes(file.bytes());
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("expected at most 16777216"));
}

TEST(PcapReaderTest, RefusesUnknownMajorVersion) {
  test::ByteWriter file;
  file.u32(PcapFile::micro).u16(7).u16(4).u32(0).u32(0).u32(65535).u32(1);
  const auto reading = read_bytes(file.bytes());
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("pcap version 7.4, expected 2.x"));
}

TEST(PcapReaderTest, KeepsTimesOf2105) {
  PcapFile file;
  file.packet(0xFFFFFFFF, 999'999, payload(20));
  EXPECT_EQ(read_bytes(file.bytes()).packets.at(0).nanoseconds, 4'294'967'295'999'999'000);
}

}  // namespace
}  // namespace dpi
