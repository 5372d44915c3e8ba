#!/usr/bin/env python3
"""workload.py KIND SIZE OUT.pcap [CAPTURE.pcap…]: captures that benchmarks replay, the same bytes on every machine.

mix COPIES        the Ethernet captures given, woven into one (each begins 50 ms behind the one before, gaps of more than 2 s are
                  2 s), COPIES times with client addresses of their own, checksums kept right
short FLOWS       10,000 new flows a second: 55 % DNS exchanges, 20 % TLS 1.3 hellos, 14 % HTTP, 7 % refused, 4 % unanswered SYNs
elephants MBYTES  eight long flows (TLS, HTTP, unknown TCP, UDP) of 1,400-byte payloads, an acknowledgement for every four
"""
import array
import bisect
import heapq
import random
import struct
import sys

T0_US = 1_700_000_000_000_000
TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ones_sum(data):
    """The one's complement sum of 16-bit words as they lie in memory, folded."""
    words = array.array("H", data if len(data) % 2 == 0 else data + b"\0")
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def stored(total):
    return struct.pack("=H", ~total & 0xFFFF)


class Capture:
    def __init__(self, path):
        self.file = open(path, "wb", buffering=1 << 20)
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))

    def put(self, us, frame, wire=None):
        self.file.write(struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), wire or len(frame)) + frame)


# Packets made here.

ETHERNET = bytes((2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0))


def packet(protocol, src, dst, ports, payload, sequence=0, acknowledged=0, flags=0, number=0):
    if protocol == TCP:
        head = struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 64_240, 0, 0)
        at = 16
    else:
        head = struct.pack(">HHHH", *ports, 8 + len(payload), 0)
        at = 6
    length = len(head) + len(payload)
    addresses = src.to_bytes(4, "big") + dst.to_bytes(4, "big")
    check = stored(ones_sum(addresses + struct.pack(">HH", protocol, length) + head + payload))
    head = head[:at] + (b"\xff\xff" if check == b"\0\0" else check) + head[at + 2:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, number & 0xFFFF, 0x4000, 64, protocol, 0) + addresses
    return ETHERNET + ip[:10] + stored(ones_sum(ip)) + ip[12:] + head + payload


class Connection:
    """Both directions of a TCP connection; each step gives the next packet."""

    def __init__(self, client, server, ports, chance):
        self.ends = (client, server)
        self.ports = ports
        self.next = [chance.getrandbits(32), chance.getrandbits(32)]
        self.number = chance.getrandbits(16)

    def send(self, side, flags, payload=b""):
        self.number += 1
        ports = self.ports if side == 0 else self.ports[::-1]
        made = packet(TCP, self.ends[side], self.ends[1 - side], ports, payload, self.next[side],
                      self.next[1 - side] if flags & ACK else 0, flags, self.number)
        self.next[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return made


def host_names(count):
    chance = random.Random(7)
    consonants, vowels = "bcdfghklmnprstvz", "aeiou"
    out = []
    for _ in range(count):
        label = "".join(chance.choice(vowels if i % 2 else consonants) for i in range(chance.randrange(5, 14)))
        out.append(f"{chance.choice(('www.', 'api.', 'cdn.', 'img.', '', 'mail.'))}{label}.{chance.choice(('com', 'net', 'org', 'io', 'de'))}")
    return out


def dns_question(name, kind):
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
    return labels + b"\0" + struct.pack(">HH", kind, 1)


def dns_messages(chance, name, server):
    kind = 28 if chance.random() < 0.3 else 1
    question, ident = dns_question(name, kind), chance.getrandbits(16)
    query = struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + question
    if chance.random() < 0.05:
        return query, struct.pack(">HHHHHH", ident, 0x8183, 1, 0, 0, 0) + question
    data = server.to_bytes(4, "big") if kind == 1 else bytes.fromhex("20010db8") + server.to_bytes(12, "big")
    answer = struct.pack(">HHHIH", 0xC00C, kind, 1, chance.randrange(30, 3600), len(data)) + data
    return query, struct.pack(">HHHHHH", ident, 0x8180, 1, 1, 0, 0) + question + answer


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def tls_handshake(kind, body):
    message = bytes((kind,)) + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def client_hello(chance, name):
    host = name.encode()
    suites = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x009C, 0x009D, 0x002F)
    extensions = (extension(0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host) + extension(23, b"")
                  + extension(10, b"\0\x06\0\x1d\0\x17\0\x18") + extension(11, b"\1\0")
                  + extension(16, b"\0\x0c\x02h2\x08http/1.1") + extension(13, b"\0\x06\x04\x03\x08\x04\x04\x01")
                  + extension(43, b"\4\3\4\3\3") + extension(51, b"\0\x24\0\x1d\0\x20" + chance.randbytes(32)))
    return tls_handshake(1, b"\3\3" + chance.randbytes(32) + b"\x20" + chance.randbytes(32)
                         + struct.pack(f">H{len(suites)}H", 2 * len(suites), *suites) + b"\1\0"
                         + struct.pack(">H", len(extensions)) + extensions)


