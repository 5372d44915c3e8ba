"""Every member and value that docs/events.md promises, against what was written: members.py docs/events.md FILE.jsonl…
Exit 1 with the ones that nobody wrote."""
import json
import re
import sys

# Of these the contract speaks, and no run of this test writes one: a second key, a witness, a worker that dies, a flood.
NOT_WRITTEN = {"key.rotate", "witness.observed", "worker.crash", "dpi.scan"}


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


def collect(value, into):
    if isinstance(value, dict):
        for name, inner in value.items():
            into.add(name)
            collect(inner, into)
    elif isinstance(value, list):
        for inner in value:
            collect(inner, into)


def main(docs, files):
    wanted = documented(open(docs, encoding="utf-8").read())
    written = {}
    for path in files:
        for line in open(path, encoding="utf-8", errors="replace"):
            if not line.startswith('{"envelope":') or not line.endswith("}\n"):
                continue
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # cut off by a kill
            collect(event["payload"], written.setdefault(event["envelope"]["event_type"], set()))
    missing = [f"{kind}.{name}" for kind, names in sorted(wanted.items()) if kind not in NOT_WRITTEN
               for name in sorted(names - written.get(kind, set())) if f"{kind}.{name}" not in NOT_WRITTEN]
    undocumented = [f"{kind}.{name}" for kind, names in sorted(written.items())
                    for name in sorted(names - wanted.get(kind, set())) if not name.endswith("_truncated")]
    for what, names in (("nobody writes", missing), ("not documented", undocumented)):
        for name in names:
            print(f"{what}: {name}")
    print(f"{sum(map(len, wanted.values()))} members of {len(wanted)} events, {len(missing)} missing, {len(undocumented)} undocumented")
    return 1 if missing or undocumented else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
