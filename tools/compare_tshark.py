#!/usr/bin/env python3
"""compare_tshark.py PROBE CAPTURE…: application metadata of the probe against tshark's fields, flow by flow.

Prints every difference (capture, flow, member, tshark's values, ours) and a line of sums. A flow is both addresses and both ports over the
whole capture; ours agrees when tshark has the same value anywhere in that flow, and is missing when tshark has one and we have none.
Certificates are compared with what openssl says of them. Needs tshark 4.0 (Debian: tshark) and openssl. Exit 0 whatever it finds, 77 without tshark.
"""
import collections
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TLS_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3",
                0xfeff: "DTLSv1.0", 0xfefd: "DTLSv1.2", 0xfefc: "DTLSv1.3"}
# tshark's field → our member. What needs more than a copy is in `convert`.
FIELDS = {
    "tls.handshake.extensions_server_name": "server_name",
    "http.host": "server_name",
    "http2.headers.authority": "server_name",
    "tls.handshake.ja3": "ja3",
    "tls.handshake.ja3s": "ja3s",
    "http.request.method": "http_method",
    "http2.headers.method": "http_method",
    "http.request.uri": "http_url",
    "http2.headers.path": "http_url",
    "http.user_agent": "http_user_agent",
    "http2.headers.user_agent": "http_user_agent",
    "http.response.code": "http_status",
    "http2.headers.status": "http_status",
    "ssh.kex.hassh": "hassh",
    "ssh.kex.hasshserver": "hassh_server",
    "tls.handshake.certificate": "cert_sha256",
    "dtls.handshake.extensions_server_name": "server_name",
    "dtls.handshake.ja3": "ja3",
    "dtls.handshake.ja3s": "ja3s",
    "dtls.handshake.certificate": "cert_sha256",
    "gquic.tag.sni": "server_name",
    "gquic.version": "tls_version",
}
CERTIFICATE = ("cert_subject", "cert_issuer", "cert_not_before", "cert_not_after")
SEPARATOR = "\x1f"


def tshark_flows(capture):
    """flow → member → set of values, in tshark's own words turned to ours."""
    fields = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "ip.proto", "ipv6.nxt",
              "tls.handshake.type", "tls.handshake.version", "tls.handshake.extensions.supported_version", "tls.handshake.ciphersuite",
              "dtls.handshake.type", "dtls.handshake.version", "dtls.handshake.extensions.supported_version", "dtls.handshake.ciphersuite",
              "ssh.protocol", "http.request.line", *FIELDS]
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=a", "-E", f"aggregator={SEPARATOR}", "-o", "http.decompress_body:FALSE"]
    for f in fields:
        command += ["-e", f]
    lines = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape").stdout.split("\n")
    flows = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in lines:
        cells = dict(zip(fields, line.split("\t")))
        if len(cells) != len(fields):
            continue
        last = lambda *names: next((cells[n].split(SEPARATOR)[-1] for n in names if cells[n]), "")
        src, dst = (last("ip.src", "ipv6.src"), last("ip.dst", "ipv6.dst"))
        if cells["tcp.srcport"]:
            ports = (last("tcp.srcport"), last("tcp.dstport"))
        elif cells["udp.srcport"]:
            ports = (last("udp.srcport"), last("udp.dstport"))
        else:
            continue
        flow = flows[frozenset([(src, ports[0]), (dst, ports[1])])]
        convert(cells, flow)
    return flows


def convert(cells, flow):
    for field, member in FIELDS.items():
        for value in cells[field].split(SEPARATOR) if cells[field] else []:
            if member == "cert_sha256":
                der = bytes.fromhex(value.replace(":", ""))
                value = hashlib.sha256(der).hexdigest()
                for name, text in certificate(der).items():
                    flow[name].append(text)
            flow[member].append(value)
    for tls in ("tls", "dtls"):
        types = cells[f"{tls}.handshake.type"].split(SEPARATOR)
        if "2" not in types or "1" in types:
            continue
        for suite in cells[f"{tls}.handshake.ciphersuite"].split(SEPARATOR)[:1]:
            if suite:
                flow["tls_cipher"].append(int(suite, 0))
        versions = [v for v in cells[f"{tls}.handshake.extensions.supported_version"].split(SEPARATOR) if v] or \
                   [v for v in cells[f"{tls}.handshake.version"].split(SEPARATOR) if v]
        for version in versions[:1]:
            flow["tls_version"].append(TLS_VERSIONS.get(int(version, 0), "0x%04X" % int(version, 0)))
    for banner in cells["ssh.protocol"].split(SEPARATOR):
        if banner:
            flow["ssh"].append(banner)


