#include "probe/base/clock.h"

#include <sys/timex.h>

#include <ctime>

namespace dpi {
namespace {

std::int64_t read_ns(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Timestamp wall_clock_now() noexcept {
  return timestamp(read_ns(CLOCK_REALTIME));
}

Nanoseconds boot_time() noexcept {
  return Nanoseconds{read_ns(CLOCK_BOOTTIME)};
}

bool clock_is_synchronised() noexcept {
  timex clock{};
  const int state = ::adjtimex(&clock);
  return state >= 0 && state != TIME_ERROR;
}

}  // namespace dpi
