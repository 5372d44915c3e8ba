-- Partitions: made ahead, made when missing, sealed, held, retired by the book; plans prune. Ten years of them are in 90_ten_years.sh.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
create function pg_temp.today() returns text language sql as $$ select to_char(now() at time zone 'UTC', 'YYYYMMDD') $$;
select is(re_ops.ensure_partitions(), 0, 'nothing to make twice');
select is((select count(*) from re_ops.partition where schema_name = 're_raw' and table_name = 'raw_event' and attached), 4::bigint, 'today and three days ahead');

-- A missing day: superuser takes today's leaves away, ingest makes them again
do $$ declare r record; begin
    for r in select format('%I.%I', schema_name, partition_name) as leaf from re_ops.partition where range_from <= now() and range_to > now() and schema_name in ('re_raw', 're_dpi', 're_agent') loop
        execute 'drop table ' || r.leaf || ' cascade'; end loop; end $$;
select isnt_empty('select * from re_ops.verify_ledger()', 'a drop outside the book is found');
create table t.b as select t.chain(t.i1(), t.m1(), 0, t.zeros(), 'sfdh' || repeat('f', 300)) as b;
select is(t.status(b), 'stored', 'a missing partition never blocks') from t.b;
select is((select count(*) from re_raw.raw_event), 304::bigint, 'and nothing is lost');
select isnt_empty($$ select from pg_trigger where tgrelid = ('re_dpi.flow_p' || pg_temp.today())::regclass and tgname = 'refuse_change' and tgenabled = 'A' $$, 'the new leaf refuses changes');
select isnt_empty($$ select from pg_constraint where conrelid = ('re_dpi.flow_p' || pg_temp.today())::regclass and conname = 'flow_has_raw_event' $$, 'and references its raw leaf');

-- A past partition
select is(re_ops.ensure_partitions(now() - interval '400 days', now() - interval '400 days'), 41, 'a past day can be made');
create function pg_temp.old(tab text) returns regclass language sql as $$ select (tab || '_p' || to_char((now() - interval '400 days') at time zone 'UTC', 'YYYYMMDD'))::regclass $$;
select throws_ok($$ select re_ops.retire_partition(pg_temp.old('re_dpi.flow'), 'x') $$, 'RE002', null, 'an open partition is not retired');
select throws_ok($$ select re_ops.seal_partition(('re_raw.raw_event_p' || pg_temp.today())::regclass) $$, 'RE002', null, 'today is not sealed');
select is(re_ops.seal_partition(p), 0::bigint, 'sealed ' || p) from unnest(array[pg_temp.old('re_raw.raw_event'), pg_temp.old('re_dpi.flow'), pg_temp.old('re_dpi.flow_risk')]) p;
select throws_ok($$ select re_ops.seal_partition(pg_temp.old('re_raw.raw_event')) $$, 'RE002', null, 'once');
select throws_ok($$ insert into re_dpi.flow_risk (ingested_at, component_instance_id, seq, tenant_id, risk) select now() - interval '400 days', t.i1(), 1, tenant_id, 'x' from re_core.machine limit 1 $$, '23514', null, 'a sealed partition takes no row, not even a superuser''s');
select throws_ok($$ select re_ops.retire_partition(pg_temp.old('re_dpi.flow'), 'x') $$, 'RE002', null, 'a referenced one is not retired');
create table t.hold as select re_ops.place_hold('re_dpi', 'flow_risk', now() - interval '2 years', now(), 'court') as id;
select throws_ok($$ select re_ops.retire_partition(pg_temp.old('re_dpi.flow_risk'), 'x') $$, 'RE002', null, 'nor one under a legal hold');
select lives_ok('select re_ops.release_hold(id, ''over'') from t.hold', 'the hold ends');
select lives_ok($$ select re_ops.retire_partition(pg_temp.old('re_dpi.flow_risk'), 'x') $$, 'then it leaves');
select throws_ok($$ select re_ops.retire_partition(pg_temp.old('re_raw.raw_event'), 'x') $$, 'RE002', null, 'raw events stay while they are referenced');
select isnt(t.ask('t_retention', 'select finding from re_ops.verify_ledger() limit 1'), null, 'the retention role reads the ledger''s findings');
select results_eq($$ select action from re_ops.retention_ledger where table_name = 'flow_risk' and range_to < now() - interval '1 day' order by ledger_no $$,
    $$ values ('created'), ('sealed'), ('detached'), ('dropped') $$, 'every act is in the ledger');
select throws_ok($$ update re_ops.retention_ledger set note = 'x' $$, 'RE001', null, 'which is not edited');
select is(t.try('t_retention', 'select re_ops.retire_partition(''re_core.machine'', ''x'')'), 'RE002', 'a table that is no partition is not dropped');

-- A sealed today refuses politely
create table t.late as select t.chain(t.i1(), t.m1(), 304, (b).last_hash, 'ff') as b from t.b;
select is(t.status(row(t.i1(), 305, (b).envelopes[2:2], (b).payloads[2:2], null)::t.batch, null, true), 'stored_with_gap', 'a gap') from t.late;
do $$ begin execute format('alter table re_raw.raw_event_p%s add constraint partition_is_sealed check (false) not valid', pg_temp.today()); end $$;
select is(t.status(t.chain(t.i1(), t.m1(), 306, (b).last_hash, 'f')), 'no_partition', 'a sealed day is the sender''s to retry') from t.late;
select is((select status from re_raw.fill_gap(t.i1(), 304, (b).envelopes[1:1], (b).payloads[1:1])), 'no_partition', 'a found event too') from t.late;
select is((select count(*) from re_raw.chain_violation), 0::bigint, 'not its fault');

-- Plans
create function pg_temp.plan(q text) returns text language plpgsql as $$ declare r text; a text := ''; begin for r in execute 'explain (costs off) ' || q loop a := a || r || e'\n'; end loop; return a; end $$;
create function pg_temp.leaves(q text) returns bigint language sql as $$ select count(distinct m[1]) from regexp_matches(pg_temp.plan(q), '(re_\w+\.|)(\w+_p[0-9]{6,8})\M(?!_)', 'g') m $$;
set enable_seqscan = off;
select cmp_ok(pg_temp.leaves(format('select * from re_dpi.flow where ingested_at >= %L and ingested_at < %L and src_ip = ''10.0.0.1''', now() - interval '1 hour', now())), '<=', 4::bigint, 'a range of an hour touches at most two days');
select matches(pg_temp.plan('select * from re_dpi.flow where machine_id = t.m1() and observed_at > now() - interval ''1 hour'''), 'machine_id', 'machine and time go through the index');
select matches(pg_temp.plan($$ select r.* from re_raw.ingest_segment s join re_raw.raw_event r on r.ingested_at = s.ingested_at and r.component_instance_id = s.component_instance_id
    and r.seq = 5 where s.component_instance_id = t.i1() and s.first_seq <= 5 and s.last_seq >= 5 $$), 'Index (Only )?Scan', 'an event is found through the ledger');
select * from finish();
rollback;
