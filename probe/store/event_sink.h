// Where sealed events go. A sink gets them in sequence order, and each checkpoint behind the events
// it covers. Owned and called by one thread. Errors are Errc::sink; after one the sink is not
// called again.
#pragma once

#include <cstdint>
#include <string_view>

#include "probe/base/result.h"
#include "probe/envelope/sealer.h"

namespace dpi {

// What a sink can still take. Who seals asks first: what is sealed must be kept, so what cannot be
// kept is shed before it gets a sequence number.
enum class Room : std::uint8_t {
  plenty,
  reserved,  // only for events that the chain cannot do without
  none,
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  [[nodiscard]] virtual Room room() const noexcept { return Room::plenty; }
  // Called every now and then by a live probe: time to try again what failed before.
  virtual void idle() {}
  [[nodiscard]] virtual Result<void> event(std::uint64_t seq, std::string_view envelope,
                                           std::string_view payload) = 0;
  // `head` is the chain behind the last event: what a durable sink must keep to continue it.
  [[nodiscard]] virtual Result<void> checkpoint(std::string_view note, const ChainHead& head) = 0;
  // Everything is out, or an error says what is not.
  [[nodiscard]] virtual Result<void> finish() = 0;
};

}  // namespace dpi
