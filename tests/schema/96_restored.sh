#!/usr/bin/env bash
# A dump restored elsewhere, and a database with settings of its own, are no tampering for `schema check`. Needs the built program: its
# path in RANSOMEYE_DPI, or that of the release build; skipped when there is none.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dpi=${RANSOMEYE_DPI:-$root/build/release/probe/app/ransomeye-dpi}
[ -x "$dpi" ] || { echo "skipped: $dpi is not built"; exit 0; }
failed=0
is() { if [ "$1" = "$2" ]; then echo "ok $3"; else echo "not ok $3: have '$1', want '$2'"; failed=1; fi; }
check() { "$dpi" schema check -d "host=$PGHOST user=postgres dbname=$1" 2>&1; }
for db in restored_old restored_new; do psql -qX -d postgres -c "create database $db" || exit 1; done
"$dpi" schema apply -d "host=$PGHOST user=postgres dbname=restored_old" >/dev/null || exit 1
pg_dump restored_old | psql -qX -v ON_ERROR_STOP=1 -d restored_new >/dev/null || exit 1
is "$(check restored_new | tail -1)" 'every object is as the bundle makes it' 'a restored dump is the bundle'
psql -qX -d postgres -c "alter database restored_new set timezone = 'America/New_York'" -c "alter database restored_new set datestyle = 'SQL, DMY'" \
    -c "alter database restored_new set bytea_output = 'escape'" -c "alter database restored_new set intervalstyle = 'iso_8601'"
is "$(check restored_new | tail -1)" 'every object is as the bundle makes it' 'whatever its settings are'
psql -qX -d restored_new -c 'alter table re_dpi.dns drop constraint dns_edns_version_is_valid' -c 'alter table re_dpi.dns add constraint dns_edns_version_is_valid check (edns_version between 0 and 256)'
is "$(check restored_new | grep -c '^re_dpi.dns: constraint dns_edns_version_is_valid is ')" 1 'a CHECK that was changed is found all the same'
exit $failed
