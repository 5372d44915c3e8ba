#!/usr/bin/env bash
# The unit under a systemd of its own (in namespaces, on an overlay of this system, in a cgroup of its own): users and folders are made, two sensors
# start, keep their files apart, reload, come back after a crash, stay down with a wrong configuration, stop; the journal has what they say.
source "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "only root can start a systemd of its own"
for tool in unshare pivot_root systemctl journalctl systemd-sysusers systemd-tmpfiles ip jq; do
  PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"
done
[ -x /lib/systemd/systemd ] || skip "no systemd"
export PATH=$PATH:/usr/sbin
unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$unified" ] || skip "no cgroup2"
group=$unified$(sed -n 's/^0:://p' /proc/self/cgroup)/dpi-test.$$
mkdir "$group" 2>/dev/null || skip "no cgroup can be made"
end() { find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true; cleanup; }
trap end EXIT

cd "$work"; mkdir root share
cp -r "$root/config" share/config
cp "$probe" share/ransomeye-dpi
cat >share/trial.sh <<'SH'
set -euo pipefail
fail() { echo "FAILED: $*"; journalctl --no-pager -n 40 -o cat; exit 1; }
await() { for _ in $(seq 300); do ! "$@" || return 0; sleep 0.1; done; fail "not within 30 s: $*"; }
show() { systemctl show -p "$2" --value "ransomeye-dpi@$1"; }
is() { [ "$(show "$1" "$2")" = "$3" ]; }
# No reader leaves early: a writer that notices would fail the pipe.
said() { journalctl --no-pager -u "ransomeye-dpi@$1" -o cat | grep "^event=$2 " >/dev/null; }
as_probe() { setpriv --reuid=ransomeye-dpi --regid=ransomeye-dpi --clear-groups "$@"; }

systemd-sysusers /etc/sysusers.d/ransomeye-dpi.conf
systemd-tmpfiles --create /etc/tmpfiles.d/ransomeye-dpi.conf
ip link set lo up
ip link add tx0 type veth peer name rx0; ip link set tx0 up; ip link set rx0 up
for i in mirror tap wrong; do
  ransomeye-dpi keys generate /etc/ransomeye/keys/$i.pem >/dev/null
  cat >/etc/ransomeye/dpi/$i.toml <<TOML
[probe]
instance = "$(cat /proc/sys/kernel/random/uuid)"
[capture]
interfaces = "rx0"
[heartbeat]
interval_s = 1
[workers]
cpus = "0"
[service]
metrics = "/run/ransomeye-dpi/$i/metrics.sock"
TOML
  mkdir -p "/etc/systemd/system/ransomeye-dpi@$i.service.d"
  printf '[Service]\nEnvironment=OUT=jsonl:/var/lib/ransomeye-dpi/%s/events.jsonl\n' $i >"/etc/systemd/system/ransomeye-dpi@$i.service.d/out.conf"
done
echo 'colour = "blue"' >>/etc/ransomeye/dpi/wrong.toml
systemd-tmpfiles --create /etc/tmpfiles.d/ransomeye-dpi.conf  # modes of what was put there
[ "$(stat -c '%a %U %G' /etc/ransomeye/dpi/mirror.toml /etc/ransomeye/keys/mirror.pem | paste -sd,)" = "640 root ransomeye-dpi,400 root root" ] || fail "modes"
! as_probe cat /etc/ransomeye/keys/mirror.pem 2>/dev/null || fail "the probe's user reads keys where they are kept"
systemctl daemon-reload

systemctl start ransomeye-dpi@mirror ransomeye-dpi@tap || fail "not started"
for i in mirror tap; do
  is $i ActiveState active || fail "$i is $(show $i ActiveState)"
  [[ $(show $i StatusText) == *packets* ]] || fail "$i has no status: $(show $i StatusText)"
  pid=$(show $i MainPID)
  [ "$(stat -c '%a %U' "/run/credentials/ransomeye-dpi@$i.service/signing.pem")" = "400 ransomeye-dpi" ] || fail "the key's copy"
  [ "$(ps -o user= -p $pid)" = ransomeye-dpi ] || [ "$(stat -c %U /proc/$pid)" = ransomeye-dpi ] || fail "runs as somebody else"
  [ "$(grep -cE '^Cap(Inh|Prm|Eff|Amb):[[:space:]]*0+$' /proc/$pid/status)" = 4 ] || fail "$i has capabilities"
  grep -qE '^NoNewPrivs:[[:space:]]*1' /proc/$pid/status || fail "new privileges"
  [ -n "$(find /var/lib/ransomeye-dpi/$i/ransomeye-dpi/spool -mindepth 1 -maxdepth 1 -type d)" ] || fail "no spool of $i"
  # A worker is a process of the service's supervisor.
  for each in $(cat /sys/fs/cgroup"$(show $i ControlGroup)"/cgroup.procs); do cat /proc/$each/status; done | grep -E '^Cpus_allowed_list:[[:space:]]*0$' >/dev/null || fail "no worker of $i is on processor 0"
done
if command -v curl >/dev/null; then
  [ "$(curl -sS --max-time 10 --unix-socket /run/ransomeye-dpi/tap/metrics.sock http://localhost/readyz)" = ok ] || fail "not ready"
fi

sed -i 's/^interval_s = 1/interval_s = 2/' /etc/ransomeye/dpi/mirror.toml
systemctl reload ransomeye-dpi@mirror || fail "no reload"
is mirror ActiveState active || fail "$(show mirror ActiveState) after a reload"
await said mirror reloaded
priority=$(journalctl --no-pager -u ransomeye-dpi@mirror -o json | jq -r 'select(.MESSAGE | startswith("event=reloaded ")) | .PRIORITY')
[ "$priority" = 5 ] || fail "reloaded without its priority"

