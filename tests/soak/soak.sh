#!/usr/bin/env bash
# tests/soak/soak.sh PROBE [MINUTES [CAPTURE]]: the sensor under changing load for half an hour (or MINUTES, at least 3) on a veth pair, with a link that
# goes down and up, into a real database that stands still now and then. At the end: every heartbeat's ledger closes, every packet sent is
# offered or lost with the link, memory is flat, the chain is intact. Not part of ./test: it takes its time. Needs root (a network namespace
# and a cluster of its own) or an ordinary user with user namespaces.
minutes=${2:-30}
source "$(dirname "$0")/../integration/lib.sh"
for tool in ip unshare tcpreplay ethtool psql pkill; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
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
# The backend that the sensor speaks to: of this cluster, not of another test's.
backend() { pkill -"$1" -P "$(sed -n 1p "$work/pg/data/postmaster.pid")" -f "postgres: probe1" 2>/dev/null; }
trap 'backend CONT || true; [ -z "$pid" ] || { kill $pid; wait $pid; } 2>/dev/null || true' EXIT
# The database's newest heartbeat is at most that many seconds old.
fresh() { [ "$(psql -X -q -At "$admin" -c "select max(observed_at) > now() - interval '$1 seconds' from re_dpi.heartbeat")" = t ]; }
rss() { awk '/^VmRSS/ {print $2}' /proc/$pid/status; }
end=$((SECONDS + minutes * 60)); round=0; sent=0; stops=0; still=; early=
while [ $SECONDS -lt $end ]; do
  # A database that is slower than this load rests until it has nearly caught up; else the spool fills up, and that is another test.
  [ -n "$still" ] || until fresh 60 || [ $SECONDS -ge $end ]; do sleep 1; done
  round=$((round + 1)); pps=$((2000 + RANDOM % 30000))
  tcpreplay -q -i tx0 --pps=$pps --loop=0 --duration=10 load.pcap >replay.out 2>&1 || true
  sent=$((sent + $(sed -n 's/^Actual: \([0-9]*\) packets.*/\1/p' replay.out)))
  [ $((round % 7)) != 3 ] || { ip link set rx0 down; sleep 1; ip link set rx0 up; }
  [ $((round % 11)) != 5 ] || ! backend STOP || { stops=$((stops + 1)); still=yes; }
  [ $((round % 11)) != 6 ] || ! backend CONT || still=
  [ -n "$early" ] || [ $SECONDS -lt $((end - minutes * 40)) ] || early=$(rss)
  kill -0 $pid || { cat probe.err >&2; exit 1; }
done
backend CONT || true
late=$(rss)
# A sensor that is told to stop ships for seconds only: first the database has to catch up.
for _ in $(seq 600); do ! fresh 15 || break; sleep 1; done
fresh 15 || { echo "the database never caught up" >&2; exit 1; }
kill -TERM $pid; code=0; wait $pid || code=$?; pid=
echo "rounds $round stops $stops sent $sent rss_early_kib ${early:-$late} rss_late_kib $late exit $code" >summary
[ $code = 0 ] || { cat probe.err >&2; exit 1; }
SH
export probe minutes work admin
"${namespace[@]}" bash inside.sh || fail "the sensor"
read -r _ rounds _ stops _ sent _ early _ late _ < <(cat summary)
[ "$late" -lt $((early * 5 / 4 + 20000)) ] || fail "memory grew from $early to $late KiB"
[ $rounds -lt 5 ] || [ $stops -ge 1 ] || fail "the database never stood still: nobody found the sensor's backend"
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
echo "$rounds rounds, the database stood still in $stops: $sent sent, $offered offered, $decoded decoded, in as many flow records' counts; memory $early → $late KiB; chain intact"