def certificate(der):
    """Names and validity as openssl writes them: RFC 2253 without escapes of UTF-8."""
    form = "esc_2253,esc_ctrl,utf8,dump_nostr,dump_unknown,dump_der,sep_comma_plus,dn_rev,sname"
    run = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-dates", "-dateopt", "iso_8601", "-nameopt", form],
                         input=der, capture_output=True)
    names = {"subject": "cert_subject", "issuer": "cert_issuer", "notBefore": "cert_not_before", "notAfter": "cert_not_after"}
    out = {}
    for line in run.stdout.decode("utf-8", "surrogateescape").splitlines():
        name, _, value = line.partition("=")
        if name in names:
            out[names[name]] = value[:10] + "T" + value[11:19] + ".000000000Z" if name.startswith("not") else value
    return out


def suite_names():
    names = {}
    for line in subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True).stdout.split("\n"):
        part = line.split("\t")
        if part[:2] == ["V", "tls.handshake.ciphersuite"]:
            names[int(part[2], 0)] = part[3]
    return names


def probe_flows(probe, capture, folder):
    out = os.path.join(folder, "out.jsonl")
    subprocess.run([probe, "replay", capture, "--out", f"jsonl:{out}"], capture_output=True)
    flows = collections.defaultdict(lambda: collections.defaultdict(list))
    if not os.path.exists(out):
        return flows
    for line in open(out):
        event = json.loads(line)
        if event.get("envelope", {}).get("event_type") != "dpi.flow":
            continue
        p = event["payload"]
        flow = flows[frozenset([(p["src_ip"], str(p["src_port"])), (p["dst_ip"], str(p["dst_port"]))])]
        for member in {*FIELDS.values(), *CERTIFICATE, "tls_version", "tls_cipher"}:
            if member in p:
                flow[member].append(p[member])
        for member in ("ssh_client", "ssh_server"):
            if member in p:
                flow["ssh"].append(p[member])
    os.unlink(out)
    return flows


def unescaped(text):
    return re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), text) if isinstance(text, str) else str(text)


def alike(member, ours, theirs):
    ours = unescaped(ours)
    if isinstance(theirs, str):
        theirs = theirs.encode("utf-8", "surrogateescape").decode("latin-1")
        theirs = theirs.replace("\\\\", "\\").replace("\\t", "\t").replace('\\"', '"').replace("\\'", "'")
    return ours == str(theirs) or (len(ours) >= 32 and member in ("http_url", "http_user_agent") and str(theirs).startswith(ours))


def main():
    if not shutil.which("tshark"):
        print("skipped: tshark is not installed")
        return 77
    probe, captures = sys.argv[1], sys.argv[2:]
    names = suite_names()
    agree, differ, missing, extra = (collections.Counter() for _ in range(4))
    with tempfile.TemporaryDirectory() as folder:
        for capture in captures:
            theirs_all, ours_all = tshark_flows(capture), probe_flows(probe, capture, folder)
            for flow in {*theirs_all, *ours_all}:
                theirs, ours = theirs_all.get(flow, {}), ours_all.get(flow, {})
                for member in sorted({*theirs, *ours}):
                    want = [names.get(v, "0x%04X" % v) if member == "tls_cipher" else v for v in theirs.get(member, [])]
                    got = ours.get(member, [])
                    if not want and not got:
                        continue
                    if not got:
                        kind, counter = "missing", missing
                    elif not want:
                        kind, counter = "extra", extra
                    elif all(any(alike(member, g, w) for w in want) for g in got):
                        agree[member] += 1
                        continue
                    else:
                        kind, counter = "differs", differ
                    counter[member] += 1
                    ends = " ".join(sorted(f"{a}:{p}" for a, p in flow))
                    print(f"{kind}\t{capture}\t{ends}\t{member}\ttshark={want[:3]}\tours={got[:3]}")
    for member in sorted({*agree, *differ, *missing, *extra}):
        print(f"sum\t{member}\tagree {agree[member]}\tdiffer {differ[member]}\tmissing {missing[member]}\textra {extra[member]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
