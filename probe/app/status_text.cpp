#include "probe/app/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "probe/app/human.h"

namespace dpi {
namespace {

constexpr std::size_t columns_max = 80;
// Nagios reads no more of a plug-in (MAX_PLUGIN_OUTPUT_LENGTH).
constexpr std::size_t plugin_bytes_max = 8191;

std::string or_dash(const std::optional<double>& value, std::string (*text)(double)) {
  return value ? text(*value) : "-";
}

// U+2581 to U+2588, each three bytes; a blank where nothing was heard.
std::string sparkline(const std::vector<std::optional<double>>& values) {
  constexpr std::array blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double most = 0;
  for (const auto& value : values) most = std::max(most, value.value_or(0));
  std::string out;
  for (const auto& value : values) {
    if (!value) {
      out += ' ';
      continue;
    }
    const double part = most > 0 ? *value / most : 0;
    out += blocks[static_cast<std::size_t>(part * (blocks.size() - 1) + 0.5)];
  }
  return out;
}

std::string coloured(std::string text, Level level, bool colour) {
  if (!colour) return text;
  constexpr std::array codes{"32", "33", "1;31", "35"};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(level)], text);
}

// Words of text on lines of at most columns_max, each behind the indent.
void wrap(std::string& out, std::string_view text) {
  constexpr std::string_view first = "  - ";
  constexpr std::string_view next = "    ";
  std::string line{first};
  bool empty = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!empty && line.size() + 1 + word.size() > columns_max) {
      out += line + '\n';
      line = next;
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  out += line + '\n';
}

struct Assessed {
  const ProbeStatus* probe;
  Level level;
  std::vector<StatusSentence> said;
};

// An unknown state is worse than none, and no emergency.
int urgency(Level level) {
  constexpr std::array urgencies{0, 2, 3, 1};
  return urgencies[static_cast<std::size_t>(level)];
}

// The worst first; of equal ones in the order in which they came.
std::vector<Assessed> assess(std::span<const ProbeStatus> probes) {
  std::vector<Assessed> out;
  out.reserve(probes.size());
  for (const ProbeStatus& p : probes) out.push_back({&p, level_of(p), named_sentences(p)});
  std::stable_sort(out.begin(), out.end(), [](const Assessed& a, const Assessed& b) {
    return urgency(a.level) > urgency(b.level);
  });
  return out;
}

std::string summary(const std::vector<Assessed>& all) {
  std::array<std::size_t, 4> counts{};
  for (const Assessed& assessed : all) ++counts[static_cast<std::size_t>(assessed.level)];
  std::string out = fmt::format("{} probe{}:", all.size(), all.size() == 1 ? "" : "s");
  for (const Level level : {Level::critical, Level::warning, Level::unknown, Level::ok}) {
    constexpr std::array words{"well", "warning", "critical", "unknown"};
    const auto index = static_cast<std::size_t>(level);
    if (counts[index] == 0) continue;
    out += fmt::format("{} {} {}", out.back() == ':' ? "" : ",", counts[index], words[index]);
  }
  return out + "\n\n";
}

// What more than three probes have is said once, with the figure of the worst.
class CommonReasons {
 public:
  explicit CommonReasons(const std::vector<Assessed>& all) {
    std::map<std::string, Common, std::less<>> seen;
    for (const Assessed& assessed : all) {
      for (const StatusSentence& said : assessed.said) {
        Common& common = seen[said.name];
        if (common.probes++ > 0 && said.figure <= common.worst->figure) continue;
        common.worst = &said;
        common.host = &assessed.probe->hostname;
      }
    }
    constexpr std::size_t few = 3;
    for (auto& [name, common] : seen) {
      if (common.probes > few) common_.emplace(name, common);
    }
  }

  [[nodiscard]] bool holds(std::string_view name) const { return common_.contains(name); }

  // The most frequent first.
  void append_to(std::string& out) const {
    std::vector<std::pair<std::string_view, Common>> ranking(common_.begin(), common_.end());
    std::stable_sort(ranking.begin(), ranking.end(), [](const auto& a, const auto& b) {
      return a.second.probes > b.second.probes;
    });
    for (const auto& [name, common] : ranking) {
      wrap(out, fmt::format(
                    "{} probes {}: {}{}", common.probes, name, common.worst->text,
                    common.worst->figure > 0 ? fmt::format(" (the worst: {})", *common.host) : ""));
    }
    if (!ranking.empty()) out += '\n';
  }

 private:
  struct Common {
    std::size_t probes = 0;
    const StatusSentence* worst = nullptr;
    const std::string* host = nullptr;
  };
  std::map<std::string, Common, std::less<>> common_;
};

