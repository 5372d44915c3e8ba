-- What the catalogue must say: keys, comments, refusal triggers, row-level security, fixed search paths, no right for PUBLIC; and every
-- view and function answers on an empty database.
begin;
set search_path = t, public;
select no_plan();

create temp view tables as
    select c.oid, n.nspname, c.relname, c.relkind, c.relispartition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_corr', 're_ai', 're_ops') and c.relkind in ('r', 'p');

select is_empty($$ select oid::regclass from tables x where not exists (select from pg_constraint k where k.conrelid = x.oid and k.contype = 'p') $$,
    'every table has a primary key');
select is_empty($$ select x.oid::regclass from tables x where not relispartition and obj_description(x.oid, 'pg_class') is null $$, 'every table has a comment');
select is_empty($$ select x.oid::regclass, a.attname from tables x join pg_attribute a on a.attrelid = x.oid and a.attnum > 0 and not a.attisdropped
    where not x.relispartition and col_description(x.oid, a.attnum) is null $$, 'every column has a comment');
select is_empty($$ select c.oid::regclass, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relkind in ('v', 'c') and c.relnamespace::regnamespace::text like 're\_%' and (obj_description(c.oid, 'pg_class') is null and c.relkind = 'v' or col_description(c.oid, a.attnum) is null) $$,
    'every view and type too, with each of its columns');
select is_empty($$ select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname like 're\_%'
    and obj_description(p.oid, 'pg_proc') is null $$, 'every function has a comment');
select is_empty($$ select x.oid::regclass from tables x where not exists (
        select from pg_trigger g where g.tgrelid = x.oid and g.tgname = 'refuse_change' and g.tgenabled = 'A' and g.tgtype = 2 + 8 + 16 + 32)
    and format('%s.%s', nspname, relname) not in ('re_raw.chain_head', 're_raw.violation_counter') $$,
    'every table and leaf refuses UPDATE, DELETE and TRUNCATE, but for two derived ones');
select is_empty($$ select x.oid::regclass from tables x join pg_attribute a on a.attrelid = x.oid and a.attname = 'tenant_id' join pg_class c on c.oid = x.oid
    where not x.relispartition and not (c.relrowsecurity and exists (select from pg_policy p where p.polrelid = x.oid)) $$,
    'every table with a tenant has row-level security');
select is_empty($$ select p.polrelid::regclass, p.polname from pg_policy p where p.polname <> 'tenant_reads' or p.polcmd <> 'r' or not p.polpermissive
    or pg_get_expr(p.polqual, p.polrelid) not like '((tenant_id = ( SELECT re_core.my_tenant() AS my_tenant)) OR ( SELECT re_core.sees_all_tenants() AS sees_all_tenants))' $$,
    'no policy lets anybody read another tenant''s rows');
select is_empty($$ select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname like 're\_%' and not exists (select from unnest(p.proconfig) s where s = 'search_path=pg_catalog, pg_temp')
      and p.prolang <> (select oid from pg_language where lanname = 'sql') $$, 'every function fixes its search_path');
select is_empty($$ select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname like 're\_%' and has_function_privilege('t_nobody', p.oid, 'execute') $$, 'PUBLIC may execute nothing');
select is_empty($$ select oid::regclass from tables where has_table_privilege('t_nobody', oid, 'select, insert, update, delete, truncate, references, trigger') $$,
    'PUBLIC holds no right on any table');
select is_empty($$ select r.rolname, x.oid::regclass from tables x cross join pg_roles r
    where r.rolname in ('re_probe', 're_agent_writer', 're_ingest', 're_correlation', 're_ai_writer', 're_soc', 're_auditor', 're_retention', 're_enrol', 're_viewer')
      and has_table_privilege(r.oid, x.oid, 'insert, update, delete, truncate') $$, 'no working role may write a table');
select is_empty($$ select x.oid::regclass from tables x where relkind = 'p' and not exists (
    select from re_ops.retention_policy p where p.schema_name = x.nspname and p.table_name = x.relname and p.span <> 'none') $$, 'every partitioned table has its policy');
select is_empty($$ select x.oid::regclass from tables x where not relispartition and not exists (
    select from re_ops.retention_policy p where p.schema_name = x.nspname and p.table_name = x.relname) $$, 'every table is named by the policy');
select is_empty($$ select x.oid::regclass from tables x where relispartition and nspname in ('re_dpi', 're_agent') and not exists (
    select from pg_constraint k join pg_class c on c.oid = k.confrelid where k.conrelid = x.oid and k.contype = 'f' and c.relispartition) $$,
    'every normalised leaf references a leaf of the same day');
select is_empty($$ select x.oid::regclass, a.attname from tables x join pg_attribute a on a.attrelid = x.oid and a.attnum > 0
    where a.atttypid in ('json'::regtype, 'jsonb'::regtype) $$, 'no JSON column');
