// How the payload of one event type becomes rows: which member fills which column of which table.
// Columns and types are the bundle's; a column takes the member of its own name but for the few
// that row_plan.cpp lists. Written independently of the store functions, which it checks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probe/audit/bundle_catalogue.h"

namespace dpi {

enum class ColumnFrom : std::uint8_t {
  ingested_at,
  instance,
  seq,
  tenant,
  machine,
  observed_at,
  observed_at_ns,
  position,   // of the element, from 0
  member,     // a value of the payload
  member_ns,  // the nanoseconds of a time
  sum,        // generated: one column equals the sum of others
};

struct PlannedColumn {
  ColumnFrom from = ColumnFrom::member;
  ColumnType type = ColumnType::other;
  bool not_null = false;
  std::size_t slot = 0;              // of the member
  std::vector<std::size_t> columns;  // of a sum: the total, then what it is made of
};

struct ListPlan;

// What becomes of the members of one object, by name in canonical order.
struct MemberPlan {
  enum class Kind : std::uint8_t { value, list, object };
  std::string name;
  Kind kind = Kind::value;
  std::size_t index = 0;  // slot, list or object of the row's plan
};

struct RowPlan {
  const BundleTable* table = nullptr;
  std::vector<PlannedColumn> columns;
  std::size_t slots = 0;
  std::vector<std::vector<MemberPlan>> objects;  // the payload (or element) itself first
  std::vector<ListPlan> lists;
  std::vector<std::size_t> whole_objects;  // those that may be absent, but not in part
  std::size_t table_index = 0;             // in RowPlans::tables
  std::vector<std::size_t> own_key;        // columns of the key beyond the event's
};

struct ListPlan {
  RowPlan element;
  bool of_values = false;  // its elements are single values
  bool required = false;
  std::size_t object = 0;  // that holds it
};

// (component, type) of version 1 events that are stored raw and make no rows.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> rowless_event_types();

class RowPlans {
 public:
  explicit RowPlans(const BundleCatalogue& bundle);

  // Nothing: the type makes no rows, or is not known (then `knows` is false).
  [[nodiscard]] const RowPlan* find(std::string_view component, std::string_view type,
                                    std::uint32_t version) const;
  [[nodiscard]] bool knows(std::string_view component, std::string_view type,
                           std::uint32_t version) const;
  // Every table that rows are derived for.
  [[nodiscard]] const std::vector<const BundleTable*>& tables() const noexcept { return tables_; }

 private:
  [[nodiscard]] RowPlan plan_of(const BundleCatalogue& bundle, const BundleTable& table);
  [[nodiscard]] RowPlan plan_element(const BundleTable& table, bool of_values);
  [[nodiscard]] RowPlan plan_columns(const BundleTable& table, bool of_values);

  std::map<std::string, RowPlan, std::less<>> plans_;  // by table
  struct Known {
    std::string component;
    std::string type;
    std::uint32_t version;
    const RowPlan* plan;
  };
  std::vector<Known> known_;
  std::vector<const BundleTable*> tables_;
};

}  // namespace dpi
