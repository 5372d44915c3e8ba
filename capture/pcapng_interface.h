// What a pcapng interface description block says that its packets need: link type, snap length, and
// how ticks become time (draft-ietf-opsawg-pcapng §4.2).
#pragma once

#include <cstdint>
#include <optional>

#include "capture/ordered_cursor.h"
#include "probe/base/bytes.h"
#include "probe/base/packet.h"
#include "probe/base/time.h"

namespace dpi {

class PcapngInterface {
 public:
  // The block's body, between its two lengths. Nothing when it or its options overrun.
  [[nodiscard]] static std::optional<PcapngInterface> parse(Bytes body, ByteOrder order) noexcept;

  [[nodiscard]] LinkType link() const noexcept { return link_; }
  [[nodiscard]] std::uint32_t snap_bytes() const noexcept { return snap_bytes_; }  // 0: no limit
  // Finer than a nanosecond is cut off; beyond the clock's range is clamped to it.
  [[nodiscard]] Timestamp time(std::uint64_t ticks) const noexcept;

 private:
  LinkType link_{};
  std::uint32_t snap_bytes_ = 0;
  std::uint8_t resolution_ = 6;      // if_tsresol: 10^-n, or 2^-n with the top bit
  std::int64_t offset_seconds_ = 0;  // if_tsoffset
};

// Packets that an interface statistics block (§4.6) counts as lost since the capture started.
struct PcapngStatistics {
  std::uint32_t interface = 0;
  std::uint64_t dropped_nic = 0;
  std::uint64_t dropped_kernel = 0;
};
[[nodiscard]] std::optional<PcapngStatistics> parse_pcapng_statistics(Bytes body,
                                                                      ByteOrder order) noexcept;

}  // namespace dpi
