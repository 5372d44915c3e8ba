#include "capture/af_packet/packet_ring.h"

#include <linux/if_packet.h>
#include <sys/mman.h>

#include <cerrno>
#include <system_error>

#include "probe/base/check.h"

namespace dpi {

Result<std::shared_ptr<PacketRing>> PacketRing::map(int fd, std::size_t block_bytes,
                                                    std::size_t blocks, bool locked) {
  const std::size_t size = block_bytes * blocks;
  void* memory = MAP_FAILED;
  // Locking fails when RLIMIT_MEMLOCK is smaller than the ring; the ring works without it.
  if (locked)
    memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_LOCKED, fd, 0);
  if (memory == MAP_FAILED)
    memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    return fail(Errc::input, "the ring of " + std::to_string(size >> 20U) +
                                 " MiB cannot be mapped: " +
                                 std::generic_category().message(errno) + "; make it smaller");
  }
  // The processes that dissect get copies of packets, never the ring: a mapping of theirs would
  // keep the socket open when this process has closed it.
  ::madvise(memory, size, MADV_DONTFORK);
  return std::make_shared<PacketRing>(static_cast<std::uint8_t*>(memory), block_bytes, blocks);
}

PacketRing::PacketRing(std::uint8_t* memory, std::size_t block_bytes, std::size_t blocks)
    : memory_(memory),
      block_bytes_(block_bytes),
      blocks_(blocks),
      held_(std::make_unique<std::atomic<bool>[]>(blocks)) {
  DPI_CHECK(block_bytes % alignof(tpacket_block_desc) == 0);
  DPI_CHECK(block_bytes >= sizeof(tpacket_block_desc));
}

PacketRing::~PacketRing() {
  ::munmap(memory_, block_bytes_ * blocks_);
}

std::atomic_ref<std::uint32_t> PacketRing::status(std::size_t block) const noexcept {
  constexpr std::size_t offset =
      offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, block_status);
  void* const word = memory_ + block * block_bytes_ + offset;
  return std::atomic_ref<std::uint32_t>{*static_cast<std::uint32_t*>(word)};
}

BlockState PacketRing::state(std::size_t block) const noexcept {
  // The order matters: give_back() writes them the other way round.
  if (held_[block].load(std::memory_order_acquire)) return BlockState::held;
  return (status(block).load(std::memory_order_acquire) & TP_STATUS_USER) != 0 ? BlockState::ready
                                                                               : BlockState::kernel;
}

Bytes PacketRing::block(std::size_t block) const noexcept {
  return {memory_ + block * block_bytes_, block_bytes_};
}

std::shared_ptr<const void> PacketRing::lease(std::size_t block) {
  DPI_CHECK(state(block) == BlockState::ready);
  held_[block].store(true, std::memory_order_relaxed);
  return {memory_ + block * block_bytes_,
          [ring = shared_from_this(), block](const void*) { ring->give_back(block); }};
}

void PacketRing::give_back(std::size_t block) noexcept {
  status(block).store(TP_STATUS_KERNEL, std::memory_order_release);
  held_[block].store(false, std::memory_order_release);
}

}  // namespace dpi
