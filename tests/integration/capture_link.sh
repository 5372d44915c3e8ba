#!/usr/bin/env bash
# An interface goes down and up, is renamed, is removed and comes back, with one socket and with three: capture goes on, says so,
# and loses nothing of what came while it could be captured.
source "$(dirname "$0")/capture_lib.sh"
wire
flows v4 100 5 >"$work/v4.pcap"
for sockets in 1 3; do
  begin live af_packet rx0 --sockets $sockets --count 2000 --settle-ms 50
  out=$work/live.out
  send "$work/v4.pcap"
  ip link set rx0 down;                     await "$out" "WARNING rx0: the interface was set down"
  ip link set rx0 up;                       await "$out" "WARNING rx0: the link is up"
  send "$work/v4.pcap"
  ip link set tx0 down;                     await "$out" "WARNING rx0: the link is down"
  ip link set tx0 up
  for _ in $(seq 100); do [ "$(grep -c 'the link is up' "$out")" = 2 ] && break; sleep 0.1; done
  ip link set rx0 down; ip link set rx0 name other0; ip link set other0 up
  await "$out" "WARNING rx0: the interface is now called other0"
  await "$out" "WARNING other0: the link is up"
  send "$work/v4.pcap"
  unwire;                                   await "$out" "WARNING other0: the interface was removed"
  wire;                                     await "$out" "WARNING rx0: the interface is back"
  send "$work/v4.pcap"
  finish live
  is live packets 2000; is live dropped_kernel 0; is live split 0; is live reopened "$sockets"
  echo "$sockets sockets: 2000 of 2000 packets, $(value live link_changes) changes reported"
done

# Down at the start is an error with its remedy.
ip link set rx0 down
code=0; "$dump" af_packet rx0 >"$work/down.out" || code=$?
[ $code = 1 ] && grep -q 'ERROR rx0: the interface is down; `ip link set rx0 up`' "$work/down.out" || fail "down at the start"
ip link set rx0 up

# Without the privilege: an error that names it.
if command -v setpriv >/dev/null; then
  code=0; setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$dump" af_packet rx0 >"$work/priv.out" || code=$?
  [ $code = 1 ] && grep -q 'ERROR rx0: .*CAP_NET_RAW' "$work/priv.out" || fail "without CAP_NET_RAW"
  setpriv --bounding-set=-all,+net_raw --inh-caps=-all,+net_raw "$dump" af_packet rx0 --sockets 2 --count 500 >"$work/raw.out" 2>&1 & reader=$!
  await "$work/raw.out" READY; send "$work/v4.pcap"; finish raw; is raw packets 500
  echo "CAP_NET_RAW alone is enough"
else
  echo "note: setpriv is not installed, capture with CAP_NET_RAW alone was not tried"
fi
