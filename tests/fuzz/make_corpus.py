#!/usr/bin/env python3
"""Writes the seed files of the packet and text targets, from recipes. Run from anywhere, changes nothing else."""
import base64
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
LINKS = [1, 0, 6, 8, 9, 10, 11, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 122, 127, 138, 149, 163,
         166, 192, 197, 204, 205, 206, 219, 226, 228, 229, 239, 258, 276]


def be16(*values):
    return struct.pack(">%dH" % len(values), *values)


def be32(*values):
    return struct.pack(">%dI" % len(values), *values)


def ip4(protocol, payload, fragment=0):
    return bytes([0x45, 0]) + be16(20 + len(payload), 1, fragment) + bytes([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]) + payload


def ip6(following, payload):
    return b"\x60\0\0\0" + be16(len(payload)) + bytes([following, 64]) + bytes(15) + b"\1" + bytes(15) + b"\2" + payload


def udp(src, dst, payload):
    return be16(src, dst, 8 + len(payload), 0) + payload


def tcp(flags, payload=b"", seq=1000):
    return be16(40000, 53) + be32(seq, 0) + bytes([0x50, flags]) + be16(1000, 0, 0) + payload


def ether(kind, payload):
    return bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]) + be16(kind) + payload


def name(*labels):
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


QUERY = be16(1, 0x0100, 1, 0, 0, 1) + name(b"www", b"example") + be16(1, 1) + b"\0" + be16(41, 1232, 0, 0x8000, 4, 10, 0)


def record(kind, data):
    return b"\xc0\x0c" + be16(kind, 1) + be32(60) + be16(len(data)) + data


ANSWERS = [(1, b"\n\0\0\1"), (28, bytes(16)), (5, b"\xc0\x0c"), (6, name(b"a") + name(b"b") + bytes(20)), (15, be16(10) + name(b"m")),
           (16, b"\5hello\3%\"\\"), (33, be16(0, 5, 53) + name(b"s")), (35, be16(1, 1) + b"\1u\3E2U\0" + name(b"n")),
           (43, be16(1) + bytes(22)), (46, be16(1) + bytes(16) + name(b"z") + bytes(8)), (47, name(b"b") + b"\0\1\x40"),
           (48, be16(257) + bytes(18)), (50, b"\1\0" + be16(10) + b"\0\4abcd\0\1\x40"), (65, be16(1) + b"\0" + be16(1, 3) + b"\2h2"),
           (257, b"\0\5issueca"), (65280, b"xyz")]
RESPONSE = (be16(1, 0x8180, 1, len(ANSWERS), 0, 0) + name(b"www", b"example") + be16(1, 1)
            + b"".join(record(k, d) for k, d in ANSWERS))
NETBIOS = be16(9, 0x8500, 0, 2, 0, 0) + b"".join(
    name(b"FEEFFDFECACACACACACACACACACACACA") + be16(k, 1) + be32(60) + be16(len(d)) + d
    for k, d in ((32, be16(0x6000) + b"\n\0\0\x09"), (33, b"\1" + b"SERVER".ljust(15) + b"\x20\4\0" + bytes(46))))
INNER = ip4(17, udp(1111, 53, QUERY))
FRAME = ether(0x0800, INNER)
SNAP = b"\xaa\xaa\3\0\0\0\x08\0" + INNER

