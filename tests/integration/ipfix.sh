#!/usr/bin/env bash
# Flows and DNS exchanges as IPFIX (docs/outputs.md), read by libfixbuf's own reader with nothing but what the messages say: every one
# once, counters and names equal to its event; in a file that grows, that a sensor was killed over and that was rotated; over TCP and TLS.
source "$(dirname "$0")/lib.sh"
for tool in python3 openssl ipfixDump; do command -v $tool >/dev/null || skip "$tool is not installed"; done
checks=$root/tests/integration/export
last=; trap '[ -z "$last" ] || kill $last 2>/dev/null; cleanup' EXIT
# check FILE EVENTS [--twice]
check() {
  ipfixDump --in "$1" --rfc5610 --hexdump=32 >"$work/dump" 2>"$work/dump.err" || { cat "$work/dump.err" >&2; fail "$1 cannot be read"; }
  python3 "$checks/check_ipfix.py" "$work/dump" "${@:2}" || fail "$1"
}
"$probe" spec build "$root/pcaps-spec" --to "$work/captures" >/dev/null
cd "$work"
code=0; "$probe" replay captures --workers 2 --out jsonl:all.jsonl --out ipfix:all.ipfix 2>err || code=$?
[ $code = 0 ] || [ $code = 3 ] || { cat err >&2; fail "replay: exit $code"; }
check all.ipfix all.jsonl
code=0; "$probe" replay captures --out ipfix 2>err >again.ipfix || code=$?
cmp all.ipfix again.ipfix || fail "another number of workers, other bytes"
[ -z "$(grep -v '^$' dump.err)" ] || { head -3 dump.err >&2; fail "the reader is not content"; }

# A replay behind another; what is somebody else's stays.
demo
"$probe" replay demo.pcap --out jsonl:demo.jsonl --out ipfix:grows.ipfix 2>/dev/null
head -c 100 all.ipfix >>grows.ipfix
run 0 "$probe" replay demo.pcap --out ipfix:grows.ipfix
check grows.ipfix demo.jsonl --twice
echo "a,b" >other.csv
printf 'a line of somebody else\n%.0s' 1 2 3 >>other.csv
run 4 "$probe" replay demo.pcap --out ipfix:other.csv; says "is no file of IPFIX messages; move it away"
run 2 "$probe" replay demo.pcap --out ipfix:tcp://; says "no host"

# Over the network. What arrives is what a file would have.
cat >collect.py <<'PY'
import socket, ssl, sys
server = socket.create_server(("127.0.0.1", 0))
open("port", "w").write(str(server.getsockname()[1]))
connection, _ = server.accept()
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("c.pem", "c.key")
    connection = context.wrap_socket(connection, server_side=True)
with open(sys.argv[1], "wb") as out:
    while some := connection.recv(65536):
        out.write(some)
PY
collect() { rm -f port; timeout 60 python3 collect.py "$@" & last=$!; for _ in $(seq 100); do [ ! -s port ] || return 0; sleep 0.1; done; fail "no collector"; }
collect tcp.ipfix
run 0 "$probe" replay demo.pcap --out "ipfix:tcp://127.0.0.1:$(cat port)"
wait $last; check tcp.ipfix demo.jsonl
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout c.key -out c.pem -subj /CN=localhost -days 2 \
    -addext subjectAltName=DNS:localhost 2>/dev/null
collect tls.ipfix --tls
run 0 "$probe" replay demo.pcap --out "ipfix:tls://localhost:$(cat port)?ca=c.pem"
wait $last; cmp tcp.ipfix tls.ipfix || fail "TLS: other messages"
last=

# A sensor that is killed over its file, and whose file is rotated.
export PATH=$PATH:/usr/sbin
for tool in ip unshare tcpreplay ethtool; do command -v $tool >/dev/null || { echo "skipped: the sensor: $tool is not installed"; exit 0; }; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || { echo "skipped: the sensor: network namespaces are not allowed here"; exit 0; }
[ -s /etc/machine-id ] || { echo "skipped: the sensor: no /etc/machine-id"; exit 0; }
mkdir keys log
run 0 "$probe" keys generate keys/key.pem
cat >inside.sh <<'SH'
set -euo pipefail
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
await() { for _ in $(seq 300); do ! "$@" 2>/dev/null || return 0; sleep 0.1; done; cat err >&2; echo "FAILED: never: $*" >&2; exit 1; }
begin() {
  "$probe" run -i rx0 --set probe.instance=2c8e4a5e-3f60-4d0e-9d2b-6d3a1f0b7c13 --set signing.key="$PWD/keys/key.pem" --set service.metrics= \
    --set spool.dir="$PWD/spool" --out jsonl:log/all.jsonl --out ipfix:log/flows.ipfix 2>err & pid=$!; await grep -q capturing err
}
send() { for _ in 1 2 3; do tcpreplay -q -t -i tx0 demo.pcap >/dev/null 2>&1; sleep 0.3; done; }
for pause in 0.2 0.9 1.7; do begin; send & sending=$!; sleep $pause; kill -KILL $pid; wait $pid 2>/dev/null || true; wait $sending; done
begin; send
mv log/flows.ipfix first.ipfix; kill -HUP $pid; await test -e log/flows.ipfix
send
kill -TERM $pid; wait $pid
SH
probe=$probe timeout -k 5 120 "${namespace[@]}" bash inside.sh || fail "inside"
cat first.ipfix log/flows.ipfix >whole.ipfix
check whole.ipfix log/all.jsonl
