#!/usr/bin/env bash
# Outputs of the sensor that are files: readers of its spool. Killed again and again while it writes, each has every event once; what
# logrotate moves away is made anew at SIGHUP, in the sandbox; an output whose place is gone is made up for when it is there again.
source "$(dirname "$0")/lib.sh"
for tool in ip unshare tcpreplay ethtool; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
checks=$root/tests/integration/export
demo; cd "$work"; mkdir keys conf log
run 0 "$probe" keys generate keys/key.pem
cat >conf/dpi.toml <<TOML
[probe]
instance = "2c8e4a5e-3f60-4d0e-9d2b-6d3a1f0b7c11"
[capture]
interfaces = "rx0"
[heartbeat]
interval_s = 1
canary = false  # left out of EVE, and so of what is compared
[signing]
key = "$work/keys/key.pem"
[spool]
dir = "$work/spool"
TOML
run 0 "$probe" config check conf/dpi.toml

run 2 "$probe" run -c conf/dpi.toml -i lo --out eve:log/eve.json --out ecs:./log//eve.json; says "another output writes there"

cat >inside.sh <<'SH'
set -euo pipefail
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
await() { for _ in $(seq 300); do ! "$@" 2>/dev/null || return 0; sleep 0.1; done; cat err >&2; echo "FAILED: never: $*" >&2; exit 1; }
begin() { "$probe" run -c conf/dpi.toml --out jsonl:log/all.jsonl --out eve:log/eve.json --out csv:rows 2>err & pid=$!; await grep -q capturing err; }
send() { for _ in 1 2 3 4; do tcpreplay -q -t -i tx0 demo.pcap >/dev/null 2>&1; sleep 0.3; done; }
for pause in 0.2 0.7 1.1 1.6 2.3; do
  begin
  send & sending=$!
  sleep $pause
  kill -KILL $pid; wait $pid 2>/dev/null || true; wait $sending
done
begin
send
for name in all.jsonl eve.json; do mv log/$name log/1-$name; done
kill -HUP $pid; await test -e log/eve.json -a -e log/all.jsonl
send
# Its place is gone: the others and the probe go on, and it is made up for.
mv log gone; kill -HUP $pid; await grep -q "cannot be opened" err
send
lines=$(wc -l <gone/eve.json)
mv gone log; await test "$(wc -l <log/eve.json)" -gt 0 -a -e log/eve.json
await sh -c "[ \$(wc -l <log/eve.json) -gt $lines ]"
kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 0 ] || { cat err >&2; exit 1; }
grep -q "written again" err || { cat err >&2; echo "FAILED: nobody says that it works again" >&2; exit 1; }
SH
probe=$probe timeout 120 "${namespace[@]}" bash inside.sh || fail "inside"

cat log/1-all.jsonl log/all.jsonl >whole.jsonl
cat log/1-eve.json log/eve.json >whole.json
run 0 "$probe" verify spool/2c8e*
run 0 "$probe" verify whole.jsonl
grep -c '"envelope"' whole.jsonl >/dev/null || fail "no events"
[ -z "$(sort whole.jsonl | uniq -d)" ] || fail "an event stands twice"
python3 "$checks/check_records.py" eve "$checks/eve-fields.txt" whole.json whole.jsonl || fail "EVE"
python3 "$checks/check_csv.py" rows whole.jsonl || fail "CSV"
[ -z "$(sort whole.json | uniq -d)" ] || fail "a record stands twice"
# The part behind a rotation is no whole chain, and one says so; it holds as a part, from where it begins and nowhere else.
run 0 "$probe" keys show keys/key.pem --public; cp out key.pub
run 5 "$probe" verify log/all.jsonl; says "begins with sequence [1-9][0-9]*: the events before it are not here"
first=$(sed -n 's/.*begins with sequence \([0-9]*\).*/\1/p' err)
run 0 "$probe" verify log/all.jsonl --from "$first" --trust key.pub; says "from sequence $first on"; says "links and signatures hold"
run 5 "$probe" verify log/all.jsonl --from $((first + 1)) --trust key.pub
run 2 "$probe" verify log/all.jsonl --from "$first"; says "name it with --trust"
sed 's/"packets_src":\([0-9]\)/"packets_src":9\1/' log/all.jsonl >edited.jsonl
run 5 "$probe" verify edited.jsonl --from "$first" --trust key.pub
