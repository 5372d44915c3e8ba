#!/usr/bin/env python3
"""check_ipfix.py DUMP EVENTS [--twice]: what ipfixDump read, against the events of a chain (JSON lines). Every flow and every DNS
exchange that is no canary stands there once (--twice: at least once), with its ends, times, counters, names and hash; nothing else does.
"""
import datetime
import hashlib
import ipaddress
import json
import re
import sys

END_REASON = {"idle": 1, "active": 2, "fin": 3, "rst": 3, "port_reuse": 3, "forced": 4, "evicted": 5}


def records(path):
    record = None
    for line in open(path, errors="replace"):
        if line.startswith("--- data record"):
            if record:
                yield record
            record = {}
        elif line.startswith("---") or line.startswith("***"):
            if record:
                yield record
            record = None
        found = re.match(r"\s+\([\d/]+\)(?: \(S\))?\s*(\S+) : (?:\(len: \d+\) ?)?(.*)$", line)
        if found and record is not None:
            record[found[1]] = found[2]
    if record:
        yield record


def milliseconds(text):
    return datetime.datetime.strptime(text[:23].replace("T", " "), "%Y-%m-%d %H:%M:%S.%f")


def expected(event, payload):
    out = {"eventSha256": "0x" + hashlib.sha256(b"\0" + event["text"].encode()).hexdigest(),
           "sensorInstance": event["component_instance_id"], "eventSequence": str(event["seq"])}
    names = {"src_port": "sourceTransportPort", "dst_port": "destinationTransportPort", "community_id": "communityId"}
    if event["event_type"] == "dpi.flow":
        names |= {"packets_src": "packetDeltaCount", "packets_dst": "reversePacketDeltaCount", "ip_bytes_src": "octetDeltaCount",
                  "ip_bytes_dst": "reverseOctetDeltaCount", "app": "applicationName", "server_name": "serverName", "ja4": "tlsJa4",
                  "protocol": "protocolIdentifier", "tcp_flags_src": "tcpControlBits", "http_status": "httpStatusCode",
                  "ip_version": "ipVersion", "record": "flowRecordNumber", "risk_score": "riskScore", "http_url": "httpRequestTarget"}
        out["flowEndReason"] = str(END_REASON[payload["end_reason"]])
        out["flowRecordIsLast"] = "1" if payload["final"] else "2"
        out["vlanId"] = str((payload["vlan_ids"] or [0])[0])
    else:
        names |= {"qname": "dnsQueryName", "qtype": "dnsQueryType", "rcode": "dnsResponseCodeName", "outcome": "dnsOutcome",
                  "rtt_us": "dnsRoundTripMicroseconds", "id": "dnsMessageId"}
        out["protocolIdentifier"] = {"udp": "17", "tcp": "6"}[payload["transport"]]
    for member, element in names.items():
        if member in payload:
            out[element] = str(payload[member])[:2048]
    return out


def main():
    wanted = {}
    for line in open(sys.argv[2]):
        whole = re.fullmatch(r'\{"envelope":(.*),"payload":(.*)\}\n', line)
        if not whole:
            continue
        envelope, payload = json.loads(whole[1]), json.loads(whole[2])
        if envelope["event_type"] in ("dpi.flow", "dpi.dns") and not payload.get("canary"):
            wanted[str(envelope["seq"])] = (expected(envelope | {"text": whole[1]}, payload), payload)
    had = {}
    for record in records(sys.argv[1]):
        if "eventSequence" not in record:
            continue
        seq = record["eventSequence"]
        if seq not in wanted:
            sys.exit(f"a record of event {seq}, which is no flow and no exchange")
        if seq in had and "--twice" not in sys.argv:
            sys.exit(f"event {seq} stands twice")
        fields, payload = wanted[seq]
        for element, value in fields.items():
            same = record.get(element) == value or (element == "eventSha256" and record.get(element, "").lower() == value)
            if not same:
                sys.exit(f"event {seq}: {element} is {record.get(element)!r}, not {value!r}")
        version = "IPv6" if ":" in payload["src_ip"] else "IPv4"
        for end, member in (("source", "src_ip"), ("destination", "dst_ip")):
            if ipaddress.ip_address(record[f"{end}{version}Address"]) != ipaddress.ip_address(payload[member]):
                sys.exit(f"event {seq}: {end} is {record.get(f'{end}{version}Address')}, not {payload[member]}")
        for element, members in (("flowStartMilliseconds", ("start_at", "query_at")), ("flowEndMilliseconds", ("end_at", "response_at"))):
            time = next((payload[m] for m in members if m in payload), None)
            if time and milliseconds(record[element]) != milliseconds(time):
                sys.exit(f"event {seq}: {element} is {record[element]}, not {time}")
        had[seq] = True
    missing = wanted.keys() - had.keys()
    if missing or not had:
        sys.exit(f"{len(missing)} of {len(wanted)} events are missing, the first is {min(missing, key=int, default='-')}")
    print(f"ipfix {len(had)} records")


if __name__ == "__main__":
    main()
