#include "probe/app/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "probe/app/human.h"

namespace dpi {
namespace {

constexpr std::size_t columns_max = 80;

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

void append_perfdata(std::string& out, const ProbeStatus& p) {
  std::string label = p.hostname == "-" ? p.instance.substr(0, 8) : p.hostname;
  // What ends a label or the text in the plug-in form; pct-text may hold it.
  for (char& c : label) c = c == '\'' || c == '=' || c == '|' ? '_' : c;
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

std::string status_table(std::span<const ProbeStatus> probes, bool colour) {
  std::string out = fmt::format("{:<8}  {:<13} {:<10} {:>7} {:>7} {:>6} {:>7}  {}\n", "PROBE",
                                "HOST", "STATE", "LAST", "PKT/S", "LOSS", "BEHIND", "LAST HOUR");
  for (const ProbeStatus& p : probes) {
    const std::string state = coloured(fmt::format("{:<10}", p.state), level_of(p), colour);
    std::string line = fmt::format(
        "{:<8}  {:<13} {} {:>7} {:>7} {:>6} {:>7}  {}", p.instance.substr(0, 8),
        p.hostname.substr(0, 13), state, or_dash(p.silent_seconds, human_age),
        or_dash(p.packets_per_second, human_count), or_dash(p.loss_percent, human_percent),
        or_dash(p.backlog_seconds, human_age), sparkline(p.last_hour));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    for (const std::string& text : sentences(p)) wrap(out, text);
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
  for (const ProbeStatus& p : probes) {
    const Level level = level_of(p);
    well += level == Level::ok ? 1 : 0;
    append_perfdata(perfdata, p);
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
  return fmt::format("RANSOMEYE {} - {} | 'probes'={};;;0 'well'={};;;0{}\n{}", level_name(worst),
                     worst_text, probes.size(), well, perfdata, details);
}

}  // namespace dpi