FRAMES = {
    "vlan": (1, ether(0x88a8, be16(100, 0x8100, 5, 0x0800) + INNER)), "llc": (1, ether(len(SNAP), SNAP)),
    "mpls": (1, ether(0x8847, be32(0x10040, 0x20140) + INNER)), "pppoe": (1, ether(0x8864, b"\x11\0\0\1\0\x60\0\x21" + INNER)),
    "nsh": (1, ether(0x894F, b"\x0f\xc2\2\1" + bytes(4) + INNER)), "etag": (1, ether(0x893F, bytes(6) + be16(0x0800) + INNER)),
    "macsec": (1, ether(0x88E5, b"\x20\0" + bytes(12) + be16(0x0800) + INNER + bytes(16))),
    "trill": (1, ether(0x22F3, be16(0x0040) + bytes(8) + FRAME)), "metadata": (1, ether(0x8909, b"\1\1\0\1\0\5\x08\0" + INNER)),
    "isl": (1, b"\1\0\x0c\0\0" + bytes(9) + b"\xaa\xaa\3" + bytes(9) + FRAME),
    "gre": (101, ip4(47, be16(0xB000, 0x0800) + bytes(12) + INNER)), "erspan": (101, ip4(47, be16(0x1000, 0x88BE) + bytes(12) + FRAME)),
    "erspan3": (101, ip4(47, be16(0x1000, 0x22EB) + bytes(16) + FRAME)), "pptp": (101, ip4(47, be16(0x3001, 0x880B) + bytes(8) + b"\0\x21" + INNER)),
    "wccp": (101, ip4(47, be16(0, 0x883E) + bytes(4) + INNER)), "ipip": (101, ip4(4, INNER)), "sixin4": (101, ip4(41, ip6(17, udp(1, 2, b"x")))),
    "ah": (101, ip4(51, b"\x11\4" + bytes(22) + udp(1, 2, b"x"))), "l2tpv3": (101, ip4(115, be32(9) + FRAME)),
    "pim": (101, ip4(103, b"\x21" + bytes(7) + INNER)), "extensions": (101, ip6(0, b"\x3c\0" + bytes(6) + b"\x2c\0" + bytes(6) + b"\x11\0\0\1\0\0\0\7" + udp(1, 2, b"x"))),
    "etherip": (101, ip4(97, be16(0x3000) + FRAME)), "tcp": (101, ip4(6, tcp(2))), "icmp": (101, ip4(1, b"\3\3" + bytes(6) + INNER)),
    "sctp": (101, ip4(132, be16(1, 2) + bytes(8))), "fragment": (101, ip4(17, udp(9, 2152, b"\x30\xff\0\0" + be32(1) + INNER), 0x2000)),
    "wlan": (105, b"\x88\1\0\0" + bytes(20) + b"\0\0" + SNAP), "radiotap": (127, b"\0\0\x08\0" + bytes(4) + b"\x08\1\0\0" + bytes(20) + SNAP),
    "sll": (113, bytes(14) + be16(0x0800) + INNER), "sll2": (276, be16(0x0800) + bytes(18) + INNER), "null": (0, b"\2\0\0\0" + INNER),
    "ppp": (9, b"\xff\3\0\x21" + INNER), "hdlc": (104, b"\x0f\0\x08\0" + INNER), "relay": (107, b"\x18\x41\3\xcc" + INNER),
    "fddi": (10, b"\x50" + bytes(12) + SNAP), "ring": (6, b"\x10\x40" + bytes(12) + SNAP), "pktap": (258, struct.pack("<IIII", 16, 1, 1, 0) + FRAME),
    "nflog": (239, b"\2\0\0\1" + struct.pack("<HH", len(INNER) + 4, 9) + INNER), "ppi": (192, struct.pack("<BBHI", 0, 0, 8, 101) + INNER),
    "erf": (197, bytes(8) + b"\2" + bytes(9) + FRAME), "pflog": (117, b"\x3d\2" + bytes(62) + INNER),
}
for port, head in {4789: b"\x08" + bytes(7) + FRAME, 4790: b"\x0c\0\0\1" + bytes(4) + INNER, 6081: b"\1\0\x65\x58" + bytes(8) + FRAME,
                   2152: b"\x36\xff\0\0" + be32(1) + b"\0\1\0\x85\1\0\0\0" + INNER, 3544: bytes(8) + ip6(17, udp(1, 2, b"x")),
                   1701: be16(2, 1, 5) + b"\xff\3\0\x21" + INNER, 4341: bytes(8) + INNER, 4342: b"\x80\0\0\0" + INNER,
                   5072: b"\x41\x52\x11\4" + bytes(40) + INNER, 37008: b"\1\0\0\1\1" + FRAME,
                   5247: b"\0\x10\3\0" + bytes(4) + b"\1\x08" + bytes(22) + SNAP, 12222: bytes(6) + b"\x08\1" + bytes(22) + SNAP}.items():
    FRAMES["udp%d" % port] = (101, ip4(17, udp(50000, port, head)))


