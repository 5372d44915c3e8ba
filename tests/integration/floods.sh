#!/usr/bin/env bash
# A flood of packets is no flood of events: SYNs from one source, to one target, from and to anybody, beside real conversations. What
# they cost the chain is less than 1 % of a record each (10 % where nothing is common: its limit is higher), the real ones are all told, the sums add up, and
# 1 and 3 workers give the same bytes.
source "$(dirname "$0")/lib.sh"
cd "$work"
for kind in scan flood any; do
    python3 "$root/tests/support/make_flood.py" "$kind" 200000 "$kind.pcap"
    for workers in 1 3; do
        "$probe" replay "$kind.pcap" --workers "$workers" --out "jsonl:$kind.$workers" 2>/dev/null || fail "$kind with $workers workers"
    done
    cmp -s "$kind.1" "$kind.3" || fail "$kind: workers make a difference"
    "$probe" replay "$kind.pcap" --set flow.scan_flows=0 --out "jsonl:$kind.all" 2>/dev/null || fail "$kind without"
    python3 - "$kind" <<'P' || fail "$kind"
import json, os, sys
kind = sys.argv[1]
flows = scans = real = 0
for line in open(f"{kind}.1"):
    event = json.loads(line)
    row = event.get("payload")
    type_ = event.get("envelope", {}).get("event_type")
    if type_ == "dpi.flow":
        flows += row["packets_src"] + row["packets_dst"]
        real += row["packets_dst"] > 0
    elif type_ == "dpi.scan":
        scans += row["flows"]
        assert row["kind"] == {"scan": "source", "flood": "target", "any": "any"}[kind], row
        assert row["first_at"] <= row["last_at"] and len(row["samples"]) == 16, row
    elif type_ == "health.heartbeat":
        last = row
assert real == 100, f"{real} of 100 conversations"
assert flows + scans == last["packets_decoded"], (flows, scans, last["packets_decoded"])
share = os.path.getsize(f"{kind}.1") / os.path.getsize(f"{kind}.all")
assert share < (0.10 if kind == "any" else 0.01), f"{share:.2%} of the bytes"
print(f"{kind}: {scans} flows in scans, {share:.2%} of the bytes")
P
done
