"""invariants_live.py PROBE WORK WORKERS SECONDS SEED: see invariants_live.sh."""
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time

from invariants import CAPTURE_BYTES_MAX, faults
from mutants import damaged, packets_of

ETHERNET = 1
BURST, PAUSE_S = 32, 0.002  # a veth's queue is short
START_S, STOP_S = 60, 60


def damaged_frames(folder, chance):
    """Without end: the frames of one damaged capture after the other."""
    found = (pathlib.Path(at) / name for at, _, names in os.walk(folder, followlinks=True) for name in names)
    captures = sorted(f for f in found if f.stat().st_size <= CAPTURE_BYTES_MAX)
    while True:
        chance.shuffle(captures)
        for capture in captures:
            parts = packets_of(capture.read_bytes())
            if parts is None or int.from_bytes(parts[0][20:24], "little" if parts[1] == "<" else "big") != ETHERNET:
                continue
            yield from (frame for *_, frame in damaged(parts[2], chance))


def wire_of(frame, number):
    """One direction of IPv4 is one wire's, as a tap has it; of everything else frames alternate."""
    if frame[12:14] == b"\x08\x00" and len(frame) >= 34:
        return int(frame[26:30] > frame[30:34])
    return number % 2


def send(frames, seconds):
    wires = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) for _ in range(2)]
    for n, wire in enumerate(wires):
        wire.bind((f"tx{n}", 0))
    sent, number, end = [0, 0], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(BURST):
            frame, number = next(frames), number + 1
            n = wire_of(frame, number)
            try:
                wires[n].send(frame)
                sent[n] += 1
            except OSError:
                pass  # shorter than an Ethernet header, longer than the wire carries, or no room
        time.sleep(PAUSE_S)
    return sent


def sensor(probe, work, workers, during):
    """Runs one while `during()`, until it has ended in order; its standard error when it has not."""
    log = work / f"sensor{workers}.err"
    with open(log, "w") as err:
        run = subprocess.Popen([probe, "run", "-c", str(work / "dpi.toml"), "--workers", str(workers), "--set",
                                f"spool.dir={work}/spool{workers}", "--out", f"jsonl:{work}/live{workers}.jsonl"],
                               stdout=subprocess.DEVNULL, stderr=err)
        try:
            end = time.monotonic() + START_S
            while "capturing" not in log.read_text() and run.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            out = during()
            run.send_signal(signal.SIGTERM)
            code = run.wait(STOP_S)
        finally:
            run.kill()
    return out, None if code == 0 else f"exit {code}: {log.read_text()[-400:]}"


def of_interfaces(path, sent):
    last = None
    for line in open(path):
        event = json.loads(line)
        if event.get("envelope", {}).get("event_type") == "health.heartbeat":
            last = event["payload"]
    for n, count in enumerate(sent):
        row = next((i for i in last["interfaces"] if i["name"] == f"rx{n}"), None) if last else None
        if row is None:
            yield f"no heartbeat tells of rx{n}"
            continue
        offered = row["packets"] + row["dropped_kernel"] + row["dropped_nic"] + row["dropped_no_buffer"]
        if not 0 < offered <= count:
            yield f"rx{n} was offered {offered} packets, {count} were sent to it"


def main(probe, work, workers, seconds, seed):
    frames = damaged_frames(work / "captures", random.Random(seed * 10 + workers))
    sent, wrong = sensor(probe, work, workers, lambda: send(frames, seconds))
    events = work / f"live{workers}.jsonl"
    found = [wrong] if wrong else [*faults(events), *of_interfaces(events, sent)]
    if not found and subprocess.run([probe, "verify", str(events)], capture_output=True).returncode != 0:
        found = ["the chain is not intact"]
    print(f"{workers} workers, 2 fronts, {sent[0]} and {sent[1]} frames sent:", "all hold" if not found else f"{len(found)} do not")
    for fault in {re.sub(r"[0-9]+", "", fault.split(": ")[0]): fault for fault in found}.values():  # one of each kind
        print(f"  {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
