// Facts → payload bytes (canonical JSON; docs/events.md says what each member means).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/time.h"
#include "probe/classify/classifier.h"
#include "probe/dns/transaction.h"
#include "probe/flow/flow.h"
#include "probe/metadata/app_metadata.h"

namespace dpi {

// `metadata` may be null.
void append_flow_payload(std::string& out, const Flow& flow, EndReason reason, bool final,
                         const Verdict& verdict, const AppMetadata* metadata);
void append_dns_payload(std::string& out, const DnsTransaction& transaction);

// Cumulative since the chain began.
struct HeartbeatFacts {
  std::uint64_t heartbeat_number = 0;
  std::uint64_t interval_ms = 0;
  std::optional<std::uint64_t> previous_seq;
  std::vector<std::string_view> reasons;  // sorted, unique; none: healthy
  Uuid run_id{};
  std::uint64_t uptime_ms = 0;
  std::string_view probe_version;
  std::string_view ndpi_version;
  Digest config_sha256{};
  Digest schema_sha256{};
  // The ledger: offered = the sum of the seven below it.
  std::uint64_t packets_offered = 0;
  std::uint64_t packets_decoded = 0;
  std::uint64_t packets_filtered = 0;
  std::uint64_t packets_malformed = 0;
  std::uint64_t packets_not_ip = 0;
  std::uint64_t packets_dropped_kernel = 0;
  std::uint64_t packets_dropped_nic = 0;
  std::uint64_t packets_shed = 0;
  std::uint64_t bytes_offered = 0;
  std::uint64_t packets_truncated = 0;
  std::uint64_t packets_duplicate = 0;
  std::uint64_t time_backward_steps = 0;
  std::uint64_t flows_active = 0;
  std::uint64_t flows_started = 0;
  std::uint64_t flow_records = 0;
  std::uint64_t flows_evicted = 0;
  std::uint64_t dns_transactions = 0;
  std::uint64_t dns_messages = 0;
  std::uint64_t events_sealed = 0;
  std::uint64_t events_shed = 0;
  std::uint64_t tree_size_signed = 0;
  std::optional<Timestamp> last_packet_at;
  AnomalyCounters anomalies;
};
void append_heartbeat_payload(std::string& out, const HeartbeatFacts& facts);

struct ChainStartFacts {
  std::string_view reason;  // enrolled, state_loss, state_rollback, key_loss, replay
  Digest key_id{};
  ByteBuffer key_spki;
  Digest config_sha256{};
};
void append_chain_start_payload(std::string& out, const ChainStartFacts& facts);

struct ProbeStartFacts {
  Uuid run_id{};
  bool clean_shutdown = true;
  std::uint64_t recovered_bytes_cut = 0;
  std::uint64_t head_tree_size = 0;
  Digest head_last_hash{};
  std::uint64_t pid_start_mono_us = 0;
  std::string_view probe_version;
  std::string_view ndpi_version;
  Digest schema_sha256{};
  Digest config_sha256{};
};
void append_probe_start_payload(std::string& out, const ProbeStartFacts& facts);

struct ProbeStopFacts {
  Uuid run_id{};
  std::string_view reason;  // end_of_input, signal, error
  std::uint64_t events_sealed = 0;
  std::uint64_t packets_offered = 0;
  std::uint64_t flow_records = 0;
  std::uint64_t dns_transactions = 0;
};
void append_probe_stop_payload(std::string& out, const ProbeStopFacts& facts);

}  // namespace dpi
