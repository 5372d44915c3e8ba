#!/usr/bin/env bash
# Workers of a replay read hostile bytes too: they are confined as those of the sensor, unless the configuration says otherwise.
source "$(dirname "$0")/lib.sh"
python3 "$root/tests/bench/workload.py" short 2000 "$work/capture.pcap"

# named NAME PARENT: the process that calls itself so
named() {
  local child
  for child in $(cat "/proc/$2/task/$2/children" 2>/dev/null); do
    [ "$(cat "/proc/$child/comm" 2>/dev/null)" != "$1" ] || { echo "$child"; return; }
  done
  return 1
}
# confinement ARGUMENTS…: how the kernel calls the filter of a worker that is at work (proc_pid_status(5): 0 none, 2 a filter)
confinement() {
  "$probe" replay "$work/capture.pcap" --loop 200 --out jsonl:/dev/null "$@" 2>"$work/err" & local replay=$! supervisor worker before after
  for _ in $(seq 100); do
    sleep 0.1
    supervisor=$(named dpi-supervisor "$replay") && worker=$(named dpi-worker-0 "$supervisor") || continue
    # At work: its processor time grows beyond what starting takes.
    before=$(awk '{print $14}' "/proc/$worker/stat"); [ "$before" -ge 20 ] || continue
    after=$(awk '/^Seccomp:/{print $2}' "/proc/$worker/status")
    kill -KILL "$replay"; wait "$replay" 2>/dev/null || true
    echo "$after"; return
  done
  cat "$work/err" >&2; kill -KILL "$replay" 2>/dev/null; fail "no worker was seen at work"
}
for workers in 1 2; do
  [ "$(confinement --workers $workers)" = 2 ] || fail "$workers workers: not confined"
  [ "$(confinement --workers $workers --set service.sandbox=false)" = 0 ] || fail "$workers workers: confined though the configuration says not to"
done
