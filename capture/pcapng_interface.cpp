#include "capture/pcapng_interface.h"

#include <algorithm>
#include <limits>

namespace dpi {
namespace {

__extension__ using Wide = unsigned __int128;

struct Option {
  std::uint16_t code = 0;
  Bytes value;
};

// The next option; nothing at their end (opt_endofopt, or the block's) and when one overruns the
// block, which leaves in.ok() false.
std::optional<Option> next_option(OrderedCursor& in) noexcept {
  if (in.left() == 0) return std::nullopt;
  const std::uint16_t code = in.u16();
  const std::uint16_t bytes = in.u16();
  const Bytes value = in.take(bytes);
  const std::size_t padding = (4U - bytes % 4U) % 4U;
  in.skip(padding);
  if (!in.ok() || code == 0) return std::nullopt;
  return Option{code, value};
}

// seconds + part/per_second as nanoseconds since 1970, clamped into the clock.
Timestamp clamped_time(Wide seconds, Wide nanoseconds, std::int64_t offset_seconds) noexcept {
  constexpr Wide billion = 1'000'000'000;
  constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max();
  // Both fit 65 bits, so the sums below stay far inside 128.
  const bool earlier = offset_seconds < 0;
  const std::uint64_t magnitude = earlier ? 0U - static_cast<std::uint64_t>(offset_seconds)
                                          : static_cast<std::uint64_t>(offset_seconds);
  const Wide offset = Wide{magnitude} * billion;
  const Wide since_offset = seconds * billion + nanoseconds;
  if (!earlier) {
    const Wide total = since_offset + offset;
    return timestamp(total > Wide{limit} ? limit : static_cast<std::int64_t>(total));
  }
  if (since_offset >= offset) {
    const Wide total = since_offset - offset;
    return timestamp(total > Wide{limit} ? limit : static_cast<std::int64_t>(total));
  }
  const Wide before = offset - since_offset;
  return timestamp(before > Wide{limit} ? -limit : -static_cast<std::int64_t>(before));
}

}  // namespace

std::optional<PcapngInterface> PcapngInterface::parse(Bytes body, ByteOrder order) noexcept {
  constexpr std::uint16_t option_tsresol = 9;
  constexpr std::uint16_t option_tsoffset = 14;
  OrderedCursor in{body, order};
  PcapngInterface result;
  result.link_ = LinkType{in.u16()};
  in.skip(2);
  result.snap_bytes_ = in.u32();
  while (const auto option = next_option(in)) {
    OrderedCursor value{option->value, order};
    if (option->code == option_tsresol && value.left() == 1) result.resolution_ = value.u8();
    if (option->code == option_tsoffset && value.left() == 8) {
      result.offset_seconds_ = static_cast<std::int64_t>(value.u64());
    }
  }
  if (!in.ok()) return std::nullopt;
  return result;
}

Timestamp PcapngInterface::time(std::uint64_t ticks) const noexcept {
  constexpr std::uint64_t billion = 1'000'000'000;
  constexpr std::uint8_t binary = 0x80;
  const unsigned power = resolution_ & 0x7FU;
  if ((resolution_ & binary) != 0) {
    const std::uint64_t seconds = power < 64 ? ticks >> power : 0;
    const std::uint64_t part = power < 64 ? ticks - (seconds << power) : ticks;
    const Wide nanoseconds = power < 128 ? Wide{part} * billion >> power : Wide{0};
    return clamped_time(seconds, nanoseconds, offset_seconds_);
  }
  constexpr unsigned power_max = 28;  // beyond, 64 bits of ticks are less than a nanosecond
  if (power > power_max) return clamped_time(0, 0, offset_seconds_);
  Wide per_second = 1;
  for (unsigned i = 0; i < power; ++i) per_second *= 10;
  return clamped_time(ticks / per_second, ticks % per_second * billion / per_second,
                      offset_seconds_);
}

std::optional<PcapngStatistics> parse_pcapng_statistics(Bytes body, ByteOrder order) noexcept {
  constexpr std::uint16_t option_ifdrop = 5;
  constexpr std::uint16_t option_osdrop = 7;
  OrderedCursor in{body, order};
  PcapngStatistics result;
  result.interface = in.u32();
  in.skip(8);  // its time
  while (const auto option = next_option(in)) {
    OrderedCursor value{option->value, order};
    if (value.left() != 8) continue;
    if (option->code == option_ifdrop) result.dropped_nic = value.u64();
    if (option->code == option_osdrop) result.dropped_kernel = value.u64();
  }
  if (!in.ok()) return std::nullopt;
  return result;
}

}  // namespace dpi
