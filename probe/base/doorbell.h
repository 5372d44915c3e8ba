// Wakes one thread, of this process or of another, that waits for any of several rings: look at the
// rings, then wait for a ring of the bell later than the one seen before looking. Lies in shared
// memory. Whoever waits may die meanwhile; the next to wait begins anew.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace dpi {

class Doorbell {
 public:
  void ring() noexcept {
    rung_.fetch_add(1, std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst) != 0) wake();
  }
  [[nodiscard]] std::uint32_t rung() const noexcept {
    return rung_.load(std::memory_order_acquire);
  }
  // Until it has rung since `seen`, or `patience` is over; may return for nothing.
  void wait(std::uint32_t seen, std::chrono::nanoseconds patience) noexcept;

 private:
  void wake() noexcept;

  std::atomic<std::uint32_t> rung_{0};
  std::atomic<std::uint32_t> asleep_{0};
};

}  // namespace dpi
