#include "probe/pipeline/event_journal.h"

#include <algorithm>

#include "probe/base/check.h"

namespace dpi {

void EventJournal::record(std::string_view type, Timestamp observed_at) {
  // In replay nothing but packet time exists: an event is emitted when it was observed.
  recorder_.record({.type = type, .version = 1, .observed_at = observed_at, .payload = payload_},
                   {.emitted_at = observed_at, .mono_us = mono_us_});
  payload_.clear();
}

void EventJournal::begin(Timestamp now) {
  begun_ = true;
  const Sealer& sealer = recorder_.sealer();
  if (sealer.next_seq() == 0) {
    const PublicKey& key = sealer.key().public_key();
    append_chain_start_payload(payload_, {.reason = settings_.start_reason,
                                          .key_id = key.key_id(),
                                          .key_spki = key.spki(),
                                          .config_sha256 = settings_.config_sha256});
    record("chain.start", now);
  }
  append_probe_start_payload(payload_, {.run_id = settings_.run_id,
                                        .clean_shutdown = true,
                                        .recovered_bytes_cut = 0,
                                        .head_tree_size = sealer.next_seq(),
                                        .head_last_hash = sealer.head().last_hash,
                                        .pid_start_mono_us = mono_us_,
                                        .probe_version = settings_.probe_version,
                                        .ndpi_version = settings_.ndpi_version,
                                        .schema_sha256 = settings_.schema_sha256,
                                        .config_sha256 = settings_.config_sha256});
  record("probe.start", now);
}

void EventJournal::tick(Timestamp now) {
  now_ = now;
  if (!capture_began_at_) {
    capture_began_at_ = now;
    mono_us_before_ = mono_us_;
  }
  mono_us_ =
      mono_us_before_ + static_cast<std::uint64_t>((now - *capture_began_at_).count() / 1000);
  if (!begun_) begin(now);
  if (!last_heartbeat_at_) last_heartbeat_at_ = now;
  if (now - *last_heartbeat_at_ >= settings_.heartbeat_interval) heartbeat(now);
}

void EventJournal::heartbeat(Timestamp now) {
  DPI_CHECK(pipeline_ != nullptr);
  const PacketLedger& ledger = pipeline_->ledger();
  const FlowTableStats flows = pipeline_->flow_stats();
  const Nanoseconds since = last_heartbeat_at_ ? now - *last_heartbeat_at_ : Nanoseconds{0};
  HeartbeatFacts f;
  f.heartbeat_number = heartbeats_++;
  f.interval_ms = static_cast<std::uint64_t>(since.count() / 1'000'000);
  f.previous_seq = last_heartbeat_seq_;
  f.run_id = settings_.run_id;
  f.uptime_ms = mono_us_ / 1000;
  f.probe_version = settings_.probe_version;
  f.ndpi_version = settings_.ndpi_version;
  f.config_sha256 = settings_.config_sha256;
  f.schema_sha256 = settings_.schema_sha256;
  f.packets_decoded = ledger.decoded;
  f.packets_filtered = ledger.filtered;
  f.packets_malformed = ledger.malformed;
  f.packets_not_ip = ledger.not_ip;
  // Told between two packets: the one that caused the tick is offered, but in no bucket yet.
  f.packets_offered =
      f.packets_decoded + f.packets_filtered + f.packets_malformed + f.packets_not_ip;
  f.bytes_offered = ledger.bytes_offered;
  f.packets_truncated = ledger.truncated;
  f.packets_duplicate = flows.duplicates;
  f.time_backward_steps = ledger.time_backward_steps;
  f.flows_active = flows.active;
  f.flows_started = flows.started;
  f.flow_records = flows.records;
  f.flows_evicted = flows.evicted;
  f.dns_transactions = pipeline_->dns_stats().transactions;
  f.dns_messages = pipeline_->dns_stats().messages;
  f.events_sealed = recorder_.events_sealed();
  f.tree_size_signed = recorder_.tree_size_signed();
  if (ledger.offered > 0) f.last_packet_at = now;
  f.anomalies = pipeline_->anomalies();
  append_heartbeat_payload(payload_, f);
  last_heartbeat_seq_ = recorder_.events_sealed();
  last_heartbeat_at_ = now;
  record("health.heartbeat", now);
}

void EventJournal::flow(const Flow& flow, EndReason reason, bool final, const Verdict& verdict,
                        const AppMetadata* metadata) {
  ++flow_records_;
  append_flow_payload(payload_, flow, reason, final, verdict, metadata);
  record("dpi.flow", flow.end_at);
}

void EventJournal::dns(const DnsTransaction& transaction) {
  ++dns_transactions_;
  append_dns_payload(payload_, transaction);
  record("dpi.dns", transaction.last_at);
}

void EventJournal::finish(std::string_view reason) {
  if (!begun_) begin(now_);
  heartbeat(now_);
  append_probe_stop_payload(payload_, {.run_id = settings_.run_id,
                                       .reason = reason,
                                       .events_sealed = recorder_.events_sealed(),
                                       .packets_offered = pipeline_->ledger().offered,
                                       .flow_records = flow_records_,
                                       .dns_transactions = dns_transactions_});
  record("probe.stop", now_);
}

}  // namespace dpi
