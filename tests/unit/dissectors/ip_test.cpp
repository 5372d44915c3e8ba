#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class IpTest : public ::testing::Test {
 protected:
  const PacketView& v4(ByteBuffer packet) { return see(0x0800, std::move(packet)); }
  const PacketView& v6(ByteBuffer packet) { return see(0x86dd, std::move(packet)); }
  const PacketView& see(unsigned type, ByteBuffer packet) {
    frame_ = std::make_unique<Frame>(ethernet(type, packet));
    result_ = decoded(*frame_);
    return result_.view;
  }
  std::unique_ptr<Frame> frame_;
  Decoded result_{};
};

TEST_F(IpTest, LengthRulesNotThePadding) {
  const auto& v = v4(ipv4({}, udp(1, 2, {1, 2, 3})) + zeros(15));
  EXPECT_EQ(v.ip_bytes, 31U);
  EXPECT_EQ(v.payload_bytes, 3U);
  EXPECT_EQ(v.payload.size(), 3U);
}

TEST_F(IpTest, LengthZeroCountsToTheEndOfTheFrame) {
  ByteBuffer packet = ipv4({}, udp(1, 2, zeros(50)));
  packet[2] = packet[3] = 0;
  const auto& v = v4(packet);
  EXPECT_EQ(v.ip_bytes, 78U);
  EXPECT_TRUE(has(v.anomalies, Anomaly::ip_length_zero));
}

TEST_F(IpTest, LyingLengthsAreNamedAndCountedAsTheySay) {
  ByteBuffer packet = ipv4({}, udp(1, 2, {}));
  packet[2] = 0xff;
  EXPECT_TRUE(has(v4(packet).anomalies, Anomaly::ip_length_exceeds_frame));
  EXPECT_EQ(v4(packet).ip_bytes, 0xff00U + 28);
  packet[2] = 0;
  packet[3] = 10;
  EXPECT_TRUE(has(v4(packet).anomalies, Anomaly::ip_length_below_header));
}

TEST_F(IpTest, RefusesWrongVersionsAndHeaderLengths) {
  ByteBuffer packet = ipv4({}, udp(1, 2, {}));
  packet[0] = 0x55;
  v4(packet);
  EXPECT_EQ(result_.outcome, DecodeOutcome::malformed);
  EXPECT_TRUE(has(result_.view.anomalies, Anomaly::ip_version_invalid));
  packet[0] = 0x44;
  EXPECT_TRUE(has(v4(packet).anomalies, Anomaly::ip_header_length_invalid));
}

TEST_F(IpTest, FragmentsKeepTheirPlace) {
  const auto& first = v4(ipv4({.id = 9, .fragment = 0x2000}, udp(1, 2, zeros(16))));
  EXPECT_TRUE(first.fragment.present && first.fragment.more && first.has_transport);
  const auto& later = v4(ipv4({.id = 9, .fragment = 3}, zeros(16)));
  EXPECT_TRUE(later.fragment.present);
  EXPECT_EQ(later.fragment.offset_bytes, 24U);
  EXPECT_FALSE(later.has_transport);
  EXPECT_EQ(later.protocol, 17);
}

// RFC 8200 §4: any legal order, and beyond.
TEST_F(IpTest, WalksExtensionHeaders) {
  const ByteBuffer hop = ByteBuffer{60, 0} + zeros(6);
  const ByteBuffer destination = ByteBuffer{43, 0} + zeros(6);
  const ByteBuffer routing = ByteBuffer{17, 0} + zeros(6);
  const auto& v = v6(ipv6(0, hop + destination + routing + udp(1111, 2222, text("x"))));
  EXPECT_EQ(v.protocol, 17);
  EXPECT_EQ(v.src_port, 1111);
  EXPECT_EQ(v.payload_bytes, 1U);
  EXPECT_TRUE(v.anomalies.none());
}

TEST_F(IpTest, BoundsTheNumberOfExtensionHeaders) {
  ByteBuffer chain;
  for (int i = 0; i < 40; ++i) chain = chain + ByteBuffer{60, 0} + zeros(6);
  EXPECT_TRUE(has(v6(ipv6(60, chain)).anomalies, Anomaly::ipv6_extensions_too_many));
}

TEST_F(IpTest, ReadsIpv6FragmentsAndAtomicOnes) {
  const auto& first =
      v6(ipv6(44, ByteBuffer{17, 0} + be16(1) + be32(7) + udp(1111, 2222, zeros(8))));
  EXPECT_TRUE(first.fragment.present && first.fragment.more);
  EXPECT_EQ(first.src_port, 1111);
  const auto& later = v6(ipv6(44, ByteBuffer{17, 0} + be16(16) + be32(7) + zeros(8)));
  EXPECT_EQ(later.fragment.offset_bytes, 16U);
  EXPECT_EQ(later.fragment.id, 7U);
  EXPECT_EQ(later.protocol, 17);
  const auto& atomic = v6(ipv6(44, ByteBuffer{17, 0} + be16(0) + be32(7) + udp(1111, 2222, {})));
  EXPECT_FALSE(atomic.fragment.present);
}

TEST_F(IpTest, NoNextHeaderIsAFlowOfItsOwn) {
  const auto& v = v6(ipv6(59, {}));
  EXPECT_EQ(v.protocol, 59);
  EXPECT_TRUE(v.anomalies.none());
}

}  // namespace
}  // namespace dpi
