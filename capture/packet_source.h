// Where packets come from: the one interface of file, AF_PACKET and DPDK sources. One thread polls
// a source; its batches may be released on any thread, in any order, and may outlive the source.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "probe/base/packet.h"
#include "probe/base/result.h"

namespace dpi {

enum class SourceState {
  packets,  // the batch holds at least one
  idle,     // nothing within the timeout; the caller still ticks its timers
  end,      // no packet will ever come; every further poll says so again
};

// Since the source was opened; no counter ever goes down.
struct CaptureStats {
  std::uint64_t packets = 0;  // handed over; offered = packets + every dropped_*
  std::uint64_t captured_bytes = 0;
  std::uint64_t wire_bytes = 0;
  std::uint64_t dropped_kernel = 0;   // lost before we could read them, as kernel or file tell it
  std::uint64_t dropped_nic = 0;      // lost in the interface, as driver or file tell it
  std::uint64_t snapped_packets = 0;  // captured shorter than on the wire
  std::uint64_t clamped_packets = 0;  // wire length below the captured one: raised to it
  std::uint64_t zero_packets = 0;     // no captured byte at all
  std::uint64_t time_missing_packets = 0;
  std::uint64_t cut_records = 0;  // the input ended in the middle of a record

  // Live sources only.
  std::uint64_t dropped_pool = 0;  // lost because no buffer was free (DPDK rx_nombuf; some drivers
                                   // count attempts, not packets)
  std::uint64_t interface_dropped = 0;  // interface's rx_dropped, other reasons included: a hint,
                                        // in no sum; of a group only its first source has it
  std::uint64_t ring_freezes = 0;       // times that the kernel found every block of the ring taken
  std::uint64_t ring_held = 0;  // times that the next block was still held by a batch of ours
  std::uint64_t coalesced_packets = 0;  // longer than the interface's MTU allows: merged by GRO
                                        // or LRO, or not yet segmented
  std::uint64_t checksum_partial_packets = 0;  // checksum not yet filled in when the kernel saw it
  std::uint64_t copied_packets = 0;            // came in pieces and were put together
  std::uint64_t link_changes = 0;              // went down, came up, was removed or renamed
  std::uint64_t reopened = 0;  // captured again after the interface had been removed
  bool link_down = false;      // now, as far as known
};

class PacketSource {
 public:
  PacketSource() = default;
  PacketSource(const PacketSource&) = delete;
  PacketSource& operator=(const PacketSource&) = delete;
  virtual ~PacketSource() = default;

  // Clears the batch and fills it with at most packets_max (≥ 1) packets. Waits no longer than
  // timeout for the first and not at all for the rest. After an error every further poll gives that
  // error again; packets read before it have been delivered by earlier polls.
  [[nodiscard]] virtual Result<SourceState> poll(Batch& batch, std::size_t packets_max,
                                                 std::chrono::milliseconds timeout) = 0;

  // Only from the polling thread.
  [[nodiscard]] virtual CaptureStats stats() const noexcept = 0;
  // What the user should hear though reading went on, one sentence each, oldest first; only grows.
  // Bounded: a live source stops at warnings_max, its counters go on.
  [[nodiscard]] virtual std::span<const std::string> warnings() const noexcept = 0;
  // What it reads, as the user named it.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
};

}  // namespace dpi
