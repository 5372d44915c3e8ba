// Man pages and shell completions, made from the very text that --help shows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "probe/base/result.h"

namespace dpi {

// man1/ransomeye-dpi[-COMMAND].1, completions/ransomeye-dpi.bash and completions/_ransomeye-dpi
// below the folder.
[[nodiscard]] Result<void> write_manual(const CLI::App& app, const std::string& folder);

}  // namespace dpi
