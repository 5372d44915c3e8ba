#!/usr/bin/env python3
"""instructions.py PROBE EXPECTED.tsv [--update]: a regression of speed, seen without measuring time.

Replays made captures under callgrind and compares what one more flow or megabyte costs, in instructions of our own code, with what
was written down, within a tolerance. Each kind is replayed in two sizes and the difference divided by that of the sizes: starting costs the same
in both, and a process that is forked takes over its parent's count. What the machine decides is not counted: libcrypto (valgrind has
no SHA extensions), libndpi and the dynamic linker.
Exits 77 where there is no valgrind, or the build is another (--not-optimised). --update writes what is seen.
"""
import collections
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WORKLOADS = {"short": (1000, 3000), "elephants": (2, 6)}  # flows; megabytes of payload
FOREIGN = ("libcrypto", "libndpi", "ld-linux")
PROCESSES = 3  # of a replay with one worker: itself, the supervisor, the worker
TOLERANCE = 0.05


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def by_object(profile):
    """Instructions of each object file, without what it calls."""
    names, totals, inclusive, current = {}, collections.Counter(), False, ""
    for line in profile.read_text().splitlines():
        if line.startswith(("ob=", "cob=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)  # later only the number
            if line.startswith("ob="):
                current = number
        elif line.startswith("calls="):
            inclusive = True  # the next line's cost is the callee's
        elif line[:1] in "0123456789+-*" and line:
            if not inclusive:
                totals[current] += int(line.split()[1])
            inclusive = False
    return {names[number]: count for number, count in totals.items() if number in names}


def count(probe, kind, size, scratch):
    scratch = scratch / str(size)
    scratch.mkdir(exist_ok=True)
    capture = scratch / f"{kind}.pcap"
    subprocess.run([sys.executable, str(HERE / "workload.py"), kind, str(size), str(capture)], check=True)
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={scratch / kind}.callgrind.%p", probe, "replay", str(capture),
                    "--set", "service.sandbox=false",  # valgrind knows neither Landlock nor seccomp
                    "--out", f"spool:{scratch / kind}"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    profiles = list(scratch.glob(f"{kind}.callgrind.*"))
    if len(profiles) < PROCESSES:
        skip("a worker left no profile: it was ended by a signal before it could write one")
    return sum(n for profile in profiles for name, n in by_object(profile).items() if not any(part in name for part in FOREIGN))


def one_more(probe, kind, sizes, scratch):
    few, many = (count(probe, kind, size, scratch) for size in sizes)
    return (many - few) // (sizes[1] - sizes[0])


def main():
    probe, expected = sys.argv[1], pathlib.Path(sys.argv[2])
    if "--not-optimised" in sys.argv:
        skip("not the optimised build, of which the instructions are known")
    if shutil.which("valgrind") is None:
        skip("valgrind is not installed")
    with tempfile.TemporaryDirectory(prefix="dpi-instructions.") as scratch:
        seen = {kind: one_more(probe, kind, sizes, pathlib.Path(scratch)) for kind, sizes in WORKLOADS.items()}
    if "--update" in sys.argv:
        expected.write_text("".join(f"{name}\t{n}\n" for name, n in seen.items()))
        return
    known = dict(line.split("\t") for line in expected.read_text().splitlines())
    if set(known) != set(seen):
        sys.exit(f"{expected}: other workloads than {', '.join(seen)}; write it anew with --update")
    failed = False
    for name, n in seen.items():
        change = n / int(known[name]) - 1
        off = abs(change) > TOLERANCE
        failed |= off
        print(f"{name}: {n:,} instructions for one more, {change:+.1%} of those written down{' (tell why, then --update)' if off else ''}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