def pcap(link, frames):
    return struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link) + b"".join(
        struct.pack("<IIII", 1700000000 + i, 0, len(f), len(f)) + f for i, f in enumerate(frames))


def write(target, files):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        assert len(content) < 4096, (target, file)
        (folder / file).write_bytes(content)


write("fuzz_frame_decode", {n: bytes([LINKS.index(link), 200]) + f for n, (link, f) in FRAMES.items()})
write("fuzz_fragments", {
    "in_order": b"".join(bytes([1]) + be16(i) + bytes([8, i < 3, 0, 1, 65]) for i in range(4)),
    "backwards": b"".join(bytes([1]) + be16(3 - i) + bytes([8, i > 0, 0, 1, 65]) for i in range(4)),
    "overlap": b"".join(bytes([1]) + be16(i) + bytes([24, i < 3, 0, 1, 65 + i]) for i in (0, 1, 2, 3)),
    "orphans": b"".join(bytes([i]) + be16(9) + bytes([8, 1, 120, 1, 65]) for i in range(12))})
write("fuzz_dns", {"query": b"\0" + QUERY, "response": b"\0" + RESPONSE, "mdns": b"\1" + RESPONSE, "netbios": b"\3" + NETBIOS,
                   "loop": b"\0" + be16(1, 0, 1, 0, 0, 0) + b"\xc0\x0c" + be16(1, 1)})
stream = be16(len(QUERY)) + QUERY + be16(len(RESPONSE)) + RESPONSE
order = [i for i in range(0, len(stream), 60)]
write("fuzz_tcp_stream", {
    "forward": b"".join(be16(i) + b"\x3c" for i in order) + b"\xff\xff\0" + stream,
    "backward": b"".join(be16(i) + b"\x50" for i in reversed(order)) + b"\xff\xff\0" + stream})
ENVELOPE_LIKE = b'{"a":[1,-2,{"b":"x%20y","c":true}],"d":{},"e":[],"f":9007199254740991}'
FLOW = (b'{"alpn":"h2,%00","anomalies":["stream_gap","tls_record_invalid"],"app":"TLS","app_master":"TLS","cert_not_after":"2024-01-01T00:00:00.'
        b'000000000Z","cert_sha256":"abcd","cert_subject":"CN=%FF%C3%A9","community_id":"1:dOsMo5svG1fT0YSPEnt3J/gHsak=","conn_state":"SF","dst_ip":'
        b'"192.0.2.1","end_reason":"fin","final":true,"http_method":"=x;=1","http_status":200,"ja4":"q13","protocol":6,"server_name":"a:80",'
        b'"ssh_client":"SSH-2.0-x%20y","tcp_flags_src":27,"tls_version":"TLSv1.2","vlan_ids":[7,8]}')
DNS = (b'{"id":5,"opcode":"OPCODE7","qname":"%FF","query_at":"2023-11-14T22:13:20.000000000Z","questions":[{"class":"IN","name":"%FF","type":"A"}],'
       b'"records":[{"class":"IN","data":"a%20b%201%202%203%204%205","name":"x","section":"answer","ttl":1,"type":"SOA"},{"class":"IN","data":"1%202%203'
       b'%20t","name":"x","section":"answer","ttl":1,"type":"SRV"},{"class":"IN","data":"%22a%22","name":"x","section":"additional","ttl":1,"type":"TXT"'
       b'}],"response_at":"2023-11-14T22:13:20.000000000Z"}')
