#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

const ByteBuffer inner = ipv4({.src_last = 7, .dst_last = 8}, udp(1111, 2222, text("payload")));
const ByteBuffer inner_frame = ethernet(0x0800, inner);

PacketView view_of(const ByteBuffer& ip_packet) {
  static std::vector<std::unique_ptr<Frame>> frames;
  frames.push_back(
      std::make_unique<Frame>(ethernet(ip_packet[0] >> 4U == 4 ? 0x0800 : 0x86dd, ip_packet)));
  return decoded(*frames.back()).view;
}

void expect_inner(const ByteBuffer& ip_packet, Encapsulation tunnel,
                  std::optional<std::uint32_t> id = std::nullopt) {
  const PacketView v = view_of(ip_packet);
  EXPECT_EQ(v.src_port, 1111);
  EXPECT_EQ(ip_text(v.src), "10.0.0.7");
  EXPECT_EQ(v.ip_bytes, inner.size());
  EXPECT_EQ(v.tunnel.type, tunnel);
  EXPECT_EQ(v.tunnel.has_id, id.has_value());
  if (id) {
    EXPECT_EQ(v.tunnel.id, *id);
  }
  EXPECT_NE(ip_text(v.tunnel.src), "10.0.0.7") << "the tunnel's end is the outer address";
  EXPECT_TRUE(v.anomalies.none());
}

// RFC 2784 §2.1, RFC 2890 §2.
TEST(EncapsulationTest, Gre) {
  expect_inner(ipv4({.protocol = 47}, be16(0) + be16(0x0800) + inner), Encapsulation::gre);
  expect_inner(
      ipv4({.protocol = 47}, be16(0xb000) + be16(0x0800) + zeros(4) + be32(77) + be32(1) + inner),
      Encapsulation::gre, 77);
  // RFC 7637 §3.2: the virtual subnet is the upper 24 bits of the key.
  expect_inner(ipv4({.protocol = 47}, be16(0x2000) + be16(0x6558) + be32(0x00012301) + inner_frame),
               Encapsulation::nvgre, 0x000123);
  // RFC 2637 §4.1: version 1 with key (length, call id) and sequence.
  expect_inner(ipv4({.protocol = 47}, be16(0x3001) + be16(0x880b) + be32(0x00100042) + be32(1) +
                                          ByteBuffer{0xff, 3, 0, 0x21} + inner),
               Encapsulation::gre, 0x42);
}

// draft-foschiano-erspan §4.
TEST(EncapsulationTest, ErspanTypes) {
  expect_inner(ipv4({.protocol = 47}, be16(0) + be16(0x88be) + inner_frame), Encapsulation::erspan);
  expect_inner(ipv4({.protocol = 47}, be16(0x1000) + be16(0x88be) + be32(1) + be16(0x1000) +
                                          be16(0x0123) + be32(0) + inner_frame),
               Encapsulation::erspan, 0x123);
  expect_inner(ipv4({.protocol = 47}, be16(0x1000) + be16(0x22eb) + be32(1) + be16(0x2000) +
                                          be16(0x0123) + zeros(6) + be16(0) + inner_frame),
               Encapsulation::erspan, 0x123);
}

TEST(EncapsulationTest, UdpTunnels) {
  expect_inner(ipv4({}, udp(50000, 4789, ByteBuffer{8, 0, 0, 0, 0, 1, 2, 0} + inner_frame)),
               Encapsulation::vxlan, 0x102);
  expect_inner(
      ipv4({}, udp(50000, 6081, ByteBuffer{1, 0, 0x65, 0x58, 0, 0, 9, 0} + zeros(4) + inner_frame)),
      Encapsulation::geneve, 9);
  expect_inner(ipv4({}, udp(50000, 2152, ByteBuffer{0x30, 255, 0, 0} + be32(42) + inner)),
               Encapsulation::gtpu, 42);
  // With sequence number and an extension header of one word (TS 29.281 §5.2).
  expect_inner(ipv4({}, udp(50000, 2152,
                            ByteBuffer{0x36, 255, 0, 0} + be32(42) +
                                ByteBuffer{0, 1, 0, 0x85, 1, 0, 0, 0} + inner)),
               Encapsulation::gtpu, 42);
  expect_inner(
      ipv4({}, udp(1701, 1701,
                   be16(0x0002) + be16(1) + be16(5) + ByteBuffer{0xff, 3, 0, 0x21} + inner)),
      Encapsulation::l2tp, 5);
  expect_inner(ipv4({}, udp(50000, 37008, ByteBuffer{1, 0, 0, 1, 1} + inner_frame)),
               Encapsulation::tzsp);
  const ByteBuffer capwap{0x00, 0x10, 0x02, 0x00, 0, 0, 0, 0};  // two words, 802.3 payload
  expect_inner(ipv4({}, udp(50000, 5247, capwap + inner_frame)), Encapsulation::capwap);
}

