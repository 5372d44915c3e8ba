// Which part of a database is looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "probe/audit/wire_row.h"

namespace dpi {

struct Scope {
  std::optional<Uuid> instance;
  std::uint64_t first_seq = 0;
  std::optional<std::uint64_t> last_seq;
  std::optional<SqlTime> from;   // of ingested_at
  std::optional<SqlTime> until;  // the first moment behind it

  [[nodiscard]] bool whole() const { return !instance && !ranged(); }
  [[nodiscard]] bool ranged() const { return first_seq > 0 || last_seq || from || until; }
  // What rows of a table with these columns must satisfy, as SQL.
  [[nodiscard]] std::string condition() const;
};

// A literal of the server; only for years 1 to 9999.
[[nodiscard]] std::string sql_time_literal(SqlTime time);

}  // namespace dpi
