// Which instances are enrolled, as re_core.component_instance says.
#pragma once

#include <map>
#include <string>

#include "probe/audit/wire_row.h"
#include "probe/base/result.h"
#include "probe/store/postgres.h"

namespace dpi {

struct Enrolled {
  Uuid machine{};
  Uuid tenant{};
  std::string component;
  std::string mode;
};
using Registry = std::map<Uuid, Enrolled>;

[[nodiscard]] Result<Registry> read_registry(Postgres& database);

}  // namespace dpi
