#include "probe/report/tally.h"

#include <algorithm>
#include <tuple>

namespace dpi {

Totals& Tally::at(std::string_view name, std::uint64_t seq) {
  auto found = totals_.find(name);
  if (found == totals_.end()) {
    if (totals_.size() >= names_max_) name = others;
    found = totals_.try_emplace(std::string{name}, Totals{.first_seq = seq}).first;
  }
  return found->second;
}

std::vector<Tally::Line> Tally::ranking() const {
  std::vector<Line> out;
  out.reserve(totals_.size());
  for (const auto& [name, totals] : totals_) out.push_back({name, &totals});
  std::stable_sort(out.begin(), out.end(), [](const Line& a, const Line& b) {
    return std::tuple(a.totals->bytes(), a.totals->events) >
           std::tuple(b.totals->bytes(), b.totals->events);
  });
  return out;
}

}  // namespace dpi
