#!/usr/bin/env bash
# A name server that takes every question and answers none holds up neither heartbeats nor the end of a sensor nor a command.
source "$(dirname "$0")/lib.sh"
export PATH=$PATH:/usr/sbin
for tool in ip unshare python3; do command -v $tool >/dev/null || skip "$tool is not installed"; done
namespaces=(unshare -Urmnpf); [ "$(id -u)" != 0 ] || namespaces=(unshare -mnpf)
"${namespaces[@]}" true 2>/dev/null || skip "namespaces are not allowed here (${namespaces[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
cd "$work"; mkdir keys
run 0 "$probe" keys generate keys/key.pem
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >resolv.conf
printf 'hosts: dns\n' >nsswitch.conf
cat >mute.py <<'PY'
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
open("listening", "w").close()
while True:
    server.recvfrom(4096)
    open("asked", "w").close()
PY
cat >inside.sh <<'SH'
mount --bind resolv.conf /etc/resolv.conf && mount --bind nsswitch.conf /etc/nsswitch.conf || { echo cannot >state; exit 0; }
ip link set lo up
python3 mute.py & server=$!
for _ in $(seq 100); do [ -e listening ] && break; sleep 0.1; done
"$probe" run -i lo --set probe.instance=0192f0c1-7a00-7000-8000-00000000a001 --set signing.key="$PWD/keys/key.pem" --set service.metrics= \
  --set capture.ring_mib=2 --set spool.dir="$PWD/spool" --set heartbeat.interval_s=1 \
  --out "postgres:host=db.example.org dbname=x connect_timeout=2" --out jsonl:events >run.out 2>run.err & pid=$!
for _ in $(seq 300); do ! grep -q capturing run.err || break; sleep 0.1; done
sleep 6
began=$(date +%s%N)
kill -TERM $pid
code=0; wait $pid || code=$?
echo "$code $((($(date +%s%N) - began) / 1000000))" >ended
began=$(date +%s%N)
code=0; "$probe" status -d "host=db.example.org dbname=x connect_timeout=2" >status.out 2>status.err || code=$?
echo "$code $((($(date +%s%N) - began) / 1000000))" >asked_status
kill $server
echo done >state
SH
# A question that nobody will ever answer is left behind at the end: to a sanitizer a leak.
export probe ASAN_OPTIONS=detect_leaks=0
timeout -k 5 120 "${namespaces[@]}" --kill-child bash inside.sh || fail "it did not end"
[ "$(cat state)" = done ] || skip "nothing may be mounted here"
[ -e asked ] || fail "no name was asked for"
read -r code ms <ended
[ "$code" = 4 ] && [ "$ms" -lt 10000 ] || { tail -5 run.err >&2; fail "run: exit $code, $ms ms after SIGTERM"; }
beats=$(grep -c health.heartbeat events)
[ "$beats" -ge 4 ] || fail "$beats heartbeats in six seconds"
read -r code ms <asked_status
[ "$code" != 0 ] && [ "$ms" -lt 10000 ] || { cat status.err >&2; fail "status: exit $code after $ms ms"; }
grep -q "no answer in time" status.err || { cat status.err >&2; fail "status does not say why"; }
echo "SIGTERM: $(cat ended); status: $(cat asked_status); $beats heartbeats"
