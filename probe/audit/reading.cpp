#include "probe/audit/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "probe/audit/wire_row.h"

namespace dpi {
namespace {

// Rows (table, kind, rules, wrong partitions).
constexpr const char* list_tables = R"sql(
select n.nspname || '.' || c.relname, c.relkind::text,
       (select count(*) from pg_catalog.pg_rewrite w where w.ev_class = c.oid),
       (select string_agg(l.oid::regclass::text, ', ' order by l.oid::regclass::text)
        from pg_catalog.pg_inherits i join pg_catalog.pg_class l on l.oid = i.inhrelid
        where i.inhparent = c.oid
          and (l.relkind <> 'r' or exists (select from pg_catalog.pg_rewrite w where w.ev_class = l.oid)))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_ops') and c.relkind in ('r', 'p', 'v', 'f', 'm') and not c.relispartition
)sql";
// Rows (table, column, type).
constexpr const char* list_columns = R"sql(
select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_ops') and c.relkind in ('r', 'p', 'v', 'f', 'm') and not c.relispartition
)sql";

struct FoundTable {
  std::string kind;
  bool has_rules = false;
  std::string partitions;
  std::map<std::string, std::string> columns;
};

bool audited(const BundleTable& table) {
  return std::ranges::any_of(std::array{"re_core.", "re_raw.", "re_agent.", "re_dpi.", "re_ops."},
                             [&](const char* schema) { return table.name.starts_with(schema); });
}

}  // namespace

Result<void> begin_reading(Postgres& database) {
  if (auto begun = database.run(
          "begin isolation level repeatable read read only; set local search_path = pg_catalog; "
          "set local row_security = off; set local timezone = 'UTC'; set local datestyle = 'ISO, "
          "YMD'; set local bytea_output = 'hex'");
      !begun) {
    return begun;
  }
  auto shown = database.query("select from re_raw.raw_event limit 0");
  if (shown) return {};
  constexpr const char* insufficient_privilege = "42501";
  if (database.sqlstate() != insufficient_privilege) return tl::unexpected(shown.error());
  return fail(Errc::usage,
              fmt::format("{}: this login is not shown every row of every tenant, so nothing could "
                          "be said of those that it does not see; verify as a superuser, or make a "
                          "login for it: create role verifier login bypassrls; grant re_auditor to "
                          "verifier",
                          shown.error().what));
}

std::string column_list(const BundleTable& table) {
  std::string out;
  for (const BundleColumn& column : table.columns)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", column.name);
  return out;
}

Result<std::vector<const BundleTable*>> readable_tables(Postgres& database,
                                                        const BundleCatalogue& bundle,
                                                        Findings& findings) {
  std::map<std::string, FoundTable, std::less<>> found;
  const auto tables = database.query(list_tables);
  if (!tables) return tl::unexpected(tables.error());
  for (const SqlRow& row : *tables)
    found[row[0].value_or("")] = {row[1].value_or(""), row[2] != "0", row[3].value_or(""), {}};
  const auto columns = database.query(list_columns);
  if (!columns) return tl::unexpected(columns.error());
  for (const SqlRow& row : *columns)
    found[row[0].value_or("")].columns[row[1].value_or("")] = row[2].value_or("");

  std::vector<const BundleTable*> out;
  for (const BundleTable& table : bundle.tables()) {
    if (!audited(table)) continue;
    const auto say = [&](std::string what) {
      findings.add({std::nullopt, std::nullopt, table.name, std::move(what)});
    };
    const auto at = found.find(table.name);
    if (at == found.end()) {
      say("the table is missing");
      continue;
    }
    const FoundTable& there = at->second;
    if (there.kind != (table.partitioned ? "p" : "r") || there.has_rules)
      say("it is not the table of the bundle but a view, a foreign table, or one with rules");
    if (!there.partitions.empty())
      say("its partition " + harmless(there.partitions) + " is not a plain table");
    bool readable = true;
    for (const BundleColumn& column : table.columns) {
      const auto has = there.columns.find(column.name);
      if (has != there.columns.end() && has->second == column.type_name) continue;
      // Types that no row is compared by are the schema comparison's matter.
      if (has != there.columns.end() && column.type == ColumnType::other) continue;
      say(has == there.columns.end()
              ? fmt::format("column {} is missing", column.name)
              : fmt::format("column {} is of type {} instead of {}", column.name,
                            harmless(has->second), column.type_name));
      readable = false;
    }
    for (const auto& [name, type] : there.columns)
      if (!table.column(name)) say("column " + harmless(name) + " is not of the bundle");
    if (readable) out.push_back(&table);
  }
  return out;
}

}  // namespace dpi
