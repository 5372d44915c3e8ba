#include "probe/service/metrics.h"

#include <fmt/format.h>

#include <cmath>

namespace dpi {
namespace {

std::string_view suffix(MetricType type) noexcept {
  switch (type) {
    case MetricType::counter:
      return "_total";
    case MetricType::info:
      return "_info";
    case MetricType::gauge:
      break;
  }
  return "";
}

std::string_view type_name(MetricType type, MetricsFormat format) noexcept {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::info:
      return format == MetricsFormat::openmetrics ? "info" : "gauge";
    case MetricType::gauge:
      break;
  }
  return "gauge";
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
}

void append_value(std::string& out, double value) {
  constexpr double exact = 9'007'199'254'740'992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= exact) {
    out += fmt::format("{}", static_cast<std::int64_t>(value));
  } else {
    out += fmt::format("{}", value);
  }
}

void append_sample(std::string& out, const MetricFamily& family, const MetricSample& sample) {
  out += family.name;
  out += suffix(family.type);
  char separator = '{';
  for (const auto& [name, value] : sample.labels) {
    out += fmt::format("{}{}=\"", separator, name);
    append_escaped(out, value);
    out.push_back('"');
    separator = ',';
  }
  if (separator == ',') out.push_back('}');
  out.push_back(' ');
  append_value(out, sample.value);
  out.push_back('\n');
}

}  // namespace

void append_metrics(std::string& out, const MetricFamilies& families, MetricsFormat format) {
  for (const MetricFamily& family : families) {
    if (family.samples.empty()) continue;
    // The older format names a family as its samples are named.
    const std::string_view end =
        format == MetricsFormat::prometheus ? suffix(family.type) : std::string_view{};
    out += fmt::format("# HELP {}{} {}\n# TYPE {}{} {}\n", family.name, end, family.help,
                       family.name, end, type_name(family.type, format));
    for (const MetricSample& sample : family.samples) append_sample(out, family, sample);
  }
}

void append_metrics_end(std::string& out, MetricsFormat format) {
  if (format == MetricsFormat::openmetrics) out += "# EOF\n";
}

std::string_view metrics_content_type(MetricsFormat format) noexcept {
  return format == MetricsFormat::openmetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

MetricsFormat metrics_format(std::string_view accept) noexcept {
  return accept.find("application/openmetrics-text") != std::string_view::npos
             ? MetricsFormat::openmetrics
             : MetricsFormat::prometheus;
}

}  // namespace dpi
