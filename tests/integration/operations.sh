#!/usr/bin/env bash
# Every command that docs/operations.md shows is run here as it stands, with only its placeholders replaced and /etc put into a folder of the
# test; a command that this script does not know fails the test, and the few that need hardware or a running systemd say who runs them.
source "$(dirname "$0")/lib.sh"
for tool in ip unshare ethtool jq sysctl systemd-sysusers systemd-tmpfiles; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
admin=$("$root/tools/private-postgres" start "$work/pg" 2>"$work/pg.err") || { cat "$work/pg.err" >&2; skip "PostgreSQL does not start"; }
cd "$root"
ransomeye-dpi() { "$probe" "$@"; }
here=$work/root; mkdir -p "$here"/etc/{systemd/system,sysusers.d,tmpfiles.d,ransomeye/keys,ransomeye/dpi}; cp /etc/passwd /etc/group "$here/etc/"
done_here=0; elsewhere=0

# act WANTED 'command': runs it in this shell.
act() { local wanted=$1 code=0; eval "$2" >"$work/out" 2>"$work/err" </dev/null || code=$?
        [ "$code" = "$wanted" ] || { cat "$work/out" "$work/err" >&2; fail "exit $code: $2"; }; done_here=$((done_here + 1)); }
# On an interface of its own; a virtual one has no ring to set and no pause frames, and must say just that.
on_interface() {
  local code=0; "${namespace[@]}" bash -c "ip link add name rx0 mtu 9216 type veth peer name tx0 && ${1//IF/rx0}" >"$work/out" 2>"$work/err" || code=$?
  [ $code = 0 ] || grep -qiE "${2:-no excuse}" "$work/err" || { cat "$work/err" >&2; fail "exit $code: $1"; }
  done_here=$((done_here + 1))
}
by() { elsewhere=$((elsewhere + 1)); }

