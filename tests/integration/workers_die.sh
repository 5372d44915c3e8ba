#!/usr/bin/env bash
# Workers that die: workers_die.sh PROBE POISONED_NDPI. A packet that crashes, ends, stops or starves a worker takes neither a replay nor a
# sensor along: the rest is inspected, the loss is told, the packet is set aside, the worker is back at once.
source "$(dirname "$0")/lib.sh"
poison=$(readlink -f "$2")
for tool in ip unshare tcpreplay ethtool python3 jq; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
export PATH=$PATH:/usr/sbin
cd "$work"

# 400 exchanges of DNS; when a deed is named, packet 201 does it.
cat >capture.py <<'PY'
import struct, sys
deed = sys.argv[1] if len(sys.argv) > 1 else ""
def frame(source, target, ports, payload):
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0, source, target)
    total = sum(struct.unpack(">10H", ip)); total = (total & 0xffff) + (total >> 16); total = (total & 0xffff) + (total >> 16)
    return bytes.fromhex("0200000000020200000000010800") + ip[:10] + struct.pack(">H", ~total & 0xffff) + ip[12:] + udp
def dns(number, flags):
    return struct.pack(">HHHHHH", number, flags, 1, 0, 0, 0) + b"\x04name\x07example\x00" + struct.pack(">HH", 1, 1)
