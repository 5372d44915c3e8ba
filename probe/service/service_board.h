// What the probe knows of itself, for whoever asks from outside: written by the recorder's thread
// (a heartbeat) and the control thread (liveness), read by the metrics server. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "probe/event/heartbeat.h"
#include "probe/service/metrics.h"

namespace dpi {

// A probe that does not say more for this long is not alive: its control thread stands still.
inline constexpr std::uint64_t control_silence_ms_max = 10'000;

struct Health {
  bool good = false;
  std::string text;  // what is wrong, a line each; `ok`
};

class ServiceBoard {
 public:
  // Once a heartbeat: copied into metrics, nothing of it is kept.
  void publish(const HeartbeatFacts& facts, std::uint64_t now_ms);

  struct Control {
    bool capturing = false;
    std::uint64_t now_ms = 0;
    std::vector<std::string> stuck{};  // stages (liveness.h)
  };
  // Several times a second.
  void control(Control control);

  [[nodiscard]] std::string metrics(MetricsFormat format, std::uint64_t now_ms) const;
  // Every loop is alive.
  [[nodiscard]] Health health(std::uint64_t now_ms) const;
  // Capturing, sealing, spool writable. An absent database keeps nobody from being ready.
  [[nodiscard]] Health readiness(std::uint64_t now_ms) const;
  // A line for people: what flows, and what is wrong.
  [[nodiscard]] std::string status() const;

 private:
  [[nodiscard]] Health health_locked(std::uint64_t now_ms) const;
  [[nodiscard]] Health readiness_locked(std::uint64_t now_ms) const;

  mutable std::mutex mutex_;
  Control control_;
  std::optional<std::uint64_t> heartbeat_at_ms_;
  std::uint64_t interval_ms_ = 0;
  std::string status_;
  std::vector<std::string> spool_troubles_;
  std::shared_ptr<const MetricFamilies> families_;
};

}  // namespace dpi
