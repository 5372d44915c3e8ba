#include "probe/pipeline/event_journal.h"

#include <algorithm>

#include "probe/envelope/key_rotation.h"
#include "probe/event/diagnosis.h"
#include "probe/event/heartbeat_totals.h"

namespace dpi {
namespace {

// Ticks come every second, some a little early: half of one is no reason to wait for the next.
constexpr std::uint64_t heartbeat_slack_us = 500'000;
// A worker that is stuck holds up the seconds of all; a heartbeat waits no longer for them.
constexpr std::uint64_t heartbeat_patience_us = 2'000'000;

LossInference inference_of(const LaneStats& lanes, const PacketLedger& packets,
                           const AnomalyCounters& anomalies) noexcept {
  const LossSigns& signs = lanes.loss;
  LossInference out;
  out.tcp_acks = signs.tcp_acks;
  out.gap_events = signs.gap_events;
  out.acked_bytes = signs.acked_bytes;
  out.gap_bytes = signs.gap_bytes;
  out.tcp_flows = signs.tcp_flows;
  out.one_way_flows = signs.one_way_flows;
  out.midstream_flows = signs.midstream_flows;
  out.dns_orphans = lanes.dns.orphans;
  out.retransmits = signs.retransmits;
  out.out_of_order = signs.out_of_order;
  out.vlan_one_sided_flows = signs.one_sided_vlan_flows;
  out.truncated_datagrams =
      anomalies.counts[static_cast<std::size_t>(Anomaly::ip_length_exceeds_frame)];
  out.checksum_bad = packets.checksum_bad;
  return out;
}

}  // namespace

// In replay nothing but packet time exists: an event is emitted when it was observed.
SealTime EventJournal::seal_time(Timestamp observed_at) const {
  if (settings_.live != nullptr) return settings_.live->seal_time();
  return {.emitted_at = observed_at, .mono_us = mono_us_};
}

bool EventJournal::record(std::string_view type, Timestamp observed_at, std::string_view payload,
                          Room needed) {
  if (settings_.live != nullptr && recorder_.room() > needed) {
    events_.shed(type);
    return false;
  }
  events_.sealed(type);
  recorder_.record({.type = type, .version = 1, .observed_at = observed_at, .payload = payload},
                   seal_time(observed_at));
  return true;
}

// What the chain cannot do without; live it is signed at once.
bool EventJournal::record_own(std::string_view type, Timestamp observed_at) {
  const bool recorded = record(type, observed_at, payload_, Room::reserved);
  payload_.clear();
  if (recorded && settings_.live != nullptr) recorder_.checkpoint();
  return recorded;
}

std::uint64_t EventJournal::mono_us() const {
  return settings_.live != nullptr ? settings_.live->seal_time().mono_us : mono_us_;
}

void EventJournal::start() {
  now_ = seal_time({}).emitted_at;
  heartbeat_tried_us_ = heartbeat_sealed_us_ = losses_told_us_ = mono_us();
  begin(now_);
  heartbeat(now_);
}

bool EventJournal::rotate_key(SigningKey next, std::string_view reason) {
  constexpr std::string_view type = "key.rotate";
  // Asked first: with an event that is shed the key would have changed and nobody would know.
  if (recorder_.room() > Room::reserved || recorder_.error()) return false;
  const Sealer& sealer = recorder_.sealer();
  const PublicKey& announced = next.public_key();
  const Signature possession = sign_possession(sealer.identity().instance, next);
  append_key_rotate_payload(payload_,
                            {.old_key_id = sealer.key().public_key().key_id(),
                             .new_key_id = announced.key_id(),
                             .new_key_spki = announced.spki(),
                             .possession_signature = {possession.begin(), possession.end()},
                             .reason = reason});
  events_.sealed(type);
  const SealTime time = seal_time(now_);
  recorder_.rotate_key(
      std::move(next),
      {.type = type, .version = 1, .observed_at = time.emitted_at, .payload = payload_}, time);
  payload_.clear();
  return true;
}

void EventJournal::own_event(std::string_view type, std::string_view payload) {
  payload_ = payload;
  record_own(type, seal_time(now_).emitted_at);
}

void EventJournal::idle() {
  if (settings_.live == nullptr) return;
  settings_.live->moved();
  if (canary_ && canary_->waits_for_storage()) canary_->stored(settings_.live->stored());
  recorder_.idle();
  const auto since = recorder_.unsigned_since_us();
  const auto age_max =
      static_cast<std::uint64_t>(checkpoint_age_.load(std::memory_order_relaxed).count()) * 1000;
  if (since && recorder_.room() != Room::none && seal_time({}).mono_us - *since >= age_max)
    recorder_.checkpoint();
  if (begun_ && heartbeat_is_due(heartbeat_patience_us)) heartbeat(seal_time({}).emitted_at);
}

// Of an unclean end: what was in rings and memory then is gone.
std::optional<LossWindow> EventJournal::loss_window(Timestamp now) const {
  const LastRun& last = settings_.last_run;
  if (last.clean_shutdown || !last.last_emitted_at) return std::nullopt;
  // The clock may have been set back meanwhile.
  return LossWindow{.from = *last.last_emitted_at, .to = std::max(now, *last.last_emitted_at)};
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
    record_own("chain.start", now);
  }
  append_probe_start_payload(payload_,
                             {.run_id = settings_.run_id,
                              .clean_shutdown = settings_.last_run.clean_shutdown,
                              .recovered_bytes_cut = settings_.last_run.recovered_bytes_cut,
                              .head_tree_size = sealer.next_seq(),
                              .head_last_hash = sealer.head().last_hash,
                              .pid_start_mono_us = mono_us_,
                              .probe_version = settings_.probe_version,
                              .ndpi_version = settings_.ndpi_version,
                              .software = settings_.software,
                              .schema_sha256 = settings_.schema_sha256,
                              .config_sha256 = settings_.config_sha256,
                              .loss_window = loss_window(now)});
  record_own("probe.start", now);
}

