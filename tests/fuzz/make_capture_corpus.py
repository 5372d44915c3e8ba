#!/usr/bin/env python3
"""Writes the seed files of fuzz_capture_file: one small file per variant. Run from anywhere, changes nothing else."""
import bz2
import gzip
import lzma
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus" / "fuzz_capture_file"
DATA = bytes(range(33))


def pcap(magic, order, extra=b"", record_extra=b"", minor=4, link=1):
    head = struct.pack(order + "IHHIIII", magic, 2, minor, 0, 0, 65535, link) + extra
    records = b"".join(
        struct.pack(order + "IIII", 1700000000 + i, i, 20 + i, 60) + record_extra + DATA[: 20 + i] for i in range(3))
    return head + records


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def pcapng(order):
    options = struct.pack(order + "HHBxxxHHqHH", 9, 1, 0x8A, 14, 8, -5, 0, 0)
    packet = struct.pack(order + "IIIII", 1, 3, 4, 33, 90) + DATA
    return (section(order) + block(order, 1, struct.pack(order + "HHI", 1, 0, 64))
            + block(order, 1, struct.pack(order + "HHI", 113, 0, 0) + options) + block(order, 6, packet)
            + block(order, 2, struct.pack(order + "HHIIII", 0, 1, 3, 4, 33, 33) + DATA)
            + block(order, 3, struct.pack(order + "I", 20) + DATA[:20]) + block(order, 0x0BAD, b"skipped")
            + block(order, 5, struct.pack(order + "IIIHHQHHQ", 0, 0, 0, 5, 8, 7, 7, 8, 9)))


def snoop():
    record = struct.pack(">IIIIII", 60, 33, 24 + 36, 2, 9, 5) + DATA + bytes(3)
    return b"snoop\0\0\0" + struct.pack(">II", 2, 4) + record * 2


def zstd_raw(data):  # RFC 8878: one raw block, no checksum, single segment
    return (b"\x28\xb5\x2f\xfd" + bytes([0x60]) + struct.pack("<H", len(data) - 256)
            + struct.pack("<I", len(data) << 3 | 1)[:3] + data)


def lz4_frame(data):  # LZ4 Frame Format: one block, not compressed, no checksums
    return b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", len(data) | 1 << 31) + data + bytes(4)


FILES = {
    "micro.pcap": pcap(0xA1B2C3D4, "<"),
    "nano_big.pcap": pcap(0xA1B23C4D, ">"),
    "modified.pcap": pcap(0xA1B2CD34, "<", record_extra=bytes(8)),
    "ixia.pcap": pcap(0x1C0001AC, "<", extra=bytes(4)),
    "old.pcap": pcap(0xA1B2C3D4, "<", minor=2),
    "cut.pcap": pcap(0xA1B2C3D4, "<")[:-5],
    "little.pcapng": pcapng("<"),
    "two_sections.pcapng": pcapng(">") + pcapng("<"),
    "solaris.snoop": snoop(),
    "members.pcap.gz": gzip.compress(pcap(0xA1B2C3D4, "<")[:40], mtime=0) + gzip.compress(pcap(0xA1B2C3D4, "<")[40:], mtime=0),
    "raw_block.pcapng.zst": zstd_raw(pcapng("<")),
    "one.pcap.bz2": bz2.compress(pcap(0xA1B2C3D4, "<")[:40]) + bz2.compress(pcap(0xA1B2C3D4, "<")[40:]),
    "padded.pcap.xz": lzma.compress(pcap(0xA1B2C3D4, "<")[:40]) + bytes(4) + lzma.compress(pcap(0xA1B2C3D4, "<")[40:]),
    "stored.pcap.lz4": lz4_frame(pcap(0xA1B2C3D4, "<")),
    "aix.pcap": pcap(0xA1B2C3D4, ">", minor=2, link=6),
    "garbage": DATA,
}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, content in FILES.items():
    (FOLDER / name).write_bytes(content)
