// Facts as bytes, in their order: what a worker hands to the recorder. Self-contained and of fixed
// size, so that it can lie in memory that two processes share.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

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
  bool lone = false;         // a LoneFlow lies behind the payload, and is part of `size`
};

class FactBatch {
 public:
  static constexpr std::size_t facts_max = 4096;
  static constexpr std::size_t stats_max = 256;
  static constexpr std::size_t bytes_max = 2U << 20U;  // more than any payload
  // Handed over when there is so much in it.
  static constexpr std::size_t bytes_full = 256U << 10U;

  // The worker that fills it began for the n-th time; everything up to `complete_to` is told.
  void begin(std::uint32_t incarnation, FactNumber complete_to) noexcept {
    count_.store(0, std::memory_order_relaxed);
    bytes_used_ = stats_used_ = 0;
    incarnation_ = incarnation;
    complete_to_ = complete_to;
  }
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
    return count_.load(std::memory_order_relaxed) < facts_max && stats_used_ < stats_max &&
           bytes_used_ + bytes <= bytes_max;
  }
  [[nodiscard]] bool is_full() const noexcept { return bytes_used_ >= bytes_full; }
  void add(Fact fact, std::string_view payload) noexcept;
  void add(Fact fact, const PipelineStats& stats) noexcept;
  void close(FactNumber complete_to) noexcept { complete_to_ = complete_to; }

  // Whoever reads does not trust who wrote: no index leads outside.
  [[nodiscard]] std::size_t count() const noexcept {
    return std::min<std::size_t>(count_.load(std::memory_order_acquire), facts_max);
  }
  [[nodiscard]] const Fact& fact(std::size_t at) const noexcept {
    return static_cast<const Fact*>(static_cast<const void*>(facts_.data()))[at];
  }
  [[nodiscard]] std::string_view payload(const Fact& fact) const noexcept {
    std::string_view out = bytes(fact);
    if (fact.lone) out.remove_suffix(std::min(sizeof(LoneFlow), out.size()));
    return out;
  }
  [[nodiscard]] std::optional<LoneFlow> lone_flow(const Fact& fact) const noexcept {
    const std::string_view all = bytes(fact);
    if (!fact.lone || all.size() < sizeof(LoneFlow)) return std::nullopt;
    LoneFlow out;
    std::memcpy(&out, all.data() + all.size() - sizeof out, sizeof out);
    return out;
  }
  [[nodiscard]] const PipelineStats& stats(const Fact& fact) const noexcept {
    const void* const all = stats_.data();
    return static_cast<const PipelineStats*>(all)[std::min<std::size_t>(fact.first, stats_max - 1)];
  }
  [[nodiscard]] FactNumber complete_to() const noexcept { return complete_to_; }
  [[nodiscard]] std::uint32_t incarnation() const noexcept { return incarnation_; }

 private:
  static_assert(std::is_trivially_copyable_v<Fact> && std::is_trivially_copyable_v<PipelineStats>);
  static_assert(std::is_trivially_copyable_v<LoneFlow>);
  void complete(const Fact& fact) noexcept;
  [[nodiscard]] std::string_view bytes(const Fact& fact) const noexcept {
    const std::size_t first = std::min<std::size_t>(fact.first, bytes_max);
    return {bytes_.data() + first, std::min<std::size_t>(fact.size, bytes_max - first)};
  }

  std::atomic<std::uint32_t> count_;  // of facts that are whole
  std::uint32_t bytes_used_;
  std::uint32_t stats_used_;
  std::uint32_t incarnation_;
  FactNumber complete_to_;
  // Untouched until they are used.
  alignas(Fact) std::array<std::byte, facts_max * sizeof(Fact)> facts_;  // by (number, order)
  alignas(PipelineStats) std::array<std::byte, stats_max * sizeof(PipelineStats)> stats_;
  std::array<char, bytes_max> bytes_;
};

// Of the facts that are whole: what a dead worker's flows had not told is the difference to what it
// was given. In shared memory.
struct FactTotals {
  std::atomic<std::uint64_t> facts{0};
  std::atomic<std::uint64_t> packets{0};  // in flow records, canaries left out
  std::atomic<std::uint64_t> bytes{0};
};

// Takes batches that are full. Never fails; may wait.
class FactBatchSink {
 public:
  virtual ~FactBatchSink() = default;
  // The batch to go on with: begun, with nothing in it.
  virtual FactBatch* hand_over(FactBatch* full) = 0;
};

// Writes facts into batches; a batch is handed over when it is full or when flush() asks for it.
class FactEncoder final : public PipelineObserver {
 public:
  // `totals` learns what has been told, `canary` how far a marked one has got; it may be null.
  FactEncoder(FactBatchSink& sink, FactBatch* first, FactTotals& totals, CanaryProgress* canary)
      : sink_(sink), batch_(first), totals_(totals), progress_(canary) {}

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
  void add_event(const Fact& fact);
  void add_stats(const Fact& fact, const PipelineStats& stats);

  FactBatchSink& sink_;
  FactBatch* batch_;
  FactTotals& totals_;
  CanaryProgress* progress_;
  std::uint64_t canary_ = 0;
  std::string payload_;
};

}  // namespace dpi
