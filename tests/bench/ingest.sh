#!/usr/bin/env bash
# Ingest with full integrity against plain COPY BINARY of the same rows into tables with the same indexes and partitions, batch by batch in
# turns, in one run; first on a small database, then with more than ten times the rows.
#   tests/bench/ingest.sh [EVENTS]      events of one measurement, default 10000 (two minutes); batches of 1000; raw event and flow row each
set -euo pipefail
events=${1:-10000}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d /tmp/dpi-bench.XXXXXX)
chmod 0755 "$work"
trap '"$root/tools/private-postgres" clean "$work/pg" >/dev/null 2>&1; rm -rf "$work"' EXIT
conninfo=$("$root/tools/private-postgres" start "$work/pg")
q() { psql -XqAt -v ON_ERROR_STOP=1 "$conninfo" "$@"; }
export PGOPTIONS='-c client_min_messages=warning -c timezone=UTC'
cat "$root"/schemas/0*.sql | q -1 -f - >/dev/null
q -f "$root/tests/schema/support.sql" >/dev/null
q >/dev/null <<SQL
set search_path = t, public;
select t.enrol();
create schema plain;
do \$\$
declare
    r record;
begin
    for r in select relid, relid::regclass as parent, c.relname from (values ('re_raw.raw_event'::regclass), ('re_dpi.flow')) x(relid) join pg_class c on c.oid = relid loop
        execute format('create table plain.%I (like %s including defaults including indexes) partition by range (ingested_at)', r.relname, r.parent);
        execute (select string_agg(format('create table plain.%I partition of plain.%I %s', c.relname, r.relname, pg_get_expr(c.relpartbound, c.oid)), ';')
                 from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = r.relid);
    end loop;
end \$\$;
create table t.head (next_seq bigint, last_hash bytea);
insert into t.head values (0, t.zeros());
create unlogged table t.b (n bigint primary key, b t.batch);
create table t.result (there bigint, ingest numeric, copy numeric, ingest_cpu numeric, copy_cpu numeric);
-- CPU time of this backend in milliseconds: other work on the machine disturbs it less than the clock.
create function t.cpu() returns numeric language sql volatile as \$\$ select split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1e6 \$\$;

-- Batches of 1000 events that go on from the head. Every flow has addresses, ports and a community id of its own and one of 500 names, so
-- that the indexes take what traffic gives them; each from the sequence number.
create function t.some_flow(seq bigint) returns text language sql stable as \$\$
    select t.flow(jsonb_build_object(
        'src_ip', concat_ws('.', 10, get_byte(h, 0), get_byte(h, 1), get_byte(h, 2)), 'src_port', 1024 + get_byte(h, 3) * 200,
        'dst_ip', concat_ws('.', 198, 18, get_byte(h, 4) % 16, get_byte(h, 5)), 'community_id', '1:' || encode(substring(h from 7 for 20), 'base64'),
        'server_name', concat('www', (get_byte(h, 30) * 256 + get_byte(h, 31)) % 500, '.example.com')))
    from (select sha256(int8send(seq)) as h) x \$\$;
create procedure t.make(batches int) language plpgsql as \$\$
declare
    h t.head;
    b t.batch;
    e bytea;
    p bytea;
begin
    truncate t.b;
    for i in 1 .. batches loop
        select * into h from t.head;
        b := row(t.i1(), h.next_seq, '{}'::bytea[], '{}'::bytea[], null);
        for seq in h.next_seq .. h.next_seq + 999 loop
            p := convert_to(case seq when 0 then '{"reason":"enrolled"}' else t.some_flow(seq) end, 'UTF8');
            e := t.envelope(t.i1(), t.m1(), seq, h.last_hash, case seq when 0 then 'chain.start' else 'dpi.flow' end, p);
            b.envelopes := b.envelopes || e;
            b.payloads := b.payloads || p;
            h.last_hash := sha256('\x00'::bytea || e);
        end loop;
        insert into t.b values (h.next_seq, b);
        update t.head set next_seq = h.next_seq + 1000, last_hash = h.last_hash;
        commit;
    end loop;
end \$\$;
-- Each batch: ingest, then COPY of the rows that ingest has just written, each with its COMMIT.
create procedure t.run(folder text, measured boolean) language plpgsql as \$\$
declare
    b      record;
    there  bigint := (select count(*) from plain.raw_event);
    began  timestamptz;
    cpu    numeric;
    ingest numeric;
    copy   numeric;
    i_cpu  numeric;
    c_cpu  numeric;
    status text;
begin
    for b in select n from t.b order by n loop
        declare
            x t.batch := (select y.b from t.b y where y.n = b.n);
        begin
            cpu := t.cpu();
            began := clock_timestamp();
            select i.status into status from re_raw.ingest(x.instance, x.first_seq, x.envelopes, x.payloads, null) i;
        end;
        commit;
        ingest := extract(epoch from clock_timestamp() - began) * 1e3;
        i_cpu := t.cpu() - cpu;
        if status <> 'stored' then raise exception '%', status; end if;
        execute format('copy (select * from re_raw.raw_event where seq between %s and %s) to %L (format binary)', b.n, b.n + 999, folder || '/raw');
        execute format('copy (select * from re_dpi.flow where seq between %s and %s) to %L (format binary)', b.n, b.n + 999, folder || '/flow');
        commit;
        cpu := t.cpu();
        began := clock_timestamp();
        execute format('copy plain.raw_event from %L (format binary)', folder || '/raw');
        execute format('copy plain.flow from %L (format binary)', folder || '/flow');
        commit;
        copy := extract(epoch from clock_timestamp() - began) * 1e3;
        c_cpu := t.cpu() - cpu;
        if measured then insert into t.result values (there, ingest, copy, i_cpu, c_cpu); end if;
        commit;
    end loop;
end \$\$;
SQL
n=$((events / 1000))
pass() {  # BATCHES MEASURED
    q -c 'set search_path = t, public' -c "call t.make($1)" >/dev/null
    q -c 'set search_path = t, public' -c "call t.run('$work/pg/data', $2)" >/dev/null
}
pass 2 false
pass "$n" true
pass $((n * 10)) false
q -c 'vacuum analyze' -c checkpoint >/dev/null
pass 2 false
pass "$n" true
q -c "select format('%7s rows there, %s: ingest %s us, COPY BINARY %s us an event; ingest runs at %s of COPY (middle half of the batches: %s to %s)',
        there, what, round(m.ingest::numeric, 1), round(m.copy::numeric, 1), round(m.r[2]::numeric, 2), round(m.r[1]::numeric, 2), round(m.r[3]::numeric, 2))
  from (select there, what, percentile_cont(0.5) within group (order by x.ingest) as ingest, percentile_cont(0.5) within group (order by x.copy) as copy,
               percentile_cont(array[0.25, 0.5, 0.75]) within group (order by x.copy / x.ingest) as r
        from t.result cross join lateral (values ('clock', ingest, copy), ('CPU', ingest_cpu, copy_cpu)) x(what, ingest, copy) group by there, what) m order by there, what"
