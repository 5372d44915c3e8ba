// Packets that a SPAN port mirrored twice (ingress and egress, two VLANs, before and after
// routing): the same IP packet but for TTL and header checksum, within 10 ms, alone or in bursts.
// Fixed size; where it is too small for 10 ms of traffic, the oldest packet is forgotten.
//
// Equality alone is no copy: duplicate ACKs and repeated datagrams are equal where IP gives them no
// identification (IPv6, and atomic datagrams with 0 of IPv4, RFC 6864 §4.1). Then something has to
// tell: TTL or VLAN have changed on the way, TCP would not have sent the segment again so soon, or
// the IP header around a tunnel says it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "dissectors/packet_view.h"
#include "probe/base/time.h"

namespace dpi {

class DuplicateWindow {
 public:
  static constexpr Nanoseconds span = std::chrono::milliseconds{10};

  // A power of two.
  explicit DuplicateWindow(std::size_t packets) : sets_(packets / ways) {}

  // True when this is a copy of a packet that it remembers; remembers it otherwise. `scope` keeps
  // apart what the flow key keeps apart.
  bool seen(const PacketView& view, std::uint64_t scope, Timestamp time) noexcept;
  // The clock has stepped by this much.
  void shift(Nanoseconds delta) noexcept;
  // Time may begin anew.
  void forget() noexcept;

 private:
  static constexpr std::size_t ways = 4;
  struct Recent {
    std::uint64_t digest = 0;  // 0: free
    Timestamp time{};
    std::uint32_t path = 0;  // TTL and VLAN
    Carrier carrier{};
  };
  using Set = std::array<Recent, ways>;
  std::vector<Set> sets_;
};

}  // namespace dpi
