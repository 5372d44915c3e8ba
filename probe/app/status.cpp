#include "probe/app/status.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "probe/app/report.h"
#include "probe/app/status_text.h"

namespace dpi {
namespace {

constexpr const char* json_query =
    "select coalesce(json_agg(s order by component_instance_id), '[]') from re_view.probe_status s "
    "where $1 = '' or starts_with(component_instance_id::text, $1) or starts_with(hostname, $1)";

// https://no-color.org: any value that is not empty says no.
bool wants_colour(const StatusOptions& options) {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  return options.terminal && !refused && terminal != nullptr &&
         std::string_view{terminal} != "dumb";
}

int unknown(const StatusOptions& options, const std::string& why) {
  if (options.check) fmt::print("RANSOMEYE UNKNOWN - {}\n", why);
  say(why);
  return static_cast<int>(Level::unknown);
}

int print_once(const StatusOptions& options) {
  auto database = Postgres::connect(options.conninfo);
  if (!database) return unknown(options, database.error().what);
  const auto probes = read_probe_status(*database, options.probe);
  if (!probes) return unknown(options, probes.error().what);
  if (options.json) {
    const std::array arguments{SqlValue::text(options.probe)};
    const auto json = database->query(json_query, arguments);
    if (!json) return unknown(options, json.error().what);
    fmt::print("{}\n", json->at(0).at(0).value_or("[]"));
  } else if (probes->empty()) {
    return unknown(options,
                   options.probe.empty()
                       ? "no probe is enrolled in this database (`ransomeye-dpi keys enrol`)"
                       : fmt::format("no probe begins with '{}'", options.probe));
  } else if (options.check) {
    fmt::print("{}", status_check(*probes));
  } else {
    fmt::print("{}", status_table(*probes,
                                  {.colour = wants_colour(options), .problems = options.problems}));
  }
  return static_cast<int>(worst_level(*probes));
}

}  // namespace

int run_status(const StatusOptions& options) {
  if (options.watch_s == 0) return print_once(options);
  constexpr const char* clear_screen = "\x1b[H\x1b[2J";
  for (;;) {
    if (options.terminal) fmt::print("{}", clear_screen);
    print_once(options);
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds{options.watch_s});
  }
}

}  // namespace dpi
