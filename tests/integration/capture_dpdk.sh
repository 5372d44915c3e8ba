#!/usr/bin/env bash
# The DPDK plugin without a card and without huge pages: virtual devices give what the file holds, losses are counted, and what goes
# wrong says why. One process per case: DPDK starts once in a process.
set -euo pipefail
dump=$(readlink -f "$1")
plugin=${2:-}
send=${3:-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d /tmp/dpi-test.XXXXXX)
stop() { local j; j=$(jobs -p); [ -z "$j" ] || kill $j 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; tail -n 3 $(ls -t "$work"/*.out "$work"/*.err | head -3) >&2 || true; exit 1; }
value() { sed -n "s/.* $2=\([^ ]*\).*/\1/p" "$work/$1.out" | tail -1; }
is() { [ "$(value "$1" "$2")" = "$3" ] || fail "$1: $2 is $(value "$1" "$2"), not $3"; }

# Without the plugin: an error that says what is missing, before anything of DPDK is touched.
"$dump" dpdk --plugin="$work/none.so" >"$work/absent.out" && fail "no plugin, no error"
grep -q 'ERROR DPDK: the plugin cannot be loaded: .*none.so' "$work/absent.out" || fail "plugin absent"
[ -f "$plugin" ] || skip "the DPDK plugin was not built (libdpdk-dev is not installed)"
export XDG_RUNTIME_DIR=$work
dpdk() { local name=$1; shift; "$dump" dpdk --plugin="$plugin" "$@" >"$work/$name.out" 2>"$work/$name.err"; }
small=(--descriptors 512 --held-packets 2048)

# net_pcap: the same packets as the file source, on one port with one queue, and on two ports.
for kind in v4 v6label vlan qinq frag4; do
  python3 "$root/tests/support/make_flows.py" $kind 100 10 >"$work/$kind.pcap"
  "$dump" file "$work/$kind.pcap" >"$work/file.out"
  dpdk $kind "${small[@]}" --eal=--vdev=net_pcap0,rx_pcap="$work/$kind.pcap" --count "$(value file packets)" --settle-ms 50 --hold 6 --release-elsewhere || fail $kind
  for key in packets bytes digest times; do is $kind $key "$(value file $key)"; done
  grep -q '^changed=0 ' "$work/$kind.out" || fail "$kind: bytes changed while a batch was held"
done
dpdk ports "${small[@]}" --eal=--vdev=net_pcap0,rx_pcap="$work/v4.pcap" --eal=--vdev=net_pcap1,rx_pcap="$work/v4.pcap" --count 2000 || fail ports
is ports packets 2000; is ports per_source 1000,1000
# Two queues of one port; a driver without RSS says so.
dpdk queues "${small[@]}" --queues 2 --eal=--vdev=net_pcap0,rx_pcap="$work/v4.pcap",rx_pcap="$work/vlan.pcap" --count 2000 || fail queues
is queues per_source 1000,1000; grep -q 'WARNING DPDK: net_pcap0: this driver does not spread' "$work/queues.out" || fail "no word about RSS"
echo "net_pcap: packets, lengths and times are the file's; ports and queues"

# Batches that are held take the pool's buffers; what finds none is counted.
dpdk pool --descriptors 64 --held-packets 64 --hold 1000 --eal=--vdev=net_pcap0,rx_pcap="$work/v4.pcap" --count 1000 || fail pool
[ "$(value pool dropped_pool)" -gt 0 ] || fail "the pool never ran out, so nothing was tested"
[ $(($(value pool packets) + $(value pool dropped_pool))) = 1000 ] || fail "1000 were offered"
echo "pool: $(value pool packets) read + $(value pool dropped_pool) without a buffer = 1000"

# Frames longer than a buffer come in pieces and are put together.
python3 - >"$work/jumbo.pcap" <<'PY'
import struct, sys
out = sys.stdout.buffer
out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
for i in range(50):
    frame = bytes(12) + b"\x08\x00" + bytes((j * 7 + i) & 255 for j in range(9000 if i % 2 else 200))
    out.write(struct.pack("<IIII", 1_600_000_000, i, len(frame), len(frame)) + frame)
PY
"$dump" file "$work/jumbo.pcap" >"$work/file.out"
dpdk jumbo "${small[@]}" --eal=--vdev=net_pcap0,rx_pcap="$work/jumbo.pcap" --count 50 || fail jumbo
is jumbo digest "$(value file digest)"; is jumbo copied 25
dpdk large "${small[@]}" --buffer-bytes 9216 --eal=--vdev=net_pcap0,rx_pcap="$work/jumbo.pcap" --count 50 || fail large
is large digest "$(value file digest)"; is large copied 0
echo "frames of several buffers: put together, counted; none with larger buffers"

# net_null: packets without end.
dpdk null "${small[@]}" --eal=--vdev=net_null0,size=64 --count 100000 || fail null
[ "$(value null packets)" -ge 100000 ] || fail null

# net_memif: packets of another process through shared memory. The first sends nothing: its link comes and goes.
"$dump" file "$work/v4.pcap" >"$work/file.out"
head -c 24 "$work/v4.pcap" >"$work/nothing.pcap"
memif() { echo "--vdev=net_memif0,role=$1,socket=$work/memif.sock,socket-abstract=no"; }
await() { for _ in $(seq 600); do ! grep -q "$1" "$work/memif.out" || return 0; sleep 0.1; done; fail "net_memif: nothing says '$1'"; }
"$dump" dpdk --plugin="$plugin" "${small[@]}" --eal="$(memif server)" --count 1000 >"$work/memif.out" 2>&1 & reader=$!
await '^READY'
"$send" "$work/nothing.pcap" "$(memif client)" >"$work/send.out" 2>&1 & sender=$!
await 'WARNING dpdk:net_memif0: the link is up'
kill $sender
await 'WARNING dpdk:net_memif0: the link is down'
"$send" "$work/v4.pcap" "$(memif client)" >"$work/send.out" 2>&1 & sender=$!
wait $reader || fail memif
kill $sender
is memif packets 1000; is memif digest "$(value file digest)"
echo "net_memif: 1000 packets of another process; its link went and came"

# What goes wrong: our error, one line, no usage text, nothing on standard output but ours.
wrong() {
  local name=$1 pattern=$2; shift 2
  ! dpdk "$name" "$@" || fail "$name: no error"
  grep -qE "^ERROR $pattern" "$work/$name.out" || fail "$name: nothing says '$pattern'"
  [ "$(wc -l <"$work/$name.out")" = 1 ] || fail "$name: more than our line"
  [ ! -s "$work/$name.err" ] || fail "$name: something on standard error: $(head -1 "$work/$name.err")"
}
wrong argument 'DPDK does not start' --eal=--no-such-option
wrong driver 'DPDK does not start' --eal=--vdev=net_nothing0
wrong nofile 'DPDK found no port|net_pcap0: ' --eal=--vdev=net_pcap0,rx_pcap="$work/missing.pcap"
wrong noport 'DPDK found no port.*bind a card'
wrong toomany 'net_pcap0: it has [0-9]+ receive queues, not 64' --queues 64 --descriptors 64 --held-packets 64 --eal=--vdev=net_pcap0,rx_pcap="$work/v4.pcap"
dpdk twice "${small[@]}" --twice --eal=--vdev=net_pcap0,rx_pcap="$work/v4.pcap" --count 1000 || fail twice
grep -q 'AGAIN DPDK was already started in this process' "$work/twice.out" || fail "a second start"
echo "errors: unknown argument, unknown driver, missing file, no port, too many queues, a second start"
