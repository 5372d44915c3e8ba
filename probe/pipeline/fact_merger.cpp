#include "probe/pipeline/fact_merger.h"

#include <tuple>

namespace dpi {

void FactMerger::offer(std::size_t worker, const FactBatch* batch) {
  Stream& stream = streams_[worker];
  stream.complete_to = batch->complete_to();
  stream.batches.push_back({batch, batch->count()});
  if (stream.batches.size() == 1) settle(worker);
}

// Batches without a further fact go; of the first that has one, it is read.
void FactMerger::settle(std::size_t worker) {
  Stream& stream = streams_[worker];
  while (!stream.batches.empty() && stream.at == stream.batches.front().count) {
    used_.push_back(worker);
    stream.batches.pop_front();
    stream.at = 0;
  }
  if (!stream.batches.empty()) stream.head = stream.batches.front().batch->fact(stream.at);
}

std::optional<FactMerger::Next> FactMerger::next() {
  std::optional<std::size_t> first;
  for (std::size_t w = 0; w < streams_.size(); ++w) {
    if (streams_[w].batches.empty()) continue;
    const Fact& fact = streams_[w].head;
    if (!first || std::tie(fact.number, fact.order) <
                      std::tie(streams_[*first].head.number, streams_[*first].head.order))
      first = w;
  }
  if (!first) return std::nullopt;
  Stream& stream = streams_[*first];
  for (const Stream& other : streams_) {
    if (other.batches.empty() && other.complete_to < stream.head.number) return std::nullopt;
  }
  const Next out{*first, stream.batches.front().batch, stream.head};
  ++stream.at;
  settle(*first);
  return out;
}

std::optional<std::size_t> FactMerger::used_up() {
  if (used_.empty()) return std::nullopt;
  const std::size_t worker = used_.front();
  used_.pop_front();
  return worker;
}

}  // namespace dpi
