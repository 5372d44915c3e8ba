#!/usr/bin/env bash
# The outputs that other products read (docs/outputs.md): every line has only fields of the format, of their types, and names the
# event that it was made from; whatever the bytes on the wire were; the same with any number of workers; nothing that was there is lost.
source "$(dirname "$0")/lib.sh"
checks=$root/tests/integration/export

# replay_all TO WORKERS CAPTURES…: all formats and the events that they were made from
replay_all() {
  local to=$1 workers=$2; shift 2
  mkdir -p "$to"
  "$probe" replay "$@" --workers "$workers" --out "jsonl:$to/events.jsonl" --out "eve:$to/eve.json" --out "ecs:$to/ecs.json" \
      --out "csv:$to/csv" 2>"$work/err" || [ $? = 3 ] || { cat "$work/err"; fail "replay"; }  # 3: damaged captures among the others
}
check() {
  local at=$1
  python3 "$checks/check_records.py" eve "$checks/eve-fields.txt" "$at/eve.json" "$at/events.jsonl" || fail "$at: EVE"
  python3 "$checks/check_records.py" ecs "$checks/ecs-fields.txt" "$at/ecs.json" "$at/events.jsonl" || fail "$at: ECS"
  python3 "$checks/check_csv.py" "$at/csv" "$at/events.jsonl" || fail "$at: CSV"
}

"$probe" spec build "$root/pcaps-spec" --to "$work/captures" >/dev/null
replay_all "$work/one" 1 "$work/captures"
check "$work/one" | tee "$work/counts"
for type in anomaly dns flow http quic ssh stats tls; do
  grep -q "^$type " "$work/counts" || fail "no EVE record of type $type"
done
for workers in 2 4; do
  replay_all "$work/more" "$workers" "$work/captures"
  diff -rq "$work/one" "$work/more" || fail "$workers workers: other bytes"
  rm -r "$work/more"
done

# What is there stays, a header is written once, and what somebody left half written spoils one line only.
demo
"$probe" replay "$work/demo.pcap" --out "eve:$work/grows.json" --out "csv:$work/grows" 2>/dev/null
cp "$work/grows.json" "$work/first.json"
lines=$(wc -l <"$work/grows/flow.csv")
printf '{"half' >>"$work/grows.json"
run 0 "$probe" replay "$work/demo.pcap" --out "eve:$work/grows.json" --out "csv:$work/grows"
cmp -n "$(stat -c %s "$work/first.json")" "$work/first.json" "$work/grows.json" || fail "what was there was changed"
[ "$(grep -vc '^{"half$' "$work/grows.json")" = "$((2 * $(wc -l <"$work/first.json")))" ] || fail "lines are missing behind a half one"
[ "$(wc -l <"$work/grows/flow.csv")" = "$((2 * lines - 1))" ] || fail "rows are missing, or the header stands twice"
echo "a,b" >"$work/grows/dns.csv"
run 4 "$probe" replay "$work/demo.pcap" --out "csv:$work/grows"
says "other columns"

# Standard output, and what is refused.
"$probe" replay "$work/demo.pcap" --out eve 2>/dev/null | cmp - "$work/first.json" || fail "eve to standard output: other lines"
run 2 "$probe" replay "$work/demo.pcap" --out csv
says "needs a folder"
run 2 "$probe" replay "$work/demo.pcap" --out eva:x
says "eve\[:PATH\], ecs\[:PATH\], csv:FOLDER"

# Captures of others, when they are here.
if [ -d "$corpus" ]; then
  mapfile -t others < <(find "$corpus"/{ndpi-4.2,suricata-verify,zeek,tcpdump,cve-2021-44228} -name '*.pcap' -o -name '*.pcapng' | sort)
  replay_all "$work/others" 2 "${others[@]}"
  check "$work/others"
fi
