// The capture files that command-line arguments mean.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "probe/base/result.h"

namespace dpi {

// In the order given. A directory stands for its regular files in byte-wise order of their names,
// without those beginning with a dot and without subdirectories; "-" (standard input) and
// everything else stay as they are. Errc::input when a directory cannot be read or holds no file.
[[nodiscard]] Result<std::vector<std::filesystem::path>> list_capture_files(
    std::span<const std::string> arguments);

}  // namespace dpi
