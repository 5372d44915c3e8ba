#!/usr/bin/env bash
# tests/bench/heartbeat.sh PROBE [SECONDS]: what heartbeats, with their canaries, signatures and commits, cost: processor time of two idle
# sensors on veth, one with a heartbeat a second, one with none but the first. Prints the difference for one heartbeat, and as a part of one
# processor at one in 10 s. Needs what tests/integration/run_live.sh needs.
seconds=${2:-60}
source "$(dirname "$0")/../integration/lib.sh"
export PATH=$PATH:/usr/sbin seconds probe work
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
cd "$work"; mkdir keys; "$probe" keys generate keys/key.pem >/dev/null
cat >inside.sh <<'SH'
set -euo pipefail
for i in 1 3600; do
  ip link add name tx$i type veth peer name rx$i
  for n in tx$i rx$i; do ip link set $n arp off addrgenmode none up; done
  "$probe" run -i rx$i --key keys/key.pem --set probe.instance=01920000-0000-7000-8000-00000000$(printf %04d $i) --set spool.dir="$work/spool" \
    --set heartbeat.interval_s=$i --set service.metrics= --out spool 2>$i.err & eval "pid$i=\$!"
done
sleep 3
spent() { cat /proc/$1/task/*/schedstat | awk '{ns += $1} END {print ns}'; }
a1=$(spent $pid1); b1=$(spent $pid3600); sleep $seconds; a2=$(spent $pid1); b2=$(spent $pid3600)
awk -v a=$((a2 - a1)) -v b=$((b2 - b1)) -v s=$seconds 'BEGIN { one = (a - b) / s; printf "%.0f us a heartbeat: %.4f %% of a processor at one in 10 s (an idle sensor: %.2f %%)\n", one / 1e3, one / 1e10 * 100, b / s / 1e9 * 100 }'
kill $pid1 $pid3600; wait
SH
"${namespace[@]}" bash inside.sh
