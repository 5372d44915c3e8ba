#!/usr/bin/env python3
"""replay.py PROBE CAPTURE [ROUNDS]: CPU of a whole replay (decode, flows, nDPI, DNS, sealed events as text to /dev/null) as a ratio to
`ndpiReader -q` on the same capture, the two in turn. Not part of the tests: a machine's speed is no verdict."""
import resource, statistics, subprocess, sys

probe, capture, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 5


def cpu(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


pairs = [(cpu(probe, 'replay', capture, '--out', 'jsonl:/dev/null'), cpu('ndpiReader', '-q', '-i', capture)) for _ in range(rounds)]
ours, theirs = zip(*pairs)
print(f'probe {statistics.median(ours):.2f} s, ndpiReader -q {statistics.median(theirs):.2f} s, '
      f'ratio {statistics.median(a / b for a, b in pairs):.2f} (median of {rounds} pairs)')
