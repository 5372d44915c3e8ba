#include "probe/base/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace dpi {
namespace {

// Not the private kind that std::atomic::wait takes: waiter and waker may be two processes.
void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout) noexcept {
  static_assert(sizeof word == sizeof(std::uint32_t));
  ::syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);  // NOLINT(*-vararg)
}

}  // namespace

void Doorbell::wait(std::uint32_t seen, std::chrono::nanoseconds patience) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  const timespec timeout{.tv_sec = patience.count() / second, .tv_nsec = patience.count() % second};
  asleep_.store(1, std::memory_order_seq_cst);
  if (rung_.load(std::memory_order_seq_cst) == seen) futex(rung_, FUTEX_WAIT, seen, &timeout);
  asleep_.store(0, std::memory_order_relaxed);
}

void Doorbell::wake() noexcept {
  futex(rung_, FUTEX_WAKE, 1, nullptr);
}

}  // namespace dpi
