// What makes `run` a service: the sandbox, the service manager's protocol, metrics and health. All
// calls from the control thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "probe/app/capture_thread.h"
#include "probe/app/config.h"
#include "probe/app/run.h"
#include "probe/app/service_side.h"
#include "probe/service/liveness.h"
#include "probe/service/metrics_server.h"
#include "probe/service/notify.h"
#include "probe/store/live_sink.h"

namespace dpi {

class Service {
 public:
  // Binds the metrics' address, while that is still allowed; an address that is taken is said and
  // done without. Errc::usage: it is none. `config` and `options` outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Service>> open(const Config& config,
                                                             const RunOptions& options);

  // For good; sources are open, no thread of ours runs yet. Makes the spool's folder when it is
  // missing. Nobody can read the key's file afterwards.
  [[nodiscard]] Result<void> enter_sandbox(const std::filesystem::path& key);
  // What the journal takes instead of the machine; both arguments outlive the journal.
  [[nodiscard]] LiveSide& observe(LiveSide& machine, const LiveSink& chain);

  // Everything runs: serves metrics, tells the manager.
  void start(const std::vector<std::unique_ptr<CaptureThread>>& captures, const DataPath& path);
  // Every few hundred milliseconds.
  void beat();
  void reloading();
  void reloaded();
  void stopping(std::string_view reason);

 private:
  Service(const Config& config, const RunOptions& options)
      : config_(config), options_(options), notifier_(Notifier::from_environment()) {}
  void serve();
  void say_stages(const std::vector<std::string>& stuck);

  const Config& config_;
  const RunOptions& options_;
  Notifier notifier_;
  bool unsandboxed_ = true;
  Pulses pulses_;
  std::uint64_t work_drained_ = 0;
  ServiceBoard board_;
  std::unique_ptr<ServiceSide> side_;
  const LiveSink* chain_ = nullptr;
  Liveness liveness_;
  std::vector<std::string> stuck_;
  std::uint64_t watchdog_at_ms_ = 0;
  std::optional<ListeningSocket> socket_;
  std::unique_ptr<MetricsServer> server_;  // last: its thread reads the board
};

}  // namespace dpi
