#include "probe/pipeline/fact_merger.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace dpi {
namespace {

std::unique_ptr<FactBatch> batch(const std::vector<Fact>& facts, FactNumber complete_to) {
  auto out = std::make_unique<FactBatch>();
  out->begin(1, 0);
  for (const Fact& fact : facts) out->add(fact, "{}");
  out->close(complete_to);
  return out;
}

TEST(FactMergerTest, GivesFactsInOrderOfNumbersWhateverTheOrderOfBatches) {
  FactMerger merger(2);
  const auto a = batch({{.number = 1}, {.number = 5, .order = 9}}, 5);
  const auto b = batch({{.number = 2}, {.number = 5, .order = 3}}, 5);
  merger.offer(0, a.get());
  merger.offer(1, b.get());
  std::vector<std::pair<FactNumber, std::uint64_t>> order;
  while (const auto next = merger.next()) order.emplace_back(next->fact.number, next->fact.order);
  EXPECT_EQ(order,
            (std::vector<std::pair<FactNumber, std::uint64_t>>{{1, 0}, {2, 0}, {5, 3}, {5, 9}}));
}

TEST(FactMergerTest, WaitsForAWorkerThatMayStillBringAnEarlierFact) {
  FactMerger merger(2);
  const auto a = batch({{.number = 4}}, 10);
  merger.offer(0, a.get());
  EXPECT_FALSE(merger.next().has_value());
  const auto b = batch({}, 3);
  merger.offer(1, b.get());
  EXPECT_FALSE(merger.next().has_value()) << "4 may still come from the other worker";
  const auto c = batch({{.number = 4, .order = 0}}, 4);
  merger.offer(1, c.get());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_FALSE(merger.next().has_value());
}

TEST(FactMergerTest, GivesBackBatchesOnlyWhenTheyAreUsedUp) {
  FactMerger merger(1);
  const auto a = batch({{.number = 1}, {.number = 2}}, 2);
  const auto empty = batch({}, 3);
  merger.offer(0, a.get());
  merger.offer(0, empty.get());
  EXPECT_FALSE(merger.used_up().has_value());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_FALSE(merger.used_up().has_value());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_EQ(merger.used_up(), 0U);
  EXPECT_EQ(merger.used_up(), 0U);
  EXPECT_FALSE(merger.used_up().has_value());
}

}  // namespace
}  // namespace dpi
