#!/usr/bin/env bash
# tests/demo/two_probes.sh PROBE [--quick]: two sensors on veth pairs into one real database. One is unplugged, one is flooded, PostgreSQL is
# stopped and started, one is killed and comes back; after each the status table is printed, once it says what it must: a condition that does
# not come about ends the script with an error. docs/demonstration.md is what it printed. Ten minutes, because a probe counts as restarted for
# five; --quick does not wait for that.
source "$(dirname "$0")/../integration/lib.sh"
export quick=${2:-}
for tool in ip unshare tcpreplay ethtool jq; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urnum); [ "$(id -u)" != 0 ] || namespace=(unshare -num)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
database; demo; cd "$work"; mkdir keys conf
for name in east west; do
  "$probe" keys generate keys/$name.pem >/dev/null
  # Two hosts: each sees a machine id and a host name of its own.
  printf '%s' "$name" | sha256sum | cut -c1-32 >machine-$name
  "${namespace[@]}" sh -c "mount --bind machine-$name /etc/machine-id && exec '$probe' keys enrol keys/$name.pem --role probe1 -d '$admin'" >instance-$name
  instance=$(cut -d' ' -f1 <instance-$name)
  cat >conf/$name.toml <<TOML
[probe]
instance = "$instance"
[capture]
interfaces = "span-$name"
ring_mib = 4
[workers]
batches = 2
[signing]
key = "$work/keys/$name.pem"
[spool]
dir = "$work/spool"
[database]
conninfo = "$writer"
[service]
metrics = ""
TOML
  declare "$name=$instance"
done

cat >inside.sh <<'SH'
set -euo pipefail
declare -A pid
for name in east west; do
  ip link add wire-$name mtu 9000 type veth peer name span-$name mtu 9000
  for i in wire-$name span-$name; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
done
begin() { hostname sensor-$1; mount --bind machine-$1 /etc/machine-id; "$probe" run -c conf/$1.toml --out postgres >>$1.out 2>>$1.log & pid[$1]=$!; sleep 2; umount /etc/machine-id; }
traffic() { tcpreplay -q -i wire-$1 --pps=400 --loop=0 demo.pcap >/dev/null 2>&1 & }
status() { "$probe" status -d "$reader"; }
say() { printf '\n## %s\n\n' "$1"; }
show() { printf '```\n$ ransomeye-dpi status\n'; status || true; printf '```\n'; }
# await SECONDS 'jq condition on the two probes, by name': until it holds.
await() {
  local until=$((SECONDS + $1)) seen
  while [ $SECONDS -lt $until ]; do
    seen=$("$probe" status -d "$reader" --json 2>/dev/null || true)
    ! jq -e "(map({(.hostname): .}) | add) as \$p | \$p[\"sensor-east\"] as \$east | \$p[\"sensor-west\"] as \$west | $2" >/dev/null 2>&1 <<<"$seen" || return 0
    sleep 0.5
  done
  echo "FAILED: within $1 s it was not so: $2" >&2; status >&2 || true; tail -n 3 east.log west.log >&2; exit 1
}
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

say 'Both sensors have just been started'
begin east; begin west; traffic east; traffic west
await 60 '[$east, $west] | all(.state == "restarted" and .packets_per_second > 0)'
show
if [ "$quick" != --quick ]; then
  say 'Five minutes later'
  await 400 '[$east, $west] | all(.state != "restarted")'
  show
fi

say 'The cable of sensor-east is pulled'
ip link set wire-east down
await 15 '$east.reasons | index("link_down")'
await 10 '$west.reasons | index("link_down") | not'
show
ip link set wire-east up
await 15 '$east.reasons | index("link_down") | not'

say 'sensor-west is flooded, with a ring and queues that are far too small'
for _ in $(seq 6); do
  tcpreplay -q -t -i wire-west --loop=60000 --duration=2 demo.pcap >/dev/null 2>&1 || true
  ! "$probe" status -d "$reader" --probe sensor-west 2>/dev/null | grep -E 'kernel dropped|shed' >/dev/null || break
done
await 30 '$west.reasons | (index("drops_kernel") or index("packets_shed"))'
show

say 'PostgreSQL is stopped'
"$private" stop "$work/pg" >/dev/null 2>&1
printf '```\n$ ransomeye-dpi status\n'; code=0; status 2>&1 | cut -c1-160 || code=$?; printf '$ echo $?\n%s\n```\n' "$code"
[ $code = 3 ] || { echo "FAILED: exit $code without a database" >&2; exit 1; }
sleep 35

say 'PostgreSQL is back after 35 seconds: what was kept in the spools arrives'
"$private" start "$work/pg" >/dev/null 2>&1
await 30 '[$east, $west] | all(.silent_seconds < 10)'
show
say 'Everything has arrived'
await 300 '[$east, $west] | all(.state != "silent" and .state != "stale" and (.reasons | index("database_away") | not))'
show
printf '\nNothing is missing, and every heartbeat adds up:\n\n```\n'
for i in $east $west; do "$probe" verify "postgres:$admin" --instance $i 2>&1 | grep intact; done
printf '```\n'

say 'sensor-east is killed: half a minute later'
kill -KILL ${pid[east]}; wait ${pid[east]} 2>/dev/null || true
await 45 '$east.state == "stale"'
show
say 'A minute after the kill'
await 45 '$east.state == "silent"'
await 10 '$west.state != "silent" and $west.state != "stale"'
show

say 'sensor-east is started again: its chain goes on, and the crash is not hidden'
begin east
await 30 '$east.state == "restarted" and ($east.reasons | index("unclean_restart"))'
show
for name in east west; do kill -TERM ${pid[$name]}; code=0; wait ${pid[$name]} || code=$?; [ $code = 0 ] || { echo "FAILED: exit $code" >&2; cat $name.log >&2; exit 1; }; done
say 'Both are stopped in an orderly way'
await 10 '[$east, $west] | all(.reasons | index("stopped"))'
show
SH
export probe reader admin east west private=$root/tools/private-postgres work
"${namespace[@]}" bash inside.sh || fail "the demonstration"
for i in $east $west; do run 0 "$probe" verify "postgres:$admin" --instance $i; done
[ "$(sql "select count(*) from re_dpi.heartbeat where not ledger_closes")" = 0 ] || fail "a ledger is open"
