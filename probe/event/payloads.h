// Facts → payload bytes (canonical JSON; docs/events.md says what each member means).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/time.h"
#include "probe/classify/classifier.h"
#include "probe/dns/transaction.h"
#include "probe/event/heartbeat.h"
#include "probe/event/software.h"
#include "probe/flow/flow.h"
#include "probe/metadata/app_metadata.h"

namespace dpi {

// `metadata` may be null. `canary` marks the synthetic exchange of the probe's own check: no view
// or count includes it.
void append_flow_payload(std::string& out, const Flow& flow, EndReason reason, bool final,
                         const Verdict& verdict, const AppMetadata* metadata, bool canary = false);
void append_dns_payload(std::string& out, const DnsTransaction& transaction, bool canary = false);

struct ChainStartFacts {
  std::string_view reason;  // enrolled, state_loss, state_rollback, key_loss, replay
  Digest key_id{};
  ByteBuffer key_spki;
  Digest config_sha256{};
};
void append_chain_start_payload(std::string& out, const ChainStartFacts& facts);

// After an unclean end: what was in rings then is lost.
struct LossWindow {
  Timestamp from{};  // last durable emitted_at
  Timestamp to{};    // this start
};

struct ProbeStartFacts {
  Uuid run_id{};
  bool clean_shutdown = true;
  std::uint64_t recovered_bytes_cut = 0;
  std::uint64_t head_tree_size = 0;
  Digest head_last_hash{};
  std::uint64_t pid_start_mono_us = 0;
  std::string_view probe_version;
  std::string_view ndpi_version;
  Software software{};
  Digest schema_sha256{};
  Digest config_sha256{};
  std::optional<LossWindow> loss_window{};
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

struct EventLoss {
  std::string_view event_type;
  std::uint64_t count = 0;
};

// Of this interval alone.
struct LossReportFacts {
  Timestamp interval_start{};
  Timestamp interval_end{};
  // nic, kernel, no_buffer, worker_ring, sealer_ring, spool_full, disk_error, worker_crash
  std::string_view cause;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;        // on the wire, as far as known
  std::vector<EventLoss> events;  // by type, unique
  std::string_view policy;        // snake_case name of the rule that chose what to lose
};
void append_loss_report_payload(std::string& out, const LossReportFacts& facts);

struct ClockStepFacts {
  std::int64_t delta_us = 0;
  std::string_view source;  // step, ntp, resume
  bool synced_after = false;
};
void append_clock_step_payload(std::string& out, const ClockStepFacts& facts);

struct ConfigChangeFacts {
  Digest old_sha256{};
  Digest new_sha256{};
  std::vector<std::string_view> members;  // section.key, sorted, unique
};
void append_config_change_payload(std::string& out, const ConfigChangeFacts& facts);

struct KeyRotateFacts {
  Digest old_key_id{};
  Digest new_key_id{};
  ByteBuffer new_key_spki;
  ByteBuffer possession_signature;  // by the new key, over ransomeye.key-possession/1
  std::string_view reason;          // canonical text
};
void append_key_rotate_payload(std::string& out, const KeyRotateFacts& facts);

struct WorkerCrashFacts {
  std::uint64_t worker = 0;
  std::uint64_t signal = 0;
  std::uint64_t uptime_ms = 0;
  std::uint64_t flow_key_hash = 0;  // 0: it worked on none
  std::optional<Digest> quarantine_sha256{};
};
void append_worker_crash_payload(std::string& out, const WorkerCrashFacts& facts);

}  // namespace dpi
