-- Who may what: each login tries everything that must fail, and the little that must work.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
create temp table k as select t.chain(t.i1(), t.m1(), 0, t.zeros(), 'sfdhx') as b1, t.chain(t.i2(), t.m2(), 0, t.zeros(), 'sffdh') as b2;
grant select on k to public;
do $$ begin execute format('grant usage on schema %I to public', (select nspname from pg_namespace where oid = pg_my_temp_schema())); end $$;
create table t.batches as select * from k;
grant select on t.batches to public;

select is(t.ask('t_probe1', 'select t.status(b1) from t.batches'), 'stored', 'a probe sends its own chain');
select is(t.ask('t_probe1', 'select t.status(b2) from t.batches'), 'not_authorised', 'not another''s');
select is(t.ask('t_agent', 'select t.status(b2) from t.batches'), 'not_authorised', 'an agent neither');
select is(t.ask('t_ingest', 'select t.status(b2) from t.batches'), 'stored', 'the ingest service anybody''s');
select is(t.ask('t_probe1', 'select next_seq from re_raw.chain_resume(t.i1())'), '5', 'a probe resumes its own chain');
select is(t.ask('t_probe1', 'select next_seq from re_raw.chain_resume(t.i2())'), null, 'it learns nothing of another''s');
select is(t.ask('t_probe1', 'select count(*) from re_raw.verify_chain(t.i1()) where severity = ''tampered'''), '0', 'it may verify its own');
select is(t.ask('t_probe1', 'select rule from re_raw.verify_chain(t.i2())'), 'unknown_instance', 'not another''s');
select is((select writer from re_raw.chain_violation where kind = 'not_authorised' and component_instance_id = t.i2() order by writer desc limit 1)::text, 't_probe1', 'the attempt is recorded with its login');
select is(t.ask(r, 'select t.status(b1) from t.batches'), '42501', r || ' may not call ingest') from unnest(array['t_soc1', 't_corr', 't_ai', 't_auditor', 't_retention', 't_enrol', 't_nobody']) r;
select is(t.ask('t_probe1', 'select version is null from re_core.bundle()'), 'true', 'a probe asks for the bundle');

-- Every login against every table, leaf and view: no write at all, whichever way
create function pg_temp.writes(r text) returns setof text language plpgsql as $$
declare rel text; verb text; begin
    for rel in select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname like 're\_%' and c.relkind in ('r', 'p', 'v') and (not c.relispartition or c.relname like '%' || to_char(now() at time zone 'UTC', 'YYYYMMDD')) loop
        foreach verb in array array['insert into %s default values', 'update %s set tenant_id = null', 'delete from %s', 'truncate %s', 'copy %s from program ''true''', 'lock table %s in access exclusive mode', 'drop table %s', 'alter table %s disable trigger all'] loop
            if t.try(r, format(verb, rel)) not in ('42501', '42703', '42809', '55000') then return next r || ': ' || format(verb, rel); end if;
        end loop;
    end loop;
end $$;
select is_empty(format('select * from pg_temp.writes(%L)', r), r || ' can write, lock, alter or drop nothing')
from unnest(array['t_probe1', 't_agent', 't_ingest', 't_soc1', 't_corr', 't_ai', 't_auditor', 't_retention', 't_enrol', 't_nobody']) r;
-- 42703: no such column (looked up before the right); 42809, 55000: a view that nobody can write through
select is(t.try(r, 'update re_raw.chain_head set next_seq = 0'), '42501', r || ' cannot move a head') from unnest(array['t_probe1', 't_ingest', 't_retention', 't_enrol']) r;

