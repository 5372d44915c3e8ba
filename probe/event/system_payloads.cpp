#include <array>

#include "probe/envelope/canonical_writer.h"
#include "probe/event/payloads.h"

namespace dpi {

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
  if (f.loss_window) {
    w.key("loss_window");
    w.begin_object();
    w.member("from", f.loss_window->from);
    w.member("to", f.loss_window->to);
    w.end_object();
  }
  w.member("pid_start_mono_us", f.pid_start_mono_us);
  w.member("recovered_bytes_cut", f.recovered_bytes_cut);
  w.member("run_id", f.run_id);
  w.key("versions");
  w.begin_object();
  const Software& software = f.software;
  if (software.build_sha256) w.member_hex("build_sha256", *software.build_sha256);
  if (!software.kernel_version.empty()) w.member("kernel", software.kernel_version);
  if (!software.libpcap_version.empty()) w.member("libpcap", software.libpcap_version);
  w.member("ndpi", f.ndpi_version);
  if (software.ndpi_library_sha256)
    w.member_hex("ndpi_library_sha256", *software.ndpi_library_sha256);
  if (!software.openssl_version.empty()) w.member("openssl", software.openssl_version);
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

void append_loss_report_payload(std::string& out, const LossReportFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.member("bytes", f.bytes);
  w.member("cause", f.cause);
  w.key("events");
  w.begin_array();
  for (const EventLoss& e : f.events) {
    w.begin_object();
    w.member("count", e.count);
    w.member("event_type", e.event_type);
    w.end_object();
  }
  w.end_array();
  w.member("interval_end", f.interval_end);
  w.member("interval_start", f.interval_start);
  w.member("packets", f.packets);
  w.member("policy", f.policy);
  w.end_object();
}

void append_clock_step_payload(std::string& out, const ClockStepFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.key("delta_us");
  w.value_signed(f.delta_us);
  w.member("source", f.source);
  w.member("synced_after", f.synced_after);
  w.end_object();
}

void append_config_change_payload(std::string& out, const ConfigChangeFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.key("members");
  w.begin_array();
  for (const std::string_view member : f.members) w.value(member);
  w.end_array();
  w.member_hex("new_sha256", f.new_sha256);
  w.member_hex("old_sha256", f.old_sha256);
  w.end_object();
}

void append_key_rotate_payload(std::string& out, const KeyRotateFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  w.member("new_key_alg", "ed25519");
  w.member_hex("new_key_id", f.new_key_id);
  w.member("new_key_spki", base64(f.new_key_spki));
  w.member_hex("old_key_id", f.old_key_id);
  w.member("possession_sig", base64(f.possession_signature));
  w.member("reason", f.reason);
  w.end_object();
}

void append_worker_crash_payload(std::string& out, const WorkerCrashFacts& f) {
  std::array<std::uint8_t, 8> hash{};
  for (std::size_t i = 0; i < hash.size(); ++i)
    hash[i] = static_cast<std::uint8_t>(f.flow_key_hash >> (56 - 8 * i));
  CanonicalWriter w(out);
  w.begin_object();
  w.member_hex("flow_key_hash", hash);
  if (f.quarantine_sha256) w.member_hex("quarantine_sha256", *f.quarantine_sha256);
  w.member("signal", f.signal);
  w.member("uptime_ms", f.uptime_ms);
  w.member("worker", f.worker);
  w.end_object();
}

}  // namespace dpi
