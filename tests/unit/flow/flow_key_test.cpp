#include "probe/flow/flow_key.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT: packets read as sentences

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return IpAddress::from_wire(std::array<std::uint8_t, 4>{a, b, c, d});
}

TEST(FlowKeyTest, BothDirectionsGiveOneKey) {
  const Frame there(ethernet(0x0800, ipv4({}, udp(1000, 53, {}))));
  const Frame back(ethernet(0x0800, ipv4({.src_last = 2, .dst_last = 1}, udp(53, 1000, {}))));
  const auto a = decoded(there).view;
  const auto b = decoded(back).view;
  EXPECT_EQ(make_key(a, flow_ports(a)).key, make_key(b, flow_ports(b)).key);
  EXPECT_NE(make_key(a, flow_ports(a)).sender, make_key(b, flow_ports(b)).sender);
}

TEST(FlowKeyTest, EchoRequestAndReplyAreOneFlow) {
  const Frame there(ethernet(0x0800, ipv4({.protocol = 1}, {8, 0, 0, 0})));
  const Frame back(
      ethernet(0x0800, ipv4({.src_last = 2, .dst_last = 1, .protocol = 1}, {0, 0, 0, 0})));
  const auto a = decoded(there).view;
  const auto b = decoded(back).view;
  EXPECT_EQ(make_key(a, flow_ports(a)).key, make_key(b, flow_ports(b)).key);
}

// Baselines of the Community ID specification (github.com/corelight/community-id-spec, baseline/).
TEST(CommunityIdTest, MatchesThePublishedBaselines) {
  const Endpoint tcp_src{v4(128, 232, 110, 120), 34855};
  const Endpoint tcp_dst{v4(66, 35, 250, 204), 80};
  EXPECT_EQ(community_id(tcp_src, tcp_dst, 6, false), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(community_id(tcp_dst, tcp_src, 6, false), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(community_id({v4(192, 168, 1, 52), 54585}, {v4(8, 8, 8, 8), 53}, 17, false),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  EXPECT_EQ(community_id({v4(192, 168, 0, 89), 8}, {v4(192, 168, 0, 1), 0}, 1, false),
            "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
}

}  // namespace
}  // namespace dpi
