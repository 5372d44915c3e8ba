// Loss that no counter shows: what the traffic itself says about a mirror that loses, cuts or sends
// one direction only. Summed over flow records when they end.
#pragma once

#include <cstdint>

#include "probe/flow/flow.h"

namespace dpi {

struct LossSigns {
  std::uint64_t tcp_flows = 0;      // ended, with at least one segment that is no SYN or RST alone
  std::uint64_t one_way_flows = 0;  // of them: segments of one direction only
  std::uint64_t midstream_flows = 0;  // of them: no SYN seen
  std::uint64_t tcp_acks = 0;         // segments with ACK, of flows whose handshake was seen
  std::uint64_t gap_events = 0;       // holes in what they acknowledge: our loss
  std::uint64_t acked_bytes = 0;
  std::uint64_t gap_bytes =
      0;  // of holes of at most gap_bytes_max: a larger one is a jump, not loss
  std::uint64_t retransmits = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t one_sided_vlan_flows = 0;  // no outermost VLAN is common to both directions

  // The end of a record; flows are counted with their final one.
  void add(const Flow& flow, bool final) noexcept;
  LossSigns& operator+=(const LossSigns& other) noexcept;
};

}  // namespace dpi
