#include "probe/audit/row_deriver.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "probe/audit/sql_text.h"

namespace dpi {
namespace {

std::optional<std::int64_t> integer(std::string_view text, ColumnType type) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const auto fits = [value](auto limits) { return value >= limits.min() && value <= limits.max(); };
  if (type == ColumnType::int2 && !fits(std::numeric_limits<std::int16_t>{})) return std::nullopt;
  if (type == ColumnType::int4 && !fits(std::numeric_limits<std::int32_t>{})) return std::nullopt;
  return value;
}

std::optional<std::int64_t> number_of(const WireField& field) {
  return wire_integer(field);
}

}  // namespace

SplitTime split_time(Timestamp time) {
  const auto us = std::chrono::floor<std::chrono::microseconds>(time);
  return {us.time_since_epoch().count() - sql_epoch_s * 1'000'000, (time - us).count()};
}

bool RowDeriver::refuse(std::string_view what, std::string_view name) {
  if (refused_.empty()) refused_ = fmt::format("{} {}", what, harmless(name, 64));
  return false;
}

// Both lists of names are sorted, so they are walked side by side. `lists` is for the payload
// itself: elements hold none.
bool RowDeriver::members(const RowPlan& plan, std::size_t object, std::uint32_t node,
                         std::vector<std::uint32_t>& slots, std::vector<std::uint32_t>* lists) {
  auto planned = plan.objects[object].begin();
  const auto end = plan.objects[object].end();
  if (lists != nullptr) objects_[object] = node;
  for (std::uint32_t at = node + 1; at < tree_.node(node).next; at = tree_.node(at).next) {
    const JsonNode& member = tree_.node(at);
    while (planned != end && planned->name < member.name) ++planned;
    if (planned == end || planned->name != member.name)
      return refuse("unknown member", member.name);
    if (planned->kind == MemberPlan::Kind::list) {
      if (member.kind != JsonKind::array) return refuse("no list in", member.name);
      (*lists)[planned->index] = at;
    } else if (planned->kind == MemberPlan::Kind::object) {
      if (member.kind != JsonKind::object) return refuse("no object in", member.name);
      if (!members(plan, planned->index, at, slots, lists)) return false;
    } else {
      if (member.kind == JsonKind::array || member.kind == JsonKind::object ||
          member.kind == JsonKind::null) {
        return refuse("no value in", member.name);
      }
      slots[planned->index] = at;
    }
  }
  return true;
}

bool RowDeriver::is_whole(const RowPlan& plan, std::size_t object) {
  for (const MemberPlan& member : plan.objects[object])
    if (slots_[member.index] == absent) return refuse("no value for", member.name);
  return true;
}

// As the server casts the text of the value to the column's type.
bool RowDeriver::value(const PlannedColumn& column, std::uint32_t node, RowWriter& to) {
  const JsonNode& from = tree_.node(node);
  const auto wrong = [&] { return refuse("another type of value in", from.name); };
  const bool of_string = column.type == ColumnType::text || column.type == ColumnType::bytea ||
                         column.type == ColumnType::uuid || column.type == ColumnType::inet ||
                         column.type == ColumnType::timestamptz;
  if (of_string != (from.kind == JsonKind::string)) return wrong();
  switch (column.type) {
    case ColumnType::int2:
    case ColumnType::int4:
    case ColumnType::int8: {
      const auto number = integer(from.text, column.type);
      if (from.kind != JsonKind::number || !number) return wrong();
      if (column.type == ColumnType::int2) to.int2(*number);
      if (column.type == ColumnType::int4) to.int4(*number);
      if (column.type == ColumnType::int8) to.int8(*number);
      return true;
    }
    case ColumnType::boolean:
      // Its text decides, so 1 is true; the contract's counts cannot tell them apart either.
      if (from.text != "true" && from.text != "false" && from.text != "1" && from.text != "0")
        return wrong();
      to.boolean(from.text == "true" || from.text == "1");
      return true;
    case ColumnType::text:
      to.text(from.text);
      return true;
    case ColumnType::bytea: {
      const auto bytes = sql_hex(from.text);
      if (!bytes) return wrong();
      to.bytes(*bytes);
      return true;
    }
    case ColumnType::uuid: {
      const auto uuid = sql_uuid(from.text);
      if (!uuid) return wrong();
      to.bytes(*uuid);
      return true;
    }
    case ColumnType::inet: {
      const auto address = sql_host(from.text);
      if (!address) return wrong();
      to.inet(*address);
      return true;
    }
    case ColumnType::timestamptz: {
      const auto time = parse_time(from.text);
      if (!time) return wrong();
      to.time(split_time(*time).us);
      return true;
    }
    default:
      return wrong();
  }
}

