#include <algorithm>

#include "probe/envelope/canonical.h"
#include "probe/event/payloads.h"

namespace dpi {
namespace {

// {name, count} of every anomaly that happened, by name.
void write_anomaly_totals(CanonicalWriter& w, const AnomalyCounters& counters) {
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

}  // namespace

void append_heartbeat_payload(std::string& out, const HeartbeatFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  write_anomaly_totals(w, f.anomalies);
  w.member("bytes_offered", f.bytes_offered);
  w.member_hex("config_sha256", f.config_sha256);
  w.member("dns_messages", f.dns_messages);
  w.member("dns_transactions", f.dns_transactions);
  w.member("events_sealed", f.events_sealed);
  w.member("events_shed", f.events_shed);
  w.member("flow_records", f.flow_records);
  w.member("flows_active", f.flows_active);
  w.member("flows_evicted", f.flows_evicted);
  w.member("flows_started", f.flows_started);
  w.member("heartbeat_number", f.heartbeat_number);
  w.member("interval_ms", f.interval_ms);
  if (f.last_packet_at) w.member("last_packet_at", *f.last_packet_at);
  w.member("ndpi_version", f.ndpi_version);
  w.member("packets_decoded", f.packets_decoded);
  w.member("packets_dropped_kernel", f.packets_dropped_kernel);
  w.member("packets_dropped_nic", f.packets_dropped_nic);
  w.member("packets_duplicate", f.packets_duplicate);
  w.member("packets_filtered", f.packets_filtered);
  w.member("packets_malformed", f.packets_malformed);
  w.member("packets_not_ip", f.packets_not_ip);
  w.member("packets_offered", f.packets_offered);
  w.member("packets_shed", f.packets_shed);
  w.member("packets_truncated", f.packets_truncated);
  if (f.previous_seq) w.member("previous_seq", *f.previous_seq);
  w.member("probe_version", f.probe_version);
  w.key("reasons");
  w.begin_array();
  for (const std::string_view reason : f.reasons) w.value(reason);
  w.end_array();
  w.member("run_id", f.run_id);
  w.member_hex("schema_sha256", f.schema_sha256);
  w.member("state", f.reasons.empty() ? "healthy" : "degraded");
  w.member("time_backward_steps", f.time_backward_steps);
  w.member("tree_size_signed", f.tree_size_signed);
  w.member("uptime_ms", f.uptime_ms);
  w.end_object();
}

void append_chain_start_payload(std::string& out, const ChainStartFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.member_hex("config_sha256", f.config_sha256);
  w.member("key_alg", "ed25519");
  w.member_hex("key_id", f.key_id);
  w.member("key_spki", base64(f.key_spki));
  w.member("reason", f.reason);
  w.end_object();
}

void append_probe_start_payload(std::string& out, const ProbeStartFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.member("clean_shutdown", f.clean_shutdown);
  w.member_hex("config_sha256", f.config_sha256);
  w.key("head_before");
  w.begin_object();
  w.member_hex("last_hash", f.head_last_hash);
  w.member("tree_size", f.head_tree_size);
  w.end_object();
  w.member("pid_start_mono_us", f.pid_start_mono_us);
  w.member("recovered_bytes_cut", f.recovered_bytes_cut);
  w.member("run_id", f.run_id);
  w.key("versions");
  w.begin_object();
  w.member("ndpi", f.ndpi_version);
  w.member("probe", f.probe_version);
  w.member_hex("schema_sha256", f.schema_sha256);
  w.end_object();
  w.end_object();
}

void append_probe_stop_payload(std::string& out, const ProbeStopFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.member("reason", f.reason);
  w.member("run_id", f.run_id);
  w.key("totals");
  w.begin_object();
  w.member("dns_transactions", f.dns_transactions);
  w.member("events_sealed", f.events_sealed);
  w.member("flow_records", f.flow_records);
  w.member("packets_offered", f.packets_offered);
  w.end_object();
  w.end_object();
}

}  // namespace dpi
