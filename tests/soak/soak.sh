#!/usr/bin/env bash
# tests/soak/soak.sh PROBE [MINUTES [CAPTURE]]: the sensor under changing load for half an hour (or MINUTES) on a veth pair, with a link that
# goes down and up, into a real database that is stopped and started. At the end: every heartbeat's ledger closes, every packet sent is
# offered or lost with the link, memory is flat, the chain is intact. Not part of ./test: it takes its time. Needs root (a network namespace
# and a cluster of its own) or an ordinary user with user namespaces.
minutes=${2:-30}
source "$(dirname "$0")/../integration/lib.sh"
for tool in ip unshare tcpreplay ethtool; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
export PATH=$PATH:/usr/sbin
database; demo; cp "${3:-$work/demo.pcap}" "$work/load.pcap"; cd "$work"; mkdir keys
run 0 "$probe" keys generate keys/key.pem
run 0 "$probe" keys enrol keys/key.pem --role probe1 -d "$admin"
instance=$(cut -d' ' -f1 out)
cat >dpi.toml <<TOML
[probe]
instance = "$instance"
[capture]
interfaces = "rx0"
sockets = 2
[workers]
count = 2
[signing]
key = "$work/keys/key.pem"
[spool]
dir = "$work/spool"
segment_mib = 1
keep_acked_mib = 4
[database]
conninfo = "$writer"
TOML
cat >inside.sh <<'SH'
set -euo pipefail
ip link add tx0 mtu 9000 type veth peer name rx0 mtu 9000
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
"$probe" run -c dpi.toml --out postgres >probe.out 2>probe.err & pid=$!
for _ in $(seq 300); do ! grep -q capturing probe.err || break; sleep 0.1; done
rss() { awk '/^VmRSS/ {print $2}' /proc/$pid/status; }
end=$((SECONDS + minutes * 60)); round=0; sent=0; early=
while [ $SECONDS -lt $end ]; do
  round=$((round + 1)); pps=$((2000 + RANDOM % 30000))
  tcpreplay -q -i tx0 --pps=$pps --loop=$((pps / 10)) --duration=10 load.pcap >replay.out 2>&1 || true
  sent=$((sent + $(sed -n 's/^Actual: \([0-9]*\) packets.*/\1/p' replay.out)))
  [ $((round % 7)) != 3 ] || { ip link set rx0 down; sleep 1; ip link set rx0 up; }
  [ $((round % 11)) != 5 ] || pkill -STOP -f "postgres: probe1" 2>/dev/null || true
  [ $((round % 11)) != 6 ] || pkill -CONT -f "postgres: probe1" 2>/dev/null || true
  [ -n "$early" ] || [ $SECONDS -lt $((end - minutes * 40)) ] || early=$(rss)
  kill -0 $pid || { cat probe.err >&2; exit 1; }
done
pkill -CONT -f "postgres: probe1" 2>/dev/null || true
sleep 1; late=$(rss)
kill -TERM $pid; code=0; wait $pid || code=$?
echo "rounds $round sent $sent rss_early_kib ${early:-$late} rss_late_kib $late exit $code" >summary
[ $code = 0 ] || { cat probe.err >&2; exit 1; }
SH
export probe minutes
"${namespace[@]}" bash inside.sh || fail "the sensor"
read -r _ rounds _ sent _ early _ late _ < <(cat summary)
[ "$late" -lt $((early * 5 / 4 + 20000)) ] || fail "memory grew from $early to $late KiB"
run 0 "$probe" keys show --public keys/key.pem; cp out trusted.pem
run 0 "$probe" verify "$work/spool/$instance" --trust trusted.pem
says "from sequence [0-9]+ on"  # what the database has is gone from the spool
run 0 "$probe" verify "postgres:$admin" --instance "$instance"
[ "$(sql "select count(*) from re_dpi.heartbeat where not ledger_closes")" = 0 ] || fail "a ledger is open"
offered=$(sql "select max(packets_offered) from re_dpi.heartbeat")
records=$(sql "select sum(packets_src + packets_dst) from re_dpi.flow where canary is null")
decoded=$(sql "select max(packets_decoded) from re_dpi.heartbeat")
[ "$records" = "$decoded" ] || fail "$decoded packets decoded, $records in flow records"
[ "$offered" -le "$sent" ] || fail "$offered packets offered, only $sent sent"
echo "$rounds rounds: $sent sent, $offered offered, $decoded decoded, in as many flow records' counts; memory $early → $late KiB; chain intact"
