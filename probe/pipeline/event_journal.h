// Payloads → recorder, and the events that the probe says of itself: start, heartbeats, stop. In
// replay every time in it is packet time, and nothing but packets makes it do anything. Owned by
// the recorder's thread.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probe/event/payloads.h"
#include "probe/pipeline/canary.h"
#include "probe/pipeline/event_ledger.h"
#include "probe/pipeline/fact_batch.h"
#include "probe/pipeline/loss_reporter.h"
#include "probe/pipeline/recorder.h"

namespace dpi {

// What only a live probe has: clocks, and a machine to tell of.
class LiveSide {
 public:
  virtual ~LiveSide() = default;
  [[nodiscard]] virtual SealTime seal_time() = 0;
  // Adds what the machine knows to a heartbeat.
  virtual void describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) = 0;
  // How far events have got. Cheap.
  [[nodiscard]] virtual StoredEvents stored() { return {}; }
  // Every heartbeat, complete, before it is sealed.
  virtual void told(const HeartbeatFacts& /*facts*/) {}
  // A second of packet time has gone through all workers.
  virtual void ticked() {}
  // The recorder's thread looks up, at least every second.
  virtual void moved() {}
};

// How the run before this one ended, for probe.start, and what it had counted.
struct LastRun {
  bool clean_shutdown = true;
  std::uint64_t recovered_bytes_cut = 0;
  std::optional<Timestamp> last_emitted_at;  // of its last durable event
  std::optional<std::uint64_t> heartbeat_seq;
  std::optional<HeartbeatFacts> totals;  // of its last heartbeat
};

struct JournalSettings {
  std::string_view start_reason;  // of chain.start: enrolled or replay
  Uuid run_id{};
  std::string probe_version;
  std::string ndpi_version;
  Software software{};
  Digest config_sha256{};
  Digest schema_sha256{};
  std::chrono::seconds heartbeat_interval{10};
  LastRun last_run{};
  LiveSide* live = nullptr;  // null: a replay
  // Live: events wait no longer than this for their checkpoint.
  std::chrono::milliseconds checkpoint_age{200};
  CanaryProgress* canary = nullptr;  // live only; outlives the journal
  std::uint64_t scan_flows = 0;      // see ScanAggregator
};

class EventJournal {
 public:
  EventJournal(JournalSettings settings, Recorder& recorder)
      : settings_(std::move(settings)),
        recorder_(recorder),
        heartbeat_interval_(settings_.heartbeat_interval),
        checkpoint_age_(settings_.checkpoint_age),
        last_heartbeat_seq_(settings_.last_run.heartbeat_seq),
        scans_(settings_.scan_flows) {
    if (settings_.canary != nullptr) canary_.emplace(*settings_.canary);
    if (!settings_.last_run.totals) return;
    last_heartbeat_ = *settings_.last_run.totals;
    heartbeats_ = last_heartbeat_.heartbeat_number + 1;
  }

  // One fact of all workers, in order; `stats` is the sum over the workers.
  void fact(const Fact& fact, std::string_view payload,
            const std::optional<LoneFlow>& lone = std::nullopt);
  void tick(Timestamp now, const PipelineStats& stats, std::span<const FrontStats> fronts = {});
  // The capture is over; the time of the next one has nothing to do with it.
  void capture_ended(const PipelineStats& stats);
  // The last heartbeat and probe.stop.
  void finish(std::string_view reason);

  // From any thread, for a live probe that reads its configuration again.
  void set_intervals(std::chrono::seconds heartbeat,
                     std::chrono::milliseconds checkpoint) noexcept {
    heartbeat_interval_.store(heartbeat, std::memory_order_relaxed);
    checkpoint_age_.store(checkpoint, std::memory_order_relaxed);
  }
  // For a live probe. The chain begins or goes on, before any packet.
  void start();
  // Behind start(), before any packet: the chain goes on under this key. False: no sink can keep
  // the event that says so; the old key goes on.
  [[nodiscard]] bool rotate_key(SigningKey next, std::string_view reason);
  // An event of the probe's own, ready made; it closes its checkpoint.
  // `type` must outlive the journal.
  void own_event(std::string_view type, std::string_view payload);
  // Called every few hundred milliseconds at least.
  void idle();

 private:
  // What an operator is to hear of at once, not at the next heartbeat.
  struct Condition {
    bool disk_ok = true;
    bool database_ok = true;
    std::vector<std::uint32_t> links_down{};  // which fronts'
    bool operator==(const Condition&) const = default;
  };
  void begin(Timestamp now);
  // False: shed, because no sink could keep it.
  bool record(std::string_view type, Timestamp observed_at, std::string_view payload, Room needed);
  bool record_own(std::string_view type, Timestamp observed_at);
  void record_scans();
  [[nodiscard]] SealTime seal_time(Timestamp observed_at) const;
  void heartbeat(Timestamp now);
  [[nodiscard]] bool heartbeat_is_due(std::uint64_t patience_us = 0) const;
  bool tell_losses(const HeartbeatFacts& facts, Timestamp now);
  // Of the one clock that never steps: CLOCK_BOOTTIME, in replay packet time.
  [[nodiscard]] std::uint64_t mono_us() const;
  [[nodiscard]] Condition condition() const;
  [[nodiscard]] std::optional<LossWindow> loss_window(Timestamp now) const;
  [[nodiscard]] HeartbeatFacts heartbeat_facts(Timestamp now, std::uint64_t at_us) const;

  JournalSettings settings_;
  Recorder& recorder_;
  std::atomic<std::chrono::seconds> heartbeat_interval_;
  std::atomic<std::chrono::milliseconds> checkpoint_age_;
  PipelineStats stats_;  // newest told
  std::vector<FrontStats> fronts_;
  std::string payload_;
  bool begun_ = false;
  Timestamp now_{};
  bool between_captures_ = true;
  Timestamp capture_began_at_{};
  std::uint64_t mono_us_before_ = 0;  // of the captures before this one
  std::uint64_t mono_us_ = 0;
  std::optional<std::uint64_t> recorder_lag_us_;  // when it heard of the last second
  std::uint64_t heartbeat_tried_us_ = 0;          // by mono_us(), as are the two that follow
  std::uint64_t heartbeat_sealed_us_ = 0;
  std::uint64_t losses_told_us_ = 0;
  std::uint64_t heartbeats_ = 0;
  std::optional<std::uint64_t> last_heartbeat_seq_;
  std::uint64_t flow_records_ = 0;
  std::uint64_t dns_transactions_ = 0;
  ScanAggregator scans_;
  std::vector<ScanFacts> scans_done_;
  EventLedger events_;
  LossReporter losses_;
  std::optional<CanaryWatch> canary_;
  Condition last_condition_;
  HeartbeatFacts last_heartbeat_;  // sealed; what the next one is compared with
};

}  // namespace dpi