def server_hello(chance):
    extensions = extension(43, b"\3\4") + extension(51, b"\0\x1d\0\x20" + chance.randbytes(32))
    hello = tls_handshake(2, b"\3\3" + chance.randbytes(32) + b"\x20" + chance.randbytes(32) + b"\x13\x01\0"
                          + struct.pack(">H", len(extensions)) + extensions)
    return hello + b"\x14\3\3\0\1\1\x17\3\3\3\x20" + chance.randbytes(800)


def tcp_exchange(connection, request, answer):
    """One request, one answer, an orderly end."""
    yield connection.send(0, SYN)
    yield connection.send(1, SYN | ACK)
    yield connection.send(0, ACK)
    yield connection.send(0, PSH | ACK, request)
    for start in range(0, len(answer), 1400):
        yield connection.send(1, PSH | ACK, answer[start:start + 1400])
    yield connection.send(0, ACK)
    yield connection.send(0, FIN | ACK)
    yield connection.send(1, FIN | ACK)
    yield connection.send(0, ACK)


def short_flow(chance, names, weights):
    """Its packets."""
    name = names[bisect.bisect_left(weights, chance.random() * weights[-1])]
    client = 0x0A000000 | chance.getrandbits(22)
    server = 0xC6120000 | chance.getrandbits(17)  # 198.18.0.0/15 (RFC 2544)
    port = chance.randrange(1024, 65_536)
    kind = chance.random()
    if kind < 0.55:
        query, answer = dns_messages(chance, name, server)
        resolver, ports = 0xC6120035 | (client & 0x300), (port, 53)
        yield packet(UDP, client, resolver, ports, query, number=chance.getrandbits(16))
        yield packet(UDP, resolver, client, ports[::-1], answer, number=chance.getrandbits(16))
    elif kind < 0.75:
        yield from tcp_exchange(Connection(client, server, (port, 443), chance), client_hello(chance, name), server_hello(chance))
    elif kind < 0.89:
        body = b"x" * chance.randrange(100, 1200)
        request = f"GET /{chance.getrandbits(32):x} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        yield from tcp_exchange(Connection(client, server, (port, 80), chance), request.encode(), answer.encode() + body)
    elif kind < 0.96:
        connection = Connection(client, server, (port, chance.choice((22, 445, 3389))), chance)
        yield connection.send(0, SYN)
        yield connection.send(1, RST | ACK)
    else:
        yield Connection(client, server, (port, chance.choice((23, 8080))), chance).send(0, SYN)


def make_short(out, flows):
    chance = random.Random(20_240_601)
    names = host_names(50_000)
    weights, total = [], 0.0
    for rank in range(1, len(names) + 1):  # Zipf
        total += 1 / rank
        weights.append(total)
    waiting, order = [], 0
    for flow in range(flows):
        us = T0_US + flow * 100
        while waiting and waiting[0][0] <= us:
            at, _, frame = heapq.heappop(waiting)
            out.put(at, frame)
        for frame in short_flow(chance, names, weights):
            heapq.heappush(waiting, (us, order, frame))
            order += 1
            us += chance.randrange(200, 30_000)
    while waiting:
        at, _, frame = heapq.heappop(waiting)
        out.put(at, frame)


