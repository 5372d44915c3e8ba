#include "probe/event/heartbeat_totals.h"

#include <algorithm>
#include <array>

namespace dpi {
namespace {

using H = HeartbeatFacts;
constexpr std::array totals = std::to_array<TotalMember>({
    {"packets_offered", &H::packets_offered},
    {"packets_decoded", &H::packets_decoded},
    {"packets_filtered", &H::packets_filtered},
    {"packets_malformed", &H::packets_malformed},
    {"packets_not_ip", &H::packets_not_ip},
    {"packets_dropped_kernel", &H::packets_dropped_kernel},
    {"packets_dropped_nic", &H::packets_dropped_nic},
    {"packets_dropped_no_buffer", &H::packets_dropped_no_buffer},
    {"packets_shed", &H::packets_shed},
    {"bytes_offered", &H::bytes_offered},
    {"packets_truncated", &H::packets_truncated},
    {"packets_duplicate", &H::packets_duplicate},
    {"time_backward_steps", &H::time_backward_steps},
    {"clock_steps", &H::clock_steps},
    {"flows_started", &H::flows_started},
    {"flow_records", &H::flow_records},
    {"flows_evicted", &H::flows_evicted},
    {"dns_transactions", &H::dns_transactions},
    {"dns_messages", &H::dns_messages},
    {"events_shed", &H::events_shed},
    {"worker_restarts", &H::worker_restarts},
});

using L = LossInference;
constexpr std::array inferred = std::to_array<InferredTotalMember>({
    {"tcp_acks", &L::tcp_acks},
    {"gap_events", &L::gap_events},
    {"acked_bytes", &L::acked_bytes},
    {"gap_bytes", &L::gap_bytes},
    {"tcp_flows", &L::tcp_flows},
    {"one_way_flows", &L::one_way_flows},
    {"midstream_flows", &L::midstream_flows},
    {"dns_orphans", &L::dns_orphans},
    {"retransmits", &L::retransmits},
    {"out_of_order", &L::out_of_order},
    {"vlan_one_sided_flows", &L::vlan_one_sided_flows},
    {"truncated_datagrams", &L::truncated_datagrams},
});

using I = InterfaceFacts;
constexpr std::array of_interfaces = std::to_array<InterfaceTotalMember>({
    {"packets", &I::packets},
    {"bytes", &I::bytes},
    {"dropped_kernel", &I::dropped_kernel},
    {"dropped_nic", &I::dropped_nic},
    {"dropped_no_buffer", &I::dropped_no_buffer},
    {"ring_freezes", &I::ring_freezes},
    {"coalesced", &I::coalesced},
    {"checksum_partial", &I::checksum_partial},
    {"reopened", &I::reopened},
    {"malformed", &I::malformed},
    {"truncated", &I::truncated},
});

// The one of the same name, made at its place in the order of names when there is none.
template <class T, class Name>
T& same(std::vector<T>& list, const T& wanted, Name name) {
  const auto place = std::lower_bound(list.begin(), list.end(), wanted,
                                      [name](const T& a, const T& b) { return a.*name < b.*name; });
  if (place != list.end() && (*place).*name == wanted.*name) return *place;
  T fresh;
  fresh.*name = wanted.*name;
  return *list.insert(place, std::move(fresh));
}

}  // namespace

std::span<const TotalMember> total_members() noexcept {
  return totals;
}
std::span<const InferredTotalMember> inferred_total_members() noexcept {
  return inferred;
}
std::span<const InterfaceTotalMember> interface_total_members() noexcept {
  return of_interfaces;
}

void add_totals(HeartbeatFacts& facts, const HeartbeatFacts& before) {
  for (const TotalMember& member : totals) facts.*member.total += before.*member.total;
  for (const InferredTotalMember& member : inferred)
    facts.inference.*member.total += before.inference.*member.total;
  if (before.inference.checksum_bad) {
    facts.inference.checksum_bad =
        facts.inference.checksum_bad.value_or(0) + *before.inference.checksum_bad;
  }
  for (std::size_t i = 0; i < anomaly_count; ++i)
    facts.anomalies.counts[i] += before.anomalies.counts[i];
  for (const InterfaceFacts& interface : before.interfaces) {
    InterfaceFacts& sum = same(facts.interfaces, interface, &InterfaceFacts::name);
    if (sum.kind.empty()) sum.kind = interface.kind;
    for (const InterfaceTotalMember& member : of_interfaces)
      sum.*member.total += interface.*member.total;
  }
  for (const LossFacts& loss : before.losses) {
    LossFacts& sum = same(facts.losses, loss, &LossFacts::cause);
    sum.packets += loss.packets;
    sum.bytes += loss.bytes;
    sum.events += loss.events;
  }
  for (const EventTypeFacts& type : before.events) {
    EventTypeFacts& sum = same(facts.events, type, &EventTypeFacts::event_type);
    sum.sealed += type.sealed;
    sum.shed += type.shed;
  }
}

}  // namespace dpi
