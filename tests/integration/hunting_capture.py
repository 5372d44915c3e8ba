#!/usr/bin/env python3
"""hunting_capture.py OUT.pcap CERTIFICATE.der: traffic in which each query of docs/hunting.md finds what it is for, and an ordinary host
that none of them should show."""
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
from workload import ACK, FIN, PSH, SYN, RST, T0_US, UDP, Capture, Connection, client_hello, dns_question, packet, tls_handshake  # noqa: E402

chance = random.Random(1)
packets = []
RESOLVER = 0xC0A80135  # 192.168.1.53


def address(text):
    a, b, c, d = map(int, text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def put(seconds, frame):
    packets.append((T0_US + int(seconds * 1e6), frame))


def ask(seconds, client, name, rcode=0):
    port, ident = chance.randrange(20_000, 60_000), chance.getrandbits(16)
    question = dns_question(name, 1)
    put(seconds, packet(UDP, address(client), RESOLVER, (port, 53), struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + question))
    put(seconds + 0.002, packet(UDP, RESOLVER, address(client), (53, port), struct.pack(">HHHHHH", ident, 0x8180 | rcode, 1, 0, 0, 0) + question))


def connect(seconds, client, server, port, sent=(), received=(), ends=True):
    c = Connection(address(client), address(server), (chance.randrange(20_000, 60_000), port), chance)
    steps = [(0, SYN, b""), (1, SYN | ACK, b""), (0, ACK, b"")]
    steps += [(0, PSH | ACK, part) for part in sent] + [(1, PSH | ACK, part) for part in received]
    if ends:
        steps += [(0, FIN | ACK, b""), (1, FIN | ACK, b""), (0, ACK, b"")]
    for i, step in enumerate(steps):
        put(seconds + i * 0.001, c.send(*step))
    return c


# Ordinary: now and then, short names, answers that are larger than what was asked.
for i in range(20):
    at = 100 + i * 170 + chance.random() * 160
    ask(at, "192.168.1.10", f"www{i}.example.com")
    connect(at + 1, "192.168.1.10", "198.51.100.10", 443, [client_hello(random.Random(5), "www.example.com")], [b"x" * 1400])
    connect(at + 2, "192.168.1.11", "198.51.100.10", 443, [client_hello(random.Random(5), "www.example.com")], [b"x" * 1400])
for i in range(12):  # a beacon, every 5 minutes
    connect(60 + i * 300 + chance.random(), "192.168.1.20", "203.0.113.20", 8443, [b"ping"], [b"pong"])
hello = bytearray(client_hello(random.Random(6), "rare.example.net"))  # a program of its own: another list of ciphers
at = bytes(hello).index(b"\x13\x01\x13\x02")
hello[at:at + 4] = b"\x13\x05\x13\x04"
connect(500, "192.168.1.21", "203.0.113.21", 443, [bytes(hello)])
for i in range(40):  # names that do not exist, within a minute
    ask(600 + i, "192.168.1.22", f"{chance.getrandbits(60):x}.info", rcode=3)
for i in range(15):  # data in names
    ask(700 + i * 20, "192.168.1.23", ".".join(f"{chance.getrandbits(150):038x}" for _ in range(2)) + ".tunnel.example")
connect(800, "192.168.1.24", "203.0.113.24", 443, [b"z" * 1400] * 900, [b"ok"])  # an upload
server_hello = tls_handshake(2, b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0" + b"\0\0")
certificate = open(sys.argv[2], "rb").read()
chain = len(certificate).to_bytes(3, "big") + certificate
connect(900, "192.168.1.25", "203.0.113.25", 443, [client_hello(random.Random(5), "self.example.org")],
        [server_hello, tls_handshake(11, len(chain).to_bytes(3, "big") + chain)])
connect(950, "192.168.1.26", "203.0.113.26", 2222, [b"SSH-2.0-OpenSSH_9.2\r\n"], [b"SSH-2.0-OpenSSH_9.2\r\n"])
for i in range(14):  # sideways
    c = Connection(address("192.168.1.27"), address(f"192.168.2.{i + 1}"), (40_000 + i, 445), chance)
    put(1000 + i, c.send(0, SYN))
    put(1000.01 + i, c.send(1, RST | ACK))
c = connect(1100, "192.168.1.28", "203.0.113.28", 9000, [b"hello"], [b"hello"], ends=False)  # does not end
for i in range(100):
    put(1140 + i * 50, c.send(i % 2, PSH | ACK, b"still here"))

out = Capture(sys.argv[1])
for us, frame in sorted(packets, key=lambda each: each[0]):
    out.put(us, frame)
out.file.close()
