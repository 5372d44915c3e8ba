// Reading a database that may be hostile: nothing of its own runs for us. Only columns are read;
// names are those of pg_catalog; a policy that would hide rows is an error, never a smaller answer.
#pragma once

#include <vector>

#include "probe/audit/bundle_catalogue.h"
#include "probe/audit/finding.h"
#include "probe/base/result.h"
#include "probe/store/postgres.h"

namespace dpi {

// Begins the one snapshot of an audit. Errc::usage when this login is not shown every row.
[[nodiscard]] Result<void> begin_reading(Postgres& database);

// Tables as the bundle has them: kind, columns, no rule, no foreign or nested partition. Says what
// differs and gives the tables that can be read all the same.
[[nodiscard]] Result<std::vector<const BundleTable*>> readable_tables(Postgres& database,
                                                                      const BundleCatalogue& bundle,
                                                                      Findings& findings);

// "a, b, c": every column of the table, in the bundle's order.
[[nodiscard]] std::string column_list(const BundleTable& table);

}  // namespace dpi
