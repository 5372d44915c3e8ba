// Traffic over time in a fixed number of bins, whatever the time span turns out to be: the bins
// become twice as wide when it grows beyond them.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "probe/base/time.h"

namespace dpi {

class TrafficBins {
 public:
  static constexpr std::size_t bins_max = 240;
  struct Bin {
    double bytes_src = 0;  // sent by initiators
    double bytes_dst = 0;
  };

  // Spread evenly from `start` to `end`, both included; a later end than the end of the bins widens
  // them.
  void add(Timestamp start, Timestamp end, double bytes_src, double bytes_dst);

  [[nodiscard]] bool empty() const noexcept { return bins_.empty(); }
  // Without gaps, from that of the first byte to that of the last.
  [[nodiscard]] const std::vector<Bin>& bins() const noexcept { return bins_; }
  [[nodiscard]] Timestamp start() const noexcept { return timestamp(first_ * width_.count()); }
  [[nodiscard]] Nanoseconds width() const noexcept { return width_; }

 private:
  [[nodiscard]] std::int64_t bin_of(Timestamp time) const noexcept;
  void cover(Timestamp start, Timestamp end);
  void widen();

  Nanoseconds width_ = std::chrono::milliseconds{1};
  std::int64_t first_ = 0;  // begins this many widths behind the epoch
  std::vector<Bin> bins_;
};

}  // namespace dpi
