#include "probe/audit/registry.h"

namespace dpi {

Result<Registry> read_registry(Postgres& database) {
  Registry out;
  std::vector<WireField> fields;
  auto read = database.copy_out(
      "select component_instance_id, machine_id, tenant_id, component, mode from "
      "re_core.component_instance",
      [&](Bytes row) -> Result<void> {
        constexpr std::size_t columns = 5;
        if (!split_row(row, fields) || fields.size() != columns || !fields[3] || !fields[4])
          return fail(Errc::sink, "database: re_core.component_instance: unexpected answer");
        const auto instance = wire_uuid(fields[0]);
        if (!instance) return {};
        out[*instance] = {wire_uuid(fields[1]).value_or(Uuid{}),
                          wire_uuid(fields[2]).value_or(Uuid{}), std::string{as_text(*fields[3])},
                          std::string{as_text(*fields[4])}};
        return {};
      });
  if (!read) return tl::unexpected(read.error());
  return out;
}

}  // namespace dpi
