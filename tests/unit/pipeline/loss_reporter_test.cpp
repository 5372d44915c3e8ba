#include "probe/pipeline/loss_reporter.h"

#include <gtest/gtest.h>

#include "probe/pipeline/event_ledger.h"

namespace dpi {
namespace {

TEST(LossReporterTest, TellsWhatWasLostSinceTheLastHeartbeatCauseByCause) {
  LossReporter reporter;
  HeartbeatFacts f;
  EXPECT_TRUE(reporter.untold(f, timestamp(0), timestamp(1)).empty());
  f.packets_dropped_kernel = 10;
  f.packets_shed = 4;
  f.losses = losses_of(f, 400, {});
  const auto first = reporter.untold(f, timestamp(1), timestamp(2));
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].cause, "kernel");
  EXPECT_EQ(first[0].packets, 10U);
  EXPECT_EQ(first[1].cause, "worker_ring");
  EXPECT_EQ(first[1].bytes, 400U);
  reporter.told(f, "kernel");
  const auto rest = reporter.untold(f, timestamp(2), timestamp(3));
  ASSERT_EQ(rest.size(), 1U) << "the other one could not be sealed";
  EXPECT_EQ(rest[0].cause, "worker_ring");
  reporter.told(f, "worker_ring");
  EXPECT_TRUE(reporter.untold(f, timestamp(2), timestamp(3)).empty()) << "told once";
  f.packets_dropped_kernel = 11;
  f.losses = losses_of(f, 400, {});
  const auto second = reporter.untold(f, timestamp(3), timestamp(4));
  reporter.told(f, "kernel");
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].packets, 1U);
}

TEST(LossReporterTest, EventsThatWereShedAreToldByType) {
  EventLedger events;
  events.sealed("dpi.flow");
  events.shed("dpi.flow");
  events.shed("dpi.dns");
  events.shed("dpi.dns");
  HeartbeatFacts f;
  f.events = events.types();
  f.events_shed = events.shed_total();
  f.losses = losses_of(f, 0, {});
  LossReporter reporter;
  const auto told = reporter.untold(f, timestamp(0), timestamp(1));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].cause, "spool_full");
  ASSERT_EQ(told[0].events.size(), 2U);
  EXPECT_EQ(told[0].events[0].event_type, "dpi.dns");
  EXPECT_EQ(told[0].events[0].count, 2U);
  EXPECT_EQ(told[0].events[1].count, 1U);
}

}  // namespace
}  // namespace dpi
