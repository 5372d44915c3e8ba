#!/usr/bin/env python3
"""compare_baselines.py PROBE PCAPS: our flows, DNS and Community IDs against what Zeek and Arkime publish for the same captures.

PCAPS has the captures and baseline/{flows,dns,community_id}.tsv, tables of those tools' own expected results. Prints every difference and
a line of sums for each table. Packets are compared each way, bytes with Zeek only (Arkime's include the link). Ours are summed over records.
Exit 0: all agree, 1: some differ.
"""
import collections
import csv
import json
import os
import subprocess
import sys

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
TUNNEL_PORTS = {2152, 3544, 4789, 6081}  # GTP-U, Teredo, VXLAN, Geneve
OUTER = "the tunnel itself"


def table(folder, name):
    with open(os.path.join(folder, "baseline", name), newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Capture:
    """What the probe says of a capture: flows by their two ends, DNS transactions."""

    def __init__(self, probe, path):
        self.flows = collections.defaultdict(lambda: [collections.Counter(), set()])
        self.dns = []
        out = subprocess.run([probe, "replay", path, "--out", "jsonl:-"], capture_output=True, text=True).stdout
        for line in out.splitlines():
            event = json.loads(line)
            if "envelope" not in event:
                continue
            kind, p = event["envelope"]["event_type"], event["payload"]
            if kind == "dpi.dns":
                self.dns.append(p)
            if kind != "dpi.flow":
                continue
            ends = (p["src_ip"], p["src_port"]), (p["dst_ip"], p["dst_port"])
            sums, ids = self.flows[(p["protocol"], frozenset(ends))]
            ids.add(p["community_id"])
            for end, side in zip(ends, ("src", "dst")):
                sums[end, "packets"] += p["packets_" + side]
                sums[end, "bytes"] += p["ip_bytes_" + side]


def protocol(text, *addresses):
    number = PROTOCOLS.get(text) or (int(text) if text.isdigit() else 0)
    return 58 if number == 1 and any(":" in a for a in addresses) else number


def ends_of(row):
    return (row["src"], int(row["sport"])), (row["dst"], int(row["dport"]))


def joined(rows):
    """Rows of one flow as one: Arkime ends sessions where a flow goes on. Zeek's tests use a capture twice."""
    out = {}
    for row in rows:
        key = tuple(row[k] for k in ("capture", "source", "proto", "src", "sport", "dst", "dport"))
        if key not in out:
            out[key] = dict(row)
        elif row["source"] == "arkime":
            for member in ("pkts_src", "pkts_dst", "bytes_src", "bytes_dst"):
                out[key][member] = str(int(out[key][member]) + int(row[member]))
    return list(out.values())


def flow_difference(capture, row):
    src, dst = ends_of(row)
    number = protocol(row["proto"], row["src"])
    # Arkime's ICMP sessions have no type: all of two addresses are one, with an ID of its own.
    by_address = number in (1, 58) and row["source"] == "arkime"
    found = [(sums, ids) for (p, ends), (sums, ids) in capture.flows.items() if number in (p, 0)
             and (ends == frozenset((src, dst)) or (by_address and {e[0] for e in ends} == {src[0], dst[0]}))]
    if not found:
        return OUTER if number == 17 and {src[1], dst[1]} & TUNNEL_PORTS else "no such flow"
    if row["community_id"] and not by_address and not any(row["community_id"] in ids for _, ids in found):
        return f"Community ID {sorted(set().union(*(ids for _, ids in found)))}"
    what = {"packets": "pkts_", "bytes": "bytes_"} if row["source"] == "zeek" else {"packets": "pkts_"}
    sides = ("src", src), ("dst", dst)
    theirs = [[int(row[column + side]) for side, _ in sides] for column in what.values()]
    ours = [[sum(n for sums, _ in found for (end, k), n in sums.items() if k == kind and (end == at or (by_address and end[0] == at[0])))
             for _, at in sides] for kind in what]
    return None if theirs == ours else f"{list(what)} {theirs}, ours {ours}"


def dns_difference(capture, row):
    src, dst = ends_of(row)
    candidates = [d for d in capture.dns if d["id"] == int(row["id"]) and {d["src_ip"], d["dst_ip"]} == {src[0], dst[0]}
                  and {d["src_port"], d["dst_port"]} == {src[1], dst[1]} and d.get("qname", "").lower() == row["qname"].lower()]
    if not candidates:
        return "no such transaction"
    if row["rcode"] != "-" and not any(RCODES.get(d.get("rcode"), -1) == int(row["rcode"]) for d in candidates):
        return f"rcode {row['rcode']}, ours {[d.get('rcode') for d in candidates]}"
    data = {r["data"].lower().rstrip(".") for d in candidates for r in d.get("records", [])}
    # The table cuts long lists, and Zeek describes what is no address or name.
    plain = [a.lower() for a in row["answers"].split(",")[:-1] if a != "-" and " " not in a]
    missing = [a for a in plain if a not in data]
    return f"answers {missing} not in {sorted(data)}" if missing else None


def main(probe, pcaps):
    captures = {}

    def capture(name):
        if name not in captures:
            captures[name] = Capture(probe, os.path.join(pcaps, name))
        return captures[name]

    differences = 0
    for name, compare, prepare in (("flows.tsv", flow_difference, joined), ("dns.tsv", dns_difference, list)):
        rows, found, outer = prepare(table(pcaps, name)), 0, 0
        for row in rows:
            why = compare(capture(row["capture"]), row)
            outer += why == OUTER
            if why in (None, OUTER):
                continue
            found += 1
            print(row["capture"], row["source"], row["proto"], *ends_of(row), row.get("qname", ""), "|", why)
        print(f"{name}: {len(rows) - found - outer} of {len(rows)} agree" + f"; {outer} are tunnels, counted by what is in them" * (outer > 0))
        differences += found

    spec = os.path.join(pcaps, "community-id-spec")
    flows = [item for name in sorted(os.listdir(spec)) for item in capture(os.path.join("community-id-spec", name)).flows.items()]
    rows, found = table(pcaps, "community_id.tsv"), 0
    for row in rows:
        ours = set().union(*(ids for (p, ends), (_, ids) in flows if p == int(row["proto"]) and ends == frozenset(ends_of(row))))
        if ours != {row["community_id"]}:
            print("community_id", *row.values(), "| ours", sorted(ours))
            found += 1
    print(f"community_id.tsv: {len(rows) - found} of {len(rows)} agree")
    return 1 if differences + found else 0


sys.exit(main(*sys.argv[1:3]))
