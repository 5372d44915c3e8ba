#include "capture/interface/link_message.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cstring>

#include "capture/interface/link_watcher.h"

namespace dpi {
namespace {

class Message {
 public:
  Message(std::uint16_t type, int index, unsigned flags, std::uint8_t family = AF_UNSPEC) {
    nlmsghdr head{};
    head.nlmsg_type = type;
    add(head);
    ifinfomsg info{};
    info.ifi_family = family;
    info.ifi_type = 1;
    info.ifi_index = index;
    info.ifi_flags = flags;
    add(info);
  }
  template <class T>
  Message& attribute(std::uint16_t type, const T& value) {
    add(rtattr{static_cast<unsigned short>(sizeof(rtattr) + sizeof value), type});
    add(value);
    return *this;
  }
  Message& name(std::string_view text) {
    char padded[8] = {};
    std::memcpy(padded, text.data(), text.size());
    return attribute(IFLA_IFNAME, padded);
  }
  [[nodiscard]] ByteBuffer bytes() const {
    ByteBuffer whole = bytes_;
    const auto size = static_cast<std::uint32_t>(whole.size());
    std::memcpy(whole.data(), &size, sizeof size);
    return whole;
  }

 private:
  template <class T>
  void add(const T& value) {
    const auto at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  ByteBuffer bytes_;
};

constexpr unsigned lower_up = 1U << 16U;

ByteBuffer full_message() {
  rtnl_link_stats64 stats{};
  stats.rx_packets = 10;
  stats.rx_dropped = 20;
  stats.rx_missed_errors = 30;
  return Message{RTM_NEWLINK, 7, IFF_UP | lower_up}
      .name("eth0")
      .attribute(IFLA_MTU, std::uint32_t{9000})
      .attribute(IFLA_NUM_RX_QUEUES, std::uint32_t{4})
      .attribute(IFLA_STATS64, stats)
      .bytes();
}

TEST(LinkMessageTest, ReadsWhatTheKernelSays) {
  const auto links = parse_link_messages(full_message());
  ASSERT_EQ(links.size(), 1U);
  const LinkState& link = links.front();
  EXPECT_EQ(link.index, 7);
  EXPECT_EQ(link.name, "eth0");
  EXPECT_FALSE(link.removed);
  EXPECT_TRUE(link.up);
  EXPECT_TRUE(link.carrier);
  EXPECT_EQ(link.hardware, 1);
  EXPECT_EQ(link.mtu_bytes, 9000U);
  EXPECT_EQ(link.rx_queues, 4U);
  ASSERT_TRUE(link.has_counters);
  EXPECT_EQ(link.counters.rx_packets, 10U);
  EXPECT_EQ(link.counters.rx_dropped, 20U);
  EXPECT_EQ(link.counters.rx_missed, 30U);
}

TEST(LinkMessageTest, TellsRemovalFromLeavingABridge) {
  const auto removed = parse_link_messages(Message{RTM_DELLINK, 7, 0}.name("eth0").bytes());
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_TRUE(removed.front().removed);
  EXPECT_TRUE(
      parse_link_messages(Message{RTM_DELLINK, 7, 0, AF_BRIDGE}.name("eth0").bytes()).empty());
}

TEST(LinkMessageTest, NoCarrierWhileSetDown) {
  const auto links = parse_link_messages(Message{RTM_NEWLINK, 7, lower_up}.name("eth0").bytes());
  ASSERT_EQ(links.size(), 1U);
  EXPECT_FALSE(links.front().up);
  EXPECT_FALSE(links.front().carrier);
}

TEST(LinkMessageTest, ReadsSeveralMessagesInOrder) {
  ByteBuffer two = full_message();
  const ByteBuffer second = Message{RTM_NEWLINK, 8, 0}.name("eth1").bytes();
  two.insert(two.end(), second.begin(), second.end());
  const auto links = parse_link_messages(two);
  ASSERT_EQ(links.size(), 2U);
  EXPECT_EQ(links.back().name, "eth1");
}

TEST(LinkMessageTest, CutAnywhereGivesNothing) {
  const ByteBuffer whole = full_message();
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_TRUE(parse_link_messages(Bytes{whole}.first(n)).empty()) << n;
}

TEST(LinkMessageTest, AttributeThatClaimsTooMuchOrTooLittleEndsTheMessage) {
  ByteBuffer message =
      Message{RTM_NEWLINK, 7, IFF_UP}.name("eth0").attribute(IFLA_MTU, 1500U).bytes();
  const std::size_t mtu_at = message.size() - sizeof(rtattr) - sizeof(std::uint32_t);
  for (const std::uint16_t length : std::array<std::uint16_t, 4>{0, 3, 9, 0xFFFF}) {
    std::memcpy(message.data() + mtu_at, &length, sizeof length);
    const auto links = parse_link_messages(message);
    ASSERT_EQ(links.size(), 1U) << length;
    EXPECT_EQ(links.front().mtu_bytes, 0U) << length;
  }
}

TEST(LinkWatcherTest, ListsTheLoopbackInterfaceAndFindsItAgain) {
  const auto links = list_links();
  ASSERT_TRUE(links) << links.error().what;
  const auto lo = find_link("lo");
  if (!lo) GTEST_SKIP() << "there is no interface lo here";
  EXPECT_TRUE(lo->loopback);
  const auto again = read_link(lo->index);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->name, "lo");
  EXPECT_FALSE(read_link(0x7FFFFFF0));
  EXPECT_EQ(find_link("no-such-thing").error().code, Errc::input);
}

}  // namespace
}  // namespace dpi
