#!/usr/bin/env bash
# Two runs compared: equal is 0 and different is 1, whatever the order; files and spools; another configuration shows as what it changes.
source "$(dirname "$0")/lib.sh"
demo; cd "$work"
run 0 "$probe" replay demo.pcap --out jsonl:a.jsonl --out spool:a.spool
run 0 "$probe" replay demo.pcap --workers 4 --out jsonl:b.jsonl

run 0 "$probe" diff a.jsonl b.jsonl;               says "^equal: [1-9]"
run 0 "$probe" diff a.spool b.jsonl
tac a.jsonl | grep '^{"envelope"' >turned.jsonl
# The last heartbeat is another one then; the rows are the same.
run 1 "$probe" diff a.jsonl turned.jsonl;          says "^flow .* 0 +0 +0$"
run 0 bash -c '"$0" diff - a.jsonl <b.jsonl' "$probe"

run 0 "$probe" replay demo.pcap -f udp --out jsonl:udp.jsonl
run 1 "$probe" diff a.jsonl udp.jsonl;             says "^gone +flow"
awk 'length > 80 { exit 1 }' out || fail "a line of more than 80 columns"
run 1 "$probe" diff a.jsonl udp.jsonl --json
python3 - out <<'PY' || fail "--json"
import json, sys
found = json.load(open(sys.argv[1]))
assert not found["equal"]
rows = found["rows"]["flow"]
assert rows["first"] - rows["second"] == rows["gone"] == sum(d["change"] == "gone" and d["kind"] == "flow" for d in found["differences"]) > 0
PY
run 3 "$probe" diff a.jsonl missing.jsonl;         says "missing.jsonl"
run 3 "$probe" diff a.jsonl demo.pcap;             says "demo.pcap:1: not an event"
run 2 "$probe" diff - -
echo "what differs is told"
