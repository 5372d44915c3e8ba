#include "probe/report/traffic_bins.h"

#include <gtest/gtest.h>

#include <random>

namespace dpi {
namespace {

double sum(const TrafficBins& traffic) {
  double out = 0;
  for (const TrafficBins::Bin& bin : traffic.bins()) out += bin.bytes_src + bin.bytes_dst;
  return out;
}

TEST(TrafficBinsTest, SpreadsAFlowEvenlyOverItsTime) {
  TrafficBins traffic;
  traffic.add(timestamp(5'000'000), timestamp(8'999'999), 40, 8);
  ASSERT_EQ(traffic.bins().size(), 4U);
  EXPECT_EQ(traffic.width(), std::chrono::milliseconds{1});
  EXPECT_EQ(traffic.start(), timestamp(5'000'000));
  for (const TrafficBins::Bin& bin : traffic.bins()) {
    EXPECT_DOUBLE_EQ(bin.bytes_src, 10);
    EXPECT_DOUBLE_EQ(bin.bytes_dst, 2);
  }
}

// In any order, over any span: there are never more bins, and no byte is lost.
TEST(TrafficBinsTest, GrowsWiderAndKeepsEveryByte) {
  std::mt19937_64 random(3);  // NOLINT: the same in every run
  TrafficBins traffic;
  double bytes = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t span = 1ULL << (random() % 62);
    const auto start = static_cast<std::int64_t>(random() % span);
    const auto length = static_cast<std::int64_t>(random() % span);
    traffic.add(timestamp(start), timestamp(start + length), 3, 4);
    bytes += 7;
    ASSERT_LE(traffic.bins().size(), TrafficBins::bins_max);
    ASSERT_LE(traffic.start(), timestamp(start));
    ASSERT_GT(nanoseconds(traffic.start()) +
                  static_cast<std::int64_t>(traffic.bins().size()) * traffic.width().count(),
              start);
  }
  EXPECT_NEAR(sum(traffic), bytes, 1e-3);
}

TEST(TrafficBinsTest, AnEndBeforeItsStartIsItsStart) {
  TrafficBins traffic;
  traffic.add(timestamp(9'000'000), timestamp(1'000'000), 1, 0);
  EXPECT_EQ(traffic.bins().size(), 1U);
  EXPECT_DOUBLE_EQ(sum(traffic), 1);
}

}  // namespace
}  // namespace dpi
