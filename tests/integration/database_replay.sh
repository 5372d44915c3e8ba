#!/usr/bin/env bash
# A replay into PostgreSQL: exactly once, the same chain whatever the database held before, rows that lead to their proof,
# and a database that serves no writers of our kind is refused.
source "$(dirname "$0")/lib.sh"
demo; cd "$work"; database

run 0 "$probe" replay demo.pcap --out jsonl:a.jsonl --out "postgres:$writer"; says "11 events stored, 0 were there"
run 0 "$probe" replay demo.pcap --out "postgres:$writer";                      says "0 events stored, 11 were there"
[ "$(sql "select count(*) from re_raw.raw_event")" = 11 ] || fail "not exactly once"
[ "$(sql "select count(*) from re_dpi.flow")" = "$(grep -c '"event_type":"dpi.flow","event_version"' a.jsonl)" ] || fail "flow rows differ"
[ "$(sql "select count(*) from re_dpi.dns")" = 2 ] || fail "DNS rows differ"
[ "$(sql "select bool_and(ledger_closes and events_close) from re_dpi.heartbeat")" = t ] || fail "the ledger does not close"
[ -z "$(find "$XDG_STATE_HOME" -name '*.seg')" ] || fail "the spool was not removed after everything was stored"

# Byte for byte what the file says; and another database state gives the same chain.
sql "select line from re_view.event order by component_instance_id, seq" >b.lines
grep '^{"envelope"' a.jsonl | cmp - b.lines || fail "the database holds other bytes than the file"
run 0 "$probe" replay demo.pcap -f udp --out "postgres:$writer"; says "events stored, 0 were there"
run 0 "$probe" verify "postgres:$admin"
run 0 "$probe" status -d "$reader"; says "replayed"
run 0 "$probe" status -d "$reader" --json; python3 -c 'import json,sys; assert len(json.load(open(sys.argv[1]))) == 2' out || fail "status --json"
run 0 "$probe" status -d "$reader" --check; says "^RANSOMEYE OK - 2 of 2 probes well \| 'probes'=2"
run 3 "$probe" status -d "$reader" --probe nobody --check; says "^RANSOMEYE UNKNOWN - no probe begins"

# A folder, again and again: only what is new is stored, whatever it is called, in whatever order and however it is packed.
mkdir folder; "$probe" spec build "$root/pcaps-spec/file/pcapng.toml" --to . >/dev/null; "$probe" spec build "$root/pcaps-spec/dns" --to dns >/dev/null
cp pcapng.pcapng folder/b.pcapng
run 0 "$probe" replay folder --out "postgres:$writer"; says "events stored, 0 were there"
flows=$(sql "select count(*) from re_dpi.flow")
gzip folder/b.pcapng; mv folder/b.pcapng.gz folder/z.gz; cp "$(find dns -name '*.pcap' | sort | head -1)" folder/a.pcap
run 0 "$probe" replay folder --out "postgres:$writer"
[ "$(grep -c 'events stored, 0 were there' err),$(grep -c ': 0 events stored' err)" = 1,1 ] || { cat err; fail "what is known was stored again"; }
more=$(sql "select count(*) from re_dpi.flow")
run 0 "$probe" replay folder --out "postgres:$writer"
[ "$(grep -c ': 0 events stored' err)" = 2 ] && [ "$(sql "select count(*) from re_dpi.flow")" = "$more" ] && [ "$more" -gt "$flows" ] || fail "the folder was stored again"

# Another login with the same capture is told what stands there, and what helps.
sql "create role probe2 login" "grant re_probe to probe2"
run 2 "$probe" replay demo.pcap --out "postgres:${writer/probe1/probe2}"; says "another login has replayed the same.*instance [0-9a-f-]{36}"
[ -z "$(find "$XDG_STATE_HOME" -name '*.seg')" ] || fail "a spool was kept for nothing"
if [ -s /etc/machine-id ]; then
  run 0 "$probe" keys generate own.pem
  run 0 "$probe" replay demo.pcap --key own.pem --out "postgres:${writer/probe1/probe2}"; says "events stored, 0 were there"
fi

# Enrolment: once, the same again, and never for another key or an instance of the same machine.
if [ -s /etc/machine-id ]; then
  run 0 "$probe" keys generate key.pem
  run 0 "$probe" keys enrol key.pem --role probe1 -d "$admin"; says "^[0-9a-f-]{36} enrolled"
  instance=$(cut -d' ' -f1 out)
  run 0 "$probe" keys enrol key.pem --role probe1 --instance "$instance" -d "$admin"; says "unchanged"
  run 0 "$probe" keys generate third.pem
  run 4 "$probe" keys enrol third.pem --role probe1 -d "$admin"; says "already has the active dpi_probe instance $instance"
  run 0 "$probe" keys enrol third.pem --role probe1 --beside "$instance" -d "$admin"; says "^[0-9a-f-]{36} enrolled"
  run 0 "$probe" keys generate other.pem
  run 4 "$probe" keys enrol other.pem --role probe1 --instance "$instance" -d "$admin"; says "$instance"
  run 4 "$probe" keys enrol other.pem --role nobody1 -d "$admin"; says "nobody1"
  run 0 "$probe" status -d "$reader" --probe "$instance"; says "enrolled"
