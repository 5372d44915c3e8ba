"""Ethernet frames around IPv4 and IPv6, with right lengths and checksums."""
import socket
import struct

TCP, UDP, FRAGMENT = 6, 17, 44
ETHERNET = bytes.fromhex("020000000002 020000000001")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def with_checksum(segment, at, src, dst, protocol):
    """The transport checksum put into its place."""
    ends = packed(src) + packed(dst)
    lengths = struct.pack(">IHBB", len(segment), 0, 0, protocol) if ":" in src else struct.pack(">BBH", 0, protocol, len(segment))
    value = checksum(ends + lengths + segment) or 0xffff
    return segment[:at] + struct.pack(">H", value) + segment[at + 2:]


def tcp(src, dst, ports, seq, ack, flags, data=b"", options=b""):
    header = struct.pack(">HHIIBBHHH", *ports, seq % 2**32, ack % 2**32, (5 + len(options) // 4) << 4, flags, 64240, 0, 0)
    return with_checksum(header + options + data, 16, src, dst, TCP)


def udp(src, dst, ports, data):
    return with_checksum(struct.pack(">HHHH", *ports, 8 + len(data), 0) + data, 6, src, dst, UDP)


def ip(src, dst, protocol, identification, data, ttl=64, offset=0, more=False):
    """One packet; `offset` or `more`: a fragment."""
    if ":" in src:
        if offset or more:
            data = struct.pack(">BBHI", protocol, 0, offset | more, identification) + data
            protocol = FRAGMENT
        return ETHERNET + struct.pack(">HIHBB", 0x86dd, 6 << 28, len(data), protocol, ttl) + packed(src) + packed(dst) + data
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), identification, more << 13 | offset // 8, ttl, protocol, 0)
    header += packed(src) + packed(dst)
    return ETHERNET + b"\x08\x00" + header[:10] + struct.pack(">H", checksum(header)) + header[12:] + data


def written(path, frames):
    """A classic capture of (seconds, frame), in the order of time."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262_144, 1))
        for time, frame in sorted(frames, key=lambda f: f[0]):
            micros = int((time + 1) * 1e6)
            file.write(struct.pack("<IIII", 1_700_000_000 + micros // 1_000_000, micros % 1_000_000, len(frame), len(frame)) + frame)
