#include "probe/service/service_board.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/service/heartbeat_metrics.h"

namespace dpi {
namespace {

// A heartbeat is due every interval; two may be late before sealing is called stuck.
constexpr std::uint64_t heartbeats_late_max = 3;
constexpr std::uint64_t heartbeat_grace_ms = 5000;

std::string status_line(const HeartbeatFacts& f) {
  std::string out = fmt::format("{} packets, {} flows now, {} events sealed", f.packets_offered,
                                f.flows_active, f.events_sealed);
  if (f.database) out += f.database->connected ? ", database connected" : ", database away";
  for (std::size_t i = 0; i < f.reasons.size(); ++i)
    out += fmt::format("{}{}", i == 0 ? "; degraded: " : ", ", f.reasons[i]);
  return out;
}

Health health_of(const std::vector<std::string>& wrong) {
  if (wrong.empty()) return {.good = true, .text = "ok\n"};
  Health out;
  for (const std::string& line : wrong) out.text += line + "\n";
  return out;
}

}  // namespace

void ServiceBoard::publish(const HeartbeatFacts& facts, std::uint64_t now_ms) {
  auto families = std::make_shared<const MetricFamilies>(heartbeat_metrics(facts));
  std::string line = status_line(facts);
  std::vector<std::string> troubles;
  for (const std::string_view reason : facts.reasons) {
    if (reason == "disk_error" || reason == "spool_full")
      troubles.push_back(fmt::format("the spool takes nothing: {}", reason));
  }
  const std::scoped_lock lock(mutex_);
  if (heartbeat_at_ms_) interval_ms_ = std::max(interval_ms_, now_ms - *heartbeat_at_ms_);
  if (facts.interval_ms > 0) interval_ms_ = facts.interval_ms;
  heartbeat_at_ms_ = now_ms;
  families_ = std::move(families);
  status_ = std::move(line);
  spool_troubles_ = std::move(troubles);
}

void ServiceBoard::control(Control control) {
  const std::scoped_lock lock(mutex_);
  control_ = std::move(control);
}

Health ServiceBoard::health_locked(std::uint64_t now_ms) const {
  std::vector<std::string> wrong;
  if (now_ms > control_.now_ms + control_silence_ms_max)
    wrong.emplace_back("stage control is stuck");
  for (const std::string& stage : control_.stuck)
    wrong.push_back(fmt::format("stage {} is stuck", stage));
  return health_of(wrong);
}

Health ServiceBoard::readiness_locked(std::uint64_t now_ms) const {
  std::vector<std::string> wrong;
  if (!control_.capturing) wrong.emplace_back("not capturing");
  if (!heartbeat_at_ms_) {
    wrong.emplace_back("no heartbeat yet");
  } else if (interval_ms_ > 0 &&
             now_ms > *heartbeat_at_ms_ + heartbeats_late_max * interval_ms_ + heartbeat_grace_ms) {
    wrong.emplace_back("nothing is sealed: heartbeats are overdue");
  }
  wrong.insert(wrong.end(), spool_troubles_.begin(), spool_troubles_.end());
  return health_of(wrong);
}

Health ServiceBoard::health(std::uint64_t now_ms) const {
  const std::scoped_lock lock(mutex_);
  return health_locked(now_ms);
}

Health ServiceBoard::readiness(std::uint64_t now_ms) const {
  const std::scoped_lock lock(mutex_);
  return readiness_locked(now_ms);
}

std::string ServiceBoard::status() const {
  const std::scoped_lock lock(mutex_);
  return status_;
}

std::string ServiceBoard::metrics(MetricsFormat format, std::uint64_t now_ms) const {
  std::shared_ptr<const MetricFamilies> families;
  ServiceMetrics own;
  {
    const std::scoped_lock lock(mutex_);
    families = families_;
    own.alive = health_locked(now_ms).good;
    own.ready = readiness_locked(now_ms).good;
    own.stuck = control_.stuck;
    if (heartbeat_at_ms_)
      own.heartbeat_age_s = static_cast<double>(now_ms - *heartbeat_at_ms_) / 1000;
  }
  std::string out;
  append_metrics(out, service_metrics(own), format);
  if (families) append_metrics(out, *families, format);
  append_metrics_end(out, format);
  return out;
}

}  // namespace dpi
