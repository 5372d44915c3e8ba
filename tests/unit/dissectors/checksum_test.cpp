#include "dissectors/checksum.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

std::uint16_t plain_sum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}
// As its bytes lie on the wire.
unsigned on_wire(std::uint16_t sum) {
  const auto* const b = reinterpret_cast<const std::uint8_t*>(&sum);
  return static_cast<unsigned>(b[0] << 8U | b[1]);
}
void put_checksum(ByteBuffer& bytes, std::size_t at, std::uint16_t sum) {
  bytes[at] = static_cast<std::uint8_t>(~sum >> 8U);
  bytes[at + 1] = static_cast<std::uint8_t>(~sum & 0xff);
}

// RFC 1071 §3: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2.
TEST(ChecksumTest, TheSumIsThatOfTheRfcsExampleAndOfTheSlowWay) {
  EXPECT_EQ(
      on_wire(ones_complement_sum(ByteBuffer{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})),
      0xddf2U);
  ByteBuffer bytes;
  for (unsigned i = 0; i < 300; ++i) {
    EXPECT_EQ(on_wire(ones_complement_sum(bytes)), plain_sum(bytes)) << i << " bytes";
    bytes.push_back(static_cast<std::uint8_t>(i * 151 + 200));
  }
  EXPECT_EQ(ones_complement_sum(ByteBuffer(4096, 0xff)), 0xffff) << "every carry falls out";
}

constexpr std::size_t ip_header = 20;

// An IPv4 packet whose checksums are right.
ByteBuffer right_packet(std::uint8_t protocol, ByteBuffer segment, unsigned fragment = 0) {
  ByteBuffer packet = ipv4({.protocol = protocol, .fragment = fragment}, segment);
  const ByteBuffer pseudo = ByteBuffer(packet.begin() + 12, packet.begin() + 20) +
                            ByteBuffer{0, protocol} + be16(static_cast<unsigned>(segment.size())) +
                            segment;
  if (protocol == ip_protocol::tcp || protocol == ip_protocol::udp)
    put_checksum(packet, ip_header + (protocol == ip_protocol::tcp ? 16 : 6), plain_sum(pseudo));
  put_checksum(packet, 10, plain_sum(Bytes{packet}.first(ip_header)));
  return packet;
}
bool wrong(const ByteBuffer& packet, std::size_t captured = 0xffff) {
  Frame frame(packet, 0, 101);
  frame.raw.data = Bytes{frame.bytes}.first(std::min(captured, frame.bytes.size()));
  return is_bad(checksum_of(decoded(frame).view));
}

TEST(ChecksumTest, EveryBitOfAPacketCounts) {
  for (const ByteBuffer& packet : {right_packet(ip_protocol::udp, udp(1, 9, text("odd"))),
                                   right_packet(ip_protocol::tcp, tcp({}, text("even")))}) {
    EXPECT_FALSE(wrong(packet));
    for (std::size_t at = ip_header; at < packet.size(); ++at) {
      const bool of_udp = packet[9] == ip_protocol::udp;
      const bool length = of_udp && (at == ip_header + 4 || at == ip_header + 5);
      const bool offset = !of_udp && at == ip_header + 12;
      if (length || offset) continue;  // then it is another header altogether
      ByteBuffer damaged = packet;
      damaged[at] ^= 0x10U;
      EXPECT_TRUE(wrong(damaged)) << at;
    }
    ByteBuffer ttl = packet;
    ++ttl[8];
    EXPECT_TRUE(wrong(ttl)) << "the header has a checksum of its own";
  }
}

TEST(ChecksumTest, UdpMaySendNone) {
  ByteBuffer packet = right_packet(ip_protocol::udp, udp(1, 9, text("abc")));
  packet[ip_header + 6] = packet[ip_header + 7] = 0;
  EXPECT_FALSE(wrong(packet));
}

TEST(ChecksumTest, WhatIsCutOrAFragmentOrOffloadedSaysNothingOfItsSegment) {
  ByteBuffer packet = right_packet(ip_protocol::udp, udp(1, 9, text("abcdef")));
  packet.back() ^= 1U;
  EXPECT_TRUE(wrong(packet));
  EXPECT_FALSE(wrong(packet, packet.size() - 1)) << "cut";
  ByteBuffer first = right_packet(ip_protocol::udp, udp(1, 9, text("abcdef")), 0x2000);
  first.back() ^= 1U;
  EXPECT_FALSE(wrong(first)) << "a fragment";
  packet[2] = packet[3] = packet[10] = packet[11] = 0;
  put_checksum(packet, 10, plain_sum(Bytes{packet}.first(ip_header)));
  EXPECT_FALSE(wrong(packet)) << "segmentation offload: its length is not filled in yet";
}

TEST(ChecksumTest, PaddingBehindUdpIsNotSummed) {
  ByteBuffer packet = right_packet(ip_protocol::udp, udp(1, 9, text("ab")));
  packet = packet + ByteBuffer{0xaa, 0xbb};
  packet[3] = static_cast<std::uint8_t>(packet[3] + 2);
  packet[10] = packet[11] = 0;
  put_checksum(packet, 10, plain_sum(Bytes{packet}.first(ip_header)));
  EXPECT_FALSE(wrong(packet)) << "the UDP length is shorter than the IP length";
}

// RFC 8200 §8.1.
TEST(ChecksumTest, Ipv6HasThePseudoHeaderOnly) {
  const ByteBuffer segment = udp(1, 9, text("abc"));
  ByteBuffer packet = ipv6(ip_protocol::udp, segment);
  const ByteBuffer pseudo = ByteBuffer(packet.begin() + 8, packet.begin() + 40) + be32(11) +
                            ByteBuffer{0, 0, 0, ip_protocol::udp} + segment;
  put_checksum(packet, 46, plain_sum(pseudo));
  EXPECT_FALSE(wrong(packet));
  packet.back() ^= 1U;
  EXPECT_TRUE(wrong(packet));
  const ByteBuffer routed =
      ipv6(ip_protocol::routing, ByteBuffer{ip_protocol::udp, 0, 0, 0, 0, 0, 0, 0} + segment);
  EXPECT_FALSE(wrong(routed)) << "its last destination stands in the routing header";
}

// A network card was to add the segment to the sum of the pseudo-header.
TEST(ChecksumTest, ALeftOutChecksumIsNoWrongOne) {
  ByteBuffer packet = right_packet(ip_protocol::tcp, tcp({}, text("even")));
  const auto state = [](const ByteBuffer& bytes) {
    const Frame frame(bytes, 0, 101);
    return transport_checksum(decoded(frame).view);
  };
  EXPECT_EQ(state(packet), Checksum::right);
  const auto length = static_cast<unsigned>(packet.size() - ip_header);
  const std::uint16_t pseudo = plain_sum(ByteBuffer(packet.begin() + 12, packet.begin() + 20) +
                                         ByteBuffer{0, ip_protocol::tcp} + be16(length));
  put_checksum(packet, ip_header + 16, static_cast<std::uint16_t>(~pseudo));
  EXPECT_EQ(state(packet), Checksum::left_out);
  packet[ip_header + 16] ^= 1U;
  EXPECT_EQ(state(packet), Checksum::wrong);
  packet.pop_back();
  EXPECT_EQ(state(packet), Checksum::unknown) << "cut";
  EXPECT_EQ(transport_checksum(PacketView{}), Checksum::unknown) << "without an IP header";
}

}  // namespace
}  // namespace dpi
