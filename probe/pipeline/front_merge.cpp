#include "probe/pipeline/front_merge.h"

#include <algorithm>

namespace dpi {

FrontMerge::Choice FrontMerge::choose(std::chrono::nanoseconds now) const {
  const Front* first = nullptr;
  for (const Front& front : fronts_)
    if (front.has_next && (first == nullptr || front.next < first->next)) first = &front;
  if (first == nullptr) return {};
  const auto at = static_cast<std::size_t>(first - fronts_.data());
  // The oldest that waits decides how long, whoever is first by time.
  std::chrono::nanoseconds came = first->came;
  Timestamp next_of_others = Timestamp::max();
  Timestamp certain = Timestamp::max();
  for (const Front& front : fronts_) {
    if (&front == first) continue;
    if (front.has_next) {
      came = std::min(came, front.came);
      next_of_others = std::min(next_of_others, front.next);
    } else if (!front.ended) {
      certain = std::min(certain, front.newest);
    }
  }
  if (certain >= first->next) return {.front = at, .until = std::min(certain, next_of_others)};
  const std::chrono::nanoseconds left = came + delay_max - now;
  if (left > std::chrono::nanoseconds{0}) return {.front = std::nullopt, .wait = left};
  return {.front = at, .until = next_of_others};
}

}  // namespace dpi