bool RowDeriver::row(const RowPlan& plan, const std::vector<std::uint32_t>& slots,
                     const Element& element, ExpectedRows& out) {
  const std::size_t begin = out.bytes.size();
  RowWriter to(out.bytes);
  to.begin(plan.columns.size());
  std::vector<WireField> fields;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    const PlannedColumn& column = plan.columns[i];
    const Envelope& envelope = *element.envelope;
    switch (column.from) {
      case ColumnFrom::ingested_at:
        to.time(element.stored.ingested_at);
        break;
      case ColumnFrom::instance:
        to.bytes(envelope.identity.instance);
        break;
      case ColumnFrom::seq:
        to.int8(static_cast<std::int64_t>(envelope.seq));
        break;
      case ColumnFrom::tenant:
        to.bytes(element.stored.tenant);
        break;
      case ColumnFrom::machine:
        to.bytes(envelope.identity.machine);
        break;
      case ColumnFrom::observed_at:
        to.time(split_time(envelope.observed_at).us);
        break;
      case ColumnFrom::observed_at_ns:
        to.int2(split_time(envelope.observed_at).ns);
        break;
      case ColumnFrom::position:
        if (column.type == ColumnType::int2) to.int2(element.position);
        if (column.type == ColumnType::int4) to.int4(element.position);
        if (column.type == ColumnType::int8) to.int8(element.position);
        break;
      case ColumnFrom::member:
        if (slots[column.slot] != absent) {
          if (!value(column, slots[column.slot], to)) return false;
        } else if (column.not_null) {
          return refuse("no value for", plan.table->columns[i].name);
        } else {
          to.null();
        }
        break;
      case ColumnFrom::member_ns:
        if (slots[column.slot] != absent) {
          to.int2(
              split_time(parse_time(tree_.node(slots[column.slot]).text).value_or(Timestamp{})).ns);
        } else {
          to.null();
        }
        break;
      case ColumnFrom::sum: {
        // The row so far lacks only generated columns, which stand last.
        ByteBuffer head(out.bytes.begin() + static_cast<std::ptrdiff_t>(begin), out.bytes.end());
        head[0] = static_cast<std::uint8_t>(i >> 8U);
        head[1] = static_cast<std::uint8_t>(i);
        if (!split_row(head, fields)) return false;
        std::int64_t sum = 0;
        for (std::size_t part = 1; part < column.columns.size(); ++part)
          sum += number_of(fields[column.columns[part]]).value_or(0);
        to.boolean(number_of(fields[column.columns.front()]) == sum);
        break;
      }
    }
  }
  out.rows.push_back({element.event, begin, out.bytes.size() - begin});
  return true;
}

bool RowDeriver::elements(const ListPlan& list, std::uint32_t node, Element element,
                          std::vector<ExpectedRows>& out) {
  const RowPlan& plan = list.element;
  element.position = 0;
  keys_.clear();
  for (std::uint32_t at = node + 1; at < tree_.node(node).next; at = tree_.node(at).next) {
    element_slots_.assign(plan.slots, absent);
    const JsonNode& value = tree_.node(at);
    if (list.of_values) {
      if (value.kind == JsonKind::array || value.kind == JsonKind::object ||
          value.kind == JsonKind::null) {
        return refuse("no value in", tree_.node(node).name);
      }
      element_slots_.front() = at;
    } else if (value.kind != JsonKind::object) {
      return refuse("no object in", tree_.node(node).name);
    } else if (!members(plan, 0, at, element_slots_, nullptr)) {
      return false;
    }
    if (!row(plan, element_slots_, element, out[plan.table_index])) return false;
    ++element.position;
    // A list without positions is a set: of the values, or by the one member that is the key.
    const PlannedColumn& key = plan.columns[plan.own_key.front()];
    if (key.from == ColumnFrom::member) keys_.push_back(tree_.node(element_slots_[key.slot]).text);
  }
  std::ranges::sort(keys_);
  if (std::ranges::adjacent_find(keys_) != keys_.end())
    return refuse("a key stands twice in", tree_.node(node).name);
  return true;
}

std::optional<std::string> RowDeriver::derive(const Envelope& envelope, std::string_view payload,
                                              const StoredAs& stored, std::size_t event,
                                              std::vector<ExpectedRows>& out) {
  const RowPlan* const plan =
      plans_.find(envelope.component, envelope.event_type, envelope.event_version);
  if (plan == nullptr) return std::nullopt;
  refused_.clear();
  slots_.assign(plan->slots, absent);
  lists_.assign(plan->lists.size(), absent);
  objects_.assign(plan->objects.size(), absent);
  const Element element{&envelope, stored, event, 0};
  const auto undo = [&](const RowPlan& of) {
    ExpectedRows& rows = out[of.table_index];
    while (!rows.rows.empty() && rows.rows.back().event == event) {
      rows.bytes.resize(rows.rows.back().begin);
      rows.rows.pop_back();
    }
  };
  const auto all = [&] {
    if (!tree_.read(payload)) return refuse("no canonical object in", "the payload");
    if (!members(*plan, 0, JsonTree::root, slots_, &lists_)) return false;
    for (const std::size_t object : plan->whole_objects)
      if (objects_[object] != absent && !is_whole(*plan, object)) return false;
    if (!row(*plan, slots_, element, out[plan->table_index])) return false;
    for (std::size_t i = 0; i < plan->lists.size(); ++i) {
      const ListPlan& list = plan->lists[i];
      if (lists_[i] != absent) {
        if (!elements(list, lists_[i], element, out)) return false;
      } else if (list.required && objects_[list.object] != absent) {
        return refuse("no list for", list.element.table->name);
      }
    }
    return true;
  };
  if (all()) return std::nullopt;
  undo(*plan);
  for (const ListPlan& list : plan->lists) undo(list.element);
  return refused_;
}

}  // namespace dpi
