#include "probe/app/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "capture/bpf_filter.h"
#include "probe/base/hex.h"
#include "probe/service/metrics_server.h"
#include "probe/store/conninfo.h"

namespace dpi {
namespace {

using Wrong = std::optional<std::string>;

Wrong instance(const std::string& given) {
  if (parse_uuid(given)) return std::nullopt;
  return "must be a UUID in lower case, as `ransomeye-dpi keys enrol` prints it";
}

Wrong filter(const std::string& given) {
  const auto compiled = BpfFilter::compile(given);
  if (compiled) return std::nullopt;
  return "must be a capture filter in libpcap's language: " + compiled.error().what;
}

Wrong processors(const std::string& given) {
  const bool numbers =
      given.find_first_not_of("0123456789 ") == std::string::npos && given.size() < 1024;
  if (numbers) return std::nullopt;
  return "must be numbers of processors, separated by spaces, for example \"2 3\"";
}

Wrong conninfo(const std::string& given) {
  const auto parsed = parse_conninfo(given);
  if (parsed) return std::nullopt;
  return "must be a libpq connection string or URI: " + parsed.error().what;
}

Wrong metrics(const std::string& given) {
  if (is_metrics_address(given)) return std::nullopt;
  return "must be ADDRESS:PORT, [IPv6]:PORT or the absolute path of a Unix socket";
}

struct Check {
  std::string_view key;
  Wrong (*wrong)(const std::string& given);
};

constexpr std::array checks = std::to_array<Check>({
    {"probe.instance", instance},
    {"capture.filter", filter},
    {"workers.cpus", processors},
    {"database.conninfo", conninfo},
    {"service.metrics", metrics},
});

}  // namespace

std::optional<std::string> wrong_value(std::string_view key, const std::string& given) {
  if (given.empty()) return std::nullopt;  // as if the key were not there
  const auto* const check =
      std::find_if(checks.begin(), checks.end(), [key](const Check& c) { return c.key == key; });
  return check == checks.end() ? std::nullopt : check->wrong(given);
}

}  // namespace dpi
