// Families of metrics and their text: OpenMetrics 1.0, or the older Prometheus text format 0.0.4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dpi {

enum class MetricType : std::uint8_t { counter, gauge, info };
enum class MetricsFormat : std::uint8_t { prometheus, openmetrics };

struct MetricSample {
  std::vector<std::pair<std::string_view, std::string>> labels{};  // values: any UTF-8
  double value = 0;                                                // integers are exact up to 2^53
};

// Without `_total` and `_info`: the text adds them. Names and help outlive the family.
struct MetricFamily {
  std::string_view name;
  std::string_view help;
  MetricType type = MetricType::gauge;
  std::vector<MetricSample> samples{};
};
using MetricFamilies = std::vector<MetricFamily>;

void append_metrics(std::string& out, const MetricFamilies& families, MetricsFormat format);
// Behind the last family; needed by OpenMetrics only.
void append_metrics_end(std::string& out, MetricsFormat format);
[[nodiscard]] std::string_view metrics_content_type(MetricsFormat format) noexcept;
// What an Accept header asks for.
[[nodiscard]] MetricsFormat metrics_format(std::string_view accept) noexcept;

}  // namespace dpi
