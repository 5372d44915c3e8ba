#!/usr/bin/env bash
# tunnels.sh PROBE [CAPTURE…]: the innermost header decides. Every capture, or those of the recipes of dns/, tcp/, flow/ and app/, gives the
# same facts in every kind of tunnel and behind every kind of tag, but for what says which tunnel it was.
source "$(dirname "$0")/lib.sh"
shift; cd "$work"
if [ $# = 0 ]; then
  run 0 "$probe" spec build "$root"/pcaps-spec/{dns,tcp,flow,app} --to captures
  set -- captures/*.pcap
fi
# facts FOLDER: of all captures of that folder, one chain. Without the tunnel's own flow, under which frames without IP are counted: what
# belongs inside and is counted there is missing on the other side.
facts() {
  { "$probe" replay "$1" --out jsonl:- 2>/dev/null || [ $? = 3 ]; } |  # 3: a damaged capture among the others
    jq -c 'select(.envelope and (.envelope.event_type | startswith("dpi."))) |
           .payload | select(.dst_ip != "172.31.255.2" and .dst_ip != "::2") | del(.encapsulations, .tunnel_type, .tunnel_id, .tunnel_src_ip, .tunnel_dst_ip, .vlan_ids)' | sort
}
kinds=0
for kind in $("$root/tests/support/wrap_pcap.py" --kinds); do
  rm -rf plain inside; mkdir plain inside
  "$root/tests/support/wrap_pcap.py" "$kind" plain inside "$@"
  [ -n "$(ls plain)" ] || continue
  facts plain >plain.facts; facts inside >inside.facts
  [ -s plain.facts ] || fail "no facts to compare in $kind"
  diff plain.facts inside.facts >difference || { head -c 3000 difference >&2; fail "$kind: $(grep -c '^[<>]' difference) facts differ"; }
  kinds=$((kinds + 1))
done
[ $kinds -gt 0 ] || fail "no capture that can be wrapped"
echo "$(wc -l <plain.facts) facts, the same in $kinds kinds of tunnels and tags"
