#!/usr/bin/env bash
# `interfaces` lists what can be captured, without a privilege, in 80 columns and as JSON.
source "$(dirname "$0")/lib.sh"
run 0 "$probe" interfaces; says '^AF_PACKET'; says '^DPDK'
if [ -e /sys/class/net/lo ]; then says '^  lo '; fi
wide=$(sed '/ethtool\|plugin/d' "$work/out" | awk 'length > 80' | sed -n 1p)
[ -z "$wide" ] || fail "more than 80 columns: $wide"
run 0 "$probe" interfaces --json
python3 - "$work/out" <<'PY' || fail "interfaces --json"
import json, sys
all = json.load(open(sys.argv[1]))
assert set(all) == {"af_packet", "dpdk"} and set(all["dpdk"]) == {"plugin", "huge_pages", "devices"}
for i in all["af_packet"]:
    assert i["link"] in ("up", "down", "no carrier") and i["mtu_bytes"] > 0 and isinstance(i["capturable"], bool)
    assert (i["remedy"] == "") or i["remedy"].startswith("ethtool -K " + i["name"])
PY

# In a namespace of its own: a wire whose offloads falsify, and the command that ends that.
PATH=$PATH:/usr/sbin:/sbin
command -v ip >/dev/null && command -v ethtool >/dev/null && unshare -Urn ip link add tx0 type veth peer name rx0 2>/dev/null ||
  { echo "note: no namespaces or no ip or ethtool here, offloads were not tried"; exit 0; }
run 0 unshare -Urn bash -c 'ip link add tx0 type veth peer name rx0; ip link set rx0 up; ethtool -K rx0 gro off tso on gso on >/dev/null
  "$0" interfaces' "$probe"
says 'rx0 +no carrier .* veth .* tso,gso'; says '^    ethtool -K rx0 tso off gso off$'; says '^    ip link set tx0 up$'
run 0 unshare -Urn bash -c 'ip link add tx0 type veth peer name rx0; ethtool -K rx0 gro off tso off gso off >/dev/null; "$0" interfaces' "$probe"
says '^  rx0 .* -$'
