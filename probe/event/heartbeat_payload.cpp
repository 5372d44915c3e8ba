#include <algorithm>
#include <array>
#include <utility>

#include "probe/base/bytes.h"
#include "probe/envelope/canonical_writer.h"
#include "probe/event/heartbeat.h"

namespace dpi {
namespace {

constexpr std::size_t interface_name_bytes_max = 255;
// Of all interfaces, which leaves room for everything else in the 61,440 of a payload; of one, at
// most: what is written of it, and of a name as long as it may be.
constexpr std::size_t interfaces_bytes_max = 44U << 10U;
constexpr std::size_t interface_bytes_max = 900;
// Those behind the last one that there is room for, together.
constexpr std::string_view others_name = "~others";

// {name, count} of every anomaly that happened, by name.
void write_anomalies(CanonicalWriter& w, const AnomalyCounters& counters) {
  std::vector<std::pair<std::string_view, std::uint64_t>> totals;
  for (std::size_t i = 0; i < anomaly_count; ++i) {
    if (counters.counts[i] > 0)
      totals.emplace_back(anomaly_name(static_cast<Anomaly>(i)), counters.counts[i]);
  }
  std::sort(totals.begin(), totals.end());
  w.key("anomalies");
  w.begin_array();
  for (const auto& [name, count] : totals) {
    w.begin_object();
    w.member("count", count);
    w.member("name", name);
    w.end_object();
  }
  w.end_array();
}

void write_canary(CanonicalWriter& w, const CanaryFacts& c) {
  if (c.dns_lag_us) w.member("canary_dns_lag_us", *c.dns_lag_us);
  if (c.flow_lag_us) w.member("canary_flow_lag_us", *c.flow_lag_us);
  w.member("canary_number", c.number);
  if (!c.stage.empty()) w.member("canary_stage", c.stage);
}

void write_clock(CanonicalWriter& w, const HeartbeatFacts& f) {
  if (f.clock_max_error_us) w.member("clock_max_error_us", *f.clock_max_error_us);
  if (f.clock_offset_us) {
    w.key("clock_offset_us");
    w.value_signed(*f.clock_offset_us);
  }
  w.member("clock_steps", f.clock_steps);
  if (f.clock_synced) w.member("clock_synced", *f.clock_synced);
}

void write_commit(CanonicalWriter& w, const CommitFacts& c) {
  w.member("commit_errors", c.commit_errors);
  if (c.latency) {
    w.member("commit_max_us", c.latency->max_us);
    w.member("commit_p50_us", c.latency->p50_us);
    w.member("commit_p99_us", c.latency->p99_us);
  }
  w.member("commits", c.commits);
}

void write_database(CanonicalWriter& w, const DatabaseFacts& d) {
  w.member("db_connected", d.connected);
  w.member("db_errors", d.errors);
  w.member("db_lag_events", d.lag_events);
  if (d.last_ack_at) w.member("db_last_ack_at", *d.last_ack_at);
  w.member("db_refused", d.refused);
  w.member("db_retries", d.retries);
}

void write_events(CanonicalWriter& w, const std::vector<EventTypeFacts>& events) {
  w.key("events");
  w.begin_array();
  for (const EventTypeFacts& e : events) {
    w.begin_object();
    w.member("event_type", e.event_type);
    w.member("sealed", e.sealed);
    w.member("shed", e.shed);
    w.end_object();
  }
  w.end_array();
}

void add(InterfaceFacts& to, const InterfaceFacts& more) {
  constexpr std::array counters{
      &InterfaceFacts::packets,           &InterfaceFacts::bytes,
      &InterfaceFacts::dropped_kernel,    &InterfaceFacts::dropped_nic,
      &InterfaceFacts::dropped_no_buffer, &InterfaceFacts::ring_freezes,
      &InterfaceFacts::coalesced,         &InterfaceFacts::checksum_partial,
      &InterfaceFacts::reopened,          &InterfaceFacts::malformed,
      &InterfaceFacts::truncated};
  for (const auto counter : counters) to.*counter += more.*counter;
  to.last_packet_at = std::max(to.last_packet_at, more.last_packet_at);
}

void write_interface(CanonicalWriter& w, const InterfaceFacts& i) {
  w.begin_object();
  w.member("bytes", i.bytes);
  w.member("checksum_partial", i.checksum_partial);
  w.member("coalesced", i.coalesced);
  w.member("dropped_kernel", i.dropped_kernel);
  w.member("dropped_nic", i.dropped_nic);
  w.member("dropped_no_buffer", i.dropped_no_buffer);
  w.member("kind", i.kind);
  if (i.last_packet_at) w.member("last_packet_at", *i.last_packet_at);
  if (i.link_up) w.member("link_up", *i.link_up);
  w.member("malformed", i.malformed);
  w.key("name");
  w.value_pct(as_bytes(i.name), interface_name_bytes_max);
  w.member("packets", i.packets);
  if (i.promiscuous) w.member("promiscuous", *i.promiscuous);
  w.member("reopened", i.reopened);
  w.member("ring_freezes", i.ring_freezes);
  w.member("truncated", i.truncated);
  w.end_object();
}

void write_interfaces(CanonicalWriter& w, const std::vector<InterfaceFacts>& interfaces) {
  w.key("interfaces");
  w.begin_array();
  const std::size_t start = w.size();
  std::size_t written = 0;
  for (; written < interfaces.size(); ++written) {
    const bool last = written + 1 == interfaces.size();
    if (w.size() - start + (last ? 1 : 2) * interface_bytes_max > interfaces_bytes_max) break;
    write_interface(w, interfaces[written]);
  }
  if (written < interfaces.size()) {
    InterfaceFacts others;
    others.name = others_name;
    others.kind = interfaces[written].kind;
    for (; written < interfaces.size(); ++written) add(others, interfaces[written]);
    write_interface(w, others);
  }
  w.end_array();
}

void write_losses(CanonicalWriter& w, const std::vector<LossFacts>& losses) {
  w.key("losses");
  w.begin_array();
  for (const LossFacts& l : losses) {
    w.begin_object();
    w.member("bytes", l.bytes);
    w.member("cause", l.cause);
    w.member("events", l.events);
    w.member("packets", l.packets);
    w.end_object();
  }
  w.end_array();
}

void write_packets(CanonicalWriter& w, const HeartbeatFacts& f) {
  w.member("packets_decoded", f.packets_decoded);
  w.member("packets_dropped_kernel", f.packets_dropped_kernel);
  w.member("packets_dropped_nic", f.packets_dropped_nic);
  w.member("packets_dropped_no_buffer", f.packets_dropped_no_buffer);
  w.member("packets_duplicate", f.packets_duplicate);
  w.member("packets_filtered", f.packets_filtered);
  w.member("packets_malformed", f.packets_malformed);
  w.member("packets_not_ip", f.packets_not_ip);
  w.member("packets_offered", f.packets_offered);
  w.member("packets_shed", f.packets_shed);
  w.member("packets_truncated", f.packets_truncated);
}

void write_reasons(CanonicalWriter& w, const std::vector<std::string_view>& reasons) {
  w.key("reasons");
  w.begin_array();
  for (const std::string_view reason : reasons) w.value(reason);
  w.end_array();
}

void write_spool(CanonicalWriter& w, const SpoolFacts& s) {
  w.member("spool_bytes", s.bytes);
  w.member("spool_cap_bytes", s.cap_bytes);
  if (s.oldest_unacked_ms) w.member("spool_oldest_unacked_ms", *s.oldest_unacked_ms);
  w.member("spool_quarantined", s.quarantined);
  w.member("spool_unacked_events", s.unacked_events);
}

// Members a to k.
void write_first_half(CanonicalWriter& w, const HeartbeatFacts& f) {
  const LossInference& loss = f.inference;
  w.member("acked_bytes", loss.acked_bytes);
  write_anomalies(w, f.anomalies);
  if (f.software.build_sha256) w.member_hex("build_sha256", *f.software.build_sha256);
  w.member("bytes_offered", f.bytes_offered);
  if (f.canary) write_canary(w, *f.canary);
  if (loss.checksum_bad) w.member("checksum_bad", *loss.checksum_bad);
  write_clock(w, f);
  if (f.commit) write_commit(w, *f.commit);
  w.member_hex("config_sha256", f.config_sha256);
  if (f.database) write_database(w, *f.database);
  w.member("dns_messages", f.dns_messages);
  w.member("dns_orphans", loss.dns_orphans);
  w.member("dns_transactions", f.dns_transactions);
  write_events(w, f.events);
  w.member("events_produced", f.events_produced);
  w.member("events_sealed", f.events_sealed);
  w.member("events_shed", f.events_shed);
  if (f.queues) {
    w.member("fact_batches_capacity", f.queues->fact_batches_capacity);
    w.member("fact_batches_waiting_max", f.queues->fact_batches_waiting_max);
  }
  w.member("flow_records", f.flow_records);
  w.member("flows_active", f.flows_active);
  w.member("flows_evicted", f.flows_evicted);
  w.member("flows_started", f.flows_started);
  w.member("gap_bytes", loss.gap_bytes);
  w.member("gap_events", loss.gap_events);
  w.member("heartbeat_number", f.heartbeat_number);
  write_interfaces(w, f.interfaces);
  w.member("interval_ms", f.interval_ms);
  if (!f.software.kernel_version.empty()) w.member("kernel_version", f.software.kernel_version);
  w.member_hex("key_id", f.key_id);
}

// Members l to z.
void write_second_half(CanonicalWriter& w, const HeartbeatFacts& f) {
  const LossInference& loss = f.inference;
  if (f.last_packet_at) w.member("last_packet_at", *f.last_packet_at);
  if (!f.software.libpcap_version.empty()) w.member("libpcap_version", f.software.libpcap_version);
  write_losses(w, f.losses);
  w.member("midstream_flows", loss.midstream_flows);
  if (f.software.ndpi_library_sha256)
    w.member_hex("ndpi_library_sha256", *f.software.ndpi_library_sha256);
  w.member("ndpi_version", f.ndpi_version);
  w.member("one_way_flows", loss.one_way_flows);
  if (!f.software.openssl_version.empty()) w.member("openssl_version", f.software.openssl_version);
  w.member("out_of_order", loss.out_of_order);
  write_packets(w, f);
  if (f.previous_seq) w.member("previous_seq", *f.previous_seq);
  w.member("probe_version", f.probe_version);
  write_reasons(w, f.reasons);
  if (f.recorder_lag_us) w.member("recorder_lag_us", *f.recorder_lag_us);
  w.member("retransmits", loss.retransmits);
  w.member("run_id", f.run_id);
  w.member_hex("schema_sha256", f.schema_sha256);
  if (f.spool) write_spool(w, *f.spool);
  w.member("state", f.reasons.empty() ? "healthy" : "degraded");
  w.member("tcp_acks", loss.tcp_acks);
  w.member("tcp_flows", loss.tcp_flows);
  w.member("time_backward_steps", f.time_backward_steps);
  w.member("tree_size_signed", f.tree_size_signed);
  w.member("truncated_datagrams", loss.truncated_datagrams);
  w.member("unsigned_events", f.unsigned_events);
  if (f.unsigned_ms) w.member("unsigned_ms", *f.unsigned_ms);
  w.member("uptime_ms", f.uptime_ms);
  w.member("vlan_one_sided_flows", loss.vlan_one_sided_flows);
  if (f.queues) {
    w.member("work_batches_capacity", f.queues->work_batches_capacity);
    w.member("work_batches_waiting_max", f.queues->work_batches_waiting_max);
  }
  if (f.workers) w.member("worker_restarts", f.worker_restarts);
  if (f.workers) w.member("workers", *f.workers);
}

}  // namespace

void append_heartbeat_payload(std::string& out, const HeartbeatFacts& facts) {
  CanonicalWriter w(out);
  w.begin_object();
  write_first_half(w, facts);
  write_second_half(w, facts);
  w.end_object();
}

}  // namespace dpi
