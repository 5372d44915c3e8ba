// What `--version` says: what was built, from what, and with which libraries it runs.
#pragma once

#include <string>

namespace dpi {

[[nodiscard]] std::string version_text();

}  // namespace dpi
