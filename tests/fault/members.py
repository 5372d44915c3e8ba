"""Every member and value that docs/events.md promises, against what was written: members.py docs/events.md FILE.jsonl…
Exit 1 with the ones that nobody wrote."""
import json
import re
import sys

# Of these the contract speaks, and no run of this test writes one: a second key, a witness, a worker that dies.
NOT_WRITTEN = {"key.rotate", "witness.observed", "worker.crash"}
# Values that the contract has kept for probes to come: no code of this one says them.
NOT_WRITTEN |= {f"chain.start.reason={value}" for value in ("state_loss", "state_rollback", "key_loss")}
NOT_WRITTEN |= {"clock.step.source=ntp", "clock.step.source=resume", "loss.report.cause=sealer_ring"}
# Written where a card or a kernel loses packets, a worker dies or is behind, a stage stands still, a disk or a spool is full: the tests
# capture_dpdk, workers_die, bench/capture.sh, canary_test and the scenarios `full` and `errors` look at them.
NOT_WRITTEN |= {f"loss.report.cause={value}" for value in ("nic", "no_buffer", "kernel", "worker_crash", "worker_ring", "spool_full", "disk_error")}
NOT_WRITTEN |= {f"health.heartbeat.canary_stage={value}" for value in ("decode", "flow", "classify", "seal", "spool", "commit")}


def expand(text):
    """`rtt_src/_dst`-like shorthands and lists of names in one cell."""
    names = []
    for quoted in re.findall(r"`([^`]+)`", text):
        for part in quoted.split(","):
            part = part.strip()
            if "/_" in part:
                first, *rest = part.split("/_")
                names.append(first)
                stem = first.rsplit("_", 1)[0]
                names += [f"{stem}_{tail}" for tail in rest]
            elif re.fullmatch(r"[a-z][a-z0-9_]*", part):
                names.append(part)
    return names


def documented(text):
    """event type -> names of its own table."""
    out, current = {}, None
    for line in text.splitlines():
        heading = re.match(r"## `([a-z.]+)` v\d", line)
        if heading:
            current = heading[1]
            out[current] = set()
        elif line.startswith("## "):
            current = None
        elif current and line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            out[current] |= set(expand(cells[0]))
            for group in re.findall(r"\{([^}]*)\}", cells[1]):
                for item in re.split("[,{]", group):  # what follows a name are its values
                    out[current] |= set(expand(item)[:1])
    system = text.split("## System events")[1]
    for line in system.splitlines():
        row = re.match(r"\| `([a-z]+\.[a-z]+)` \| (.*?) \| [^|]*\|$", line)
        if row:
            members = re.sub(r"\([^)]*\)", "", row[2])
            out[row[1]] = set(expand(members))
    return out


def documented_values(text):
    """(event type, member) -> the values that an enumeration may have."""
    out, current = {}, None
    for line in text.splitlines():
        heading = re.match(r"#+ `?([a-z.]+)`?", line)
        if line.startswith("## "):
            current = heading[1] if heading and "." in heading[1] else None
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if current and len(cells) == 3 and re.match(r"(opt )?enum", cells[1]):
            values = set(re.findall(r"`([a-z0-9_]+)`", cells[2]))
            for member in expand(cells[0]):
                out[current, member] = values
    for line in text.split("## System events")[1].splitlines():
        row = re.match(r"\| `([a-z]+\.[a-z]+)` \| (.*?) \| [^|]*\|$", line)
        for member, values in re.findall(r"`([a-z_]+)` \(((?:`[a-z_]+` ?){2,})\)", row[2] if row else ""):
            out[row[1], member] = set(re.findall(r"`([a-z_]+)`", values))
    return out


def collect(value, into, values):
    if isinstance(value, dict):
        for name, inner in value.items():
            into.add(name)
            if isinstance(inner, str):
                values.setdefault(name, set()).add(inner)
            collect(inner, into, values)
    elif isinstance(value, list):
        for inner in value:
            collect(inner, into, values)


def main(docs, files):
    text = open(docs, encoding="utf-8").read()
    wanted, wanted_values = documented(text), documented_values(text)
    written, written_values = {}, {}
    for path in files:
        for line in open(path, encoding="utf-8", errors="replace"):
            if not line.startswith('{"envelope":') or not line.endswith("}\n"):
                continue
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # cut off by a kill
            kind = event["envelope"]["event_type"]
            collect(event["payload"], written.setdefault(kind, set()), written_values.setdefault(kind, {}))
    missing = [f"{kind}.{name}" for kind, names in sorted(wanted.items()) if kind not in NOT_WRITTEN
               for name in sorted(names - written.get(kind, set())) if f"{kind}.{name}" not in NOT_WRITTEN]
    undocumented = [f"{kind}.{name}" for kind, names in sorted(written.items())
                    for name in sorted(names - wanted.get(kind, set())) if not name.endswith("_truncated")]
    for (kind, member), values in sorted(wanted_values.items()):
        seen = written_values.get(kind, {}).get(member, set())
        missing += [f"{kind}.{member}={value}" for value in sorted(values - seen)
                    if kind not in NOT_WRITTEN and f"{kind}.{member}={value}" not in NOT_WRITTEN]
        undocumented += [f"{kind}.{member}={value}" for value in sorted(seen - values)]
    for what, names in (("nobody writes", missing), ("not documented", undocumented)):
        for name in names:
            print(f"{what}: {name}")
    print(f"{sum(map(len, wanted.values()))} members of {len(wanted)} events, "
          f"{sum(map(len, wanted_values.values()))} values of {len(wanted_values)} enumerations, {len(missing)} missing, {len(undocumented)} undocumented")
    return 1 if missing or undocumented else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
