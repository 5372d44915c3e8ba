#include "probe/service/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace dpi {
namespace {

// The manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(std::string path) : path_(std::move(path)) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(&address.sun_path[0], path_.data(), path_.size());
    if (path_[0] == '@') address.sun_path[0] = '\0';
    void* const any = &address;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
    EXPECT_EQ(::bind(fd_, static_cast<sockaddr*>(any), size), 0);
  }
  ~Manager() {
    ::close(fd_);
    std::error_code none;
    std::filesystem::remove(path_, none);
  }
  std::string received() const {
    std::array<char, 512> bytes{};
    const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
    return size < 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(size));
  }

 private:
  std::string path_;
  int fd_;
};

std::string own_name(char first) {
  return first + std::string(first == '@' ? "" : "tmp/") + "dpi-notify-" +
         std::to_string(::getpid());
}

class Notify : public testing::TestWithParam<char> {};

TEST_P(Notify, TellsTheWholeLife) {
  const Manager manager(own_name(GetParam()));
  Notifier notifier(own_name(GetParam()));
  ASSERT_TRUE(notifier.active());
  notifier.ready("3 packets");
  EXPECT_EQ(manager.received(), "READY=1\nSTATUS=3 packets");
  notifier.status("4 packets");
  EXPECT_EQ(manager.received(), "STATUS=4 packets");
  notifier.watchdog();
  EXPECT_EQ(manager.received(), "WATCHDOG=1");
  notifier.reloading(17);
  EXPECT_EQ(manager.received(), "RELOADING=1\nMONOTONIC_USEC=17");
  notifier.stopping("stopping: signal");
  EXPECT_EQ(manager.received(), "STOPPING=1\nSTATUS=stopping: signal");
}

INSTANTIATE_TEST_SUITE_P(PathAndAbstractName, Notify, testing::Values('/', '@'));

TEST(Notify, AStatusThatDoesNotChangeIsSaidOnceAndIsOneLine) {
  const Manager manager(own_name('/'));
  Notifier notifier(own_name('/'));
  notifier.status("a\nREADY=1");
  EXPECT_EQ(manager.received(), "STATUS=a READY=1");
  notifier.status("a\nREADY=1");
  EXPECT_EQ(manager.received(), "");
}

TEST(Notify, WithoutAManagerNothingHappens) {
  for (const char* const path : {"", "relative", "/nobody/listens/here"}) {
    Notifier notifier(path);
    notifier.ready("x");
    notifier.watchdog();
  }
  Notifier longer("/" + std::string(200, 'x'));
  EXPECT_FALSE(longer.active());
  longer.ready("x");
}

TEST(Notify, TheWatchdogIsOursOnlyWhenItNamesThisProcess) {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Notifier::from_environment().watchdog_timeout(), std::chrono::seconds{30});
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(Notifier::from_environment().watchdog_timeout(), std::chrono::seconds{30});
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(Notifier::from_environment().watchdog_timeout());
  ::unsetenv("WATCHDOG_PID");
  for (const char* const wrong : {"", "0", "-1", "3s"}) {
    ::setenv("WATCHDOG_USEC", wrong, 1);
    EXPECT_FALSE(Notifier::from_environment().watchdog_timeout()) << wrong;
  }
  ::unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace dpi
