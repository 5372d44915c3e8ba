// What every process of ours gives away: capabilities, new privileges, core dumps.
#pragma once

#include "probe/base/result.h"

namespace dpi {

// For this thread and all that it starts; nobody of the same user can read this process's memory
// afterwards. Errc::failure: it was refused.
[[nodiscard]] Result<void> drop_privileges();

}  // namespace dpi