// draft-ietf-nvo3-vxlan-gpe §3, RFC 9300 §5.3, RFC 9301 §5.8, draft-massar-v6ops-ayiya §3.
TEST(EncapsulationTest, MoreUdpTunnels) {
  expect_inner(ipv4({}, udp(50000, 4790, ByteBuffer{0x0c, 0, 0, 1, 0, 1, 2, 0} + inner)),
               Encapsulation::vxlan_gpe, 0x102);
  expect_inner(ipv4({}, udp(50000, 4341, zeros(8) + inner)), Encapsulation::lisp);
  expect_inner(ipv4({}, udp(50000, 4341, ByteBuffer{0x08, 0, 0, 0, 0, 1, 2, 0} + inner)),
               Encapsulation::lisp, 0x102);
  expect_inner(ipv4({}, udp(4342, 4342, ByteBuffer{0x80, 0, 0, 0} + inner)), Encapsulation::lisp);
  expect_inner(ipv4({}, udp(50000, 5072,
                            ByteBuffer{0x41, 0x52, 0x11, 4} + zeros(4) + zeros(16 + 20) + inner)),
               Encapsulation::ayiya);
  // RFC 3931 §4.1.2.1 with a cookie of eight bytes.
  expect_inner(ipv4({}, udp(1701, 1701, be32(0x00030000) + be32(9) + zeros(8) + inner_frame)),
               Encapsulation::l2tpv3, 9);
}

TEST(EncapsulationTest, MoreIpProtocols) {
  expect_inner(ipv4({.protocol = 115}, be32(9) + inner_frame), Encapsulation::l2tpv3, 9);
  expect_inner(ipv4({.protocol = 115}, be32(9) + zeros(4) + inner_frame), Encapsulation::l2tpv3, 9);
  EXPECT_EQ(view_of(ipv4({.protocol = 115}, be32(0) + inner_frame)).protocol, 115);  // control
  expect_inner(ipv6(143, inner_frame), Encapsulation::ethernet_in_ip);  // RFC 8986 §4.9
  // RFC 7761 §4.9.3; §4.9.1 hello stays PIM.
  expect_inner(ipv4({.protocol = 103}, ByteBuffer{0x21, 0, 0, 0} + zeros(4) + inner),
               Encapsulation::pim_register);
  EXPECT_EQ(view_of(ipv4({.protocol = 103}, ByteBuffer{0x20, 0, 0, 0} + zeros(8))).protocol, 103);
}

TEST(EncapsulationTest, CiscoMetadataAndWccpOverGre) {
  expect_inner(ipv4({.protocol = 47},
                    be16(0) + be16(0x8909) + be16(0x0800) + ByteBuffer{1, 1, 0, 1, 0, 0} + inner),
               Encapsulation::gre);
  expect_inner(ipv4({.protocol = 47}, be16(0) + be16(0x883e) + zeros(4) + inner),
               Encapsulation::gre);
  expect_inner(ipv4({.protocol = 47}, be16(0) + be16(0x883e) + inner), Encapsulation::gre);
}

// The Frame Control bytes of some access points come the other way round.
TEST(EncapsulationTest, CapwapWithSwappedFrameControl) {
  const ByteBuffer snap = ByteBuffer{0xaa, 0xaa, 3, 0, 0, 0, 8, 0} + inner;
  const ByteBuffer capwap{0x00, 0x10, 0x03, 0x00, 0, 0, 0, 0};  // two words, 802.11 payload
  for (const auto& control : {ByteBuffer{0x08, 0x01}, ByteBuffer{0x01, 0x08}}) {
    expect_inner(ipv4({}, udp(50000, 5247, capwap + control + zeros(22) + snap)),
                 Encapsulation::capwap);
  }
  expect_inner(
      ipv4({}, udp(50000, 12222,
                   ByteBuffer{0, 0, 0, 90, 0, 0} + ByteBuffer{0x01, 0x08} + zeros(22) + snap)),
      Encapsulation::lwapp);
}

