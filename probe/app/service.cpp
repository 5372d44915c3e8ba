#include "probe/app/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "probe/app/outputs.h"
#include "probe/app/service_paths.h"
#include "probe/base/clock.h"
#include "probe/service/log.h"
#include "probe/service/sandbox.h"

namespace dpi {
namespace {

using std::chrono::seconds;

constexpr seconds stage_patience{30};
// One transaction of a slow database, or a connect that nobody answers, is no reason to restart.
constexpr seconds shipper_patience{900};

std::uint64_t now_ms() noexcept {
  return boot_time_us() / 1000;
}

// CLOCK_MONOTONIC, as sd_notify(3) wants it with RELOADING.
std::uint64_t monotonic_us() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

bool among(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(const Config& config, const RunOptions& options) {
  std::unique_ptr<Service> out(new Service(config, options));  // its constructor is private
  if (config.service_metrics.empty()) return out;
  auto socket = ListeningSocket::open(config.service_metrics);
  if (socket) {
    out->socket_.emplace(std::move(*socket));
  } else if (socket.error().code == Errc::usage) {
    return tl::unexpected(socket.error());
  } else {
    log_state({.level = LogLevel::warning, .event = "no_metrics", .message = socket.error().what});
  }
  return out;
}

Result<void> Service::enter_sandbox(const std::filesystem::path& key) {
  if (options_.no_sandbox || !config_.service_sandbox) {
    log_state({.level = LogLevel::warning,
               .event = "unsandboxed",
               .message = "without a sandbox, as configured: all rights are kept"});
    return {};
  }
  auto settings = sandbox_settings(config_, options_, key);
  if (!settings) return tl::unexpected(settings.error());
  const auto report = dpi::enter_sandbox(*settings);
  if (!report) return tl::unexpected(report.error());
  unsandboxed_ = !report->missing.empty();
  for (const std::string& why : report->missing)
    log_state({.level = LogLevel::warning, .event = "unsandboxed", .message = why});
  return {};
}

LiveSide& Service::observe(LiveSide& machine, const LiveSink& chain) {
  chain_ = &chain;
  side_ = std::make_unique<ServiceSide>(machine, board_, pulses_, unsandboxed_);
  return *side_;
}

void Service::start(const std::vector<std::unique_ptr<CaptureThread>>& captures,
                    const DataPath& path) {
  for (std::size_t i = 0; i < captures.size(); ++i) {
    liveness_.watch(
        fmt::format("capture{}", i), [&capture = *captures[i]] { return capture.rounds(); },
        stage_patience);
  }
  // Workers are alive when seconds come through all of them, or when none has anything waiting:
  // packet time may stand still for long after the clock was set back.
  liveness_.watch(
      "workers",
      [this, &path] {
        if (path.waiting().work == 0) ++work_drained_;
        return work_drained_ + pulses_.ticks.load(std::memory_order_relaxed);
      },
      stage_patience);
  liveness_.watch(
      "recorder", [this] { return pulses_.recorder.load(std::memory_order_relaxed); },
      stage_patience);
  if (chain_->ships()) {
    liveness_.watch(
        "shipper", [this] { return chain_->shipping_rounds(); }, shipper_patience);
  }
  serve();
  beat();
  notifier_.ready(board_.status());
}

void Service::serve() {
  if (!socket_) return;
  const std::uint16_t port = socket_->port();
  auto server = serve_metrics(std::move(*socket_), board_);
  socket_.reset();
  if (!server) {
    log_state({.level = LogLevel::warning, .event = "no_metrics", .message = server.error().what});
    return;
  }
  server_ = std::move(*server);
  log_state({.event = "metrics",
             .message = port == 0 ? fmt::format("metrics on {}", config_.service_metrics)
                                  : fmt::format("metrics on port {}", port),
             .fields = {{"address", config_.service_metrics}, {"port", std::to_string(port)}}});
}

void Service::say_stages(const std::vector<std::string>& stuck) {
  for (const std::string& stage : stuck) {
    if (among(stuck_, stage)) continue;
    log_state({.level = LogLevel::error,
               .event = "stage_stuck",
               .message = fmt::format("stage {} makes no progress", stage),
               .fields = {{"stage", stage}}});
  }
  for (const std::string& stage : stuck_) {
    if (among(stuck, stage)) continue;
    log_state({.level = LogLevel::notice,
               .event = "stage_moves",
               .message = fmt::format("stage {} makes progress again", stage),
               .fields = {{"stage", stage}}});
  }
}

void Service::beat() {
  const std::uint64_t now = now_ms();
  std::vector<std::string> stuck = liveness_.check(now);
  board_.control({.capturing = true, .now_ms = now, .stuck = stuck});
  say_stages(stuck);
  stuck_ = std::move(stuck);
  notifier_.status(board_.status());
  const auto timeout = notifier_.watchdog_timeout();
  if (!timeout || !stuck_.empty() || now < watchdog_at_ms_) return;
  // sd_watchdog_enabled(3) advises half of it; a quarter leaves room for a slow machine.
  watchdog_at_ms_ = now + static_cast<std::uint64_t>(timeout->count()) / 4000;
  notifier_.watchdog();
}

void Service::reloading() {
  notifier_.reloading(monotonic_us());
}

void Service::reloaded() {
  notifier_.ready(board_.status());
}

void Service::stopping(std::string_view reason) {
  log_state({.level = LogLevel::notice,
             .event = "stopping",
             .message = fmt::format("stopping: {}", reason),
             .fields = {{"reason", std::string{reason}}}});
  board_.control({.capturing = false, .now_ms = now_ms()});
  notifier_.stopping(fmt::format("stopping: {}", reason));
}

}  // namespace dpi
