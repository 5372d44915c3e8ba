// What a user writes to name a database, keyword=value words or a URI, in the forms that libpq and
// we need. No text of it is ever put into a message: it may hold a password.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probe/base/result.h"

namespace dpi {

// libpq's parameters by name, in order; a later one of the same name wins.
using ConnectParameters = std::vector<std::pair<std::string, std::string>>;

// Errc::usage when libpq would not understand it.
[[nodiscard]] Result<ConnectParameters> parse_conninfo(const std::string& conninfo);

// One set for each host that is named, in order: libpq's own walk over hosts goes on only when one
// answers with an error, and a host that is silent has to be left behind too.
[[nodiscard]] std::vector<ConnectParameters> by_host(const ConnectParameters& parameters);

// The same server and login, another database. What cannot be parsed stays as it is.
[[nodiscard]] std::string with_database(const std::string& conninfo, std::string_view database);

// Of `postgres`, `postgres:CONNINFO` or a URI in its place.
[[nodiscard]] bool names_postgres(std::string_view output) noexcept;
[[nodiscard]] std::string conninfo_of(std::string_view output);

}  // namespace dpi
