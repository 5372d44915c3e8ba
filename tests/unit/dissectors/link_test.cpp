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