select is_empty($$ select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 're_view' and c.relkind = 'v'
    and pg_get_viewdef(c.oid) !~ 'ORDER BY' $$, 'every view has an order');
select is_empty($$ select rolname from pg_roles where rolname like 're\_%' and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole) $$, 'group roles cannot log in');
select is_empty($$ select x.oid::regclass from tables x join pg_inherits i on i.inhrelid = x.oid join pg_class c on c.oid = i.inhparent
    join re_ops.retention_policy r on r.schema_name = x.nspname and r.table_name = c.relname
    where r.parent_table is not null and not exists (select from pg_constraint k join pg_class f on f.oid = k.confrelid where k.conrelid = x.oid and k.contype = 'f' and f.relispartition) $$,
    'every leaf references its parent''s leaf');

-- The inventory: whoever takes away (or adds) one rule or one right changes these lines with it. c CHECK, f FOREIGN KEY, p PRIMARY KEY, u UNIQUE.
select is((select string_agg(n.nspname || ' ' || x, ', ' order by n.nspname collate "C") from (
  select c.relnamespace, string_agg(k || n::text, ' ' order by k) as x from (
    select c.relnamespace, k.contype::text as k, count(*) as n from pg_constraint k join pg_class c on c.oid = k.conrelid where not c.relispartition and k.contype in ('c', 'f', 'p', 'u') group by 1, 2) c group by 1) y
join pg_namespace n on n.oid = y.relnamespace where n.nspname like 're\_%'),
    're_agent c50 p6, re_ai c14 f9 p6 u1, re_core c24 f9 p10 u6, re_corr c25 f13 p8 u9, re_dpi c152 p28, re_ops c14 f3 p4 u2, re_raw c39 f11 p12 u4', 'constraints of each schema');
select is((select string_agg(n.nspname || ' ' || x.n, ', ' order by n.nspname collate "C") from (
  select c.relnamespace, count(*) as n from pg_attribute a join pg_class c on c.oid = a.attrelid where not c.relispartition and c.relkind in ('r', 'p') and a.attnum > 0 and a.attnotnull and not a.attisdropped group by 1) x
join pg_namespace n on n.oid = x.relnamespace where n.nspname like 're\_%'),
    're_agent 68, re_ai 51, re_core 65, re_corr 70, re_dpi 327, re_ops 26, re_raw 98', 'columns of each schema that are never NULL');
select is((select string_agg(g || ' ' || n, ', ' order by g collate "C") from (
  select a.grantee::regrole::text as g, count(*) as n from (
    select relacl as acl, relowner as o from pg_class where relnamespace::regnamespace::text like 're\_%' and not relispartition
    union all select proacl, proowner from pg_proc where pronamespace::regnamespace::text like 're\_%'
    union all select nspacl, nspowner from pg_namespace where nspname like 're\_%') x cross join aclexplode(x.acl) a where a.grantee <> x.o group by 1) y),
    're_agent_writer 9, re_ai_owner 13, re_ai_writer 96, re_auditor 118, re_corr_owner 14, re_correlation 99, re_enrol 12, re_ingest 10, re_probe 11, re_retention 22, re_soc 36, re_viewer 80', 'rights of each role');

-- Zero data
create function pg_temp.rows(v text) returns bigint language plpgsql as $$ declare n bigint; begin execute 'select count(*) from ' || v into n; return n; end $$;
select is(pg_temp.rows(c.oid::regclass::text), 0::bigint, c.relname || ' answers on an empty database')
from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 're_view' and c.relkind = 'v' order by c.relname;
select is_empty('select * from re_view.top_applications()', 'top_applications on nothing');
select is_empty('select * from re_view.top_talkers(now() - interval ''1 day'', now())', 'top_talkers on nothing');
select is_empty('select * from re_view.top_names()', 'top_names on nothing');
select is_empty('select * from re_ops.verify_ledger()', 'the retention ledger is intact');
select is((select count(*) from re_ops.partition_horizon where alarm), 0::bigint, 'partitions are ready');
select is((select severity || ' ' || rule from re_raw.verify_chain(t.i1())), 'cannot_judge unknown_instance', 'verify_chain of an unknown instance');
select is((select count(*) from re_raw.chain_resume(t.i1()) where next_seq is null), 1::bigint, 'chain_resume of an unknown instance');
select is((select version from re_core.bundle()), null, 'no bundle registered yet');
select lives_ok($$ select re_core.register_bundle('1.0.0', sha256('x')), re_core.register_bundle('1.0.0', sha256('x')) $$, 'registering is idempotent');
select throws_ok($$ select re_core.register_bundle('1.0.0', sha256('y')) $$, 'RE002', null, 'another hash needs another version');
select is((select ddl_sha256 from re_core.bundle()), sha256('x'), 'the bundle in force');
select * from finish();
rollback;
