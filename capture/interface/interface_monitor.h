// Follows one interface through its life: down, up, renamed, removed, back. For one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/interface/link_message.h"
#include "capture/interface/link_watcher.h"
#include "probe/base/result.h"

namespace dpi {

class InterfaceMonitor {
 public:
  // name: as the user named it. block_timeout: how long the last packets of a removed interface may
  // stay in the ring.
  [[nodiscard]] static Result<InterfaceMonitor> open(std::string name,
                                                     std::chrono::milliseconds block_timeout);

  // From now on it is this one; counters begin here.
  void follow(LinkState link);
  // Takes in what has happened; never waits.
  void update();
  void observe(const LinkState& state);

  // What to tell the user, since the last call.
  [[nodiscard]] std::vector<std::string> take_news();
  // The interface to open when the followed one was removed and one of its names is up again. Asks
  // at most every second; refused() says why it could not be opened.
  [[nodiscard]] std::optional<LinkState> returned();
  void refused(const std::string& why);
  // After a removal: nothing more comes from the old ring.
  [[nodiscard]] bool old_ring_done() const;
  // How long to wait before update() is due again, whatever fd() says.
  [[nodiscard]] std::chrono::milliseconds wait_max() const;

  [[nodiscard]] int fd() const noexcept { return watcher_.fd(); }
  [[nodiscard]] const LinkState& link() const noexcept { return link_; }
  [[nodiscard]] std::uint64_t transitions() const noexcept { return transitions_; }
  // Since the first follow(), over every interface followed; at most 200 ms old.
  [[nodiscard]] LinkCounters counters() const;

 private:
  using Steady = std::chrono::steady_clock;

  InterfaceMonitor(std::string name, std::chrono::milliseconds block_timeout, LinkWatcher watcher)
      : name_(std::move(name)), block_timeout_(block_timeout), watcher_(std::move(watcher)) {}
  void report(std::string what);
  void removed();
  [[nodiscard]] bool is_ours(const std::string& name) const {
    return name == name_ || name == link_.name;
  }

  std::string name_;
  std::chrono::milliseconds block_timeout_;
  LinkWatcher watcher_;
  LinkState link_;
  bool gone_ = false;
  Steady::time_point gone_since_;
  Steady::time_point next_attempt_;
  std::string refusal_;
  std::vector<std::string> news_;
  std::uint64_t transitions_ = 0;
  mutable LinkCounters last_;
  mutable LinkCounters total_;
  mutable Steady::time_point counted_at_;
};

}  // namespace dpi
