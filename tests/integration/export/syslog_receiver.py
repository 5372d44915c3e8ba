#!/usr/bin/env python3
"""A syslog receiver for tests, on the loopback interface: RFC 5424 over TCP or TLS with octet counting (RFC 5425, RFC 6587).

syslog_receiver.py PORT FILE [--tls CERT KEY] [--ca CA] [--break N]
Appends the body of every message to FILE as a line, after it has checked the whole message. --break: closes each connection at once
in the middle of a message, N times, then behaves. Prints what is wrong and ends with 1.
"""
import argparse
import json
import pathlib
import re
import socket
import ssl
import sys

HEADER = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) "
    rb'\[([^ =\]"]{1,32})((?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\.)*")*)\] (.*)', re.S)


def check(message):
    """The body; a ValueError says what is not as RFC 5424 wants it, or does not fit the event."""
    whole = HEADER.fullmatch(message)
    if not whole or int(whole[1]) > 191:
        raise ValueError(f"no message of RFC 5424: {message[:200]}")
    values = dict(re.findall(rb' (\w+)="((?:[^"\\]|\\.)*)"', whole[8]))
    event = json.loads(whole[9])
    envelope = event["envelope"]
    if whole[7] != b"ransomeye@32473" or whole[6].decode() != envelope["event_type"]:
        raise ValueError(f"wrong header: {message[:200]}")
    if values[b"instance"].decode() != envelope["component_instance_id"] or int(values[b"sequence"]) != int(envelope["seq"]):
        raise ValueError(f"wrong structured data: {message[:300]}")
    return whole[9]


def receive(connection, out):
    kept = b""
    while True:
        try:
            some = connection.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return
        if not some:
            return
        kept += some
        while True:
            counted = re.match(rb"([1-9]\d{0,5}) ", kept)
            if not counted and len(kept) > 7:
                raise ValueError(f"no count of octets: {kept[:40]}")
            if not counted or len(kept) < counted.end() + int(counted[1]):
                break
            end = counted.end() + int(counted[1])
            out.write(check(kept[counted.end():end]) + b"\n")
            out.flush()
            kept = kept[end:]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("file")
    arguments.add_argument("--tls", nargs=2)
    arguments.add_argument("--ca")
    arguments.add_argument("--break", type=int, default=0, dest="breaks")
    given = arguments.parse_args()
    server = socket.create_server(("127.0.0.1", given.port))
    context = None
    if given.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*given.tls)
        if given.ca:
            context.load_verify_locations(given.ca)
            context.verify_mode = ssl.CERT_REQUIRED
    pathlib.Path(given.file + ".listens").touch()
    with open(given.file, "ab") as out:
        while True:
            connection, _ = server.accept()
            if given.breaks > 0:
                given.breaks -= 1
                connection.recv(100)
                connection.close()
                continue
            try:
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                receive(connection, out)
            except (ssl.SSLError, ConnectionError) as refused:
                print(f"refused: {refused}", file=sys.stderr, flush=True)
            except ValueError as wrong:
                print(f"FAILED: {wrong}", file=sys.stderr, flush=True)
                return 1
            connection.close()


if __name__ == "__main__":
    sys.exit(main())
