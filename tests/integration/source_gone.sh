#!/usr/bin/env bash
# An interface that comes back more often than there are sockets for it can never be captured again: the sensor ends, so that it is
# started anew, instead of running on deaf.
source "$(dirname "$0")/lib.sh"
export PATH=$PATH:/usr/sbin
for tool in ip unshare; do command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
cd "$work"; mkdir keys
run 0 "$probe" keys generate keys/key.pem
cat >inside.sh <<'SH'
make() { ip link add tx0 type veth peer name rx0; ip link set tx0 up; ip link set rx0 up; }
make
"$probe" run -i rx0 --set probe.instance=0192f0c1-7a00-7000-8000-00000000a001 --set signing.key="$PWD/keys/key.pem" --set service.metrics= \
  --set capture.ring_mib=2 --set spool.dir="$PWD/spool" >run.out 2>run.err & pid=$!
for _ in $(seq 100); do ! grep -q capturing run.err || break; sleep 0.1; done
for _ in $(seq 60); do
  kill -0 $pid 2>/dev/null || break
  ip link del tx0; sleep 0.3; make; sleep 0.7
done
kill -0 $pid 2>/dev/null && { kill -KILL $pid; echo "it runs on" >>run.err; }
code=0; wait $pid || code=$?
echo $code >code
SH
export probe
"${namespace[@]}" bash inside.sh
grep -q "unsandboxed" run.err && skip "no sandbox here: sockets can be made at any time"
[ "$(cat code)" = 1 ] && grep -q "no socket is left to capture it with" run.err || { tail -5 run.err >&2; fail "exit $(cat code)"; }
run 0 "$probe" verify spool/0192f0c1-*
echo "it ended, and said why"
