#include "probe/pipeline/lane.h"

namespace dpi {
namespace {

constexpr bool is_multicast_name_service(std::uint16_t port) noexcept {
  return port == 5353 || port == 5355 || port == 137;  // mDNS, LLMNR, NetBIOS
}

}  // namespace

std::uint32_t lane_of(const DirectedKey& key) noexcept {
  if (key.key.protocol == ip_protocol::udp && (is_multicast_name_service(key.key.low.port) ||
                                               is_multicast_name_service(key.key.high.port))) {
    return 0;
  }
  return static_cast<std::uint32_t>(key.hash >> 32U) % lane_count;  // tables take the low half
}

Lane::Lane(const LaneLimits& limits, HashSeed seed, SlotSpace slots, Classifier& classifier,
           FactObserver& observer)
    : classifier_(classifier),
      observer_(observer),
      flows_(limits.flows, *this, slots),
      stream_memory_(limits.stream_bytes_max, seed),
      dns_(limits.dns, seed, stream_memory_, *this),
      metadata_(limits.metadata, stream_memory_) {}

void Lane::packet(const LanePacket& packet) {
  number_ = packet.packet.number;
  if (!packet.counted) {
    const DirectedKey& key = packet.packet.key;
    if (const auto touched = flows_.find(key)) {
      dissect(*touched->flow, touched->sender, *packet.dissected, packet.packet.time);
      keep(*touched->flow);
    } else if (key.key.protocol ==
               ip_protocol::udp) {  // its flow had to go; its messages need none
      dns_.observe(Flow{}, key.sender, *packet.dissected, packet.packet.time, number_);
    }
    return;
  }
  const FlowTable::Touched touched = flows_.add(packet.packet);
  if (!touched.news) return;
  classifier_.inspect(*touched.flow, *packet.classified, packet.packet.time);
  if (packet.dissected != nullptr)
    dissect(*touched.flow, touched.sender, *packet.dissected, packet.packet.time);
  keep(*touched.flow);
}

void Lane::keep(const Flow& flow) {
  flows_.keep(flow, metadata_.memory_bytes(flow) + classifier_.memory_bytes(flow));
}

// Messages and metadata.
void Lane::dissect(Flow& flow, Side sender, const PacketView& view, Timestamp time) {
  stream_memory_.serve(flow.endpoint(flow.initiator).address, flow.number);
  const AnomalySet found =
      dns_.observe(flow, sender, view, time, number_) | metadata_.observe(flow, sender, view);
  if (found.none()) return;
  flow.anomalies |= found;
  anomalies_.add(found);
}

void Lane::collect_due(Timestamp now, std::vector<DueFlow>& flows,
                       std::vector<DnsTracker::Due>& dns) {
  flows_.collect_due(now, flows);
  dns_.collect_due(now, dns);
}

void Lane::collect_all(EndReason reason, std::vector<DueFlow>& flows,
                       std::vector<DnsTracker::Due>& dns) {
  flows_.collect_all(reason, flows);
  dns_.collect_all(dns);
}

void Lane::end_flow(FactNumber number, const DueFlow& due) {
  number_ = number;
  flows_.end(due);
}

void Lane::end_dns(FactNumber number, const DnsTracker::Due& due) {
  number_ = number;
  dns_.end(due);
}

void Lane::flow_ended(const Flow& flow, EndReason reason, bool final) {
  const Verdict verdict = final ? classifier_.conclude(flow) : classifier_.verdict(flow);
  loss_.add(flow, final);
  observer_.flow(number_, flow, reason, final, verdict, metadata_.find(flow));
  if (!final) return;
  dns_.flow_ended(flow);
  metadata_.flow_ended(flow);
}

void Lane::transaction_ended(const DnsTransaction& transaction) {
  observer_.dns(number_, transaction);
}

}  // namespace dpi
