// How long a server is waited for.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

namespace dpi {

// How long another side may be waited for. Who asks it blocks no longer, whatever happens there.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  // For an answer, from the moment that it is asked for.
  explicit Patience(std::chrono::milliseconds answer = std::chrono::hours{24}) : answer_(answer) {}

  // From any thread: no wait goes on beyond this.
  void end_at(Clock::time_point end) noexcept { end_.store(end, std::memory_order_relaxed); }
  [[nodiscard]] Clock::time_point until(std::chrono::milliseconds wait) const noexcept {
    return std::min(Clock::now() + wait, end_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] bool over(Clock::time_point deadline) const noexcept {
    return Clock::now() >= std::min(deadline, end_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] std::chrono::milliseconds answer() const noexcept { return answer_; }

 private:
  std::chrono::milliseconds answer_;
  std::atomic<Clock::time_point> end_{Clock::time_point::max()};
};

}  // namespace dpi
