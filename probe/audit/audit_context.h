// What every audit of a table works with: the snapshot, the bundle, who is enrolled, and where
// findings go.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "probe/audit/finding.h"
#include "probe/audit/registry.h"
#include "probe/audit/scope.h"
#include "probe/audit/stored_row.h"

namespace dpi {

// Acts that followed each other may seem not to have when the server's clock was set back.
inline constexpr SqlTime clock_step_max = 3'600'000'000;

struct AuditContext {
  Postgres& database;
  const BundleCatalogue& bundle;
  const Registry& registry;
  Findings& findings;
  const Scope& scope;

  [[nodiscard]] Result<void> each(std::string_view table, const std::string& behind,
                                  const EachRow& row) const {
    return each_row(database, bundle.table(table), behind, row);
  }
  // WHERE for a table whose rows are an instance's.
  [[nodiscard]] std::string of_instance() const {
    return scope.instance
               ? fmt::format("where component_instance_id = '{}'", uuid_text(*scope.instance))
               : std::string{};
  }
  // About a row: which one is said by `key`, "first_seq 5".
  void say(const StoredRow& row, const std::string& key, std::string what) const {
    const bool has = row.table().column("component_instance_id").has_value();
    findings.add({has ? std::optional{row.uuid("component_instance_id")} : std::nullopt,
                  std::nullopt,
                  key.empty() ? row.table().name : fmt::format("{} ({})", row.table().name, key),
                  std::move(what)});
  }
  // A column that must have that value.
  void want(const StoredRow& row, const std::string& key, std::string_view column, bool holds,
            std::string_view because) const {
    if (!holds) say(row, key, fmt::format("{} is {}: {}", column, row.shown(column), because));
  }
  // The row's instance is enrolled, and its tenant is that instance's.
  void want_enrolled(const StoredRow& row, const std::string& key) const {
    const auto enrolled = registry.find(row.uuid("component_instance_id"));
    if (enrolled == registry.end()) {
      say(row, key, "component_instance_id is that of no enrolled instance");
    } else {
      want(row, key, "tenant_id", row.uuid("tenant_id") == enrolled->second.tenant,
           "the instance is enrolled for " + uuid_text(enrolled->second.tenant));
    }
  }
};

}  // namespace dpi