# A wrong configuration fails the reload, is told, and changes nothing.
cp /etc/ransomeye/dpi/mirror.toml /tmp/mirror.toml
for wrong in 'interval_s = 0' 'intervall_s = 3'; do
  sed -i "s/^interval_s = 2/$wrong/" /etc/ransomeye/dpi/mirror.toml
  ! systemctl reload ransomeye-dpi@mirror 2>/dev/null || fail "a reload with '$wrong' succeeds"
  is mirror ActiveState active || fail "$(show mirror ActiveState) after a reload that failed"
  cp /tmp/mirror.toml /etc/ransomeye/dpi/mirror.toml
done
journalctl --no-pager -u ransomeye-dpi@mirror -o cat | grep -q 'did you mean heartbeat.interval_s' || fail "nobody says what was meant"
[ "$(journalctl --no-pager -u ransomeye-dpi@mirror -o cat | grep -c '^event=reloaded ')" = 1 ] || fail "a wrong configuration was taken"

systemctl kill -s SEGV ransomeye-dpi@tap
await is tap NRestarts 1
await is tap ActiveState active

! systemctl start ransomeye-dpi@wrong 2>/dev/null || fail "a wrong configuration starts"
await is wrong ActiveState failed
is wrong NRestarts 0 || fail "a wrong configuration is tried again"
await said wrong failed

systemctl stop ransomeye-dpi@mirror ransomeye-dpi@tap
is mirror Result success || fail "stopped: $(show mirror Result)"
said mirror stopping || fail "no word of stopping"
for i in mirror tap; do
  as_probe ransomeye-dpi verify /var/lib/ransomeye-dpi/$i/ransomeye-dpi/spool/*-*-*-*-* || fail "the chain of $i"
  # What ProtectClock would take away.
  grep -q '"event_type":"health.heartbeat".*clock_synced' /var/lib/ransomeye-dpi/$i/events.jsonl || fail "heartbeats of $i say nothing of the clock"
done
echo "the units are right"
SH
cat >inside.sh <<'SH'
set -euo pipefail
r=$work/root n=$work/root/merged
mount --make-rprivate /
mount -t tmpfs tmpfs "$r"
mkdir "$r/upper" "$r/work" "$n"
mount -t overlay overlay -o "lowerdir=/,upperdir=$r/upper,workdir=$r/work" "$n"
mount -t proc proc "$n/proc"
mount --bind "$n/proc/sys" "$n/proc/sys"; mount -o remount,bind,ro "$n/proc/sys"  # this system's settings are not ours
mount -t sysfs -o ro sysfs "$n/sys"
mount -t cgroup2 cgroup2 "$n/sys/fs/cgroup"
for i in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$n/$i"; done
chmod 1777 "$n/tmp"
for i in null zero full random urandom tty; do touch "$n/dev/$i"; mount --bind "/dev/$i" "$n/dev/$i"; done
mkdir "$n/dev/shm" "$n/dev/pts"; mount -t tmpfs tmpfs "$n/dev/shm"; mount -t devpts -o newinstance devpts "$n/dev/pts"
ln -s pts/ptmx "$n/dev/ptmx"; ln -s /proc/self/fd "$n/dev/fd"
mount --bind "$work/share" "$n/mnt"
rm -rf "$n"/etc/systemd/system "$n"/etc/ransomeye "$n"/var/lib/ransomeye-dpi
mkdir -p "$n"/etc/systemd/system "$n"/etc/sysusers.d "$n"/etc/tmpfiles.d
cp share/config/systemd/* "$n/etc/systemd/system"
cp share/config/sysusers.d/* "$n/etc/sysusers.d"; cp share/config/tmpfiles.d/* "$n/etc/tmpfiles.d"
cp share/ransomeye-dpi "$n/usr/bin/ransomeye-dpi"
# Nothing else of this system is started, so nothing may be waited for. A sanitizer's leak check is a debugger, which the unit forbids.
mkdir "$n/etc/systemd/system/ransomeye-dpi@.service.d"
printf '[Unit]\nDefaultDependencies=no\nAfter=\n[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n' >"$n/etc/systemd/system/ransomeye-dpi@.service.d/alone.conf"
printf '[Unit]\nDefaultDependencies=no\nRequires=systemd-journald.service trial.service\n' >"$n/etc/systemd/system/trial.target"
cat >"$n/etc/systemd/system/trial.service" <<UNIT
[Unit]
DefaultDependencies=no
Requires=systemd-journald.service
After=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/bash /mnt/trial.sh
StandardOutput=append:/mnt/out
StandardError=append:/mnt/out
ExecStopPost=/bin/systemctl --force --force poweroff
UNIT
cd "$n"; mkdir before; pivot_root . before
exec env -i container=trial PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c 'umount -l /before; mount --make-rshared /
  exec /lib/systemd/systemd --system --unit=trial.target --show-status=no'
SH
export work
namespaces=(unshare --mount --pid --fork --kill-child --ipc --uts --net --cgroup)
(echo $BASHPID >"$group/cgroup.procs" && exec "${namespaces[@]}" true) 2>/dev/null || skip "namespaces or cgroups are not allowed here"
(echo $BASHPID >"$group/cgroup.procs"; exec timeout -s KILL 240 "${namespaces[@]}" bash inside.sh) >console 2>&1 || true  # poweroff ends it by a signal
[ -f share/out ] || { tail -n 5 console; skip "no systemd of its own can be started here"; }
grep "^the units are right$" share/out || { cat share/out >&2; fail "the units"; }
