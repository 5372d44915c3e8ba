#!/usr/bin/env python3
"""send_pcap.py INTERFACE FILE: sends the packets of a classic pcap file. Needs CAP_NET_RAW.

A sensor takes copies for a mirror's when they come within 10 ms. So what the file has within 5 ms goes right behind each other, and
between the rest is a pause. When the scheduler stretched what belongs together all the same, exit 75: nothing was tested, try again.
"""
import socket
import struct
import sys
import time

TOGETHER_S, STRETCHED_S, PAUSE_S = 0.005, 0.008, 0.1


def packets(name):
    with open(name, "rb") as file:
        data = file.read()
    if data[:4] != b"\xd4\xc3\xb2\xa1":
        sys.exit(f"{name}: not a pcap file of little-endian microseconds")
    at = 24
    while at < len(data):
        seconds, micros, captured, _ = struct.unpack_from("<IIII", data, at)
        yield seconds + micros / 1e6, data[at + 16:at + 16 + captured]
        at += 16 + captured


def main():
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.bind((sys.argv[1], 0))
    before = sent = None
    for when, frame in packets(sys.argv[2]):
        apart = before is None or when - before > TOGETHER_S
        if apart and before is not None:
            time.sleep(PAUSE_S)
        began = time.monotonic() if apart else sent
        out.send(frame)
        sent = time.monotonic()
        if sent - began > STRETCHED_S:
            sys.exit(75)
        before = when


if __name__ == "__main__":
    main()
