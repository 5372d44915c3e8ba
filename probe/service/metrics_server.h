// GET /metrics, /healthz and /readyz over HTTP/1.1, on a thread of its own; nothing else is
// answered. No secrets are told, and nobody is asked who they are: it belongs on loopback or a Unix
// socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "probe/base/result.h"
#include "probe/service/service_board.h"

namespace dpi {

// A socket that listens; owned.
// ADDRESS:PORT, [IPv6]:PORT or the absolute path of a Unix socket.
[[nodiscard]] bool is_metrics_address(const std::string& text);

class ListeningSocket {
 public:
  // `ADDRESS:PORT` (IPv4, or IPv6 in brackets; port 0: any), or the absolute path of a Unix socket,
  // which is made anew with mode 0660. Errc::usage: it is none of these; Errc::failure: it is
  // taken.
  [[nodiscard]] static Result<ListeningSocket> open(const std::string& address);
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int release() noexcept;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }  // 0: a Unix socket

 private:
  ListeningSocket(int fd, std::uint16_t port) noexcept : fd_(fd), port_(port) {}
  int fd_;
  std::uint16_t port_;
};

class MetricsServer {
 public:
  virtual ~MetricsServer() = default;  // ends the thread
};

// `board` outlives the server.
[[nodiscard]] Result<std::unique_ptr<MetricsServer>> serve_metrics(ListeningSocket socket,
                                                                   const ServiceBoard& board);

}  // namespace dpi
