#include "probe/app/schema_check.h"

#include <fmt/format.h>

#include <map>

#include "probe/app/schema.h"
#include "probe/store/conninfo.h"

namespace dpi {
namespace {

// Rows (object, pattern, aspect, value). A partition's names carry its date, so its pattern is what
// every partition of that table is compared with; a date inside a value is replaced too. A sealed
// partition has one constraint more. Roles are the cluster's, not the database's: what they may
// never be is listed only when they are.
constexpr const char* list_objects = R"sql(
with spaces as (
    select n.oid, n.nspname from pg_namespace n
    where n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_ops', 're_corr', 're_ai', 're_view')
), relations as (
    select c.oid, s.nspname || '.' || c.relname as object, s.nspname || '.' || coalesce(p.relname || '_p*', c.relname) as pattern,
           c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, c.reloptions, p.oid as parent
    from pg_class c join spaces s on s.oid = c.relnamespace
    left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
), found(object, pattern, aspect, value) as (
    select 'schema ' || n.nspname, null, 'owner', n.nspowner::regrole::text from spaces s join pg_namespace n using (oid)
    union all
    select 'schema ' || n.nspname, null, format('right of %s to %s', case a.grantee when 0 then 'public' else a.grantee::regrole::text end, lower(a.privilege_type)), a.is_grantable::text
    from spaces s join pg_namespace n using (oid) cross join aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    union all
    select object, pattern, 'kind', concat_ws(' ', case relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' else relkind::text end,
           case when parent is not null then 'partition' end, relpersistence::text, array_to_string(reloptions, ',')) from relations
    union all
    select object, pattern, 'owner', relowner::regrole::text from relations
    union all
    select object, pattern, 'row-level security', concat_ws(' ', case when relrowsecurity then 'on' else 'off' end, case when relforcerowsecurity then 'forced' end) from relations
    union all
    select object, pattern, format('right of %s to %s', case a.grantee when 0 then 'public' else a.grantee::regrole::text end, lower(a.privilege_type)), a.is_grantable::text
    from relations cross join aclexplode(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))) a where relkind <> 'c'
    union all
    select r.object, r.pattern, 'column ' || a.attname,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end, 'default ' || pg_get_expr(d.adbin, d.adrelid),
                     nullif(a.attidentity, ''), nullif(a.attgenerated, ''), 'collation ' || nullif(a.attcollation, t.typcollation)::regcollation::text, a.attacl::text)
    from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    union all
    select r.object, r.pattern, 'constraint ' || regexp_replace(k.conname, '_p\d{6,8}', '_p*'),
           regexp_replace(pg_get_constraintdef(k.oid), '_p\d{6,8}\y', '_p*', 'g') || case when k.convalidated then '' else ' (not valid)' end
    from relations r join pg_constraint k on k.conrelid = r.oid
    where k.conname <> 'partition_is_sealed' and k.contype <> 't' and not (k.contype = 'f' and k.conparentid <> 0)
    union all
    select r.object, r.pattern, 'index ' || regexp_replace(regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \S+ ON', 'ON'), '_p\d{6,8}\y', '_p*', 'g'),
           concat_ws(' ', case when i.indisvalid then 'valid' else 'invalid' end, case when i.indisready then 'ready' end)
    from relations r join pg_index i on i.indrelid = r.oid
    union all
    select r.object, r.pattern, 'trigger ' || g.tgname,
           regexp_replace(pg_get_triggerdef(g.oid), '_p\d{6,8}\y', '_p*', 'g')
           || case g.tgenabled when 'O' then ' (enabled)' when 'D' then ' (disabled)' when 'A' then ' (enabled always)' else ' (enabled for replicas)' end
    from relations r join pg_trigger g on g.tgrelid = r.oid where not g.tgisinternal
    union all
    select r.object, r.pattern, 'disabled check of constraint ' || regexp_replace(k.conname, '_p\d{6,8}', '_p*') || ' by ' || p.proname, g.tgenabled::text
    from relations r join pg_trigger g on g.tgrelid = r.oid join pg_constraint k on k.oid = g.tgconstraint join pg_proc p on p.oid = g.tgfoid
    where g.tgisinternal and g.tgenabled <> 'O'
    union all
    select r.object, r.pattern, 'policy ' || p.polname,
           concat_ws(' ', p.polcmd, p.polpermissive, (select string_agg(case x when 0 then 'public' else x::regrole::text end, ',' order by 1) from unnest(p.polroles) x),
                     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    from relations r join pg_policy p on p.polrelid = r.oid
    union all
    select r.object, r.pattern, 'rule ' || w.rulename, case when r.relkind = 'v' then 'text ' || md5(pg_get_viewdef(r.oid)) else 'rule' end || ' ' || w.ev_enabled::text
    from relations r join pg_rewrite w on w.ev_class = r.oid
    union all
    select p.oid::regprocedure::text, null, x.aspect, x.value
    from pg_proc p join spaces s on s.oid = p.pronamespace
    cross join lateral (values ('owner', p.proowner::regrole::text),
                               ('definition', case when p.prokind in ('f', 'p') then md5(pg_get_functiondef(p.oid)) else p.prokind::text end)) x(aspect, value)
    union all
    select p.oid::regprocedure::text, null, format('right of %s to %s', case a.grantee when 0 then 'public' else a.grantee::regrole::text end, lower(a.privilege_type)), a.is_grantable::text
    from pg_proc p join spaces s on s.oid = p.pronamespace cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    union all
    select 'default rights of ' || d.defaclrole::regrole, null, coalesce(d.defaclnamespace::regnamespace::text, '') || d.defaclobjtype::text, d.defaclacl::text
    from pg_default_acl d where d.defaclrole::regrole::text like 're\_%'
    union all
    select 'event trigger ' || evtname, null, 'kind', evtevent || ' ' || evtenabled::text from pg_event_trigger
)
select object, pattern, aspect, value from found
)sql";

