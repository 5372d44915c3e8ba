// The figures of a heartbeat as metrics: `dpi_<layer>_<what>_<unit>`; counters are cumulative since
// the chain began, so a restart may set them back. No label tells an address, a name of a host or
// anything else that traffic decides.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "probe/event/heartbeat.h"
#include "probe/service/metrics.h"

namespace dpi {

[[nodiscard]] MetricFamilies heartbeat_metrics(const HeartbeatFacts& facts);

// What is true of the process itself when somebody asks.
struct ServiceMetrics {
  bool alive = false;
  bool ready = false;
  std::vector<std::string> stuck;
  std::optional<double> heartbeat_age_s;
};
[[nodiscard]] MetricFamilies service_metrics(const ServiceMetrics& service);

}  // namespace dpi
