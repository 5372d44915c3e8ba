// The rows that one event must have, from its envelope and payload alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/audit/row_plan.h"
#include "probe/audit/wire_row.h"
#include "probe/envelope/envelope.h"
#include "probe/envelope/json_tree.h"

namespace dpi {

// A timestamptz and its column of nanoseconds.
struct SplitTime {
  SqlTime us = 0;
  std::int64_t ns = 0;
};
[[nodiscard]] SplitTime split_time(Timestamp time);

// What the database adds to an event: not signed, the same in all its rows.
struct StoredAs {
  SqlTime ingested_at = 0;
  Uuid tenant{};
};

// Rows of one table, in the order of events and, in one event, of its payload.
struct ExpectedRows {
  struct Row {
    std::size_t event;  // index in the caller's list of events
    std::size_t begin;  // in bytes
    std::size_t size;
  };
  ByteBuffer bytes;
  std::vector<Row> rows;

  void clear() {
    bytes.clear();
    rows.clear();
  }
  [[nodiscard]] Bytes row(std::size_t index) const {
    return Bytes{bytes}.subspan(rows[index].begin, rows[index].size);
  }
};

class RowDeriver {
 public:
  explicit RowDeriver(const RowPlans& plans) : plans_(plans) {}

  // Appends to `out`, one entry for each of RowPlans::tables(). Why the contract of this event type
  // makes no row of such a payload, which then left nothing in `out`; nothing when it does.
  [[nodiscard]] std::optional<std::string> derive(const Envelope& envelope,
                                                  std::string_view payload, const StoredAs& stored,
                                                  std::size_t event,
                                                  std::vector<ExpectedRows>& out);

 private:
  struct Element {
    const Envelope* envelope;
    StoredAs stored;
    std::size_t event;
    std::int64_t position;
  };
  static constexpr std::uint32_t absent = 0xffffffffU;

  [[nodiscard]] bool members(const RowPlan& plan, std::size_t object, std::uint32_t node,
                             std::vector<std::uint32_t>& slots, std::vector<std::uint32_t>* lists);
  [[nodiscard]] bool is_whole(const RowPlan& plan, std::size_t object);
  [[nodiscard]] bool row(const RowPlan& plan, const std::vector<std::uint32_t>& slots,
                         const Element& element, ExpectedRows& out);
  [[nodiscard]] bool value(const PlannedColumn& column, std::uint32_t node, RowWriter& to);
  [[nodiscard]] bool elements(const ListPlan& list, std::uint32_t node, Element element,
                              std::vector<ExpectedRows>& out);
  bool refuse(std::string_view what, std::string_view name);

  const RowPlans& plans_;
  JsonTree tree_;
  std::vector<std::uint32_t> slots_, element_slots_, lists_;
  std::vector<std::uint32_t> objects_;  // nodes of the payload's objects
  std::vector<std::string_view> keys_;  // of the elements of one list
  std::string refused_;
};

}  // namespace dpi
