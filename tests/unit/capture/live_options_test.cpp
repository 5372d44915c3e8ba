#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/af_packet_source.h"
#include "capture/dpdk_source.h"

namespace dpi {
namespace {

using testing::HasSubstr;

TEST(DpdkSourceTest, PoolHoldsRingsAndBatchesTwice) {
  DpdkOptions options;
  options.queues = 2;
  options.descriptors = 1024;
  options.held_packets = 1024;
  EXPECT_EQ(dpdk_pool_buffers(options), 8191U);
  options.descriptors = 1025;
  EXPECT_EQ(dpdk_pool_buffers(options), 16'383U);
}

TEST(DpdkSourceTest, WithoutPluginNamesWhatIsMissing) {
  DpdkOptions options;
  options.plugin = "/nowhere/libransomeye_dpdk.so";
  const auto opened = open_dpdk(options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::usage);
  EXPECT_THAT(opened.error().what, HasSubstr("/nowhere/libransomeye_dpdk.so"));
}

TEST(DpdkSourceTest, LibraryThatIsNoPluginIsRefused) {
  DpdkOptions options;
  options.plugin = "libpcap.so.0.8";
  const auto opened = open_dpdk(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().what, HasSubstr("not the plugin of this release"));
}

TEST(DpdkSourceTest, OptionsOutOfRangeAreUsageErrors) {
  const auto code = [](auto change) {
    DpdkOptions options;
    options.plugin = "/nowhere";
    change(options);
    return open_dpdk(options).error().what;
  };
  EXPECT_THAT(code([](DpdkOptions& o) { o.queues = 0; }), HasSubstr("queues"));
  EXPECT_THAT(code([](DpdkOptions& o) { o.descriptors = 1; }), HasSubstr("descriptors"));
  EXPECT_THAT(code([](DpdkOptions& o) { o.held_packets = 0; }), HasSubstr("held_packets"));
  EXPECT_THAT(code([](DpdkOptions& o) { o.buffer_bytes = 1 << 20; }), HasSubstr("buffer_bytes"));
  EXPECT_THAT(code([](DpdkOptions& o) { o.mtu_bytes = 10; }), HasSubstr("mtu_bytes"));
}

TEST(AfPacketOptionsTest, OutOfRangeAreUsageErrorsThatNameTheOption) {
  const auto what = [](auto change) {
    AfPacketOptions options;
    options.interface = "lo";
    change(options);
    const auto opened = open_af_packet(options);
    EXPECT_EQ(opened.error().code, Errc::usage);
    return opened.error().what;
  };
  EXPECT_THAT(what([](AfPacketOptions& o) { o.interface.clear(); }), HasSubstr("interface"));
  EXPECT_THAT(what([](AfPacketOptions& o) { o.sockets = 0; }), HasSubstr("sockets"));
  EXPECT_THAT(what([](AfPacketOptions& o) { o.sockets = 65; }), HasSubstr("sockets"));
  EXPECT_THAT(what([](AfPacketOptions& o) { o.block_bytes = 100'000; }), HasSubstr("block_bytes"));
  EXPECT_THAT(what([](AfPacketOptions& o) { o.blocks = 1; }), HasSubstr("blocks"));
  EXPECT_THAT(what([](AfPacketOptions& o) { o.block_timeout = std::chrono::milliseconds{0}; }),
              HasSubstr("block_timeout"));
  EXPECT_THAT(what([](AfPacketOptions& o) { o.snap_bytes = 300'000; }), HasSubstr("snap_bytes"));
}

}  // namespace
}  // namespace dpi
