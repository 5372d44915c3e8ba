-- Who may use, read, reference or call which object: every role tries every object. What is written here must work and all else must be
-- refused; a right that was taken away cannot hide, and one that was given too much cannot either.
begin;
set search_path = t, public;
select no_plan();

create temp table may (act text, objects text, roles text);     -- "schema.*": every table and view of it
insert into may values
    ('use', 're_core', 're_probe re_agent_writer re_ingest re_correlation re_ai_writer re_soc re_auditor re_retention re_enrol re_viewer re_corr_owner re_ai_owner'),
    ('use', 're_raw', 're_probe re_agent_writer re_ingest re_correlation re_ai_writer re_soc re_auditor re_retention re_viewer re_corr_owner'),
    ('use', 're_agent re_dpi', 're_correlation re_ai_writer re_auditor re_viewer'),
    ('use', 're_corr', 're_correlation re_ai_writer re_auditor re_viewer re_ai_owner re_owner'),   -- re_owner is a member of re_ai_owner
    ('use', 're_ai', 're_correlation re_ai_writer re_auditor re_viewer'),
    ('use', 're_ops', 're_soc re_auditor re_retention'),
    ('use', 're_view', 're_correlation re_ai_writer re_soc re_auditor'),

    ('read', 're_core.* re_raw.* re_agent.* re_dpi.* re_corr.* re_ai.* re_ops.* re_view.*', 're_auditor'),
    ('read', 're_core.* re_agent.* re_dpi.* re_corr.* re_ai.*', 're_viewer'),
    ('read', 're_raw.raw_event re_raw.chain_gap re_raw.chain_gap_fill re_raw.ingest_segment re_raw.chain_head re_raw.checkpoint re_raw.subtree re_raw.chain_violation re_raw.violation_counter re_raw.event_type re_raw.quarantine re_raw.quarantine_mended',
        're_viewer'),   -- but not stored_range, whose owner passes row-level security
    ('read', 're_agent.* re_dpi.* re_corr.* re_ai.* re_view.*', 're_correlation re_ai_writer'),
    ('read', 're_raw.raw_event re_raw.chain_gap', 're_correlation re_ai_writer'),
    ('read', 're_core.machine re_core.component_instance re_core.component_instance_status re_core.component_identity_history', 're_correlation re_ai_writer'),
    ('read', 're_raw.raw_event re_raw.ingest_segment re_raw.chain_gap_fill', 're_corr_owner'),
    ('read', 're_core.machine', 're_corr_owner re_ai_owner'),
    ('read', 're_core.component_instance', 're_ai_owner'),
    ('read', 're_ops.*', 're_retention'),
    ('read', 're_view.* re_ops.partition re_ops.partition_horizon', 're_soc'),

    ('reference', 're_core.tenant re_core.machine re_core.component_instance', 're_corr_owner re_ai_owner'),
    ('reference', 're_corr.incident', 're_ai_owner re_owner'),

    ('call', 're_core.my_tenant re_core.sees_all_tenants', 're_probe re_agent_writer re_ingest re_correlation re_ai_writer re_soc re_auditor re_retention re_enrol re_viewer re_corr_owner re_ai_owner'),
    ('call', 're_core.bundle re_core.writer_contract', 're_probe re_agent_writer re_ingest re_correlation re_ai_writer re_soc re_auditor re_retention re_enrol re_viewer'),
    ('call', 're_core.make_append_only re_core.protect_by_tenant re_core.refuse_change', 're_corr_owner re_ai_owner'),
    ('call', 're_core.create_tenant re_core.enrol_reader re_core.enrol_instance re_core.retire_instance re_core.approve_version re_core.rotate_key re_core.revoke_key', 're_enrol'),
    ('call', 're_core.enrol_replay', 're_probe'),
    ('call', 're_raw.ingest re_raw.fill_gap re_raw.chain_resume', 're_probe re_agent_writer re_ingest'),
    ('call', 're_raw.verify_chain', 're_probe re_ingest re_soc re_auditor re_correlation'),
    ('call', 're_raw.merkle_root re_raw.tree_root', 're_auditor'),
    ('call', 're_raw.update_subtrees re_raw.rederive', 're_retention'),
    ('call', 're_corr.open_incident re_corr.keep_evidence re_corr.link_evidence re_corr.add_confidence re_corr.change_stage re_corr.recommend re_corr.decide re_corr.record_execution', 're_correlation'),
    ('call', 're_ai.add_model_version re_ai.add_vector re_ai.add_cluster re_ai.add_cluster_member re_ai.add_novelty re_ai.add_explanation', 're_ai_writer'),
    ('call', 're_view.probe_status_at re_view.probe_rate_at re_view.top_applications re_view.top_talkers re_view.top_names', 're_soc re_auditor re_correlation re_ai_writer'),
    ('call', 're_ops.ensure_partitions re_ops.seal_partition re_ops.record_archive re_ops.retire_partition re_ops.place_hold re_ops.release_hold', 're_retention'),
    ('call', 're_ops.verify_ledger', 're_retention re_auditor');
