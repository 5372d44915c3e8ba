#!/usr/bin/env bash
# limits.memory_mib is true: whatever comes, all processes together stay below it, and the tables say that they were full.
source "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
cd "$work"
python3 "$root/tests/support/make_hostile.py" hostile.pcap
memory=640
cat >measure.py <<'PY'
"""measure.py COMMAND…: the most that it and all below it held at once, MiB (proportional set size)."""
import os, subprocess, sys, time
def children(pid):
    try:
        return [int(c) for t in os.listdir(f"/proc/{pid}/task") for c in open(f"/proc/{pid}/task/{t}/children").read().split()]
    except OSError:
        return []
def held(pid):
    try:
        own = next(int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))
    except (OSError, StopIteration):
        own = 0
    return own + sum(held(c) for c in children(pid))
process, most = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL), 0
while process.poll() is None:
    most = max(most, held(process.pid))
    time.sleep(0.02)
print(process.returncode, most // 1024)
PY
# With one worker as it is; with two, little room for streams too.
for workers in 1 2; do
  settings=(--set limits.memory_mib=$memory); [ $workers = 1 ] || settings+=(--set streams.bytes_max=4194304)
  read -r code most < <(timeout 300 python3 measure.py "$probe" replay hostile.pcap "${settings[@]}" --workers $workers --out jsonl:events 2>err)
  [ "$code" = 0 ] || { tail -5 err >&2; fail "exit $code"; }
  echo "$workers workers: $most of $memory MiB"
  [ "$most" -lt $memory ] || fail "$most MiB are more than $memory"
  [ "$most" -gt 150 ] || fail "$most MiB: nothing was filled"
  python3 - events $workers <<'PY' || fail "no table was full"
import json, sys
last = None
for line in open(sys.argv[1]):
    if '"health.heartbeat"' in line[:2000]:
        last = json.loads(line)["payload"]
counts = {a["name"]: a["count"] for a in last["anomalies"]}
print(last["flows_evicted"], {name: counts.get(name, 0) for name in ("stream_memory_full", "fragment_memory_full")})
full = ["fragment_memory_full"] + (["stream_memory_full"] if sys.argv[2] == "2" else [])
sys.exit(0 if last["flows_evicted"] > 0 and all(counts.get(name, 0) > 0 for name in full) else 1)
PY
done
# What does not fit is refused before anything is opened, with the parts.
run 2 "$probe" config show --set limits.memory_mib=512 --set flow.flows_max=1000000
says "limits.memory_mib = 512: the bounds of all tables and queues make [0-9]+ MiB \(flows [0-9]+"
