#!/usr/bin/env bash
# Events as Kafka messages (docs/outputs.md), in a cluster that is simulated by librdkafka and read by kcat: every event once,
# in order, under the key of its chain; brokers that are away hold nobody up, and have every event in the end, kill -9 or not.
source "$(dirname "$0")/lib.sh"
for tool in kcat python3; do command -v $tool >/dev/null || skip "$tool is not installed"; done
demo; cd "$work"
last=; trap '[ -z "$last" ] || kill $last 2>/dev/null; cleanup' EXIT
await() { for _ in $(seq 300); do ! "$@" 2>/dev/null || return 0; sleep 0.1; done; fail "never: $*"; }
python3 "$root/tests/integration/export/kafka_cluster.py" events live >cluster 2>cluster.err & last=$!
await test -s cluster
brokers=$(cat cluster)
# read_topic TOPIC: key, then the message
read_topic() { timeout 30 kcat -C -q -b "$brokers" -t "$1" -e -f '%k %s\n' 2>kcat.err || { cat kcat.err >&2; fail "kcat"; }; }

run 0 "$probe" replay demo.pcap --out jsonl:chain --out "kafka:tcp://$brokers/events"
read_topic events >had
grep '^{"envelope"' chain >events
instance=$(sed -n '1s/.*"component_instance_id":"\([-0-9a-f]*\)".*/\1/p' chain)
cmp <(sed "s/^/$instance /" events) had || fail "other messages, or another order"
run 2 "$probe" replay demo.pcap --out kafka; says "needs a topic"
run 2 "$probe" replay demo.pcap --out "kafka:tcp://$brokers"; says "needs a topic"
run 2 "$probe" replay demo.pcap --out "kafka:tcp://$brokers/a%20b"; says "needs a topic"
run 2 "$probe" replay demo.pcap --out "kafka:$brokers/events"; says "does not say where to"
began=$(date +%s)
run 4 "$probe" replay demo.pcap --out "kafka:tcp://127.0.0.1:1/events"; says "127.0.0.1:1, topic events: .*(timed out|refused)"
[ $(($(date +%s) - began)) -lt 20 ] || fail "it waited $(($(date +%s) - began)) s for brokers that are away"

# A sensor, on the loopback interface of this host: its heartbeats are enough.
[ -s /etc/machine-id ] || { echo "skipped: the sensor: no /etc/machine-id"; exit 0; }
mkdir keys log
run 0 "$probe" keys generate keys/key.pem
begin() {
  "$probe" run -i lo --set probe.instance=2c8e4a5e-3f60-4d0e-9d2b-6d3a1f0b7c14 --set signing.key="$work/keys/key.pem" --set service.metrics= \
    --set spool.dir="$work/spool" --set heartbeat.interval_s=1 --set capture.filter="host 192.0.2.1" --out jsonl:log/all.jsonl \
    --out "kafka:tcp://$1/live" 2>err & pid=$!
  for _ in $(seq 100); do grep -qE "capturing|packet socket|Operation not permitted" err && break; sleep 0.1; done
  grep -q capturing err || { echo "skipped: the sensor: no packet sockets here"; exit 0; }
}
for _ in 1 2 3; do begin "$brokers"; sleep 2; kill -KILL $pid; wait $pid 2>/dev/null || true; done
begin "$brokers"; sleep 2; kill -TERM $pid; wait $pid || { cat err >&2; fail "exit $?"; }
read_topic live | cut -d' ' -f2- >had
grep '^{"envelope"' log/all.jsonl | sort >wanted
[ -z "$(comm -23 wanted <(sort -u had))" ] || fail "$(comm -23 wanted <(sort -u had) | wc -l) of $(wc -l <wanted) events are missing"
[ -z "$(comm -13 wanted <(sort -u had))" ] || fail "events that the chain does not have"
echo "$(wc -l <wanted) events, $(($(wc -l <had) - $(wc -l <wanted))) twice"
# Brokers that are away: one second at the end, whatever they do.
begin 127.0.0.1:1; sleep 2
began=$(date +%s%N); kill -TERM $pid; wait $pid || true
ms=$((($(date +%s%N) - began) / 1000000))
[ $ms -lt 4000 ] || fail "it stopped after $ms ms"
echo "stopped after $ms ms with brokers that are away"
