-- A payload that breaks a rule stops nothing: its event is stored and stays proved, its rows wait in quarantine until somebody mends them.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
select t.send(t.chain(t.i1(), t.m1(), 0, t.zeros(), 's'));
create function pg_temp.head() returns bytea language sql as $$ select last_hash from re_raw.chain_resume(t.i1()) $$;
create function pg_temp.next() returns bigint language sql as $$ select next_seq from re_raw.chain_resume(t.i1()) $$;

-- hostile payloads, one batch of them: each alone, all at once, and good ones between
create temp table p (o serial, event_type text, payload bytea);
insert into p (event_type, payload) select 'dpi.flow', convert_to(x, 'UTF8') from unnest(array[
    t.flow('{"surprise":1}'), t.flow('{"end_reason":"bored"}'), t.flow('{"src_ip":"nonsense"}'), t.flow('{"risks":["a","a"]}'), t.flow('{"record":1e400}'), '{', '[]', 'null', repeat('[', 30000) || repeat(']', 30000),
    t.flow('{"start_at":"infinity"}'), t.flow('{"splt":[1]}'), '{"a":"\u0000"}', replace(t.flow(), 'www', e'\x01')]) x;
insert into p (event_type, payload) values ('dpi.flow', '\xff00'), ('dpi.dns', '{}'), ('health.heartbeat', '7777'), ('test.unknown', '{"a":1}'), ('dpi.flow', convert_to(t.flow(), 'UTF8'));
update p set payload = payload || convert_to(repeat(' ', 2 - octet_length(payload)), 'UTF8') where octet_length(payload) < 2;
create function pg_temp.batch(types text[], payloads bytea[]) returns t.batch language plpgsql as $$
declare
    b t.batch := row(t.i1(), pg_temp.next(), '{}'::bytea[], payloads, pg_temp.head());
    e bytea;
begin
    for i in 1 .. cardinality(types) loop
        e := t.envelope(t.i1(), t.m1(), b.first_seq + i - 1, b.last_hash, types[i], payloads[i]);
        b.envelopes := b.envelopes || e;
        b.last_hash := sha256('\x00'::bytea || e);
    end loop;
    return b;
end $$;
select is(t.send(pg_temp.batch(array_agg(event_type order by o), array_agg(payload order by o))), 'stored', 'a batch of hostile payloads is stored') from p;
select is(pg_temp.next(), 19::bigint, 'all of it');
select is((select count(*) from re_raw.quarantine), 17::bigint, 'and quarantined, all but the good one');
select is((select array_agg(seq) from re_dpi.flow), array[18::bigint], 'which has its row');
select is((select string_agg(rule, ' ' order by seq) from re_raw.quarantine where seq in (1, 2, 4, 17)), 'payload_is_of_contract flow_end_reason_is_valid ' || 'flow_risk_p' || to_char(now() at time zone 'UTC', 'YYYYMMDD') || '_pkey event_type_is_known', 'each with its rule');
select is((select count(*) from re_raw.quarantine where sqlstate !~ '^(22|23|54|RE00[35])' or detail ~ '[^ -~]'), 0::bigint, 'its state and a text that can be printed');
select is((select count(*) from re_dpi.flow_risk), 0::bigint, 'and not a part of its rows');
select is_empty($$ select seq, rule from re_raw.verify_chain(t.i1()) where rule <> 'unsigned_tail' $$, 'the chain is intact');
select is((select count(*) from re_raw.chain_violation), 0::bigint, 'nothing was refused');
select is((select array_agg(status) from (select t.status(pg_temp.batch(array[event_type], array[payload])) as status from p order by o) x), array_fill('stored'::text, array[18]), 'each of them alone is stored too');
select is((select count(*) from re_raw.quarantine), 34::bigint, 'and quarantined');

