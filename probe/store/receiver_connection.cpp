#include "probe/store/receiver_connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "probe/store/attempt.h"

namespace dpi {
namespace {

using std::chrono::milliseconds;

// Short enough that an end which another thread sets meanwhile is seen.
constexpr milliseconds slice{50};
constexpr std::size_t plain_bytes = 64U << 10U;  // that TLS is given at once
constexpr int reads_max = 16;                    // of a receiver that does not stop to speak
constexpr int datagram_buffer_bytes = 1 << 20;   // an event is one datagram
constexpr unsigned gone_after_ms = 30'000;       // of a host that acknowledges nothing

struct Address {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  int family = 0;
};

struct Addresses {
  std::vector<Address> found;
  std::string why;  // there are none
};

Addresses resolve(const HostAndPort& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  Addresses out;
  if (const int code = ::getaddrinfo(host.host.c_str(), host.port.c_str(), &wanted, &list);
      code != 0) {
    out.why = ::gai_strerror(code);
    return out;
  }
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    Address address{.storage = {}, .bytes = a->ai_addrlen, .family = a->ai_family};
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    out.found.push_back(address);
  }
  ::freeaddrinfo(list);
  return out;
}

void set(int socket, int level, int name, int value) {
  // What a kernel does not know it goes without.
  (void)::setsockopt(socket, level, name, &value, sizeof(value));
}

int pending_error(int socket) {
  int error = 0;
  socklen_t bytes = sizeof(error);
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

const sockaddr* as_address(const void* storage) {
  return static_cast<const sockaddr*>(storage);
}

}  // namespace

tl::unexpected<Error> ReceiverConnection::failed(std::string_view what) const {
  return fail(Errc::sink, fmt::format("{}: {}", receiver_.text(), what));
}

Result<std::unique_ptr<ReceiverConnection>> ReceiverConnection::open(
    const Receiver& receiver, const Patience& patience, const ConnectionLimits& limits) {
  std::unique_ptr<ReceiverConnection> out(new ReceiverConnection(receiver, patience, limits));
  if (auto connected = out->connect(); !connected) return tl::unexpected(connected.error());
  return out;
}

Result<void> ReceiverConnection::connect() {
  if (receiver_.transport == Transport::datagram) return connect_datagrams();
  const Deadline deadline = patience_.until(limits_.connect);
  if (auto connected = connect_stream(deadline); !connected) return connected;
  return receiver_.transport == Transport::tls ? shake_hands(deadline) : Result<void>{};
}

// Every address of the name, one after another, until one takes the connection.
Result<void> ReceiverConnection::connect_stream(Deadline deadline) {
  const HostAndPort host = receiver_.hosts.front();
  const auto addresses = attempt_within<Addresses>(
      [host](const AttemptLeft&) { return resolve(host); }, patience_, deadline);
  if (!addresses) return failed(addresses.error().what);
  std::string why = addresses->why;
  for (const Address& address : addresses->found) {
    socket_ = FileDescriptor(
        ::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    if (!socket_) return failed(std::strerror(errno));
    if (::connect(socket_.get(), as_address(&address.storage), address.bytes) != 0) {
      if (errno != EINPROGRESS) {
        why = std::strerror(errno);
        continue;
      }
      if (!wait(POLLOUT, deadline)) return failed("does not take the connection in time");
      if (const int error = pending_error(socket_.get()); error != 0) {
        why = std::strerror(error);
        continue;
      }
    }
    set(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    set(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, gone_after_ms);
    return {};
  }
  return failed(why + "; check that the receiver runs, and that this host may reach it");
}

Result<void> ReceiverConnection::connect_datagrams() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (receiver_.name.size() >= sizeof(address.sun_path)) {
    return fail(Errc::usage, fmt::format("{}: the path of a socket has at most {} bytes",
                                         receiver_.name, sizeof(address.sun_path) - 1));
  }
  receiver_.name.copy(address.sun_path, sizeof(address.sun_path) - 1);
  socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return failed(std::strerror(errno));
  set(socket_.get(), SOL_SOCKET, SO_SNDBUF, datagram_buffer_bytes);
  if (::connect(socket_.get(), as_address(&address), sizeof(address)) != 0)
    return failed(fmt::format("{}; check that a syslog daemon runs here", std::strerror(errno)));
  return {};
}

Result<void> ReceiverConnection::shake_hands(Deadline deadline) {
  TlsSettings settings = receiver_.tls;
  settings.host = receiver_.hosts.front().host;
  auto tls = TlsClient::make(settings);
  if (!tls) return tl::unexpected(tls.error());
  tls_.emplace(std::move(*tls));
  for (;;) {
    wire_.clear();
    tls_->take(wire_);
    if (auto sent = send_wire(wire_); !sent) return sent;
    if (tls_->ready()) return {};
    if (!wait(POLLIN, deadline)) return failed("does not finish the TLS handshake in time");
    bool ended = false;
    if (auto heard = take_in(ended); !heard) {
      // The alert that says why goes out before the end.
      wire_.clear();
      tls_->take(wire_);
      (void)send_wire(wire_);
      return heard;
    }
    if (ended) return failed("closed the connection during the TLS handshake");
  }
}

bool ReceiverConnection::wait(short events, Deadline deadline) const {
  while (!patience_.over(deadline)) {
    pollfd waiting{.fd = socket_.get(), .events = events, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(slice.count())) > 0) return true;
  }
  return false;
}

Result<void> ReceiverConnection::send(std::string_view bytes) {
  if (!tls_) return send_wire(bytes);
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, plain_bytes);
    if (auto put = tls_->put(part); !put) return failed(put.error().what);
    wire_.clear();
    tls_->take(wire_);
    if (auto sent = send_wire(wire_); !sent) return sent;
    bytes.remove_prefix(part.size());
  }
  return {};
}

