#include "probe/pipeline/fact_batch.h"

#include <new>

#include "probe/base/check.h"
#include "probe/event/payloads.h"

namespace dpi {
namespace {

// Of one tick: flows, then transactions, then the tick itself.
constexpr std::uint64_t dns_order = std::uint64_t{1} << 63U;
constexpr std::uint64_t tick_order = ~std::uint64_t{0};

LoneFlow lone_flow_of(const Flow& flow) noexcept {
  const Endpoint& src = flow.endpoint(flow.initiator);
  const Endpoint& dst = flow.endpoint(other(flow.initiator));
  return {.src = src.address,
          .dst = dst.address,
          .src_port = src.port,
          .dst_port = dst.port,
          .protocol = flow.key.protocol,
          .at = flow.start_at,
          .ip_bytes = flow.sides[0].ip_bytes + flow.sides[1].ip_bytes};
}

// It has one writer.
void grow(std::atomic<std::uint64_t>& total, std::uint64_t by) noexcept {
  total.store(total.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

// Counted when it is whole: of a worker that dies here, the fact before is the last.
void FactBatch::complete(const Fact& fact) noexcept {
  const std::uint32_t at = count_.load(std::memory_order_relaxed);
  new (&facts_[at * sizeof(Fact)]) Fact(fact);
  count_.store(at + 1, std::memory_order_release);
}

void FactBatch::add(Fact fact, std::string_view payload) noexcept {
  fact.first = bytes_used_;
  fact.size = static_cast<std::uint32_t>(payload.size());
  payload.copy(&bytes_[bytes_used_], payload.size());
  bytes_used_ += fact.size;
  complete(fact);
}

void FactBatch::add(Fact fact, const PipelineStats& stats) noexcept {
  fact.first = stats_used_;
  new (&stats_[stats_used_++ * sizeof(PipelineStats)]) PipelineStats(stats);
  complete(fact);
}

void FactEncoder::add_event(const Fact& fact) {
  DPI_CHECK(payload_.size() <= FactBatch::bytes_max);
  // More facts of the same number may follow.
  if (batch_->is_full() || !batch_->has_room(payload_.size())) flush(fact.number - 1);
  batch_->add(fact, payload_);
  grow(totals_.facts, 1);
}

void FactEncoder::flow(FactNumber number, const Flow& flow, EndReason reason, bool final,
                       const Verdict& verdict, const AppMetadata* metadata) {
  if (canary_ != 0 && progress_ != nullptr) {
    progress_->flow_tracked.store(canary_, std::memory_order_relaxed);
    if (verdict.app == canary_app) progress_->classified.store(canary_, std::memory_order_relaxed);
  }
  payload_.clear();
  append_flow_payload(payload_, flow, reason, final, verdict, metadata, canary_ != 0);
  const bool lone = final && flow.packets_total == 1 && canary_ == 0;
  if (lone) {
    const LoneFlow facts = lone_flow_of(flow);
    const std::size_t end = payload_.size();
    payload_.resize(end + sizeof facts);
    std::memcpy(payload_.data() + end, &facts, sizeof facts);
  }
  add_event({.number = number,
             .order = flow.number,
             .kind = FactKind::flow,
             .time = flow.end_at,
             .canary = canary_,
             .lone = lone});
  if (canary_ != 0) return;
  grow(totals_.packets, flow.sides[0].packets + flow.sides[1].packets);
  grow(totals_.bytes, flow.sides[0].ip_bytes + flow.sides[1].ip_bytes);
}

void FactEncoder::dns(FactNumber number, const DnsTransaction& transaction) {
  if (canary_ != 0 && progress_ != nullptr && transaction.outcome == DnsOutcome::answered)
    progress_->dns_tracked.store(canary_, std::memory_order_relaxed);
  payload_.clear();
  append_dns_payload(payload_, transaction, canary_ != 0);
  add_event({.number = number,
             .order = dns_order | transaction.number,
             .kind = FactKind::dns,
             .time = transaction.last_at,
             .canary = canary_});
}

void FactEncoder::add_stats(const Fact& fact, const PipelineStats& stats) {
  if (batch_->is_full() || !batch_->has_room(0)) flush(fact.number - 1);
  batch_->add(fact, stats);
}

void FactEncoder::tick(FactNumber number, Timestamp now, const PipelineStats& stats) {
  add_stats({.number = number, .order = tick_order, .kind = FactKind::tick, .time = now}, stats);
}

void FactEncoder::capture_ended(FactNumber number, const PipelineStats& stats) {
  add_stats({.number = number, .order = tick_order, .kind = FactKind::capture_end}, stats);
}

void FactEncoder::flush(FactNumber complete_to) {
  batch_->close(complete_to);
  batch_ = sink_.hand_over(batch_);
}

}  // namespace dpi
