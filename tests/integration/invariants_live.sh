#!/usr/bin/env bash
# The invariants of invariants.sh in a live sensor with two fronts: the two directions of damaged captures (of the recipes, and of the corpus
# where it is here) come over two wires at once, to 1 to 3 workers. The ledger closes, flows add up to the packets, DNS rows to the
# messages, no interface counts more than was sent to it, and the chain is intact. SECONDS_EACH (5) of sending, SEED (1).
source "$(dirname "$0")/lib.sh"
for tool in ip unshare python3 ethtool; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
cd "$work"; mkdir keys captures
run 0 "$probe" spec build "$root/pcaps-spec" --to captures
[ ! -d "$corpus" ] || ln -s "$(readlink -f "$corpus")" captures/corpus
run 0 "$probe" keys generate keys/key.pem
cat >dpi.toml <<TOML
[probe]
instance = "01920000-0000-7000-8000-000000000002"
[capture]
interfaces = "rx0 rx1"
[heartbeat]
interval_s = 1
[signing]
key = "$work/keys/key.pem"
TOML
cat >inside.sh <<'SH'
set -euo pipefail
for n in 0 1; do
  ip link add tx$n mtu 65535 type veth peer name rx$n mtu 65535
  for i in tx$n rx$n; do ethtool -K $i gro off gso off tso off rx off tx off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
done
broken=0
for workers in 1 2 3; do python3 "$root/tests/integration/invariants_live.py" "$probe" . $workers "${SECONDS_EACH:-5}" "${SEED:-1}" || broken=1; done
exit $broken
SH
export probe root
"${namespace[@]}" bash inside.sh || fail "an invariant"