out = sys.stdout.buffer
out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
packet = 0
def put(data):
    global packet
    packet += 1
    out.write(struct.pack("<IIII", 1700000000 + packet // 50, packet % 50 * 20000, len(data), len(data)) + data)
for i in range(400):
    client, server = bytes((10, 1, i >> 8, i & 255)), bytes((10, 2, 0, 1))
    if deed and packet == 200: put(frame(client, server, (7000, 7001), b"POISON-" + deed.encode() + bytes(40)))
    put(frame(client, server, (20000 + i, 53), dns(i, 0x0100)))
    put(frame(server, client, (53, 20000 + i), dns(i, 0x8180)))
PY
python3 capture.py >good.pcap
for deed in SEGV ABRT LOOP MEMO; do python3 capture.py $deed >$deed.pcap; done

# --- replay: the same events with any number of workers, an exit code, and a name
for deed in SEGV ABRT LOOP MEMO; do
  sums=""
  counts="1 2 4 8"; [ $deed != LOOP ] || counts="1 4"  # that takes its two seconds of CPU
  for workers in $counts; do
    run 3 env LD_PRELOAD="$poison" "$probe" replay $deed.pcap --workers $workers --out jsonl:$deed.jsonl
    says "$deed.pcap: packet 201 ended a worker"
    sums="$sums$(sha256sum <$deed.jsonl | cut -c1-16) "
  done
  [ "$(tr ' ' '\n' <<<"$sums" | sed '/^$/d' | sort -u | wc -l)" = 1 ] || fail "$deed: $sums with $counts workers"
  run 0 "$probe" verify $deed.jsonl
  [ "$(jq -s 'map(select(.envelope.event_type == "dpi.dns")) | length' $deed.jsonl)" = 400 ] || fail "$deed: exchanges are missing"
  [ "$(jq -s '[.[] | select(.envelope.event_type == "dpi.flow") | .payload.packets_src + .payload.packets_dst] | add' $deed.jsonl)" = 801 ] || fail "$deed: packets are missing"
done
run 0 env LD_PRELOAD="$poison" "$probe" replay good.pcap --out jsonl:good.jsonl

# --- live
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
mkdir keys
run 0 "$probe" keys generate keys/key.pem
# Kills workers from outside, one after the other, and says in milliseconds how long they were away: the shortest, the middle, the longest.
cat >kill_workers.py <<'PY'
import os, signal, sys, time
def workers():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = open(f"/proc/{pid}/status").read()
        except OSError:
            continue
        name = status.split("\n")[0].split("\t")[1]
        if name.startswith("dpi-worker-") and "\nState:\tZ" not in status and f"\nNSpid:" in status and ancestor(int(pid)): found[name] = int(pid)
    return found
def ancestor(pid):
    while pid > 1:
        if pid == int(sys.argv[1]): return True
        try:
            pid = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return False
away = []
for i in range(int(sys.argv[2])):
    before = workers()
    name = sorted(before)[i % len(before)]
    os.kill(before[name], signal.SIGKILL)
    killed = time.monotonic()
    while workers().get(name, before[name]) == before[name]:
        if time.monotonic() - killed > 10: sys.exit(f"{name} is not back")
        time.sleep(0.001)
    away.append((time.monotonic() - killed) * 1000)
    time.sleep(0.1)
away.sort()
print(f"{away[0]:.0f} {away[len(away) // 2]:.0f} {away[-1]:.0f}")
PY
cat >inside.sh <<'SH'
set -euo pipefail
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
await() { for _ in $(seq 300); do [ "$(grep -c -- "$2" "$1")" -lt "${3:-1}" ] || return 0; sleep 0.1; done; cat "$1" >&2; echo "FAILED: nobody says '$2' ${3:-1} times" >&2; exit 1; }
for workers in 1 3; do
  LD_PRELOAD=$poison "$probe" run -i rx0 --workers $workers --set probe.instance=018f5d2e-7b1a-7000-8000-0000000000a$workers --set signing.key=$PWD/keys/key.pem \
    --set spool.dir=$PWD/spool$workers --set heartbeat.interval_s=1 --set service.metrics= --set workers.quarantine_files=3 --out jsonl:live$workers.jsonl >run$workers.out 2>run$workers.err & pid=$!
  await run$workers.err capturing
  tcpreplay -q --loop=1000000 --pps=1000 -i tx0 good.pcap >/dev/null 2>&1 & traffic=$!
  died=0
  for deed in SEGV ABRT MEMO LOOP SEGV; do
    tcpreplay -q -i tx0 --topspeed $deed.pcap >/dev/null 2>&1
    died=$((died + 1)); await run$workers.err "worker . died" $died
  done
  python3 kill_workers.py $pid 30 >away$workers
  await run$workers.err "worker . died" $((died + 30))
  kill $traffic; wait $traffic 2>/dev/null || true
  tcpreplay -q -i tx0 --pps=2000 good.pcap >/dev/null 2>&1
  sleep 2
  kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 0 ] || { cat run$workers.err >&2; echo "FAILED: exit $code" >&2; exit 1; }
done
SH
export probe poison
"${namespace[@]}" bash inside.sh || fail "the sensor"
for workers in 1 3; do
  run 0 "$probe" verify live$workers.jsonl
  jq -s --slurpfile all live$workers.jsonl -n '
    [$all[] | select(.envelope.event_type == "worker.crash") | .payload] as $crashes
    | [$all[] | select(.envelope.event_type == "health.heartbeat")] as $beats
    | $beats[-1].payload as $last
    | ([$all[] | select(.envelope.event_type == "dpi.flow" and (.payload.canary | not)) | .payload.packets_src + .payload.packets_dst] | add) as $told
    | ([$last.losses[] | select(.cause == "worker_crash") | .packets] | add) as $lost
    | {signals: ([$crashes[].signal] | group_by(.) | map({(.[0] | tostring): length}) | add),
       aside: ([$crashes[] | select(.quarantine_sha256)] | length), restarts: $last.worker_restarts,
       decoded: $last.packets_decoded, told: $told, lost: $lost,
       forward: ([range(1; $beats | length) | $beats[.].payload.packets_decoded >= $beats[. - 1].payload.packets_decoded
                  and $beats[.].payload.flow_records >= $beats[. - 1].payload.flow_records] | all),
       pause_ms: ([$beats[].payload.interval_ms] | max)}' >facts$workers
  cat facts$workers; echo "away: $(cat away$workers) ms (shortest, middle, longest)"
  jq -e '.signals["11"] >= 2 and .signals["6"] >= 1 and .signals["24"] >= 1 and .signals["9"] >= 30 and .aside >= 5 and .restarts >= 35 and .forward and .pause_ms < 6000' facts$workers >/dev/null ||
    fail "$workers workers: crashes, restarts or heartbeats"
  # A worker that is killed at the very moment at which it counts may make a difference of the packet that it was at.
  jq -e '(.decoded - .told - .lost) as $d | $d >= -30 and $d <= 30' facts$workers >/dev/null || fail "$workers workers: packets that nobody tells of"
  [ "$(ls spool$workers/worker-crashes | wc -l)" = 3 ] || fail "the folder has $(ls spool$workers/worker-crashes | wc -l) packets, not 3"
  [ "$(cut -d' ' -f1 away$workers)" -le 100 ] || fail "workers were away for $(cat away$workers) ms"
done
# The packet that was set aside does it again.
run 3 env LD_PRELOAD="$poison" "$probe" replay "$(ls spool1/worker-crashes/*.pcap | head -1)" --out jsonl:aside.jsonl
