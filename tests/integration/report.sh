#!/usr/bin/env bash
# The page about a replay: complete in itself, its numbers those of the events, harmless whatever the packets say, and sorted by a real
# browser where there is one.
source "$(dirname "$0")/lib.sh"
demo; cd "$work"; mkdir hostile
cat >hostile.toml <<'TOML'
title = "Names that want to be markup"
shows = "Every name is text."
rfc = "-"
packets = '''
0      $to   / tcp 40000>8080 SYN
1ms    $back / tcp 8080>40000 SYN ACK
2ms    $to   / tcp 40000>8080 ACK
3ms    $to   / tcp 40000>8080 PSH ACK / text "GET /</script><script>alert(1)</script> HTTP/1.1\r\nHost: \"'><img/src=x/onerror=alert(1)>&lt;\r\nUser-Agent: </td><style>*{}\r\n\r\n"
4ms    $back / tcp 8080>40000 PSH ACK / text "HTTP/1.1 200 OK\r\n\r\n"
5ms    $to   / udp 5000>53 / dns id=1 RD q="<b>.x.example A"
'''
[names]
to = "eth / ipv4 192.0.2.10>198.51.100.20"
back = "eth / ipv4 198.51.100.20>192.0.2.10"
[expect]
TOML
run 0 "$probe" spec build hostile.toml --to .
mv hostile.pcap "hostile/a<i>&\"b.pcap"

cat >check.py <<'PY'
import base64, hashlib, html.parser, json, re, sys
page, chain = open(sys.argv[1]).read(), sys.argv[2]
void = {"meta", "br", "img", "link", "line", "rect"}

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.rows, self.table, self.text = [], [], {}, None, {}
    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in void: self.open.append(tag)
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "href", "action", "style", "srcset"), (tag, name, value)
        if tag == "h2": self.table = dict(attributes)["id"]
        if tag == "tr": self.row = []
        if tag == "td": self.row.append(dict(attributes).get("data-v", ""))
    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in void: self.open.pop()
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()
        if tag == "tr" and self.row: self.rows.setdefault(self.table, []).append(self.row)
    def handle_data(self, data):
        if self.open: self.text.setdefault(self.open[-1], []).append(data)
        if self.open and self.open[-1] == "td": self.row[-1] = self.row[-1] or data

p = Page(); p.feed(page); p.close()
assert not p.open, p.open
known = {"html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "b", "main", "ul", "li", "section", "div", "svg", "line", "text", "g", "rect",
         "table", "thead", "tbody", "tr", "th", "td", "button", "meter", "span", "dl", "dt", "dd", "pre", "code", "script"}
assert {tag for tag, _ in p.tags} <= known, {tag for tag, _ in p.tags} - known
assert sum(tag == "script" for tag, _ in p.tags) == sum(tag == "style" for tag, _ in p.tags) == 1
# The policy names exactly the style and the script that are there.
policy = next(a["content"] for tag, a in p.tags if a.get("http-equiv") == "Content-Security-Policy")
assert "default-src 'none'" in policy and "unsafe" not in policy
for kind in "style", "script":
    digest = base64.b64encode(hashlib.sha256("".join(p.text[kind]).encode()).digest()).decode()
    assert f"{kind}-src 'sha256-{digest}'" in policy, kind
assert not re.search(r"https?://|url\(|@import", page)
# The numbers are those of the events.
events = [json.loads(line) for line in open(chain) if line.startswith('{"envelope"')]
flows = [e["payload"] for e in events if e["envelope"]["event_type"] == "dpi.flow"]
dns = [e["payload"] for e in events if e["envelope"]["event_type"] == "dpi.dns"]
def sums(key):
    out = {}
    for f in flows:
        if f.get(key): out[f[key]] = out.get(f[key], 0) + f["ip_bytes_src"] + f["ip_bytes_dst"]
    return out
