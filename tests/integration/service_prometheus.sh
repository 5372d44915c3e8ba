#!/usr/bin/env bash
# Debian's Prometheus scrapes a running sensor with our configuration: both formats are accepted, every query of the dashboard gives data, every alert
# rule is tested and evaluated, and none fires on a sensor that is well.
source "$(dirname "$0")/lib.sh"
for tool in curl ip unshare tcpreplay ethtool python3 prometheus promtool; do
  PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"
done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
demo; cd "$work"; mkdir keys conf
cp "$root"/config/prometheus/*.yml conf
run 0 promtool check config conf/prometheus.yml
run 0 promtool check rules conf/alerts.yml
run 0 promtool test rules conf/alerts_test.yml
# Minutes become seconds, so that what would fire does.
sed -i 's/_interval: 10s/_interval: 1s/' conf/prometheus.yml
sed -Ei 's/( for: [0-9]+)m$/\1s/' conf/alerts.yml
[ "$(grep -c 'for: .*m$' conf/alerts.yml)" = 0 ] || fail "an alert still waits for minutes"

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
TOML
cat >inside.sh <<'SH'
set -euo pipefail
started=()
trap 'for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done; wait' EXIT
ip link set lo up
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
"$probe" run -c conf/dpi.toml --out spool >probe.out 2>probe.err & probe_pid=$!; started+=($probe_pid)
# Sent once more before it is over: the namespace ends with this script.
(while tcpreplay -q -t -i tx0 demo.pcap >/dev/null 2>&1; do sleep 0.2; done) & started+=($!)
prometheus --config.file=conf/prometheus.yml --storage.tsdb.path=tsdb --web.listen-address=127.0.0.1:9090 --log.level=warn >prometheus.log 2>&1 &
started+=($!)
# It is there when it says that it is ready.
curl -fsS --retry 30 --retry-connrefused --retry-delay 1 --max-time 60 http://127.0.0.1:9477/readyz >/dev/null 2>&1
python3 "$root/tests/integration/service_prometheus.py" "$root" 127.0.0.1:9090 127.0.0.1:9477 $probe_pid
SH
export probe root
"${namespace[@]}" bash inside.sh || { tail -n 20 probe.err prometheus.log >&2 || true; fail "Prometheus"; }