else
  echo "note: no /etc/machine-id, enrolment was not tried"
fi

# What server, database or role have for defaults does no harm.
sql "alter database postgres set standard_conforming_strings = off" "alter database postgres set bytea_output = escape" \
    "alter database postgres set timezone = 'America/New_York'" "alter database postgres set datestyle = 'SQL, DMY'" \
    "alter database postgres set statement_timeout = 200"
run 0 "$probe" replay demo.pcap -f 'udp or tcp' --out "postgres:$writer"; says "events stored, 0 were there"
run 0 "$probe" schema check -d "$admin"; says "every object is as the bundle makes it"
for name in standard_conforming_strings bytea_output timezone datestyle statement_timeout; do
  psql -X -q "$admin" -c "set statement_timeout = 0" -c "alter database postgres reset $name"
done

# The README's question: from a flow row to its event, envelope, checkpoint and key.
run 0 psql -X -x -At -v ON_ERROR_STOP=1 "$reader" -f "$root/docs/row-to-proof.sql"
says '^envelope\|\{"component"'; says '^checkpoint\|ransomeye.dpi/'; says '^key_id\|[0-9a-f]{64}'; says '^envelope_hash\|.*[0-9a-f]{64}'

run 0 "$probe" schema check -d "$admin"

# What a superuser edits behind every lock is found: constraints and triggers off, one byte of one payload.
leaf=$(sql "select tableoid::regclass from re_raw.raw_event where event_type = 'dpi.flow' limit 1")
for c in $(sql "select conname from pg_constraint where conrelid = 're_raw.raw_event'::regclass and contype = 'c'"); do sql "alter table re_raw.raw_event drop constraint $c"; done
sql "alter table $leaf disable trigger all"
sql "update $leaf set payload = overlay(payload placing '7'::bytea from octet_length(payload) - 3) where (component_instance_id, seq) in
     (select component_instance_id, seq from re_raw.raw_event where event_type = 'dpi.flow' order by seq limit 1)"
run 5 "$probe" verify "postgres:$admin"; says "payload is not the one"
run 5 "$probe" schema check -d "$admin"; says "raw_event"

psql -X -q "$admin" -c "create database other" >/dev/null
other=${writer/dbname=postgres/dbname=other}
run 4 "$probe" replay demo.pcap --out "postgres:$other"; says "schema apply"
"$probe" schema apply -d "${admin/dbname=postgres/dbname=other}" >/dev/null
run 0 "$probe" schema apply -d "${admin/dbname=postgres/dbname=other}"; says "nothing to do"
psql -X -q -v ON_ERROR_STOP=1 "${admin/dbname=postgres/dbname=other}" -c "create or replace function re_core.writer_contract(out oldest int, out newest int)
  language plpgsql immutable as 'begin oldest := 2; newest := 3; end'"
run 4 "$probe" replay demo.pcap --out "postgres:$other"; says "contracts 2 to 3"
run 5 "$probe" schema check -d "${admin/dbname=postgres/dbname=other}"

# Two databases: both get everything, each from a spool of its own.
psql -X -q "$admin" -c "create database second" >/dev/null
"$probe" schema apply -d "${admin/dbname=postgres/dbname=second}" >/dev/null
psql -X -q -v ON_ERROR_STOP=1 "${admin/dbname=postgres/dbname=second}" -c "select re_core.create_tenant('default')" >/dev/null
second=${writer/dbname=postgres/dbname=second}
run 0 "$probe" replay demo.pcap -f tcp --out "postgres:$writer" --out "postgres:$second"
[ "$(grep -c 'events stored, 0 were there' err)" = 2 ] || fail "not both databases got the run"
run 0 "$probe" verify "postgres:${admin/dbname=postgres/dbname=second}"
[ -z "$(find "$XDG_STATE_HOME" -path '*.2/*' -name '*.seg')" ] || fail "the second spool was left behind"
# One of them away: the other has all of it, and the same command completes it.
run 4 "$probe" replay demo.pcap -f icmp --out "postgres:host=$work/none dbname=x" --out "postgres:$second"; says "events stored, 0 were there"

# Database stopped in the middle of nothing: kept, and shipped by the same command later.
"$root/tools/private-postgres" stop "$work/pg" >/dev/null 2>&1
run 4 "$probe" replay demo.pcap -f icmp --out "postgres:$writer"; says "kept in"
"$root/tools/private-postgres" start "$work/pg" >/dev/null 2>&1
run 0 "$probe" replay demo.pcap -f icmp --out "postgres:$writer"; says "events stored, 0 were there"
echo "exactly once, and proved"
