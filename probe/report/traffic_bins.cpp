#include "probe/report/traffic_bins.h"

#include <algorithm>

namespace dpi {

std::int64_t TrafficBins::bin_of(Timestamp time) const noexcept {
  return nanoseconds(time) / width_.count();  // no time is before the epoch
}

void TrafficBins::widen() {
  const std::int64_t first = first_ / 2;
  std::vector<Bin> wider;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const auto at = static_cast<std::size_t>((first_ + static_cast<std::int64_t>(i)) / 2 - first);
    wider.resize(std::max(wider.size(), at + 1));
    wider[at].bytes_src += bins_[i].bytes_src;
    wider[at].bytes_dst += bins_[i].bytes_dst;
  }
  width_ *= 2;
  first_ = first;
  bins_ = std::move(wider);
}

void TrafficBins::cover(Timestamp start, Timestamp end) {
  if (bins_.empty()) {
    first_ = bin_of(start);
    bins_.resize(1);
  }
  const auto last = [this] { return first_ + static_cast<std::int64_t>(bins_.size()) - 1; };
  while (std::max(bin_of(end), last()) - std::min(bin_of(start), first_) >=
         static_cast<std::int64_t>(bins_max))
    widen();
  if (const std::int64_t before = first_ - bin_of(start); before > 0) {
    bins_.insert(bins_.begin(), static_cast<std::size_t>(before), Bin{});
    first_ -= before;
  }
  if (const std::int64_t behind = bin_of(end) - last(); behind > 0)
    bins_.resize(bins_.size() + static_cast<std::size_t>(behind));
}

void TrafficBins::add(Timestamp start, Timestamp end, double bytes_src, double bytes_dst) {
  start = std::max(start, Timestamp{});
  end = std::max(start, end);
  cover(start, end);
  const std::int64_t from = bin_of(start);
  const std::int64_t to = bin_of(end);
  const double parts = static_cast<double>(to - from + 1);
  for (std::int64_t i = from; i <= to; ++i) {
    Bin& bin = bins_[static_cast<std::size_t>(i - first_)];
    bin.bytes_src += bytes_src / parts;
    bin.bytes_dst += bytes_dst / parts;
  }
}

}  // namespace dpi
