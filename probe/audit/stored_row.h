// A row as the database gives it, its columns by the names that the bundle gives them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/audit/bundle_catalogue.h"
#include "probe/audit/wire_row.h"
#include "probe/base/result.h"
#include "probe/store/postgres.h"

namespace dpi {

class StoredRow {
 public:
  explicit StoredRow(const BundleTable& table) : table_(table) {}
  [[nodiscard]] bool read(Bytes row);

  [[nodiscard]] const BundleTable& table() const noexcept { return table_; }
  [[nodiscard]] const WireField& field(std::string_view column) const;
  [[nodiscard]] bool is_null(std::string_view column) const { return !field(column); }
  // NULL is 0, the nil UUID, or nothing.
  [[nodiscard]] std::int64_t integer(std::string_view column) const;
  [[nodiscard]] Uuid uuid(std::string_view column) const;
  [[nodiscard]] Bytes bytes(std::string_view column) const;
  [[nodiscard]] std::string text(std::string_view column) const;
  // As field_text.
  [[nodiscard]] std::string shown(std::string_view column) const;

 private:
  const BundleTable& table_;
  std::vector<WireField> fields_;
};

// Every row of the table, one at a time; `behind` is what stands behind FROM: WHERE, ORDER BY.
using EachRow = std::function<void(const StoredRow& row)>;
[[nodiscard]] Result<void> each_row(Postgres& database, const BundleTable& table,
                                    const std::string& behind, const EachRow& each);

[[nodiscard]] bool same_bytes(Bytes a, Bytes b);

}  // namespace dpi
