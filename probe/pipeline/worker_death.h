// A worker's end that nobody asked for, as the supervisor tells it to the recorder.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/flow/flow_key.h"
#include "probe/pipeline/lane.h"

namespace dpi {

// In shared memory.
struct WorkerDeath {
  static constexpr std::size_t packet_bytes_max = 66'000;  // an IP packet with any header
  enum class At : std::uint8_t {
    nothing,     // it waited
    packet,      // packet `number`
    conclusion,  // the last verdict of the flow whose first packet is `number`
    other,       // time, or the end of a capture
  };

  std::uint32_t worker;
  int signal;
  bool stuck;  // it was ended, because it made no progress
  std::uint64_t uptime_ms;
  At at;
  FactNumber number;
  FactNumber item;  // what it was at when a flow's last verdict was asked for
  Timestamp time;   // of the packet
  FlowKey key;      // with `packet`
  std::uint32_t packet_bytes;
  std::uint32_t wire_bytes;
  std::array<std::uint8_t, packet_bytes_max> packet;  // raw IP, as the worker saw it

  [[nodiscard]] Bytes captured() const noexcept {
    return Bytes{packet}.first(packet_bytes < packet.size() ? packet_bytes : packet.size());
  }
};

// The signal that ends a worker without progress: its CPU time is used up (signal(7)).
inline constexpr int stuck_signal = 24;  // SIGXCPU

}  // namespace dpi
