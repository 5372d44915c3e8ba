#!/usr/bin/env bash
# tests/bench/capture.sh BUILD_FOLDER [ROUNDS [RING_MIB]]: packets that a bare ring reader, our source and the whole probe (decoded,
# classified, sealed, spooled) lose, in turns, over two wired interfaces of a namespace, with rings of RING_MIB (64). Compare the columns of one
# run; the figures of another machine or minute say nothing.
set -euo pipefail
build=$(readlink -f "$1"); rounds=${2:-3}; ring=${3:-64}
if [ -z "${DPI_CAPTURE_NAMESPACE:-}" ]; then DPI_CAPTURE_NAMESPACE=1 exec unshare -Urn bash "$0" "$build" "$rounds" "$ring"; fi
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d /tmp/dpi-bench.XXXXXX); trap 'rm -rf "$work"' EXIT
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
python3 "$root/tests/support/make_flows.py" v4 1000 100 >"$work/v4.pcap"; count=100000

lost() {  # PPS COMMAND…
  local pps=$1 rate=--topspeed; shift
  [ "$pps" = top ] || rate=--pps=$pps
  "$@" >"$work/out" & local reader=$!
  until grep -q READY "$work/out"; do sleep 0.05; done
  tcpreplay -q -K -i tx0 $rate "$work/v4.pcap" >/dev/null 2>&1
  wait $reader
  sed -n 's/.*dropped_kernel=\([0-9]*\).*/\1/p' "$work/out"
}
"$build/probe/app/ransomeye-dpi" keys generate "$work/key.pem" >/dev/null
lost_by_probe() {  # PPS: in the ring and behind it
  local pps=$1 rate=--topspeed
  [ "$pps" = top ] || rate=--pps=$pps
  rm -rf "$work/spool" "$work/events"
  "$build/probe/app/ransomeye-dpi" run -i rx0 --key "$work/key.pem" --set capture.ring_mib="$ring" --set service.metrics= --set spool.dir="$work/spool" \
    --set probe.instance=01920000-0000-7000-8000-000000000001 --out "jsonl:$work/events" 2>"$work/err" & local probe=$!
  until grep -q capturing "$work/err"; do sleep 0.05; done
  tcpreplay -q -K -i tx0 $rate "$work/v4.pcap" >/dev/null 2>&1
  sleep 1; kill -TERM $probe; wait $probe
  grep -o '"packets_dropped_kernel":[0-9]*\|"packets_shed":[0-9]*' "$work/events" | tail -n 2 | cut -d: -f2 | awk '{s += $1} END {print s}'
}
printf '%10s %20s %20s %20s   lost of %s\n' pps bare_ring af_packet_source whole_probe $count
for pps in 50000 100000 200000 top; do
  for _ in $(seq "$rounds"); do
    printf '%10s %20s %20s %20s\n' $pps "$(lost $pps "$build/tests/bare_ring" rx0 $count "$ring")" \
           "$(lost $pps "$build/tests/support/capture_dump" af_packet rx0 --blocks "$ring" --count $count)" "$(lost_by_probe $pps)"
  done
done
