// JSON lines (docs/envelope.md, "JSON lines"): one event a line, byte for byte as hashed;
// checkpoints between.
#pragma once

#include <memory>
#include <string>

#include "probe/store/event_sink.h"

namespace dpi {

// "-" is standard output. The file is created or replaced.
[[nodiscard]] Result<std::unique_ptr<EventSink>> open_jsonl_sink(const std::string& path);

}  // namespace dpi
