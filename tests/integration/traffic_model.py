"""traffic_model.py PROBE WORK ROUNDS SEED: see traffic_model.sh."""
import json
import pathlib
import random
import struct
import subprocess
import sys

from frames import TCP, UDP, ip, tcp, udp, written

FIN, SYN, PSH, ACK = 1, 2, 8, 16
CLIENT, SERVER = 0, 1
SCALE = b"\x01\x03\x03\x07"
AGAIN_S = 0.25  # a retransmission is no mirrored copy
CONNECTIONS, HOSTS = 60, 80


class Host:
    """What one client and its server exchange as the taps see it, and the row that is right."""

    def __init__(self, chance, number, server_port, begin):
        self.chance = chance
        self.ends = ((f"2001:db8::{number + 1:x}", "2001:db8:1::1") if chance.random() < 0.4 else
                     (f"10.0.{number // 250}.{number % 250 + 1}", "198.51.100.20"))
        self.ports = (chance.randrange(1024, 60_000), server_port)
        self.now, self.identification, self.packets = begin, chance.randrange(1, 30_000), []  # (time, side, frame of a TTL)
        self.row = {name + side: 0 for side in ("_src", "_dst") for name in
                    ("packets", "payload_bytes", "retransmits", "out_of_order", "gap_bytes")} | {"duplicate_packets": 0}

    def add(self, name, side, count=1):
        self.row[name + ("_src", "_dst")[side]] += count

    def put(self, side, protocol, data, payload, **fragment):
        src, dst = self.ends if side == CLIENT else self.ends[::-1]
        number = self.identification
        self.packets.append((self.now, side, lambda ttl: ip(src, dst, protocol, number, data, ttl, **fragment), payload))

    def frames(self, mirrored, skew):
        """As captured: some packets twice within 10 ms, one tap ahead of the other."""
        for time, side, frame, payload in self.packets:
            time += skew if side == SERVER else 0
            copies = 1 if mirrored and self.chance.random() < 0.8 else 0
            self.row["duplicate_packets"] += copies
            self.add("packets", side, 1 + copies)
            self.add("payload_bytes", side, payload * (1 + copies))
            yield time, frame(64)
            if copies:
                yield time + self.chance.uniform(0.0003, 0.009), frame(63)


class Connection(Host):
    """HTTP over TCP, closed in order."""

    def segment(self, side, seq, ack, flags, data=b"", options=b"", after=None):
        self.now += self.chance.uniform(0.0005, 0.004) if after is None else after
        self.identification += 1
        ends, ports = (self.ends, self.ports) if side == CLIENT else (self.ends[::-1], self.ports[::-1])
        self.put(side, TCP, tcp(*ends, ports, seq, ack, flags, data, options), len(data))

    def handshake(self, skew):
        chance = self.chance
        isn = [chance.choice([chance.randrange(2**32), 2**32 - chance.randrange(2000)]) for _ in range(2)]
        options = chance.choice([b"", SCALE])
        if skew >= 0 and chance.random() < 0.15:  # nobody acknowledges this one
            self.segment(CLIENT, isn[0] + chance.choice([5000, -5000, 10**9]), 0, SYN, options=options)
            self.now += 1
        self.segment(CLIENT, isn[0], 0, SYN, options=options)
        if chance.random() < 0.15:
            self.segment(CLIENT, isn[0], 0, SYN, options=options, after=1)
            self.add("retransmits", CLIENT)
        self.segment(SERVER, isn[1], isn[0] + 1, SYN | ACK, options=options)
        if chance.random() < 0.8:
            self.segment(CLIENT, isn[0] + 1, isn[1] + 1, ACK)
        return [isn[0] + 1, isn[1] + 1]

    def send(self, side, data, at):
        """Segments of any size: some lost before the taps and sent again, some lost behind them."""
        chance, other, begin, parts = self.chance, 1 - side, at[side], []
        while sum(map(len, parts)) < len(data):
            here = sum(map(len, parts))
            parts.append(data[here:here + chance.choice([1, 10, 100, 536, 1448])])
        places, late = [], []
        for part in parts:
            places.append((at[side], part))
            at[side] += len(part)
        for place, part in places:
            if chance.random() < 0.1 and (place, part) != places[-1]:
                late.append((place, part))
                continue
            self.segment(side, place, at[other], ACK | PSH, part)
            if chance.random() < 0.3:
                self.segment(other, at[other], late[0][0] if late else place + len(part), ACK)
        self.add("out_of_order", side, len(late))
        for place, part in chance.sample(late, len(late)):
            self.segment(side, place, at[other], ACK, part, after=AGAIN_S)
        for place, part in places:
            if chance.random() < 0.05 and (len(part) > 1 or place + 1 != at[side]):  # one byte at the end: a keep-alive
                self.segment(side, place, at[other], ACK, part, after=AGAIN_S)
                self.add("retransmits", side)
        self.segment(other, at[other], begin + len(data), ACK)

    def talk(self, number, skew):
        at = self.handshake(skew)
        target = f"/{number}"
        filler = "x" * self.chance.randrange(3000)
        self.send(CLIENT, f"GET {target} HTTP/1.1\r\nHost: h.example\r\nX: {filler}\r\n\r\n".encode(), at)
        self.send(SERVER, b"HTTP/1.1 404 Not Found\r\n\r\n" + b"b" * self.chance.randrange(6000), at)
        first = self.chance.choice([CLIENT, SERVER])
        self.segment(first, at[first], at[1 - first], FIN | ACK)
        self.segment(1 - first, at[1 - first], at[first] + 1, FIN | ACK)
        self.segment(first, at[first] + 1, at[1 - first] + 1, ACK)
        self.row |= {"conn_state": "SF", "end_reason": "fin", "orientation": "syn", "http_url": target, "http_status": 404}


