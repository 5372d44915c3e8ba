#include "probe/pipeline/lane_group.h"

#include <algorithm>

#include "probe/base/check.h"

namespace dpi {
namespace {

// The share of one lane, rounded up: a limit below the number of lanes is one each.
std::size_t share(std::size_t limit) noexcept {
  return (limit + lane_count - 1) / lane_count;
}

}  // namespace

LaneGroup::LaneGroup(const LaneLimits& limits, HashSeed seed,
                     std::unique_ptr<Classifier> classifier, FactObserver& observer,
                     std::uint32_t worker, std::uint32_t workers)
    : classifier_(std::move(classifier)), workers_(workers) {
  DPI_CHECK(workers >= 1 && workers <= lane_count && worker < workers);
  LaneLimits one = limits;
  one.flows.flows_max = share(one.flows.flows_max);
  one.dns.transactions_max = share(one.dns.transactions_max);
  one.dns.streams_max = share(one.dns.streams_max);
  one.stream_bytes_max = share(one.stream_bytes_max);
  const std::uint32_t lanes = (lane_count - worker + workers - 1) / workers;
  for (std::uint32_t i = 0; i < lanes; ++i) {
    lanes_.push_back(
        std::make_unique<Lane>(one, seed, SlotSpace{i, lanes + 1}, *classifier_, observer));
  }
  canary_lane_ =
      std::make_unique<Lane>(one, seed, SlotSpace{lanes, lanes + 1}, *classifier_, observer);
}

void LaneGroup::canary(const LanePacket& packet, bool last) {
  canary_lane_->packet(packet);
  if (!last) return;
  lane_flows_.clear();
  lane_dns_.clear();
  canary_lane_->collect_all(EndReason::forced, lane_flows_, lane_dns_);
  for (const DueFlow& due : lane_flows_) canary_lane_->end_flow(packet.packet.number, due);
  for (const DnsTracker::Due& due : lane_dns_) canary_lane_->end_dns(packet.packet.number, due);
}

template <class Collect>
void LaneGroup::collect(Collect collect) {
  flows_.clear();
  dns_.clear();
  for (const auto& lane : lanes_) {
    lane_flows_.clear();
    lane_dns_.clear();
    collect(*lane);
    for (const DueFlow& due : lane_flows_) flows_.push_back({due.number, due, lane.get()});
    for (const DnsTracker::Due& due : lane_dns_) dns_.push_back({due.number, due, lane.get()});
  }
}

void LaneGroup::end_collected(FactNumber number) {
  const auto earlier = [](const auto& a, const auto& b) { return a.number < b.number; };
  std::sort(flows_.begin(), flows_.end(), earlier);
  for (const auto& due : flows_) due.lane->end_flow(number, due.id);
  std::sort(dns_.begin(), dns_.end(), earlier);
  for (const auto& due : dns_) due.lane->end_dns(number, due.id);
}

void LaneGroup::tick(FactNumber number, Timestamp now) {
  collect([&](Lane& lane) { lane.collect_due(now, lane_flows_, lane_dns_); });
  end_collected(number);
}

void LaneGroup::clock_stepped(std::uint64_t nth, Nanoseconds delta) {
  if (nth <= clock_steps_) return;
  clock_steps_ = nth;
  for (const auto& lane : lanes_) lane->shift(delta);
}

void LaneGroup::finish(FactNumber number, EndReason reason) {
  collect([&](Lane& lane) { lane.collect_all(reason, lane_flows_, lane_dns_); });
  end_collected(number);
}

LaneStats LaneGroup::stats() const noexcept {
  LaneStats sum;
  for (const auto& lane : lanes_) sum += lane->stats();
  return sum;
}

}  // namespace dpi
