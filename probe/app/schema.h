// `ransomeye-dpi schema`: the bundle and a database.
#pragma once

#include <string>

#include "probe/store/postgres.h"

namespace dpi {

[[nodiscard]] int run_schema_hash();
// What `apply` would do, file by file.
[[nodiscard]] int run_schema_plan(const std::string& conninfo);
// In one transaction, as a superuser: an empty database gets all files, one of an older bundle the
// migrations that lead here; a database that has this bundle is left alone.
[[nodiscard]] int run_schema_apply(const std::string& conninfo);
// Is this database that bundle? By the hash it was applied with; a superuser's login is also told,
// one line each, what in it is not as the bundle makes it.
[[nodiscard]] int run_schema_check(const std::string& conninfo);

// The bundle's statements, without transaction and registration.
[[nodiscard]] Result<void> apply_schema_files(Postgres& database);

}  // namespace dpi