write("fuzz_export", {"flow": b"\0" + FLOW, "dns": b"\1" + DNS, "scan": b'\2{"kind":"source","protocol":6,"src_ip":"192.0.2.1"}',
                      "heartbeat": b'\3{"packets_decoded":5,"uptime_ms":2999}', "raw": b"\4" + ENVELOPE_LIKE})
write("fuzz_canonical_json", {"object": ENVELOPE_LIKE, "list": b"[[[[]]]]", "text": b'"a b"', "number": b"0"})
zero, uuid = "0" * 64, "00000000-0000-8000-8000-000000000000"
write("fuzz_envelope", {"envelope": (
    '{"component":"dpi_probe","component_instance_id":"%s","emitted_at":"2024-01-01T00:00:00.000000000Z","event_id":"%s",'
    '"event_type":"dpi.flow","event_version":1,"identity":{"boot_id":"%s","hostname":"h","version":"0.1.0"},"machine_id":"%s",'
    '"mode":"replay","mono_us":1,"observed_at":"2024-01-01T00:00:00.000000000Z","payload_bytes":2,"payload_sha256":"%s",'
    '"prev_hash":"%s","schema":"ransomeye.envelope/1","seq":0}' % (uuid, uuid, uuid, uuid, zero, zero)).encode()})
write("fuzz_checkpoint", {"note": ("ransomeye.dpi/%s\n7\n%s\n\n\u2014 ransomeye.dpi/%s %s\n" % (
    uuid, base64.b64encode(bytes(32)).decode(), uuid, base64.b64encode(bytes(68)).decode())).encode()})
# The honest one is that of event 2 of tests/support/honest_chain.h, as event_proof_test.cpp has it.
write("fuzz_event_proof", {
    "honest": """c2sp.org/tlog-proof@v1
index 2
O0o4Ve1XdsL4iAa6eko7ugTVgqSQ1oV+KQT0z/HB5z4=
VaPNRc7/fHXCPx11XhikINKB7TY+QivECEAGexwRY7M=

ransomeye.dpi/00000000-0000-0000-0000-000000000001
4
9x05RpIXvw9RYkZ3rEGHuGcCUmMPkJWmoWiaYS3lsrc=

\u2014 ransomeye.dpi/00000000-0000-0000-0000-000000000001 \
gvl8bOg38H2VWVTVPANJjE+DqzKvm3d5hQDA3DRdWbH0tZ3YfpQl7pVOT9/+sld9xZ9rO3zyVIHOooyAnZxzGrMcEAw=
""".encode(),
    "alone": ("c2sp.org/tlog-proof@v1\nindex 0\n\nransomeye.dpi/%s\n1\n%s\n\n\u2014 ransomeye.dpi/%s %s\n" % (
        uuid, base64.b64encode(bytes(32)).decode(), uuid, base64.b64encode(bytes(68)).decode())).encode()})
# Sequence 4 of the contract's example chain, as system_payloads_test.cpp has it.
write("fuzz_key_rotation", {"vector": (
    '{"new_key_alg":"ed25519","new_key_id":"deb2ded39dc26fce0e6085b6fc34bf6b5941913bbfe2ea614113cff9e004c170",'
    '"new_key_spki":"MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",'
    '"old_key_id":"06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9",'
    '"possession_sig":"xaNdIlLxpH6ZEipKJYMMZrk1U8lfeZIBdCsz/K2abSUBpSioqNHLdMMe0z9nUd0WDJunijINambq5Wsmk8cZDg==",'
    '"reason":"scheduled"}').encode()})
write("fuzz_config", {"flow": b"[flow]\nidle_tcp_s = 60\n", "key": b"[signing]\nkey = \"a\"\n", "wrong": b"[flow]\nx = 1\n",
                      "empty": b""})
# kind: port and protocol; then packets of flags (1: back, 2: put together from fragments, 252: long), lengthening, length, payload.
def conversation(kind, *packets):
    return bytes([kind]) + b"".join(bytes([flags, longer, len(payload[:255])]) + payload[:255] for flags, longer, payload in packets)


