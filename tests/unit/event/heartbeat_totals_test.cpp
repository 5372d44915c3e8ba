#include "probe/event/heartbeat_totals.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(HeartbeatTotalsTest, EveryCounterGoesOnWhereTheLastRunEnded) {
  HeartbeatFacts now;
  HeartbeatFacts before;
  for (const TotalMember& member : total_members()) {
    now.*member.total = 2;
    before.*member.total = 3;
  }
  for (const InferredTotalMember& member : inferred_total_members()) {
    now.inference.*member.total = 2;
    before.inference.*member.total = 3;
  }
  before.inference.checksum_bad = 4;
  add_totals(now, before);
  EXPECT_EQ(now.inference.checksum_bad, 4U) << "a run that does not look keeps the count";
  for (const TotalMember& member : total_members()) EXPECT_EQ(now.*member.total, 5U) << member.name;
  for (const InferredTotalMember& member : inferred_total_members())
    EXPECT_EQ(now.inference.*member.total, 5U) << member.name;
}

InterfaceFacts interface(std::string name, std::uint64_t packets) {
  InterfaceFacts out;
  out.name = std::move(name);
  out.kind = "af_packet";
  out.packets = packets;
  return out;
}

TEST(HeartbeatTotalsTest, ListsAreAddedByNameAndNothingIsForgotten) {
  HeartbeatFacts now;
  now.interfaces.push_back(interface("b", 1));
  now.losses.push_back({"kernel", 1, 0, 0});
  now.events.push_back({"dpi.flow", 10, 1});
  HeartbeatFacts before;
  before.interfaces.push_back(interface("a", 7));
  before.interfaces.push_back(interface("b", 4));
  before.losses.push_back({"kernel", 2, 0, 0});
  before.losses.push_back({"worker_ring", 5, 6, 0});
  before.events.push_back({"dpi.dns", 3, 0});
  before.events.push_back({"dpi.flow", 5, 2});
  add_totals(now, before);
  ASSERT_EQ(now.interfaces.size(), 2U);
  EXPECT_EQ(now.interfaces[0].name, "a");
  EXPECT_EQ(now.interfaces[0].packets, 7U);
  EXPECT_FALSE(now.interfaces[0].link_up.has_value()) << "nobody watches it any more";
  EXPECT_EQ(now.interfaces[1].packets, 5U);
  ASSERT_EQ(now.losses.size(), 2U);
  EXPECT_EQ(now.losses[0].packets, 3U);
  EXPECT_EQ(now.losses[1].bytes, 6U);
  ASSERT_EQ(now.events.size(), 2U);
  EXPECT_EQ(now.events[0].event_type, "dpi.dns");
  EXPECT_EQ(now.events[1].sealed, 15U);
  EXPECT_EQ(now.events[1].shed, 3U);
}

}  // namespace
}  // namespace dpi
