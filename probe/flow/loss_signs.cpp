#include "probe/flow/loss_signs.h"

namespace dpi {
namespace {

// Without the cap one capture that begins in the middle outweighs everything else.
constexpr std::uint64_t gap_bytes_max = 256U << 10U;

bool conversed(const Flow& flow) noexcept {
  for (const Side side : {Side::low, Side::high}) {
    const TcpSide& tcp = flow.tcp.side(side);
    if ((tcp.seen_flags & tcp_flag::ack) != 0 && (tcp.seen_flags & tcp_flag::rst) == 0) return true;
  }
  return false;
}

}  // namespace

void LossSigns::add(const Flow& flow, bool final) noexcept {
  const bool both_ways = flow.seen[0] && flow.seen[1];
  if (final && both_ways && flow.vlans[0].apart(flow.vlans[1])) ++one_sided_vlan_flows;
  if (flow.key.protocol != ip_protocol::tcp) return;
  const TcpSide& low = flow.tcp.side(Side::low);
  const TcpSide& high = flow.tcp.side(Side::high);
  const bool handshake = low.syn || low.syn_ack || high.syn || high.syn_ack;
  retransmits += std::uint64_t{low.retransmits} + high.retransmits;
  out_of_order += std::uint64_t{low.out_of_order} + high.out_of_order;
  if (handshake && both_ways) {
    for (const Side side : {Side::low, Side::high}) {
      const TcpSide& tcp = flow.tcp.side(side);
      tcp_acks += tcp.acks;
      gap_events += flow.tcp.gap_events(side);
      const std::uint64_t gap = flow.tcp.gap_bytes(side);
      if (gap <= gap_bytes_max) gap_bytes += gap;
      if (final) acked_bytes += tcp.acked_bytes;
    }
  }
  if (!final || !conversed(flow)) return;
  ++tcp_flows;
  if (!both_ways) ++one_way_flows;
  if (!handshake) ++midstream_flows;
}

LossSigns& LossSigns::operator+=(const LossSigns& other) noexcept {
  tcp_flows += other.tcp_flows;
  one_way_flows += other.one_way_flows;
  midstream_flows += other.midstream_flows;
  tcp_acks += other.tcp_acks;
  gap_events += other.gap_events;
  acked_bytes += other.acked_bytes;
  gap_bytes += other.gap_bytes;
  retransmits += other.retransmits;
  out_of_order += other.out_of_order;
  one_sided_vlan_flows += other.one_sided_vlan_flows;
  return *this;
}

}  // namespace dpi
