// Sets of anomalies as events write them: names, sorted.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "dissectors/anomaly.h"

namespace dpi {

[[nodiscard]] inline std::vector<std::string_view> sorted_names(const AnomalySet& set) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < anomaly_count; ++i) {
    if (set[i]) names.push_back(anomaly_name(static_cast<Anomaly>(i)));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace dpi
