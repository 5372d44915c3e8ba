"""invariants.py PROBE CORPUS WORK ROUNDS SEED: see invariants.sh."""
import json
import pathlib
import random
import struct
import subprocess
import sys
from datetime import datetime

from mutants import damaged, packets_of

CAPTURE_BYTES_MAX = 400_000  # larger ones say nothing more and take longer
BUCKETS = ["decoded", "filtered", "malformed", "not_ip", "dropped_kernel", "dropped_nic", "dropped_no_buffer", "shed"]


def written(path, header, order, records):
    with open(path, "wb") as file:
        file.write(header)
        for seconds, fraction, wire, frame in records:
            file.write(struct.pack(order + "IIII", seconds, fraction, len(frame), wire) + frame)


def replayed(probe, capture, workers, out):
    done = subprocess.run([probe, "replay", str(capture), "--workers", str(workers), "--out", f"jsonl:{out}"],
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr[-400:]


def microseconds(begin, end):
    """Between two times of events, rounded up: 2026-11-30T12:13:25.967226145Z."""
    span = datetime.fromisoformat(end[:19]) - datetime.fromisoformat(begin[:19])
    return -(-(int(span.total_seconds()) * 1_000_000_000 + int(end[20:29]) - int(begin[20:29])) // 1000)


def faults(path):
    """What the events of a run say against each other. Canaries are counted nowhere but in `events`."""
    flows = messages = 0
    last = None
    for line in open(path):
        event = json.loads(line)
        kind, row = event.get("envelope", {}).get("event_type"), event.get("payload")
        if row and row.get("canary"):
            continue
        if kind == "dpi.flow":
            if row["start_at"] > row["end_at"]:
                yield f"a flow ends before it starts: {row['community_id']}"
            if row["packets_src"] + row["packets_dst"] == 0:
                yield f"a record of no packets: {row['community_id']}"
            gaps_us = sum(packet["gap_us"] for packet in row.get("splt", []))
            if row["record"] == 0 and gaps_us > microseconds(row["start_at"], row["end_at"]):
                yield f"gaps of {gaps_us} us in a shorter flow: {row['community_id']}"
            if any(isinstance(v, int) and v < 0 for v in row.values()):
                yield f"a negative number: {row}"
            flows += row["packets_src"] + row["packets_dst"]
        elif kind == "dpi.scan":
            if row["first_at"] > row["last_at"]:
                yield f"a scan ends before it starts: {row}"
            flows += row["flows"]  # each of one packet
        elif kind == "dpi.dns":
            messages += row["queries"] + row["responses"]
            if row.get("rtt_us", 0) < 0:
                yield f"a negative rtt: {row}"
        elif kind == "health.heartbeat":
            last = row
    if last is None:
        yield "no heartbeat"
        return
    if last["packets_offered"] != sum(last[f"packets_{b}"] for b in BUCKETS):
        yield "the ledger does not close"
    if flows != last["packets_decoded"]:
        yield f"flows have {flows} packets, {last['packets_decoded']} were decoded"
    if messages != last["dns_messages"]:
        yield f"rows stand for {messages} messages, {last['dns_messages']} were counted"
    for name in ("acked_bytes", "gap_bytes"):
        if last[name] > (1 << 32) * max(1, 2 * last["tcp_flows"]):
            yield f"{name} {last[name]} of {last['tcp_flows']} TCP flows"


def main(probe, corpus, work, rounds, seed):
    chance, tried, bad = random.Random(seed), 0, 0
    for capture in sorted(corpus.rglob("*")):
        if not capture.is_file() or capture.stat().st_size > CAPTURE_BYTES_MAX:
            continue
        parts = packets_of(capture.read_bytes())
        if parts is None or not parts[2]:
            continue
        header, order, records = parts
        for _ in range(rounds):
            mutant, one = work / "mutant.pcap", work / "one.jsonl"
            written(mutant, header, order, damaged(records, chance))
            code, said = replayed(probe, mutant, 1, one)
            found = [f"exit {code}: {said}"] if code not in (0, 3) else list(faults(one))
            if not found and subprocess.run([probe, "verify", str(one)], capture_output=True).returncode != 0:
                found = ["the chain is not intact"]
            for workers in (2, 3):
                if not found:
                    replayed(probe, mutant, workers, work / "more.jsonl")
                    if one.read_bytes() != (work / "more.jsonl").read_bytes():
                        found = [f"{workers} workers give other bytes"]
            tried += 1
            if found:
                bad += 1
                kept = pathlib.Path("/tmp") / f"invariant-{seed}-{tried}.pcap"
                kept.write_bytes(mutant.read_bytes())
                print(f"{capture.relative_to(corpus)} (kept as {kept}):", *found[:3], sep="\n  ")
    print(f"{tried} damaged captures, {bad} break an invariant")
    return 1 if bad or not tried else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
