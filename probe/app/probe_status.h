// What the database says of each probe (re_view.probe_status, re_view.probe_rate), and how bad it
// is. Levels are those of monitoring plug-ins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/store/postgres.h"

namespace dpi {

enum class Level : std::uint8_t { ok, warning, critical, unknown };

struct ProbeReason {
  std::string name;
  std::string figure;  // decimal text, empty: none
};

struct ProbeStatus {
  std::string instance;
  std::string hostname;  // "-" when nothing was ever heard
  std::string state;
  std::vector<ProbeReason> reasons;
  std::optional<double> silent_seconds;
  std::optional<double> backlog_seconds;
  std::optional<double> backlog_eta_seconds;
  std::optional<double> packets_per_second;
  std::optional<double> loss_percent;
  std::optional<double> spool_percent;
  std::optional<double> canary_lag_us;  // the slower one
  std::uint64_t events = 0;
  // Packets of each of the last twelve five-minute spans, oldest first; none where no heartbeat was
  std::vector<std::optional<double>> last_hour;
};

// All probes, or those whose instance or host begins with prefix.
[[nodiscard]] Result<std::vector<ProbeStatus>> read_probe_status(Postgres& database,
                                                                 std::string_view prefix);

// Of the state and of the reasons, the worse.
[[nodiscard]] Level level_of(const ProbeStatus& probe);
[[nodiscard]] std::string_view level_name(Level level);

// What is so, and what to do.
struct StatusSentence {
  std::string name;  // of the state or reason
  double figure = 0;
  std::string text;
};

// The state's first, then one a reason, those that are critical before the others.
[[nodiscard]] std::vector<StatusSentence> named_sentences(const ProbeStatus& probe);
// Only their texts.
[[nodiscard]] std::vector<std::string> sentences(const ProbeStatus& probe);

}  // namespace dpi
