// What the lanes of a worker do at a tick, for one table alone: collect what is due, end it in the
// order of first packets.
#pragma once

#include <algorithm>
#include <vector>

#include "probe/dns/dns_tracker.h"
#include "probe/flow/flow_table.h"

namespace dpi::test {

inline void end_in_order(FlowTable& table, std::vector<DueFlow>& due) {
  std::sort(due.begin(), due.end(),
            [](const DueFlow& a, const DueFlow& b) { return a.number < b.number; });
  for (const DueFlow& d : due) table.end(d);
}

inline void advance(FlowTable& table, Timestamp now) {
  std::vector<DueFlow> due;
  table.collect_due(now, due);
  end_in_order(table, due);
}

inline void finish(FlowTable& table, EndReason reason) {
  std::vector<DueFlow> due;
  table.collect_all(reason, due);
  end_in_order(table, due);
}

inline void end_in_order(DnsTracker& tracker, std::vector<DnsTracker::Due>& due) {
  std::sort(due.begin(), due.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  for (const DnsTracker::Due& d : due) tracker.end(d);
}

inline void advance(DnsTracker& tracker, Timestamp now) {
  std::vector<DnsTracker::Due> due;
  tracker.collect_due(now, due);
  end_in_order(tracker, due);
}

inline void finish(DnsTracker& tracker) {
  std::vector<DnsTracker::Due> due;
  tracker.collect_all(due);
  end_in_order(tracker, due);
}

}  // namespace dpi::test
