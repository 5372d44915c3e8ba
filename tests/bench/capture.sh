#!/usr/bin/env bash
# tests/bench/capture.sh BUILD_FOLDER [ROUNDS]: packets that a bare ring reader and our source lose, in turns, over two wired interfaces of
# a namespace. Compare the two columns of one run; the figures of another machine or minute say nothing.
set -euo pipefail
build=$(readlink -f "$1"); rounds=${2:-3}
if [ -z "${DPI_CAPTURE_NAMESPACE:-}" ]; then DPI_CAPTURE_NAMESPACE=1 exec unshare -Urn bash "$0" "$build" "$rounds"; fi
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
printf '%10s %20s %20s   lost of %s\n' pps bare_ring af_packet_source $count
for pps in 50000 100000 200000 top; do
  for _ in $(seq "$rounds"); do
    printf '%10s %20s %20s\n' $pps "$(lost $pps "$build/tests/bare_ring" rx0 $count 8)" \
           "$(lost $pps "$build/tests/support/capture_dump" af_packet rx0 --blocks 8 --count $count)"
  done
done
