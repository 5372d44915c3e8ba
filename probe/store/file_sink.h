// A sink of lines in files: who drives it says how far they are on the disk, goes on from there,
// and has them made anew.
#pragma once

#include <span>

#include "probe/store/append_file.h"
#include "probe/store/event_sink.h"

namespace dpi {

class FileSink : public EventSink {
 public:
  // Always the same ones in the same order.
  [[nodiscard]] virtual std::span<AppendFile> files() noexcept = 0;
};

}  // namespace dpi
