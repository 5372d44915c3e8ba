#!/usr/bin/env bash
# From a row back to its packets: what is taken out of a capture for one flow gives, replayed by itself, that flow's row again; with
# fragments, tunnels, VLANs, mirrored copies and several captures. Times, filters, events of every source; what cannot be said is refused.
source "$(dirname "$0")/lib.sh"
demo; cd "$work"
for recipe in encapsulation/{nested,ah} tcp/{retransmission,conn_states} flow/duplicates dns/pairing; do
  run 0 "$probe" spec build "$root/pcaps-spec/$recipe.toml" --to captures
done
fragments=$(cd "$root/pcaps-spec" && find . -name '*fragment*.toml' | head -4)
for recipe in $fragments; do run 0 "$probe" spec build "$root/pcaps-spec/$recipe" --to captures; done
cp demo.pcap captures/

cat >rows.py <<'PY'
import json, sys
# Without what depends on the flow's place among others.
LEFT_OUT = {"end_reason", "final", "record", "app", "app_master", "app_category", "app_confidence", "app_packets", "risks", "risk_score"}
for line in open(sys.argv[1]):
    if not line.startswith('{"envelope"'): continue
    event = json.loads(line)
    if event["envelope"]["event_type"] == "dpi.flow":
        row = event["payload"]
        print(event["envelope"]["seq"], row["community_id"], row["record"], json.dumps({k: v for k, v in row.items() if k not in LEFT_OUT}, sort_keys=True), sep="\t")
PY
flows=0
for capture in captures/*.pcap; do
  run 0 "$probe" replay "$capture" --out jsonl:all.jsonl
  python3 rows.py all.jsonl >all.rows
  while IFS=$'\t' read -r seq id record row; do
    [ "$(cut -f2 all.rows | grep -cxF -- "$id")" = 1 ] || continue  # several rows of one flow: below
    run 0 "$probe" packets "$capture" --events all.jsonl --event "$seq" -w one.pcapng
    run 0 "$probe" replay one.pcapng --out jsonl:one.jsonl
    python3 rows.py one.jsonl >one.rows
    cut -f4 one.rows | grep -qxF -- "$row" || { cut -f4 one.rows | diff - <(printf '%s\n' "$row") >&2 || true; fail "$capture, event $seq ($id): another row"; }
    run 0 "$probe" packets "$capture" --community-id "$id" -w same.pcapng
    cmp -s one.pcapng same.pcapng || fail "$capture, $id: other packets than for its only event"
    flows=$((flows + 1))
  done <all.rows
done
[ $flows -ge 20 ] || fail "only $flows flows"

# Everything is the capture again: the same chain of events but for its name.
run 0 "$probe" packets demo.pcap -w everything.pcapng; says "14 packets of 1 capture"
run 0 "$probe" replay demo.pcap --out jsonl:a.jsonl
run 0 "$probe" replay everything.pcapng --out jsonl:b.jsonl
run 0 "$probe" diff a.jsonl b.jsonl
grep -qa "SHA-256 of the capture: $(sha256sum demo.pcap | cut -d' ' -f1)" everything.pcapng || fail "the file does not say what it was taken from"
# Times, filters, sources of events.
count() { sed -n 's/^ransomeye-dpi: \([0-9]*\) packets.*/\1/p' err; }
run 0 "$probe" packets demo.pcap -f udp -w udp.pcapng; udp=$(count)
run 0 "$probe" packets demo.pcap -f 'not udp' -w rest.pcapng; [ $((udp + $(count))) = 14 ] || fail "a filter and its opposite are not all"
first=$(jq -r 'select(.envelope.event_type == "dpi.flow") | .payload.start_at' a.jsonl | sort | head -1)
run 0 "$probe" packets demo.pcap --to "${first:0:19}Z" -w early.pcapng; early=$(count)
[ "$early" -ge 1 ] && [ "$early" -lt 14 ] || fail "--to takes $early packets"
run 0 "$probe" replay demo.pcap --out spool:spool
seq=$(jq -r 'select(.envelope.event_type == "dpi.dns") | .envelope.seq' a.jsonl | head -1)
id=$(jq -r 'select(.envelope.event_type == "dpi.dns") | .envelope.event_id' a.jsonl | head -1)
run 0 "$probe" packets demo.pcap --events a.jsonl --event "$seq" -w by_seq.pcapng
run 0 "$probe" packets demo.pcap --events spool --event "$id" -w by_id.pcapng
cmp by_seq.pcapng by_id.pcapng || fail "sequence and event_id name different packets"
run 0 bash -c '"$0" packets - --events a.jsonl --event "$1" -w from_stdin.pcapng <demo.pcap' "$probe" "$seq"
run 0 "$probe" packets demo.pcap --events a.jsonl -w of_all.pcapng; [ "$(count)" = 14 ] || fail "all events are made of $(count) packets"
run 0 "$probe" packets captures --events a.jsonl --event "$seq" -w folder.pcapng; says "packets of [1-9]"

run 3 "$probe" packets demo.pcap --community-id 1:AAAAAAAAAAAAAAAAAAAAAAAAAAA= -w none.pcapng; says "no packet"
run 3 "$probe" packets demo.pcap --events a.jsonl --event 99999 -w none.pcapng; says "has no event 99999"
run 3 "$probe" packets demo.pcap --events a.jsonl --event 0 -w none.pcapng; says "none of the events is about a flow"
run 2 "$probe" packets demo.pcap --event 1 -w none.pcapng
run 2 "$probe" packets demo.pcap --from yesterday -w none.pcapng; says "expected a time"
cp demo.pcap precious.pcap
run 2 "$probe" packets precious.pcap -w ./precious.pcap; says "is the capture"
cmp demo.pcap precious.pcap || fail "the capture was overwritten"
run 0 bash -c '"$0" packets demo.pcap -w - | "$0" replay - --out jsonl:piped.jsonl' "$probe"
run 0 "$probe" diff a.jsonl piped.jsonl
run 4 "$probe" packets demo.pcap -w missing/x.pcapng; says "cannot be written"
run 3 "$probe" packets missing.pcap -w none.pcapng
cp demo.pcap cut.pcap; truncate -s -3 cut.pcap
run 0 "$probe" packets cut.pcap -w cut.pcapng; [ "$(count)" = 13 ] || fail "of a cut capture $(count) packets"
if command -v capinfos >/dev/null; then capinfos everything.pcapng | grep -q "Number of packets: *14" || fail "capinfos"; fi
echo "$flows flows, each from its packets alone"
