#!/usr/bin/env bash
# The same packets, whichever way they come: from a file, over a real interface (AF_PACKET on veth), through DPDK from a file (net_pcap) and
# through DPDK from another process (net_memif), the sensor states the same flows and DNS exchanges but for the times of their arrival.
source "$(dirname "$0")/lib.sh"
plugin=${2:-}; send=${3:-}
for tool in curl ip unshare tcpreplay ethtool jq; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin XDG_RUNTIME_DIR=$work
cd "$work"; mkdir keys captures
run 0 "$probe" keys generate keys/key.pem
# Recipes whose facts do not turn on the times at which packets come: no packet is the copy of another.
for recipe in app/{http,ssh,tls_hello} dns/{edns,record_types,tcp} encapsulation/{nested,ah}; do
  run 0 "$probe" spec build "$root/pcaps-spec/$recipe.toml" --to captures
done

# What a payload says without the times of arrival and what is counted by them (a copy is what comes within milliseconds), and without how its
# flow ended: a sensor is stopped, a file ends.
stated() {
  jq -cS 'select(.envelope.event_type == "dpi.flow" or .envelope.event_type == "dpi.dns") | .payload | select(.canary | not)
    | del(.start_at, .end_at, .query_at, .response_at, .rtt_us, .rtt_src_us, .rtt_dst_us, .duplicate_packets, .end_reason, .final)
    | if .splt then .splt |= map(.bytes) else . end' "$1" | sort
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

cat >inside.sh <<'SH'
set -euo pipefail
way=$1; shift
"$probe" run -c dpi.toml --set spool.dir="$work/spool-$way-$name" "$@" --out jsonl:$way.jsonl >$way.out 2>$way.err & pid=$!
await() { for _ in $(seq 600); do ! eval "$1" || return 0; kill -0 $pid 2>/dev/null || break; sleep 0.05; done; echo "$name, $way: never $1 ($(offered) of $packets)" >&2; cat $way.sent $way.err >&2; exit 1; }
await 'grep -q "metrics on" $way.err'
[ -z "${sender:-}" ] || { eval "$sender" >$way.sent 2>&1 & }
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
export sender='tcpreplay -q --pps=500 -i tx0 "$capture"'
exec bash inside.sh veth -i rx0
SH
dpdk() { "${namespace[@]}" sh -c 'ip link set lo up; exec bash inside.sh "$@"' sh "$@"; }
export probe work packets capture name
same() {
  stated $1.jsonl >$1.stated
  diff file.stated $1.stated >$1.diff || { head -c 2000 $1.diff >&2; fail "$name, $1: $(grep -c '^[<>]' $1.diff) facts differ from those of the file"; }
}
facts=0
for capture in "$work"/captures/*.pcap; do
  name=$(basename "$capture" .pcap)
  run 0 "$probe" replay -c dpi.toml "$capture" --out jsonl:file.jsonl
  stated file.jsonl >file.stated
  facts=$((facts + $(wc -l <file.stated)))
  packets=$(jq -r 'select(.envelope.event_type == "health.heartbeat") | .payload.packets_offered' file.jsonl | tail -n 1)
  "${namespace[@]}" bash veth.sh || fail "$name over veth"
  same veth
  [ -f "$plugin" ] || continue
  dpdk pcap --dpdk "--vdev=net_pcap0,rx_pcap=$capture" || fail "$name through net_pcap"
  same pcap
  sender="'$send' '$capture' --vdev=net_memif0,role=client,socket=$work/$name.sock,socket-abstract=no" \
    dpdk memif --dpdk "--vdev=net_memif0,role=server,socket=$work/$name.sock,socket-abstract=no" || fail "$name through net_memif"
  same memif
done
[ $facts -ge 16 ] || fail "only $facts facts in all files"
[ -f "$plugin" ] || echo "without DPDK: the plugin was not built (libdpdk-dev is not installed)"
echo "$facts facts, the same whichever way the packets came"
