#!/usr/bin/env bash
# The same captures give the same bytes: run twice, in two folders, with any batch size, user, time zone and locale.
source "$(dirname "$0")/lib.sh"
demo
captures=("$work/demo.pcap")
if [ -d "$corpus/ndpi-4.2" ]; then captures+=("$corpus"/ndpi-4.2/*.pcap); else echo "note: no corpus at $corpus, the demo capture only"; fi
sum() { local to=$1; shift; run 0 env "$@" "$probe" replay "${captures[@]}" --out "jsonl:$to" ${options:-}; sha256sum <"$to"; }

first=$(sum "$work/a.jsonl" A=1)
mkdir -p "$work/other/folder"; cp "$work/demo.pcap" "$work/other/folder/x.pcap"
captures[0]=$work/other/folder/x.pcap
[ "$(cd "$work/other" && sum b.jsonl TZ=Asia/Tokyo LC_ALL=C HOME=/nonexistent)" = "$first" ] || fail "another folder, name, time zone: other bytes"
for size in 1 7 256; do
  [ "$(options="--batch $size" sum "$work/c.jsonl" A=1)" = "$first" ] || fail "batch size $size: other bytes"
done
for workers in 2 3 8; do
  [ "$(options="--workers $workers" sum "$work/c.jsonl" A=1)" = "$first" ] || fail "$workers workers: other bytes"
done
[ "$(options="--set spool.segment_mib=1" sum "$work/c.jsonl" A=1)" = "$first" ] || fail "a setting without influence on events changed them"
[ "$(options="--set flow.idle_tcp_s=7" sum "$work/c.jsonl" A=1)" != "$first" ] || fail "another configuration must be another chain"
# Standard input is the same capture.
one=$("$probe" replay "$work/demo.pcap" 2>/dev/null | sha256sum)
[ "$("$probe" replay - <"$work/demo.pcap" 2>/dev/null | sha256sum)" = "$one" ] || fail "standard input: other bytes"
[ "$(cat "$work/demo.pcap" | "$probe" replay - 2>/dev/null | sha256sum)" = "$one" ] || fail "a pipe: other bytes"

# One capture in two files, given in the wrong order: with --merge its flows are those of the whole one.
python3 - "$work" <<'PY'
import struct, sys
data = open(sys.argv[1] + '/demo.pcap', 'rb').read()
packets, at = [], 24
while at < len(data):
    end = at + 16 + struct.unpack_from('<I', data, at + 8)[0]
    packets.append(data[at:end]); at = end
open(sys.argv[1] + '/early.pcap', 'wb').write(data[:24] + b''.join(packets[:6]))
open(sys.argv[1] + '/late.pcap', 'wb').write(data[:24] + b''.join(packets[6:]))
PY
facts() { "$probe" replay "$@" 2>/dev/null | jq -c 'select(.envelope.event_type // "" | startswith("dpi.")) | .payload' | sort; }
whole=$(facts "$work/demo.pcap")
[ "$(facts --merge "$work/late.pcap" "$work/early.pcap")" = "$whole" ] || fail "--merge: other flows than in the whole capture"
[ "$(facts "$work/early.pcap" "$work/late.pcap")" != "$whole" ] || fail "without --merge flows must not span files"
twice=$("$probe" replay --loop 2 "$work/demo.pcap" 2>/dev/null | jq -c 'select(.envelope.event_type == "dpi.flow")' | wc -l)
[ "$twice" = "$((2 * $(grep -c community_id.*packets_src <<<"$whole")))" ] || fail "--loop 2: $twice flows"
echo "identical: $first"
