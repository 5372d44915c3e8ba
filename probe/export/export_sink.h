// Events in the formats of other products, for those who read these already (docs/outputs.md).
// Each sink appends to what is there, and writes at every checkpoint.
#pragma once

#include <memory>
#include <string>

#include "probe/store/file_sink.h"

namespace dpi {

// "-" is standard output.
[[nodiscard]] Result<std::unique_ptr<FileSink>> open_eve_sink(const std::string& path);
[[nodiscard]] Result<std::unique_ptr<FileSink>> open_ecs_sink(const std::string& path);
// A file for every kind of row; the folder is made when it is not there.
[[nodiscard]] Result<std::unique_ptr<FileSink>> open_csv_sink(const std::string& folder);

}  // namespace dpi
