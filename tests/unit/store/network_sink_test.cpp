// Outputs over the network, against receivers of this process on the loopback interface.
#include "probe/store/network_sink.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace dpi {
namespace {

using namespace std::chrono_literals;
using Clock = Patience::Clock;

// Each event is its payload and a line's end.
class Lines final : public MessageFormat {
 public:
  Result<void> append(std::string& out, std::uint64_t /*seq*/, std::string_view /*envelope*/,
                      std::string_view payload) override {
    out += payload;
    if (!payload.empty()) out += '\n';
    return {};
  }
};

class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address);
    void* const at = &address;
    const int small = 4096;
    EXPECT_EQ(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    EXPECT_EQ(::bind(socket_.get(), static_cast<sockaddr*>(at), bytes), 0);
    EXPECT_EQ(::listen(socket_.get(), 4), 0);
    EXPECT_EQ(::getsockname(socket_.get(), static_cast<sockaddr*>(at), &bytes), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] Receiver receiver() const {
    Receiver out;
    out.hosts.push_back({.host = "127.0.0.1", .port = std::to_string(port_)});
    return out;
  }
  [[nodiscard]] FileDescriptor accept() const {
    return FileDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  void close() { socket_ = FileDescriptor(); }

 private:
  FileDescriptor socket_;
  std::uint16_t port_ = 0;
};

std::string read_some(int socket) {
  std::array<char, 4096> bytes{};
  const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
  return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

std::string read_all(int socket) {
  std::string out;
  for (std::string some = read_some(socket); !some.empty(); some = read_some(socket)) out += some;
  return out;
}

class NetworkSinkTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<FollowedSink> open(const Receiver& receiver) const {
    auto out = open_network_sink(receiver, std::make_unique<Lines>(), patience_,
                                 {.connect = 1s, .stall = 400ms, .end = 200ms});
    EXPECT_TRUE(out->resume({.next_seq = 5, .files = {}}, AppendFile::Rest::there));
    return out;
  }

  Listener listener_;
  Patience patience_;
};

TEST_F(NetworkSinkTest, CountsAnEventAsSafeOnlyWhenTheConnectionHasOutlivedIt) {
  auto sink = open(listener_.receiver());
  ASSERT_TRUE(sink->event(5, "", "five"));
  ASSERT_TRUE(sink->flush());
  const FileDescriptor peer = listener_.accept();
  EXPECT_EQ(read_some(peer.get()), "five\n");
  EXPECT_EQ(sink->sync(6)->next_seq, 5U);
  std::this_thread::sleep_for(2200ms);
  EXPECT_EQ(sink->sync(6)->next_seq, 6U);
}

TEST_F(NetworkSinkTest, CountsEverythingAsSafeWhenTheReceiverClosesBehindIt) {
  auto sink = open(listener_.receiver());
  ASSERT_TRUE(sink->event(5, "", "five"));
  ASSERT_TRUE(sink->flush());
  std::string read;
  std::thread reads([&] { read = read_all(listener_.accept().get()); });
  ASSERT_TRUE(sink->event(6, "", "six"));
  ASSERT_TRUE(sink->settle());
  reads.join();
  EXPECT_EQ(read, "five\nsix\n");
  EXPECT_EQ(sink->sync(7)->next_seq, 7U);
  EXPECT_TRUE(sink->finish());
}

TEST_F(NetworkSinkTest, DoesNotCountWhatAReceiverHasNotReadWhenItGoes) {
  auto sink = open(listener_.receiver());
  ASSERT_TRUE(sink->event(5, "", "five"));
  ASSERT_TRUE(sink->flush());
  { const FileDescriptor peer = listener_.accept(); }  // with unread bytes: a reset
  Result<void> put;
  for (int i = 0; put && i < 20; ++i) {
    std::this_thread::sleep_for(20ms);
    put = sink->event(6, "", "six");
    if (put) put = sink->flush();
  }
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::sink);
  const auto safe = sink->sync(7);
  EXPECT_TRUE(!safe || safe->next_seq == 5U);
}

TEST_F(NetworkSinkTest, LeavesAReceiverThatReadsNothing) {
  auto sink = open(listener_.receiver());
  const std::string large(1U << 20U, 'x');
  const auto began = Clock::now();
  Result<void> put;
  for (std::uint64_t seq = 5; put && seq < 100; ++seq) put = sink->event(seq, "", large);
  ASSERT_FALSE(put);
  EXPECT_NE(put.error().what.find("taken nothing"), std::string::npos) << put.error().what;
  EXPECT_LT(Clock::now() - began, 5s);
}

TEST_F(NetworkSinkTest, StopsWaitingWhenItsPatienceEnds) {
  const auto sink = open_network_sink(listener_.receiver(), std::make_unique<Lines>(), patience_,
                                      {.connect = 1s, .stall = 60s, .end = 60s});
  const std::string large(16U << 20U, 'x');
  const auto began = Clock::now();
  std::thread ends([&] {
    std::this_thread::sleep_for(300ms);
    patience_.end_at(Clock::now());
  });
  EXPECT_FALSE(sink->event(0, "", large));
  ends.join();
  EXPECT_LT(Clock::now() - began, 5s);
}

TEST_F(NetworkSinkTest, SaysThatNobodyListens) {
  auto sink = open(listener_.receiver());
  listener_.close();
  ASSERT_TRUE(sink->event(5, "", "five"));
  const auto sent = sink->flush();
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().what.find("127.0.0.1:"), std::string::npos);
}

TEST_F(NetworkSinkTest, AsksNobodyForEventsWithoutAMessage) {
  auto sink = open(listener_.receiver());
  listener_.close();
  ASSERT_TRUE(sink->event(5, "", ""));
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(sink->sync(6)->next_seq, 6U);
}

TEST_F(NetworkSinkTest, SendsEveryEventAsADatagramOfItsOwn) {
  std::string folder = ::testing::TempDir() + "network-sink.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  Receiver receiver;
  receiver.transport = Transport::datagram;
  receiver.name = folder + "/log";
  const FileDescriptor log(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  receiver.name.copy(address.sun_path, sizeof(address.sun_path) - 1);
  void* const at = &address;
  ASSERT_EQ(::bind(log.get(), static_cast<sockaddr*>(at), sizeof(address)), 0);
  auto sink = open(receiver);
  ASSERT_TRUE(sink->event(5, "", "five"));
  ASSERT_TRUE(sink->event(6, "", std::string(66'000, 'x')));
  EXPECT_EQ(read_some(log.get()), "five\n");
  EXPECT_EQ(read_some(log.get()).size(), 4096U);  // as much as is asked for
  EXPECT_EQ(sink->sync(7)->next_seq, 7U);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace dpi
