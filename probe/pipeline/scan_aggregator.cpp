#include "probe/pipeline/scan_aggregator.h"

#include <algorithm>
#include <utility>

namespace dpi {
namespace {

void add(ScanFacts& facts, const LoneFlow& flow) {
  facts.first_at = facts.flows == 0 ? flow.at : std::min(facts.first_at, flow.at);
  facts.last_at = std::max(facts.last_at, flow.at);
  ++facts.flows;
  facts.ip_bytes += flow.ip_bytes;
  if (facts.samples.size() >= ScanFacts::samples_max) return;
  const bool of_target = facts.kind == ScanKind::target;
  const ScanFacts::Sample sample{of_target ? flow.src : flow.dst,
                                 of_target ? flow.src_port : flow.dst_port};
  if (std::find(facts.samples.begin(), facts.samples.end(), sample) == facts.samples.end())
    facts.samples.push_back(sample);
}

}  // namespace

void ScanAggregator::tell(Entry& entry, std::vector<ScanFacts>& done) {
  if (entry.facts.flows > 0) done.push_back(std::exchange(entry.facts, {}));
}

// A flood that goes on is one from the window's beginning, until there is a quiet window.
void ScanAggregator::next_window(Entry& entry, const Key& key, std::int64_t window,
                                 std::vector<ScanFacts>& done) {
  const bool was_over = entry.over || entry.count > limit(key.kind);
  const bool goes_on = window == entry.window + 1 && entry.count > limit(key.kind) / 4;
  tell(entry, done);
  entry.window = window;
  entry.count = 0;
  entry.over = was_over && goes_on;
}

bool ScanAggregator::take_as(const Key& key, const LoneFlow& flow, std::vector<ScanFacts>& done) {
  auto found = entries_.find(key);
  const std::int64_t window = nanoseconds(flow.at) / 1'000'000'000 / window_s;
  if (found == entries_.end()) {
    std::size_t& tracked = tracked_[static_cast<std::size_t>(key.kind)];
    if (tracked >= tracked_max) return false;
    ++tracked;
    found = entries_.emplace(key, Entry{.window = window, .heard_at = now_}).first;
  }
  Entry& entry = found->second;
  entry.heard_at = now_;
  if (entry.window != window) next_window(entry, key, window, done);
  ++entry.count;
  if (!entry.over && entry.count <= limit(key.kind)) return false;
  entry.facts.kind = key.kind;
  entry.facts.protocol = key.protocol;
  entry.facts.who = key.who;
  add(entry.facts, flow);
  return true;
}

bool ScanAggregator::take(const LoneFlow& flow, std::vector<ScanFacts>& done) {
  if (flows_max_ == 0) return false;
  return take_as({ScanKind::source, flow.protocol, flow.src}, flow, done) ||
         take_as({ScanKind::target, flow.protocol, flow.dst}, flow, done) ||
         take_as({ScanKind::any, flow.protocol, {}}, flow, done);
}

void ScanAggregator::expire(Timestamp now, std::vector<ScanFacts>& done) {
  now_ = now;
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto entry = at++;
    if (entry->second.heard_at + std::chrono::seconds{window_s} > now) continue;
    tell(entry->second, done);
    --tracked_[static_cast<std::size_t>(entry->first.kind)];
    entries_.erase(entry);
  }
}

void ScanAggregator::finish(std::vector<ScanFacts>& done) {
  for (auto& [key, entry] : entries_) tell(entry, done);
  entries_.clear();
  tracked_ = {};
  now_ = {};
}

}  // namespace dpi
