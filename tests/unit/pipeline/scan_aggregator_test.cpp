#include "probe/pipeline/scan_aggregator.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

constexpr std::uint8_t tcp = 6;
constexpr std::uint64_t limit = 100;

IpAddress address(std::uint32_t n) {
  return {.bytes = {10, static_cast<std::uint8_t>(n >> 16U), static_cast<std::uint8_t>(n >> 8U),
                    static_cast<std::uint8_t>(n)}};
}

class ScanAggregatorTest : public ::testing::Test {
 protected:
  bool lone(std::uint32_t src, std::uint32_t dst, std::int64_t second = 0,
            std::uint8_t protocol = tcp) {
    return scans_.take({.src = address(src),
                        .dst = address(dst),
                        .src_port = 40'000,
                        .dst_port = 22,
                        .protocol = protocol,
                        .at = at(second),
                        .ip_bytes = 40},
                       done_);
  }
  static Timestamp at(std::int64_t second) {
    return Timestamp{std::chrono::seconds{1'700'000'000 + second}};
  }
  ScanAggregator scans_{limit};
  std::vector<ScanFacts> done_;
};

TEST_F(ScanAggregatorTest, WhatIsBelowTheLimitIsToldFlowByFlow) {
  for (std::uint32_t i = 0; i < limit; ++i) EXPECT_FALSE(lone(1, 1000 + i));
  scans_.finish(done_);
  EXPECT_TRUE(done_.empty());
}

TEST_F(ScanAggregatorTest, AScanIsToldOnceWithItsFirstTargets) {
  std::uint64_t own = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) own += lone(1, 1000 + i, i / 1000) ? 0U : 1U;
  EXPECT_EQ(own, limit);
  EXPECT_FALSE(lone(2, 3)) << "somebody else's flow";
  scans_.finish(done_);
  ASSERT_EQ(done_.size(), 1U);
  const ScanFacts& scan = done_[0];
  EXPECT_EQ(scan.kind, ScanKind::source);
  EXPECT_EQ(scan.who, address(1));
  EXPECT_EQ(scan.flows, 4900U);
  EXPECT_EQ(scan.ip_bytes, 4900U * 40);
  EXPECT_EQ(scan.first_at, at(0));
  EXPECT_EQ(scan.last_at, at(4));
  ASSERT_EQ(scan.samples.size(), ScanFacts::samples_max);
  EXPECT_EQ(scan.samples[0], (ScanFacts::Sample{address(1100), 22}));
}

TEST_F(ScanAggregatorTest, AFloodWithMadeUpSendersIsToldByItsTarget) {
  for (std::uint32_t i = 0; i < 1000; ++i) (void)lone(1000 + i, 7);
  scans_.finish(done_);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].kind, ScanKind::target);
  EXPECT_EQ(done_[0].who, address(7));
  EXPECT_EQ(done_[0].flows, 900U);
  EXPECT_EQ(done_[0].samples[0], (ScanFacts::Sample{address(1100), 40'000}));
}

TEST_F(ScanAggregatorTest, WhatHasNothingInCommonIsToldTooWhenThereIsMuch) {
  std::uint64_t own = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) own += lone(100'000 + i, 500'000 + i) ? 0U : 1U;
  EXPECT_EQ(own, 16 * limit);
  scans_.finish(done_);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].kind, ScanKind::any);
  EXPECT_EQ(done_[0].flows, 20'000 - 16 * limit);
}

TEST_F(ScanAggregatorTest, AScanThatGoesOnIsToldEachTenSecondsFromTheirBeginning) {
  for (std::uint32_t i = 0; i < 3000; ++i) (void)lone(1, 1000 + i, i / 100);
  scans_.finish(done_);
  ASSERT_EQ(done_.size(), 3U);
  EXPECT_EQ(done_[0].flows, 900U);
  EXPECT_EQ(done_[1].flows, 1000U);
  EXPECT_EQ(done_[2].flows, 1000U);
}

TEST_F(ScanAggregatorTest, AQuietWindowEndsIt) {
  for (std::uint32_t i = 0; i < 1000; ++i) (void)lone(1, 1000 + i, 0);
  EXPECT_TRUE(lone(1, 5, 10)) << "the window at once behind it";
  EXPECT_FALSE(lone(1, 6, 20)) << "which held one flow";
}

TEST_F(ScanAggregatorTest, ItIsToldWhenNothingComesAnyMore) {
  scans_.expire(at(60), done_);
  for (std::uint32_t i = 0; i < 500; ++i) (void)lone(1, 1000 + i, 0);
  scans_.expire(at(69), done_);
  EXPECT_TRUE(done_.empty());
  scans_.expire(at(70), done_);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].flows, 400U);
}

TEST_F(ScanAggregatorTest, ProtocolsAreCountedApart) {
  for (std::uint32_t i = 0; i < limit; ++i) {
    EXPECT_FALSE(lone(1, 1000 + i, 0, 6));
    EXPECT_FALSE(lone(1, 1000 + i, 0, 17));
  }
}

TEST_F(ScanAggregatorTest, ZeroMeansNever) {
  ScanAggregator never{0};
  for (std::uint32_t i = 0; i < 100'000; ++i)
    ASSERT_FALSE(never.take({.src = address(1), .dst = address(2), .protocol = tcp}, done_));
}

// Senders and targets that never repeat find no room in the table: nothing grows.
TEST_F(ScanAggregatorTest, TheTableIsBounded) {
  std::uint64_t told = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) told += lone(i, 200'000 + i) ? 1U : 0U;
  EXPECT_EQ(told, 100'000 - 16 * limit);
  EXPECT_TRUE(done_.empty());
}

}  // namespace
}  // namespace dpi
