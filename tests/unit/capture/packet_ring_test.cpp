#include "capture/af_packet/packet_ring.h"

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "probe/base/packet.h"
#include "tests/support/handover.h"
#include "tests/support/tpacket_bytes.h"

namespace dpi {
namespace {

constexpr std::size_t block_bytes = 4096;
constexpr std::size_t blocks = 4;

// The kernel's side of a ring.
class Kernel {
 public:
  Kernel()
      : memory_(
            static_cast<std::uint8_t*>(::mmap(nullptr, blocks * block_bytes, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
        ring_(std::make_shared<PacketRing>(memory_, block_bytes, blocks)) {}

  bool owns(std::size_t block) const {
    return (status(block).load(std::memory_order_acquire) & TP_STATUS_USER) == 0;
  }
  void hand_over(std::size_t block, std::uint8_t fill) {
    std::memset(memory_ + block * block_bytes + sizeof(tpacket_block_desc), fill,
                block_bytes - sizeof(tpacket_block_desc));
    status(block).store(TP_STATUS_USER, std::memory_order_release);
  }
  std::shared_ptr<PacketRing> ring() { return ring_; }
  // The source goes away; only leases keep the ring.
  void forget_ring() { ring_.reset(); }

 private:
  std::atomic_ref<std::uint32_t> status(std::size_t block) const {
    void* const word = memory_ + block * block_bytes + offsetof(tpacket_block_desc, hdr);
    return std::atomic_ref<std::uint32_t>{*static_cast<std::uint32_t*>(word)};
  }
  std::uint8_t* memory_;
  std::shared_ptr<PacketRing> ring_;
};

TEST(PacketRingTest, BlockGoesBackOnlyWithItsLastLease) {
  Kernel kernel;
  const auto ring = kernel.ring();
  EXPECT_EQ(ring->state(0), BlockState::kernel);
  kernel.hand_over(0, 1);
  EXPECT_EQ(ring->state(0), BlockState::ready);
  auto lease = ring->lease(0);
  Batch a;
  Batch b;
  a.hold(lease);
  b.hold(lease);
  lease.reset();
  EXPECT_EQ(ring->state(0), BlockState::held) << "its status still says user space";
  EXPECT_FALSE(kernel.owns(0));
  b.clear();
  EXPECT_FALSE(kernel.owns(0));
  a.clear();
  EXPECT_TRUE(kernel.owns(0));
  EXPECT_EQ(ring->state(0), BlockState::kernel);
  kernel.hand_over(0, 2);
  EXPECT_EQ(ring->state(0), BlockState::ready);
}

TEST(PacketRingTest, MemoryOutlivesItsSource) {
  Kernel kernel;
  kernel.hand_over(3, 9);
  auto lease = kernel.ring()->lease(3);
  const Bytes bytes = kernel.ring()->block(3);
  kernel.forget_ring();
  EXPECT_EQ(bytes.back(), 9);
  lease.reset();
}

// What is read under a lease is never written meanwhile, and every block comes back. With TSan this
// is also the test of the memory order.
TEST(PacketRingTest, LeasesReleasedOnAnotherThreadNeverMeetTheKernel) {
  constexpr unsigned rounds = 2000;
  Kernel kernel;
  const auto ring = kernel.ring();
  std::atomic<bool> failed{false};
  std::thread writer{[&kernel] {
    for (unsigned i = 0; i < rounds; ++i) {
      while (!kernel.owns(i % blocks)) std::this_thread::yield();
      kernel.hand_over(i % blocks, static_cast<std::uint8_t>(i));
    }
  }};
  {
    test::Releaser releaser;
    for (unsigned i = 0; i < rounds; ++i) {
      while (ring->state(i % blocks) != BlockState::ready) std::this_thread::yield();
      Batch batch;
      batch.hold(ring->lease(i % blocks));
      const Bytes bytes = ring->block(i % blocks);
      if (bytes.back() != static_cast<std::uint8_t>(i)) failed = true;
      releaser.give(std::move(batch));
    }
  }
  writer.join();
  EXPECT_FALSE(failed);
  for (std::size_t i = 0; i < blocks; ++i) EXPECT_EQ(ring->state(i), BlockState::kernel);
}

}  // namespace
}  // namespace dpi
