#include "probe/service/metrics_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <utility>

#include "probe/base/clock.h"

namespace dpi {
namespace {

constexpr int backlog = 16;
constexpr unsigned connections_max = 16;
constexpr unsigned idle_timeout_s = 10;

struct Address {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

std::optional<Address> parse_unix(const std::string& text) {
  Address out;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (text.size() >= sizeof(name.sun_path)) return std::nullopt;
  std::memcpy(&name.sun_path[0], text.data(), text.size());
  std::memcpy(&out.storage, &name, sizeof(name));
  out.bytes = sizeof(name);
  return out;
}

std::optional<Address> parse_tcp(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc{} || at != end) return std::nullopt;
  std::string host = text.substr(0, colon);
  Address out;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    host = host.substr(1, host.size() - 2);
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
    std::memcpy(&out.storage, &v6, sizeof(v6));
    out.bytes = sizeof(v6);
    return out;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) return std::nullopt;
  std::memcpy(&out.storage, &v4, sizeof(v4));
  out.bytes = sizeof(v4);
  return out;
}

std::optional<Address> parse_address(const std::string& text) {
  return text.starts_with('/') ? parse_unix(text) : parse_tcp(text);
}

// sockaddr is what the socket calls take for every family.
const sockaddr* generic(const Address& address) noexcept {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address.storage));
}
sockaddr* generic(Address& address) noexcept {
  return static_cast<sockaddr*>(static_cast<void*>(&address.storage));
}

std::uint16_t bound_port(int fd) noexcept {
  Address own;
  own.bytes = sizeof(own.storage);
  if (::getsockname(fd, generic(own), &own.bytes) != 0) return 0;
  sockaddr_in name{};  // sockaddr_in6 has its port at the same place
  std::memcpy(&name, &own.storage, sizeof(name));
  return ntohs(name.sin_port);
}

// Only a socket is in the way; anything else there is somebody's file.
void remove_old_socket(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) ::unlink(path.c_str());
}

struct Answer {
  unsigned status = MHD_HTTP_OK;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

class Server final : public MetricsServer {
 public:
  explicit Server(const ServiceBoard& board) : board_(board) {}
  ~Server() override {
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
  }

  // Takes the socket when it succeeds.
  bool start(int fd) {
    daemon_ = MHD_start_daemon(  // NOLINT(*-vararg)
        MHD_USE_POLL_INTERNAL_THREAD, 0, nullptr, nullptr, &Server::handle, this,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_timeout_s, MHD_OPTION_END);
    return daemon_ != nullptr;
  }

 private:
  Answer answer(std::string_view path, std::string_view accept) const {
    const auto now_ms = static_cast<std::uint64_t>(boot_time().count() / 1'000'000);
    Answer out;
    if (path == "/metrics") {
      const MetricsFormat format = metrics_format(accept);
      out.type = metrics_content_type(format);
      out.body = board_.metrics(format, now_ms);
      return out;
    }
    if (path != "/healthz" && path != "/readyz") {
      out.status = MHD_HTTP_NOT_FOUND;
      out.body = "not found: /metrics, /healthz and /readyz are here\n";
      return out;
    }
    const Health health = path == "/healthz" ? board_.health(now_ms) : board_.readiness(now_ms);
    if (!health.good) out.status = MHD_HTTP_SERVICE_UNAVAILABLE;
    out.body = health.text;
    return out;
  }

  static Answer refusal() {
    Answer out;
    out.status = MHD_HTTP_METHOD_NOT_ALLOWED;
    out.body = "only GET and HEAD: nothing can be changed here\n";
    return out;
  }

  static MHD_Result queue(MHD_Connection* connection, const Answer& answer) {
    std::string body = answer.body;
    MHD_Response* const response =
        MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type.c_str());
    const MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
  }

  // MHD_AccessHandlerCallback: once for the head, then for each part of a body.
  static MHD_Result handle(void* self, MHD_Connection* connection, const char* url,
                           const char* method, const char* /*version*/, const char* /*upload*/,
                           std::size_t* /*upload_bytes*/, void** state) {
    static char head_seen;
    const std::string_view verb = method;
    const bool reads = verb == MHD_HTTP_METHOD_GET || verb == MHD_HTTP_METHOD_HEAD;
    if (reads && *state == nullptr) {
      *state = &head_seen;
      return MHD_YES;
    }
    try {
      // At the head: a body is not waited for.
      if (!reads) return queue(connection, refusal());
      const char* const accept =
          MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
      return queue(connection, static_cast<Server*>(self)->answer(url, accept ? accept : ""));
    } catch (const std::exception&) {
      return MHD_NO;  // no memory: this connection only
    }
  }

  const ServiceBoard& board_;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace

bool is_metrics_address(const std::string& text) {
  return parse_address(text).has_value();
}

Result<ListeningSocket> ListeningSocket::open(const std::string& address) {
  const bool local = address.starts_with('/');
  const auto parsed = parse_address(address);
  if (!parsed) {
    return fail(Errc::usage,
                fmt::format("service.metrics {}: must be ADDRESS:PORT, [IPv6]:PORT or the absolute "
                            "path of a Unix socket",
                            address));
  }
  ListeningSocket out(::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
  const auto failed = [&] {
    return fail(Errc::failure, fmt::format("service.metrics {}: {}; is another probe there?",
                                           address, std::strerror(errno)));
  };
  if (out.fd_ < 0) return failed();
  const int yes = 1;
  if (local) {
    remove_old_socket(address);
  } else if (::setsockopt(out.fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0) {
    return failed();
  }
  if (::bind(out.fd_, generic(*parsed), parsed->bytes) != 0) return failed();
  if (local && ::chmod(address.c_str(), 0660) != 0) return failed();
  if (::listen(out.fd_, backlog) != 0) return failed();
  if (!local) out.port_ = bound_port(out.fd_);
  return out;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(other.release()), port_(other.port_) {}

ListeningSocket::~ListeningSocket() {
  if (fd_ >= 0) ::close(fd_);
}

int ListeningSocket::release() noexcept {
  return std::exchange(fd_, -1);
}

Result<std::unique_ptr<MetricsServer>> serve_metrics(ListeningSocket socket,
                                                     const ServiceBoard& board) {
  auto server = std::make_unique<Server>(board);
  const int fd = socket.release();
  if (!server->start(fd)) {
    ::close(fd);
    return fail(Errc::failure, "the metrics server does not start; too many threads?");
  }
  return server;
}

}  // namespace dpi
