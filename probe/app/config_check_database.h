// The database's part of `config check --deep`.
#pragma once

#include <string>
#include <vector>

#include "probe/app/config_check.h"

namespace dpi {

// Connection, rights, contract, bundle and enrolment, as far as one follows from the other. An
// absent database is a warning: the probe captures without.
[[nodiscard]] std::vector<ConfigFinding> check_database(const std::string& conninfo,
                                                        const std::string& instance);

}  // namespace dpi
