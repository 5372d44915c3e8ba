#include "probe/report/tally.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(TallyTest, RanksByBytesThenByEvents) {
  Tally tally(10);
  tally.at("few", 1).bytes_src = 5;
  tally.at("many", 2).bytes_dst = 9;
  tally.at("often", 3).events = 7;
  tally.at("once", 4).events = 1;
  std::vector<std::string_view> names;
  for (const Tally::Line& line : tally.ranking()) names.push_back(line.name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"many", "few", "often", "once"}));
}

TEST(TallyTest, WhatComesTooLateIsOthersAndNothingIsLost) {
  Tally tally(3);
  for (std::uint64_t i = 0; i < 100; ++i) ++tally.at(std::to_string(i), i).events;
  EXPECT_LE(tally.size(), 4U);
  std::uint64_t sum = 0;
  for (const Tally::Line& line : tally.ranking()) sum += line.totals->events;
  EXPECT_EQ(sum, 100U);
  EXPECT_EQ(tally.ranking().front().name, Tally::others);
}

TEST(TallyTest, NamesTheEventThatToldFirst) {
  Tally tally(3);
  ++tally.at("a", 7).events;
  ++tally.at("a", 9).events;
  EXPECT_EQ(tally.at("a", 11).first_seq, 7U);
}

}  // namespace
}  // namespace dpi
