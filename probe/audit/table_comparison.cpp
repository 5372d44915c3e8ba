#include "probe/audit/table_comparison.h"

#include <fmt/format.h>

#include <algorithm>

namespace dpi {
namespace {

constexpr std::size_t strays_kept = 64;    // of one event; more are counted
constexpr std::size_t columns_shown = 12;  // of one row

void put64(EventKey& key, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i)
    key[at + i] = static_cast<std::uint8_t>(value >> (56U - 8U * i));
}

// The server compares these signed.
constexpr std::uint64_t sign = std::uint64_t{1} << 63U;

struct KeyParts {
  SqlTime ingested_at = 0;
  Uuid instance{};
  std::int64_t seq = 0;
};

KeyParts parts_of(const EventKey& key) {
  const auto at = [&](std::size_t begin) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8U | key[begin + i];
    return static_cast<std::int64_t>(value ^ sign);
  };
  KeyParts out{.ingested_at = at(0), .seq = at(24)};
  std::copy_n(key.begin() + 8, out.instance.size(), out.instance.begin());
  return out;
}

constexpr std::size_t event_columns = 3;  // of every key

// Of the row inside its event: " (position 3)".
std::string own_key_text(const BundleTable& table, Bytes row) {
  std::vector<WireField> fields;
  if (!split_row(row, fields)) return {};
  std::string out;
  for (std::size_t i = event_columns; i < table.key.size(); ++i) {
    const std::size_t column = table.column(table.key[i]).value_or(0);
    out += fmt::format("{}{} {}", out.empty() ? " (" : ", ", table.columns[column].name,
                       field_text(fields[column], table.columns[column].type));
  }
  return out.empty() ? out : out + ")";
}

}  // namespace

Finding row_difference(const BundleTable& table, const AuditedEvent& event, Bytes found,
                       Bytes wanted) {
  std::vector<WireField> there, should;
  std::string what;
  std::size_t columns = 0;
  const bool readable = split_row(found, there) && split_row(wanted, should) &&
                        there.size() == should.size() && there.size() == table.columns.size();
  for (std::size_t i = 0; readable && i < table.columns.size(); ++i) {
    const BundleColumn& column = table.columns[i];
    const bool same = there[i].has_value() == should[i].has_value() &&
                      (!there[i] || std::ranges::equal(*there[i], *should[i]));
    if (same || ++columns > columns_shown) continue;
    what += fmt::format("{}{} is {} instead of {}", what.empty() ? "" : "; ", column.name,
                        field_text(there[i], column.type), field_text(should[i], column.type));
  }
  if (columns > columns_shown) what += fmt::format("; {} more columns", columns - columns_shown);
  return {event.instance, event.seq, table.name + own_key_text(table, wanted), what};
}

EventKey event_key(SqlTime ingested_at, const Uuid& instance, std::uint64_t seq) {
  EventKey key{};
  put64(key, 0, static_cast<std::uint64_t>(ingested_at) ^ sign);
  std::copy(instance.begin(), instance.end(), key.begin() + 8);
  put64(key, 24, seq ^ sign);
  return key;
}

TableComparison::TableComparison(const BundleTable& table, const ExpectedRows& expected,
                                 std::span<const AuditedEvent> events, Findings& findings)
    : table_(table), expected_(expected), events_(events), findings_(findings) {
  for (std::size_t i = event_columns; i < table.key.size(); ++i)
    own_key_.push_back(table.column(table.key[i]).value_or(0));
}

TableComparison::Group TableComparison::group_of(std::size_t begin) const {
  Group group{begin, begin};
  while (group.end < expected_.rows.size() &&
         expected_.rows[group.end].event == expected_.rows[begin].event)
    ++group.end;
  return group;
}

bool TableComparison::same_own_key(Bytes a, Bytes b) {
  if (!split_row(a, fields_) || !split_row(b, wanted_)) return false;
  return std::ranges::all_of(own_key_, [&](std::size_t c) {
    return fields_[c].has_value() == wanted_[c].has_value() &&
           (!fields_[c] || std::ranges::equal(*fields_[c], *wanted_[c]));
  });
}

void TableComparison::missing(Group group) {
  for (std::size_t i = group.begin; i < group.end; ++i) {
    const AuditedEvent& event = events_[expected_.rows[i].event];
    findings_.add({event.instance, event.seq, table_.name,
                   fmt::format("the row{} is missing", own_key_text(table_, expected_.row(i)))});
  }
}

