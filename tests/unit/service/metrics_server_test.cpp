#include "probe/service/metrics_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace dpi {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ask(int fd, const std::string& request) {
  EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string out;
  std::array<char, 4096> bytes{};
  for (ssize_t size = 0; (size = ::recv(fd, bytes.data(), bytes.size(), 0)) > 0;)
    out.append(bytes.data(), static_cast<std::size_t>(size));
  ::close(fd);
  return out;
}

std::string ask_port(std::uint16_t port, const std::string& request) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const void* const any = &address;
  EXPECT_EQ(::connect(fd, static_cast<const sockaddr*>(any), sizeof address), 0);
  return ask(fd, request);
}

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + more + "\r\n";
}

class Served : public testing::Test {
 protected:
  Served() {
    board_.control({.capturing = true, .now_ms = ~std::uint64_t{0} / 2});
    auto socket = ListeningSocket::open("127.0.0.1:0");
    EXPECT_TRUE(socket.has_value());
    port_ = socket->port();
    auto server = serve_metrics(std::move(*socket), board_);
    EXPECT_TRUE(server.has_value());
    server_ = std::move(*server);
  }
  ServiceBoard board_;
  std::uint16_t port_ = 0;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(Served, HealthIs200OrA503ThatSaysWhatIsWrong) {
  EXPECT_THAT(ask_port(port_, get("/healthz")), StartsWith("HTTP/1.1 200"));
  board_.control({.capturing = true, .now_ms = ~std::uint64_t{0} / 2, .stuck = {"recorder"}});
  const std::string answer = ask_port(port_, get("/healthz"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("stage recorder is stuck"));
  EXPECT_THAT(ask_port(port_, get("/readyz")), StartsWith("HTTP/1.1 503"));
}

TEST_F(Served, MetricsComeInTheFormatThatIsAskedFor) {
  EXPECT_THAT(ask_port(port_, get("/metrics")), HasSubstr("text/plain; version=0.0.4"));
  const std::string open =
      ask_port(port_, get("/metrics", "Accept: application/openmetrics-text\r\n"));
  EXPECT_THAT(open, HasSubstr("application/openmetrics-text"));
  EXPECT_THAT(open, testing::EndsWith("# EOF\n"));
}

TEST_F(Served, NothingElseIsThereAndNothingCanBeChanged) {
  EXPECT_THAT(ask_port(port_, get("/")), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask_port(port_, get("/metrics/../etc/passwd")), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask_port(port_,
                       "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Content-Length: 3\r\n\r\nabc"),
              StartsWith("HTTP/1.1 405"));
}

TEST_F(Served, GarbageAndHangUpsLeaveItServing) {
  static_cast<void>(ask_port(port_, "\x16\x03\x01 nonsense\r\n\r\n"));
  static_cast<void>(ask_port(port_, get("/" + std::string(100'000, 'x'))));
  EXPECT_THAT(ask_port(port_, get("/healthz")), StartsWith("HTTP/1.1 200"));
}

TEST(ListeningSocket, AUnixSocketIsForItsGroupAndReplacesAStaleOne) {
  const std::string path = "/tmp/dpi-metrics-" + std::to_string(::getpid());
  { ASSERT_TRUE(ListeningSocket::open(path)); }
  auto socket = ListeningSocket::open(path);
  ASSERT_TRUE(socket.has_value()) << socket.error().what;
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0660U);
  const ServiceBoard board;
  const auto server = serve_metrics(std::move(*socket), board);
  ASSERT_TRUE(server.has_value());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path[0], path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const void* const any = &address;
  ASSERT_EQ(::connect(fd, static_cast<const sockaddr*>(any), sizeof address), 0);
  EXPECT_THAT(ask(fd, get("/metrics")), StartsWith("HTTP/1.1 200"));
  ::unlink(path.c_str());
}

TEST(ListeningSocket, AFileThatIsNoSocketIsLeftAlone) {
  const std::string path = "/tmp/dpi-metrics-file-" + std::to_string(::getpid());
  ::close(::creat(path.c_str(), 0600));
  EXPECT_EQ(ListeningSocket::open(path).error().code, Errc::failure);
  EXPECT_EQ(::unlink(path.c_str()), 0);
}

TEST(ListeningSocket, WhatIsNoAddressIsAUsageErrorAndWhatIsTakenIsNot) {
  for (const char* const wrong : {"", "9477", "localhost:9477", "127.0.0.1:", "127.0.0.1:65536",
                                  "[::1:9477", "127.0.0.1:94x", ":"}) {
    const auto socket = ListeningSocket::open(wrong);
    ASSERT_FALSE(socket.has_value()) << wrong;
    EXPECT_EQ(socket.error().code, Errc::usage) << wrong;
  }
  const auto first = ListeningSocket::open("127.0.0.1:0");
  ASSERT_TRUE(first.has_value());
  const auto second = ListeningSocket::open("127.0.0.1:" + std::to_string(first->port()));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::failure);
}

}  // namespace
}  // namespace dpi
