// Values of CHECK expressions. NULL is a value; what is unknown is NULL, too.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "probe/base/bytes.h"

namespace dpi {

struct CheckAddress {
  Bytes bytes;  // 4 or 16
  std::int64_t prefix = 0;
};

class CheckValue;
using CheckRow = std::shared_ptr<const std::vector<CheckValue>>;  // (a, b)

class CheckValue {
 public:
  CheckValue() = default;  // NULL
  CheckValue(bool value) : value_(value) {}
  CheckValue(std::int64_t value) : value_(value) {}
  CheckValue(Bytes value) : value_(value) {}  // text, bytea, uuid
  CheckValue(CheckAddress value) : value_(value) {}
  CheckValue(CheckRow value) : value_(std::move(value)) {}

  [[nodiscard]] bool is_null() const noexcept {
    return std::holds_alternative<std::monostate>(value_);
  }
  template <class T>
  [[nodiscard]] const T* get() const noexcept {
    return std::get_if<T>(&value_);
  }
  [[nodiscard]] bool is(bool truth) const noexcept {
    const bool* const value = get<bool>();
    return value != nullptr && *value == truth;
  }

 private:
  std::variant<std::monostate, bool, std::int64_t, Bytes, CheckAddress, CheckRow> value_;
};

// Nothing: one of them is NULL, or they cannot be compared.
[[nodiscard]] std::optional<std::strong_ordering> compare(const CheckValue& a, const CheckValue& b);

}  // namespace dpi
