// Of the nDPI that runs, as it names itself.
#pragma once

#include <string>

namespace dpi {

[[nodiscard]] std::string ndpi_library_version();

}  // namespace dpi
