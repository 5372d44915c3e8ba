#include "probe/app/packet_choice.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

DirectedKey key_of(const ByteBuffer& ip_packet) {
  const Frame frame(ethernet(0x0800, ip_packet));
  const PacketView view = decoded(frame).view;
  return make_key(view, flow_ports(view));
}

TEST(PacketChoiceTest, WithoutAFlowTheTimeAloneChooses) {
  const PacketChoice choice({.from = timestamp(10), .to = timestamp(20)});
  const DirectedKey key = key_of(ipv4({}, udp(1, 2, {1})));
  EXPECT_FALSE(choice.chosen(key, timestamp(9)));
  EXPECT_TRUE(choice.chosen(key, timestamp(10)));
  EXPECT_TRUE(choice.chosen(key, timestamp(20)));
  EXPECT_FALSE(choice.chosen(key, timestamp(21)));
  EXPECT_TRUE(choice.chosen_without_flow(timestamp(15)));
}

TEST(PacketChoiceTest, AFlowIsChosenInBothDirectionsAndInItsTimesOnly) {
  const ByteBuffer there = ipv4({}, udp(1, 2, {1}));
  const ByteBuffer back = ipv4({.src_last = 2, .dst_last = 1}, udp(2, 1, {1}));
  const DirectedKey key = key_of(there);
  const std::string id{community_id(key.key.low, key.key.high, 17, false).view()};
  PacketChoice choice({});
  choice.add_flow(id, {timestamp(0), timestamp(1)});
  choice.add_flow(id, {timestamp(5), timestamp(6)});
  for (const ByteBuffer* packet : {&there, &back}) {
    EXPECT_TRUE(choice.chosen(key_of(*packet), timestamp(1)));
    EXPECT_FALSE(choice.chosen(key_of(*packet), timestamp(3)));
    EXPECT_TRUE(choice.chosen(key_of(*packet), timestamp(6)));
  }
  EXPECT_FALSE(choice.chosen(key_of(ipv4({}, udp(1, 3, {1}))), timestamp(1)));
  EXPECT_FALSE(choice.chosen_without_flow(timestamp(1)));
}

TEST(PacketChoiceTest, OnlyEventsOfFlowsAreTaken) {
  PacketChoice choice({});
  const auto add = [&](std::string_view type, std::string_view payload) {
    return choice.add_event(type, payload, std::chrono::seconds{1});
  };
  EXPECT_TRUE(add("dpi.flow", R"({"community_id":"1:a","end_at":"2023-11-14T22:13:21.000000000Z",)"
                              R"("start_at":"2023-11-14T22:13:20.000000000Z"})"));
  EXPECT_TRUE(
      add("dpi.dns", R"({"community_id":"1:a","response_at":"2023-11-14T22:13:21.000000000Z"})"));
  EXPECT_FALSE(add("dpi.dns", R"({"community_id":"1:a"})"));
  EXPECT_FALSE(add("dpi.flow", R"({"end_at":"2023-11-14T22:13:21.000000000Z"})"));
  EXPECT_FALSE(add("health.heartbeat", R"({"community_id":"1:a"})"));
  EXPECT_FALSE(add("dpi.flow", "no JSON"));
}

TEST(PacketChoiceTest, TimesMayLackTheirFraction) {
  EXPECT_EQ(parse_time_loosely("2023-11-14T22:13:20Z"), timestamp(1'700'000'000'000'000'000));
  EXPECT_EQ(parse_time_loosely("2023-11-14T22:13:20.5Z"), timestamp(1'700'000'000'500'000'000));
  EXPECT_EQ(parse_time_loosely("2023-11-14T22:13:20.000000001Z"),
            timestamp(1'700'000'000'000'000'001));
  for (const std::string_view no : {"", "Z", "2023-11-14", "2023-11-14T22:13:20",
                                    "2023-11-14T22:13:20.0000000001Z", "2023-13-14T22:13:20Z"})
    EXPECT_FALSE(parse_time_loosely(no)) << no;
}

}  // namespace
}  // namespace dpi
