// Traffic over time as an SVG that stands in a page: both directions, one above the other.
#pragma once

#include <string>

#include "probe/report/traffic_bins.h"

namespace dpi {

// Empty where there was no traffic. Colours are the page's classes `src` and `dst`.
[[nodiscard]] std::string traffic_plot(const TrafficBins& traffic);

}  // namespace dpi
