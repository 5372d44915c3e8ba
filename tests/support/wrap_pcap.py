#!/usr/bin/env python3
"""wrap_pcap.py KIND PLAIN INSIDE CAPTURE…: the Ethernet frames of each capture inside a tunnel or behind tags, as INSIDE/NUMBER-NAME, and
the capture itself as PLAIN/NUMBER-NAME. wrap_pcap.py --kinds: what there is.

What carries Ethernet carries the whole frame; what carries IP, IPv4 and IPv6 packets only, and other frames stay as they are. The time of
each packet and what the snap length left of it do not change; outer identifications differ, so that no packet repeats another.
Captures that are not Ethernet in classic pcap form, have no frame to wrap, or one too long for a length field around it, are passed over."""
import os
import shutil
import struct
import sys

ETHERNET, IPV4, IPV6 = 14, 0x0800, 0x86dd
FRONT_MAX = 128  # more than any kind puts in front
be16, be32 = struct.Struct(">H").pack, struct.Struct(">I").pack
packet_number = 0


def unique():
    return packet_number & 0xffff


def ether(kind):
    return bytes.fromhex("02aaaaaaaa0202aaaaaaaa01") + be16(kind)


def ip4(protocol, header, size):
    """IPv4 (RFC 791 section 3.1) around a header and `size` bytes behind it."""
    out = bytearray(b"\x45\0" + be16(20 + len(header) + size) + be16(unique()) + b"\x40\0\x40" + bytes([protocol]) + b"\0\0"
                    + bytes([172, 31, 255, 1, 172, 31, 255, 2]))
    total = sum(struct.unpack(">10H", out))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    out[10:12] = be16(~total & 0xffff)
    return ether(IPV4) + bytes(out) + header


def ip6(protocol, header, size):
    return ether(IPV6) + b"\x60\0\0\0" + be16(len(header) + size) + bytes([protocol, 64]) + bytes(15) + b"\1" + bytes(15) + b"\2" + header


def udp(port, header, size):
    return be16(50000 if port != 2152 else port) + be16(port) + be16(8 + len(header) + size) + b"\0\0" + header


def udp4(port, header):
    return lambda size: ip4(17, udp(port, header, size), size)


def gre(header):
    return lambda size: ip4(47, header() if callable(header) else header, size)


def label(value, bottom=False):
    """RFC 3032 section 2.1"""
    return be32(value << 12 | (0x100 if bottom else 0) | 64)


def is_6(kind):
    return kind == IPV6


