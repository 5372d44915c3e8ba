// What was lost between two heartbeats, cause by cause, as loss.report events: time is never lost
// silently. Owned by the recorder's thread.
#pragma once

#include <string_view>
#include <vector>

#include "probe/event/payloads.h"
#include "probe/pipeline/pipeline.h"

namespace dpi {

class LossReporter {
 public:
  // The causes whose totals have grown since they were told, with what they grew by. The totals are
  // those of the heartbeat that is about to be told.
  [[nodiscard]] std::vector<LossReportFacts> untold(const HeartbeatFacts& heartbeat, Timestamp from,
                                                    Timestamp to) const;
  // The report of that cause is in the chain. Not before: what could not be sealed is told later.
  void told(const HeartbeatFacts& heartbeat, std::string_view cause);

 private:
  std::vector<LossFacts> told_;
  std::vector<EventTypeFacts> told_events_;
};

// The causes of a heartbeat: packets lost before and inside the probe, events shed.
[[nodiscard]] std::vector<LossFacts> losses_of(const HeartbeatFacts& heartbeat,
                                               std::uint64_t shed_bytes, const WorkerLosses& lost);

}  // namespace dpi
