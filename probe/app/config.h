// The effective configuration: defaults, then the TOML file, then --set. config/dpi.toml documents
// every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/classify/classifier.h"
#include "probe/pipeline/pipeline.h"

namespace dpi {

struct Config {
  std::uint64_t limits_memory_mib = 3072;
  std::uint64_t flow_flows_max = 262'144;
  std::uint64_t flow_idle_tcp_s = 60;
  std::uint64_t flow_idle_other_s = 30;
  std::uint64_t flow_idle_half_open_s = 10;
  std::uint64_t flow_active_s = 300;
  std::uint64_t flow_linger_closed_s = 5;
  std::uint64_t flow_splt_packets = 16;
  bool flow_key_vlan = false;
  bool flow_key_tunnel = false;
  std::string flow_tunnels = "inner";
  std::string flow_duplicates = "count";
  std::uint64_t flow_scan_flows = 1024;
  std::uint64_t fragments_datagrams_max = 4096;
  std::uint64_t fragments_bytes_max = 8U << 20U;
  std::uint64_t fragments_timeout_s = 30;
  std::uint64_t streams_bytes_max = 64ULL << 20U;
  std::uint64_t dns_transactions_max = 65'536;
  std::uint64_t dns_query_timeout_s = 10;
  std::uint64_t dns_linger_s = 2;
  std::uint64_t classify_tcp_packets = 16;
  std::uint64_t classify_udp_packets = 8;
  std::uint64_t classify_other_packets = 1;
  std::string probe_instance;
  std::string capture_interfaces;
  std::uint64_t capture_sockets = 1;
  std::uint64_t capture_ring_mib = 64;
  std::uint64_t capture_snap_bytes = 0;
  std::uint64_t capture_batch_packets = 256;
  bool capture_promiscuous = true;
  bool capture_outgoing = false;
  std::string capture_filter;
  std::string capture_dpdk;
  std::string capture_dpdk_plugin;
  std::uint64_t capture_dpdk_queues = 1;
  bool capture_dpdk_huge_pages = true;
  std::uint64_t workers_count = 1;
  std::string workers_cpus;
  std::uint64_t workers_batches = 256;
  std::string workers_quarantine_dir;
  std::uint64_t workers_quarantine_files = 16;
  std::uint64_t heartbeat_interval_s = 10;
  bool heartbeat_canary = true;
  std::uint64_t signing_checkpoint_events = 256;
  std::uint64_t signing_checkpoint_ms = 200;
  std::string signing_key;
  std::string spool_dir;
  std::uint64_t spool_segment_mib = 64;
  std::uint64_t spool_cap_mib = 20'480;
  std::uint64_t spool_keep_acked_mib = 1024;
  std::string database_conninfo;
  std::uint64_t export_enterprise_number = 32'473;
  std::string service_metrics = "127.0.0.1:9477";
  bool service_sandbox = true;

  [[nodiscard]] PipelineLimits pipeline_limits() const;
  [[nodiscard]] ClassifierLimits classifier_limits() const;
  // workers.cpus as numbers; empty: any.
  [[nodiscard]] std::vector<int> worker_cpus() const;
};

// An empty path: defaults. Errors are Errc::usage and name file:line:column.
[[nodiscard]] Result<Config> load_config(const std::string& path,
                                         const std::vector<std::string>& settings);

// TOML of every key with its effective value, in the order of config/dpi.toml.
[[nodiscard]] std::string show_config(const Config& config);

// Names (section.key) of what differs, in the order of config/dpi.toml.
[[nodiscard]] std::vector<std::string> changed_keys(const Config& before, const Config& after);

// What decides which events a capture gives: canonical JSON of the keys that do, and of everything
// else named here. Paths, outputs and sizes of buffers are not in it.
struct DigestInputs {
  std::string filter;
  std::optional<Digest> key_id;
  std::string ndpi_version;
  bool merged = false;
};
[[nodiscard]] Digest config_digest(const Config& config, const DigestInputs& inputs);

}  // namespace dpi
