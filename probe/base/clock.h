// The clocks of the machine, for a live probe. Nothing that a replay does may read them.
#pragma once

#include <cstdint>

#include "probe/base/time.h"

namespace dpi {

// CLOCK_REALTIME: may step either way.
[[nodiscard]] Timestamp wall_clock_now() noexcept;
// CLOCK_BOOTTIME: never steps, counts suspended time.
[[nodiscard]] Nanoseconds boot_time() noexcept;
[[nodiscard]] inline std::uint64_t boot_time_us() noexcept {
  return static_cast<std::uint64_t>(boot_time().count() / 1000);
}

// Whether the kernel calls CLOCK_REALTIME synchronised (adjtimex(2)).
[[nodiscard]] bool clock_is_synchronised() noexcept;

}  // namespace dpi
