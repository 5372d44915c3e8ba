// What the schema bundle says of its tables, read from its own SQL text: the bundle inside this
// binary, never the catalogue of the database that is being judged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dpi {

enum class ColumnType : std::uint8_t {
  int2,
  int4,
  int8,
  boolean,
  text,  // and name
  bytea,
  uuid,
  inet,
  timestamptz,
  other,
};

struct BundleColumn {
  std::string name;
  std::string type_name;  // as pg_catalog.format_type() spells it
  ColumnType type = ColumnType::other;
  bool not_null = false;
  std::string generated;  // the expression
};

struct BundleCheck {
  std::string name;
  std::string expression;
};

struct BundleTable {
  std::string name;  // schema.table
  std::vector<BundleColumn> columns;
  std::vector<std::string> key;
  std::vector<BundleCheck> checks;
  bool partitioned = false;

  [[nodiscard]] std::optional<std::size_t> column(std::string_view wanted) const;
};

// An event type whose payload becomes rows, and the table of its one main row.
struct BundleEventType {
  std::string component;
  std::string event_type;
  std::uint32_t event_version = 1;
  std::string table;
};

class BundleCatalogue {
 public:
  // The files in their order. They are this binary's own: what cannot be read is a DPI_CHECK.
  explicit BundleCatalogue(std::span<const std::string_view> files);

  [[nodiscard]] const std::vector<BundleTable>& tables() const noexcept { return tables_; }
  [[nodiscard]] const std::vector<BundleEventType>& event_types() const noexcept { return types_; }
  [[nodiscard]] const BundleTable& table(std::string_view name) const;

 private:
  void read_table(std::string_view name, std::string_view body, std::string_view tail);
  void read_event_types(std::string_view file);

  std::vector<BundleTable> tables_;
  std::vector<BundleEventType> types_;
};

}  // namespace dpi
