#include "probe/pipeline/fact_recorder.h"

#include <algorithm>
#include <limits>

namespace dpi {

FactRecorder::FactRecorder(std::vector<Worker*> workers, std::uint32_t fronts, Doorbell& bell,
                           EventJournal& journal, const Recorder& recorder)
    : workers_(std::move(workers)),
      order_(fronts == 1 ? FactOrder::by_number : FactOrder::as_they_come),
      bell_(bell),
      journal_(journal),
      recorder_(recorder),
      merger_(workers_.size()),
      ended_(workers_.size(), false),
      fronts_(fronts),
      lanes_(workers_.size()) {
  thread_ = std::thread([this] { run(); });
}

FactRecorder::~FactRecorder() {
  thread_.join();
}

void FactRecorder::run() {
  while (true) {
    const std::uint32_t rung = bell_.rung();
    const bool any = collect();
    while (const auto next = merger_.next()) record(*next);
    while (const auto used = merger_.used_up())
      workers_[used->worker]->facts().give_back(used->batch);
    record_own_events();
    journal_.idle();
    if (recorder_.error()) failed_.store(true, std::memory_order_relaxed);
    if (any) continue;
    if (std::all_of(ended_.begin(), ended_.end(), [](bool ended) { return ended; })) return;
    bell_.wait(rung);
  }
}

void FactRecorder::own_event(std::string_view type, std::string payload) {
  {
    const std::scoped_lock lock(own_mutex_);
    own_.emplace_back(type, std::move(payload));
  }
  bell_.ring();
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
  for (std::size_t w = 0; w < workers_.size(); ++w) {
    while (FactBatch* const batch = workers_[w]->facts().try_take()) {
      any = true;
      if (batch->complete_to == std::numeric_limits<FactNumber>::max()) ended_[w] = true;
      if (order_ == FactOrder::by_number) {
        merger_.offer(w, batch);
      } else {
        record_all(w, batch);
      }
    }
  }
  return any;
}

void FactRecorder::record_all(std::size_t worker, FactBatch* batch) {
  for (const Fact& fact : batch->facts) record({worker, batch, &fact});
  workers_[worker]->facts().give_back(batch);
}

void FactRecorder::record(const FactMerger::Next& next) {
  const Fact& fact = *next.fact;
  if (fact.kind == FactKind::flow || fact.kind == FactKind::dns) {
    journal_.fact(fact, next.batch->payload(fact), next.batch->lone_flow(fact));
  } else {
    add_stats(next.worker, fact, next.batch->stats[fact.first]);
  }
}

// In order of numbers every worker's part of a tick comes before anything later; else the first
// worker's ticks go for all, with what the others said last.
void FactRecorder::add_stats(std::size_t worker, const Fact& fact, const PipelineStats& part) {
  lanes_[worker] = part.lanes;
  if (worker == 0) fronts_[part.front.front] = part.front;
  if (order_ == FactOrder::by_number) {
    if (++parts_ < workers_.size()) return;
    parts_ = 0;
  } else if (worker != 0) {
    return;
  }
  if (fact.kind == FactKind::tick) {
    journal_.tick(fact.time, sum(), fronts_);
  } else {
    journal_.capture_ended(sum());
  }
}

PipelineStats FactRecorder::sum() const noexcept {
  PipelineStats out;
  for (const FrontStats& front : fronts_) out.front += front;
  for (const LaneStats& lanes : lanes_) out.lanes += lanes;
  return out;
}

}  // namespace dpi
