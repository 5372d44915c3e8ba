#include "probe/service/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace dpi {
namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::string one_line(std::string_view text) {
  std::string out{text};
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

}  // namespace

Notifier::Notifier(std::string_view path) : path_(path) {
  const bool known = !path.empty() && (path[0] == '/' || path[0] == '@');
  if (!known || path.size() >= sizeof(sockaddr_un::sun_path)) return;
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

Notifier Notifier::from_environment() {
  Notifier out(variable("NOTIFY_SOCKET"));
  const auto usec = number(variable("WATCHDOG_USEC"));
  const auto pid = number(variable("WATCHDOG_PID"));
  const bool ours = !pid || *pid == static_cast<std::uint64_t>(::getpid());
  if (usec && *usec > 0 && ours)
    out.watchdog_ = std::chrono::microseconds{static_cast<std::int64_t>(*usec)};
  return out;
}

Notifier::Notifier(Notifier&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      status_(std::move(other.status_)),
      watchdog_(other.watchdog_) {}

Notifier::~Notifier() {
  if (fd_ >= 0) ::close(fd_);
}

void Notifier::send(const std::string& message) const {
  if (fd_ < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path[0], path_.data(), path_.size());
  if (path_[0] == '@') address.sun_path[0] = '\0';            // an abstract name (unix(7))
  iovec bytes{.iov_base = const_cast<char*>(message.data()),  // NOLINT(*-const-cast)
              .iov_len = message.size()};
  msghdr header{};
  header.msg_name = &address;
  header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  // A manager that does not listen is none of the probe's troubles.
  [[maybe_unused]] const auto sent = ::sendmsg(fd_, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Notifier::ready(std::string_view status) {
  status_ = one_line(status);
  send(fmt::format("READY=1\nSTATUS={}", status_));
}

void Notifier::status(std::string_view status) {
  std::string line = one_line(status);
  if (line == status_) return;
  status_ = std::move(line);
  send(fmt::format("STATUS={}", status_));
}

void Notifier::watchdog() {
  send("WATCHDOG=1");
}

void Notifier::reloading(std::uint64_t monotonic_us) {
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us));
}

void Notifier::stopping(std::string_view status) {
  status_ = one_line(status);
  send(fmt::format("STOPPING=1\nSTATUS={}", status_));
}

}  // namespace dpi
