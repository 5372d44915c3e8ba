// Probes as text: a table for people, a line for monitoring plug-ins. Pure.
#pragma once

#include <span>
#include <string>

#include "probe/app/probe_status.h"

namespace dpi {

struct StatusTableOptions {
  bool colour = false;
  bool problems = false;  // only probes that are not well
};

// How many are how well; what many of them have in common, once, with their number; then one line a
// probe, the worst first, and below it a sentence for each further reason. At most 80 columns.
[[nodiscard]] std::string status_table(std::span<const ProbeStatus> probes,
                                       const StatusTableOptions& options);

// "RANSOMEYE WARNING - sensor-01 degraded: … | 'sensor-01_loss'=2.1%;0.1;;0;100 …", then a line
// for each further sentence (the Nagios plug-in form). Never more than the 8 KiB that Nagios keeps:
// of many probes only the sums.
[[nodiscard]] std::string status_check(std::span<const ProbeStatus> probes);

// The worst; unknown when there is none.
[[nodiscard]] Level worst_level(std::span<const ProbeStatus> probes);

}  // namespace dpi