VNI = b"\0\x12\x34\0"
# Around a whole frame of `size` bytes.
FRAMES = {
    "vxlan": udp4(4789, b"\x08\0\0\0" + VNI),
    "vxlan_over_ipv6": lambda size: ip6(17, udp(4789, b"\x08\0\0\0" + VNI, size), size),
    "geneve": udp4(6081, b"\x02\0\x65\x58" + VNI + b"\x01\x02\x03\x01abcd"),
    "gre_bridged": gre(b"\x20\0\x65\x58" + be32(77)),
    "erspan1": gre(b"\0\0\x88\xbe"),
    "erspan2": gre(lambda: b"\x10\0\x88\xbe" + be32(packet_number) + b"\x10\1\0\x64\0\0\0\1"),
    "erspan3": gre(lambda: b"\x10\0\x22\xeb" + be32(packet_number) + b"\x20\1\0\x64" + be32(5) + bytes(4)),
    "pseudowire": lambda size: ether(0x8847) + label(100) + label(200, bottom=True) + bytes(4),
    "l2tpv3": lambda size: ip4(115, be32(7), size),
    "tzsp": udp4(37008, b"\1\0\0\1\1"),
    "nsh": lambda size: ether(0x894f) + b"\x0f\xc6\1\3" + be32(0x1fe) + bytes(16),
    "vxlan_in_geneve": lambda size: udp4(6081, b"\0\0\x65\x58" + VNI)(size + 50) + udp4(4789, b"\x08\0\0\0" + VNI)(size),
}
# Between the addresses and the EtherType of a frame.
TAGS = {
    "vlan": b"\x81\0" + be16(100),
    "qinq": b"\x88\xa8" + be16(100) + b"\x81\0" + be16(200),
    "qinq_9100": b"\x91\0" + be16(100) + b"\x81\0" + be16(200),
    "vntag": b"\x89\x26\0\1\0\2",
}
# Around an IP packet of `size` bytes and that EtherType.
PACKETS = {
    "gre": lambda kind, size: ip4(47, b"\x20\0" + be16(kind) + be32(7), size),
    "gre_numbered": lambda kind, size: ip4(47, b"\xb0\0" + be16(kind) + bytes(4) + be32(7) + be32(packet_number), size),
    "ip_in_ipv4": lambda kind, size: ip4(41 if is_6(kind) else 4, b"", size),
    "ip_in_ipv6": lambda kind, size: ip6(41 if is_6(kind) else 4, b"", size),
    "gtpu": lambda kind, size: udp4(2152, b"\x30\xff" + be16(size) + be32(9))(size),
    "gtpu_extended": lambda kind, size: udp4(2152, b"\x34\xff" + be16(size + 8) + be32(9) + b"\0\0\0\x85\1\x10\5\0")(size),
    "mpls": lambda kind, size: ether(0x8847) + label(100) + label(200, bottom=True),
    "mpls_in_udp": lambda kind, size: udp4(6635, label(300, bottom=True))(size),
    "pppoe": lambda kind, size: ether(0x8864) + b"\x11\0\0\1" + be16(size + 2) + (b"\0\x57" if is_6(kind) else b"\0\x21"),
    "l2tp": lambda kind, size: udp4(1701, b"\x40\2" + be16(size + 12) + b"\0\1\0\2\xff\3" + (b"\0\x57" if is_6(kind) else b"\0\x21"))(size),
    "ah": lambda kind, size: ip4(51, bytes([41 if is_6(kind) else 4, 4, 0, 0]) + be32(1) + be32(packet_number) + bytes(12), size),
    "geneve_ip": lambda kind, size: udp4(6081, b"\0\0" + be16(kind) + VNI)(size),
    "vxlan_gpe": lambda kind, size: udp4(4790, b"\x0c\0\0" + (b"\2" if is_6(kind) else b"\1") + VNI)(size),
}


def wrapped(kind, frame, size):
    """What stands in front, and how many bytes of the frame that replaces."""
    if len(frame) < ETHERNET:
        return b"", 0
    if kind in FRAMES:
        return FRAMES[kind](size), 0
    if kind in TAGS:
        return frame[:12] + TAGS[kind], 12
    inner = struct.unpack(">H", frame[12:14])[0]
    return (PACKETS[kind](inner, size - ETHERNET), ETHERNET) if inner in (IPV4, IPV6) else (b"", 0)


def wrap(kind, data):
    """The capture's bytes with every frame wrapped; nothing when that cannot be."""
    global packet_number
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if order is None or len(data) < 24 or struct.unpack(order + "I", data[20:24])[0] != 1:
        return None
    out, at, done = [data[:16] + struct.pack(order + "I", 1 << 18) + data[20:24]], 24, 0
    while at + 16 <= len(data):
        seconds, fraction, captured, size = struct.unpack(order + "IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        packet_number += 1
        size = max(size, captured)
        if size + FRONT_MAX > 0xffff:
            return None
        front, replaced = wrapped(kind, frame, size)
        done += bool(front)
        frame = front + frame[replaced:]
        out.append(struct.pack(order + "IIII", seconds, fraction, len(frame), len(front) + size - replaced) + frame)
    return b"".join(out) if done else None


def main(kind, plain, inside, *captures):
    for number, capture in enumerate(captures):
        with open(capture, "rb") as file:
            data = wrap(kind, file.read())
        if data is None:
            continue
        name = f"{number:04}-{os.path.basename(capture)}"  # in the order given, and none hides another
        with open(os.path.join(inside, name), "wb") as file:
            file.write(data)
        shutil.copy(capture, os.path.join(plain, name))


if sys.argv[1:] == ["--kinds"]:
    print("\n".join([*FRAMES, *TAGS, *PACKETS]))
else:
    main(*sys.argv[1:])
