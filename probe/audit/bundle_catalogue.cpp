#include "probe/audit/bundle_catalogue.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "probe/base/check.h"

namespace dpi {
namespace {

struct TypeName {
  std::string_view sql;
  std::string_view formatted;
  ColumnType type;
};
constexpr std::array type_names{
    TypeName{"smallint", "smallint", ColumnType::int2},
    TypeName{"int", "integer", ColumnType::int4},
    TypeName{"bigint", "bigint", ColumnType::int8},
    TypeName{"boolean", "boolean", ColumnType::boolean},
    TypeName{"text", "text", ColumnType::text},
    TypeName{"name", "name", ColumnType::text},
    TypeName{"bytea", "bytea", ColumnType::bytea},
    TypeName{"uuid", "uuid", ColumnType::uuid},
    TypeName{"inet", "inet", ColumnType::inet},
    TypeName{"timestamptz", "timestamp with time zone", ColumnType::timestamptz},
};

bool is_space(char c) {
  return c == ' ' || c == '\n';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The first word of `rest`, which loses it.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::size_t end = std::min(rest.find_first_of(" \n"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

bool take(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest = trimmed(rest.substr(prefix.size()));
  return true;
}

// Where the parenthesis that opens `text` closes; strings may hold parentheses.
std::size_t closing(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  DPI_CHECK(false);
  return text.size();
}

std::string_view parenthesised(std::string_view text) {
  text = text.substr(text.find('('));
  return text.substr(1, closing(text) - 1);
}

// Parts of a list, at commas that stand in no parenthesis, string or comment.
std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> out;
  int depth = 0;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (c == '\'') quoted = !quoted;
    if (quoted) continue;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      out.push_back(trimmed(list.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  out.push_back(trimmed(list.substr(begin)));
  return out;
}

// SQL without its `-- comments`, which may hold quotes and commas.
std::string without_comments(std::string_view sql) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '\'') quoted = !quoted;
    if (!quoted && sql.substr(i).starts_with("--")) i = std::min(sql.find('\n', i), sql.size());
    if (i < sql.size()) out.push_back(sql[i]);
  }
  return out;
}

BundleColumn read_column(std::string_view text) {
  BundleColumn out;
  out.name = take_word(text);
  const std::string_view type = take_word(text);
  const auto known = std::ranges::find(type_names, type, &TypeName::sql);
  if (known != type_names.end()) {
    out.type = known->type;
    out.type_name = known->formatted;
  } else {
    out.type_name = type;
  }
  if (take(text, "not null")) out.not_null = true;
  if (take(text, "generated always as")) out.generated = parenthesised(text);
  return out;
}

std::string_view unquoted(std::string_view text) {
  DPI_CHECK(text.size() >= 2 && text.front() == '\'' && text.back() == '\'');
  return text.substr(1, text.size() - 2);
}

}  // namespace

std::optional<std::size_t> BundleTable::column(std::string_view wanted) const {
  const auto at = std::ranges::find(columns, wanted, &BundleColumn::name);
  if (at == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(at - columns.begin());
}

BundleCatalogue::BundleCatalogue(std::span<const std::string_view> files) {
  for (const std::string_view commented : files) {
    const std::string file = without_comments(commented);
    std::string_view rest = file;
    constexpr std::string_view begins = "\ncreate table ";
    for (std::size_t at = rest.find(begins); at != std::string_view::npos; at = rest.find(begins)) {
      rest.remove_prefix(at + begins.size());
      const std::string_view name = rest.substr(0, rest.find(' '));
      const std::string_view body = rest.substr(rest.find('('));
      const std::size_t end = closing(body);
      read_table(name, body.substr(1, end - 1), body.substr(end, body.find(';', end) - end));
    }
    read_event_types(file);
  }
}

void BundleCatalogue::read_table(std::string_view name, std::string_view body,
                                 std::string_view tail) {
  BundleTable& table = tables_.emplace_back();
  table.name = name;
  table.partitioned = tail.find("partition by") != std::string_view::npos;
  for (std::string_view part : split(body)) {
    if (!take(part, "constraint ")) {
      table.columns.push_back(read_column(part));
      continue;
    }
    const std::string_view constraint = take_word(part);
    if (part.starts_with("primary key")) {
      for (const std::string_view column : split(parenthesised(part)))
        table.key.emplace_back(column);
    } else if (part.starts_with("check")) {
      table.checks.push_back({std::string{constraint}, std::string{parenthesised(part)}});
    }
  }
}

void BundleCatalogue::read_event_types(std::string_view file) {
  constexpr std::string_view begins =
      "insert into re_raw.event_type (component, event_type, event_version, store_schema, "
      "store_name) values";
  const std::size_t at = file.find(begins);
  if (at == std::string_view::npos) return;
  file.remove_prefix(at + begins.size());
  for (const std::string_view row : split(file.substr(0, file.find(';')))) {
    const auto fields = split(parenthesised(row));
    DPI_CHECK(fields.size() == 5);
    BundleEventType& type = types_.emplace_back();
    type.component = unquoted(fields[0]);
    type.event_type = unquoted(fields[1]);
    std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), type.event_version);
    constexpr std::string_view store = "store_";
    const std::string_view function = unquoted(fields[4]);
    DPI_CHECK(function.starts_with(store));
    type.table = unquoted(fields[3]);
    type.table += '.';
    type.table += function.substr(store.size());
  }
}

const BundleTable& BundleCatalogue::table(std::string_view name) const {
  const auto at = std::ranges::find(tables_, name, &BundleTable::name);
  DPI_CHECK(at != tables_.end());
  return *at;
}

}  // namespace dpi
