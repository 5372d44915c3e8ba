#!/usr/bin/env bash
# What a service manager hears and sees of a running sensor: ready, status, reloading, signs of life that end when the capture thread stands still,
# stopping; lines for the journal; no rights left.
source "$(dirname "$0")/lib.sh"
for tool in ip unshare python3; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
cd "$work"; mkdir keys conf
run 0 "$probe" keys generate keys/key.pem
cat >conf/dpi.toml <<TOML
[probe]
instance = "11111111-2222-4333-8444-555555555555"
[capture]
interfaces = "rx0"
[heartbeat]
interval_s = 1
[signing]
key = "$work/keys/key.pem"
[spool]
dir = "$work/spool"
[service]
metrics = "127.0.0.1:0"
TOML
cat >inside.sh <<'SH'
set -euo pipefail
ip link set lo up
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ip link set $i arp off addrgenmode none up; done
exec python3 "$root/tests/integration/service_notify.py" "$probe" conf/dpi.toml
SH
export probe root
"${namespace[@]}" bash inside.sh || { cat probe.log >&2 || true; fail "the service manager"; }
run 0 "$probe" verify "$work/spool/11111111-2222-4333-8444-555555555555"