write("fuzz_classifier", {
    "dns": conversation(0, (0, 0, QUERY), (1, 0, RESPONSE)),
    "dns_64k": conversation(0, (254, 255, b"\0\1\1\0\0\1" + bytes(6) + b"\xbf" * 192)),
    "http": conversation(0x11, (0, 0, b"GET /a HTTP/1.1\r\nHost: example.net\r\nUser-Agent: a\r\n\r\n"),
                         (1, 9, b"HTTP/1.1 200 OK\r\nServer: b\r\nContent-Type: text/html\r\n\r\n<html>")),
    "smtp": conversation(0x14, (1, 0, b"220 mail.example.net ESMTP\r\n"), (0, 0, b"EHLO a\r\n"), (1, 0, b"250 STARTTLS\r\n")),
    "ssh": conversation(0x13, (0, 0, b"SSH-2.0-OpenSSH_9.2\r\n"), (1, 0, b"SSH-2.0-OpenSSH_9.2\r\n")),
    "ssdp": conversation(8, (0, 0, b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n")),
    "sip": conversation(9, (0, 0, b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nFrom: <sip:d@e>\r\n\r\n"))})
write("fuzz_pipeline", {
    "dns": pcap(101, [ip4(17, udp(1111, 53, QUERY)), ip4(17, udp(53, 1111, RESPONSE)), ip4(17, udp(137, 137, NETBIOS))]),
    "tcp": pcap(101, [ip4(6, tcp(2)), ip4(6, tcp(24, be16(len(QUERY)) + QUERY, 1001)), ip4(6, tcp(17, b"", 1100)), ip4(6, tcp(2))]),
    "http": pcap(101, [ip4(6, tcp(24, b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"))]),
    "fragments": pcap(101, [ip4(17, udp(1111, 53, QUERY)[:24], 0x2000), ip4(17, udp(1111, 53, QUERY)[24:], 3)]),
    "tunnels": pcap(1, [ether(0x0800, f) for _, (link, f) in FRAMES.items() if link == 101][:20])})


def vector(width, content):
    return len(content).to_bytes(width, "big") + content


def extension(kind, content):
    return be16(kind) + vector(2, content)


def handshake(kind, body):
    return bytes([kind]) + vector(3, body)


def tls_record(kind, content):
    return bytes([kind, 3, 3]) + vector(2, content)


def der(tag, content):
    return bytes([tag]) + (bytes([len(content)]) if len(content) < 128 else b"\x82" + be16(len(content))) + content


HELLO = (be16(0x0303) + bytes(32) + vector(1, bytes(32)) + vector(2, be16(0x2A2A, 0x1301, 0xC02F, 0x002F)) + vector(1, b"\0")
         + vector(2, extension(0x1A1A, b"") + extension(0, vector(2, b"\0" + vector(2, b"example.com")))
                  + extension(16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1"))) + extension(10, vector(2, be16(29, 23)))
                  + extension(11, vector(1, b"\0")) + extension(13, vector(2, be16(0x0403, 0x0804)))
                  + extension(43, vector(1, be16(0x0304, 0x0303)))))
SERVER_HELLO = be16(0x0303) + bytes(32) + vector(1, b"") + be16(0xC02F) + b"\0" + vector(2, extension(16, vector(2, vector(1, b"h2"))))


def rdn(oid, kind, value):
    return der(0x31, der(0x30, der(6, oid) + der(kind, value)))


NAME = rdn(b"\x55\4\6", 0x13, b"DE") + rdn(b"\x55\4\x0a", 0x0C, b"A, \"B\"") + rdn(b"\x2a\3\4", 0x1E, b"\0x") + rdn(b"\x55\4\3", 4, b"\1")
CERTIFICATE = der(0x30, der(0x30, der(0xA0, der(2, b"\2")) + der(2, b"\1") + der(0x30, b"") + der(0x30, NAME)
                                + der(0x30, der(0x17, b"200101000000Z") + der(0x18, b"20500101000000Z")) + der(0x30, NAME)))
SERVER = tls_record(22, handshake(2, SERVER_HELLO) + handshake(11, vector(3, vector(3, CERTIFICATE))) + handshake(14, b""))
write("fuzz_tls", {"client_hello": b"\0" + HELLO, "server_hello": b"\1" + SERVER_HELLO, "certificate": b"\2" + CERTIFICATE,
                   "client": b"\3" + tls_record(22, handshake(1, HELLO)), "server": b"\3" + SERVER,
                   "ssl2": b"\3" + be16(0x8000 + 31) + b"\1" + be16(0x0301, 6, 0, 16) + bytes.fromhex("00002f000035") + bytes(16),
                   "records": b"\3" + b"".join(tls_record(22, handshake(1, HELLO)[i:i + 40]) for i in range(0, len(HELLO) + 4, 40))})
REQUEST = b"GET /a?b HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x%y\r\n\r\n"


def frame(kind, flags, content, stream=1):
    return vector(3, content)[0:3] + bytes([kind, flags]) + be32(stream) + content


FIELDS = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff7a04746573740f")
SETTINGS = frame(4, 0, bytes(6), 0)
write("fuzz_http", {
    "request": b"\0" + REQUEST, "response": b"\0HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "fields": b"\2Host: a\r\nB: c\r\n\r\n",
    "status": b"\x03404 x\r\n", "upgrade": b"\x03101 x\r\nUpgrade: h2c\r\n\r\n" + SETTINGS + frame(1, 4, b"\x8d"), "http2": b"\1" + SETTINGS + frame(0, 0, b"data") + frame(1, 0x04, FIELDS[:17]),
    "continuation": b"\1" + frame(1, 0, FIELDS[:7]) + frame(9, 4, FIELDS[7:17]), "padded": b"\1" + frame(1, 0x2C, b"\2" + bytes(5) + FIELDS[:17] + b"\0\0"),
    "server": b"\0" + SETTINGS + frame(5, 4, be32(2) + b"\x82") + frame(1, 4, b"\x08\x03103") + frame(1, 4, b"\x88")})
LISTS = b"".join(vector(4, x) for x in (b"kex", b"key", b"ecs", b"esc", b"mcs", b"msc", b"none", b"zlib", b"", b"")) + bytes(5)
KEXINIT = b"\4\x14" + bytes(16) + LISTS + bytes(4)
write("fuzz_ssh", {"stream": b"\0SSH-2.0-OpenSSH_9.2\r\n" + vector(4, KEXINIT), "packet": b"\1" + vector(4, KEXINIT), "kexinit": b"\0" + KEXINIT,
                   "version1": b"\0SSH-1.5-x\n"})
MESSAGE = handshake(1, HELLO)


def crypto(at, end):
    return b"\6" + be16(0x4000 | at, 0x4000 | (min(end, len(MESSAGE)) - at)) + MESSAGE[at:end]


LONG = b"\xc0" + be32(1) + vector(1, bytes(8)) + vector(1, b"abc")
write("fuzz_quic", {"frames": b"\0" + crypto(0, 4000), "pieces": b"\0\2\1\0\0\0" + crypto(100, 4000) + b"\0\1" + crypto(0, 100) + b"\x1c\0",
                    "initial": b"\1" + LONG + b"\0" + be16(0x4000 | 100) + bytes(100), "retry": b"\1\xf0" + LONG[1:] + bytes(20),
                    "version2": b"\1\xd0" + be32(0x6B3343CF) + LONG[5:] + b"\0" + be16(0x4000 | 40) + bytes(40)})
DTLS_HELLO = be16(0xFEFD) + bytes(33) + vector(1, b"cookie") + vector(2, be16(0xC02B, 0xC02F)) + vector(1, b"\0") + vector(
    2, extension(0, vector(2, b"\0" + vector(2, b"example.com"))) + extension(43, vector(1, be16(0xFEFC, 0xFEFD))))
DTLS_SERVER = be16(0xFEFD) + bytes(32) + vector(1, b"") + be16(0xC02B) + b"\0"
CHAIN = vector(3, vector(3, CERTIFICATE))


def dtls(kind, sequence, body, begin=0, end=4000):
    part = body[begin:end]
    return b"\x16\xfe\xfd" + bytes(8) + vector(2, bytes([kind]) + len(body).to_bytes(3, "big") + be16(sequence)
                                                  + begin.to_bytes(3, "big") + vector(3, part))


def datagrams(*all_of_them):
    return b"\0" + b"".join(bytes([(len(d) + 3) // 4]) + d.ljust((len(d) + 3) // 4 * 4, b"\0") for d in all_of_them)


CHLO = (b"CHLO\3\0\0\0PAD\0" + struct.pack("<I", 8) + b"SNI\0" + struct.pack("<I", 19) + b"UAID" + struct.pack("<I", 24)
        + b"--------example.comagent")
write("fuzz_dtls", {
    "client_hello": b"\1" + DTLS_HELLO, "server_hello": b"\2" + DTLS_SERVER, "certificate": b"\3" + CHAIN,
    "association": datagrams(dtls(1, 0, DTLS_HELLO, 60), dtls(1, 0, DTLS_HELLO, 0, 60), dtls(2, 0, DTLS_SERVER) + dtls(11, 1, CHAIN)),
    "verify": datagrams(dtls(3, 0, b"\xfe\xff\4abcd"), dtls(1, 1, DTLS_HELLO), dtls(2, 1, DTLS_SERVER) + dtls(14, 2, b"")),
    "capwap": datagrams(b"\1\0\0\0" + dtls(1, 0, DTLS_HELLO)),
    "q043": datagrams(b"\x0d" + bytes(8) + b"Q043\1" + bytes(12) + b"\xa0\1" + vector(2, CHLO)),
    "q025": datagrams(b"\x0d" + bytes(8) + b"Q025\1" + bytes(12) + b"\1\xa0\1" + vector(2, CHLO)),
    "q046": datagrams(b"\xc3Q046\x50" + bytes(8) + be32(1) + bytes(12) + b"\xa4\1\4\0" + vector(2, CHLO))})
write("fuzz_byte_stream", {"in_order": b"".join(be16(i * 200) + b"\xc8\1" for i in range(20)),
                           "backwards": b"".join(be16(i * 200) + b"\xdc\0" for i in reversed(range(20))),
                           "overlaps": b"".join(be16(i * 37 % 900) + bytes([i * 11 % 256, i % 4]) for i in range(60))})
RECIPE = """title = "t"
shows = "s"
packets = '''
%s
'''
%s
[expect]
"""
write("fuzz_recipe", {name: (RECIPE % rest).encode() for name, rest in {
    "udp": ('0 eth / ipv4 192.0.2.1>192.0.2.2 / udp 1>53 / dns q="a.example A" opt="do" | snap=60', ""),
    "tcp": ("0 $to / tcp SYN\n1ms $to / tcp ACK seq=-1 / text \"a\\x41\" | repeat=3 every=2ms", '[names]\nto = "ipv4"'),
    "pcapng": ("file section order=big\nfile interface link=1 tsresol=0x8a\n1s eth / arp | block=simple\nfile bytes ff",
               '[file]\nformat = "pcapng"\ncompress = "zstd"\npatch = ["4:00"]\nkeep = -2'),
    "slice": ("0 ipv6 / fragment slice=0:16 / udp / zeros 40 pad=3 cut=20 patch=1:ff", "[config]\nflow.idle_tcp_s = 3"),
    "records": ('0 dns an="@12 60 MX 10 a" an="a NSEC b A TXT" ar="x:00" q="nb:A<20> NB"', "[file]\nlink = 147"),
}.items()})
