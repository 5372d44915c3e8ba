// The plugin with hand-made buffers: what is put into a net_ring device comes out unchanged,
// batches may outlive their source, and the calling thread keeps its CPUs. DPDK starts once in a
// process, so this is one test; the path of the plugin is in DPI_DPDK_PLUGIN.
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "capture/dpdk_source.h"

namespace dpi {
namespace {

using std::chrono::milliseconds;

rte_mbuf* buffer_of(rte_mempool* pool, std::uint8_t fill, std::uint16_t bytes) {
  rte_mbuf* const buffer = rte_pktmbuf_alloc(pool);
  if (buffer != nullptr) std::memset(rte_pktmbuf_append(buffer, bytes), fill, bytes);
  return buffer;
}

ByteBuffer copy_of(const RawPacket& packet) {
  return {packet.data.begin(), packet.data.end()};
}

TEST(DpdkRingTest, GivesHandMadeBuffersUnchanged) {
  cpu_set_t before{};
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  DpdkOptions options;
  options.plugin = std::getenv("DPI_DPDK_PLUGIN");
  options.huge_pages = false;
  options.eal_arguments = {"--vdev=net_ring0"};
  options.descriptors = 512;
  options.held_packets = 512;
  auto sources = open_dpdk(options);
  ASSERT_TRUE(sources) << sources.error().what;
  ASSERT_EQ(sources->size(), 1U);
  cpu_set_t after{};
  ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));

  rte_mempool* const pool = rte_pktmbuf_pool_create("test", 255, 0, 0, 1024, SOCKET_ID_ANY);
  ASSERT_NE(pool, nullptr);
  const unsigned free_before = rte_mempool_avail_count(pool);
  rte_mbuf* plain = buffer_of(pool, 0x11, 60);
  rte_mbuf* chain = buffer_of(pool, 0x22, 700);
  ASSERT_EQ(rte_pktmbuf_chain(chain, buffer_of(pool, 0x33, 800)), 0);
  rte_mbuf* tagged = buffer_of(pool, 0x44, 64);
  tagged->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  tagged->vlan_tci = 0x2064;
  rte_mbuf* sent[] = {plain, chain, tagged};
  ASSERT_EQ(rte_eth_tx_burst(0, 0, sent, 3), 3);

  PacketSource& source = *sources->front();
  Batch first;
  Batch second;
  const auto time_before = std::chrono::system_clock::now();
  ASSERT_EQ(source.poll(first, 2, milliseconds{0}).value(), SourceState::packets);
  ASSERT_EQ(source.poll(second, 2, milliseconds{0}).value(), SourceState::packets);
  Batch none;
  EXPECT_EQ(source.poll(none, 2, milliseconds{1}).value(), SourceState::idle);
  ASSERT_EQ(first.size(), 2U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(copy_of(first.packets()[0]), ByteBuffer(60, 0x11));
  ByteBuffer whole(700, 0x22);
  whole.insert(whole.end(), 800, 0x33);
  EXPECT_EQ(copy_of(first.packets()[1]), whole);
  const RawPacket& third = second.packets()[0];
  EXPECT_TRUE(third.vlan_stripped);
  EXPECT_EQ(third.vlan_tci, 0x2064);
  EXPECT_EQ(third.vlan_tpid, 0x8100);
  EXPECT_EQ(third.wire_bytes, 68U);
  EXPECT_GE(third.time, time_before);
  const CaptureStats stats = source.stats();
  EXPECT_EQ(stats.packets, 3U);
  EXPECT_EQ(stats.copied_packets, 1U);
  EXPECT_EQ(stats.wire_bytes, 60U + 1500U + 68U);

  // The batches outlive the source, and go on another thread.
  EXPECT_EQ(rte_mempool_avail_count(pool), free_before - 4);
  sources->clear();
  EXPECT_EQ(copy_of(second.packets()[0]), ByteBuffer(64, 0x44));
  std::thread{[a = std::move(first), b = std::move(second)]() mutable {
    b.clear();
    a.clear();
  }}.join();
  EXPECT_EQ(rte_mempool_avail_count(pool), free_before);

  const auto again = open_dpdk(options);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().what.find("only once"), std::string::npos) << again.error().what;
}

}  // namespace
}  // namespace dpi
