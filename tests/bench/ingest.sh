#!/usr/bin/env bash
# Ingest with full integrity against plain COPY BINARY of the same rows into tables with the same indexes, in turns, in one run;
# first on a small database, then with more than ten times the rows.
#   tests/bench/ingest.sh [EVENTS]      events of one measurement, default 2000 (two minutes); batches of 1000; raw event and flow row each
set -euo pipefail
events=${1:-2000}
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
create table plain.raw_event (like re_raw.raw_event including defaults including indexes);
create table plain.flow (like re_dpi.flow including defaults including indexes);
create table t.head (next_seq bigint, last_hash bytea);
insert into t.head values (0, t.zeros());
create unlogged table t.b (n bigint primary key, b t.batch);
create table t.result (rows bigint, way text, us_per_event numeric);

-- Batches of 1000 events that go on from the head.
create procedure t.make(batches int) language plpgsql as \$\$
declare
    h t.head;
    b t.batch;
begin
    truncate t.b;
    for i in 1 .. batches loop
        select * into h from t.head;
        b := t.chain(t.i1(), t.m1(), h.next_seq, h.last_hash, case h.next_seq when 0 then 's' || repeat('f', 999) else repeat('f', 1000) end);
        insert into t.b values (h.next_seq, b);
        update t.head set next_seq = h.next_seq + 1000, last_hash = (b).last_hash;
        commit;
    end loop;
end \$\$;
create procedure t.ingest(measured boolean) language plpgsql as \$\$
declare
    b      record;
    began  timestamptz;
    us     numeric := 0;
    there  bigint := (select count(*) from re_raw.raw_event);
    status text;
begin
    for b in select n from t.b order by n loop
        declare
            x t.batch := (select y.b from t.b y where y.n = b.n);
            note text := null;
        begin
            began := clock_timestamp();
            select i.status into status from re_raw.ingest(x.instance, x.first_seq, x.envelopes, x.payloads, note) i;
        end;
        commit;
        us := us + extract(epoch from clock_timestamp() - began) * 1e6;
        if status <> 'stored' then raise exception '%', status; end if;
    end loop;
    if measured then insert into t.result values (there, 'ingest', us / (select 1000 * count(*) from t.b)); end if;
end \$\$;
-- The rows that ingest has just written, batch by batch.
create procedure t.copy(folder text, measured boolean) language plpgsql as \$\$
declare
    b      record;
    began  timestamptz;
    us     numeric := 0;
    there  bigint := (select count(*) from plain.raw_event);
begin
    for b in select n from t.b order by n loop
        execute format('copy (select * from re_raw.raw_event where seq between %s and %s) to %L (format binary)', b.n, b.n + 999, folder || '/raw');
        execute format('copy (select * from re_dpi.flow where seq between %s and %s) to %L (format binary)', b.n, b.n + 999, folder || '/flow');
        commit;
        began := clock_timestamp();
        execute format('copy plain.raw_event from %L (format binary)', folder || '/raw');
        execute format('copy plain.flow from %L (format binary)', folder || '/flow');
        commit;
        us := us + extract(epoch from clock_timestamp() - began) * 1e6;
    end loop;
    if measured then insert into t.result values (there, 'copy', us / (select 1000 * count(*) from t.b)); end if;
end \$\$;
SQL
n=$((events / 1000))
pass() {  # BATCHES MEASURED
  q -c 'set search_path = t, public' -c "call t.make($1)" >/dev/null
  q -c 'set search_path = t, public' -c "call t.ingest($2)" >/dev/null
  q -c 'set search_path = t, public' -c "call t.copy('$work/pg/data', $2)" >/dev/null
}
pass "$n" false
for _ in 1 2 3; do pass "$n" true; done
pass $((n * 36)) false
q -c 'vacuum analyze' -c checkpoint >/dev/null
for _ in 1 2 3; do pass "$n" true; done
q -F '  ' -c "select format('%8s rows there: ingest %s us, COPY BINARY %s us an event; ingest runs at %s of COPY', rows, ingest, copy, round(copy / ingest, 2))
  from (select min(rows) as rows, round(percentile_cont(0.5) within group (order by us_per_event) filter (where way = 'ingest')::numeric, 1) as ingest,
               round(percentile_cont(0.5) within group (order by us_per_event) filter (where way = 'copy')::numeric, 1) as copy
        from t.result group by rows > $((events * 20))) x order by rows"
