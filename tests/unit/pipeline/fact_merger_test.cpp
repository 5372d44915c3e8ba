#include "probe/pipeline/fact_merger.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

FactBatch batch(std::vector<Fact> facts, FactNumber complete_to) {
  FactBatch out;
  out.facts = std::move(facts);
  out.complete_to = complete_to;
  return out;
}

TEST(FactMergerTest, GivesFactsInOrderOfNumbersWhateverTheOrderOfBatches) {
  FactMerger merger(2);
  FactBatch a = batch({{.number = 1}, {.number = 5, .order = 9}}, 5);
  FactBatch b = batch({{.number = 2}, {.number = 5, .order = 3}}, 5);
  merger.offer(0, &a);
  merger.offer(1, &b);
  std::vector<std::pair<FactNumber, std::uint64_t>> order;
  while (const auto next = merger.next()) order.emplace_back(next->fact->number, next->fact->order);
  EXPECT_EQ(order,
            (std::vector<std::pair<FactNumber, std::uint64_t>>{{1, 0}, {2, 0}, {5, 3}, {5, 9}}));
}

TEST(FactMergerTest, WaitsForAWorkerThatMayStillBringAnEarlierFact) {
  FactMerger merger(2);
  FactBatch a = batch({{.number = 4}}, 10);
  merger.offer(0, &a);
  EXPECT_FALSE(merger.next().has_value());
  FactBatch b = batch({}, 3);
  merger.offer(1, &b);
  EXPECT_FALSE(merger.next().has_value()) << "4 may still come from the other worker";
  FactBatch c = batch({{.number = 4, .order = 0}}, 4);
  merger.offer(1, &c);
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_FALSE(merger.next().has_value());
}

TEST(FactMergerTest, GivesBackBatchesOnlyWhenTheyAreUsedUp) {
  FactMerger merger(1);
  FactBatch a = batch({{.number = 1}, {.number = 2}}, 2);
  FactBatch empty = batch({}, 3);
  merger.offer(0, &a);
  merger.offer(0, &empty);
  EXPECT_FALSE(merger.used_up().has_value());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_FALSE(merger.used_up().has_value());
  EXPECT_TRUE(merger.next().has_value());
  EXPECT_EQ(merger.used_up()->batch, &a);
  EXPECT_EQ(merger.used_up()->batch, &empty);
  EXPECT_FALSE(merger.used_up().has_value());
}

}  // namespace
}  // namespace dpi
