// What `setup` does to files and database, as text that can be printed or carried out.
#pragma once

#include <string>
#include <vector>

#include "probe/app/setup.h"
#include "probe/base/hex.h"
#include "probe/base/result.h"

namespace dpi {

// Statements that make the logins and the tenant; each may be run again.
[[nodiscard]] std::vector<std::string> setup_statements(const SetupOptions& options);

// The sensor's configuration.
[[nodiscard]] std::string setup_config(const SetupOptions& options, const std::string& instance);

// The database of a connection string, "ransomeye" when it names none.
[[nodiscard]] Result<std::string> setup_database(const std::string& conninfo);

// Errc::usage when a name could not be one of a file, a unit or a login.
[[nodiscard]] Result<void> check_setup_names(const SetupOptions& options);

}  // namespace dpi
