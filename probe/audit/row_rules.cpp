#include "probe/audit/row_rules.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "probe/base/check.h"

namespace dpi {
namespace {

// Lengths first, so that no two keys are written alike.
std::string key_of(const BundleTable& table, std::span<const WireField> fields) {
  std::string out;
  for (const std::string& column : table.key) {
    const WireField& field = fields[table.column(column).value_or(0)];
    out += fmt::format("{}:", field ? field->size() : 0);
    if (field) out += as_text(*field);
  }
  return out;
}

}  // namespace

RowRules::RowRules(const RowPlans& plans)
    : plans_(plans), deriver_(plans), rows_(plans.tables().size()) {
  for (const BundleTable* const table : plans.tables()) {
    std::vector<Check>& checks = checks_.emplace_back();
    for (const BundleCheck& check : table->checks) {
      auto expression = CheckExpression::parse(check.expression, *table);
      DPI_CHECK(expression.has_value());
      checks.push_back({check.name, std::move(*expression)});
    }
  }
}

std::optional<BrokenRule> RowRules::broken(const Envelope& envelope, std::string_view payload) {
  if (!plans_.knows(envelope.component, envelope.event_type, envelope.event_version))
    return BrokenRule{"event_type_is_known", envelope.event_type};
  for (ExpectedRows& rows : rows_) rows.clear();
  if (auto refused = deriver_.derive(envelope, payload, {}, 0, rows_))
    return BrokenRule{"payload_is_of_contract", std::move(*refused)};
  const std::vector<std::string> names = broken(rows_);
  if (names.empty()) return std::nullopt;
  return BrokenRule{names.front(), fmt::format("{}", fmt::join(names, ", "))};
}

std::vector<std::string> RowRules::broken(const std::vector<ExpectedRows>& rows) const {
  std::vector<std::string> out;
  std::vector<WireField> fields;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const BundleTable& table = *plans_.tables()[t];
    std::set<std::string> keys;
    for (std::size_t i = 0; i < rows[t].rows.size(); ++i) {
      if (!split_row(rows[t].row(i), fields)) continue;
      const std::string key = key_of(table, fields);
      if (!keys.insert(key).second) out.push_back("a key stands twice in " + table.name);
      for (const Check& check : checks_[t])
        if (!check.expression.holds(fields)) out.push_back(check.name);
    }
  }
  return out;
}

}  // namespace dpi
