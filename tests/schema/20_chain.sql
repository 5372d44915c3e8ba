-- The chain: one event, the same batch twice, overlap, fork, gap, declared gap and its filling, wrong links, strangers, notes, replays.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
create temp table k (name text primary key, b t.batch);
insert into k values ('zero', t.chain(t.i1(), t.m1(), 0, t.zeros(), 's'));
insert into k select 'ten', t.chain(t.i1(), t.m1(), 1, (b).last_hash, 'fdhxffdhf') from k where name = 'zero';
insert into k select 'five', t.chain(t.i1(), t.m1(), 10, (b).last_hash, 'fffff') from k where name = 'ten';
create function pg_temp.b(n text) returns t.batch language sql as $$ select b from k where name = n $$;
-- the part of a batch from element x to y
create function pg_temp.cut(b t.batch, x int, y int) returns t.batch language sql as $$
    select row((b).instance, (b).first_seq + x - 1, (b).envelopes[x:y], (b).payloads[x:y], null)::t.batch $$;
create function pg_temp.join(a t.batch, b t.batch) returns t.batch language sql as $$
    select row((a).instance, (a).first_seq, (a).envelopes || (b).envelopes, (a).payloads || (b).payloads, (b).last_hash)::t.batch $$;

select is(t.status(row(t.i1(), 0, '{}'::bytea[], '{}'::bytea[], null)::t.batch), 'empty', 'an empty batch');
select is(t.send(pg_temp.b('zero')), 'stored', 'one event');
select results_eq('select next_seq, last_hash from re_raw.chain_resume(t.i1())', $$ select 1::bigint, (pg_temp.b('zero')).last_hash $$, 'the head follows');
select is_empty('select * from re_raw.verify_chain(t.i1()) where severity = ''tampered''', 'one event verifies');
select is(t.status(pg_temp.b('zero')), 'duplicate', 'the same event again');
select is(t.status(pg_temp.join(pg_temp.b('zero'), pg_temp.b('ten'))), 'stored', 'an overlap stores its new tail');
select is((select count(*) from re_raw.raw_event), 10::bigint, 'and nothing twice');
select is(t.status(pg_temp.b('ten')), 'duplicate', 'the same batch again');
select is(t.status(pg_temp.cut(pg_temp.b('ten'), 2, 4)), 'duplicate', 'a part of the past again');
select is((select count(*) from re_dpi.flow), 4::bigint, 'flows once'); select is((select count(*) from re_dpi.dns), 2::bigint, 'dns once');
select is((select count(*) from re_dpi.heartbeat where ledger_closes), 2::bigint, 'heartbeats once, and the ledger closes');
select is((select count(*) from re_dpi.dns_record), 4::bigint, 'records'); select is((select count(*) from re_dpi.dns_edns_option), 2::bigint, 'edns options');
select is((select count(*) from re_core.component_identity_history), 1::bigint, 'the identity once');

