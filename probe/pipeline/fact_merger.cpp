#include "probe/pipeline/fact_merger.h"

#include <tuple>

namespace dpi {

void FactMerger::offer(std::size_t worker, FactBatch* batch) {
  Stream& stream = streams_[worker];
  stream.complete_to = batch->complete_to;
  stream.batches.push_back(batch);
  skip_used(worker);
}

void FactMerger::skip_used(std::size_t worker) {
  Stream& stream = streams_[worker];
  while (!stream.batches.empty() && stream.at == stream.batches.front()->facts.size()) {
    used_.push_back({worker, stream.batches.front(), nullptr});
    stream.batches.pop_front();
    stream.at = 0;
  }
}

std::optional<FactMerger::Next> FactMerger::next() {
  std::optional<Next> first;
  for (std::size_t w = 0; w < streams_.size(); ++w) {
    skip_used(w);
    Stream& stream = streams_[w];
    if (stream.batches.empty()) continue;
    FactBatch* const batch = stream.batches.front();
    const Fact* const fact = &batch->facts[stream.at];
    if (!first ||
        std::tie(fact->number, fact->order) < std::tie(first->fact->number, first->fact->order))
      first = Next{w, batch, fact};
  }
  if (!first) return std::nullopt;
  for (const Stream& stream : streams_) {
    if (stream.batches.empty() && stream.complete_to < first->fact->number) return std::nullopt;
  }
  ++streams_[first->worker].at;
  return first;
}

std::optional<FactMerger::Next> FactMerger::used_up() {
  for (std::size_t w = 0; used_.empty() && w < streams_.size(); ++w) skip_used(w);
  if (used_.empty()) return std::nullopt;
  const Next out = used_.front();
  used_.pop_front();
  return out;
}

}  // namespace dpi
