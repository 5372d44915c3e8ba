// The tree of a CHECK expression.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "probe/audit/check_value.h"
#include "probe/audit/wire_row.h"

namespace dpi {

class CheckNode {
 public:
  CheckNode() = default;
  CheckNode(const CheckNode&) = delete;
  CheckNode& operator=(const CheckNode&) = delete;
  virtual ~CheckNode() = default;
  [[nodiscard]] virtual CheckValue value(std::span<const WireField> fields) const = 0;
};

using CheckNodePtr = std::unique_ptr<const CheckNode>;
using CheckNodes = std::vector<CheckNodePtr>;

enum class CheckOperator : std::uint8_t {
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  plus,
  minus,
  logical_and,
  logical_or,
};

[[nodiscard]] CheckNodePtr check_constant(std::int64_t value);
[[nodiscard]] CheckNodePtr check_constant(bool value);
[[nodiscard]] CheckNodePtr check_constant(std::string text);
[[nodiscard]] CheckNodePtr check_null();
[[nodiscard]] CheckNodePtr check_column(std::size_t index, ColumnType type);
[[nodiscard]] CheckNodePtr check_row(CheckNodes parts);
[[nodiscard]] CheckNodePtr check_operation(CheckOperator operation, CheckNodePtr left,
                                           CheckNodePtr right);
[[nodiscard]] CheckNodePtr check_not(CheckNodePtr of);
// IS NULL, IS TRUE, IS FALSE: `wanted` is nothing for NULL.
[[nodiscard]] CheckNodePtr check_is(CheckNodePtr of, std::optional<bool> wanted);
[[nodiscard]] CheckNodePtr check_in(CheckNodePtr of, CheckNodes list);
// Null where it is no regular expression.
[[nodiscard]] CheckNodePtr check_matches(CheckNodePtr of, const std::string& pattern);
struct CheckCase {
  CheckNodePtr when;
  CheckNodePtr then;
};
// Null `otherwise`: NULL.
[[nodiscard]] CheckNodePtr check_case(std::vector<CheckCase> cases, CheckNodePtr otherwise);
// Null where there is no such function of so many arguments.
[[nodiscard]] CheckNodePtr check_function(std::string_view name, CheckNodes arguments);

}  // namespace dpi
