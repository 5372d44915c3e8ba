// One captured frame, and the batch in which a source hands frames over. Shared by every capture
// source and by the decoder; neither knows the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/time.h"

namespace dpi {

// LINKTYPE_ values as files carry them (tcpdump.org/linktypes.html), not libpcap's DLT_.
enum class LinkType : std::uint16_t {};

struct RawPacket {
  Bytes data;                    // captured bytes; valid until the batch is released
  std::uint64_t frame = 0;       // its place in its capture, from 1; 0: nobody asks
  std::uint32_t wire_bytes = 0;  // length on the wire, ≥ data.size()
  Timestamp time{};              // as the capture gives it; may go backwards
  LinkType link{};
  std::uint16_t interface = 0;  // index within its source
  std::uint16_t vlan_tci =
      0;  // tag that the kernel took off the frame (AF_PACKET); see vlan_stripped
  std::uint16_t vlan_tpid = 0;
  bool vlan_stripped = false;
  bool checksum_pending = false;  // left to the card: what stands there says nothing
  bool time_odd = false;          // not its own stamp: that was far from its neighbours'
  bool time_missing = false;  // pcapng simple packet block: the time is that of the packet before
};

// Packets of one batch and what keeps their bytes alive. Move-only; releasing it gives the memory
// back to its source. A source never writes to bytes that it has handed over.
class Batch {
 public:
  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  Batch(Batch&&) = default;
  Batch& operator=(Batch&&) = default;
  ~Batch() = default;

  void add(const RawPacket& packet) { packets_.push_back(packet); }
  // Shares ownership of the memory that packets of this batch point into.
  void hold(std::shared_ptr<const void> memory) { memory_.push_back(std::move(memory)); }
  void clear() noexcept {
    packets_.clear();
    memory_.clear();
  }
  [[nodiscard]] std::span<const RawPacket> packets() const noexcept { return packets_; }
  [[nodiscard]] std::size_t size() const noexcept { return packets_.size(); }
  [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }

 private:
  std::vector<RawPacket> packets_;
  std::vector<std::shared_ptr<const void>> memory_;
};

}  // namespace dpi