create temp view declared as
    select m.act, r.role, o.object from may m cross join string_to_table(m.roles, ' ') r(role) cross join string_to_table(m.objects, ' ') o(object);

-- Every object with the statement that only the right to it can stop: no row is read, nothing is run, but the right is asked for.
create temp table object as
    select 'use' as act, n.oid, n.nspname::text as schema, n.nspname::text as object, n.nspowner as owner, format('select %L::regtype', n.nspname || '.nothing') as statement
    from pg_namespace n where n.nspname like 're\_%'
    union all
    select 'read', c.oid, c.relnamespace::regnamespace::text, c.oid::regclass::text, c.relowner, format('select from %s where false', c.oid::regclass)
    from pg_class c where c.relnamespace::regnamespace::text like 're\_%' and c.relkind in ('r', 'p', 'v') and not c.relispartition
    union all
    select 'reference', c.oid, c.relnamespace::regnamespace::text, c.oid::regclass::text, c.relowner,
        format('create table t.attempt (%s, foreign key (%s) references %s)', string_agg(format('%I %s', a.attname, a.atttypid::regtype), ', '), string_agg(quote_ident(a.attname), ', '), c.oid::regclass)
    from pg_class c join pg_index i on i.indrelid = c.oid and i.indisprimary join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
    where c.relnamespace::regnamespace::text like 're\_%' and not c.relispartition group by c.oid
    union all
    select 'call', p.oid, p.pronamespace::regnamespace::text, p.pronamespace::regnamespace || '.' || p.proname, p.proowner,
        format('select %s(%s) from (select %s from generate_series(1, 0) offset 0) x', p.oid::regproc, (select string_agg('x.a' || o, ', ' order by o) from unnest(p.proargtypes) with ordinality u(y, o)),
               (select string_agg(format('null::%s as a%s', y::regtype, o), ', ' order by o) from unnest(p.proargtypes) with ordinality u(y, o)))
    from pg_proc p where p.pronamespace::regnamespace::text like 're\_%';
select is_empty('select object from object group by act, object having count(*) > 1', 'one object of each name');
select is_empty($$ select act, object from declared where object not like '%.*' except select act, object from object $$, 'every object named above is there');

create temp table pair as
    select o.act, r.oid as role_id, r.rolname::text as role, o.oid, o.object, o.statement, d.role is not null as may
    from object o join pg_roles r on (r.rolname like 're\_%' or r.rolname = 't_nobody') and not pg_has_role(r.oid, o.owner, 'usage')
    left join (select distinct * from declared) d on d.act = o.act and d.role = r.rolname and (d.object = o.object or o.act <> 'call' and d.object = o.schema || '.*');

-- What the server says of the right, then what becomes of the act.
create temp table held as
    select act, role, object, may, case act when 'use' then has_schema_privilege(role_id, oid, 'usage') when 'read' then has_table_privilege(role_id, oid, 'select')
                                             when 'reference' then has_table_privilege(role_id, oid, 'references') else has_function_privilege(role_id, oid, 'execute') end as holds
    from pair;
select is_empty(format('select object, may, holds from held where act = %L and role = %L and holds <> may', act, role),
    format('%s may %s %s of %s objects', role, act, count(*) filter (where may), count(*)))
from held group by act, role order by role, act;

grant create on schema t to public;
create function pg_temp.attempt(role_name text, statement text) returns text language plpgsql as $$
declare
    answer text := 'done';
begin
    execute format('set local role %I', role_name);
    begin
        execute statement;
        raise exception 'undo' using errcode = 'T0001';
    exception when sqlstate 'T0001' or undefined_object then    -- the latter: the schema was open, and nothing of that name in it
        null;
    when others then
        answer := sqlstate;
    end;
    reset role;
    return answer;
end $$;
create temp table tried as select act, role, object, may, pg_temp.attempt(role, statement) as happened from pair;
select is_empty(format('select object, may, happened from tried where act = %L and role = %L and happened <> case when may then ''done'' else ''42501'' end', act, role),
    format('%s does %s %s of %s objects', role, act, count(*) filter (where may), count(*)))
from tried group by act, role order by role, act;
select is_empty($$ select x.what from (select c.oid::regclass::text, relacl, relowner from pg_class c union all select p.oid::regprocedure::text, proacl, proowner from pg_proc p
    union all select nspname, nspacl, nspowner from pg_namespace) x(what, acl, owner) cross join aclexplode(x.acl) a where x.what like 're\_%' and a.is_grantable and a.grantee <> x.owner $$, 'nobody may pass a right on');
select * from finish();
rollback;
