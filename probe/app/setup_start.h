// The last step of `setup`: the unit is started, and what it sends is seen in the database.
#pragma once

#include <string>

#include "probe/base/result.h"
#include "probe/store/postgres.h"

namespace dpi {

// Errc::failure when the unit does not start, Errc::sink when no canary of the instance has become
// a row within a minute.
[[nodiscard]] Result<void> start_and_await_canary(const std::string& unit,
                                                  const std::string& instance, Postgres& database);

}  // namespace dpi