// Rows of the bundle's own content, and what a group role must never be.
constexpr const char* list_content = R"sql(
select 're_raw.event_type', null, 'row ' || concat_ws(' ', component, event_type, 'v' || event_version), store_schema || '.' || store_name from re_raw.event_type
union all
select 're_ops.retention_policy', null, 'row ' || p.schema_name || '.' || p.table_name, row(p.*)::text from re_ops.retention_policy p
)sql";
constexpr const char* list_roles = R"sql(
select 'role ' || r.rolname, null, x.aspect, 'yes'
from pg_roles r
cross join lateral (values ('login', r.rolcanlogin), ('superuser', r.rolsuper), ('bypass of row-level security', r.rolbypassrls),
                           ('right to create roles', r.rolcreaterole), ('replication', r.rolreplication)) x(aspect, held)
where r.rolname in ('re_owner', 're_corr_owner', 're_ai_owner', 're_viewer', 're_probe', 're_agent_writer', 're_ingest', 're_correlation', 're_ai_writer',
                    're_soc', 're_auditor', 're_retention', 're_enrol') and x.held
union all
select 'role ' || r.rolname, null, 'member ' || m.rolname, 'yes'
from pg_auth_members a join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member
where r.rolname in ('re_owner', 're_corr_owner', 're_ai_owner', 're_viewer') and (r.rolname, m.rolname) <> ('re_ai_owner', 're_owner') and not m.rolsuper
)sql";

// What a dump and its restore make of the bundle's CHECKs and views: they come back through their
// text, in which `a between x and y and b` has lost a pair of parentheses. Rows (object, aspect,
// value) like those above, to be run in the scratch database only.
constexpr const char* make_restored = R"sql(
create schema re_restored;
create table re_restored.found (object text, aspect text, value text);
do $$
declare
    x record;
    made text;
begin
    for x in
        select k.conrelid, k.conname, format('%s.%s', n.nspname, c.relname) as object, pg_get_constraintdef(k.oid) as definition
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype = 'c' and not c.relispartition and n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_ops', 're_corr', 're_ai')
        order by k.conrelid
    loop
        execute format('create table re_restored.again (like %s)', x.conrelid::regclass);
        execute format('alter table re_restored.again add constraint %I %s', x.conname, x.definition);
        select pg_get_constraintdef(k.oid) into made from pg_constraint k where k.conrelid = 're_restored.again'::regclass and k.contype = 'c';
        insert into re_restored.found values (x.object, 'constraint ' || x.conname, made);
        drop table re_restored.again;
    end loop;
    for x in
        select c.oid, format('%s.%s', n.nspname, c.relname) as object, w.rulename, w.ev_enabled::text as enabled
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_rewrite w on w.ev_class = c.oid
        where c.relkind = 'v' and n.nspname in ('re_core', 're_raw', 're_ops', 're_view')
    loop
        execute format('create view re_restored.again as %s', pg_get_viewdef(x.oid));
        insert into re_restored.found values (x.object, 'rule ' || x.rulename, 'text ' || md5(pg_get_viewdef('re_restored.again'::regclass)) || ' ' || x.enabled);
        drop view re_restored.again;
    end loop;
end $$;
)sql";

using Aspects = std::map<std::string, std::string>;
struct Object {
  std::string pattern;  // of a partition
  Aspects aspects;
  Aspects restored;  // those that a dump and its restore spell otherwise
};
using Objects = std::map<std::string, Object>;

Result<Objects> read_objects(Postgres& database) {
  Objects out;
  // Names are spelled in full everywhere, constants alike whatever the database's own settings are.
  if (auto set = database.run("set search_path = pg_catalog; set timezone = 'UTC'; "
                              "set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; "
                              "set bytea_output = 'hex'; set quote_all_identifiers = off");
      !set) {
    return tl::unexpected(set.error());
  }
  for (const char* const query : {list_objects, list_content}) {
    const auto rows = database.query(query);
    if (!rows) return tl::unexpected(rows.error());
    for (const SqlRow& row : *rows) {
      Object& object = out[row[0].value_or("")];
      object.pattern = row[1] && row[1]->ends_with("_p*") ? *row[1] : "";
      object.aspects.insert_or_assign(row[2].value_or(""), row[3].value_or(""));
    }
  }
  return out;
}

