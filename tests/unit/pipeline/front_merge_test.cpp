#include "probe/pipeline/front_merge.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

using std::chrono::milliseconds;

Timestamp at_ms(std::int64_t ms) {
  return timestamp(ms * 1'000'000);
}

TEST(FrontMergeTest, OneFrontWaitsForNobody) {
  FrontMerge merge(1);
  EXPECT_FALSE(merge.choose(milliseconds{0}).front);
  merge.next_is(0, at_ms(5), milliseconds{0});
  EXPECT_EQ(merge.choose(milliseconds{0}).front, 0U);
}

TEST(FrontMergeTest, TheEarlierOneIsPlayedFirstWhicheverCameFirst) {
  for (const std::size_t query : {0U, 1U}) {
    const std::size_t response = 1 - query;
    FrontMerge merge(2);
    merge.next_is(response, at_ms(12), milliseconds{0});
    const FrontMerge::Choice early = merge.choose(milliseconds{1});
    EXPECT_FALSE(early.front) << "the other may bring something earlier";
    EXPECT_EQ(early.wait, std::chrono::nanoseconds{milliseconds{19}});
    merge.next_is(query, at_ms(10), milliseconds{2});
    const FrontMerge::Choice choice = merge.choose(milliseconds{3});
    EXPECT_EQ(choice.front, query);
    EXPECT_EQ(choice.until, at_ms(12));
    merge.has_nothing(query);
    EXPECT_FALSE(merge.choose(milliseconds{3}).front) << "and something before the response";
    merge.note(query, at_ms(12));
    EXPECT_EQ(merge.choose(milliseconds{3}).front, response);
  }
}

TEST(FrontMergeTest, ASilentFrontDelaysNobodyLongerThanTheDelay) {
  FrontMerge merge(2);
  merge.next_is(0, at_ms(1000), milliseconds{100});
  EXPECT_FALSE(merge.choose(milliseconds{119}).front);
  EXPECT_EQ(merge.choose(milliseconds{120}).front, 0U);
}

TEST(FrontMergeTest, WhoWaitsDoesNotBeginAnewBehindSomebodyEarlier) {
  FrontMerge merge(3);  // the third is silent
  merge.next_is(0, at_ms(1000), milliseconds{100});
  merge.next_is(1, at_ms(999), milliseconds{119});
  EXPECT_EQ(merge.choose(milliseconds{120}).front, 1U);
}

TEST(FrontMergeTest, AFrontThatHasEndedIsNotWaitedFor) {
  FrontMerge merge(2);
  merge.next_is(0, at_ms(1000), milliseconds{0});
  EXPECT_FALSE(merge.choose(milliseconds{0}).front);
  merge.ends(1);
  EXPECT_EQ(merge.choose(milliseconds{0}).front, 0U);
}

TEST(FrontMergeTest, WhatHasNoTimeIsPlayedInItsFrontsOrder) {
  FrontMerge merge(2);
  merge.next_is(0, at_ms(1000), milliseconds{0});
  merge.next_is(1, at_ms(900), milliseconds{0});
  EXPECT_EQ(merge.choose(milliseconds{0}).front, 1U);
  merge.next_is(1, std::nullopt, milliseconds{0});
  EXPECT_EQ(merge.choose(milliseconds{0}).front, 1U);
}

}  // namespace
}  // namespace dpi