command() {
  case $1 in
    'ransomeye-dpi keys generate FILE') act 0 "${1/FILE/$work/key.pem}" ;;
    'ransomeye-dpi keys show --public FILE') act 0 "${1/FILE/$work/key.pem}"; cp "$work/out" "$work/trusted.pem" ;;
    'ransomeye-dpi keys enrol FILE --role LOGIN -d CONNINFO' | 'ransomeye-dpi keys enrol KEY --role LOGIN -d CONNINFO' | 'ransomeye-dpi keys enrol /etc/ransomeye/keys/mirror.pem --role LOGIN -d CONNINFO')
      # The first time needs the bundle, which the next section installs.
      "$probe" schema apply -d "$admin" >/dev/null
      psql -X -q -At "$admin" -c "select re_core.create_tenant('default') where not exists (select from re_core.tenant)" \
        -c "do \$\$ begin create role probe1 login; grant re_probe to probe1; exception when duplicate_object then null; end \$\$" >/dev/null
      local key=$work/key.pem
      if [ -n "${instance:-}" ]; then  # a key has one instance: this one comes later in the document and gets a new one
        rm -f "$key"; "$probe" keys generate "$key" >/dev/null; "$probe" keys show --public "$key" >"$work/trusted.pem"
      fi
      [[ $1 != */mirror.pem* ]] || key=$here/etc/ransomeye/keys/mirror.pem
      # One active instance a machine: the one before makes room.
      [ -z "${instance:-}" ] || psql -X -q -At "$admin" -c "select re_core.retire_instance('$instance', 'test')" >/dev/null
      act 0 "ransomeye-dpi keys enrol $key --role probe1 -d '$admin'"
      instance=$(cut -d' ' -f1 "$work/out") ;;
    'ransomeye-dpi keys request FILE') act 0 "${1/FILE/$work/key.pem}"; cp "$work/out" "$work/request.json" ;;
    'ransomeye-dpi keys enrol --request FILE --role LOGIN -d CONNINFO')
      [ -z "${instance:-}" ] || psql -X -q -At "$admin" -c "select re_core.retire_instance('$instance', 'test')" >/dev/null
      rm -f "$work/key.pem"; "$probe" keys generate "$work/key.pem" >/dev/null; "$probe" keys request "$work/key.pem" >"$work/request.json"
      "$probe" keys show --public "$work/key.pem" >"$work/trusted.pem"
      act 0 "ransomeye-dpi keys enrol --request '$work/request.json' --role probe1 -d '$admin'"; instance=$(cut -d' ' -f1 "$work/out") ;;
    'ransomeye-dpi keys rotate FILE' | 'ransomeye-dpi keys rotate FILE --finish SPOOL' | 'ransomeye-dpi keys enrol --request ROTATED -d CONNINFO' | 'ransomeye-dpi keys revoke '*) by key_rotation.sh ;;
    'tools/make-packages '* | 'apt install ./'*) by packages.sh ;;
    'ransomeye-dpi setup mirror -i IF -d CONNINFO --dry-run' | 'ransomeye-dpi setup mirror -i IF -d CONNINFO') by setup.sh ;;
    'ransomeye-dpi config check --deep '*) by setup.sh ;;
    'ransomeye-dpi schema plan -d CONNINFO' | 'ransomeye-dpi schema apply -d CONNINFO' | 'ransomeye-dpi schema check -d CONNINFO') act 0 "${1/CONNINFO/\"$admin\"}" ;;
    'ransomeye-dpi schema hash') act 0 "$1"; grep -q "$(cat schemas/0*.sql | sha256sum | cut -c1-64)" "$work/out" || fail "schema hash is not that of the files" ;;
    'ip link set IF up mtu 9216' | 'sysctl net.ipv6.conf.IF.disable_ipv6=1' | 'ethtool -K IF gro off lro off') on_interface "$1" 'cannot change|not supported|could not change' ;;
    'ethtool -G IF rx 4096' | 'ethtool -A IF rx off tx off') on_interface "$1" 'not supported|cannot|no such' ;;
    'intel_iommu=on '* | 'modprobe vfio-pci' | 'dpdk-devbind.py '* | 'chown probe /dev/vfio/GROUP'*) by hardware ;;
    'ransomeye-dpi run -c /etc/ransomeye/dpi.toml --out postgres') sensor ;;
    'install -m 0644 '*) act 0 "${1//\/etc/$here/etc}" ;;
    'systemd-sysusers') act 0 "systemd-sysusers --root='$here'" ;;
    'systemd-tmpfiles --create') act 0 "systemd-tmpfiles --root='$here' --create --dry-run 2>/dev/null || systemd-tmpfiles --cat-config '$here/etc/tmpfiles.d/ransomeye-dpi.conf'" ;;
    'ransomeye-dpi keys generate /etc/'* | 'cp config/dpi.toml /etc/'*) act 0 "${1//\/etc/$here/etc}" ;;
    'systemctl daemon-reload' | 'systemctl enable --now ransomeye-dpi@mirror' | 'systemctl enable --now ransomeye-maintenance.timer') by service_systemd.sh ;;
    'ransomeye-dpi verify FILE.jsonl | SPOOLFOLDER | postgres:CONNINFO '*)
      act 0 "ransomeye-dpi verify '$work/sensor.jsonl'"; act 0 "ransomeye-dpi verify '$work/spool/$sensor_instance' --trust '$work/sensor.pem'"
      act 0 "ransomeye-dpi verify 'postgres:$admin' --instance $sensor_instance" ;;
    'ransomeye-dpi verify postgres:CONNINFO [--rows-only '*)
      for part in --rows-only --chain-only --no-schema; do act 0 "ransomeye-dpi verify 'postgres:$admin' $part"; done ;;
    'ransomeye-dpi verify postgres:CONNINFO --day '*)
      act 0 "ransomeye-dpi verify 'postgres:$admin' --day '$(date -u +%F)'"; act 0 "ransomeye-dpi verify 'postgres:$admin' --instance $sensor_instance --from 0 --to 2" ;;
    'ransomeye-dpi verify SOURCE --prove '*)
      mkdir "$work/proof"; act 0 "ransomeye-dpi verify 'postgres:$admin' --instance $sensor_instance --prove 0 --prove-to '$work/proof'" ;;
    'ransomeye-dpi verify EVENT.json --proof '*) act 0 "ransomeye-dpi verify '$work/proof/'*.json --proof '$work/proof/'*.tlog-proof --trust '$work/sensor.pem'" ;;
    'ransomeye-dpi replay day.pcap '*) demo; mkdir "$work/captures"; mv "$work/demo.pcap" "$work/day.pcap"; ln "$work/day.pcap" "$work/captures/"; act 0 "(cd '$work'; $1)" ;;
    'ransomeye-dpi packets '*)
      local flow; flow=$(jq -r 'select(.envelope.event_type == "dpi.flow") | "\(.envelope.seq) \(.payload.community_id)"' "$work/day.jsonl" | head -1)
      local shown=${1/4711/${flow% *}}; shown=${shown/1:wCb3OG7yAFWelaUydu0D+125CLM=/${flow#* }}
      act 0 "(cd '$work'; ${shown/2026-11-30T10/2023-11-14T22})" ;;
    'ransomeye-dpi spool check '* | 'ransomeye-dpi spool ship '* | 'ransomeye-dpi spool salvage '* | 'ransomeye-dpi spool set-aside '*) by spool_commands.sh ;;
    *) fail "docs/operations.md shows a command that no test runs: $1" ;;
  esac
}

