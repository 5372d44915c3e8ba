#include "probe/service/service_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dpi {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr std::uint64_t ten_seconds = 10'000;

HeartbeatFacts heartbeat() {
  HeartbeatFacts facts;
  facts.interval_ms = ten_seconds;
  facts.packets_offered = 42;
  facts.events_sealed = 7;
  return facts;
}

TEST(ServiceBoard, IsNotReadyBeforeTheFirstHeartbeat) {
  ServiceBoard board;
  board.control({.capturing = true, .now_ms = 0});
  EXPECT_TRUE(board.health(0).good);
  EXPECT_FALSE(board.readiness(0).good);
  EXPECT_THAT(board.readiness(0).text, HasSubstr("no heartbeat yet"));
  board.publish(heartbeat(), 0);
  EXPECT_TRUE(board.readiness(0).good);
  EXPECT_EQ(board.readiness(0).text, "ok\n");
}

TEST(ServiceBoard, AStuckStageIsNamedAndUnhealthy) {
  ServiceBoard board;
  board.control({.capturing = true, .now_ms = 5, .stuck = {"capture0"}});
  EXPECT_FALSE(board.health(5).good);
  EXPECT_EQ(board.health(5).text, "stage capture0 is stuck\n");
}

TEST(ServiceBoard, AControlThreadThatSaysNothingIsStuckItself) {
  ServiceBoard board;
  board.control({.capturing = true, .now_ms = 1000});
  EXPECT_TRUE(board.health(1000 + control_silence_ms_max).good);
  EXPECT_FALSE(board.health(1001 + control_silence_ms_max).good);
}

TEST(ServiceBoard, OverdueHeartbeatsAreNotReady) {
  ServiceBoard board;
  board.control({.capturing = true, .now_ms = 0});
  board.publish(heartbeat(), 0);
  EXPECT_TRUE(board.readiness(3 * ten_seconds + 5000).good);
  EXPECT_THAT(board.readiness(3 * ten_seconds + 5001).text, HasSubstr("overdue"));
}

TEST(ServiceBoard, AFullSpoolIsNotReadyButAnAbsentDatabaseIs) {
  ServiceBoard board;
  board.control({.capturing = true, .now_ms = 0});
  HeartbeatFacts facts = heartbeat();
  facts.reasons = {"database_away"};
  facts.database = DatabaseFacts{};
  board.publish(facts, 0);
  EXPECT_TRUE(board.readiness(0).good);
  facts.reasons = {"spool_full"};
  board.publish(facts, 0);
  EXPECT_THAT(board.readiness(0).text, HasSubstr("spool_full"));
}

TEST(ServiceBoard, TheStatusLineSaysWhatFlowsAndWhatIsWrong) {
  ServiceBoard board;
  HeartbeatFacts facts = heartbeat();
  facts.reasons = {"clock_unsynced", "link_down"};
  board.publish(facts, 0);
  EXPECT_EQ(board.status(),
            "42 packets, 0 flows now, 7 events sealed; degraded: clock_unsynced, link_down");
}

TEST(ServiceBoard, MetricsTellWhetherItIsAliveEvenBeforeAnyHeartbeat) {
  ServiceBoard board;
  board.control({.capturing = true, .now_ms = 0, .stuck = {"workers"}});
  const std::string text = board.metrics(MetricsFormat::prometheus, 0);
  EXPECT_THAT(text, HasSubstr("\ndpi_service_alive_state 0\n"));
  EXPECT_THAT(text, HasSubstr("\ndpi_service_stuck_state{stage=\"workers\"} 1\n"));
  EXPECT_THAT(board.metrics(MetricsFormat::openmetrics, 0), EndsWith("\n# EOF\n"));
}

}  // namespace
}  // namespace dpi
