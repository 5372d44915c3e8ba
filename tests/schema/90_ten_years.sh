#!/usr/bin/env bash
# Ten simulated years of daily partitions of raw events and flows: made ahead, sealed, retired behind as the policy says. Then plans must
# still prune, ingest must still work, and the ledger must account for every day. Every eighth day by default, so that it takes seconds;
# RE_TEN_YEARS_STEP=1 takes every day (minutes: PostgreSQL scans pg_constraint at each drop).
set -eu -o pipefail
q() { psql -qXAt -v ON_ERROR_STOP=1 -c 'set search_path = t, public' -c "$1"; }
psql -qX -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
set search_path = t, public;
select t.enrol();
create procedure t.year(year timestamptz, step int) language plpgsql as $$
declare
    day timestamptz;
    p   regclass;
begin
    for day in select generate_series(year, least(year + interval '1 year', now() - interval '1 month') - interval '1 day', step * interval '1 day') loop
        perform re_ops.ensure_partitions(day, day, array['re_raw.raw_event', 're_dpi.flow']::regclass[]);
        for p in select format('%I.%I', x.schema_name, x.partition_name)::regclass from re_ops.retention_ledger x join re_ops.retention_policy y using (schema_name, table_name)
                 where x.range_from = day and x.action = 'created' and x.range_to + y.cold < now() order by x.table_name = 'raw_event' loop
            perform re_ops.seal_partition(p), re_ops.retire_partition(p, 'ten years');
        end loop;
        commit;
    end loop;
end $$;
SQL
for year in 10 9 8 7 6 5 4 3 2 1; do
    q "call t.year(date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - interval '$year years', ${RE_TEN_YEARS_STEP:-8})"
    q 'vacuum analyze pg_constraint' && q 'vacuum analyze pg_class' && q 'vacuum analyze pg_attribute' && q 'vacuum analyze pg_depend'
done
left=$(q "select count(*) filter (where table_name = 'raw_event') || ' ' || count(*) filter (where table_name = 'flow') from re_ops.partition where range_to <= now()")
echo "partitions left of the past: $left"
[ "$(q 'select count(*) from re_ops.verify_ledger()')" = 0 ] || { echo 'not ok: the ledger does not account for every day'; exit 1; }
[ "$(q "select count(*) > 7000 / ${RE_TEN_YEARS_STEP:-8} from re_ops.retention_ledger where action = 'created'")" = t ] || { echo 'not ok: not ten years'; exit 1; }
[ "$(q "select max(range_to) filter (where tier = 'expired') is null from re_ops.partition where table_name in ('raw_event', 'flow')")" = t ] || { echo 'not ok: expired partitions are left'; exit 1; }
pruned() {
    n=$(q "explain (costs off) $1" | grep -oE '(raw_event|flow)_p[0-9]{8}\b' | sort -u | wc -l)
    [ "$n" -le "$2" ] || { echo "not ok: $n partitions in the plan of $1"; exit 1; }
    echo "ok $n partitions: $1"
}
pruned "select * from re_dpi.flow where ingested_at >= now() - interval '1 hour' and ingested_at < now() and src_ip = '10.0.0.1'" 2
pruned "select * from re_view.flow where ingested_at >= '$(date -u +%F)' and ingested_at < '$(date -u -d tomorrow +%F)' and event_ingested_at >= '$(date -u +%F)' and event_ingested_at < '$(date -u -d tomorrow +%F)' and machine_id = t.m1()" 2
[ "$(q "select t.status(t.chain(t.i1(), t.m1(), 0, t.zeros(), 's' || repeat('f', 255)))")" = stored ] || { echo 'not ok: ingest'; exit 1; }
start=$(date +%s%N)
[ "$(q "select x.r from (select t.status(t.chain(t.i1(), t.m1(), 256, (select last_hash from re_raw.chain_resume(t.i1())), repeat('f', 256))) as r) x")" = stored ] || { echo 'not ok: ingest'; exit 1; }
ms=$((($(date +%s%N) - start) / 1000000))
echo "ok a batch of 256 made and stored in $ms ms with all of them there"
[ "$ms" -lt 5000 ] || { echo 'not ok: too slow'; exit 1; }
[ "$(q "select count(*) from re_raw.verify_chain(t.i1()) where severity = 'tampered'")" = 0 ] || { echo 'not ok: verify'; exit 1; }
