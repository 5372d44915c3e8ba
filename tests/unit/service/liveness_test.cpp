#include "probe/service/liveness.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

using std::chrono::seconds;
using testing::Test;

TEST(Liveness, AStageThatMovesIsNotStuck) {
  Liveness liveness;
  std::uint64_t rounds = 0;
  liveness.watch(
      "capture0", [&] { return ++rounds; }, seconds{30});
  for (std::uint64_t ms = 0; ms < 600'000; ms += 1000) EXPECT_TRUE(liveness.check(ms).empty());
}

TEST(Liveness, AStageIsStuckOnceItsPatienceIsOverAndNoLongerWhenItMoves) {
  Liveness liveness;
  std::uint64_t rounds = 7;
  liveness.watch(
      "workers", [&] { return rounds; }, seconds{30});
  EXPECT_TRUE(liveness.check(1000).empty());
  EXPECT_TRUE(liveness.check(31'000).empty());
  EXPECT_EQ(liveness.check(31'001), std::vector<std::string>{"workers"});
  ++rounds;
  EXPECT_TRUE(liveness.check(31'002).empty());
  EXPECT_TRUE(liveness.check(61'002).empty());
  EXPECT_FALSE(liveness.check(61'003).empty());
}

TEST(Liveness, NamesEveryStuckStageInTheirOrder) {
  Liveness liveness;
  liveness.watch(
      "capture0", [] { return 0; }, seconds{1});
  liveness.watch(
      "recorder", [] { return 0; }, seconds{100});
  liveness.watch(
      "shipper", [] { return 0; }, seconds{1});
  EXPECT_TRUE(liveness.check(0).empty());
  EXPECT_EQ(liveness.check(2000), (std::vector<std::string>{"capture0", "shipper"}));
}

}  // namespace
}  // namespace dpi
