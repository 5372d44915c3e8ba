// What a heartbeat says (docs/events.md, health.heartbeat). Plain facts: whoever owns the pipeline
// fills them, append_heartbeat_payload writes them, diagnose reads them.
//
// Counters are cumulative since the chain began, so that a lost heartbeat loses no count; what
// covers only the time since the heartbeat before says so. Members that depend on the machine are
// optional and absent in replay. Text is viewed, not owned: it must outlive the facts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dissectors/anomaly.h"
#include "probe/base/hex.h"
#include "probe/base/time.h"
#include "probe/event/software.h"

namespace dpi {

struct InterfaceFacts {
  std::string name;       // any bytes; written as pct-text
  std::string_view kind;  // file, af_packet, dpdk
  std::optional<bool> link_up;
  std::optional<bool> promiscuous;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // on the wire
  std::uint64_t dropped_kernel = 0;
  std::uint64_t dropped_nic = 0;
  std::uint64_t dropped_no_buffer = 0;
  std::uint64_t ring_freezes = 0;
  std::uint64_t coalesced = 0;         // frames merged by the host (GRO, LRO)
  std::uint64_t checksum_partial = 0;  // frames whose checksum was left to the card
  std::uint64_t reopened = 0;
  std::uint64_t malformed = 0;  // in the ledger's bucket of that name
  std::uint64_t truncated = 0;
  std::optional<Timestamp> last_packet_at;
};

struct EventTypeFacts {
  std::string_view event_type;
  std::uint64_t sealed = 0;
  std::uint64_t shed = 0;
};

struct LossFacts {
  std::string_view cause;  // as in LossReportFacts
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
};

// ACKs for data that never came by say what was lost before the probe; kernel counters cannot.
struct LossInference {
  std::uint64_t tcp_acks = 0;    // in flows whose handshake was seen
  std::uint64_t gap_events = 0;  // those that acknowledge bytes never seen
  std::uint64_t acked_bytes = 0;
  std::uint64_t gap_bytes = 0;
  std::uint64_t tcp_flows = 0;  // ended
  std::uint64_t one_way_flows = 0;
  std::uint64_t midstream_flows = 0;
  std::uint64_t dns_orphans = 0;
  std::uint64_t retransmits = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t vlan_one_sided_flows = 0;
  std::uint64_t truncated_datagrams = 0;  // IP length > captured, though the frame is whole
  std::optional<std::uint64_t> checksum_bad;
};

struct QueueFacts {
  std::uint64_t work_batches_waiting_max = 0;  // since the heartbeat before, of one worker
  std::uint64_t work_batches_capacity = 0;
  std::uint64_t fact_batches_waiting_max = 0;  // since the heartbeat before
  std::uint64_t fact_batches_capacity = 0;
};

struct CommitFacts {
  std::uint64_t commits = 0;
  std::uint64_t commit_errors = 0;
  struct Latency {  // since the heartbeat before
    std::uint64_t p50_us = 0;
    std::uint64_t p99_us = 0;
    std::uint64_t max_us = 0;
  };
  std::optional<Latency> latency;  // none: no commit since then
};

struct SpoolFacts {
  std::uint64_t bytes = 0;
  std::uint64_t cap_bytes = 0;
  std::uint64_t unacked_events = 0;
  std::optional<std::uint64_t> oldest_unacked_ms;
  std::uint64_t quarantined = 0;
};

struct DatabaseFacts {
  bool connected = false;
  std::uint64_t lag_events = 0;
  std::optional<Timestamp> last_ack_at;
  std::uint64_t retries = 0;  // attempts after one that failed
  std::uint64_t errors = 0;   // attempts that failed
  std::uint64_t refused = 0;  // of those, because the database said no: it was there
};

// The canary that this heartbeat reports. Both lags when it arrived, else the stage where it
// stopped: decode, flow, classify, seal, spool, commit.
struct CanaryFacts {
  std::uint64_t number = 0;
  std::optional<std::uint64_t> flow_lag_us;
  std::optional<std::uint64_t> dns_lag_us;
  std::string_view stage;  // empty: it arrived
};

struct HeartbeatFacts {
  Timestamp at{};  // observed_at of the envelope; not in the payload
  std::uint64_t heartbeat_number = 0;
  std::uint64_t interval_ms = 0;
  std::optional<std::uint64_t> previous_seq;
  std::vector<std::string_view> reasons;  // sorted, unique; none: healthy
  Uuid run_id{};
  std::uint64_t uptime_ms = 0;

  std::string_view probe_version;
  std::string_view ndpi_version;
  Software software;
  Digest config_sha256{};
  Digest schema_sha256{};

  std::optional<std::int64_t> clock_offset_us;  // ahead of its reference
  std::optional<std::uint64_t> clock_max_error_us;
  std::optional<bool> clock_synced;
  std::uint64_t clock_steps = 0;

  // The ledger: offered = the sum of the eight below it.
  std::uint64_t packets_offered = 0;
  std::uint64_t packets_decoded = 0;
  std::uint64_t packets_filtered = 0;
  std::uint64_t packets_malformed = 0;
  std::uint64_t packets_not_ip = 0;
  std::uint64_t packets_dropped_kernel = 0;
  std::uint64_t packets_dropped_nic = 0;
  std::uint64_t packets_dropped_no_buffer = 0;
  std::uint64_t packets_shed = 0;
  std::uint64_t bytes_offered = 0;
  std::uint64_t packets_truncated = 0;
  std::uint64_t packets_duplicate = 0;
  std::uint64_t time_backward_steps = 0;
  std::vector<InterfaceFacts> interfaces;  // by name, unique
  std::vector<LossFacts> losses;           // by cause, unique
  LossInference inference;

  std::uint64_t flows_active = 0;
  std::uint64_t flows_started = 0;
  std::uint64_t flow_records = 0;
  std::uint64_t flows_evicted = 0;
  std::uint64_t dns_transactions = 0;
  std::uint64_t dns_messages = 0;
  AnomalyCounters anomalies;

  std::uint64_t events_produced = 0;  // sealed + shed
  std::uint64_t events_sealed = 0;
  std::uint64_t events_shed = 0;
  std::vector<EventTypeFacts> events;  // by type, unique
  std::uint64_t tree_size_signed = 0;
  std::uint64_t unsigned_events = 0;
  std::optional<std::uint64_t> unsigned_ms;  // age of the oldest unsigned event
  Digest key_id{};

  std::optional<QueueFacts> queues;
  std::optional<std::uint64_t> recorder_lag_us;  // behind the newest packet time told to it
  std::optional<CommitFacts> commit;
  std::optional<SpoolFacts> spool;
  std::optional<DatabaseFacts> database;
  std::optional<std::uint64_t> workers;
  std::uint64_t worker_restarts = 0;  // with workers; cumulative over the chain
  std::optional<CanaryFacts> canary;
  std::optional<Timestamp> last_packet_at;
};

// state is healthy when there is no reason, else degraded.
void append_heartbeat_payload(std::string& out, const HeartbeatFacts& facts);

}  // namespace dpi
