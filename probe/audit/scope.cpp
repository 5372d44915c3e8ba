#include "probe/audit/scope.h"

#include <fmt/format.h>

namespace dpi {

std::string sql_time_literal(SqlTime time) {
  return fmt::format("'{}'::timestamptz", sql_time_text(time));
}

std::string Scope::condition() const {
  std::string out = "true";
  if (instance) out += fmt::format(" and component_instance_id = '{}'", uuid_text(*instance));
  if (first_seq > 0) out += fmt::format(" and seq >= {}", first_seq);
  if (last_seq) out += fmt::format(" and seq <= {}", *last_seq);
  if (from) out += fmt::format(" and ingested_at >= {}", sql_time_literal(*from));
  if (until) out += fmt::format(" and ingested_at < {}", sql_time_literal(*until));
  return out;
}

}  // namespace dpi
