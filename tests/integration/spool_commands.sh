#!/usr/bin/env bash
# A spool without its sensor: what is in it, sent to a database, damaged, salvaged from a copy; the gap that was declared is filled.
source "$(dirname "$0")/lib.sh"
database; demo; cd "$work"; mkdir keys
run 0 "$probe" keys generate keys/key.pem
run 0 "$probe" keys enrol keys/key.pem --role probe1 -d "$admin"
instance=$(cut -d' ' -f1 out)
# A chain of that instance, as its sensor would have left it: nothing to capture from, so it only starts and stops. Its other output
# fails, which ends neither the sensor nor its chain.
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
PATH=$PATH:/usr/sbin "${namespace[@]}" sh -c 'ip link set lo up; exec timeout -s TERM 6 "$@"' sh "$probe" run -i lo --no-sandbox --out spool --out jsonl:/dev/full --set probe.instance="$instance" --set signing.key="$work/keys/key.pem" \
  --set heartbeat.interval_s=1 --set service.metrics= --set spool.dir="$work/spools" >run.out 2>run.err || [ $? = 124 ] || { cat run.err >&2; fail "the sensor"; }
grep -q "/dev/full: cannot write" run.err || { cat run.err >&2; fail "nobody says that an output failed"; }
spool=$work/spools/$instance; segment=$spool/00000000000000000000.seg
run 0 "$probe" spool check "$spool"; says "sound: events 0 to"; next=$(sed -n 's/^next sequence //p' out)
[ "$next" -gt 6 ] || fail "only $next events"
cp -r "$spool" copy

# One byte of the middle goes bad.
offset=$(LC_ALL=C grep -obUaP '"event_type":"probe.start"' "$segment" | head -1 | cut -d: -f1)
printf '\377' | dd of="$segment" bs=1 seek="$offset" conv=notrunc status=none
run 5 "$probe" spool check "$spool"; says "damage: .*byte [0-9]+: bad record, expected sequence"; says "next sequence $next"
run 5 "$probe" verify "$spool"
run 0 "$probe" spool ship "$spool" -d "$writer"; says "$((next - 1)) events stored"
[ "$(sql "select first_missing || '-' || last_missing from re_raw.chain_gap")" = 1-1 ] || fail "gaps: $(sql 'select * from re_raw.chain_gap')"
run 0 "$probe" spool ship "$spool" -d "$writer" --fill-gaps; says "0 of 1 gaps filled"

# Both copies have damage, each another: together they are whole.
offset=$(LC_ALL=C grep -obUaP '"event_type":"probe.stop"' copy/*.seg | tail -1 | cut -d: -f1)
printf '\377' | dd of=copy/00000000000000000000.seg bs=1 seek=$((offset - 2000)) conv=notrunc status=none
run 5 "$probe" spool check copy
run 0 "$probe" spool salvage "$spool" copy --to "$work/whole"; says "sound: events 0 to $((next - 1))"
run 0 "$probe" spool check "$work/whole"
run 2 "$probe" spool salvage "$spool" copy --to "$work/whole"; says "name an empty folder"
run 0 "$probe" spool ship "$work/whole" -d "$writer" --fill-gaps; says "1 of 1 gaps filled, 1 events"
[ "$(sql "select count(*) = max(seq) + 1 from re_raw.raw_event")" = t ] || fail "not every event is stored"
[ "$(sql "select count(*) from re_raw.verify_chain('$instance')")" = 0 ] || fail "the chain: $(sql "select * from re_raw.verify_chain('$instance')")"
[ "$(sql "select count(*) from re_raw.chain_violation")" = 0 ] || fail "refused: $(sql "select * from re_raw.chain_violation")"
run 0 "$probe" verify "postgres:$admin" --instance "$instance"

run 0 "$probe" spool set-aside "$spool"; says "quarantine/spool-1"
run 3 "$probe" spool check "$work/nowhere"; says "no such folder"
echo "what is sound is found, sent and saved"