def make_elephants(out, megabytes):
    chance = random.Random(3)
    flows = []
    for i in range(8):
        port = 443 if i < 4 else 80 if i < 6 else 9000
        connection = Connection(0x0A000001 + i, 0xC6120001 + i, (40_000 + i, port), chance)
        flows.append(connection)
        if i == 7:
            continue  # UDP
        hello = client_hello(chance, "big.example.com") if i < 4 else b"GET /big HTTP/1.1\r\nHost: big.example.com\r\n\r\n"
        opening = [connection.send(0, SYN), connection.send(1, SYN | ACK), connection.send(0, ACK)]
        if i < 6:
            opening.append(connection.send(0, PSH | ACK, hello))
            opening.append(connection.send(1, PSH | ACK, server_hello(chance) if i < 4 else b"HTTP/1.1 200 OK\r\n\r\n"))
        for frame in opening:
            out.put(T0_US, frame)
    written, us, step = 0, T0_US, 0
    payloads = [chance.randbytes(1400) for _ in range(64)]
    while written < megabytes * 1_000_000:
        connection = flows[step % 8]
        payload = payloads[chance.randrange(64)]
        if step % 8 == 7:
            frame = packet(UDP, connection.ends[1], connection.ends[0], connection.ports[::-1], payload, number=step)
        else:
            frame = connection.send(1, ACK, payload)
        out.put(us, frame)
        if step % 32 < 7:
            out.put(us + 5, connection.send(0, ACK))
        written += len(frame)
        us += 10
        step += 1


# Captures of others, copied.

def records(path):
    """(microseconds, wire length, bytes) of a little- or big-endian pcap of Ethernet frames; none of any other file."""
    with open(path, "rb") as file:
        data = file.read()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(data[:4])
    if order is None or struct.unpack_from(order + "I", data, 20)[0] != 1:
        return
    at = 24
    while at + 16 <= len(data):
        seconds, micros, size, wire = struct.unpack_from(order + "IIII", data, at)
        yield seconds * 1_000_000 + micros, wire, data[at + 16:at + 16 + size]
        at += 16 + size


def rebased(path, start):
    last = now = None
    for us, wire, frame in records(path):
        now = start if now is None else now + min(max(us - last, 0), 2_000_000)
        last = us
        yield now, wire, frame


def is_client4(address):
    return address[0] == 10 or address[:2] == b"\xc0\xa8" or (address[0] == 172 and 16 <= address[1] < 32)


def copied(frame, copy):
    """The frame with other clients: the third octet of private IPv4 addresses is changed, checksums follow (RFC 1624)."""
    if copy == 0 or len(frame) < 34 or frame[12:14] != b"\x08\0" or frame[14] >> 4 != 4:
        return frame
    out = bytearray(frame)
    header = 14 + (frame[14] & 15) * 4
    difference = 0
    for at in (26, 30):
        if is_client4(frame[at:at + 4]):
            before = frame[at + 2] << 8 | frame[at + 3]
            out[at + 2] ^= copy
            difference += (~before & 0xFFFF) + (out[at + 2] << 8 | out[at + 3])
    sums = [24]
    if not (frame[20] & 0x1F or frame[21]):
        if frame[23] == TCP:
            sums.append(header + 16)
        elif frame[23] == UDP and frame[header + 6:header + 8] != b"\0\0":
            sums.append(header + 6)
    for at in sums:
        if at + 2 > len(out):
            continue
        total = (~(out[at] << 8 | out[at + 1]) & 0xFFFF) + difference
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        out[at:at + 2] = struct.pack(">H", ~total & 0xFFFF)
    return bytes(out)


def make_mix(out, copies, captures):
    streams = [rebased(path, T0_US + 50_000 * n) for n, path in enumerate(sorted(captures))]
    for us, wire, frame in heapq.merge(*streams, key=lambda record: record[0]):
        for copy in range(copies):
            out.put(us, copied(frame, copy), wire)


def main():
    kind, size, path, *captures = sys.argv[1:]
    out = Capture(path)
    if kind == "mix":
        make_mix(out, int(size), captures)
    elif kind == "short":
        make_short(out, int(size))
    elif kind == "elephants":
        make_elephants(out, int(size))
    else:
        sys.exit(__doc__)
    out.file.close()


if __name__ == "__main__":
    main()
