#!/usr/bin/env python3
"""Writes the seed files of the live capture targets, as Linux lays its structures out. Run from anywhere, changes nothing else."""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def block(frames):
    """struct tpacket_block_desc, then frames of (bytes, status)."""
    out = struct.pack("<IIIIIIQIIII", 1, 0, 1, len(frames), 48, 0, 1, 0, 0, 0, 0)
    for i, (data, status) in enumerate(frames):
        front, whole = 68, (68 + len(data) + 15) // 16 * 16
        following = whole if i + 1 < len(frames) else 0
        head = struct.pack("<IIIIIIHHIIHH8x", following, 1, 2, len(data), len(data), status, front, front + 14, 0, 100, 0x8100, 0)
        out += (head + bytes(20) + data).ljust(whole, b"\0")
    return out


def attribute(kind, data):
    return (struct.pack("<HH", 4 + len(data), kind) + data).ljust((4 + len(data) + 3) // 4 * 4, b"\0")


def link(kind, name, flags):
    body = struct.pack("<BxHiII", 0, 1, 7, flags, 0) + attribute(3, name + b"\0") + attribute(4, struct.pack("<I", 1500))
    body += attribute(32, struct.pack("<I", 4)) + attribute(23, struct.pack("<25Q", *range(25)))
    return struct.pack("<IHHII", 16 + len(body), kind, 0, 1, 0) + body


put("fuzz_tpacket_block", "empty", block([]))
put("fuzz_tpacket_block", "three", block([(bytes(range(60)), 1), (bytes(100), 0x51), (bytes(64), 9)]))
put("fuzz_tpacket_block", "cut", block([(bytes(60), 1), (bytes(200), 1)])[:200])
put("fuzz_link_message", "new", link(16, b"eth0", 0x10003))
put("fuzz_link_message", "removed", link(17, b"eth0", 0))
put("fuzz_link_message", "two", link(16, b"eth0", 0x10003) + link(16, b"lo", 0x10049))
