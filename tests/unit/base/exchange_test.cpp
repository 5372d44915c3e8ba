#include "probe/base/exchange.h"

#include <gtest/gtest.h>

#include <thread>

namespace dpi {
namespace {

TEST(ExchangeTest, TellsTheMostThatWaitedSinceItWasAsked) {
  Exchange<int> exchange(8);
  EXPECT_EQ(exchange.take_waiting_max(), 0U);
  for (int i = 0; i < 5; ++i) exchange.publish(exchange.acquire());
  for (int i = 0; i < 4; ++i) exchange.give_back(exchange.take());
  EXPECT_EQ(exchange.waiting(), 1U);
  EXPECT_EQ(exchange.take_waiting_max(), 5U) << "though only one waits now";
  EXPECT_EQ(exchange.take_waiting_max(), 1U) << "that one still waits";
  exchange.give_back(exchange.take());
  EXPECT_EQ(exchange.take_waiting_max(), 0U);
}

// A third thread looks while both ends move: never more than there can be.
TEST(ExchangeTest, NeverTellsMoreThanItHolds) {
  Exchange<int> exchange(4);
  constexpr int rounds = 200'000;
  std::thread producer([&] {
    for (int i = 0; i < rounds; ++i) exchange.publish(exchange.acquire());
  });
  std::thread consumer([&] {
    for (int i = 0; i < rounds; ++i) exchange.give_back(exchange.take());
  });
  std::size_t most = 0;
  for (int i = 0; i < rounds; ++i) most = std::max(most, exchange.waiting());
  producer.join();
  consumer.join();
  EXPECT_LE(most, 4U);
  EXPECT_LE(exchange.take_waiting_max(), 4U);
}

}  // namespace
}  // namespace dpi