-- The owner itself
create function pg_temp.owner(statement text) returns text language plpgsql as $$
declare answer text := 'ok'; begin set local role re_owner; begin execute statement; exception when others then answer := sqlstate; end; reset role; return answer; end $$;
select matches(pg_temp.owner(format(verb, tab)), case when verb ~ 'truncate' then 'RE001|42501' else 'RE001' end, format(verb, tab)) from unnest(array['re_raw.raw_event', 're_raw.raw_event_p' || to_char(now() at time zone 'UTC', 'YYYYMMDD'),
    're_raw.ingest_segment', 're_raw.checkpoint', 're_dpi.flow', 're_dpi.flow_p' || to_char(now() at time zone 'UTC', 'YYYYMMDD'), 're_dpi.dns_record', 're_core.signing_key',
    're_core.component_instance', 're_ops.retention_ledger', 're_raw.chain_violation']) tab, unnest(array['delete from %s', 'truncate %s cascade']) verb;
select is(pg_temp.owner('update re_raw.raw_event set envelope = ''x'''), 'RE001', 'the owner updates no event');
select is(pg_temp.owner($$ insert into re_raw.raw_event select ingested_at, component_instance_id, 77, tenant_id, machine_id, event_id, boot_id, observed_at, emitted_at, mono_us, payload_bytes, event_version,
    observed_at_ns, emitted_at_ns, component, event_type, mode, hostname, version, arrival, payload_sha256, prev_hash, envelope_hash, envelope, payload from re_raw.raw_event where seq = 1 $$), '23514', 'nor inserts one whose columns differ from its bytes');
select is(pg_temp.owner('insert into re_dpi.flow_risk (component_instance_id, seq, tenant_id, risk) select t.i1(), 3, tenant_id, ''x'' from re_core.machine limit 1'), '23503', 'nor a normalised row without its fact');
select is(pg_temp.owner('insert into re_raw.ingest_segment (component_instance_id, first_seq, last_seq, tenant_id, prev_last_seq, prev_last_hash, first_prev_hash, last_hash) select component_instance_id, 2, 9, tenant_id, 1, last_hash, last_hash, last_hash from re_raw.ingest_segment limit 1'), '23503', 'nor a batch without a predecessor');
set local session_replication_role = replica;
select throws_ok('delete from re_raw.raw_event', 'RE001', null, 'not even with session_replication_role = replica');
set local session_replication_role = origin;

-- Tenants
select is(t.ask('t_soc1', 'select count(*) from re_view.event'), '5', 'a SOC login sees its tenant');
select is(t.ask('t_soc2', 'select count(*) from re_view.flow'), '2', 'the other its own');
select is(t.ask('t_soc1', 'select count(*) from re_view.flow where component_instance_id = t.i2()'), '0', 'and nothing of another');
select is(t.ask('t_soc1', 'select string_agg(component_instance_id::text, '','') from re_view.probe_status'), t.i1()::text, 'in the probe list too');
select is(t.ask('t_soc1', 'select sum(records) from re_view.top_applications()'), '1', 'and in the aggregates');
select is(t.ask('t_soc1', 'select count(*) from re_view.violation'), '0', 'violations of another tenant''s chain are not shown');
select is(t.ask('t_soc1', 'select rule from re_raw.verify_chain(t.i2())'), 'unknown_instance', 'nor verified');
select is(t.ask('t_soc1', 'select count(*) from re_raw.raw_event'), '42501', 'SOC reads views, not tables');
select is(t.ask('t_corr', 'select count(*) from re_raw.raw_event'), '5', 'correlation reads facts of its tenant');
select is(t.ask('t_ai', 'select count(*) from re_dpi.flow'), '1', 'so does the AI core');
select is(t.ask('t_auditor', 'select count(*) from re_raw.raw_event'), '10', 'the auditor reads all');
select is(t.ask('t_probe1', 'select count(*) from re_raw.raw_event'), '42501', 'a probe reads nothing');
select is(t.ask('t_corr', format('select count(*) from re_raw.raw_event_p%s', to_char(now() at time zone 'UTC', 'YYYYMMDD'))), '42501', 'leaves are not readable past the policy');
select is(t.ask('t_nobody', 'select count(*) from re_view.flow'), '42501', 'a stranger nothing');
select is(t.try('t_soc1', 'insert into re_core.tenant_member select ''t_soc1'', tenant_id from re_core.tenant'), '42501', 'nobody makes himself a member');

