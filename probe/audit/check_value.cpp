#include "probe/audit/check_value.h"

#include <algorithm>

namespace dpi {
namespace {

std::optional<std::strong_ordering> compare_rows(const std::vector<CheckValue>& a,
                                                 const std::vector<CheckValue>& b) {
  if (a.size() != b.size()) return std::nullopt;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto order = compare(a[i], b[i]);
    if (!order || *order != std::strong_ordering::equal) return order;
  }
  return std::strong_ordering::equal;
}

}  // namespace

std::optional<std::strong_ordering> compare(const CheckValue& a, const CheckValue& b) {
  if (const auto* x = a.get<bool>(), *y = b.get<bool>(); x != nullptr && y != nullptr)
    return *x <=> *y;
  if (const auto* x = a.get<std::int64_t>(), *y = b.get<std::int64_t>();
      x != nullptr && y != nullptr)
    return *x <=> *y;
  if (const auto* x = a.get<Bytes>(), *y = b.get<Bytes>(); x != nullptr && y != nullptr)
    return std::lexicographical_compare_three_way(x->begin(), x->end(), y->begin(), y->end());
  if (const auto* x = a.get<CheckRow>(), *y = b.get<CheckRow>(); x != nullptr && y != nullptr)
    return compare_rows(**x, **y);
  return std::nullopt;
}

}  // namespace dpi
