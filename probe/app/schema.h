// `ransomeye-dpi schema`: the bundle and a database.
#pragma once

#include <string>

namespace dpi {

[[nodiscard]] int run_schema_hash();
// All files in one transaction, as a superuser; a database that has this bundle is left alone.
[[nodiscard]] int run_schema_apply(const std::string& conninfo);
// Is this database that bundle?
[[nodiscard]] int run_schema_check(const std::string& conninfo);

}  // namespace dpi