void EventJournal::tick(Timestamp now, const PipelineStats& stats,
                        std::span<const FrontStats> fronts) {
  stats_ = stats;
  fronts_.assign(fronts.begin(), fronts.end());
  now_ = now;
  if (begun_) {
    scans_.expire(now, scans_done_);
    record_scans();
  }
  if (settings_.live != nullptr) {
    settings_.live->ticked();
    const auto lag = std::max(seal_time({}).emitted_at - now, Nanoseconds{});
    recorder_lag_us_ = static_cast<std::uint64_t>(lag.count() / 1000);
    if (heartbeat_is_due() || condition() != last_condition_) heartbeat(now);
    return;
  }
  if (between_captures_) {
    between_captures_ = false;
    capture_began_at_ = now;
    mono_us_before_ = mono_us_;
    heartbeat_tried_us_ = heartbeat_sealed_us_ = mono_us_;
  }
  const Nanoseconds passed = std::max(now - capture_began_at_, Nanoseconds{});
  mono_us_ =
      std::max(mono_us_, mono_us_before_ + static_cast<std::uint64_t>(passed.count() / 1000));
  if (!begun_) begin(now);
  if (heartbeat_is_due()) heartbeat(now);
}

HeartbeatFacts EventJournal::heartbeat_facts(Timestamp now, std::uint64_t at_us) const {
  const PacketLedger& ledger = stats_.front.packets;
  const FlowTableStats& flows = stats_.lanes.flows;
  HeartbeatFacts f;
  f.at = now;
  f.heartbeat_number = heartbeats_;
  f.interval_ms = (at_us - heartbeat_sealed_us_) / 1000;
  f.previous_seq = last_heartbeat_seq_;
  f.run_id = settings_.run_id;
  f.uptime_ms = mono_us_ / 1000;
  f.probe_version = settings_.probe_version;
  f.ndpi_version = settings_.ndpi_version;
  f.software = settings_.software;
  f.config_sha256 = settings_.config_sha256;
  f.schema_sha256 = settings_.schema_sha256;
  f.packets_decoded = ledger.decoded;
  f.packets_filtered = ledger.filtered;
  f.packets_malformed = ledger.malformed;
  f.packets_not_ip = ledger.not_ip;
  f.packets_shed = ledger.shed;
  f.packets_dropped_kernel = stats_.front.source.dropped_kernel;
  f.packets_dropped_nic = stats_.front.source.dropped_nic;
  f.packets_dropped_no_buffer = stats_.front.source.dropped_no_buffer;
  f.packets_offered = ledger.offered + f.packets_dropped_kernel + f.packets_dropped_nic +
                      f.packets_dropped_no_buffer;
  f.bytes_offered = ledger.bytes_offered;
  f.packets_truncated = ledger.truncated;
  f.packets_duplicate = flows.duplicates;
  f.time_backward_steps = ledger.time_backward_steps;
  f.flows_active = flows.active;
  f.flows_started = flows.started;
  f.flow_records = flows.records;
  f.flows_evicted = flows.evicted;
  f.dns_transactions = stats_.lanes.dns.transactions;
  f.dns_messages = stats_.lanes.dns.messages;
  f.events_shed = events_.shed_total();
  f.events = events_.types();
  f.clock_steps = events_.produced("clock.step");
  f.events_sealed = recorder_.events_sealed();
  f.events_produced = f.events_sealed + f.events_shed;
  f.tree_size_signed = recorder_.tree_size_signed();
  f.unsigned_events = f.events_sealed - f.tree_size_signed;
  f.key_id = recorder_.sealer().key().public_key().key_id();
  f.last_packet_at = ledger.last_packet_at;
  f.anomalies = stats_.front.anomalies;
  f.anomalies += stats_.lanes.dns.anomalies;
  f.anomalies += stats_.lanes.anomalies;
  f.inference = inference_of(stats_.lanes, ledger, f.anomalies);
  f.losses = losses_of(f, ledger.bytes_shed, stats_.lost);
  f.worker_restarts = stats_.lost.restarts;
  if (settings_.live != nullptr) settings_.live->describe(f, fronts_);
  return f;
}

