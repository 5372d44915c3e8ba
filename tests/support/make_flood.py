"""make_flood.py scan|flood|any SYNS OUT.pcap: SYNs from one source, to one target, or from and to anybody, 10 µs apart, and among them
100 conversations that are answered."""
import random
import struct
import sys


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(src, dst, sport, dport, seq, ack, flags):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0)
    pseudo = src + dst + struct.pack(">BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, seq & 0xFFFF, 0, 64, 6, 0, src, dst)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + tcp


kind, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
dice = random.Random(1)
anybody = lambda: bytes(dice.randrange(1, 224) for _ in range(4))
with open(out, "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

    def write(us, data):
        f.write(struct.pack("<IIII", 1700000000 + us // 1000000, us % 1000000, len(data), len(data)) + data)

    for i in range(count):
        src = b"\x0a\1\1\1" if kind == "scan" else anybody()
        dst = {"scan": struct.pack(">I", 0xC6336400 + i), "flood": b"\xc6\x33\x64\1"}.get(kind) or anybody()
        write(i * 10, frame(src, dst, 1024 + i % 60000, 80, i, 0, 2))
        if i % (count // 100) == 0:
            a, b, port = b"\x0a\2\2\2", b"\xc0\0\2\1", 20000 + i // (count // 100)
            write(i * 10 + 1, frame(a, b, port, 443, 1, 0, 2))
            write(i * 10 + 2, frame(b, a, 443, port, 1, 2, 0x12))
