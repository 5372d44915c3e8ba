#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

Decoded see(const ByteBuffer& ip_packet) {
  static std::vector<std::unique_ptr<Frame>> frames;
  frames.push_back(std::make_unique<Frame>(ethernet(0x0800, ip_packet)));
  return decoded(*frames.back());
}

TEST(TransportTest, ReadsTcp) {
  const auto v =
      see(ipv4({.protocol = 6},
               tcp({.seq = 7, .ack = 9, .flags = tcp_flag::psh | tcp_flag::ack, .window = 512},
                   text("data"))))
          .view;
  EXPECT_EQ(v.tcp.sequence, 7U);
  EXPECT_EQ(v.tcp.acknowledgement, 9U);
  EXPECT_EQ(v.tcp.window, 512);
  EXPECT_EQ(as_text(v.payload), "data");
}

TEST(TransportTest, NamesImpossibleTcpHeaders) {
  ByteBuffer segment = tcp({}, text("data"));
  segment[12] = 0x40;  // 16 bytes
  EXPECT_TRUE(
      has(see(ipv4({.protocol = 6}, segment)).view.anomalies, Anomaly::tcp_header_length_invalid));
  segment[12] = 0xf0;  // 60 bytes, more than there are
  EXPECT_TRUE(
      has(see(ipv4({.protocol = 6}, segment)).view.anomalies, Anomaly::tcp_header_length_invalid));
  EXPECT_TRUE(has(see(ipv4({.protocol = 6}, tcp({.flags = 0}))).view.anomalies,
                  Anomaly::tcp_flags_invalid));
  EXPECT_TRUE(
      has(see(ipv4({.protocol = 6}, tcp({.flags = tcp_flag::syn | tcp_flag::fin}))).view.anomalies,
          Anomaly::tcp_flags_invalid));
}

TEST(TransportTest, NamesImpossibleUdpLengths) {
  ByteBuffer datagram = udp(1, 2, text("abc"));
  datagram[5] = 200;
  EXPECT_TRUE(has(see(ipv4({}, datagram)).view.anomalies, Anomaly::udp_length_invalid));
  datagram[5] = 3;
  EXPECT_TRUE(has(see(ipv4({}, datagram)).view.anomalies, Anomaly::udp_length_invalid));
}

TEST(TransportTest, KeepsThePortsOfACutHeader) {
  const auto d = see(ipv4({.protocol = 6}, be16(1111) + be16(2222)));
  EXPECT_EQ(d.view.src_port, 1111);
  EXPECT_FALSE(d.view.has_transport);
  EXPECT_TRUE(has(d.view.anomalies, Anomaly::transport_header_cut));
}

TEST(TransportTest, ReadsThePortsOfSctp) {
  EXPECT_EQ(see(ipv4({.protocol = 132}, be16(5) + be16(6) + zeros(8))).view.dst_port, 6);
}

}  // namespace
}  // namespace dpi