-- Refusals
select is(t.status(pg_temp.cut(pg_temp.b('five'), 2, 5)), 'gap', 'a gap is refused');
select is(t.status(t.chain(t.i1(), t.m1(), 5, t.zeros(), 'fff')), 'fork', 'a fork of the past');
select is(t.status(t.chain(t.i1(), t.m1(), 9, t.zeros(), 'ff')), 'fork', 'a fork over the head');
select is(t.status(t.chain(t.i1(), t.m1(), 0, t.zeros(), 's', '{"mono_us":5}')), 'fork', 'another first event');
select is(t.status(t.chain(t.i1(), t.m1(), 10, t.zeros(), 'ff')), 'broken_link', 'wrong prev_hash');
select is(t.status(row(t.i1(), 10, (b).envelopes[2:2] || (b).envelopes[1:1], (b).payloads[2:2] || (b).payloads[1:1], null)::t.batch), 'broken_link', 'shuffled') from k where name = 'five';
select is(t.status(row(t.i1(), 11, (b).envelopes, (b).payloads, null)::t.batch, null, true), 'broken_link', 'seq shifted behind a declared gap') from k where name = 'five';
select is(t.status(row(t.i1(), 0, (pg_temp.b('ten')).envelopes, (pg_temp.b('ten')).payloads, null)::t.batch), 'fork', 'seq shifted into the past');
select is(t.status(row(t.i1(), 10, array['x'::bytea], array['{}'::bytea], null)::t.batch), 'bad_event', 'garbage');
select is(t.status(row(t.i1(), 10, array[''::bytea], array[''::bytea], null)::t.batch), 'bad_event', 'nothing');
select is(t.status(row(t.i1(), 10, (b).envelopes, (b).payloads[1:2], null)::t.batch), 'malformed', 'payloads missing') from k where name = 'five';
select is(t.status(row(t.i1(), 10, (b).envelopes || null::bytea, (b).payloads || '{}'::bytea, null)::t.batch), 'malformed', 'a NULL envelope') from k where name = 'five';
select is(t.status(row(t.i1(), -1, (b).envelopes, (b).payloads, null)::t.batch), 'malformed', 'a negative sequence') from k where name = 'five';
select is(t.status(row(t.i1(), 9223372036854775807, (b).envelopes, (b).payloads, null)::t.batch), 'malformed', 'the largest sequence') from k where name = 'five';
select is(t.status(row(t.i1(), null, (b).envelopes, (b).payloads, null)::t.batch), 'malformed', 'no sequence') from k where name = 'five';
select is(t.status(row(t.i1(), 10, array_fill('x'::bytea, array[10001]), array_fill('x'::bytea, array[10001]), null)::t.batch), 'malformed', 'too many events');
select is(t.status(row(null, 0, (b).envelopes, (b).payloads, null)::t.batch), 'unknown_instance', 'no instance') from k where name = 'five';
select is(t.status(row(gen_random_uuid(), 0, (b).envelopes, (b).payloads, null)::t.batch), 'unknown_instance', 'unknown instance') from k where name = 'five';
select is(t.status(row(t.i2(), 0, (b).envelopes, (b).payloads, null)::t.batch), 'bad_event', 'events of another instance') from k where name = 'zero';
select is(t.status(t.chain(t.i2(), t.m1(), 0, t.zeros(), 's')), 'bad_event', 'another machine in the envelope');
select is(t.status(t.chain(t.i2(), t.m2(), 0, t.zeros(), 's', '{"mode":"replay"}')), 'bad_event', 'replay passed off as live');
select is(t.status(t.chain(t.i2(), t.m2(), 0, t.zeros(), 's', '{"component":"linux_agent"}')), 'bad_event', 'another component');
select is(t.status(t.chain(t.i2(), t.m2(), 0, t.zeros(), 'f')), 'bad_event', 'a chain begins with chain.start');
select results_eq('select next_seq from re_raw.chain_resume(t.i1())', 'select 10::bigint', 'nothing of that moved the head');
select is((select count(*) from re_raw.raw_event), 10::bigint, 'or left a row');
select is((select count(distinct kind) from re_raw.chain_violation), 6::bigint, 'each kind of refusal is recorded');
select is((select offending_envelope is not null and expected_hash is not null and offending_hash is not null from re_raw.chain_violation where kind = 'fork' limit 1), true, 'a fork with its evidence');
select is((select max(octet_length(offending_envelope)) <= 4096 from re_raw.chain_violation), true, 'cut to size');

-- A flood is counted, not stored
select t.status(row(t.i1(), 10, array['x'::bytea], array['{}'::bytea], null)::t.batch) from generate_series(1, 50);
select is((select count(*) from re_raw.chain_violation where detail like 'seq 10: the envelope does not end as one' and offending_envelope = 'x'), 1::bigint, 'the same refusal once');
select is((select attempts >= 52 and recorded < attempts from re_raw.violation_counter where component_instance_id = t.i1() and kind = 'bad_event'), true, 'and counted');

-- A declared gap, then its filling
select is(t.status(pg_temp.cut(pg_temp.b('five'), 3, 5), null, true), 'stored_with_gap', 'a declared gap');
select results_eq('select first_missing, last_missing from re_raw.chain_gap', 'values (10::bigint, 11::bigint)', 'recorded');
select results_eq('select severity, rule from re_raw.verify_chain(t.i1()) where rule = ''declared_gap''', $$ values ('incomplete', 'declared_gap') $$, 'verification says so');
select is(t.status(pg_temp.cut(pg_temp.b('five'), 1, 2)), 'gap', 'late events do not slip in');
select is((select status from re_raw.fill_gap(t.i1(), 10, (b).envelopes[1:1], (b).payloads[1:1])), 'malformed', 'half of the gap') from k where name = 'five';
select is((select status from re_raw.fill_gap(t.i1(), 10, (x).envelopes, (x).payloads)), 'broken_link', 'other events') from (select t.chain(t.i1(), t.m1(), 10, t.zeros(), 'fh') as x) y;
select is((select status from re_raw.fill_gap(t.i1(), 10, (b).envelopes[1:2], (b).payloads[1:2])), 'stored', 'the lost events') from k where name = 'five';
select is((select status from re_raw.fill_gap(t.i1(), 10, (b).envelopes[1:2], (b).payloads[1:2])), 'duplicate', 'once') from k where name = 'five';
select is_empty('select * from re_raw.verify_chain(t.i1()) where rule <> ''unsigned_tail''', 'the chain is whole again');
select is(t.status(pg_temp.cut(pg_temp.b('five'), 1, 2)), 'duplicate', 'and knows them');