for table, key in ("applications", "app"), ("hosts", "src_ip"), ("names", "server_name"):
    told = {row[0]: int(row[2]) for row in p.rows.get(table, [])}
    assert told == sums(key), (table, told, sums(key))
questions = {row[0]: int(row[1]) for row in p.rows.get("questions", [])}
wanted = {}
for d in dns:
    if d.get("qname"): wanted[d["qname"]] = wanted.get(d["qname"], 0) + 1
assert questions == wanted, (questions, wanted)
heartbeat = [e["payload"] for e in events if e["envelope"]["event_type"] == "health.heartbeat"][-1]
assert {r[0]: int(r[1]) for r in p.rows["ledger"]} == {k: v for k, v in heartbeat.items() if k.startswith("packets_")}
for row in p.rows["flows"]:
    seq = int(row[9])
    assert events[seq]["envelope"]["event_type"] == "dpi.flow"
proved = re.search(r"<b>Proved:</b> ([0-9&#;]+) events", page)
assert proved and int(proved[1].replace("&#8239;", "")) == len(events), "not proved"
print(len(flows), "flow records,", len(events), "events")
PY

for capture in demo.pcap hostile/*.pcap; do
  run 0 "$probe" replay "$capture" --out jsonl:chain.jsonl --report page.html
  python3 check.py page.html chain.jsonl || fail "$capture"
  cp page.html "$(basename "$capture" .pcap | tr -dc a-z).html"
done
grep -q onerror aib.html || fail "the hostile name is not there at all"
# The same replay, the same page.
run 0 "$probe" replay demo.pcap --workers 3 --out jsonl:/dev/null --report again.html
cmp demo.html again.html || fail "another page of the same capture"
# What is read is not written, whatever it is called.
cp demo.pcap precious.pcap; ln precious.pcap linked; ln -s precious.pcap pointed
for file in precious.pcap ./linked pointed; do
  for way in "--out jsonl:/dev/null --report $file" "--out jsonl:$file" "--out eve:$file"; do
    # shellcheck disable=SC2086
    run 2 "$probe" replay precious.pcap $way; says "is the capture precious.pcap"
    cmp demo.pcap precious.pcap || fail "$way: the capture was overwritten"
  done
done
run 4 "$probe" replay demo.pcap --out jsonl:/dev/null --report missing/page.html; says "missing/page.html: cannot be written"
run 2 "$probe" replay demo.pcap hostile --out postgres --report page.html; says "one chain"
cp demo.pcap cut.pcap; truncate -s -3 cut.pcap
run 3 "$probe" replay cut.pcap --out jsonl:/dev/null --report cut.html
grep -q "in the middle of packet" cut.html || fail "the page does not say that the capture is cut"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -n "$browser" ]; then
  dom() { timeout 60 "$browser" --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir="$work/chromium" --dump-dom "file://$work/$1" 2>"$work/browser.err"; }
  for page in demo.html a*.html; do
    dom "$page" >dom.html || fail "the browser does not show $page"
    ! grep -E "CONSOLE|Content Security Policy" browser.err || fail "the browser complains about $page"
  done
  # Its script, asked to sort by the number of flows twice: fewest first. The policy would not let a test do it.
  sed 's/<meta http-equiv[^>]*>//; s|</body>|<script>const b=document.querySelectorAll("#applications ~ .scroll button")[6];b.click();b.click()</script></body>|' demo.html >sorted.html
  dom sorted.html >dom.html
  python3 - dom.html <<'PY' || fail "the table does not sort"
import re, sys
section = re.search(r'id="applications".*?</table>', open(sys.argv[1]).read(), re.S)[0]
assert 'aria-sort="ascending"' in section
flows = [int(re.findall(r'data-v="(\d+)"', row)[5]) for row in re.findall(r"<tr>.*?</tr>", section, re.S) if "<td" in row]
assert flows == sorted(flows) and flows[0] < flows[-1], flows
PY
else
  echo "without a browser: chromium is not installed"
fi
echo "the page says what the events say"
