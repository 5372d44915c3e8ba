#!/usr/bin/env bash
# The files of config/ are what systemd wants: units verify, little is exposed, users and folders can be made, the timer's statement runs with the
# rights that its comment asks for.
source "$(dirname "$0")/lib.sh"
for tool in systemd-analyze systemd-sysusers systemd-tmpfiles; do command -v $tool >/dev/null || skip "$tool is not installed"; done
cd "$work"
# Verified as an instance, with the program where it is here.
for instance in mirror tap-2; do
  sed "s#/usr/bin/ransomeye-dpi#$probe#" "$root/config/systemd/ransomeye-dpi@.service" >"ransomeye-dpi@$instance.service"
  run 0 systemd-analyze verify "$work/ransomeye-dpi@$instance.service"
  # Noise of this systemd about calls that its libseccomp does not know is not about our file.
  ! grep -v "Failed to parse system call, ignoring" err | grep . || fail "systemd-analyze verify complains"
done
run 0 systemd-analyze security --offline=true --threshold=20 "$work/ransomeye-dpi@mirror.service"
grep Overall out
cp "$root"/config/systemd/ransomeye-maintenance.* .
[ -x /usr/bin/psql ] || sed -i 's#/usr/bin/psql#/bin/true#' ransomeye-maintenance.service
run 0 systemd-analyze verify "$work/ransomeye-maintenance.service" "$work/ransomeye-maintenance.timer"
run 0 systemd-analyze security --offline=true --threshold=20 "$work/ransomeye-maintenance.service"
grep Overall out
run 0 systemd-analyze calendar --iterations=1 "$(sed -n 's/^OnCalendar=//p' ransomeye-maintenance.timer)"

# Nothing in the units that the probe does not know.
for command in run 'config check'; do
  # shellcheck disable=SC2086
  run 0 "$probe" $command --help
  for option in $(grep -E "^Exec.*ransomeye-dpi $command " "$root/config/systemd/ransomeye-dpi@.service" | grep -o ' --[a-z]*' | sort -u); do
    says "$option[ ,]"
  done
done

# Every event of the log stands in the table that operators are given, and nothing else does.
said=$(grep -rhoE '[.]event = "[a-z_]+"' "$root/probe" | cut -d'"' -f2 | sort -u)
told=$(sed -n '/^### Log/,/^## /s/^| \([a-z_]*\) | .*/\1/p' "$root/docs/operations.md" | grep -v '^event$' | sort -u)
[ "$said" = "$told" ] || fail "events of the log and of docs/operations.md: $(diff <(echo "$said") <(echo "$told"))"

# In folders of their own; chown there needs root.
mkdir -p made/etc
run 0 systemd-sysusers --root="$work/made" "$root/config/sysusers.d/ransomeye-dpi.conf"
for user in ransomeye-dpi ransomeye-maintenance; do grep -q "^$user:.*:/usr/sbin/nologin$" made/etc/passwd || fail "no user $user"; done
if [ "$(id -u)" = 0 ]; then
  run 0 systemd-tmpfiles --root="$work/made" --create "$root/config/tmpfiles.d/ransomeye-dpi.conf"
  group=$(sed -n 's/^ransomeye-dpi:x:\([0-9]*\):.*/\1/p' made/etc/group)
  touch made/etc/ransomeye/dpi/mirror.toml made/etc/ransomeye/keys/mirror.pem; chmod 0666 made/etc/ransomeye/*/mirror.*
  run 0 systemd-tmpfiles --root="$work/made" --create "$root/config/tmpfiles.d/ransomeye-dpi.conf"
  modes=$(cd made/etc && stat -c '%n %a %u %g' ransomeye ransomeye/dpi ransomeye/dpi/mirror.toml ransomeye/keys ransomeye/keys/mirror.pem)
  [ "$modes" = "ransomeye 755 0 0
ransomeye/dpi 750 0 $group
ransomeye/dpi/mirror.toml 640 0 $group
ransomeye/keys 700 0 0
ransomeye/keys/mirror.pem 400 0 0" ] || fail "modes: $modes"
fi

# The timer's statement, as a login with re_retention alone.
[ -x /usr/bin/psql ] || skip "psql is not installed: everything but the timer's statement was tested"
database
sql "create role maintenance login" "grant re_retention to maintenance"
eval "command=($(sed -n 's/^ExecStart=//p' "$root/config/systemd/ransomeye-maintenance.service"))"
printf '[ransomeye-maintenance]\n%s\n' "$(tr ' ' '\n' <<<"${admin/user=postgres/user=maintenance}")" >service.conf
run 0 env PGSERVICEFILE="$work/service.conf" "${command[@]}"
[ "$(sql "select bool_or(alarm) from re_ops.partition_horizon")" = f ] || fail "partitions are missing"