-- Notes
insert into k select 'more', t.chain(t.i1(), t.m1(), 15, (b).last_hash, repeat('x', 300)) from k where name = 'five';
insert into k select 'end', t.chain(t.i1(), t.m1(), 315, (b).last_hash, 'h') from k where name = 'more';
create temp table leaves as select array(select sha256('\x00' || e) from (select 1 as p, b from k where name = 'zero' union select 2, b from k where name = 'ten'
    union select 3, b from k where name = 'five' union select 4, b from k where name = 'more' union select 5, b from k where name = 'end') x,
    unnest((x.b).envelopes) with ordinality u(e, o) order by p, o) as l;
create function pg_temp.mth(d bytea[]) returns bytea language plpgsql as $$
declare n int := cardinality(d); w int := 1; begin
    if n = 1 then return d[1]; end if;
    while w * 2 < n loop w := w * 2; end loop;
    return sha256('\x01'::bytea || pg_temp.mth(d[1:w]) || pg_temp.mth(d[w + 1:n])); end $$;
create function pg_temp.root(n int) returns bytea language sql as $$ select pg_temp.mth(l[1:n]) from leaves $$;
select is(t.status(pg_temp.b('more'), t.note(t.i1(), 314, pg_temp.root(315))), 'malformed', 'a note for another size');
select is(t.status(pg_temp.b('more'), t.note(t.i2(), 315, pg_temp.root(315))), 'malformed', 'a note of another origin');
select is(t.status(pg_temp.b('more'), 'hello'), 'malformed', 'not a note');
select is(t.status(pg_temp.b('more'), e'\n\n\n\n'), 'malformed', 'an empty note');
select is(t.status(pg_temp.b('more'), replace(t.note(t.i1(), 315, pg_temp.root(315)), e'\u2014', '-')), 'malformed', 'no signature line');
select is(t.status(pg_temp.b('more')), 'stored', 'without a note: an unsigned tail');
select results_eq('select severity, rule from re_raw.verify_chain(t.i1())', $$ values ('incomplete', 'unsigned_tail') $$, 'which verification names');
select is(t.send(pg_temp.b('more'), t.note(t.i1(), 315, pg_temp.root(315))), 'duplicate: checkpoint added', 'the note may follow');
select is_empty('select * from re_raw.verify_chain(t.i1())', 'intact, root recomputed from 315 leaves');
select is(t.status(pg_temp.b('more'), t.note(t.i1(), 315, pg_temp.root(314))), 'fork', 'another root for the same size is a fork');
select is(re_raw.update_subtrees(t.i1()), 1::bigint, 'one complete block of 256');
select is(re_raw.tree_root(t.i1(), 315), pg_temp.root(315), 'root from subtree and tail');
select is(re_raw.tree_root(t.i1(), 256), pg_temp.root(256), 'root of exactly one block');
select is(re_raw.tree_root(t.i1(), 7), pg_temp.root(7), 'root of less');
select is(t.status(pg_temp.b('end'), t.note(t.i1(), 316, pg_temp.root(315))), 'stored', 'the database cannot know a false root at once,');
select results_eq('select severity, rule from re_raw.verify_chain(t.i1())', $$ values ('tampered', 'checkpoint_root') $$, 'verification can');
select is(re_raw.merkle_root(array(select sha256('\x00'::bytea || d) from unnest(array['\x','\x00','\x10','\x2021','\x3031','\x40414243','\x5051525354555657','\x606162636465666768696a6b6c6d6e6f']::bytea[]) with ordinality u(d, o) order by o)),
    '\x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'::bytea, 'RFC 6962 test vector');