// The first piece of a tunnel's outer datagram counts by what is inside, and tells what the later
// pieces are.
TEST(EncapsulationTest, AFirstFragmentIsOpenedAndRemembered) {
  const ByteBuffer whole = ipv4({.src_last = 7, .dst_last = 8}, udp(1111, 2222, zeros(2000)));
  ByteBuffer piece = udp(50000, 2152, ByteBuffer{0x30, 255, 0, 0} + be32(42) + whole);
  piece.resize(800);
  const PacketView v = view_of(ipv4({.id = 77, .fragment = 0x2000}, piece));
  EXPECT_EQ(v.src_port, 1111);
  EXPECT_EQ(v.ip_bytes, whole.size());
  EXPECT_FALSE(v.fragment.present);
  EXPECT_TRUE(v.outer.fragment.present);
  EXPECT_EQ(v.outer.fragment.id, 77U);
  EXPECT_EQ(v.outer.dst_port, 2152);
  EXPECT_EQ(v.outer.l4.size(), 800U);
  EXPECT_FALSE(view_of(ipv4({.fragment = 0x2000}, udp(1, 2, zeros(8)))).outer.fragment.present);
}

TEST(EncapsulationTest, IpInIp) {
  expect_inner(ipv4({.protocol = 4}, inner), Encapsulation::ipip);
  expect_inner(ipv6(4, inner), Encapsulation::fourin6);
  const PacketView six = view_of(ipv4({.protocol = 41}, ipv6(17, udp(1111, 2222, {}))));
  EXPECT_EQ(six.tunnel.type, Encapsulation::sixin4);
  EXPECT_EQ(six.ip_version, 6);
}

// RFC 4380 §5.1.1: origin indication, then IPv6.
TEST(EncapsulationTest, Teredo) {
  const ByteBuffer six = ipv6(17, udp(1111, 2222, {}));
  EXPECT_EQ(view_of(ipv4({}, udp(3544, 50000, zeros(8) + six))).tunnel.type, Encapsulation::teredo);
  EXPECT_EQ(view_of(ipv4({}, udp(50000, 3544, six))).ip_version, 6);
}

TEST(EncapsulationTest, Shims) {
  const auto decoded_frame = [](unsigned type, const ByteBuffer& bytes) {
    const Frame frame(ethernet(type, bytes));
    const auto d = decoded(frame);
    EXPECT_EQ(d.outcome, DecodeOutcome::decoded);
    EXPECT_EQ(d.view.src_port, 1111);
    return d.view.encapsulations.view().front();
  };
  EXPECT_EQ(decoded_frame(0x8847, be32(0x00010040) + be32(0x00020140) + inner),
            Encapsulation::mpls);
  EXPECT_EQ(decoded_frame(0x8847, be32(0x00010140) + zeros(4) + inner_frame),
            Encapsulation::mpls);  // pseudowire
  EXPECT_EQ(
      decoded_frame(0x8864, ByteBuffer{0x11, 0, 0, 1} +
                                be16(static_cast<unsigned>(inner.size() + 2)) + be16(0x21) + inner),
      Encapsulation::pppoe);
  EXPECT_EQ(decoded_frame(0x894f, ByteBuffer{0x0f, 0xc2, 2, 1} + zeros(4) + inner),
            Encapsulation::nsh);
}

TEST(EncapsulationTest, AuthenticationHeaderIsSteppedOver) {
  const ByteBuffer ah = ByteBuffer{17, 4} + zeros(22);
  EXPECT_EQ(view_of(ipv4({.protocol = 51}, ah + udp(1111, 2222, {}))).protocol, 17);
  EXPECT_EQ(view_of(ipv6(51, ah + udp(1111, 2222, {}))).protocol, 17);
}

TEST(EncapsulationTest, HeadersQuotedByIcmpErrorsNeverCount) {
  const PacketView v = view_of(ipv4({.protocol = 1}, ByteBuffer{3, 3, 0, 0, 0, 0, 0, 0} + inner));
  EXPECT_EQ(v.protocol, 1);
  EXPECT_EQ(ip_text(v.src), "10.0.0.1");
}

const ByteBuffer vxlan_header{8, 0, 0, 0, 0, 1, 2, 0};

void expect_carrier(const ByteBuffer& ip_packet) {
  const PacketView v = view_of(ip_packet);
  EXPECT_EQ(ip_text(v.src), "10.0.0.1");
  EXPECT_EQ(v.tunnel.type, Encapsulation::none);
  EXPECT_EQ(v.encapsulations.count, 0);
  EXPECT_EQ(v.vlan_ids.count, 0);
  EXPECT_TRUE(v.anomalies.none());
}

TEST(EncapsulationTest, WhatOnlyLooksLikeATunnelStaysItsCarrier) {
  expect_carrier(ipv4({}, udp(50000, 4789, text("plain datagram"))));
  expect_carrier(ipv4({}, udp(50000, 4789, vxlan_header + zeros(60))));
}

