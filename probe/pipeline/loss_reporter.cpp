#include "probe/pipeline/loss_reporter.h"

#include <algorithm>

namespace dpi {
namespace {

std::string_view policy_of(std::string_view cause) noexcept {
  if (cause == "worker_ring") return "newest_packets_of_the_worker_behind";
  if (cause == "spool_full") return "flows_and_dns_first_chain_last";
  return "none";  // not ours to choose
}

}  // namespace

std::vector<LossFacts> losses_of(const HeartbeatFacts& heartbeat, std::uint64_t shed_bytes,
                                 const WorkerLosses& lost) {
  std::vector<LossFacts> out;
  const auto add = [&](std::string_view cause, std::uint64_t packets, std::uint64_t bytes,
                       std::uint64_t events) {
    if (packets + events > 0) out.push_back({cause, packets, bytes, events});
  };
  add("kernel", heartbeat.packets_dropped_kernel, 0, 0);
  add("nic", heartbeat.packets_dropped_nic, 0, 0);
  add("no_buffer", heartbeat.packets_dropped_no_buffer, 0, 0);
  add("spool_full", 0, 0, heartbeat.events_shed);
  add("worker_crash", lost.packets, lost.bytes, 0);
  add("worker_ring", heartbeat.packets_shed, shed_bytes, 0);
  return out;
}

std::vector<LossReportFacts> LossReporter::untold(const HeartbeatFacts& heartbeat, Timestamp from,
                                                  Timestamp to) const {
  std::vector<LossReportFacts> out;
  for (const LossFacts& now : heartbeat.losses) {
    const auto before = std::find_if(told_.begin(), told_.end(),
                                     [&](const LossFacts& l) { return l.cause == now.cause; });
    const LossFacts base = before == told_.end() ? LossFacts{} : *before;
    if (now.packets == base.packets && now.events == base.events) continue;
    LossReportFacts report{.interval_start = from,
                           .interval_end = to,
                           .cause = now.cause,
                           .packets = now.packets - base.packets,
                           .bytes = now.bytes - base.bytes,
                           .events = {},
                           .policy = policy_of(now.cause)};
    if (now.events > base.events) {
      for (const EventTypeFacts& type : heartbeat.events) {
        const auto told =
            std::find_if(told_events_.begin(), told_events_.end(),
                         [&](const EventTypeFacts& t) { return t.event_type == type.event_type; });
        const std::uint64_t shed = type.shed - (told == told_events_.end() ? 0 : told->shed);
        if (shed > 0) report.events.push_back({type.event_type, shed});
      }
    }
    out.push_back(std::move(report));
  }
  return out;
}

void LossReporter::told(const HeartbeatFacts& heartbeat, std::string_view cause) {
  std::erase_if(told_, [&](const LossFacts& loss) { return loss.cause == cause; });
  for (const LossFacts& loss : heartbeat.losses) {
    if (loss.cause != cause) continue;
    told_.push_back(loss);
    if (loss.events > 0) told_events_ = heartbeat.events;
  }
}

}  // namespace dpi
