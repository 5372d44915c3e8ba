// Stamps of a capture judged by those around them. One that lies far from its neighbours was never
// the packet's time: the packet takes theirs. Stamps that go back far and stay there are a clock
// that was set.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "probe/base/packet.h"

namespace dpi {

struct SettledTime {
  Timestamp time{};
  Nanoseconds step{};  // the clock was set by this much before this packet
  bool odd = false;    // the packet's own stamp was not its time
};

class TimeSettler {
 public:
  static constexpr std::size_t witnesses_max = 8;
  // One entry a packet of `packets`; `behind` are those that follow: witnesses_max of them, or as
  // many as are left of the capture.
  void settle(std::span<const RawPacket> packets, std::span<const RawPacket> behind,
              std::vector<SettledTime>& out);

 private:
  [[nodiscard]] SettledTime judge(Timestamp stamp, std::span<const RawPacket> packets,
                                  std::span<const RawPacket> behind);
  [[nodiscard]] bool outvoted(std::size_t left, std::size_t on_its_side) const noexcept;

  std::optional<Timestamp> newest_;
  std::size_t agreeing_ = 0;  // stamps that were let stand without a step
};

}  // namespace dpi