void append_row(std::string& out, const Assessed& assessed, bool colour) {
  const ProbeStatus& p = *assessed.probe;
  const std::string state = coloured(fmt::format("{:<10}", p.state), assessed.level, colour);
  std::string line = fmt::format(
      "{:<8}  {:<13} {} {:>7} {:>7} {:>6} {:>7}  {}", p.instance.substr(0, 8),
      p.hostname.substr(0, 13), state, or_dash(p.silent_seconds, human_age),
      or_dash(p.packets_per_second, human_count), or_dash(p.loss_percent, human_percent),
      or_dash(p.backlog_seconds, human_age), sparkline(p.last_hour));
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

// Host names, with the beginning of the instance where several probes share one. What ends a label
// or the text in the plug-in form is replaced; pct-text may hold it.
std::vector<std::string> labels(std::span<const ProbeStatus> probes) {
  std::map<std::string_view, std::size_t> sensors;
  for (const ProbeStatus& p : probes) ++sensors[p.hostname];
  std::vector<std::string> out;
  for (const ProbeStatus& p : probes) {
    std::string label = p.hostname == "-" ? p.instance.substr(0, 8) : p.hostname;
    if (p.hostname != "-" && sensors[p.hostname] > 1) label += "_" + p.instance.substr(0, 8);
    for (char& c : label) c = c == '\'' || c == '=' || c == '|' ? '_' : c;
    out.push_back(std::move(label));
  }
  return out;
}

// A replay has ended and a retired probe is meant to be away: neither has a figure of the moment.
bool is_measured(const ProbeStatus& p) {
  return p.state != "replayed" && p.state != "retired";
}

void append_perfdata(std::string& out, const ProbeStatus& p, const std::string& label) {
  if (p.silent_seconds) out += fmt::format(" '{}_last'={:.0f}s;30;60;0", label, *p.silent_seconds);
  if (p.packets_per_second)
    out += fmt::format(" '{}_packets_per_second'={:.1f};;;0", label, *p.packets_per_second);
  if (p.loss_percent) out += fmt::format(" '{}_loss'={:.2f}%;0.1;;0;100", label, *p.loss_percent);
  if (p.spool_percent)
    out += fmt::format(" '{}_spool'={:.1f}%;50;95;0;100", label, *p.spool_percent);
  if (p.canary_lag_us) out += fmt::format(" '{}_canary'={:.0f}us;;;0", label, *p.canary_lag_us);
  out += fmt::format(" '{}_events'={}c", label, p.events);
}

}  // namespace

std::string status_table(std::span<const ProbeStatus> probes, const StatusTableOptions& options) {
  std::vector<Assessed> all = assess(probes);
  std::string out = summary(all);
  const CommonReasons common(all);
  common.append_to(out);
  if (options.problems) std::erase_if(all, [](const Assessed& a) { return a.level == Level::ok; });
  if (all.empty()) return out;
  out += fmt::format("{:<8}  {:<13} {:<10} {:>7} {:>7} {:>6} {:>7}  {}\n", "PROBE", "HOST", "STATE",
                     "LAST", "PKT/S", "LOSS", "BEHIND", "LAST HOUR");
  for (const Assessed& assessed : all) {
    append_row(out, assessed, options.colour);
    std::string shared;
    for (const StatusSentence& said : assessed.said) {
      if (common.holds(said.name)) {
        if (said.name != assessed.probe->state) shared += (shared.empty() ? "" : ", ") + said.name;
      } else {
        wrap(out, said.text);
      }
    }
    if (!shared.empty()) wrap(out, shared);
  }
  return out;
}

Level worst_level(std::span<const ProbeStatus> probes) {
  if (probes.empty()) return Level::unknown;
  Level worst = Level::ok;
  for (const ProbeStatus& p : probes) worst = std::max(worst, level_of(p));
  return worst;
}

std::string status_check(std::span<const ProbeStatus> probes) {
  std::string details;
  std::string worst_text = "no probe is enrolled";
  std::string perfdata;
  std::size_t well = 0;
  const Level worst = worst_level(probes);
  bool said = false;
  const std::vector<std::string> names = labels(probes);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const ProbeStatus& p = probes[i];
    const Level level = level_of(p);
    well += level == Level::ok ? 1 : 0;
    if (is_measured(p)) append_perfdata(perfdata, p, names[i]);
    const std::vector<std::string> lines = sentences(p);
    std::string text = fmt::format("{} {}", p.hostname, p.state);
    if (level == worst && level != Level::ok && !said) {
      worst_text = lines.empty() ? text : fmt::format("{}: {}", text, lines.front());
      said = true;
    }
    if (level == Level::ok) continue;
    for (const std::string& line : lines)
      details += fmt::format("{} {}: {}\n", level_name(level), p.hostname, line);
  }
  if (worst == Level::ok) worst_text = fmt::format("{} of {} probes well", well, probes.size());
  // A bar would end the text early.
  std::replace(worst_text.begin(), worst_text.end(), '|', '/');
  std::replace(details.begin(), details.end(), '|', '/');
  const std::string head = fmt::format("RANSOMEYE {} - {} | 'probes'={};;;0 'well'={};;;0",
                                       level_name(worst), worst_text, probes.size(), well);
  if (head.size() + perfdata.size() + 1 > plugin_bytes_max) perfdata.clear();
  std::string out = head + perfdata + '\n' + details;
  if (out.size() > plugin_bytes_max) {
    constexpr std::string_view rest = "… `ransomeye-dpi status --problems` says the rest\n";
    out.resize(out.rfind('\n', plugin_bytes_max - rest.size()) + 1);
    out += rest;
  }
  return out;
}

}  // namespace dpi
