#include "probe/store/receiver.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

constexpr DefaultPorts ports{.tcp = "601", .tls = "6514"};

TEST(Receiver, HasTheProtocolsPortWhereNoneIsGiven) {
  const auto tcp = parse_receiver("tcp://collector.example", ports);
  ASSERT_TRUE(tcp) << tcp.error().what;
  EXPECT_EQ(tcp->transport, Transport::tcp);
  EXPECT_EQ(tcp->text(), "collector.example:601");
  EXPECT_EQ(parse_receiver("tls://collector.example", ports)->text(), "collector.example:6514");
}

TEST(Receiver, TakesAnAddressOfEitherFamily) {
  EXPECT_EQ(parse_receiver("tcp://192.0.2.1:99", ports)->text(), "192.0.2.1:99");
  const auto six = parse_receiver("tcp://[2001:db8::1]:99", ports);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->hosts.front().host, "2001:db8::1");
  EXPECT_EQ(six->text(), "[2001:db8::1]:99");
}

TEST(Receiver, TakesSeveralHostsANameAndTheFilesOfTls) {
  const auto out =
      parse_receiver("tls://a:1,b,[::1]:3/topic?ca=/x/ca.pem&cert=/x/c.pem&key=/x/k.pem", ports);
  ASSERT_TRUE(out) << out.error().what;
  EXPECT_EQ(out->text(), "a:1,b:6514,[::1]:3");
  EXPECT_EQ(out->name, "topic");
  EXPECT_EQ(out->files(), (std::vector<std::string>{"/x/ca.pem", "/x/c.pem", "/x/k.pem"}));
  EXPECT_TRUE(out->tls.verify);
  EXPECT_FALSE(parse_receiver("tls://a?verify=no", ports)->tls.verify);
}

TEST(Receiver, RefusesWhatItWouldMisunderstand) {
  for (const char* const text :
       {"udp://a", "a:1", "tcp://", "tcp://:1", "tcp://a:", "tcp://a:0", "tcp://a:65536",
        "tcp://a:1x", "tcp://[::1", "tcp://[::1]1", "tcp://a b", "tcp://a\nb", "tcp://a,,b",
        "tcp://a,", "tcp://a?ca=/x", "tls://a?ca=", "tls://a?verify=maybe", "tls://a?pin=x",
        "tls://a?key=/x/k.pem"}) {
    const auto out = parse_receiver(text, ports);
    ASSERT_FALSE(out) << text;
    EXPECT_EQ(out.error().code, Errc::usage);
  }
  std::string many = "tcp://a";
  for (int i = 0; i < 100; ++i) many += ",a";
  EXPECT_FALSE(parse_receiver(many, ports));
}

}  // namespace
}  // namespace dpi
