// What the processes that dissect give away. They were forked with shared memory and code; they
// need no file, no network and no other process.
#pragma once

#include "probe/base/result.h"

namespace dpi {

// Capabilities, new privileges, core dumps and files (Landlock); system calls but those that make,
// watch and end workers. A layer that this kernel does not have is left out.
[[nodiscard]] Result<void> confine_supervisor();
// On top of it: memory, waiting, the clock and the end are left, and nothing else.
[[nodiscard]] Result<void> confine_worker();

}  // namespace dpi
