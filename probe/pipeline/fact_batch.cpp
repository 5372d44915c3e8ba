#include "probe/pipeline/fact_batch.h"

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

}  // namespace

void FactEncoder::append(const Fact& fact) {
  batch_->facts.push_back(fact);
  if (batch_->bytes.size() < batch_bytes) return;
  // More facts of the same number may follow.
  flush(fact.number - 1);
}

void FactEncoder::flow(FactNumber number, const Flow& flow, EndReason reason, bool final,
                       const Verdict& verdict, const AppMetadata* metadata) {
  if (canary_ != 0 && progress_ != nullptr) {
    progress_->flow_tracked.store(canary_, std::memory_order_relaxed);
    if (verdict.app == canary_app) progress_->classified.store(canary_, std::memory_order_relaxed);
  }
  const std::size_t first = batch_->bytes.size();
  append_flow_payload(batch_->bytes, flow, reason, final, verdict, metadata, canary_ != 0);
  const std::size_t end = batch_->bytes.size();
  const bool lone = final && flow.packets_total == 1 && canary_ == 0;
  if (lone) {
    const LoneFlow facts = lone_flow_of(flow);
    batch_->bytes.resize(end + sizeof facts);
    std::memcpy(batch_->bytes.data() + end, &facts, sizeof facts);
  }
  append({.number = number,
          .order = flow.number,
          .kind = FactKind::flow,
          .time = flow.end_at,
          .first = static_cast<std::uint32_t>(first),
          .size = static_cast<std::uint32_t>(end - first),
          .canary = canary_,
          .lone = lone});
}

void FactEncoder::dns(FactNumber number, const DnsTransaction& transaction) {
  if (canary_ != 0 && progress_ != nullptr && transaction.outcome == DnsOutcome::answered)
    progress_->dns_tracked.store(canary_, std::memory_order_relaxed);
  const std::size_t first = batch_->bytes.size();
  append_dns_payload(batch_->bytes, transaction, canary_ != 0);
  append({.number = number,
          .order = dns_order | transaction.number,
          .kind = FactKind::dns,
          .time = transaction.last_at,
          .first = static_cast<std::uint32_t>(first),
          .size = static_cast<std::uint32_t>(batch_->bytes.size() - first),
          .canary = canary_});
}

void FactEncoder::append_stats(FactNumber number, FactKind kind, Timestamp time,
                               const PipelineStats& stats) {
  batch_->stats.push_back(stats);
  append({.number = number,
          .order = tick_order,
          .kind = kind,
          .time = time,
          .first = static_cast<std::uint32_t>(batch_->stats.size() - 1),
          .size = 0,
          .canary = 0});
}

void FactEncoder::tick(FactNumber number, Timestamp now, const PipelineStats& stats) {
  append_stats(number, FactKind::tick, now, stats);
}

void FactEncoder::capture_ended(FactNumber number, const PipelineStats& stats) {
  append_stats(number, FactKind::capture_end, Timestamp{}, stats);
}

void FactEncoder::flush(FactNumber complete_to) {
  batch_->complete_to = complete_to;
  batch_ = sink_.hand_over(batch_);
}

}  // namespace dpi
