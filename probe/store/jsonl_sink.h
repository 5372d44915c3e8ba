// JSON lines (docs/envelope.md, "JSON lines"): one event a line, byte for byte as hashed;
// checkpoints between.
#pragma once

#include <memory>
#include <string>

#include "probe/store/file_sink.h"

namespace dpi {

// "-" is standard output. A replay's file is a whole chain and replaces what is there; a sensor's
// goes on.
[[nodiscard]] Result<std::unique_ptr<FileSink>> open_jsonl_sink(const std::string& path,
                                                                AppendFile::Begin begin);

}  // namespace dpi
