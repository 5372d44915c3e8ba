#include "probe/pipeline/event_ledger.h"

#include <algorithm>

namespace dpi {

EventTypeFacts& EventLedger::of(std::string_view type) {
  const auto place = std::lower_bound(
      types_.begin(), types_.end(), type,
      [](const EventTypeFacts& a, std::string_view name) { return a.event_type < name; });
  if (place != types_.end() && place->event_type == type) return *place;
  return *types_.insert(place, {.event_type = type});
}

std::uint64_t EventLedger::produced(std::string_view type) const noexcept {
  for (const EventTypeFacts& t : types_) {
    if (t.event_type == type) return t.sealed + t.shed;
  }
  return 0;
}

std::uint64_t EventLedger::shed_total() const noexcept {
  std::uint64_t sum = 0;
  for (const EventTypeFacts& type : types_) sum += type.shed;
  return sum;
}

}  // namespace dpi
