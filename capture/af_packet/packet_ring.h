// The memory of a TPACKET_V3 ring and who owns each of its blocks: the kernel, the reader, or
// batches that were handed on. The mapping lives as long as the last lease.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "probe/base/bytes.h"
#include "probe/base/result.h"

namespace dpi {

enum class BlockState {
  kernel,  // being filled
  ready,   // filled, nobody reads it
  held,    // leased; its status word still says "user space", as if it were ready
};

class PacketRing : public std::enable_shared_from_this<PacketRing> {
 public:
  // Maps the ring of a packet socket whose PACKET_RX_RING is set. Errc::input with the reason.
  [[nodiscard]] static Result<std::shared_ptr<PacketRing>> map(int fd, std::size_t block_bytes,
                                                               std::size_t blocks, bool locked);
  // Takes over mapped memory (munmap) of blocks × block_bytes.
  PacketRing(std::uint8_t* memory, std::size_t block_bytes, std::size_t blocks);
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;
  ~PacketRing();

  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
  // Only from the reading thread.
  [[nodiscard]] BlockState state(std::size_t block) const noexcept;
  [[nodiscard]] Bytes block(std::size_t block) const noexcept;
  // The block goes back to the kernel when the last copy is released, on any thread. Only for a
  // block that is ready, from the reading thread; one allocation.
  [[nodiscard]] std::shared_ptr<const void> lease(std::size_t block);

 private:
  [[nodiscard]] std::atomic_ref<std::uint32_t> status(std::size_t block) const noexcept;
  void give_back(std::size_t block) noexcept;

  std::uint8_t* memory_;
  std::size_t block_bytes_;
  std::size_t blocks_;
  std::unique_ptr<std::atomic<bool>[]> held_;
};

}  // namespace dpi
