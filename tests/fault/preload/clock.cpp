// Clocks as asked: the wall clock is set, the clock since boot runs faster.
#include <ctime>

#include "tests/fault/preload/real.h"
#include "tests/fault/preload/settings.h"

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

}  // namespace

extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                                    timespec* out) noexcept {
  const int done = FAULT_REAL(clock_gettime)(clock, out);
  if (done != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)) return done;
  const fault::State& state = *fault::settings().state;
  std::int64_t ns = std::int64_t{out->tv_sec} * second_ns + out->tv_nsec;
  if (clock == CLOCK_REALTIME) {
    ns += state.clock_ns.load(std::memory_order_relaxed);
  } else if (const std::int64_t rate = state.rate.load(std::memory_order_relaxed); rate > 1) {
    ns *= rate;  // the same in every process
  }
  out->tv_sec = ns / second_ns;
  out->tv_nsec = ns % second_ns;
  return done;
}
