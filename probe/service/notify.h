// The protocol of sd_notify(3): what the service manager is told, as datagrams on NOTIFY_SOCKET.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dpi {

class Notifier {
 public:
  // `path` as NOTIFY_SOCKET has it: absolute, or `@` and an abstract name. Empty, or a socket that
  // cannot be made: nobody is told, and every call does nothing.
  explicit Notifier(std::string_view path);
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  [[nodiscard]] static Notifier from_environment();
  Notifier(Notifier&& other) noexcept;
  Notifier& operator=(Notifier&&) = delete;
  ~Notifier();

  [[nodiscard]] bool active() const noexcept { return fd_ >= 0; }
  // How long the manager waits for watchdog() before it kills; none: it does not watch.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_timeout() const noexcept {
    return watchdog_;
  }

  void ready(std::string_view status);
  void status(std::string_view status);  // one line; said once when it does not change
  void watchdog();
  void reloading(std::uint64_t monotonic_us);  // then ready()
  void stopping(std::string_view status);

 private:
  void send(const std::string& message) const;

  int fd_ = -1;
  std::string path_;
  std::string status_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace dpi
