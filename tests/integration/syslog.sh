#!/usr/bin/env bash
# Events as syslog (docs/outputs.md): over TCP, TLS and to a Unix socket, to a receiver that checks every message and to rsyslog; whose
# certificate is wrong gets nothing; what closes in the middle, hangs or is away holds nobody up, and has every event in the end.
source "$(dirname "$0")/lib.sh"
for tool in python3 openssl; do command -v $tool >/dev/null || skip "$tool is not installed"; done
receiver=$root/tests/integration/export/syslog_receiver.py
demo; cd "$work"
started=()
stop_all() { for p in "${started[@]}"; do kill "$p" 2>/dev/null || true; done; cleanup; }
trap stop_all EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
await() { for _ in $(seq 300); do ! "$@" 2>/dev/null || return 0; sleep 0.1; done; fail "never: $*"; }
listen() { rm -f "$1.listens"; python3 "$receiver" "$port" "$@" 2>"$1.err" & started+=($!); last=$!; await test -e "$1.listens"; }
hush() { kill "$last"; wait "$last" 2>/dev/null || true; }
# events FILE: the lines of the chain that are events
events() { grep '^{"envelope"' "$1"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -subj /CN=test-ca -days 2 2>/dev/null
certificate() {  # NAME SUBJECT_ALTERNATIVE_NAME
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \
      -extfile <(echo "subjectAltName=$2") 2>/dev/null
}
certificate server DNS:localhost,IP:127.0.0.1
certificate other DNS:other.example
certificate client DNS:sensor.example

# TCP: the messages are the events of the chain, in order, byte for byte.
port=$(free_port)
listen tcp.out
run 0 "$probe" replay demo.pcap --out jsonl:chain --out "syslog:tcp://127.0.0.1:$port"
events chain >chain.events
await cmp -s chain.events tcp.out
hush; [ ! -s tcp.out.err ] || { cat tcp.out.err >&2; fail "a message"; }
run 4 "$probe" replay demo.pcap --out "syslog:tcp://127.0.0.1:$port"; says "Connection refused; check that"
run 2 "$probe" replay demo.pcap --out "syslog:udp://127.0.0.1"; says "must be the path of a socket"
run 2 "$probe" replay demo.pcap --out "syslog:tcp://127.0.0.1?ca=ca.pem"; says "only tls:// has options"

# TLS: whom to trust, for which name, and who the sensor is.
port=$(free_port)
listen tls.out --tls server.pem server.key
run 0 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?ca=ca.pem"
await cmp -s chain.events tls.out
run 0 "$probe" replay demo.pcap --out "syslog:tls://127.0.0.1:$port?ca=ca.pem"
run 4 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port"; says "certificate is refused.*name the CA"
run 0 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?verify=no"
run 2 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?ca=no-such.pem"; says "no-such.pem: .*No such file"
hush
port=$(free_port); listen other.out --tls other.pem other.key
run 4 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?ca=ca.pem"; says "certificate is refused"
[ ! -s other.out ] || fail "a receiver with another's certificate got events"
hush
port=$(free_port); listen mutual.out --tls server.pem server.key --ca ca.pem
run 0 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?ca=ca.pem&cert=client.pem&key=client.key"
await cmp -s chain.events mutual.out
run 4 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?ca=ca.pem"
hush

# rsyslog, without root: what operators run.
if rsyslogd=$(PATH=$PATH:/usr/sbin command -v rsyslogd) && [ -e /usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so ]; then
  port=$(free_port)
  cat >rsyslog.conf <<CONF
global(workDirectory="$work" maxMessageSize="128k" defaultNetstreamDriverCAFile="$work/ca.pem"
       defaultNetstreamDriverCertFile="$work/server.pem" defaultNetstreamDriverKeyFile="$work/server.key")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
module(load="imuxsock" sysSock.use="off")
input(type="imtcp" port="$port" address="127.0.0.1")
input(type="imuxsock" socket="$work/log.sock" useSpecialParser="off" rateLimit.interval="0")
template(name="body" type="string" string="%msg%\n")
template(name="data" type="string" string="%structured-data% %msgid% %app-name%\n")
action(type="omfile" file="$work/rsyslog.out" template="body")
action(type="omfile" file="$work/rsyslog.data" template="data")
CONF
  "$rsyslogd" -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" >rsyslog.err 2>&1 & started+=($!); last=$!
  await test -S log.sock; sleep 0.5
  run 0 "$probe" replay demo.pcap --out "syslog:tls://localhost:$port?ca=ca.pem"
  await cmp -s chain.events rsyslog.out || { cat rsyslog.err >&2; fail "rsyslog has other events"; }
  grep -q '^\[ransomeye@32473 instance="[-0-9a-f]*" sequence="0" sha256="[0-9a-f]\{64\}"\] chain.start ransomeye-dpi$' rsyslog.data ||
      { head -3 rsyslog.data >&2; fail "rsyslog reads other structured data"; }
  : >rsyslog.out
  run 0 "$probe" replay demo.pcap --out "syslog:$work/log.sock"
  await test "$(wc -l <rsyslog.out)" = "$(events chain | wc -l)"
  hush
else
  echo "skipped: rsyslog with rsyslog-openssl is not installed"
fi

# A sensor: killed, broken off, its receiver away and hanging. In a network namespace.
export PATH=$PATH:/usr/sbin
for tool in ip unshare tcpreplay ethtool; do command -v $tool >/dev/null || { echo "skipped: the sensor: $tool is not installed"; exit 0; }; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || { echo "skipped: the sensor: network namespaces are not allowed here"; exit 0; }
[ -s /etc/machine-id ] || { echo "skipped: the sensor: no /etc/machine-id"; exit 0; }
mkdir keys conf log
run 0 "$probe" keys generate keys/key.pem
cat >conf/dpi.toml <<TOML
[probe]
instance = "2c8e4a5e-3f60-4d0e-9d2b-6d3a1f0b7c12"
[capture]
interfaces = "rx0"
[heartbeat]
interval_s = 1
[signing]
key = "$work/keys/key.pem"
[spool]
dir = "$work/spool"
TOML
cat >inside.sh <<'SH'
set -euo pipefail
ip link set lo up
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
await() { for _ in $(seq 600); do ! "$@" 2>/dev/null || return 0; sleep 0.1; done; cat err >&2; echo "FAILED: never: $*" >&2; exit 1; }
begin() { "$probe" run -c conf/dpi.toml --out "syslog:tls://localhost:6514?ca=$PWD/ca.pem" --out jsonl:log/live.jsonl 2>err & pid=$!; await grep -q capturing err; }
listen() { rm -f live.out.listens; python3 "$receiver" 6514 live.out --tls server.pem server.key "$@" 2>>receiver.err & last=$!; await test -e live.out.listens; }
send() { for _ in 1 2 3; do tcpreplay -q -t -i tx0 demo.pcap >/dev/null 2>&1; sleep 0.2; done; }
: >live.out
begin; send                                  # nobody is there
await grep -q 'Connection refused' err
listen --break 2; send; await test -s live.out; send
sleep 3
for pause in 0.3 1.2 2.4; do kill -KILL $pid; wait $pid 2>/dev/null || true; begin; send & sending=$!; sleep $pause; wait $sending; done
kill -KILL $last; wait $last 2>/dev/null || true    # the receiver dies and is back
send; listen; send
sleep 4
kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 0 ] || { cat err >&2; exit 1; }
kill $last; wait $last 2>/dev/null || true
# One that takes the connection and never reads: the sensor stops without it.
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 6514)); open("hangs", "w").close(); time.sleep(60)' & last=$!
await test -e hangs
begin; send
began=$(date +%s%N); kill -TERM $pid; wait $pid || true
echo $((($(date +%s%N) - began) / 1000000)) >stop_ms
kill $last; wait $last 2>/dev/null || true
# What it lacks goes out with the next start.
listen; begin; sleep 1; kill -TERM $pid; wait $pid
kill $last
SH
probe=$probe receiver=$receiver timeout -k 5 200 "${namespace[@]}" bash inside.sh || fail "inside"
grep FAILED receiver.err && fail "a message"
events log/live.jsonl | sort >wanted
sort -u live.out >had
[ -z "$(comm -23 wanted had)" ] || { comm -23 wanted had | head -3 >&2; fail "$(comm -23 wanted had | wc -l) of $(wc -l <wanted) events are missing"; }
[ -z "$(comm -13 wanted had)" ] || fail "events that the chain does not have"
[ "$(cat stop_ms)" -lt 3000 ] || fail "it stopped after $(cat stop_ms) ms"
echo "$(wc -l <wanted) events, $(($(wc -l <live.out) - $(wc -l <had))) twice; stopped after $(cat stop_ms) ms with a receiver that hangs"
