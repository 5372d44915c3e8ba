// Sequence of packet lengths and times: the first packets with payload of a flow. Fixed size, no
// allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "probe/base/time.h"
#include "probe/flow/flow_key.h"

namespace dpi {

struct SpltPacket {
  std::uint32_t payload_bytes : 31 = 0;
  std::uint32_t by_high : 1 = 0;  // its sender
  std::uint32_t gap_us = 0;       // since the packet before in the list; the first: 0

  [[nodiscard]] Side sender() const noexcept { return by_high != 0 ? Side::high : Side::low; }
};

class Splt {
 public:
  static constexpr std::size_t packets_max = 16;

  // `limit`: packets that are kept, packets_max at most.
  void note(std::uint32_t payload_bytes, Side sender, Timestamp time, std::size_t limit) noexcept {
    if (payload_bytes == 0 || count_ >= std::min(limit, packets_max)) return;
    // Of two fronts a packet may come behind one that was captured later.
    const std::int64_t gap =
        count_ == 0 ? 0 : std::max<std::int64_t>((time - last_at_).count() / 1000, 0);
    constexpr std::int64_t gap_max = std::numeric_limits<std::uint32_t>::max();
    packets_[count_++] = {.payload_bytes = payload_bytes & 0x7fffffffU,
                          .by_high = sender == Side::high ? 1U : 0U,
                          .gap_us = static_cast<std::uint32_t>(std::min(gap, gap_max))};
    last_at_ = std::max(last_at_, time);
  }
  void shift(Nanoseconds delta) noexcept { last_at_ += delta; }
  // A record ended: what it told is not told again.
  void start_record() noexcept { told_ = count_; }
  // Those of this record.
  [[nodiscard]] std::span<const SpltPacket> packets() const noexcept {
    return std::span<const SpltPacket>{packets_}.subspan(told_, count_ - std::size_t{told_});
  }

 private:
  std::array<SpltPacket, packets_max> packets_{};
  Timestamp last_at_{};
  std::uint8_t count_ = 0;
  std::uint8_t told_ = 0;
};

}  // namespace dpi
