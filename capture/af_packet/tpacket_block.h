// The frames of one block of a TPACKET_V3 ring, as the kernel lays them out (packet_mmap in the
// kernel's documentation). Reads nothing outside the block whatever the block says.
#pragma once

#include <cstdint>
#include <optional>

#include "probe/base/bytes.h"
#include "probe/base/time.h"

namespace dpi {

struct RingFrame {
  Bytes data;                    // without the tag that the kernel took off
  std::uint32_t wire_bytes = 0;  // likewise
  Timestamp time{};
  bool vlan_stripped = false;
  std::uint16_t vlan_tci = 0;
  std::uint16_t vlan_tpid = 0;
  bool checksum_partial = false;
};

class TpacketBlock {
 public:
  TpacketBlock() = default;
  // The block is user space's (TP_STATUS_USER) as long as this is used.
  explicit TpacketBlock(Bytes block) noexcept;

  // Nothing behind the last frame, or when an offset leads out of the block.
  [[nodiscard]] std::optional<RingFrame> next() noexcept;
  // Frames still to come.
  [[nodiscard]] std::uint32_t left() const noexcept { return left_; }
  // Frames that the block claims but does not hold.
  [[nodiscard]] std::uint32_t unreadable() const noexcept { return unreadable_; }

 private:
  void give_up() noexcept;

  Bytes block_;
  std::size_t offset_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t unreadable_ = 0;
};

}  // namespace dpi
