#!/usr/bin/env bash
# Four sockets share one interface: every packet arrives once, no flow and no datagram's fragments are split, all sockets get some,
# and none receives before all have joined.
source "$(dirname "$0")/capture_lib.sh"
wire 3000
# kind, flows, packets a flow, frames a packet, the least share of the emptiest socket in percent
while read -r kind count each frames least; do
  flows "$kind" "$count" "$each" >"$work/$kind.pcap"
  begin "$kind" af_packet rx0 --sockets 4 --blocks 16 --count $((count * each * frames)) --settle-ms 100
  send "$work/$kind.pcap"
  finish "$kind"
  is "$kind" packets $((count * each * frames)); is "$kind" dropped_kernel 0
  is "$kind" flows "$count"; is "$kind" split 0
  smallest=$(value "$kind" per_source | tr , '\n' | sort -n | sed -n 1p)
  [ $((smallest * 100)) -ge $((count * each * frames * least)) ] || fail "$kind: one socket has only $smallest packets"
  echo "$kind: $count flows, 0 split, per socket $(value "$kind" per_source)"
done <<'KINDS'
v4 500 6 1 15
v6 500 6 1 15
v6label 500 6 1 15
vlan 500 6 1 15
vlan_both 500 6 1 15
qinq 300 6 1 15
mpls 300 6 1 15
pppoe 300 6 1 15
frag4 200 3 3 10
frag6 200 3 2 10
arp 200 3 1 0
KINDS

# Packets run while the sockets open: whatever is captured is captured by one socket a flow.
flows v4 500 400 >"$work/long.pcap"
tcpreplay -q -i tx0 --pps=20000 "$work/long.pcap" >"$work/tcpreplay.out" 2>&1 &
sender=$!
begin gate af_packet rx0 --sockets 4 --count 20000
finish gate
kill $sender; wait $sender || true
is gate split 0
echo "start while 500 flows run: 0 split"
