// Facts as bytes, in their order: what a worker hands to the recorder. Self-contained, so that it
// can cross threads.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/pipeline/canary.h"
#include "probe/pipeline/pipeline.h"
#include "probe/pipeline/scan_aggregator.h"

namespace dpi {

enum class FactKind : std::uint8_t { flow, dns, tick, capture_end };

struct Fact {
  FactNumber number = 0;
  std::uint64_t order = 0;  // among the facts of one tick
  FactKind kind = FactKind::flow;
  Timestamp time{};         // observed_at of an event; packet time of a tick
  std::uint32_t first = 0;  // of an event: its payload's place in `bytes`; else an index in `stats`
  std::uint32_t size = 0;
  std::uint64_t canary = 0;  // its number; 0: of real packets
  bool lone = false;         // a LoneFlow lies behind the payload
};

struct FactBatch {
  std::string bytes;
  std::vector<Fact> facts;           // sorted by (number, order)
  std::vector<PipelineStats> stats;  // of ticks and ends: this worker's part
  FactNumber complete_to = 0;        // every fact up to this number is in this batch or before it

  [[nodiscard]] std::string_view payload(const Fact& fact) const noexcept {
    return std::string_view{bytes}.substr(fact.first, fact.size);
  }
  [[nodiscard]] std::optional<LoneFlow> lone_flow(const Fact& fact) const noexcept {
    if (!fact.lone) return std::nullopt;
    LoneFlow out;
    std::memcpy(&out, bytes.data() + fact.first + fact.size, sizeof out);
    return out;
  }
  void clear() noexcept {
    bytes.clear();
    facts.clear();
    stats.clear();
  }
};

// Takes batches that are full. Never fails; may wait.
class FactBatchSink {
 public:
  virtual ~FactBatchSink() = default;
  // The batch to go on with: empty.
  virtual FactBatch* hand_over(FactBatch* full) = 0;
};

// Writes facts into batches; a batch is handed over when it is full or when flush() asks for it.
class FactEncoder final : public PipelineObserver {
 public:
  // `canary` learns how far a marked one has got; may be null.
  FactEncoder(FactBatchSink& sink, FactBatch* first, CanaryProgress* canary = nullptr)
      : sink_(sink), batch_(first), progress_(canary) {}

  // What follows is of that canary; 0: of real packets again.
  void mark_canary(std::uint64_t canary) noexcept { canary_ = canary; }

  void flow(FactNumber number, const Flow& flow, EndReason reason, bool final,
            const Verdict& verdict, const AppMetadata* metadata) override;
  void dns(FactNumber number, const DnsTransaction& transaction) override;
  void tick(FactNumber number, Timestamp now, const PipelineStats& stats) override;
  void capture_ended(FactNumber number, const PipelineStats& stats) override;

  // Everything up to this number has been told.
  void flush(FactNumber complete_to);

 private:
  static constexpr std::size_t batch_bytes = 256U << 10U;
  void append(const Fact& fact);
  void append_stats(FactNumber number, FactKind kind, Timestamp time, const PipelineStats& stats);

  FactBatchSink& sink_;
  FactBatch* batch_;
  CanaryProgress* progress_;
  std::uint64_t canary_ = 0;
};

}  // namespace dpi