// What the bundle makes, from a transaction that never ends.
Result<Objects> read_bundle(const std::string& conninfo) {
  auto scratch = Postgres::connect(conninfo);
  if (!scratch) return tl::unexpected(scratch.error());
  if (auto begun = scratch->run("begin"); !begun) return tl::unexpected(begun.error());
  if (auto applied = apply_schema_files(*scratch); !applied) return tl::unexpected(applied.error());
  auto objects = read_objects(*scratch);
  if (!objects) return objects;
  if (auto made = scratch->run(make_restored); !made) return tl::unexpected(made.error());
  const auto rows = scratch->query("select object, aspect, value from re_restored.found");
  if (!rows) return tl::unexpected(rows.error());
  std::map<std::string, Aspects> restored;
  for (const SqlRow& row : *rows)
    restored[row[0].value_or("")].insert_or_assign(row[1].value_or(""), row[2].value_or(""));
  for (auto& [name, object] : *objects) {
    // A partition has the constraints of its table, REL_p*.
    std::string table = object.pattern.empty() ? name : object.pattern;
    if (table.ends_with("_p*")) table.resize(table.size() - 3);
    if (const auto spelled = restored.find(table); spelled != restored.end())
      object.restored = spelled->second;
  }
  return objects;
}

bool spelled_so(const Aspects& restored, const std::string& aspect, const std::string& value) {
  const auto at = restored.find(aspect);
  return at != restored.end() && at->second == value;
}

void compare(const std::string& name, const Object& bundled, const Aspects& found,
             std::vector<std::string>& out) {
  const Aspects& wanted = bundled.aspects;
  for (const auto& [aspect, value] : wanted) {
    const auto other = found.find(aspect);
    if (other == found.end()) {
      out.push_back(fmt::format("{}: {} is missing", name, aspect));
    } else if (other->second != value && !spelled_so(bundled.restored, aspect, other->second)) {
      out.push_back(
          fmt::format("{}: {} is '{}' instead of '{}'", name, aspect, other->second, value));
    }
  }
  for (const auto& [aspect, value] : found) {
    if (!wanted.contains(aspect))
      out.push_back(fmt::format("{}: {} is not of the bundle", name, aspect));
  }
}

std::vector<std::string> compare(const Objects& wanted, const Objects& found) {
  std::map<std::string, const Object*> partitions;
  for (const auto& [name, object] : wanted) {
    if (!object.pattern.empty()) partitions.emplace(object.pattern, &object);
  }
  std::vector<std::string> out;
  for (const auto& [name, object] : wanted) {
    if (!object.pattern.empty()) continue;  // which days there are is not the bundle's matter
    const auto other = found.find(name);
    if (other == found.end()) {
      out.push_back(fmt::format("{} is missing", name));
    } else {
      compare(name, object, other->second.aspects, out);
    }
  }
  for (const auto& [name, object] : found) {
    const auto partition = partitions.find(object.pattern);
    if (partition != partitions.end()) {
      compare(name, *partition->second, object.aspects, out);
    } else if (!wanted.contains(name) || !object.pattern.empty()) {
      out.push_back(fmt::format("{} is not of the bundle", name));
    }
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> schema_differences(Postgres& database,
                                                    const std::string& conninfo) {
  const auto found = read_objects(database);
  if (!found) return tl::unexpected(found.error());
  const auto roles = database.query(list_roles);
  if (!roles) return tl::unexpected(roles.error());
  // In the scratch database's server, which need not be the one that is compared.
  auto scratch = Postgres::connect(conninfo);
  if (!scratch) return tl::unexpected(scratch.error());
  const auto named =
      scratch->query("select 're_schema_check_' || replace(gen_random_uuid()::text, '-', '')");
  if (!named) return tl::unexpected(named.error());
  const std::string name = named->at(0).at(0).value_or("");
  if (auto created =
          scratch->run(fmt::format("create database {} template template0 encoding 'UTF8'", name));
      !created) {
    return tl::unexpected(created.error());
  }
  const auto wanted = read_bundle(with_database(conninfo, name));
  // The server gives the other session five seconds to end; on a busy machine that is not enough.
  constexpr int attempts = 12;
  constexpr std::string_view object_in_use = "55006";
  auto dropped = scratch->run(fmt::format("drop database {} with (force)", name));
  for (int i = 1; i < attempts && !dropped && scratch->sqlstate() == object_in_use; ++i)
    dropped = scratch->run(fmt::format("drop database {} with (force)", name));
  if (!dropped) return tl::unexpected(dropped.error());
  if (!wanted) return tl::unexpected(wanted.error());
  std::vector<std::string> out = compare(*wanted, *found);
  for (const SqlRow& row : *roles)
    out.push_back(
        fmt::format("{}: {} is not of the bundle", row[0].value_or(""), row[2].value_or("")));
  return out;
}

}  // namespace dpi
