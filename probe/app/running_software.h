// What this process is made of, read once at start, before the sandbox hides the files.
#pragma once

#include <string>

#include "probe/event/software.h"

namespace dpi {

// A file that cannot be read leaves its digest out: a probe that cannot prove what it runs says
// nothing rather than something wrong. ndpi_library: path, empty when there is none.
[[nodiscard]] Software running_software(const std::string& ndpi_library);

}  // namespace dpi
