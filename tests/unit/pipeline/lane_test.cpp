#include "probe/pipeline/lane.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

std::uint32_t lane(const ByteBuffer& ip_packet) {
  const Frame frame(ethernet(0x0800, ip_packet));
  const PacketView view = decoded(frame).view;
  return lane_of(make_key(view, flow_ports(view), {.vlan = true, .tunnel = true}));
}

// Of a TCP packet from 10.0.host, port 443, to that host's peer.
DirectedKey key_of(unsigned host, IpAddress peer, HashSeed seed = {}) {
  PacketView view;
  view.ip_version = 4;
  view.protocol = ip_protocol::tcp;
  view.src = {
      .bytes = {10, 0, static_cast<std::uint8_t>(host >> 8U), static_cast<std::uint8_t>(host)}};
  view.dst = peer;
  return make_key(view, {443, 50'000}, {}, seed);
}

TEST(LaneTest, BothDirectionsOfAConversationMeet) {
  for (unsigned port = 1; port < 500; ++port) {
    EXPECT_EQ(lane(ipv4({}, udp(port, 9999, {1}))),
              lane(ipv4({.src_last = 2, .dst_last = 1}, udp(9999, port, {1}))));
  }
}

TEST(LaneTest, ARegularAddressPlanUsesEveryLaneEvenly) {
  std::array<int, lane_count> count{};
  for (unsigned host = 0; host < 6400; ++host) {
    const IpAddress peer{
        .bytes = {10, 1, static_cast<std::uint8_t>(host >> 8U), static_cast<std::uint8_t>(host)}};
    ++count[lane_of(key_of(host, peer))];
  }
  for (const int n : count) EXPECT_NEAR(n, 6400 / static_cast<int>(lane_count), 60);
}

// Who knows the function but not its key cannot choose conversations that share a lane.
TEST(LaneTest, ConversationsThatMeetUnderOneKeyPartUnderAnother) {
  std::array<int, lane_count> count{};
  int met = 0;
  for (unsigned host = 0; host < 65'536; ++host) {
    const IpAddress peer{.bytes = {10, 1, 1, 1}};
    if (lane_of(key_of(host, peer)) != 7) continue;
    ++met;
    ++count[lane_of(key_of(host, peer, {0x0123456789abcdef, 0xfedcba9876543210}))];
  }
  for (const int n : count) EXPECT_NEAR(n, met / static_cast<int>(lane_count), 40);
}

// An LLMNR or NetBIOS answer comes from an address that was not asked.
TEST(LaneTest, MulticastNameServicesMeetTheirAnswers) {
  for (const unsigned service : {137U, 5353U, 5355U}) {
    EXPECT_EQ(lane(ipv4({.dst_last = 252}, udp(50'000, service, {1}))),
              lane(ipv4({.src_last = 99, .dst_last = 1}, udp(service, 50'000, {1}))));
  }
}

}  // namespace
}  // namespace dpi
