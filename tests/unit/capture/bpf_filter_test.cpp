#include "capture/bpf_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "probe/base/bytes.h"

namespace dpi {
namespace {

using testing::HasSubstr;

// IPv4, UDP, port 53 to 5353, behind an Ethernet header of 14 bytes.
constexpr std::array<std::uint8_t, 42> frame{
    1, 2,  3,  4, 5, 6,  7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0,    0,    28, 0, 0, 0,
    0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,  0,  2,    0,    53,   0x14, 0xE9, 0,  8, 0, 0};
constexpr std::size_t ethernet_bytes = 14;

RawPacket packet_of(Bytes data, std::uint16_t link) {
  return RawPacket{
      .data = data, .wire_bytes = static_cast<std::uint32_t>(data.size()), .link = LinkType{link}};
}

TEST(BpfFilterTest, MatchesByExpression) {
  auto filter = BpfFilter::compile("udp port 53");
  ASSERT_TRUE(filter) << filter.error().what;
  EXPECT_TRUE(filter->matches(packet_of(frame, 1)));
  auto other = BpfFilter::compile("tcp");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->matches(packet_of(frame, 1)));
}

TEST(BpfFilterTest, CompilesForEachLinkTypeThatComes) {
  auto filter = BpfFilter::compile("udp port 53");
  ASSERT_TRUE(filter);
  const Bytes ip = Bytes{frame}.subspan(ethernet_bytes);
  EXPECT_TRUE(filter->matches(packet_of(ip, 101)));
  EXPECT_TRUE(filter->matches(packet_of(frame, 1)));
  EXPECT_TRUE(filter->matches(packet_of(ip, 228)));
  EXPECT_FALSE(filter->matches(packet_of({}, 1)));
}

TEST(BpfFilterTest, EmptyExpressionMatchesEverything) {
  auto filter = BpfFilter::compile("");
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->matches(packet_of(frame, 1)));
}

TEST(BpfFilterTest, RefusesWrongExpressionWithLibpcapsReason) {
  const auto filter = BpfFilter::compile("tcp prot 80");
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().code, Errc::usage);
  EXPECT_THAT(filter.error().what, HasSubstr("filter 'tcp prot 80'"));
  EXPECT_THAT(filter.error().what, HasSubstr("syntax error"));
}

TEST(BpfFilterTest, TakesExpressionThatOnlyAnotherLinkTypeUnderstands) {
  auto filter = BpfFilter::compile("type mgt");
  ASSERT_TRUE(filter) << filter.error().what;
  EXPECT_FALSE(filter->matches(packet_of(frame, 1)));
}

TEST(BpfFilterTest, NamesLinkTypeItCannotCompileForOnce) {
  auto filter = BpfFilter::compile("udp port 53");
  ASSERT_TRUE(filter);
  EXPECT_FALSE(filter->matches(packet_of(frame, 9999)));
  EXPECT_FALSE(filter->matches(packet_of(frame, 9999)));
  EXPECT_EQ(filter->unsupported_packets(), 2U);
  ASSERT_EQ(filter->warnings().size(), 1U);
  EXPECT_THAT(filter->warnings()[0], HasSubstr("link type 9999"));
}

}  // namespace
}  // namespace dpi
