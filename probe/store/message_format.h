// How events become messages of a protocol. One lasts as long as one connection: what a receiver
// must know first stands in front of the first message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probe/base/result.h"

namespace dpi {

class MessageFormat {
 public:
  virtual ~MessageFormat() = default;
  // Appends the message of an event, or keeps it to send several together; nothing for an event
  // that the protocol has no message for.
  [[nodiscard]] virtual Result<void> append(std::string& out, std::uint64_t seq,
                                            std::string_view envelope,
                                            std::string_view payload) = 0;
  // What is kept.
  [[nodiscard]] virtual Result<void> flush(std::string& out) {
    (void)out;
    return {};
  }
};

}  // namespace dpi
