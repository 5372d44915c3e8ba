#!/usr/bin/env python3
"""make_flows.py KIND FLOWS PACKETS >FILE.pcap: flows for tests of how packets are spread.

Every packet, and every fragment of one, carries its flow's number behind the mark FLOW, again and again. Both directions
alternate; ports and IPv6 flow labels change with the direction, as they do. KIND: v4 v6 v6label vlan vlan_both qinq mpls pppoe
frag4 frag6 arp. FLOWS flows with PACKETS packets (or datagrams) each, flow by flow interleaved.
"""
import struct
import sys


def mark(flow, size):
    return (b"FLOW" + struct.pack(">I", flow)) * (size // 8)


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address4(flow, server):
    return bytes((10, 1 if server else 0, flow >> 8 & 255, flow & 255))


def address6(flow, server):
    return bytes.fromhex("20010db8") + bytes(9) + bytes((1 if server else 0, flow >> 8 & 255, flow & 255))


def udp(flow, server, payload):
    ports = (53, 20000 + flow % 40000) if server else (20000 + flow % 40000, 53)
    return struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload


def ipv4(flow, server, payload, protocol=17, ident=0, fragment=0):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, fragment, 64, protocol, 0)
    head += address4(flow, server) + address4(flow, not server)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(flow, server, payload, following=17, label=0):
    head = struct.pack(">IHBB", 6 << 28 | label, len(payload), following, 64)
    return head + address6(flow, server) + address6(flow, not server) + payload


def ethernet(server, ethertype, payload):
    a, b = bytes((2, 0, 0, 0, 0, 1)), bytes((2, 0, 0, 0, 0, 2))
    return (b + a if not server else a + b) + struct.pack(">H", ethertype) + payload


def tag(vlan, ethertype, payload):
    return struct.pack(">HH", vlan, ethertype) + payload


def frames(kind, flow, packet):
    server = packet % 2 == 1
    data = udp(flow, server, mark(flow, 64))
    v4, v6 = ipv4(flow, server, data), ipv6(flow, server, data)
    number = flow * 64 + packet
    big = udp(flow, server, mark(flow, 2048))
    if kind == "v4":
        return [ethernet(server, 0x0800, v4)]
    if kind == "v6":
        return [ethernet(server, 0x86DD, v6)]
    if kind == "v6label":
        return [ethernet(server, 0x86DD, ipv6(flow, server, data, label=number * 7919 & 0xFFFFF))]
    if kind == "vlan":
        return [ethernet(server, 0x8100, tag(100, 0x0800, v4))]
    if kind == "vlan_both":
        return [ethernet(server, 0x8100, tag(200 if server else 100, 0x86DD, v6))]
    if kind == "qinq":
        inner = tag(300 + flow % 3, 0x0800 if flow % 2 else 0x86DD, v4 if flow % 2 else v6)
        return [ethernet(server, 0x88A8, tag(20, 0x8100, inner))]
    if kind == "mpls":
        labels = struct.pack(">II", 16 + flow << 12 | 64, (1000 + packet) << 12 | 0x100 | 64)
        return [ethernet(server, 0x8847, labels + v4)]
    if kind == "pppoe":
        return [ethernet(server, 0x8864, struct.pack(">BBHHH", 0x11, 0, 7, len(v6) + 2, 0x0057) + v6)]
    if kind == "frag4":
        cuts = [(0, 800), (800, 1600), (1600, len(big))]
        return [ethernet(server, 0x0800, ipv4(flow, server, big[a:b], ident=number & 0xFFFF,
                                              fragment=a // 8 | (0x2000 if b < len(big) else 0))) for a, b in cuts]
    if kind == "frag6":
        cuts = [(0, 1200), (1200, len(big))]
        return [ethernet(server, 0x86DD, ipv6(flow, server, struct.pack(">BBHI", 17, 0, a | (1 if b < len(big) else 0), number)
                                              + big[a:b], following=44)) for a, b in cuts]
    if kind == "arp":
        return [ethernet(server, 0x0806, struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + bytes(20) + mark(flow, 16))]
    raise SystemExit(f"unknown kind {kind}")


def main():
    kind, flows, packets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    out = sys.stdout.buffer
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    number = 0
    for packet in range(packets):
        for flow in range(flows):
            for frame in frames(kind, flow, packet):
                out.write(struct.pack("<IIII", 1_600_000_000 + number // 100_000, number % 100_000 * 10, len(frame), len(frame)) + frame)
                number += 1


if __name__ == "__main__":
    main()
