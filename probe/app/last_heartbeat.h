// What the run before this one left in the spool: how it ended, and its totals.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "probe/base/hex.h"
#include "probe/event/heartbeat.h"
#include "probe/pipeline/event_journal.h"
#include "probe/store/live_sink.h"

namespace dpi {

struct LastRunFound {
  LastRun run;
  std::optional<Uuid> machine;      // that its events are of
  std::deque<std::string> names;    // that run.totals views
  std::vector<std::string> damage;  // met on the way
};

// Looks at the newest events only: a heartbeat further back than those counts as none.
[[nodiscard]] Result<LastRunFound> find_last_run(const LiveSink& sink,
                                                 const std::filesystem::path& spool);

}  // namespace dpi