-- The contract's own vector
select is((re_core.enrol_instance('0192f0c1-7a00-8000-8000-00000000a001', '6f1f4f0c-3b44-4b1e-9d0b-0a5b8c6d7e8f', 'default', 'dpi_probe', 'live', 't_probe1',
    '\x302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'file', '')).key_id,
    '\x06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9'::bytea, 'key id of RFC 8032 test key 1');
select is((select status || ' ' || encode(last_hash, 'hex') from re_raw.ingest('0192f0c1-7a00-8000-8000-00000000a001', 0, array['{"component":"dpi_probe","component_instance_id":"0192f0c1-7a00-8000-8000-00000000a001","emitted_at":"2026-11-21T01:23:45.000350000Z","event_id":"01a1fbb3-c4e8-8cdd-9ab8-adfc79e0d700","event_type":"chain.start","event_version":1,"identity":{"boot_id":"2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a","hostname":"sensor-01.example","version":"1.0.0"},"machine_id":"6f1f4f0c-3b44-4b1e-9d0b-0a5b8c6d7e8f","mode":"live","mono_us":86400000000,"observed_at":"2026-11-21T01:23:45.000000000Z","payload_bytes":274,"payload_sha256":"0393d0c098637521ee4e2f7132c751bbb2c528d5219cedb0be54f3d545c0d716","prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","schema":"ransomeye.envelope/1","seq":0}'::bytea],
    array['{"config_sha256":"1111111111111111111111111111111111111111111111111111111111111111","key_alg":"ed25519","key_id":"06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9","key_spki":"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","reason":"enrolled"}'::bytea], null)),
    'stored a4e7427db5c7f710a3cc2cbca719c6814bae39e1e5c11289ddaae678658db12a', 'the envelope of the contract''s vector, and its hash');

-- Retirement, replays, races in time
select is(re_core.retire_instance(t.i2(), 'test'), 'retired', 'an instance retires');
select is(t.status(t.chain(t.i2(), t.m2(), 0, t.zeros(), 's')), 'not_authorised', 'and takes nothing more');
select throws_ok($$ select re_core.enrol_instance(t.i1(), t.m2(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(1), 'file', '') $$, 'RE002', null, 'an instance never moves to another machine');
select throws_ok($$ select re_core.enrol_instance(t.i1(), t.m1(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(9), 'file', '') $$, 'RE002', null, 'nor to another key');
select throws_ok($$ select re_core.enrol_instance(gen_random_uuid(), t.m1(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(9), 'file', '') $$, 'RE002', null, 'a cloned machine is refused');
select throws_ok($$ select re_core.enrol_instance(gen_random_uuid(), t.m1(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(9), 'file', '', t.i2()) $$, 'RE002', null, 'naming an instance of another machine does not help');
select is((re_core.enrol_instance('0192f0c1-7a00-8000-8000-00000000a009', t.m1(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(9), 'file', '', t.i1())).status, 'enrolled', 'a second one beside the first, when it is named');
select throws_ok($$ select re_core.enrol_instance(gen_random_uuid(), gen_random_uuid(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(1), 'file', '') $$, 'RE002', null, 'a stolen key too');
select throws_ok($$ select re_core.enrol_instance(gen_random_uuid(), gen_random_uuid(), 'one', 'dpi_probe', 'live', 't_nobody', t.spki(9), 'file', '') $$, 'RE002', null, 'a role that may not write');
select is((re_core.enrol_instance(t.i1(), t.m1(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(1), 'file', '')).status, 'unchanged', 'enrolling again changes nothing');
select is((re_core.rotate_key(t.i1(), sha256(t.spki(1)), t.spki(3), 316, 'file', 'yearly')).status, 'rotated', 'a key is rotated');
select results_eq($$ select status from re_core.signing_key_status where key_id = sha256(t.spki(1)) order by status_no $$, $$ values ('active'), ('superseded') $$, 'the old one ends there');
select lives_ok($$ select re_core.revoke_key(t.i1(), sha256(t.spki(3)), 400, true, 'stolen') $$, 'and the new one is revoked');
select is((select count(*) from re_raw.raw_event where arrival = 'old'), 0::bigint, 'arrivals');
select is(t.status(t.chain(t.i1(), t.m1(), 316, (pg_temp.b('end')).last_hash, 'x', '{"at":"2100-01-01"}')), 'stored', 'a probe whose clock says 2100');
select is((select arrival || ' ' || (ingested_at = now()) from re_raw.raw_event where seq = 316), 'ahead true', 'is stored today and marked');
select is(t.status(t.chain(t.i1(), t.m1(), 317, (select last_hash from re_raw.chain_resume(t.i1())), 'x', '{"at":"1970-01-01"}')), 'stored', 'one whose clock says 1970');
select is((select arrival from re_raw.raw_event where seq = 317), 'old', 'too');

-- Behind a gap stands an event whose predecessor was never valid: it can be pinned, not stored.
insert into k select 'never', t.chain(t.i1(), t.m2(), 318, (select last_hash from re_raw.chain_resume(t.i1())), 'x');
select is(t.status(t.chain(t.i1(), t.m1(), 319, (b).last_hash, 'x'), null, true), 'stored_with_gap', 'an event behind one of another machine') from k where name = 'never';
select is((select status from re_raw.fill_gap(t.i1(), 318, (b).envelopes, (b).payloads)), 'bad_event', 'which never gets in') from k where name = 'never';
select is((select count(*) from re_raw.chain_violation where first_seq = 318 and kind = 'bad_event' and detail like '%raw_event_is_of_enrolled_instance%'), 1::bigint, 'and is recorded');
select * from finish();
rollback;
