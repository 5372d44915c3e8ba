#include "probe/app/probe_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "probe/app/human.h"
#include "probe/event/reason.h"

namespace dpi {
namespace {

struct StateMeaning {
  std::string_view state;
  Level level;
  bool reasons_count;  // false: nothing can be wrong with it
  std::string_view advice;
};

// docs/operations.md has the long form.
constexpr std::array meanings = std::to_array<StateMeaning>({
    {"healthy", Level::ok, true, ""},
    {"replayed", Level::ok, false, ""},
    {"retired", Level::ok, false, ""},
    {"enrolled", Level::ok, false, "no event yet: start it"},
    {"restarted", Level::warning, true,
     "started within the last 5 minutes: look at its log if nobody did that"},
    {"degraded", Level::warning, true, ""},
    {"stale", Level::warning, true,
     "behind by more than 30 s: catching up, or about to fall silent"},
    {"silent", Level::critical, true,
     "nothing for 60 s: is the host up, the service running, the database reachable from it?"},
    {"never_seen", Level::critical, true,
     "enrolled 10 minutes ago and never heard: was it started, with this key and database?"},
    {"gap", Level::critical, true,
     "events are missing: run `ransomeye-dpi verify` and keep its spool"},
    {"forked", Level::critical, true,
     "two histories under one identity: take the probe off, keep its disk, revoke its key"},
});

const StateMeaning* meaning_of(std::string_view state) {
  const auto* const found =
      std::find_if(meanings.begin(), meanings.end(),
                   [state](const StateMeaning& m) { return m.state == state; });
  return found == meanings.end() ? nullptr : found;
}

std::optional<double> number(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  return std::strtod(text->c_str(), nullptr);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::vector<ProbeReason> reasons_of(const SqlRow& row) {
  const std::vector<std::string> names = split(row[3].value_or(""));
  const std::vector<std::string> figures = split(row[4].value_or(""));
  std::vector<ProbeReason> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool has_figure = i < figures.size() && figures[i] != "-";
    out.push_back({names[i], has_figure ? figures[i] : ""});
  }
  return out;
}

constexpr const char* status_query =
    "select component_instance_id, coalesce(hostname, '-'), state, array_to_string(reasons, ' '), "
    "array_to_string(reason_figures, ' ', '-'), silent_seconds, backlog_seconds, "
    "backlog_eta_seconds, packets_per_second, loss_percent, spool_percent, "
    "greatest(canary_flow_lag_us, canary_dns_lag_us), next_seq from re_view.probe_status s "
    "where $1 = '' or starts_with(component_instance_id::text, $1) or starts_with(hostname, $1) "
    "order by hostname nulls last, component_instance_id";

// Span 0 is the oldest.
constexpr const char* rate_query =
    "select component_instance_id, 11 - least(11, (extract(epoch from now() - minute)::bigint "
    "/ 300)), sum(packets) from re_view.probe_rate group by 1, 2";

constexpr std::size_t spans = 12;

std::string figure_text(Figure unit, const std::string& figure) {
  const double value = std::strtod(figure.c_str(), nullptr);
  switch (unit) {
    case Figure::none:
      return "";
    case Figure::percent:
      return human_percent(value);
    case Figure::milliseconds:
      return fmt::format("{:.0f} ms", value);
    case Figure::seconds:
      return human_age(value);
    case Figure::count:
      return fmt::format("{:.0f}", value);
    case Figure::per_second:
      return human_count(value) + " packets/s";
  }
  return "";
}

std::string sentence(const ProbeReason& reason) {
  const Reason* const known = find_reason(reason.name);
  if (known == nullptr) return reason.name;
  std::string what{known->what};
  const std::size_t hole = what.find("{}");
  if (hole != std::string::npos) {
    what.replace(hole, 2,
                 reason.figure.empty() ? std::string{known->instead}
                                       : figure_text(known->figure, reason.figure));
  }
  return fmt::format("{}: {}", what, known->advice);
}

}  // namespace

Result<std::vector<ProbeStatus>> read_probe_status(Postgres& database, std::string_view prefix) {
  const std::array arguments{SqlValue::text(prefix)};
  const auto rows = database.query(status_query, arguments);
  if (!rows) return tl::unexpected(rows.error());
  const auto rates = database.query(rate_query);
  if (!rates) return tl::unexpected(rates.error());
  std::map<std::string, std::vector<std::optional<double>>> last_hour;
  for (const SqlRow& row : *rates) {
    std::vector<std::optional<double>>& hour = last_hour[row[0].value_or("")];
    hour.resize(spans);
    const double span = number(row[1]).value_or(0);
    if (span >= 0 && span < spans) hour[static_cast<std::size_t>(span)] = number(row[2]);
  }
  std::vector<ProbeStatus> out;
  for (const SqlRow& row : *rows) {
    ProbeStatus p;
    p.instance = row[0].value_or("");
    p.hostname = row[1].value_or("-");
    p.state = row[2].value_or("");
    p.reasons = reasons_of(row);
    p.silent_seconds = number(row[5]);
    p.backlog_seconds = number(row[6]);
    p.backlog_eta_seconds = number(row[7]);
    p.packets_per_second = number(row[8]);
    p.loss_percent = number(row[9]);
    p.spool_percent = number(row[10]);
    p.canary_lag_us = number(row[11]);
    p.events = static_cast<std::uint64_t>(number(row[12]).value_or(0));
    p.last_hour = last_hour[p.instance];
    out.push_back(std::move(p));
  }
  return out;
}

Level level_of(const ProbeStatus& probe) {
  const StateMeaning* const meaning = meaning_of(probe.state);
  if (meaning == nullptr) return Level::unknown;
  Level worst = meaning->level;
  if (!meaning->reasons_count) return worst;
  for (const ProbeReason& reason : probe.reasons) {
    const Reason* const known = find_reason(reason.name);
    const bool critical = known != nullptr && known->severity == Severity::critical;
    worst = std::max(worst, critical ? Level::critical : Level::warning);
  }
  return worst;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::ok:
      return "OK";
    case Level::warning:
      return "WARNING";
    case Level::critical:
      return "CRITICAL";
    case Level::unknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::vector<StatusSentence> named_sentences(const ProbeStatus& probe) {
  std::vector<StatusSentence> out;
  const StateMeaning* const meaning = meaning_of(probe.state);
  if (meaning != nullptr && !meaning->advice.empty())
    out.push_back({probe.state, probe.silent_seconds.value_or(0), std::string{meaning->advice}});
  std::vector<ProbeReason> reasons(probe.reasons.begin(), probe.reasons.end());
  std::stable_partition(reasons.begin(), reasons.end(), [](const ProbeReason& r) {
    const Reason* const known = find_reason(r.name);
    return known == nullptr || known->severity == Severity::critical;
  });
  for (const ProbeReason& reason : reasons) {
    out.push_back({reason.name, std::strtod(reason.figure.c_str(), nullptr), sentence(reason)});
    if (reason.name == "backlog" && probe.backlog_eta_seconds) {
      out.back().text +=
          fmt::format(" (caught up in about {})", human_age(*probe.backlog_eta_seconds));
    }
  }
  return out;
}

std::vector<std::string> sentences(const ProbeStatus& probe) {
  std::vector<std::string> out;
  for (StatusSentence& said : named_sentences(probe)) out.push_back(std::move(said.text));
  return out;
}

}  // namespace dpi
