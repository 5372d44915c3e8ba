#!/usr/bin/env bash
# What goes wrong has its exit code and a line that helps, and what was sealed before is kept (docs/operations.md, exit codes).
source "$(dirname "$0")/lib.sh"
demo; cd "$work"

run 0 "$probe" --help
run 2 "$probe"
run 2 "$probe" replay
run 2 "$probe" replay demo.pcap --no-such-option
run 2 "$probe" replay demo.pcap --speed fast;                 says "realtime"
run 2 "$probe" replay demo.pcap --out nowhere:x;              says "jsonl"
run 2 "$probe" replay demo.pcap -f 'no such filter';          says "filter|syntax"
run 2 "$probe" replay demo.pcap -c missing.toml;              says "missing.toml"
printf '[flow]\nidle_tcp_s = 5\nidle = 3\n' >bad.toml
run 2 "$probe" config check bad.toml;                         says "bad.toml:3"
run 2 "$probe" replay demo.pcap --set flow.idle_tcp_s=zero;   says "idle_tcp_s"

run 3 "$probe" replay missing.pcap;                           says "missing.pcap.*exist"
: >empty.pcap;             run 3 "$probe" replay empty.pcap;  says "empty.pcap"
head -c 100000 /dev/urandom >garbage.pcap
run 3 "$probe" replay garbage.pcap;                           says "garbage.pcap.*0"
head -c 24 demo.pcap >header.pcap; run 3 "$probe" replay header.pcap; says "nothing inspected"
run 0 "$probe" replay demo.pcap --out jsonl:whole.jsonl
flows() { grep -c '"event_type":"dpi.flow","event_version"' "$1"; }

# What was found, for people: asked for, or on a terminal.
run 0 "$probe" replay demo.pcap --summary --out jsonl:whole.jsonl; says "^captures +1, 14 packets"; says "^next +ransomeye-dpi verify whole.jsonl"
run 0 "$probe" replay demo.pcap --out jsonl:whole.jsonl; ! grep -q '^captures' err || fail "a summary that nobody asked for"
if command -v script >/dev/null; then
  run 0 script -qec "'$probe' replay demo.pcap --out jsonl:whole.jsonl" typescript; says "captures +1, 14 packets"
  run 0 script -qec "'$probe' replay demo.pcap --no-summary --out jsonl:whole.jsonl" typescript; ! grep -q 'captures  *1' out || fail "a summary that was not wanted"
fi

# Truncated: the end, told; everything before it is there and verifies.
head -c 700 demo.pcap >cut.pcap
run 3 "$probe" replay cut.pcap --out jsonl:cut.jsonl;         says "cut.pcap.*ends in the middle"
grep -q '{"count":1,"name":"capture_cut"}' cut.jsonl || fail "the chain does not say that the capture was cut"
[ "$(flows cut.jsonl)" -ge 1 ] || fail "what stood before the cut is missing"
run 0 "$probe" verify cut.jsonl
# Garbage behind good packets: an error with its offset, and the packets before it are kept.
{ cat demo.pcap; head -c 64 /dev/zero | tr '\0' '\377'; } >tail.pcap
run 3 "$probe" replay tail.pcap --out jsonl:tail.jsonl;       says "tail.pcap.*[0-9]{3}"
[ "$(flows tail.jsonl)" = "$(flows whole.jsonl)" ] || fail "packets before the garbage are missing"
grep -q '{"count":1,"name":"capture_damaged"}' tail.jsonl || fail "the chain does not say that the capture was damaged"
run 0 "$probe" verify tail.jsonl
# Compressed and then cut: as cut.
for codec in gzip bzip2 xz; do
  $codec -c demo.pcap | head -c -9 >cut.$codec
  run 3 "$probe" replay cut.$codec --out jsonl:cut.jsonl;     says "cut.$codec.*ends in the middle"
done
# A link type that nobody decodes (147, LINKTYPE_USER0): said once a capture.
{ head -c 20 demo.pcap; printf '\223\0\0\0'; tail -c +25 demo.pcap; } >user0.pcap
run 3 "$probe" replay user0.pcap --out jsonl:/dev/null;       says "user0.pcap: [0-9]+ packets are of link type 147"
# One bad capture among good ones does not stop the others.
run 3 "$probe" replay garbage.pcap demo.pcap --out jsonl:both.jsonl
[ "$(flows both.jsonl)" = "$(flows whole.jsonl)" ] || fail "the good capture was not read"

run 4 "$probe" replay demo.pcap --out jsonl:/nonexistent/x.jsonl; says "/nonexistent/x.jsonl"
[ ! -e /dev/full ] || { run 4 "$probe" replay demo.pcap --out jsonl:/dev/full; says "space"; }
run 4 "$probe" replay demo.pcap --out "postgres:host=$work/none dbname=x"; says "kept in .*run the same command again"
[ -n "$(find "$XDG_STATE_HOME" -name '*.seg')" ] || fail "nothing was kept in the spool"
run 0 "$probe" verify "$(dirname "$(find "$XDG_STATE_HOME" -name '*.seg' -print -quit)")"

"$probe" keys generate key.pem >/dev/null
chmod 0644 key.pem; run 2 "$probe" replay demo.pcap --key key.pem; says "chmod 0400"
chmod 0400 key.pem
[ ! -s /etc/machine-id ] || run 0 "$probe" replay demo.pcap --key key.pem
run 2 "$probe" keys generate key.pem;                          says "never overwritten"

run 5 "$probe" verify garbage.pcap;                            says "garbage.pcap:1"
run 3 "$probe" verify missing.jsonl
sed '3s/"seq":2/"seq":3/' whole.jsonl >edited.jsonl
run 5 "$probe" verify edited.jsonl;                            says "edited.jsonl:3"
head -n -1 whole.jsonl >unsigned.jsonl
run 5 "$probe" verify unsigned.jsonl;                          says "not signed"
run 3 "$probe" status -d "host=$work/none"

# Root passes every mode: a read-only folder is one on a read-only file system there.
mkdir ro
if [ "$(id -u)" = 0 ]; then
  if mount -t tmpfs -o ro none ro 2>/dev/null; then
    run 4 "$probe" replay demo.pcap --out jsonl:ro/x.jsonl;  says "ro/x.jsonl.*read-only"
    run 4 "$probe" replay demo.pcap --out spool:ro/spool;    says "ro/spool"
    umount ro
  else
    echo "note: no file system may be mounted here; the read-only folder was not tried"
  fi
else
  chmod 0555 ro; run 4 "$probe" replay demo.pcap --out jsonl:ro/x.jsonl; says "ro/x.jsonl"
fi

if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=64k none full 2>/dev/null; then
  trap 'umount "$work/full"; cleanup' EXIT
  head -c 57344 /dev/zero >full/filler
  run 4 "$probe" replay demo.pcap --out spool:full/spool --set spool.segment_mib=1
  says "full/spool"
else
  echo "note: no tmpfs may be mounted here; the full disk was tried with /dev/full only"
fi
echo "all exit codes hold"
