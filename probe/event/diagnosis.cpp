#include "probe/event/diagnosis.h"

#include <algorithm>
#include <cstdlib>

namespace dpi {
namespace {

using Reasons = std::vector<std::string_view>;

bool exceeds(std::uint64_t part, std::uint64_t whole, threshold::Ratio limit) {
  // Counters stay below 2^53 and the terms of a ratio below 2^10.
  return part * limit.denominator > whole * limit.numerator;
}

std::uint64_t since(std::uint64_t previous, std::uint64_t current) {
  return current > previous ? current - previous : 0;
}

void add(Reasons& out, bool holds, std::string_view reason) {
  if (holds) out.push_back(reason);
}

const InterfaceFacts* find(const std::vector<InterfaceFacts>& interfaces, std::string_view name) {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [name](const InterfaceFacts& i) { return i.name == name; });
  return found == interfaces.end() ? nullptr : &*found;
}

std::uint64_t dropped(const InterfaceFacts& i) {
  return i.dropped_kernel + i.dropped_nic + i.dropped_no_buffer;
}

bool saw_nothing(const InterfaceFacts& i, const HeartbeatFacts& facts) {
  if (i.kind == "file" || i.link_up == false) return false;
  if (!i.last_packet_at) return facts.uptime_ms >= threshold::no_traffic_ms;
  return facts.at - *i.last_packet_at >= std::chrono::milliseconds{threshold::no_traffic_ms};
}

void diagnose_interfaces(const HeartbeatFacts& previous, const HeartbeatFacts& current,
                         Reasons& out) {
  const InterfaceFacts none;
  std::uint64_t packets = 0;
  std::uint64_t merged = 0;
  for (const InterfaceFacts& i : current.interfaces) {
    const InterfaceFacts* const found = find(previous.interfaces, i.name);
    const InterfaceFacts& before = found != nullptr ? *found : none;
    const bool stuck =
        found != nullptr && i.packets == before.packets && dropped(i) > dropped(before);
    add(out, i.link_up == false, "link_down");
    add(out, stuck, "capture_stuck");
    add(out, !stuck && saw_nothing(i, current), "no_traffic");
    add(out, i.ring_freezes > before.ring_freezes, "frozen_socket");
    packets += since(before.packets, i.packets);
    merged += since(before.coalesced, i.coalesced);
  }
  add(out, packets >= threshold::packets_min && exceeds(merged, packets, threshold::offloaded),
      "offloaded_frames");
}

std::uint64_t produced(const HeartbeatFacts& facts, std::string_view type) {
  for (const EventTypeFacts& each : facts.events)
    if (each.event_type == type) return each.sealed + each.shed;
  return 0;
}

void diagnose_packets(const HeartbeatFacts& previous, const HeartbeatFacts& current, Reasons& out) {
  const auto delta = [&](std::uint64_t HeartbeatFacts::*counter) {
    return since(previous.*counter, current.*counter);
  };
  const std::uint64_t offered = delta(&HeartbeatFacts::packets_offered);
  const auto lost = [&](std::uint64_t HeartbeatFacts::*counter, std::string_view reason) {
    add(out, exceeds(delta(counter), offered, threshold::drops), reason);
  };
  lost(&HeartbeatFacts::packets_dropped_kernel, "drops_kernel");
  lost(&HeartbeatFacts::packets_dropped_nic, "drops_nic");
  lost(&HeartbeatFacts::packets_dropped_no_buffer, "no_buffer");
  lost(&HeartbeatFacts::packets_shed, "packets_shed");
  const std::uint64_t decoded = delta(&HeartbeatFacts::packets_decoded);
  add(out,
      decoded >= threshold::packets_min &&
          exceeds(delta(&HeartbeatFacts::packets_duplicate), decoded, threshold::duplicates),
      "duplicate_mirror");
  const bool ledger_closes =
      current.packets_offered == current.packets_decoded + current.packets_filtered +
                                     current.packets_malformed + current.packets_not_ip +
                                     current.packets_dropped_kernel + current.packets_dropped_nic +
                                     current.packets_dropped_no_buffer + current.packets_shed;
  add(out, !ledger_closes || current.events_produced != current.events_sealed + current.events_shed,
      "ledger_open");
  add(out, produced(current, "dpi.scan") > produced(previous, "dpi.scan"), "scan_aggregated");
}

// What the traffic itself says about the mirror.
void diagnose_mirror(const HeartbeatFacts& previous, const HeartbeatFacts& current, Reasons& out) {
  const LossInference& now = current.inference;
  const LossInference& before = previous.inference;
  const auto delta = [&](std::uint64_t LossInference::*counter) {
    return since(before.*counter, now.*counter);
  };
  const std::uint64_t acks = delta(&LossInference::tcp_acks);
  const std::uint64_t acked = delta(&LossInference::acked_bytes);
  add(out,
      (acks >= threshold::tcp_acks_min &&
       exceeds(delta(&LossInference::gap_events), acks, threshold::inferred_loss)) ||
          (acked >= threshold::acked_bytes_min &&
           exceeds(delta(&LossInference::gap_bytes), acked, threshold::inferred_loss)),
      "mirror_loss");
  const std::uint64_t tcp_flows = delta(&LossInference::tcp_flows);
  add(out,
      tcp_flows >= threshold::tcp_flows_min &&
          exceeds(delta(&LossInference::one_way_flows), tcp_flows, threshold::one_way),
      "one_way_mirror");
  const std::uint64_t flows = since(previous.flow_records, current.flow_records);
  add(out,
      flows >= threshold::flows_min &&
          exceeds(delta(&LossInference::vlan_one_sided_flows), flows, threshold::one_sided_vlan),
      "one_sided_vlan");
  const std::uint64_t packets = since(previous.packets_decoded, current.packets_decoded);
  if (packets < threshold::packets_min) return;
  add(out, exceeds(delta(&LossInference::truncated_datagrams), packets, threshold::truncated),
      "truncated_mirror");
  add(out, exceeds(delta(&LossInference::out_of_order), packets, threshold::out_of_order),
      "reordered_mirror");
  add(out,
      exceeds(since(before.checksum_bad.value_or(0), now.checksum_bad.value_or(0)), packets,
              threshold::bad_checksums),
      "bad_checksums");
}

void diagnose_machine(const HeartbeatFacts& previous, const HeartbeatFacts& current, Reasons& out) {
  add(out, current.clock_synced == false, "clock_unsynced");
  add(out,
      current.clock_offset_us && (*current.clock_offset_us > threshold::clock_offset_us_max ||
                                  *current.clock_offset_us < -threshold::clock_offset_us_max),
      "clock_offset");
  add(out, current.clock_steps > previous.clock_steps, "clock_stepped");
  add(out, current.worker_restarts > previous.worker_restarts, "worker_restarted");
  add(out, current.unsigned_ms.value_or(0) > threshold::unsigned_ms_max, "unsigned_tail");
  if (current.queues) {
    const QueueFacts& q = *current.queues;
    add(out,
        exceeds(q.work_batches_waiting_max, q.work_batches_capacity, threshold::queue_waiting) ||
            exceeds(q.fact_batches_waiting_max, q.fact_batches_capacity, threshold::queue_waiting),
        "workers_behind");
  }
}

void diagnose_outputs(const HeartbeatFacts& previous, const HeartbeatFacts& current, Reasons& out) {
  if (current.commit) {
    const std::uint64_t before = previous.commit ? previous.commit->commit_errors : 0;
    add(out, current.commit->commit_errors > before, "disk_error");
  }
  if (current.spool) {
    const SpoolFacts& s = *current.spool;
    const bool full = exceeds(s.bytes, s.cap_bytes, threshold::spool_full);
    add(out, full, "spool_full");
    add(out, !full && exceeds(s.bytes, s.cap_bytes, threshold::spool_filling), "spool_filling");
    add(out,
        current.database && current.database->connected &&
            s.oldest_unacked_ms.value_or(0) > threshold::database_lag_ms_max,
        "database_behind");
  }
  const bool database_away = current.database && !current.database->connected;
  add(out, database_away, "database_away");
  // One that waits for a database that is away is not lost; that is said already.
  add(out,
      current.canary && !current.canary->stage.empty() &&
          !(database_away && current.canary->stage == "commit"),
      "canary_lost");
}

}  // namespace

std::vector<std::string_view> diagnose(const HeartbeatFacts& previous,
                                       const HeartbeatFacts& current) {
  Reasons out;
  diagnose_interfaces(previous, current, out);
  diagnose_packets(previous, current, out);
  diagnose_mirror(previous, current, out);
  diagnose_machine(previous, current, out);
  diagnose_outputs(previous, current, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace dpi
