// A sink of a sensor's output that reads the spool: who drives it has it go on where it was, asks
// how far events are safe where they went, and keeps what is not in the spool.
#pragma once

#include <cstdint>

#include "probe/store/event_sink.h"
#include "probe/store/output_position.h"

namespace dpi {

class FollowedSink : public EventSink {
 public:
  // Before anything is put: events from `from.next_seq` on are going to be. `rest`: what a file has
  // behind that place.
  [[nodiscard]] virtual Result<void> resume(const OutputPosition& from, AppendFile::Rest rest) = 0;
  // What has been put goes out.
  [[nodiscard]] virtual Result<void> flush() = 0;
  // Flushed; how far events are safe there. All events below `put_seq` have been put.
  [[nodiscard]] virtual Result<OutputPosition> sync(std::uint64_t put_seq) = 0;
  // Nothing more is put: whatever lets the last sync say more.
  [[nodiscard]] virtual Result<void> settle() { return {}; }
  // Its files have been moved away.
  [[nodiscard]] virtual Result<void> reopen() { return {}; }
};

}  // namespace dpi
