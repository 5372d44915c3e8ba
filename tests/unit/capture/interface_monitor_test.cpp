#include "capture/interface/interface_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dpi {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An index that no interface has, so that the kernel never answers for it.
constexpr int index = 0x7FFFFFF0;

LinkState state(bool up, bool carrier, std::string name = "tap0") {
  LinkState s;
  s.index = index;
  s.name = std::move(name);
  s.up = up;
  s.carrier = carrier;
  s.mtu_bytes = 1500;
  return s;
}

class InterfaceMonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = InterfaceMonitor::open("tap0", std::chrono::milliseconds{1});
    ASSERT_TRUE(opened) << opened.error().what;
    monitor_.emplace(std::move(*opened));
    monitor_->follow(state(true, true));
  }
  std::vector<std::string> after(const LinkState& s) {
    monitor_->observe(s);
    return monitor_->take_news();
  }
  std::optional<InterfaceMonitor> monitor_;
};

TEST_F(InterfaceMonitorTest, TellsEachTransitionOnce) {
  EXPECT_THAT(after(state(true, true)), IsEmpty());
  EXPECT_THAT(after(state(true, false)), ElementsAre(HasSubstr("no carrier")));
  EXPECT_THAT(after(state(true, false)), IsEmpty());
  EXPECT_THAT(after(state(true, true)), ElementsAre(HasSubstr("link is up")));
  EXPECT_THAT(after(state(false, false)), ElementsAre(HasSubstr("ip link set tap0 up")));
  EXPECT_THAT(after(state(true, false)), IsEmpty()) << "set up, still without carrier";
  EXPECT_THAT(after(state(true, true)), ElementsAre(HasSubstr("link is up")));
  EXPECT_EQ(monitor_->transitions(), 4U);
}

TEST_F(InterfaceMonitorTest, FollowsARename) {
  EXPECT_THAT(after(state(true, true, "mirror0")), ElementsAre(HasSubstr("now called mirror0")));
  EXPECT_EQ(monitor_->link().name, "mirror0");
}

TEST_F(InterfaceMonitorTest, TakesANewMtuAndKeepsItWhenAMessageHasNone) {
  LinkState s = state(true, true);
  s.mtu_bytes = 9000;
  monitor_->observe(s);
  s.mtu_bytes = 0;
  monitor_->observe(s);
  EXPECT_EQ(monitor_->link().mtu_bytes, 9000U);
}

TEST_F(InterfaceMonitorTest, RemovalIsToldOnceAndOtherInterfacesAreNotOurs) {
  LinkState other = state(false, false, "eth9");
  other.index = index - 1;
  EXPECT_THAT(after(other), IsEmpty());
  LinkState gone = state(false, false);
  gone.removed = true;
  EXPECT_THAT(after(gone), ElementsAre(HasSubstr("removed")));
  EXPECT_THAT(after(gone), IsEmpty());
  EXPECT_THAT(after(state(true, true)), IsEmpty()) << "nothing of the old one is believed";
  EXPECT_FALSE(monitor_->returned());
  monitor_->refused("no permission");
  monitor_->refused("no permission");
  EXPECT_THAT(monitor_->take_news(), ElementsAre(HasSubstr("no permission")));
}

}  // namespace
}  // namespace dpi
