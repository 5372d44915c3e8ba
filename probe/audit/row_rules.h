// Whether the database makes rows of an event: the bundle's own rules, without a database. The one
// predicate of what may be sealed (docs/decisions/0013-row-rules.md).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/audit/check_expression.h"
#include "probe/audit/row_deriver.h"
#include "probe/audit/row_plan.h"

namespace dpi {

// A rule that an event breaks; the database would quarantine it by the same name.
struct BrokenRule {
  std::string rule;
  std::string detail;
};

class RowRules {
 public:
  // The plans must outlive it. Every CHECK of a table that has rows is understood, or the bundle
  // inside this binary is of another version than its code: a DPI_CHECK.
  explicit RowRules(const RowPlans& plans);

  // Nothing when rows are made, or the event's type makes none.
  [[nodiscard]] std::optional<BrokenRule> broken(const Envelope& envelope,
                                                 std::string_view payload);
  // The names of all rules that rows break; one entry for each of RowPlans::tables().
  [[nodiscard]] std::vector<std::string> broken(const std::vector<ExpectedRows>& rows) const;

 private:
  struct Check {
    std::string name;
    CheckExpression expression;
  };

  const RowPlans& plans_;
  RowDeriver deriver_;
  std::vector<std::vector<Check>> checks_;  // by table
  std::vector<ExpectedRows> rows_;
};

}  // namespace dpi
