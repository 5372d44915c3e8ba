// What `verify postgres:` asks beyond the chains: is every row what its signed event says, and do
// registry, ledgers and definitions hold together.
#pragma once

#include <set>
#include <string>

#include "probe/audit/finding.h"
#include "probe/audit/row_audit.h"
#include "probe/audit/scope.h"
#include "probe/base/result.h"

namespace dpi {

// In one snapshot, read only. Every instance that any table names.
[[nodiscard]] Result<RowTotals> audit_database(const std::string& conninfo, const Scope& scope,
                                               Findings& findings);

}  // namespace dpi
