# Sourced by the live capture tests: capture_X.sh CAPTURE_DUMP. Runs the test again as root of a network namespace of its own, with
# two interfaces that are wired together: what is sent on tx0 arrives at rx0.
set -euo pipefail
dump=$(readlink -f "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; for f in "$work"/*.out; do [ ! -f "$f" ] || { echo "-- $f" >&2; tail -5 "$f" >&2; }; done; exit 1; }

for tool in ip unshare tcpreplay ethtool python3; do
  PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || skip "$tool is not installed"
done
export PATH=$PATH:/usr/sbin:/sbin
if [ -z "${DPI_CAPTURE_NAMESPACE:-}" ]; then
  unshare -Urn true 2>/dev/null || skip "user namespaces are not allowed here (unshare -Urn)"
  DPI_CAPTURE_NAMESPACE=1 exec unshare -Urn bash "$0" "$@"
fi

work=$(mktemp -d /tmp/dpi-test.XXXXXX)
stop() { local j; j=$(jobs -p); [ -z "$j" ] || kill $j 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT

# wire [MTU]: the two interfaces, silent and without offloads.
wire() {
  ip link add tx0 mtu "${1:-1500}" type veth peer name rx0 mtu "${1:-1500}" || skip "veth interfaces cannot be made here"
  for i in tx0 rx0; do
    ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true
    ip link set $i arp off addrgenmode none up
  done
}
unwire() { ip link del tx0; }
flows() { python3 "$root/tests/support/make_flows.py" "$@"; }

# await FILE PATTERN: until a line says so; a minute at most, by rounds and not by a clock.
await() {
  for _ in $(seq 600); do ! grep -q -- "$2" "$1" 2>/dev/null || return 0; sleep 0.1; done
  fail "nothing says '$2' in $1"
}
# begin NAME ARGUMENT…: capture_dump in the background, its output in $work/NAME.out; returns when it captures.
begin() {
  local name=$1; shift
  "$dump" "$@" >"$work/$name.out" 2>&1 &
  reader=$!
  for _ in $(seq 600); do
    ! grep -q '^READY' "$work/$name.out" || return 0
    ! grep -q '^ERROR' "$work/$name.out" || fail "$(cat "$work/$name.out")"
    sleep 0.1
  done
  fail "$name did not begin"
}
# send FILE [PACKETS_PER_SECOND]
send() { tcpreplay -q -i tx0 --pps="${2:-20000}" "$1" >"$work/tcpreplay.out" 2>&1 || { cat "$work/tcpreplay.out" >&2; fail "tcpreplay"; }; }
# finish NAME: waits for the reader; then value NAME KEY gives its totals.
finish() { wait "$reader" || fail "$1 ended with an error"; ! grep -q '^DEADLINE' "$work/$1.out" || fail "$1: its packets never came"; }
value() { sed -n "s/.* $2=\([^ ]*\).*/\1/p;s/^$2=\([^ ]*\).*/\1/p" "$work/$1.out" | tail -1; }
is() { [ "$(value "$1" "$2")" = "$3" ] || fail "$1: $2 is $(value "$1" "$2"), not $3"; }
