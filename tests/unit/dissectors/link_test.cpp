#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT: packets read as sentences

const ByteBuffer inner = ipv4({}, udp(1111, 2222, text("payload")));

void expect_inner(const ByteBuffer& frame_bytes, unsigned link,
                  std::vector<Encapsulation> encapsulations = {},
                  std::vector<std::uint16_t> vlans = {}) {
  const Frame frame(frame_bytes, 0, link);
  const Decoded d = decoded(frame);
  ASSERT_EQ(d.outcome, DecodeOutcome::decoded);
  EXPECT_EQ(d.view.src_port, 1111);
  EXPECT_EQ(as_text(d.view.payload), "payload");
  const auto e = d.view.encapsulations.view();
  EXPECT_EQ(std::vector<Encapsulation>(e.begin(), e.end()), encapsulations);
  const auto v = d.view.vlan_ids.view();
  EXPECT_EQ(std::vector<std::uint16_t>(v.begin(), v.end()), vlans);
  EXPECT_TRUE(d.view.anomalies.none());
}

const ByteBuffer llc_snap_ip = ByteBuffer{0xaa, 0xaa, 3, 0, 0, 0, 8, 0} + inner;

TEST(LinkTest, EthernetAndItsLlcForm) {
  expect_inner(ethernet(0x0800, inner), 1);
  expect_inner(ethernet(static_cast<unsigned>(llc_snap_ip.size()), llc_snap_ip), 1);
}

TEST(LinkTest, TagsInAnyOrder) {
  const ByteBuffer tagged = be16(0x2005) + be16(0x0800) + inner;  // priority 1, VLAN 5
  expect_inner(ethernet(0x8100, tagged), 1, {Encapsulation::vlan}, {5});
  expect_inner(ethernet(0x88a8, be16(100) + be16(0x8100) + tagged), 1,
               {Encapsulation::qinq, Encapsulation::vlan}, {100, 5});
  expect_inner(ethernet(0x9100, be16(100) + be16(0x8100) + tagged), 1,
               {Encapsulation::qinq, Encapsulation::vlan}, {100, 5});
  expect_inner(ethernet(0x8926, zeros(4) + be16(0x0800) + inner), 1, {Encapsulation::vntag});
}

TEST(LinkTest, ATagThatTheKernelTookOffComesFirst) {
  Frame frame(ethernet(0x8100, be16(5) + be16(0x0800) + inner));
  frame.raw.vlan_stripped = true;
  frame.raw.vlan_tpid = 0x88a8;
  frame.raw.vlan_tci = 0x6064;
  const auto view = decoded(frame).view;
  EXPECT_EQ(view.vlan_ids.view()[0], 100);
  EXPECT_EQ(view.encapsulations.view()[0], Encapsulation::qinq);
}

// The tag was on the wire and is not among the bytes: nothing was cut.
TEST(LinkTest, AFrameWhoseTagTheKernelTookOffIsWhole) {
  Frame frame(ethernet(0x0800, inner));
  frame.raw.vlan_stripped = true;
  frame.raw.vlan_tpid = 0x8100;
  frame.raw.vlan_tci = 5;
  frame.raw.wire_bytes += 4;
  EXPECT_FALSE(decoded(frame).view.cut);
  EXPECT_TRUE(decoded(frame).view.anomalies.none());
  frame.raw.wire_bytes += 1;
  EXPECT_TRUE(decoded(frame).view.cut);
}

TEST(LinkTest, CookedCaptures) {
  expect_inner(zeros(14) + be16(0x0800) + inner, 113);
  expect_inner(be16(0x0800) + zeros(18) + inner, 276);
}

TEST(LinkTest, LoopbackInBothByteOrders) {
  expect_inner(ByteBuffer{2, 0, 0, 0} + inner, 0);
  expect_inner(ByteBuffer{0, 0, 0, 2} + inner, 0);
  expect_inner(ByteBuffer{0, 0, 0, 2} + inner, 108);
}

TEST(LinkTest, RawIp) {
  for (const unsigned link : {101U, 228U}) expect_inner(inner, link);
}

TEST(LinkTest, PointToPoint) {
  expect_inner(ByteBuffer{0xff, 3, 0, 0x21} + inner, 9);
  expect_inner(ByteBuffer{0x21} + inner, 9);  // compressed protocol field
  expect_inner(ByteBuffer{0xff, 3, 0, 0x21} + inner, 50);
  expect_inner(ByteBuffer{0x0f, 0, 8, 0} + inner, 104);
  expect_inner(ByteBuffer{0x18, 0x41, 3, 0xcc} + inner, 107);
  expect_inner(ByteBuffer{0x18, 0x41, 8, 0} + inner, 107);
}

