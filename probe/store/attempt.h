// Work that has no deadline of its own, in a thread of its own: asking name servers, above all. A
// server that says nothing would hold up whoever waits for it. So the one who waits leaves, and the
// thread that comes back too late throws away what it has.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "probe/base/result.h"
#include "probe/store/patience.h"

namespace dpi {

// Attempts that nobody waits for any more, in this process. A resolver gives up at last, too.
inline constexpr int attempts_left_behind_max = 4;
inline std::atomic<int> attempts_left_behind{0};

// Whether nobody waits any more: from the thread that works.
using AttemptLeft = std::function<bool()>;

// What `work` gives, at most until `deadline`, and for as long as `patience` says. Errc::sink: it
// did not begin, or not end, in time.
template <class T>
Result<T> attempt_within(std::function<T(const AttemptLeft&)> work, const Patience& patience,
                         Patience::Clock::time_point deadline) {
  // Short enough that an end which another thread sets meanwhile is seen.
  constexpr std::chrono::milliseconds slice{50};
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool left = false;
    std::optional<T> result;
  };
  if (attempts_left_behind.load(std::memory_order_relaxed) >= attempts_left_behind_max)
    return fail(Errc::sink, "earlier attempts still wait for a name server");
  const auto shared = std::make_shared<Shared>();
  try {
    std::thread([shared, work = std::move(work)] {
      T result = work([&shared] {
        const std::lock_guard lock(shared->mutex);
        return shared->left;
      });
      const std::lock_guard lock(shared->mutex);
      if (shared->left) {
        attempts_left_behind.fetch_sub(1, std::memory_order_relaxed);
        return;
      }
      shared->result.emplace(std::move(result));
      shared->changed.notify_one();
    }).detach();
  } catch (const std::system_error& e) {
    return fail(Errc::sink, e.code().message());
  }
  std::unique_lock lock(shared->mutex);
  while (!shared->result) {
    if (patience.over(deadline)) {
      shared->left = true;
      attempts_left_behind.fetch_add(1, std::memory_order_relaxed);
      return fail(Errc::sink, "no answer in time");
    }
    shared->changed.wait_for(lock, slice);
  }
  return std::move(*shared->result);
}

}  // namespace dpi
