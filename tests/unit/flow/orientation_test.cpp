#include "probe/flow/orientation.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

OrientationEvidence of(const ByteBuffer& ip_packet) {
  const Frame frame(ethernet(0x0800, ip_packet));
  const PacketView view = decoded(frame).view;
  return orientation_of(view);
}

TEST(OrientationTest, KnowsTheInitiatorByItsEvidence) {
  const ByteBuffer dns_query = be16(1) + be16(0x0100) + zeros(8);
  const ByteBuffer dns_answer = be16(1) + be16(0x8180) + zeros(8);
  const auto tcp_with = [](std::uint8_t flags, const ByteBuffer& payload = {}, unsigned src = 40000,
                           unsigned dst = 50000) {
    return ipv4({.protocol = 6}, tcp({.src = src, .dst = dst, .flags = flags}, payload));
  };
  struct Case {
    ByteBuffer packet;
    Orientation method;
    bool sender;
  };
  const std::vector<Case> cases{
      {tcp_with(tcp_flag::syn), Orientation::syn, true},
      {tcp_with(tcp_flag::syn | tcp_flag::ack), Orientation::syn_ack, false},
      {ipv4({}, udp(999, 53, dns_query)), Orientation::dns_qr, true},
      {ipv4({}, udp(53, 999, dns_answer)), Orientation::dns_qr, false},
      {tcp_with(tcp_flag::ack, {0x16, 3, 1, 0, 5, 1}), Orientation::tls_hello, true},
      {tcp_with(tcp_flag::ack, {0x16, 3, 3, 0, 5, 2}), Orientation::tls_hello, false},
      {tcp_with(tcp_flag::ack, text("GET / HTTP/1.1")), Orientation::http, true},
      {tcp_with(tcp_flag::ack, text("HTTP/1.1 200 OK")), Orientation::http, false},
      {ipv4({.protocol = 1}, {8, 0, 0, 0}), Orientation::icmp_type, true},
      {ipv4({.protocol = 1}, {0, 0, 0, 0}), Orientation::icmp_type, false},
      {tcp_with(tcp_flag::ack, {}, 443, 50000), Orientation::service_port, false},
      {tcp_with(tcp_flag::ack, {}, 50000, 443), Orientation::service_port, true},
      {tcp_with(tcp_flag::ack), Orientation::first_packet, true},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto e = of(cases[i].packet);
    EXPECT_EQ(e.method, cases[i].method) << i;
    EXPECT_EQ(e.sender_initiates, cases[i].sender) << i;
  }
}

}  // namespace
}  // namespace dpi