TEST(LinkTest, WirelessDataFrames) {
  const ByteBuffer data = ByteBuffer{0x08, 1, 0, 0} + zeros(20) + llc_snap_ip;
  expect_inner(data, 105, {Encapsulation::ieee80211});
  expect_inner(ByteBuffer{0, 0, 8, 0, 0, 0, 0, 0} + data, 127, {Encapsulation::ieee80211});
  expect_inner(ByteBuffer{0x88, 1, 0, 0} + zeros(20) + be16(0) + llc_snap_ip, 105,
               {Encapsulation::ieee80211});  // QoS
  const Frame encrypted(ByteBuffer{0x08, 0x41, 0, 0} + zeros(20) + llc_snap_ip, 0, 105);
  EXPECT_EQ(decoded(encrypted).outcome, DecodeOutcome::not_ip);
}

// tcpdump.org/linktypes.html.
TEST(LinkTest, LoopbackWithAnEtherTypeOrPpp) {
  expect_inner(ByteBuffer{0x00, 0x08, 0, 0} + inner, 0);
  expect_inner(ByteBuffer{0, 0, 0x08, 0x00} + inner, 0);
  expect_inner(ByteBuffer{0xff, 3, 0, 0x21} + inner, 0);
  expect_inner(ByteBuffer{0x0f, 0, 8, 0} + inner, 0);
}

TEST(LinkTest, CiscoFramingUnderThePppLinkType) {
  expect_inner(ByteBuffer{0x0f, 0, 8, 0} + inner, 9);
}

TEST(LinkTest, FramesWithADirectionByte) {
  expect_inner(ByteBuffer{1, 0xff, 3, 0, 0x21} + inner, 204);
  expect_inner(ByteBuffer{1, 3, 0, 0x21} + inner, 166);
  expect_inner(ByteBuffer{0, 0x0f, 0, 8, 0} + inner, 205);
  expect_inner(ByteBuffer{1, 0x18, 0x41, 3, 0xcc} + inner, 206);
}

TEST(LinkTest, OtherLocalNetworksUnderLlc) {
  expect_inner(ByteBuffer{0x50} + zeros(12) + llc_snap_ip, 10);       // FDDI
  expect_inner(ByteBuffer{0x10, 0x40} + zeros(12) + llc_snap_ip, 6);  // token ring
  expect_inner(ByteBuffer{0x10, 0x40} + zeros(6) + ByteBuffer{0x80, 0, 0, 0, 0, 1, 0x04, 0, 0, 0} +
                   llc_snap_ip,
               6);                                      // with source routing
  expect_inner(zeros(16) + llc_snap_ip, 122);           // IP over Fibre Channel
  expect_inner(zeros(16) + be16(0x0800) + inner, 138);  // IP over FireWire
  expect_inner(llc_snap_ip, 100);                       // ATM, RFC 2684 §5.1
  expect_inner(ByteBuffer{0xfe, 0xfe, 3, 0xcc} + inner, 100);
  expect_inner(ByteBuffer{0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0} + ethernet(0x0800, inner), 100);
  const Frame management(ByteBuffer{0x41} + zeros(12) + llc_snap_ip, 0, 10);
  EXPECT_EQ(decoded(management).outcome, DecodeOutcome::not_ip);
}

TEST(LinkTest, NetfilterLogInBothByteOrders) {
  const auto length = static_cast<std::uint8_t>(inner.size() + 4);
  expect_inner(
      ByteBuffer{2, 0, 0, 42, 8, 0, 1, 0, 0, 0, 3, 0, 5, 0, 10, 0, 0, 0, 0, 0, length, 0, 9, 0} +
          inner,
      239);
  expect_inner(ByteBuffer{2, 0, 0, 42, 0, 8, 0, 1, 0, 0, 3, 0, 0, length, 0, 9} + inner, 239);
  const Frame endless(ByteBuffer{2, 0, 0, 42, 0, 0, 9, 0} + inner, 0, 239);
  EXPECT_EQ(decoded(endless).outcome, DecodeOutcome::malformed);
}

