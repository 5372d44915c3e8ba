// Facts → payloads → recorder, and the events that the probe says of itself: start, heartbeats,
// stop. In replay every time in it is packet time.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "probe/event/payloads.h"
#include "probe/pipeline/pipeline.h"
#include "probe/pipeline/recorder.h"

namespace dpi {

struct JournalSettings {
  std::string_view start_reason;  // of chain.start: enrolled or replay
  Uuid run_id{};
  std::string probe_version;
  std::string ndpi_version;
  Digest config_sha256{};
  Digest schema_sha256{};
  std::chrono::seconds heartbeat_interval{10};
};

class EventJournal final : public FactObserver {
 public:
  EventJournal(JournalSettings settings, Recorder& recorder)
      : settings_(std::move(settings)), recorder_(recorder) {}

  // Whose ledger the heartbeats carry; set once before the first packet.
  void attach(const Pipeline& pipeline) noexcept { pipeline_ = &pipeline; }

  void flow(const Flow& flow, EndReason reason, bool final, const Verdict& verdict,
            const AppMetadata* metadata) override;
  void dns(const DnsTransaction& transaction) override;
  void tick(Timestamp now) override;
  // A capture begins whose time has nothing to do with the one before.
  void next_capture() noexcept {
    last_heartbeat_at_.reset();
    capture_began_at_.reset();
  }
  // The last heartbeat and probe.stop.
  void finish(std::string_view reason);

 private:
  void begin(Timestamp now);
  void record(std::string_view type, Timestamp observed_at);
  void heartbeat(Timestamp now);

  JournalSettings settings_;
  Recorder& recorder_;
  const Pipeline* pipeline_ = nullptr;
  std::string payload_;
  bool begun_ = false;
  Timestamp now_{};
  std::optional<Timestamp> capture_began_at_;
  std::uint64_t mono_us_before_ = 0;  // of the captures before this one
  std::uint64_t mono_us_ = 0;
  std::optional<Timestamp> last_heartbeat_at_;
  std::uint64_t heartbeats_ = 0;
  std::optional<std::uint64_t> last_heartbeat_seq_;
  std::uint64_t flow_records_ = 0;
  std::uint64_t dns_transactions_ = 0;
};

}  // namespace dpi
