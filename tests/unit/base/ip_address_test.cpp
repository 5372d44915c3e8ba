#include "probe/base/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace dpi {
namespace {

IpAddress v6(const char* text) {
  std::array<std::uint8_t, 16> wire{};
  EXPECT_EQ(inet_pton(AF_INET6, text, wire.data()), 1);
  return IpAddress::from_wire(wire);
}

TEST(IpAddressTest, WritesIpv6AsRfc5952Says) {
  for (const char* text :
       {"::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "fe80::1:0:0:2",
        "::ffff:1.2.3.4", "2001:0:0:1::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:0:8", "0:0:1::"}) {
    EXPECT_EQ(ip_text(v6(text)), text);
  }
}

TEST(IpAddressTest, WritesFirstOfTwoEqualZeroRuns) {
  EXPECT_EQ(ip_text(v6("2001:db8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
}

TEST(IpAddressTest, WritesDottedQuad) {
  const std::array<std::uint8_t, 4> wire{192, 0, 2, 255};
  EXPECT_EQ(ip_text(IpAddress::from_wire(wire)), "192.0.2.255");
}

TEST(IpAddressTest, KnowsMulticastAndBroadcast) {
  EXPECT_TRUE(is_multicast(v6("ff02::fb")));
  EXPECT_FALSE(is_multicast(v6("fe80::1")));
  EXPECT_TRUE(is_multicast(IpAddress::from_wire(std::array<std::uint8_t, 4>{224, 0, 0, 251})));
  EXPECT_TRUE(is_multicast(IpAddress::from_wire(std::array<std::uint8_t, 4>{255, 255, 255, 255})));
  EXPECT_FALSE(is_multicast(IpAddress::from_wire(std::array<std::uint8_t, 4>{10, 0, 0, 255})));
}

}  // namespace
}  // namespace dpi