bool EventJournal::heartbeat_is_due(std::uint64_t patience_us) const {
  const auto interval = heartbeat_interval_.load(std::memory_order_relaxed);
  const auto interval_us = static_cast<std::uint64_t>(Nanoseconds{interval}.count() / 1000);
  const std::uint64_t slack_us = settings_.live != nullptr ? heartbeat_slack_us : 0;
  return mono_us() - heartbeat_tried_us_ + slack_us >= interval_us + patience_us;
}

// False: not all of them are in the chain.
bool EventJournal::tell_losses(const HeartbeatFacts& facts, Timestamp now) {
  const Nanoseconds passed = std::chrono::microseconds{mono_us() - losses_told_us_};
  const Timestamp from = std::max(now - passed, std::min(now, Timestamp{}));
  bool told = true;
  for (const LossReportFacts& loss : losses_.untold(facts, from, now)) {
    append_loss_report_payload(payload_, loss);
    if (record_own("loss.report", now)) {
      losses_.told(facts, loss.cause);
    } else {
      told = false;
    }
  }
  return told;
}

void EventJournal::heartbeat(Timestamp now) {
  // One reading for all: intervals add up, and the next is due from here.
  const std::uint64_t at_us = mono_us();
  HeartbeatFacts f = heartbeat_facts(now, at_us);
  if (settings_.live != nullptr) {
    if (tell_losses(f, now)) losses_told_us_ = at_us;
    // What has been sealed meanwhile is before this heartbeat too.
    f.events = events_.types();
    f.events_sealed = recorder_.events_sealed();
    if (settings_.last_run.totals) add_totals(f, *settings_.last_run.totals);
    f.events_produced = f.events_sealed + f.events_shed;
    f.tree_size_signed = recorder_.tree_size_signed();
    f.unsigned_events = f.events_sealed - f.tree_size_signed;
    if (const auto since = recorder_.unsigned_since_us())
      f.unsigned_ms = (at_us - std::min(at_us, *since)) / 1000;
    f.recorder_lag_us = recorder_lag_us_;
    if (canary_) {
      canary_->stored(settings_.live->stored());
      f.canary = canary_->report(at_us);
    }
    for (const std::string_view reason : diagnose(last_heartbeat_, f)) f.reasons.push_back(reason);
    std::sort(f.reasons.begin(), f.reasons.end());
    f.reasons.erase(std::unique(f.reasons.begin(), f.reasons.end()), f.reasons.end());
  }
  if (settings_.live != nullptr) settings_.live->told(f);
  append_heartbeat_payload(payload_, f);
  last_condition_ = condition();
  heartbeat_tried_us_ = at_us;
  const std::uint64_t seq = recorder_.events_sealed();
  if (record_own("health.heartbeat", now)) {
    ++heartbeats_;
    last_heartbeat_seq_ = seq;
    heartbeat_sealed_us_ = heartbeat_tried_us_;
    last_heartbeat_ = std::move(f);
  }
  if (canary_) canary_->ask(settings_.live->seal_time().mono_us);
}

EventJournal::Condition EventJournal::condition() const {
  if (settings_.live == nullptr) return {};
  const StoredEvents stored = settings_.live->stored();
  Condition out{.disk_ok = stored.disk_ok, .database_ok = stored.database_ok};
  for (const FrontStats& front : fronts_)
    if (front.source.link_down) out.links_down.push_back(front.front);
  return out;
}

// What scans have become by now.
void EventJournal::record_scans() {
  for (const ScanFacts& scan : scans_done_) {
    append_scan_payload(payload_, scan);
    record("dpi.scan", scan.last_at, payload_, Room::plenty);
    payload_.clear();
  }
  scans_done_.clear();
}

void EventJournal::fact(const Fact& fact, std::string_view payload,
                        const std::optional<LoneFlow>& lone) {
  const bool flow = fact.kind == FactKind::flow;
  if (fact.canary == 0) ++(flow ? flow_records_ : dns_transactions_);
  if (lone) {
    const bool told_with_others = scans_.take(*lone, scans_done_);
    record_scans();
    if (told_with_others) return;
  }
  const bool recorded = record(flow ? "dpi.flow" : "dpi.dns", fact.time, payload, Room::plenty);
  if (!recorded || fact.canary == 0 || !canary_) return;
  canary_->sealed(flow ? CanaryWatch::Kind::flow : CanaryWatch::Kind::dns, fact.canary,
                  recorder_.sealer().next_seq() - 1);
}

void EventJournal::capture_ended(const PipelineStats& stats) {
  stats_ = stats;
  between_captures_ = true;
  scans_.finish(scans_done_);
  record_scans();
}

void EventJournal::finish(std::string_view reason) {
  if (!begun_) begin(now_);
  scans_.finish(scans_done_);
  record_scans();
  heartbeat(now_);
  append_probe_stop_payload(payload_, {.run_id = settings_.run_id,
                                       .reason = reason,
                                       .events_sealed = recorder_.events_sealed(),
                                       .packets_offered = stats_.front.packets.offered,
                                       .flow_records = flow_records_,
                                       .dns_transactions = dns_transactions_});
  record_own("probe.stop", now_);
}

}  // namespace dpi
