#include "probe/pipeline/fact_recorder.h"

#include <algorithm>
#include <limits>

namespace dpi {
namespace {

constexpr std::chrono::milliseconds look_up_every{100};

}  // namespace

FactRecorder::FactRecorder(WorkerPool& pool, EventJournal& journal, const Recorder& recorder,
                           Settings settings)
    : pool_(pool),
      order_(pool.fronts() == 1 ? FactOrder::by_number : FactOrder::as_they_come),
      journal_(journal),
      recorder_(recorder),
      settings_(std::move(settings)),
      merger_(pool.channels().size()),
      ended_(pool.channels().size(), false),
      fronts_(pool.fronts()),
      parts_(pool.channels().size()) {
  for (WorkerChannel& channel : pool_.channels()) channel.facts.consume_on();
  thread_ = std::thread([this] { run(); });
}

FactRecorder::~FactRecorder() {
  join();
}

void FactRecorder::join() {
  if (thread_.joinable()) thread_.join();
}

void FactRecorder::run() {
  Doorbell& bell = pool_.recorder_bell();
  while (true) {
    const std::uint32_t rung = bell.rung();
    look_for_deaths();
    if (broken()) return;
    const bool any = collect();
    while (const auto next = merger_.next()) record(*next);
    while (const auto worker = merger_.used_up()) pool_.channels()[*worker].facts.release();
    record_own_events();
    journal_.idle();
    if (recorder_.error()) failed_.store(true, std::memory_order_relaxed);
    if (any) continue;
    if (std::all_of(ended_.begin(), ended_.end(), [](bool ended) { return ended; })) break;
    bell.wait(rung, look_up_every);
    if (!pool_.alive()) broken_.store(true, std::memory_order_relaxed);
  }
  tell_pending();
}

void FactRecorder::look_for_deaths() {
  while (const WorkerDeath* const death = pool_.deaths().try_take()) {
    const std::string payload = settings_.died ? settings_.died(*death) : std::string{};
    if (!payload.empty()) journal_.own_event("worker.crash", payload);
    pool_.deaths().release();
    if (!pool_.restarts()) broken_.store(true, std::memory_order_relaxed);
  }
}

void FactRecorder::own_event(std::string_view type, std::string payload) {
  {
    const std::scoped_lock lock(own_mutex_);
    own_.emplace_back(type, std::move(payload));
  }
  pool_.recorder_bell().ring();
}

void FactRecorder::record_own_events() {
  std::vector<std::pair<std::string_view, std::string>> own;
  {
    const std::scoped_lock lock(own_mutex_);
    own.swap(own_);
  }
  for (const auto& [type, payload] : own) journal_.own_event(type, payload);
}

bool FactRecorder::collect() {
  bool any = false;
  for (std::size_t w = 0; w < parts_.size(); ++w) {
    while (const FactBatch* const batch = pool_.channels()[w].facts.try_take()) {
      any = true;
      if (batch->complete_to() == std::numeric_limits<FactNumber>::max()) ended_[w] = true;
      if (order_ == FactOrder::by_number) {
        merger_.offer(w, batch);
      } else {
        record_all(w, *batch);
      }
    }
  }
  return any;
}

void FactRecorder::record_all(std::size_t worker, const FactBatch& batch) {
  const std::size_t count = batch.count();
  for (std::size_t i = 0; i < count; ++i) record({worker, &batch, batch.fact(i)});
  pool_.channels()[worker].facts.release();
}

// What a dead worker had counted is the least that it had done: at its last tick, and what it told
// after that.
void FactRecorder::begin_anew(Part& part, std::uint32_t incarnation) {
  part.incarnation = incarnation;
  part.now.flows.active = 0;
  part.before += part.now;
  part.before.flows += part.flows_since;
  part.before.dns += part.dns_since;
  part.now = LaneStats{};
  part.flows_since = FlowTableStats{};
  part.dns_since = DnsStats{};
}

void FactRecorder::record(const FactMerger::Next& next) {
  const Fact& fact = next.fact;
  Part& part = parts_[next.worker];
  if (next.batch->incarnation() != part.incarnation) begin_anew(part, next.batch->incarnation());
  if (order_ == FactOrder::by_number && pending_ && fact.number > pending_->number) tell_pending();
  if (fact.kind != FactKind::flow && fact.kind != FactKind::dns) {
    add_stats(next.worker, fact, next.batch->stats(fact));
    return;
  }
  if (fact.canary == 0)
    ++(fact.kind == FactKind::flow ? part.flows_since.records : part.dns_since.transactions);
  if (!tells()) return;
  payload_ = next.batch->payload(fact);  // read once: its worker may write on
  journal_.fact(fact, payload_, next.batch->lone_flow(fact));
}

// In order of numbers every worker's part of a tick comes before anything later, and what a worker
// missed is what it said before; else the first worker's ticks go for all, and an end is told when
// everybody has said his last.
void FactRecorder::add_stats(std::size_t worker, const Fact& fact, const PipelineStats& stats) {
  Part& part = parts_[worker];
  part.now = stats.lanes;
  part.lost = stats.lost;
  part.flows_since = FlowTableStats{};
  part.dns_since = DnsStats{};
  if (worker == 0)
    fronts_[std::min<std::size_t>(stats.front.front, fronts_.size() - 1)] = stats.front;
  if (order_ != FactOrder::by_number) {
    const bool tick = fact.kind == FactKind::tick;
    if (tick && worker != 0) return;
    pending_ = fact;
    if (tick) tell_pending();
    return;
  }
  if (!pending_) pending_parts_ = 0;
  pending_ = fact;
  if (++pending_parts_ == parts_.size()) tell_pending();
}

void FactRecorder::tell_pending() {
  if (!pending_) return;
  const Fact fact = *pending_;
  pending_.reset();
  if (!tells()) return;
  if (fact.kind == FactKind::tick) {
    journal_.tick(fact.time, sum(), fronts_);
  } else {
    journal_.capture_ended(sum());
  }
}

PipelineStats FactRecorder::sum() const noexcept {
  PipelineStats out;
  for (const FrontStats& front : fronts_) out.front += front;
  for (const Part& part : parts_) {
    out.lanes += part.before;
    out.lanes += part.now;
    out.lost += part.lost;
  }
  return out;
}

}  // namespace dpi
