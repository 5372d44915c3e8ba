// What was lost between two heartbeats, cause by cause, as loss.report events: time is never lost
// silently. Owned by the recorder's thread.
#pragma once

#include <vector>

#include "probe/event/payloads.h"

namespace dpi {

class LossReporter {
 public:
  // The causes whose totals have grown since the last call, with what they grew by. The totals are
  // those of the heartbeat that is about to be told.
  [[nodiscard]] std::vector<LossReportFacts> since_last(const HeartbeatFacts& heartbeat,
                                                        Timestamp from, Timestamp to);

 private:
  std::vector<LossFacts> told_;
  std::vector<EventTypeFacts> told_events_;
};

// The causes of a heartbeat: packets lost before and inside the probe, events shed.
[[nodiscard]] std::vector<LossFacts> losses_of(const HeartbeatFacts& heartbeat,
                                               std::uint64_t shed_bytes);

}  // namespace dpi