TEST(LinkTest, HeadersOfCaptureTools) {
  expect_inner(
      ByteBuffer{16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 9, 9, 9} + ethernet(0x0800, inner),
      258);                                                         // PKTAP
  expect_inner(ByteBuffer{0, 0, 8, 0, 101, 0, 0, 0} + inner, 192);  // PPI
  expect_inner(ByteBuffer{1, 2} + zeros(22) + inner, 226);          // IPNET
  expect_inner(ByteBuffer{61, 2} + zeros(62) + inner, 117);         // PFLOG
  expect_inner(zeros(12) + inner, 109);                             // ENC
  expect_inner(zeros(16) + inner, 8);                               // SLIP
  expect_inner(
      zeros(8) + ByteBuffer{0x82} + zeros(7) + zeros(8) + zeros(2) + ethernet(0x0800, inner),
      197);  // ERF
  expect_inner(be32(0x00010140) + inner, 219, {Encapsulation::mpls});
  expect_inner(ByteBuffer{0x11, 0, 0, 1} + be16(static_cast<unsigned>(inner.size() + 2)) +
                   be16(0x21) + inner,
               51, {Encapsulation::pppoe});
}

TEST(LinkTest, CookedCapturesOfOtherHardware) {
  const ByteBuffer data = ByteBuffer{0x08, 1, 0, 0} + zeros(20) + llc_snap_ip;
  expect_inner(be16(0) + be16(801) + zeros(12) + data, 113, {Encapsulation::ieee80211});
  expect_inner(zeros(8) + be16(803) + zeros(10) + ByteBuffer{0, 0, 8, 0, 0, 0, 0, 0} + data, 276,
               {Encapsulation::ieee80211});
}

TEST(LinkTest, BridgeAndFabricTags) {
  // IEEE 802.1BR §11.2.1.
  expect_inner(ethernet(0x893f, be16(0x1000) + be16(0x00d3) + be16(0) + be16(0x0800) + inner), 1,
               {Encapsulation::etag});
  expect_inner(ethernet(0x8909, ByteBuffer{1, 1, 0, 1, 0, 5} + be16(0x0800) + inner), 1,
               {Encapsulation::cisco_metadata});
  expect_inner(ethernet(0x892f, be16(0x1034) + be16(7) + be16(0x0800) + inner), 1,
               {Encapsulation::hsr});
  expect_inner(ethernet(0x22f3, be16(0x0040) + zeros(4) + zeros(4) + ethernet(0x0800, inner)), 1,
               {Encapsulation::trill});
  expect_inner(ethernet(0x8903, be16(0x0440) + ethernet(0x0800, inner)), 1,
               {Encapsulation::fabricpath});
  // IEEE 802.1AE §9.3: authenticated only, with SCI and check value; encrypted frames stay closed.
  expect_inner(
      ethernet(0x88e5, ByteBuffer{0x20, 0} + be32(1) + zeros(8) + be16(0x0800) + inner + zeros(16)),
      1, {Encapsulation::macsec});
  const Frame encrypted(ethernet(0x88e5, ByteBuffer{0x2c, 0} + be32(1) + zeros(8) + inner));
  EXPECT_EQ(decoded(encrypted).outcome, DecodeOutcome::not_ip);
  const ByteBuffer whole = ethernet(0x0800, inner);
  expect_inner(ByteBuffer{1, 0, 0x0c, 0, 0, 0, 2, 0, 0, 0, 0, 1} +
                   be16(static_cast<unsigned>(whole.size() + 12)) +
                   ByteBuffer{0xaa, 0xaa, 3, 0, 0, 0x0c} + be16(7U << 1U) + zeros(4) + whole,
               1, {Encapsulation::isl}, {7});
}

TEST(LinkTest, WhatIsNotIpIsNoAnomaly) {
  const Frame arp(ethernet(0x0806, zeros(28)));
  const Decoded d = decoded(arp);
  EXPECT_EQ(d.outcome, DecodeOutcome::not_ip);
  EXPECT_TRUE(d.view.anomalies.none());
}

TEST(LinkTest, UnknownLinkTypesAndEmptyFramesAreNamed) {
  const Frame unknown(inner, 0, 9999);
  EXPECT_EQ(decoded(unknown).outcome, DecodeOutcome::malformed);
  EXPECT_TRUE(has(decoded(unknown).view.anomalies, Anomaly::link_type_unknown));
  const Frame empty(ByteBuffer{});
  EXPECT_TRUE(has(decoded(empty).view.anomalies, Anomaly::frame_empty));
}

}  // namespace
}  // namespace dpi
