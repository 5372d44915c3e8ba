// A CHECK of the bundle, evaluated here: rows are judged as PostgreSQL judges them, without one.
// Knows what the bundle's CHECKs are written with and no more: comparisons, AND, OR, NOT, IN,
// BETWEEN, IS, ~, CASE, sums, row values, and a few functions.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "probe/audit/bundle_catalogue.h"
#include "probe/audit/wire_row.h"
#include "probe/base/result.h"

namespace dpi {

class CheckNode;

class CheckExpression {
 public:
  // Of this table's columns. An error says what is not understood.
  [[nodiscard]] static Result<CheckExpression> parse(std::string_view text,
                                                     const BundleTable& table);
  CheckExpression(CheckExpression&&) noexcept;
  CheckExpression& operator=(CheckExpression&&) noexcept;
  ~CheckExpression();

  // False only where it is false: what is unknown, because something is NULL, holds (SQL:2016
  // 4.25.3.4). The fields of a row, one for each column.
  [[nodiscard]] bool holds(std::span<const WireField> fields) const;

 private:
  explicit CheckExpression(std::unique_ptr<const CheckNode> root) noexcept;

  std::unique_ptr<const CheckNode> root_;
};

}  // namespace dpi
