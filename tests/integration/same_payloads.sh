#!/usr/bin/env bash
# The same packets, whichever way they come: from a file, over a real interface (AF_PACKET on veth), through DPDK from a file (net_pcap), from
# the sensor's own process (net_ring) and from another one (net_memif), the sensor states the same flows and DNS exchanges. Where packets
# keep their times, to the microsecond; else but for the times of their arrival.
source "$(dirname "$0")/lib.sh"
plugin=${2:-}; send=${3:-}; feed=${4:-}
for tool in curl ip unshare python3 ethtool jq; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin XDG_RUNTIME_DIR=$work
cd "$work"; mkdir keys captures
run 0 "$probe" keys generate keys/key.pem
# Recipes whose facts do not turn on how long something lasts; with the settings they are told with. Copies (the same packet within 10 ms)
# are among them: senders send what the file has close together back to back, and pause between the rest.
recipes=(app/{http,ssh,tls_hello} dns/{edns,record_types,retransmitted,tcp} encapsulation/{nested,ah} tcp/duplicate_acks
  flow/duplicates "flow/duplicates_dropped --set flow.duplicates=drop")

# What a payload says without how its flow ended: a sensor is stopped, a file ends. Times are told from the second of the first packet on.
timed() {
  jq -cS -n '[inputs | select(.envelope.event_type == "dpi.flow" or .envelope.event_type == "dpi.dns") | .payload | select(.canary | not)]
    | (map(.start_at, .query_at | values) | min | .[:19] + "Z" | fromdate) as $began | .[] | del(.end_reason, .final)
    | (.start_at, .end_at, .query_at, .response_at | values) |= ((.[:19] + "Z" | fromdate - $began | tostring) + .[19:])' "$1" | sort
}
# The same without the times of arrival.
stated() {
  timed "$1" | jq -cS 'del(.start_at, .end_at, .query_at, .response_at, .rtt_us, .rtt_src_us, .rtt_dst_us)
    | if .splt then .splt |= map(.bytes) else . end' | sort
}
cat >dpi.toml <<TOML
[probe]
instance = "01920000-0000-7000-8000-000000000001"
[capture]
dpdk_plugin = "$plugin"
dpdk_huge_pages = false
[flow]
idle_tcp_s = 86400
idle_other_s = 86400
idle_half_open_s = 86400
linger_closed_s = 86400
active_s = 86400
[dns]
query_timeout_s = 3600
linger_s = 3600
[heartbeat]
interval_s = 1
[signing]
key = "$work/keys/key.pem"
[service]
metrics = "127.0.0.1:9477"
TOML

# inside.sh WAY ARGUMENT…: the sensor until it was offered all packets. 75: the scheduler pulled apart what the sender had to keep together.
cat >inside.sh <<'SH'
set -euo pipefail
way=$1; shift
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
spool=$work/spool-$way-$name; rm -rf "$spool" $way.jsonl; : >$way.err; : >$way.sent
env ${preload:+"LD_PRELOAD=$preload"} "$probe" run -c dpi.toml --set spool.dir="$spool" $settings "$@" --out jsonl:$way.jsonl >$way.out 2>$way.err & pid=$!
await() { for _ in $(seq 600); do ! eval "$1" || return 0; kill -0 $pid 2>/dev/null || break; sleep 0.05; done; echo "$name, $way: never $1 ($(offered) of $packets)" >&2; cat $way.sent $way.err >&2; exit 1; }
await 'grep -q "metrics on" $way.err'
[ -z "${sends:-}" ] || eval "$sends" >$way.sent 2>&1 || { code=$?; cat $way.sent >&2; exit $code; }
[ -z "${stays:-}" ] || { eval "exec $stays" >$way.sent 2>&1 & }
# Ended by the number of packets.
offered() { curl -s http://127.0.0.1:9477/metrics | sed -n 's/^dpi_capture_offered_packets_total //p'; }
await '[ "$(offered)" = $packets ]'
kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 0 ] || { cat $way.err >&2; exit 1; }
SH
cat >veth.sh <<'SH'
set -euo pipefail
ip link set lo up
ip link add tx0 mtu 9000 type veth peer name rx0 mtu 9000
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off rx off tx off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
export sends='python3 "$root/tests/support/send_pcap.py" tx0 "$capture"'
exec bash inside.sh veth -i rx0
SH
veth() {
  local code
  for _ in 1 2 3 4 5; do
    code=0; "${namespace[@]}" bash veth.sh || code=$?
    [ $code = 75 ] || return $code
  done
  skip "$name over veth: five times the scheduler pulled apart what the file has together"
}
dpdk() { "${namespace[@]}" sh -c 'ip link set lo up; exec bash inside.sh "$@"' sh "$@"; }
export probe root work packets capture name settings preload stays
# same VIEW WAY
same() {
  $1 $2.jsonl >$2.$1
  diff file.$1 $2.$1 >$2.diff || { head -c 2000 $2.diff >&2; fail "$name, $2: $(grep -c '^[<>]' $2.diff) facts differ from those of the file"; }
}
facts=0
for recipe in "${recipes[@]}"; do
  read -r recipe settings <<<"$recipe"
  run 0 "$probe" spec build "$root/pcaps-spec/$recipe.toml" --to captures
  name=$(basename "$recipe"); capture=$work/captures/$name.pcap; preload=; stays=
  run 0 "$probe" replay -c dpi.toml "$capture" --out jsonl:file.jsonl $settings
  timed file.jsonl >file.timed
  stated file.jsonl >file.stated
  facts=$((facts + $(wc -l <file.stated)))
  packets=$(jq -r 'select(.envelope.event_type == "health.heartbeat") | .payload.packets_offered' file.jsonl | tail -n 1)
  veth || fail "$name over veth"
  same stated veth
  [ -f "$plugin" ] || continue
  # Its packets are there at the first look, before time follows the clock.
  dpdk pcap --dpdk "--vdev=net_pcap0,rx_pcap=$capture" || fail "$name through net_pcap"
  same timed pcap
  # Sanitizers want to be loaded first, and are not: their functions come first all the same.
  preload=$feed DPI_RING_FEED=$capture ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} dpdk ring --dpdk "--vdev=net_ring0" || fail "$name through net_ring"
  same timed ring
  stays="'$send' '$capture' --vdev=net_memif0,role=client,socket=$work/$name.sock,socket-abstract=no" \
    dpdk memif --dpdk "--vdev=net_memif0,role=server,socket=$work/$name.sock,socket-abstract=no" || fail "$name through net_memif"
  same stated memif
done
[ $facts -ge 20 ] || fail "only $facts facts in all files"
[ -f "$plugin" ] || echo "without DPDK: the plugin was not built (libdpdk-dev is not installed)"
echo "$facts facts, the same whichever way the packets came"
