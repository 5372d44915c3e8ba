#!/usr/bin/env bash
# From every released bundle to this one: a filled database keeps every row, its chains stay intact, its catalogue becomes that of a
# database made new, and writers go on where they were.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
q() { psql -qXAt -v ON_ERROR_STOP=1 -d "$1" -c 'set search_path = t, public' -c "$2"; }
is() { if [ "$1" = "$2" ]; then echo "ok $3"; else echo "not ok $3: have '$1', want '$2'"; failed=1; fi; }
apply() { psql -qX -v ON_ERROR_STOP=1 -1 -d "$1" -f - >/dev/null; }
# Every table with its rows. Columns that are new are NULL in old rows, and so left out.
rows() {
    local t
    for t in $(q "$1" "select c.oid::regclass from pg_class c where c.relkind in ('r', 'p') and not c.relispartition
                       and c.relnamespace::regnamespace::text ~ '^re_' and c.oid::regclass::text <> all (array['re_raw.event_type', 're_ops.retention_policy',
                       're_ops.retention_ledger', 're_core.schema_bundle']) order by 1"); do
        printf '%s %s\n' "$t" "$(q "$1" "select count(*) || ' ' || coalesce(md5(string_agg(x, e'\n' order by x)), '') from (select jsonb_strip_nulls(to_jsonb(r))::text as x from $t r) y")"
    done
}
# The catalogue as text, with owners, rights and comments, but for the token that each dump has of its own, and for the partitions of the
# month before: on the first of a month an older bundle has made them, and this one need not.
before=$(date -u -d "$(date -u +%Y-%m-01) -1 day" +%Y%m)
catalogue() { pg_dump --schema-only --schema='re_*' --exclude-table="re_*.*_p$before*" "$1" | grep -v '^\\\(un\)\?restrict '; }

psql -qX -d postgres -c 'create database migration_new' || exit 1
cat "$root"/schemas/0*.sql | apply migration_new || exit 1
catalogue migration_new >"$work/new"

for released in "$here"/released/*; do
    version=$(basename "$released")
    db=migration_$(echo "$version" | tr . _)
    psql -qX -d postgres -c "create database $db" || exit 1
    cat "$released"/0*.sql | apply "$db" && apply "$db" <"$here/support.sql" || exit 1
    q "$db" "select re_core.register_bundle('$version', '\\x$(cat "$released"/0*.sql | sha256sum | cut -d' ' -f1)')" >/dev/null

    # What this version has no table for is not sent.
    asked=',"query_edns":{"version":0,"udp_size":512,"do":true,"options":[{"code":2,"data":"01"}]}'
    grep -q query_edns "$released"/03* || asked=

    # Every event type, a declared gap, a checkpoint-less tail, a refusal, an incident, a sealed day
    q "$db" "select t.enrol()" >/dev/null
    q "$db" "do \$\$
        declare
            b t.batch := t.chain(t.i1(), t.m1(), 0, t.zeros(), 's' || repeat('bhfdlcgwe', 20));
        begin
            assert t.status(b) = 'stored';
            b := t.chain(t.i1(), t.m1(), 200, sha256('lost'), repeat('fdh', 10));
            assert t.status(b) = 'gap';
            assert t.status(b, null, true) = 'stored_with_gap';
            b := t.chain(t.i2(), t.m2(), 0, t.zeros(), 'sx');
            assert t.status(b) = 'stored';
            b := t.chain(t.i2(), t.m2(), 2, b.last_hash, 'f', '{}', '{\"vlan_ids\":[1],\"encapsulations\":[\"vlan\"],\"risks\":[\"a\"],\"anomalies\":[\"x\"],\"splt\":[{\"bytes\":5,\"gap_us\":9}]}');
            assert t.status(b) = 'stored';
            b := t.chain(t.i2(), t.m2(), 3, b.last_hash, 'd', '{}', '{\"anomalies\":[\"x\"],\"edns\":{\"version\":0,\"udp_size\":1232,\"do\":false,\"options\":[{\"code\":1,\"data\":\"00\"}]}$asked}');
            assert t.status(b) = 'stored';
            assert t.status(t.chain(t.i2(), t.m2(), 4, b.last_hash, 'h', '{}', '{\"state\":\"degraded\",\"reasons\":[\"x\"],\"anomalies\":[{\"name\":\"x\",\"count\":1}]}')) = 'stored';
            perform re_ops.ensure_partitions(now() - interval '2 days', now() - interval '2 days'), re_ops.ensure_partitions(now(), now() + interval '9 days');
            perform re_ops.seal_partition(format('re_dpi.dns_p%s', to_char((now() - interval '2 days') at time zone 'UTC', 'YYYYMMDD'))::regclass);
        end \$\$" || failed=1
    rows "$db" >"$work/before"
    is "$(grep '^re_dpi\.' "$work/before" | grep -c ' 0 $')" 0 "$version: every table of re_dpi has rows"
    daily() { q "$1" "select table_name from re_ops.retention_policy where span = 'day' order by 1"; }
    new_tables=$(comm -13 <(daily "$db") <(daily migration_new) | paste -sd '|')
    head=$(q "$db" 'select next_seq, last_hash from re_raw.chain_resume(t.i1())')

    at=$version
    while next=$(ls "$root/migrations/$at"-to-*.sql 2>/dev/null); do
        apply "$db" <"$next" || { failed=1; break; }
        at=$(basename "$next" .sql)
        at=${at#*-to-}
        files=$here/released/$at
        [ -d "$files" ] || files=$root/schemas
        q "$db" "select re_core.register_bundle('$at', '\\x$(cat "$files"/0*.sql | sha256sum | cut -d' ' -f1)')" >/dev/null
    done
    is "$at" "$(sed -n 's/.*schema_bundle_version = "\(.*\)";/\1/p' "$root/probe/app/schema_bundle.h")" "$version: the migrations lead to this bundle"

    rows "$db" >"$work/after"
    is "$(diff "$work/before" "$work/after" | grep -v '^[0-9]' | grep -v '^> .* 0 $')" '' "$version: the rows are those of before"
    is "$(q "$db" 'select count(*) from re_ops.verify_ledger()')" 0 "$version: the ledger of partitions is intact"
    catalogue "$db" >"$work/migrated"
    # Which days there are is not the bundle's matter; this database has days that the new one has not.
    for day in $(q "$db" "select distinct substr(partition_name, length(partition_name) - 7) from re_ops.partition where partition_name ~ '_p[0-9]{8}$' and (range_from > now() + interval '3 days' or range_to < now())"); do
        is "$(grep -cE "^CREATE TABLE .*\.($new_tables)_p$day " "$work/migrated")" "$([ "$day" -gt "$(date -u +%Y%m%d)" ] && echo "$new_tables" | tr '|' '\n' | wc -l || echo 0)" "$version: new tables have the day $day when it is to come"
        q "$db" "select format('drop table %s cascade;', c.oid::regclass) from pg_class c where c.relispartition and c.relkind = 'r' and c.relname like '%\\_p$day'" | psql -qX -d "$db" || failed=1
    done
    catalogue "$db" >"$work/migrated"
    is "$(diff "$work/migrated" "$work/new" | head -20)" '' "$version: the catalogue is that of a database made new"
    is "$(q "$db" "select seq, severity, rule from re_raw.verify_chain(t.i1())" | tr '\n' ' ')" '181|incomplete|declared_gap 229|incomplete|unsigned_tail ' "$version: the chain is what it was"
    is "$(q "$db" 'select next_seq, last_hash from re_raw.chain_resume(t.i1())')" "$head" "$version: writers go on where they were"
    is "$(q "$db" "select t.status(t.chain(t.i1(), t.m1(), 230, (select last_hash from re_raw.chain_resume(t.i1())), 'bhfdlcgwen'))")" stored "$version: and are served"
    is "$(q "$db" "select count(*) from re_raw.quarantine where component_instance_id = t.i1()")" 0 "$version: with all their rows"
    is "$(psql -qXAt -d "$db" -v ON_ERROR_STOP=1 -1 -f "$root/migrations/$version"-to-*.sql 2>&1 | grep -c 'this migration begins at')" 1 "$version: a migration runs once"
done
exit $failed
