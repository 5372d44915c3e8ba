// The order in which a worker plays what several fronts give it: by packet time, as far as that is
// known. Each front's own order stands. What is next of one front waits until every other front is
// past its time, but never longer than a bounded delay: a silent front delays nobody more.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "probe/base/time.h"

namespace dpi {

class FrontMerge {
 public:
  static constexpr std::chrono::milliseconds delay_max{20};

  explicit FrontMerge(std::size_t fronts) : fronts_(fronts) {}

  // What is next of a front, and when (of a clock that never goes back) it came; nothing as its
  // time: it is played as soon as it can be.
  void next_is(std::size_t front, std::optional<Timestamp> time, std::chrono::nanoseconds came) {
    fronts_[front].has_next = true;
    fronts_[front].next = time.value_or(fronts_[front].newest);
    fronts_[front].came = came;
    note(front, fronts_[front].next);
  }
  void has_nothing(std::size_t front) { fronts_[front].has_next = false; }
  // Nothing earlier comes from that front any more.
  void note(std::size_t front, Timestamp time) {
    if (time > fronts_[front].newest) fronts_[front].newest = time;
  }
  void ends(std::size_t front) { fronts_[front].ended = true; }

  struct Choice {
    std::optional<std::size_t> front;  // whose next is to be played, and what follows it
    Timestamp until{};                 // up to this time
    // Without one: look again after so long at the latest; nothing: when something comes.
    std::optional<std::chrono::nanoseconds> wait{};
  };
  [[nodiscard]] Choice choose(std::chrono::nanoseconds now) const;

 private:
  struct Front {
    bool has_next = false;
    bool ended = false;
    Timestamp next{};
    Timestamp newest{};
    std::chrono::nanoseconds came{};
  };
  std::vector<Front> fronts_;
};

}  // namespace dpi