-- Canaries: stored and proved, and in no view of facts
select is(t.ask('t_ingest', 'select t.status(t.chain(t.i2(), t.m2(), 5, (b2).last_hash, ''fd'', ''{}'', ''{"canary":true}'')) from t.batches'), 'stored', 'a canary goes the same way');
select is(t.ask('t_soc2', 'select count(*) from re_view.event'), '7', 'its events are there');
select is(t.ask('t_soc2', 'select count(*) from ' || v), n::text, v || ' leaves it out') from (values ('re_view.flow', 2), ('re_view.dns', 1), ('re_view.dns_record', 2), ('re_view.timeline', 3)) x(v, n);
select is(t.ask('t_soc2', 'select sum(records) from ' || v), n::text, v || ' leaves it out') from (values ('re_view.application', 2), ('re_view.top_applications()', 2), ('re_view.top_talkers()', 4)) x(v, n);
select is(t.ask('t_soc2', 'select sum(transactions) from re_view.top_names()'), '1', 're_view.top_names() leaves it out');
select is(t.ask('t_auditor', 'select count(*) filter (where canary) || '' '' || count(*) from re_dpi.flow'), '1 4', 'the table has it');

-- What may run where
select is(t.try('t_probe1', 'select re_core.approve_version(t.m1(), null, null, null, ''1'', ''mine'')'), '42501', 'a probe does not approve itself');
select is(t.try('t_soc1', 'select re_core.approve_version(t.m1(), null, null, null, ''1'', ''mine'')'), '42501', 'nor does the SOC');
select is(t.ask('t_enrol', 'select re_core.approve_version(t.m1(), sha256(''x''), null, null, ''1.0.0'', ''release'')'), 'approved', 'the enroller approves');
select is(t.ask('t_enrol', 'select re_core.approve_version(t.m1(), sha256(''x''), null, null, ''1.0.0'', ''again'')'), 'unchanged', 'once');
select is(t.ask('t_enrol', 'select re_core.approve_version(t.m1(), sha256(''y''), null, null, ''1.0.0'', ''new'')'), 'approved', 'and again when it changed');
select is(t.ask('t_enrol', 'select re_core.approve_version(gen_random_uuid(), null, null, null, null, ''x'')'), 'RE002', 'not for a machine that is not');
select is(t.try('t_enrol', format('select re_core.approve_version(t.m1(), %s)', a)), '23514', 'not ' || a) from unnest(array[
    $$ '\x00', null, null, null, 'x' $$, $$ null, '\x00', null, null, 'x' $$, $$ null, null, '', null, 'x' $$, $$ null, null, null, '', 'x' $$, $$ null, null, null, '9', '' $$]) a;
select is((select string_agg(approval_no || ' ' || reason, ', ' order by approval_no) from re_core.approved_version), '1 release, 2 new', 'every approval is kept');
select is(t.ask('t_soc1', 'select reasons @> ''{config_drift}'' from re_view.probe_status where component_instance_id = t.i1()'), 'true', 'and compared with what runs');
select throws_ok('update re_core.approved_version set reason = ''x''', 'RE001', null, 'as it was');

