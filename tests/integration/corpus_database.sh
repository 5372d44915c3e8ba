#!/usr/bin/env bash
# Every capture of the corpus goes into the database: nothing that the probe says is refused, and the rows are those of the JSON lines.
# One chain over all files, and one per file.
source "$(dirname "$0")/lib.sh"
[ -d "$corpus" ] || skip "the corpus is not here ($corpus); DPI_PCAPS names another folder"
mapfile -t captures < <(find "$corpus" -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' -o -name '*.trace' -o -name '*.dmp' \) | LC_ALL=C sort)
[ ${#captures[@]} -gt 0 ] || skip "no capture in $corpus"
cd "$work"; database

# A damaged or empty capture ends a replay with 3; those are other tests' matter.
whole=()
for capture in "${captures[@]}"; do
  code=0
  "$probe" replay "$capture" --out jsonl:one.jsonl >out 2>err </dev/null || code=$?
  case $code in
    0) whole+=("$capture") ;;
    3) ;;
    *) cat err >&2; fail "exit $code: replay $capture" ;;
  esac
done
[ $((${#captures[@]} - ${#whole[@]})) -le $((${#captures[@]} / 10)) ] || fail "only ${#whole[@]} of ${#captures[@]} captures can be read"

# One chain over everything.
run 0 "$probe" replay "${whole[@]}" --out jsonl:all.jsonl --out "postgres:$writer"
events=$(grep -c '^{"envelope"' all.jsonl)
says "$events events stored, 0 were there"
rows() { sql "select count(*) from re_dpi.$1"; }
same() { [ "$1" = "$2" ] || fail "$3: the file says $1, the database $2"; }
same "$events" "$(sql "select count(*) from re_raw.raw_event")" events
for kind in dpi.flow:flow dpi.dns:dns health.heartbeat:heartbeat probe.start:probe_start probe.stop:probe_stop; do
  same "$(grep -c "\"event_type\":\"${kind%:*}\",\"event_version\"" all.jsonl || true)" "$(rows "${kind#*:}")" "${kind%:*}"
done
# The lists too: every element is a row, and its text is the same.
python3 - all.jsonl >wanted <<'PY'
import json, sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if "envelope" not in e:
        continue
    seq, kind, p = e["envelope"]["seq"], e["envelope"]["event_type"], e["payload"]
    def put(table, *v):
        print(seq, table, *("" if x is None else x for x in v), sep="|")
    if kind == "dpi.flow":
        for i, v in enumerate(p["vlan_ids"]): put("flow_vlan", i, v)
        for i, v in enumerate(p["encapsulations"]): put("flow_encapsulation", i, v)
        for v in p["risks"]: put("flow_risk", v)
        for v in p.get("anomalies", []): put("flow_anomaly", v)
        for i, v in enumerate(p.get("splt", [])): put("flow_packet", i, v["bytes"], v["gap_us"])
    elif kind == "dpi.dns":
        for i, v in enumerate(p["questions"]): put("dns_question", i, v["name"], v["type"], v["class"])
        for i, v in enumerate(p.get("records", [])): put("dns_record", i, v["section"], v["name"], v["type"], v["class"], v["ttl"], v["data"])
        for i, v in enumerate(p.get("edns", {}).get("options", [])): put("dns_edns_option", i, v["code"], v["data"])
        for v in p.get("anomalies", []): put("dns_anomaly", v)
    elif kind == "health.heartbeat":
        for v in p["reasons"]: put("heartbeat_reason", v)
        for v in p["anomalies"]: put("heartbeat_anomaly", v["name"], v["count"])
        for v in p["events"]: put("heartbeat_event", v["event_type"], v["sealed"], v["shed"])
        for v in p["losses"]: put("heartbeat_loss", v["cause"], v["packets"], v["bytes"], v["events"])
        for v in p["interfaces"]: put("heartbeat_interface", v["name"], v["kind"], v["packets"], v["bytes"])
PY
sql "select concat_ws('|', seq, x) from (
       select seq, concat_ws('|', 'flow_vlan', position, vlan_id) from re_dpi.flow_vlan
       union all select seq, concat_ws('|', 'flow_encapsulation', position, encapsulation) from re_dpi.flow_encapsulation
       union all select seq, concat_ws('|', 'flow_risk', risk) from re_dpi.flow_risk
       union all select seq, concat_ws('|', 'flow_anomaly', anomaly) from re_dpi.flow_anomaly
       union all select seq, concat_ws('|', 'flow_packet', position, bytes, gap_us) from re_dpi.flow_packet
       union all select seq, concat_ws('|', 'dns_question', position, name, type, class) from re_dpi.dns_question
       union all select seq, concat_ws('|', 'dns_record', position, section, name, type, class, ttl, data) from re_dpi.dns_record
       union all select seq, concat_ws('|', 'dns_edns_option', position, code, data) from re_dpi.dns_edns_option
       union all select seq, concat_ws('|', 'dns_anomaly', anomaly) from re_dpi.dns_anomaly
       union all select seq, concat_ws('|', 'heartbeat_reason', reason) from re_dpi.heartbeat_reason
       union all select seq, concat_ws('|', 'heartbeat_anomaly', name, count) from re_dpi.heartbeat_anomaly
       union all select seq, concat_ws('|', 'heartbeat_event', event_type, sealed, shed) from re_dpi.heartbeat_event
       union all select seq, concat_ws('|', 'heartbeat_loss', cause, packets, bytes, events) from re_dpi.heartbeat_loss
       union all select seq, concat_ws('|', 'heartbeat_interface', name, kind, packets, bytes) from re_dpi.heartbeat_interface) r(seq, x)" >found
cmp <(LC_ALL=C sort wanted) <(LC_ALL=C sort found) || { diff <(LC_ALL=C sort wanted) <(LC_ALL=C sort found) | head -20 >&2; fail "child rows differ from the payloads"; }
[ -s wanted ] || fail "no list in the whole corpus"
run 0 "$probe" verify "postgres:$admin"

# A chain per file: each begins and ends by itself.
for capture in "${whole[@]}"; do
  run 0 "$probe" replay "$capture" --out "postgres:$writer"
  says 'events stored, [0-9]+ were there'
done
same 0 "$(sql "select count(*) from re_raw.chain_violation")" "refused batches"
same "$(sha256sum "${whole[@]}" | cut -c1-64 | sort -u | wc -l)" "$(($(sql "select count(*) from re_core.component_instance") - 1))" "chains"
same "$(rows flow)" "$(sql "select count(*) from re_raw.raw_event where event_type = 'dpi.flow'")" "flows of all chains"
same "$(rows dns)" "$(sql "select count(*) from re_raw.raw_event where event_type = 'dpi.dns'")" "transactions of all chains"
echo "${#whole[@]} captures, $(sql "select count(*) from re_raw.raw_event") events, nothing refused"