void TableComparison::stray(const EventKey& key, Bytes row) {
  const KeyParts parts = parts_of(key);
  const auto event = std::ranges::lower_bound(events_, key, {}, &AuditedEvent::key);
  const bool known = event != events_.end() && event->key == key;
  if (known && event->unjudged) return;
  std::string why = "the event has no such row";
  if (!known) {
    why = fmt::format("no event is stored at ingested_at {}", sql_time_text(parts.ingested_at));
  } else if (!event->no_rows.empty()) {
    why = event->no_rows;
  }
  findings_.add({parts.instance, static_cast<std::uint64_t>(parts.seq), table_.name,
                 fmt::format("a row{} was added: {}", own_key_text(table_, row), why)});
}

void TableComparison::close() {
  if (!open_) return;
  open_ = false;
  std::vector<std::size_t> unmet;
  for (std::size_t i = group_.begin; i < group_.end; ++i)
    if (!met_[i - group_.begin]) unmet.push_back(i);
  // A row with the key of one that is missing is that row, edited; else any of them is.
  for (const bool by_key : {true, false}) {
    std::erase_if(strays_, [&](const ByteBuffer& row) {
      const auto twin = std::ranges::find_if(
          unmet, [&](std::size_t i) { return !by_key || same_own_key(row, expected_.row(i)); });
      if (twin == unmet.end()) return false;
      findings_.add(
          row_difference(table_, events_[expected_.rows[*twin].event], row, expected_.row(*twin)));
      unmet.erase(twin);
      return true;
    });
  }
  for (const ByteBuffer& row : strays_) stray(key_, row);
  for (const std::size_t i : unmet) missing({i, i + 1});
  if (strays_beyond_ > 0) {
    const KeyParts parts = parts_of(key_);
    findings_.add({parts.instance, static_cast<std::uint64_t>(parts.seq), table_.name,
                   fmt::format("{} more rows were added", strays_beyond_)});
  }
  next_ = std::max(next_, group_.end);
}

Result<void> TableComparison::row(Bytes row) {
  ++count_;
  // The key is fixed in place: count of fields, then length and value of each.
  constexpr std::size_t key_bytes = 2 + (4 + 8) + (4 + 16) + (4 + 8);
  const auto unreadable = [&] {
    return fail(Errc::sink, fmt::format("database: {}: unexpected answer", table_.name));
  };
  if (row.size() < key_bytes) return unreadable();
  EventKey key{};
  std::copy_n(row.begin() + 6, 8, key.begin());
  std::copy_n(row.begin() + 18, 16, key.begin() + 8);
  std::copy_n(row.begin() + 38, 8, key.begin() + 24);
  key[0] ^= 0x80U;
  key[24] ^= 0x80U;
  if (!open_ || key != key_) {
    if (open_ && key < key_) {
      findings_.add({std::nullopt, std::nullopt, table_.name,
                     "the database gives rows in another order than that of their key"});
    }
    close();
    while (next_ < expected_.rows.size() && events_[expected_.rows[next_].event].key < key) {
      const Group before = group_of(next_);
      missing(before);
      next_ = before.end;
    }
    const bool here =
        next_ < expected_.rows.size() && events_[expected_.rows[next_].event].key == key;
    group_ = here ? group_of(next_) : Group{next_, next_};
    met_.assign(group_.end - group_.begin, false);
    hint_ = group_.begin;
    key_ = key;
    open_ = true;
    strays_.clear();
    strays_beyond_ = 0;
  }
  // In turn, then anywhere: lists without positions come back in another order.
  for (std::size_t n = 0, i = hint_; n < group_.end - group_.begin; ++n, ++i) {
    if (i == group_.end) i = group_.begin;
    const auto place = static_cast<std::ptrdiff_t>(i - group_.begin);
    if (met_[static_cast<std::size_t>(place)] || !std::ranges::equal(expected_.row(i), row))
      continue;
    met_[static_cast<std::size_t>(place)] = true;
    hint_ = i + 1 == group_.end ? group_.begin : i + 1;
    return {};
  }
  if (strays_.size() < strays_kept) {
    strays_.emplace_back(row.begin(), row.end());
  } else {
    ++strays_beyond_;
  }
  return {};
}

void TableComparison::finish() {
  close();
  while (next_ < expected_.rows.size()) {
    const Group rest = group_of(next_);
    missing(rest);
    next_ = rest.end;
  }
}

}  // namespace dpi