class Resolver(Host):
    """DNS over UDP, its datagrams whole or in pieces, in any order."""

    def datagram(self, side, message):
        ends, ports = (self.ends, self.ports) if side == CLIENT else (self.ends[::-1], self.ports[::-1])
        data, chance = udp(*ends, ports, message), self.chance
        self.identification += 1
        cuts = [0]
        while chance.random() < 0.8 and cuts[-1] + 8 < len(data):
            cuts.append(cuts[-1] + 8 * chance.randrange(1, 1 + (len(data) - cuts[-1] - 1) // 8))
        pieces = list(zip(cuts, cuts[1:] + [len(data)]))
        for begin, end in chance.sample(pieces, len(pieces)):
            self.put(side, UDP, data[begin:end], 0, offset=begin, more=end < len(data))
            self.now += 1e-6

    def talk(self, _number, _skew):
        self.exchanges = self.chance.randrange(1, 4)
        for number in range(self.exchanges):
            name = bytes([1, 97 + number]) + b"\x3f" + b"x" * 63 + b"\x07example\0"
            question = name + struct.pack(">HH", 16, 1)
            text = b"\x60" + b"t" * 96
            data = text * self.chance.randrange(1, 40)
            query = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + question
            answer = struct.pack(">6H", number, 0x8180, 1, 1, 0, 0) + question + struct.pack(">HHHIH", 0xc00c, 16, 1, 60, len(data)) + data
            for side, message in ((CLIENT, query), (SERVER, answer)):
                before = len(self.packets)
                self.datagram(side, message)
                time, _, frame, _ = self.packets[before]
                self.packets[before] = (time, side, frame, len(message))  # once a datagram
                self.now += 0.002
            self.now += 0.02
        for name in ("retransmits_src", "retransmits_dst", "out_of_order_src", "out_of_order_dst", "gap_bytes_src", "gap_bytes_dst"):
            del self.row[name]
        self.row["orientation"] = "dns_qr"


def rows_of(path):
    flows, dns, last = {}, {}, None
    for line in open(path):
        event = json.loads(line)
        kind, row = event.get("envelope", {}).get("event_type"), event.get("payload")
        if kind in ("dpi.flow", "dpi.dns"):
            (flows if kind == "dpi.flow" else dns).setdefault((row["src_ip"], row["src_port"]), []).append(row)
        elif kind == "health.heartbeat":
            last = row
    return flows, dns, last


def differences(host, flows, dns):
    key = (host.ends[CLIENT], host.ports[CLIENT])
    found = flows.get(key, [])
    if len(found) != 1:
        return [f"{len(found)} flows"]
    out = [f"{name} {found[0].get(name, 0)}, right is {right}" for name, right in host.row.items() if found[0].get(name, 0) != right]
    exchanges = [(row["outcome"], row["queries"], row["responses"]) for row in dns.get(key, [])]
    if exchanges != [("answered", 1, 1)] * getattr(host, "exchanges", 0):
        out.append(f"exchanges {exchanges}")
    return out


def main(probe, work, rounds, seed):
    chance, wrong, tried = random.Random(seed), 0, 0
    for _ in range(rounds):
        hosts, frames = [], []
        for number in range(CONNECTIONS + HOSTS):
            kind, port = (Connection, 80) if number < CONNECTIONS else (Resolver, 53)
            host = kind(chance, number, port, begin=number * 0.3)
            skew = chance.choice([0, chance.uniform(-0.003, 0.003)])
            host.talk(number, skew)
            frames += host.frames(chance.random() < 0.3 and kind is Connection, skew)
            hosts.append(host)
        written(work / "model.pcap", frames)
        subprocess.run([probe, "replay", str(work / "model.pcap"), "--out", f"jsonl:{work}/model.jsonl"], check=True, capture_output=True)
        flows, dns, last = rows_of(work / "model.jsonl")
        for host in hosts:
            tried += 1
            for difference in differences(host, flows, dns):
                wrong += 1
                print(f"{host.ends[CLIENT]} port {host.ports[CLIENT]}: {difference}")
        named = [a for a in last["anomalies"] if a["name"] != "transport_header_cut"]  # of the smallest first pieces
        if named:
            wrong += 1
            print(f"anomalies {named}")
    print(f"{tried} conversations, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