-- sent again it is a duplicate, broken it is refused whole
select is(t.status(pg_temp.batch(array['dpi.flow', 'dpi.flow'], array['{}'::bytea, convert_to(t.flow(), 'UTF8')])), 'stored', 'two more');
select is((select x.status from re_raw.raw_event a join re_raw.raw_event b on b.seq = a.seq + 1, re_raw.ingest(t.i1(), a.seq, array[a.envelope, b.envelope], array[a.payload, b.payload], null) x where b.seq = pg_temp.next() - 1), 'duplicate', 'sent again a duplicate');
create temp table n as select pg_temp.next() as seq, (select count(*) from re_raw.quarantine) as rows;
select is(t.status(row(t.i1(), (b).first_seq, (b).envelopes, array['{"x":1}'::bytea, '{"y":1}'::bytea], null)::t.batch), 'bad_event', 'payloads that are not those of the envelopes are refused') from pg_temp.batch(array['dpi.flow', 'dpi.flow'], array['{}'::bytea, '{}'::bytea]) b;
select is(row(pg_temp.next(), (select count(*) from re_raw.quarantine)), row(n.seq, n.rows), 'and leave nothing') from n;

-- what is not known yet: EDNS of the query is, a later version of a type is not
select is(t.status(t.chain(t.i1(), t.m1(), pg_temp.next(), pg_temp.head(), 'd', '{}', '{"query_edns":{"version":0,"udp_size":1232,"do":true,"options":[{"code":10,"data":"00ff"}]}}')), 'stored', 'EDNS of a query');
select is((select row(query_edns_version, query_edns_udp_size, query_edns_do, edns_version)::text from re_dpi.dns order by seq desc limit 1), '(0,1232,t,0)', 'has its columns');
select is((select row(position, code, data)::text from re_dpi.dns_query_edns_option), '(0,10,00ff)', 'and its options');
select is(t.status(t.chain(t.i1(), t.m1(), pg_temp.next(), pg_temp.head(), 'd', '{}', v::jsonb)), 'stored', v) from unnest(array['{"query_edns":{}}', '{"query_edns":{"version":0,"udp_size":"1","do":true,"options":[]}}', '{"query_edns":{"version":0,"udp_size":1,"do":true,"options":[],"x":1}}']) v;
select is((select count(*) from re_dpi.dns), 1::bigint, 'and what has another shape has no row');

-- status says it, an operator mends what can be mended
select is((select reason_figures[array_position(reasons, 'rows_quarantined')] from re_view.probe_status where component_instance_id = t.i1()), (select count(*) from re_raw.quarantine)::numeric, 'status counts them');
select is(t.try('t_probe1', 'select re_raw.rederive(t.i1())'), '42501', 'a probe mends nothing');
select is(t.ask('t_retention', 'select mended || '' '' || remaining from re_raw.rederive(t.i1())'), '0 ' || (select count(*) from re_raw.quarantine), 'what breaks a rule stays');
alter table re_dpi.flow drop constraint flow_end_reason_is_valid;
insert into re_raw.event_type values ('dpi_probe', 'test.unknown', 1, null, null);
select is(t.ask('t_retention', 'select mended || '' '' || remaining from re_raw.rederive(t.i1(), 0, 18)'), '2 15', 'when the rules know better, what they let in is mended');
select is((select end_reason || seq from re_dpi.flow where seq = 2), 'bored2', 'with its row');
select is((select count(*) from re_view.quarantine where mended_at is not null and mended_by = 't_retention'), 2::bigint, 'and who did it is kept');
select is(t.ask('t_retention', 'select mended || '' '' || remaining from re_raw.rederive(t.i1(), 0, 18)'), '0 15', 'once');
select throws_ok($$ select re_raw.rederive(t.m1()) $$, 'RE002', null, 'nothing of a stranger');
select is_empty($$ select seq, rule from re_raw.verify_chain(t.i1()) where rule <> 'unsigned_tail' $$, 'the chain is intact');
select * from finish();
rollback;
