#include "probe/app/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "probe/app/report.h"
#include "probe/store/postgres.h"

namespace dpi {
namespace {

enum Level : int { ok = 0, warning = 1, critical = 2, unknown = 3 };

struct StateMeaning {
  std::string_view state;
  Level level;
  std::string_view advice;
};

// What each state of re_view.probe_status asks of an operator (docs/operations.md has the long
// form).
constexpr std::array meanings = std::to_array<StateMeaning>({
    {"healthy", ok, ""},
    {"replayed", ok, ""},
    {"enrolled", ok, "no event yet: start it"},
    {"retired", ok, ""},
    {"restarted", warning, "started within the last 5 minutes: look at its log if nobody did that"},
    {"degraded", warning, "it says why in reasons; see its last heartbeat"},
    {"stale", warning, "behind by more than 30 s: catching up, or about to fall silent"},
    {"silent", critical,
     "nothing for 60 s: is the host up, the service running, the database reachable from it?"},
    {"never_seen", critical,
     "enrolled 10 minutes ago and never heard: was it started, with this key and database?"},
    {"gap", critical, "events are missing: run `ransomeye-dpi verify` and keep its spool"},
    {"forked", critical,
     "two histories under one identity: take the probe off, keep its disk, revoke its key"},
});

const StateMeaning* meaning_of(std::string_view state) {
  const auto found = std::find_if(meanings.begin(), meanings.end(),
                                  [state](const StateMeaning& m) { return m.state == state; });
  return found == meanings.end() ? nullptr : &*found;
}

// "12 s", "5 min", "3 h", "2 d".
std::string age(const std::optional<std::string>& seconds_text) {
  std::int64_t s = 0;
  if (!seconds_text) return "never";
  std::from_chars(seconds_text->data(), seconds_text->data() + seconds_text->size(), s);
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7200) return fmt::format("{} min", s / 60);
  if (s < 172'800) return fmt::format("{} h", s / 3600);
  return fmt::format("{} d", s / 86'400);
}

constexpr const char* columns =
    "component_instance_id, coalesce(hostname, '-'), state, silent_seconds, next_seq, "
    "coalesce(packets_offered, 0), "
    "coalesce(packets_lost, 0), case ledger_closes when true then 'yes' when false then 'NO' else "
    "'-' end, "
    "coalesce(reasons, '')";

Result<SqlRows> read_rows(const StatusOptions& options, const std::string& what) {
  auto connection = Postgres::connect(options.conninfo);
  if (!connection) return tl::unexpected(connection.error());
  const std::array arguments{SqlValue::text(options.probe)};
  return connection->query(
      fmt::format("select {} from re_view.probe_status s where $1 = '' or "
                  "starts_with(component_instance_id::text, $1) or starts_with(hostname, $1)",
                  what),
      arguments);
}

int print_table(const SqlRows& rows) {
  fmt::print("{:<8}  {:<16}  {:<10}  {:>7}  {:>9}  {:>10}  {:>6}\n", "PROBE", "HOST", "STATE",
             "LAST", "EVENTS", "PACKETS", "LOST");
  int worst = ok;
  for (const SqlRow& row : rows) {
    const std::string state = row[2].value_or("");
    fmt::print("{:<8}  {:<16}  {:<10}  {:>7}  {:>9}  {:>10}  {:>6}\n",
               row[0].value_or("").substr(0, 8), row[1].value_or("").substr(0, 16), state,
               age(row[3]), row[4].value_or(""), row[5].value_or(""), row[6].value_or(""));
    const StateMeaning* const meaning = meaning_of(state);
    worst = std::max<int>(worst, meaning != nullptr ? meaning->level : unknown);
    if (meaning != nullptr && !meaning->advice.empty())
      fmt::print("          {}\n", meaning->advice);
    if (row[7] == "NO")
      fmt::print(
          "          its packet ledger does not close: packets went uncounted, report this\n");
    if (!row[8].value_or("").empty()) fmt::print("          reasons: {}\n", *row[8]);
  }
  return worst;
}

int worst_of(const SqlRows& states) {
  int worst = ok;
  for (const SqlRow& row : states) {
    const StateMeaning* const meaning = meaning_of(row[0].value_or(""));
    worst = std::max<int>(worst, meaning != nullptr ? meaning->level : unknown);
  }
  return worst;
}

}  // namespace

int run_status(const StatusOptions& options) {
  const auto rows = read_rows(options, columns);
  if (!rows) {
    say(rows.error().what);
    return unknown;
  }
  if (options.json) {
    const auto json =
        read_rows(options, "coalesce(json_agg(s order by component_instance_id), '[]')");
    const auto states = read_rows(options, "state");
    if (!json || !states) return unknown;
    fmt::print("{}\n", json->at(0).at(0).value_or("[]"));
    return states->empty() ? static_cast<int>(unknown) : worst_of(*states);
  }
  if (rows->empty()) {
    say("no probe is enrolled in this database (`ransomeye-dpi keys enrol`)");
    return unknown;
  }
  return print_table(*rows);
}

}  // namespace dpi
