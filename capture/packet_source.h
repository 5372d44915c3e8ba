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

// Since the source was opened; no member ever goes down.
struct CaptureStats {
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;
  std::uint64_t wire_bytes = 0;
  std::uint64_t dropped_kernel = 0;   // lost before we could read them, as kernel or file tell it
  std::uint64_t dropped_nic = 0;      // lost in the interface, as driver or file tell it
  std::uint64_t snapped_packets = 0;  // captured shorter than on the wire
  std::uint64_t clamped_packets = 0;  // wire length below the captured one: raised to it
  std::uint64_t zero_packets = 0;     // no captured byte at all
  std::uint64_t time_missing_packets = 0;
  std::uint64_t cut_records = 0;  // the input ended in the middle of a record
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
  [[nodiscard]] virtual std::span<const std::string> warnings() const noexcept = 0;
  // What it reads, as the user named it.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
};

}  // namespace dpi
