#!/usr/bin/env python3
"""check_csv.py FOLDER EVENTS: each file is RFC 4180, has every event of its row, and says of it what the event says; no cell begins a formula."""
import csv
import json
import pathlib
import sys
import urllib.parse

folder, events_path = pathlib.Path(sys.argv[1]), sys.argv[2]
ROWS = {"dpi.flow": "flow", "dpi.dns": "dns", "dpi.scan": "scan", "health.heartbeat": "heartbeat"}
STORED_RAW = {"chain.start", "key.rotate", "witness.observed"}

events = {}
for line in open(events_path, encoding="ascii"):
    event = json.loads(line)
    if "envelope" in event and event["envelope"]["event_type"] not in STORED_RAW:
        kind = event["envelope"]["event_type"]
        events.setdefault(ROWS.get(kind, kind.replace(".", "_")), {})[event["envelope"]["seq"]] = event


def plain(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def unescaped(value):
    """pct-text has one meaning, however much of it is spelt %HH."""
    if isinstance(value, str):
        return urllib.parse.unquote_to_bytes(value)
    if isinstance(value, list):
        return [unescaped(v) for v in value]
    return {k: unescaped(v) for k, v in value.items()} if isinstance(value, dict) else value


for path in sorted(folder.glob("*.csv")):
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\r\n") and text.count("\r") == text.count("\n") == text.count("\r\n"), f"{path}: line ends"
    rows = list(csv.reader(text.splitlines(), strict=True))
    header = rows[0]
    wanted = events.pop(path.stem, {})
    assert len(rows) - 1 == len(wanted), f"{path}: {len(rows) - 1} rows, {len(wanted)} events"
    for row in rows[1:]:
        assert len(row) == len(header), f"{path}: {row}"
        cells = dict(zip(header, row))
        event = wanted[int(cells["seq"])]
        assert cells["instance"] == event["envelope"]["component_instance_id"] and len(cells["event_sha256"]) == 64
        for name, value in event["payload"].items():
            cell = cells[name]
            if isinstance(value, (list, dict)):
                assert unescaped(json.loads(cell)) == unescaped(value), f"{path}: {name}: {cell}"
            elif isinstance(value, str):
                assert unescaped(cell) == unescaped(value), f"{path}: {name}: {cell}"
            else:
                assert cell == plain(value), f"{path}: {name}: {cell}"
            if isinstance(value, str):
                assert not cell.startswith(("=", "+", "-", "@", "\t")), f"{path}: {name} begins a formula: {cell}"
        assert all(cells[name] == "" for name in header[5:] if name not in event["payload"]), f"{path}: {row}"
    if wanted:
        print(path.stem, len(rows) - 1)
assert not events, f"no file for {sorted(events)}"
