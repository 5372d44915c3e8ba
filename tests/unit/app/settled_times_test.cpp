#include "probe/app/settled_times.h"

#include <gtest/gtest.h>

#include <vector>

namespace dpi {
namespace {

using namespace std::chrono_literals;

const Timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + 12h};
constexpr Nanoseconds decade = std::chrono::hours{24 * 3653};

// One packet each, all of a capture, in batches of `batch`.
std::vector<SettledTime> settled(const std::vector<Timestamp>& stamps, std::size_t batch) {
  std::vector<RawPacket> packets(stamps.size());
  for (std::size_t i = 0; i < stamps.size(); ++i) packets[i].time = stamps[i];
  const std::span<const RawPacket> all{packets};
  TimeSettler settler;
  std::vector<SettledTime> out;
  std::vector<SettledTime> some;
  for (std::size_t at = 0; at < all.size(); at += batch) {
    const auto rest = all.subspan(at);
    const auto now = rest.first(std::min(batch, rest.size()));
    const auto behind = rest.subspan(now.size());
    settler.settle(now, behind.first(std::min(batch, behind.size())), some);
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

// `before` packets of one clock, `odd` ones that are off by `off`, `after` of the clock again.
std::vector<Timestamp> capture(std::size_t before, std::size_t odd, Nanoseconds off,
                               std::size_t after) {
  std::vector<Timestamp> out;
  for (std::size_t i = 0; i < before + odd + after; ++i) {
    const bool is_odd = i >= before && i < before + odd;
    out.push_back(noon + std::chrono::milliseconds{i} + (is_odd ? off : Nanoseconds{0}));
  }
  return out;
}

TEST(SettledTimesTest, AFewOddStampsMoveNothingWhereverTheyStand) {
  for (const Nanoseconds off : {decade, -decade}) {
    for (std::size_t odd = 1; odd <= 3; ++odd) {
      for (std::size_t before = 0; before <= 12; ++before) {
        for (std::size_t after = 0; after <= 12; ++after) {
          // Fewer must be odd than are not, and of those that vouch on one side most.
          if (before <= odd && after <= odd + 1) continue;
          const auto times = settled(capture(before, odd, off, after), 8);
          for (std::size_t i = 0; i < times.size(); ++i) {
            const bool is_odd = i >= before && i < before + odd;
            ASSERT_EQ(times[i].odd, is_odd)
                << before << " " << odd << " " << after << " packet " << i;
            ASSERT_EQ(times[i].step, Nanoseconds{0});
            ASSERT_LT(times[i].time - noon, 1s);
            ASSERT_GE(times[i].time - noon, 0s);
          }
        }
      }
    }
  }
}

TEST(SettledTimesTest, AClockThatIsSetStaysSet) {
  for (const Nanoseconds off : {Nanoseconds{1h}, Nanoseconds{-1h}, decade, -decade}) {
    const auto times = settled(capture(9, 9, off, 0), 8);
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_FALSE(times[i].odd) << i;
      EXPECT_EQ(times[i].step != Nanoseconds{0}, i == 9 && off < Nanoseconds{0}) << i;
    }
  }
}

TEST(SettledTimesTest, BatchesChangeNothing) {
  for (std::size_t odd = 1; odd <= 9; ++odd) {
    const auto stamps = capture(20, odd, decade, 5);
    const auto whole = settled(stamps, stamps.size());
    const auto parts = settled(stamps, 8);
    for (std::size_t i = 0; i < stamps.size(); ++i) {
      EXPECT_EQ(whole[i].time, parts[i].time) << odd << " " << i;
      EXPECT_EQ(whole[i].odd, parts[i].odd) << odd << " " << i;
    }
  }
}

}  // namespace
}  // namespace dpi
