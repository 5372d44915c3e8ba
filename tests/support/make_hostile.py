"""make_hostile.py OUT.pcap: what makes a sensor keep as much as it can for as few bytes as possible, all of it at once: exchanges of 200
questions, hellos of which half comes, segments of one byte with holes between them, datagrams in 256 pieces, requests with the longest names,
HPACK tables filled by promises, and flows of one packet that nobody can tell. Senders are many and made up."""
import random
import struct
import sys


def ip(src, dst, proto, body, ident=0, fragment=0):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident & 0xFFFF, fragment, 64, proto, 0, src, dst)
    total = sum(struct.unpack(">10H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:] + body


def udp(sport, dport, data): return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
def tcp(sport, dport, seq, ack, flags, data=b""): return struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + data
def address(i): return struct.pack(">I", 0x0B000000 + i)


server = b"\xc6\x33\x64\1"


def exchanges():
    name = b"".join(b"\x14" + b"a" * 20 for _ in range(11)) + b"\0"
    question = name + b"\0\1\0\1" + b"\xc0\x0c\0\1\0\1" * 200
    for i in range(12000):
        yield ip(address(i % 4000), server, 17, udp(1024 + i % 60000, 53, struct.pack(">HHHHHH", i & 0xFFFF, 0x100, 201, 0, 0, 0) + question))


def hellos():
    begin = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + bytes(1389)
    for i in range(2500):
        src, sport = address(0x10000 + i), 20000 + i
        yield ip(src, server, 6, tcp(sport, 443, 999, 0, 2))
        yield ip(src, server, 6, tcp(sport, 443, 1000, 1, 0x18, begin))
        for k in range(9):
            yield ip(src, server, 6, tcp(sport, 443, 2400 + 1400 * k, 1, 0x10, bytes(1400)))


def holes():
    for i in range(3000):
        src, sport = address(0x20000 + i), 20000 + i
        yield ip(src, server, 6, tcp(sport, 443, 999, 0, 2))
        yield ip(src, server, 6, tcp(sport, 443, 1000, 1, 0x18, b"\x16\x03\x01"))
        for k in range(100):
            yield ip(src, server, 6, tcp(sport, 443, 1010 + 2 * k, 1, 0x10, b"x"))


def pieces():
    for i in range(700):
        for k in range(1, 256):
            yield ip(address(0x30000 + i), server, 17, bytes(8), i, 0x2000 | k * 2)


def requests():
    head = b"GET /" + b"u" * 2040 + b" HTTP/1.1\r\nHost: " + b"h" * 500 + b"\r\nUser-Agent: " + b"a" * 1020 + b"\r\n\r\n"
    for i in range(12000):
        src, sport = address(0x40000 + i), 20000 + i
        yield ip(src, server, 6, tcp(sport, 80, 999, 0, 2))
        for at in range(0, len(head), 1400):
            yield ip(src, server, 6, tcp(sport, 80, 1000 + at, 1, 0x18, head[at:at + 1400]))


def promises():
    fields = b"".join(b"\x40\x01" + bytes([97 + k % 26]) + b"\x01" + bytes([97 + k // 26]) for k in range(250))
    frame = struct.pack(">I", 4 + len(fields))[1:] + b"\x05\x04" + struct.pack(">II", 1, 2) + fields
    settings = b"\0\0\0\4\0\0\0\0\0"
    for i in range(6000):
        dst, dport = address(0x50000 + i), 20000 + i
        yield ip(dst, server, 6, tcp(dport, 80, 999, 0, 2))
        yield ip(server, dst, 6, tcp(80, dport, 4999, 1000, 0x12))
        yield ip(server, dst, 6, tcp(80, dport, 5000, 1000, 0x18, settings + frame))


def strangers():
    dice = random.Random(1)
    for i in range(60000):
        yield ip(address(0x60000 + i), server, 17, udp(1024 + i % 60000, 40000 + i % 1000, dice.randbytes(200)))


sources = [s() for s in (exchanges, hellos, holes, pieces, requests, promises, strangers)]
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    us = 0
    while sources:
        for source in list(sources):
            taken = 0
            for data in source:
                f.write(struct.pack("<IIII", 1700000000 + us // 1000000, us % 1000000, len(data), len(data)) + data)
                us += 5
                taken += 1
                if taken == 200:
                    break
            if taken < 200:
                sources.remove(source)