-- Registry
select is(t.try('t_probe1', 'select re_core.enrol_instance(gen_random_uuid(), gen_random_uuid(), ''one'', ''dpi_probe'', ''live'', ''t_probe1'', t.spki(7), ''file'', '''')'), '42501', 'a probe cannot enrol itself');
select is(t.ask('t_enrol', 'select status from re_core.enrol_instance(gen_random_uuid(), gen_random_uuid(), ''default'', ''dpi_probe'', ''live'', ''t_probe2'', t.spki(7), ''file'', '''')'), 'enrolled', 'the enroller can');
select is(t.ask('t_probe1', 'select status from re_core.enrol_replay(''00000000-0000-8000-8000-00000000000a'', ''00000000-0000-8000-8000-00000000000b'', t.spki(8))'), 'enrolled', 'a probe registers a replay');
select is(t.ask('t_probe1', 'select status from re_core.enrol_replay(''00000000-0000-8000-8000-00000000000a'', ''00000000-0000-8000-8000-00000000000b'', t.spki(8))'), 'unchanged', 'again');
select is(t.ask('t_probe2', 'select status from re_core.enrol_replay(''00000000-0000-8000-8000-00000000000a'', ''00000000-0000-8000-8000-00000000000b'', t.spki(8))'), 'RE002', 'not another''s');
select is(t.ask('t_probe1', 'select status from re_core.enrol_replay(t.i1(), t.m1(), t.spki(1))'), 'RE002', 'a live instance is no replay');
select is(t.ask('t_probe1', 'select status from re_core.enrol_replay(gen_random_uuid(), t.m2(), t.spki(8))'), 'RE002', 'nor on another tenant''s machine');
create function pg_temp.said(role_name text, statement text) returns text language plpgsql as $$
declare
    answer text := 'nothing';
begin
    execute format('set local session authorization %I', role_name);
    begin
        execute statement;
    exception when others then
        answer := sqlerrm;
    end;
    reset session authorization;
    return answer;
end $$;
select is(pg_temp.said('t_probe1', 'select re_core.enrol_replay(t.i2(), t.m2(), t.spki(2))'), 'instance 22222222-2222-4222-8222-222222222222 is not a replay of this login', 'and is told nothing of another''s instance');
select is(t.ask('t_probe1', 'select t.status(t.chain(''00000000-0000-8000-8000-00000000000a'', ''00000000-0000-8000-8000-00000000000b'', 0, t.zeros(), ''sf''))'), 'bad_event', 'a replay instance takes no live event');
select is(t.ask('t_probe1', 'select t.status(t.chain(''00000000-0000-8000-8000-00000000000a'', ''00000000-0000-8000-8000-00000000000b'', 0, t.zeros(), ''sf'', ''{"mode":"replay"}''))'), 'stored', 'but replayed ones');
select is((select state from re_view.probe_status where component_instance_id = '00000000-0000-8000-8000-00000000000a'), 'replayed', 'and is shown as replayed, never as silent');
select is(t.ask('t_probe1', 'select t.status(t.chain(''00000000-0000-8000-8000-00000000000a'', ''00000000-0000-8000-8000-00000000000b'', 2, (select last_hash from re_raw.chain_resume(''00000000-0000-8000-8000-00000000000a'')), ''f'', ''{"mode":"replay","at":"2020-01-01","emitted_at":"2020-01-01T00:00:00.000000000Z"}''))'), 'stored', 'a capture of years ago');
select is((select (backlog_seconds, backlog_eta_seconds)::text from re_view.probe_status where component_instance_id = '00000000-0000-8000-8000-00000000000a'), '(,)', 'is not behind: its clock is the capture''s');
select is(t.try('t_probe1', 'select re_raw.store_events(null, 0, null, null, null, false)'), '42501', 'internal functions are not callable');
select is(t.try('t_probe1', 'select re_raw.record_violation(null, null, null, null, null, null, null, null, null, null, null)'), '42501', 'none of them');
select is(t.try('t_ingest', 'select re_dpi.store_flow(null)'), '42501', 'by anybody');
select is(t.try('t_soc1', 'select re_ops.ensure_partitions()'), '42501', 'partitions are retention''s');
select is(t.try('t_retention', 'select re_ops.ensure_partitions()'), 'ok', 'which may');
select is(t.try('t_probe1', 'create table re_raw.mine ()'), '42501', 'nobody creates tables here');
select is(t.try('t_probe1', 'create function re_raw.ingest() returns int language sql as ''select 1'''), '42501', 'or functions');
select * from finish();
rollback;