Result<void> ReceiverConnection::send_wire(std::string_view wire) {
  while (!wire.empty()) {
    const ssize_t took =
        ::send(socket_.get(), wire.data(), wire.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (took > 0) {
      sent_ += static_cast<std::uint64_t>(took);
      wire.remove_prefix(static_cast<std::size_t>(took));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != ENOBUFS) return failed(std::strerror(errno));
    if (!wait(POLLOUT, patience_.until(limits_.stall)))
      return failed(fmt::format("has taken nothing for {} s", limits_.stall.count() / 1000));
  }
  return {};
}

// `ended`: the receiver sends no more.
Result<void> ReceiverConnection::take_in(bool& ended) {
  std::array<char, 16U << 10U> said{};
  for (int reads = 0; reads < reads_max; ++reads) {
    const ssize_t got = ::recv(socket_.get(), said.data(), said.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {};
    if (got < 0) return failed(std::strerror(errno));
    if (got == 0) {
      ended = true;
      return {};
    }
    if (!tls_) continue;
    if (auto taken = tls_->received({said.data(), static_cast<std::size_t>(got)}); !taken)
      return failed(taken.error().what);
    if (tls_->closed()) {
      ended = true;
      return {};
    }
  }
  return {};
}

Result<void> ReceiverConnection::hear() {
  if (receiver_.transport == Transport::datagram) return {};
  bool ended = false;
  if (auto heard = take_in(ended); !heard) return heard;
  if (ended) return failed("closed the connection");
  if (!tls_) return {};
  wire_.clear();
  tls_->take(wire_);  // an answer to an update of keys (RFC 8446, 4.6.3)
  return send_wire(wire_);
}

// What stands in the send queue until the other side's TCP has acknowledged it (tcp(7), SIOCOUTQ).
std::uint64_t ReceiverConnection::arrived_bytes() const noexcept {
  if (receiver_.transport == Transport::datagram) return sent_;
  int queued = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &queued) != 0 || queued < 0) return 0;  // NOLINT(*-vararg)
  return sent_ - std::min<std::uint64_t>(sent_, static_cast<std::uint64_t>(queued));
}

Result<bool> ReceiverConnection::end() {
  if (receiver_.transport == Transport::datagram) return true;
  if (tls_) {
    tls_->end();  // close_notify (RFC 8446, 6.1; RFC 5425, 4.4)
    wire_.clear();
    tls_->take(wire_);
    if (auto sent = send_wire(wire_); !sent) return tl::unexpected(sent.error());
  }
  if (::shutdown(socket_.get(), SHUT_WR) != 0) return failed(std::strerror(errno));
  const Deadline deadline = patience_.until(limits_.stall);
  std::optional<Deadline> arrived;
  for (;;) {
    bool ended = false;
    if (auto heard = take_in(ended); !heard) return tl::unexpected(heard.error());
    if (ended) return arrived_bytes() == sent_;
    if (!arrived && arrived_bytes() == sent_) arrived = patience_.until(limits_.end);
    if (patience_.over(arrived.value_or(deadline))) return false;
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, static_cast<int>(slice.count()));
  }
}

}  // namespace dpi
