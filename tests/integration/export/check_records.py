#!/usr/bin/env python3
"""check_records.py eve|ecs FIELDS RECORDS EVENTS: every line of RECORDS has only fields of the list, of their types, and names its event.

What is below `ransomeye` is our own: there the event's members stand as they are. Prints how many records of each kind there are.
"""
import collections
import hashlib
import ipaddress
import json
import re
import sys

kind, fields_path, records_path, events_path = sys.argv[1:]
fields = dict(line.split() for line in open(fields_path, encoding="ascii") if line.strip() and not line.startswith("#"))

EVE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def is_ip(value):
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


TYPES = {
    "string": lambda v: isinstance(v, str), "keyword": lambda v: isinstance(v, str), "wildcard": lambda v: isinstance(v, str),
    "integer": is_integer, "long": lambda v: is_integer(v) and -2**63 <= v < 2**63, "float": is_integer,
    "boolean": lambda v: isinstance(v, bool), "ip": is_ip, "date": lambda v: isinstance(v, str) and DATE.fullmatch(v),
}


def leaves(value, path):
    if isinstance(value, dict):
        assert value, f"{path}: an empty object"
        for name, below in value.items():
            yield from leaves(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        assert value, f"{path}: an empty list"
        for below in value:
            yield from leaves(below, path + "[]")
    else:
        yield path, value


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a member stands twice: {names}"
    return dict(pairs)


# Every event by its sequence: the hash of its envelope's bytes, and its own members.
events = {}
for line in open(events_path, "rb"):
    if line.startswith(b'{"checkpoint"'):
        continue
    event = json.loads(line)
    envelope = line[len(b'{"envelope":'):line.index(b',"payload":')]
    events[event["envelope"]["seq"]] = (hashlib.sha256(b"\0" + envelope).hexdigest(), event)

counts = collections.Counter()
named = set()
data = open(records_path, "rb").read()
assert data.endswith(b"\n"), "the last line has no end"
for number, line in enumerate(data[:-1].split(b"\n"), 1):
    try:
        text = line.decode("utf-8")
        assert not re.search("[\0-\x1f\x7f-\x9f\u2028\u2029]", text), "a control character that is not escaped"
        record = json.loads(text, object_pairs_hook=no_duplicates)
        own = record.pop("ransomeye")
        sha256, event = events[own["seq"]]
        assert own["sha256"] == sha256, "not the hash of its event's envelope"
        assert own["instance"] == event["envelope"]["component_instance_id"], "another instance"
        named.add(own["seq"])
        for path, value in leaves(record, ""):
            assert path in fields, f"{path}: no field of the list"
            assert TYPES[fields[path]](value), f"{path}: {value!r} is no {fields[path]}"
        if kind == "eve":
            counts[record["event_type"]] += 1
            assert EVE_TIME.fullmatch(record["timestamp"]), "timestamp"
            if record["event_type"] == "dns":
                counts["dns " + record["dns"]["type"]] += 1
                assert record["dns"]["version"] == 3, "dns version"
            else:
                assert record["event_type"] in record, "lacks the object of its type"
        else:
            counts[record["event"]["dataset"]] += 1
            assert record["event"]["id"] == event["envelope"]["event_id"], "another event's id"
    except (AssertionError, KeyError, ValueError) as error:
        sys.exit(f"{records_path}:{number}: {type(error).__name__}: {error}\n{line[:600]!r}")

types = {"dpi.flow", "dpi.dns", "dpi.scan", "health.heartbeat"} if kind == "eve" else None
wanted = {seq for seq, (_, e) in events.items() if types is None or e["envelope"]["event_type"] in types}
if named != wanted:
    sys.exit(f"{records_path}: {len(wanted - named)} events have no record, {len(named - wanted)} should have none")
for name, count in sorted(counts.items()):
    print(name, count)
