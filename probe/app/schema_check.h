// What differs between a database and the bundle, object by object.
#pragma once

#include <string>
#include <vector>

#include "probe/store/postgres.h"

namespace dpi {

// One line for each table, column, constraint, index, trigger, policy, function, view, owner or
// right of the bundle's schemas that is missing, changed or too many; nothing when all are as the
// bundle makes them. The bundle is applied in a scratch database of the same cluster, rolled back
// and dropped; that takes a superuser. Errc::sink when it cannot be done.
[[nodiscard]] Result<std::vector<std::string>> schema_differences(Postgres& database,
                                                                  const std::string& conninfo);

}  // namespace dpi
