// Probes as text: a table for people, a line for monitoring plug-ins. Pure.
#pragma once

#include <span>
#include <string>

#include "probe/app/probe_status.h"

namespace dpi {

// One line a probe, at most 80 columns, and below it a sentence for each reason, wrapped.
[[nodiscard]] std::string status_table(std::span<const ProbeStatus> probes, bool colour);

// "RANSOMEYE WARNING - sensor-01 degraded: … | 'sensor-01_loss'=2.1%;0.1;;0;100 …", then a line
// for each further sentence (the Nagios plug-in form).
[[nodiscard]] std::string status_check(std::span<const ProbeStatus> probes);

// The worst; unknown when there is none.
[[nodiscard]] Level worst_level(std::span<const ProbeStatus> probes);

}  // namespace dpi
