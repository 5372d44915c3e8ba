// Where sealed events go. A sink gets them in sequence order, and each checkpoint behind the events
// it covers. Owned and called by one thread. Errors are Errc::sink; after one the sink is not
// called again.
#pragma once

#include <cstdint>
#include <string_view>

#include "probe/base/result.h"
#include "probe/envelope/sealer.h"

namespace dpi {

class EventSink {
 public:
  virtual ~EventSink() = default;
  [[nodiscard]] virtual Result<void> event(std::uint64_t seq, std::string_view envelope,
                                           std::string_view payload) = 0;
  // `head` is the chain behind the last event: what a durable sink must keep to continue it.
  [[nodiscard]] virtual Result<void> checkpoint(std::string_view note, const ChainHead& head) = 0;
  // Everything is out, or an error says what is not.
  [[nodiscard]] virtual Result<void> finish() = 0;
};

}  // namespace dpi
