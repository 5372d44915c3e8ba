// Packets that a SPAN port mirrored twice (ingress and egress, two VLANs, before and after
// routing): the same IP packet but for TTL and header checksum, within 10 ms. Per flow and
// direction; fixed size.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "dissectors/packet_view.h"
#include "probe/base/time.h"

namespace dpi {

// Of the IP header without TTL and checksum, the transport header and the first bytes behind it;
// the transport checksum stands for the rest. 0: no header to compare (a fragment that was held
// back).
[[nodiscard]] std::uint64_t duplicate_digest(const PacketView& view) noexcept;

class DuplicateWindow {
 public:
  static constexpr Nanoseconds span = std::chrono::milliseconds{10};

  // True when one of the last packets was this one; remembers it otherwise.
  bool seen(std::uint64_t digest, Timestamp time) noexcept;
  void shift(Nanoseconds delta) noexcept {
    for (Recent& recent : recent_) recent.time += delta;
  }

 private:
  struct Recent {
    std::uint64_t digest = 0;
    Timestamp time{};
  };
  static constexpr std::size_t kept = 4;
  std::array<Recent, kept> recent_{};
  std::uint8_t next_ = 0;
};

}  // namespace dpi
