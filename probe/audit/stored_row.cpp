#include "probe/audit/stored_row.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/audit/reading.h"
#include "probe/base/check.h"

namespace dpi {

bool StoredRow::read(Bytes row) {
  return split_row(row, fields_) && fields_.size() == table_.columns.size();
}

const WireField& StoredRow::field(std::string_view column) const {
  const auto at = table_.column(column);
  DPI_CHECK(at.has_value());
  return fields_[*at];
}

std::int64_t StoredRow::integer(std::string_view column) const {
  return wire_integer(field(column)).value_or(0);
}

Uuid StoredRow::uuid(std::string_view column) const {
  return wire_uuid(field(column)).value_or(Uuid{});
}

Bytes StoredRow::bytes(std::string_view column) const {
  return field(column).value_or(Bytes{});
}

std::string StoredRow::text(std::string_view column) const {
  return std::string{as_text(bytes(column))};
}

std::string StoredRow::shown(std::string_view column) const {
  return field_text(field(column), table_.columns[table_.column(column).value_or(0)].type);
}

Result<void> each_row(Postgres& database, const BundleTable& table, const std::string& behind,
                      const EachRow& each) {
  StoredRow stored(table);
  return database.copy_out(
      fmt::format("select {} from {} {}", column_list(table), table.name, behind),
      [&](Bytes row) -> Result<void> {
        if (!stored.read(row))
          return fail(Errc::sink, fmt::format("database: {}: unexpected answer", table.name));
        each(stored);
        return {};
      });
}

bool same_bytes(Bytes a, Bytes b) {
  return std::ranges::equal(a, b);
}

}  // namespace dpi
