#include "dissectors/padding.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

ByteBuffer segment(std::uint8_t flags, const ByteBuffer& payload) {
  return ipv4({.protocol = 6}, tcp({.flags = flags}, payload));
}

bool padding(const ByteBuffer& frame_bytes) {
  const Frame frame(frame_bytes);
  const Decoded result = decoded(frame);
  return is_counted_padding(result.view);
}

TEST(PaddingTest, ZerosUpToTheShortestFrameAreNoData) {
  EXPECT_TRUE(padding(ethernet(0x0800, segment(tcp_flag::ack, zeros(6)))));
  EXPECT_TRUE(padding(ethernet(0x8100, be16(5) + be16(0x0800) + segment(tcp_flag::ack, zeros(2)))));
}

TEST(PaddingTest, WhatIsPushedIsLongerOrSaysSomethingIsData) {
  EXPECT_FALSE(padding(ethernet(0x0800, segment(tcp_flag::ack | tcp_flag::psh, zeros(6)))));
  EXPECT_FALSE(padding(ethernet(0x0800, segment(tcp_flag::ack, zeros(7)))));
  EXPECT_FALSE(padding(ethernet(0x0800, segment(tcp_flag::ack, {0, 0, 0, 0, 0, 1}))));
}

TEST(PaddingTest, IsTheSameInATunnelWhoseFramesAreLonger) {
  const ByteBuffer inner = ethernet(0x0800, segment(tcp_flag::ack, zeros(6)));
  const ByteBuffer vxlan = ByteBuffer{8, 0, 0, 0, 0, 0, 7, 0} + inner;
  EXPECT_TRUE(padding(ethernet(0x0800, ipv4({.src_last = 3}, udp(50000, 4789, vxlan)))));
}

}  // namespace
}  // namespace dpi