TEST(EncapsulationTest, WhatIsInsideAUdpTunnelMustVerify) {
  const auto with = [](std::size_t at, std::uint8_t value) {
    ByteBuffer packet = inner;
    packet[at] = value;
    const ByteBuffer tagged = be16(7) + be16(0x0800) + packet;
    return ipv4({}, udp(50000, 4789, vxlan_header + ethernet(0x8100, tagged)));
  };
  EXPECT_EQ(ip_text(view_of(with(0, 0x45)).src), "10.0.0.7");
  expect_carrier(with(0, 0x55));   // version
  expect_carrier(with(0, 0x44));   // header length
  expect_carrier(with(3, 19));     // total length below the header
  expect_carrier(with(2, 1));      // beyond the frame
  expect_carrier(with(10, 0x77));  // checksum
}

// A port names a tunnel as destination, or as source where the other end answers from it; beside a
// service's port it is a client's own choice.
TEST(EncapsulationTest, PortsOfTunnels) {
  const ByteBuffer vxlan = vxlan_header + inner_frame;
  expect_carrier(ipv4({}, udp(4789, 50000, vxlan)));
  expect_carrier(ipv4({}, udp(4789, 53, vxlan)));
  expect_carrier(ipv4({}, udp(53, 4789, vxlan)));
  expect_carrier(ipv4({}, udp(443, 8472, vxlan)));
  EXPECT_EQ(view_of(ipv4({}, udp(4789, 4789, vxlan))).tunnel.type, Encapsulation::vxlan);
  const ByteBuffer capwap = ByteBuffer{0x00, 0x10, 0x02, 0x00, 0, 0, 0, 0} + inner_frame;
  EXPECT_EQ(view_of(ipv4({}, udp(5247, 50000, capwap))).tunnel.type, Encapsulation::capwap);
  expect_carrier(ipv4({}, udp(5247, 53, capwap)));
}

TEST(EncapsulationTest, ATunnelIsOpenedHoweverMuchTheSnapLengthLeft) {
  Frame frame(ethernet(0x0800, ipv4({}, udp(50000, 4789, vxlan_header + inner_frame))));
  const std::size_t headers = frame.bytes.size() - 15;  // UDP and its payload are cut off
  frame.raw.data = frame.raw.data.first(headers);
  EXPECT_EQ(ip_text(decoded(frame).view.src), "10.0.0.7");
}

TEST(EncapsulationTest, ArpInsideATunnelBearsItOut) {
  const ByteBuffer arp = be16(1) + be16(0x0800) + be16(0x0604) + zeros(22);
  const PacketView v = view_of(ipv4({}, udp(50000, 4789, vxlan_header + ethernet(0x0806, arp))));
  EXPECT_EQ(ip_text(v.src), "10.0.0.1");
  EXPECT_EQ(v.tunnel.type, Encapsulation::vxlan);
}

// What an IP protocol number announces and what is not there is wrong, and still opened by nothing.
TEST(EncapsulationTest, AnAnnouncedTunnelAroundNothingIsNamed) {
  const PacketView v = view_of(ipv4({.protocol = 4}, text("this is no IP header at all")));
  EXPECT_EQ(v.protocol, 4);
  EXPECT_EQ(v.tunnel.type, Encapsulation::none);
  EXPECT_TRUE(has(v.anomalies, Anomaly::ip_version_invalid));
}

TEST(EncapsulationTest, TheOutermostHeaderCountsWhenAskedFor) {
  for (const ByteBuffer& packet :
       {ipv4({.protocol = 4}, inner), ipv4({.protocol = 47}, be16(0) + be16(0x0800) + inner),
        ipv4({}, udp(50000, 4789, ByteBuffer{8, 0, 0, 0, 0, 1, 2, 0} + inner_frame))}) {
    const Frame frame(ethernet(0x0800, packet));
    PacketView v;
    ASSERT_EQ(decode(frame.raw, v, {.outermost_ip = true}), DecodeOutcome::decoded);
    EXPECT_EQ(ip_text(v.src), "10.0.0.1");
    EXPECT_EQ(v.protocol, packet[9]);
    EXPECT_EQ(v.encapsulations.count, 0);
    EXPECT_EQ(v.tunnel.type, Encapsulation::none);
  }
}

TEST(EncapsulationTest, StopsAtSixteenLayers) {
  ByteBuffer packet = inner;
  for (int i = 0; i < 40; ++i) packet = ipv4({.protocol = 4}, packet);
  const PacketView v = view_of(packet);
  EXPECT_TRUE(has(v.anomalies, Anomaly::encapsulation_too_deep));
  EXPECT_EQ(v.encapsulations.count, encapsulations_max);
}

}  // namespace
}  // namespace dpi
