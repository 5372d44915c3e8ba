#!/usr/bin/env bash
# Each query of docs/hunting.md, as a login of re_soc, over traffic in which it has something to find: it does, and it shows nobody else.
source "$(dirname "$0")/lib.sh"
command -v openssl >/dev/null || skip "openssl is not installed"
database
cd "$work"
# Ended before the traffic was: outside of its time, and its own issuer.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj "/CN=self.example.org/O=Nobody" -days 1 -outform DER -out cert.der 2>/dev/null
python3 "$root/tests/integration/hunting_capture.py" hunt.pcap cert.der
run 0 "$probe" replay hunt.pcap --out postgres:"$writer" --out jsonl:hunt.jsonl

python3 - "$root/docs/hunting.md" <<'PY'
import re, sys
page = open(sys.argv[1]).read()
sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.S | re.M)
queries = [(title, re.findall(r"```sql\n(.*?)```", text, re.S)) for title, text in sections]
assert all(len(found) == 1 for _, found in queries) and len(queries) == 12, [(t, len(f)) for t, f in queries]
for number, (_, found) in enumerate(queries):
    open(f"{number}.sql", "w").write(found[0])
PY
# finds NUMBER WHAT…: a line for each of them, and no more lines
finds() {
  local number=$1 what; shift
  psql -X -q -At -v ON_ERROR_STOP=1 -v from=2023-11-14 -v to=2023-11-16 -f "$number.sql" "$reader" >"$number.rows" || fail "query $number"
  for what in "$@"; do grep -qE -- "$what" "$number.rows" || { cat "$number.rows" >&2; fail "query $number does not find $what"; }; done
  [ "$(wc -l <"$number.rows")" = $# ] || { cat "$number.rows" >&2; fail "query $number finds others than $*"; }
}
finds 0 '192.168.1.20\|203.0.113.20\|8443\|12\|' '192.168.1.23\|192.168.1.53\|53\|15\|'  # what asks every 20 seconds is one too
finds 1 '192.168.1.21\|1\|\{rare.example.net\}'
finds 2 '192.168.1.22\|.*\|40\|40\|'
finds 3 'tunnel.example\|192.168.1.23\|15\|'
psql -X -q -At -v from=2023-11-14 -v to=2023-11-16 -f 4.sql "$reader" >4.rows
[ "$(wc -l <4.rows)" = 75 ] || fail "$(wc -l <4.rows) names were asked for the first time"
psql -X -q -At -v from='2023-11-14 22:25' -v to=2023-11-16 -f 4.sql "$reader" >later.rows
[ "$(wc -l <later.rows)" -lt 75 ] && ! grep -q "www0.example.com" later.rows || fail "a name from before is new"
finds 5 '192.168.1.24\|203.0.113.24\|1260000\|'
finds 6 'self.example.org'
finds 7 '203.0.113.25\|self.example.org'
finds 8 'SSH\|\|203.0.113.26\|2222\|1'
finds 9 '192.168.1.27\|445\|14\|14\|'
finds 10 '192.168.1.28\|203.0.113.28\|9000\|01:'
finds 11 '\|0\|0\|0\|0\|t\|'
# The sequence that a row shows is an event that can be proved, and has packets.
seq=$(grep "192.168.1.20" 0.rows | cut -d"|" -f7)
run 0 "$probe" packets hunt.pcap --events hunt.jsonl --event "$seq" -w one.pcapng
run 0 "$probe" verify hunt.jsonl --prove "$seq" --prove-to .
echo "twelve queries find what they are for"
