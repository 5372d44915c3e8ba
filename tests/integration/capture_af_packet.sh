#!/usr/bin/env bash
# What a packet socket gives is what the capture file holds: every byte, tag and length; what the kernel drops is counted; batches
# may be held, and released out of order on another thread; the filter decides as it does on a file.
source "$(dirname "$0")/capture_lib.sh"
wire 3000

# The same packets from file and wire, with tags put back where the kernel took them off.
for kind in v4 v6label vlan qinq mpls pppoe frag4 frag6 arp; do
  flows $kind 100 4 >"$work/$kind.pcap"
  "$dump" file "$work/$kind.pcap" >"$work/file.out"
  begin live af_packet rx0 --count "$(value file packets)" --settle-ms 50 --hold 5 --release-elsewhere
  send "$work/$kind.pcap"
  finish live
  for key in packets bytes digest; do is live $key "$(value file $key)"; done
  echo "$kind: file and wire agree on $(value live packets) packets, $(value live tagged) tags taken off"
  case $kind in vlan | qinq) is live tagged "$(value file packets)" ;; esac
done

# Nothing that this host sends, unless asked: an interface sees its own packets once then.
begin own af_packet tx0 --outgoing --count 400 --settle-ms 50; send "$work/v4.pcap"; finish own; is own packets 400
begin none af_packet tx0 --count 1 --deadline 1; send "$work/v4.pcap"; wait "$reader"; is none packets 0
begin none4 af_packet tx0 --sockets 4 --count 1 --deadline 1; send "$work/v4.pcap"; wait "$reader"; is none4 packets 0

# A tap with one interface per direction: two wires, read together.
ip link add tx1 mtu 3000 type veth peer name rx1 mtu 3000
for i in tx1 rx1; do ip link set $i arp off addrgenmode none up; done
begin tap af_packet rx0 rx1 --count 800 --settle-ms 50
send "$work/v4.pcap"; tcpreplay -q -i tx1 --pps=20000 "$work/v4.pcap" >"$work/tcpreplay.out" 2>&1 || fail tcpreplay
finish tap; is tap packets 800; is tap per_source 400,400

# A slow reader with a small ring: received and dropped add up to what was sent, on one socket and on three.
flows v4 500 80 >"$work/many.pcap"
for sockets in 1 3; do
  begin slow af_packet rx0 --sockets $sockets --blocks 2 --block-bytes 65536 --slow-us 50 --count 40000 --settle-ms 200
  send "$work/many.pcap" 200000
  finish slow
  [ "$(value slow dropped_kernel)" -gt 0 ] || fail "nothing was dropped, so nothing was tested"
  [ $(($(value slow packets) + $(value slow dropped_kernel))) = 40000 ] || fail "40000 were sent"
  echo "slow reader, $sockets sockets: $(value slow packets) read + $(value slow dropped_kernel) dropped = 40000"
done
# Batches that are held stop the ring, never overwrite what was handed over.
begin held af_packet rx0 --blocks 4 --block-bytes 65536 --hold 40 --release-elsewhere --count 40000 --settle-ms 200
send "$work/many.pcap" 200000
finish held
[ $(($(value held packets) + $(value held dropped_kernel))) = 40000 ] || fail "40000 were sent"
is held changed 0

# The filter: the same answer as on the file, with and without tags; snap length.
"$dump" file "$work/vlan.pcap" >"$work/file.out"
begin tagged af_packet rx0 --filter 'vlan 100 and udp port 53' --count 400 --settle-ms 50
send "$work/v4.pcap"; send "$work/vlan.pcap"; finish tagged
is tagged packets 400; is tagged digest "$(value file digest)"
"$dump" file "$work/v4.pcap" >"$work/file.out"
begin plain af_packet rx0 --filter 'udp port 53' --count 400 --settle-ms 50
send "$work/vlan.pcap"; send "$work/v4.pcap"; finish plain
is plain packets 400; is plain digest "$(value file digest)"
begin snap af_packet rx0 --snap 60 --count 400; send "$work/v4.pcap"; finish snap
is snap snapped 400; is snap bytes "$(value file bytes)"
code=0; "$dump" af_packet rx0 --filter 'no such' >"$work/bad.out" || code=$?
[ $code = 1 ] && grep -q "ERROR filter 'no such'" "$work/bad.out" || fail "a wrong filter"
code=0; "$dump" af_packet nothing0 >"$work/bad.out" || code=$?
[ $code = 1 ] && grep -q "ERROR there is no interface 'nothing0'" "$work/bad.out" || fail "no such interface"

# Offloads that falsify are named with the command that ends it.
ethtool -K rx0 gro on tso on >/dev/null
begin offload af_packet rx0 --count 400; send "$work/v4.pcap"; finish offload
grep -q "WARNING rx0: offloads .*: ethtool -K rx0 gro off tso off" "$work/offload.out" || fail "no word about offloads"
echo "filter, snap length, direction, offloads: as promised"
