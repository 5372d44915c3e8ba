#include "probe/app/payload_members.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/app/schema_bundle.h"

namespace dpi {
namespace {

// What stands between `begin` and the parenthesis that closes it, from `at` on.
std::string_view parenthesis(std::string_view sql, std::string_view begin, std::size_t at) {
  const std::size_t opens = sql.find(begin, at);
  if (opens == std::string_view::npos) return {};
  const std::size_t first = opens + begin.size();
  return sql.substr(first, sql.find(')', first) - first);
}

}  // namespace

std::set<std::string, std::less<>> payload_members(std::string_view kind) {
  std::set<std::string, std::less<>> out;
  const std::string function = fmt::format("create function re_dpi.store_{}(", kind);
  for (const SchemaFile& file : schema_files()) {
    const std::size_t at = file.sql.find(function);
    if (at == std::string_view::npos) continue;
    // name type, name type, …
    std::string_view columns = parenthesis(file.sql, "json_to_record(u.payload) r(", at);
    while (!columns.empty()) {
      const std::size_t end = std::min(columns.find(','), columns.size());
      std::string_view column = columns.substr(0, end);
      column.remove_prefix(std::min(column.find_first_not_of(" \n"), column.size()));
      if (const std::size_t space = column.find(' '); space != std::string_view::npos)
        out.emplace(column.substr(0, space));
      columns.remove_prefix(std::min(end + 1, columns.size()));
    }
  }
  return out;
}

}  // namespace dpi