sensor() {
  sensor_instance=$instance; cp "$work/trusted.pem" "$work/sensor.pem"
  printf '[probe]\ninstance = "%s"\n[capture]\ninterfaces = "rx0"\n[signing]\nkey = "%s"\n[spool]\ndir = "%s"\n[service]\nmetrics = ""\n' \
    "$instance" "$work/key.pem" "$work/spool" >"$here/etc/ransomeye/dpi.toml"
  "${namespace[@]}" bash -c "ip link add name rx0 type veth peer name tx0 && ip link set rx0 up && ip link set tx0 up || exit 1
    '$probe' run -c '$here/etc/ransomeye/dpi.toml' --out 'postgres:${admin/user=postgres/user=probe1}' --out jsonl:'$work/sensor.jsonl' 2>'$work/sensor.err' & pid=\$!
    for _ in \$(seq 300); do ! grep -q capturing '$work/sensor.err' || break; sleep 0.1; done
    sleep 1; kill -TERM \$pid; wait \$pid" || { cat "$work/sensor.err" >&2; fail "the sensor"; }
  done_here=$((done_here + 1))
}

while IFS= read -r line <&9; do
  line=${line%%  #*}; line=${line%"${line##*[![:space:]]}"}
  [ -n "$line" ] && [[ $line != '#'* ]] || continue
  # Two commands on a line, but for the verify line, whose bars are alternatives.
  while [[ $line == *'; '* ]] && [[ $line != 'chown probe'* ]]; do command "${line%%; *}"; line=${line#*; }; done
  command "$line"
done 9< <(awk '/^```/ { shown = !shown; text = ($0 ~ /text/); next } shown && !text' docs/operations.md)

# What stands in the text.
sql "select re_core.create_tenant('other')" >/dev/null 2>&1 || true
sql "create role soc1 login" "grant re_soc to soc1" "select re_core.enrol_reader('soc1', 'default')" >/dev/null
act 0 "psql -X -q -At '$admin' -c \"select re_core.approve_version(machine_id, null, null, null, '0.1.0', 'reason') from re_core.component_instance where component_instance_id = '$sensor_instance'\""
act 0 "psql -X -q -At '$admin' -c \"select distinct machine_id, probe_version, encode(build_sha256, 'hex') from re_dpi.heartbeat\""
grep -q "0.1.0|$(sha256sum "$probe" | cut -d' ' -f1)" "$work/out" || fail "no heartbeat names the executable: $(cat "$work/out")"
for option in '' --json --check '--probe 0' --watch=1; do
  code=0; timeout 2 "$probe" status -d "${admin/user=postgres/user=soc1}" $option >"$work/out" 2>"$work/err" || code=$?
  [ -s "$work/out" ] || { [ "$option" = '--probe 0' ] && grep -q "no probe begins with" "$work/err"; } || fail "status $option prints nothing"
  done_here=$((done_here + 1))
done
[ $done_here -ge 25 ] || fail "only $done_here commands were found in docs/operations.md"
echo "$done_here commands run, $elsewhere that need hardware or systemd are run by service_systemd.sh or not at all"
