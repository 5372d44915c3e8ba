// Small files that a command leaves for people.
#pragma once

#include <filesystem>
#include <string_view>

#include "probe/base/result.h"

namespace dpi {

// Written anew. Errc::sink names the file and what the system said.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace dpi
