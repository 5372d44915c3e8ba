// Wakes a thread that waits for any of several rings: look at the rings, then wait for a ring of
// the bell later than the one seen before looking.
#pragma once

#include <atomic>
#include <cstdint>

namespace dpi {

class Doorbell {
 public:
  void ring() noexcept {
    rung_.fetch_add(1, std::memory_order_release);
    rung_.notify_one();
  }
  [[nodiscard]] std::uint32_t rung() const noexcept {
    return rung_.load(std::memory_order_acquire);
  }
  void wait(std::uint32_t seen) const noexcept { rung_.wait(seen, std::memory_order_acquire); }

 private:
  std::atomic<std::uint32_t> rung_{0};
};

}  // namespace dpi
