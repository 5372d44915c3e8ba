#!/usr/bin/env bash
# From nothing to a checked sensor: `setup` says what it would do, does it, and does it again without harm; `config check --deep` finds what
# `run` would refuse; a key is enrolled where it does not lie.
source "$(dirname "$0")/lib.sh"
for tool in ip unshare; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
admin=$("$root/tools/private-postgres" start "$work/pg" 2>"$work/pg.err") || { cat "$work/pg.err" >&2; skip "PostgreSQL does not start"; }
cd "$work"
server=${admin/dbname=postgres/dbname=sensors}

run 0 "$probe" setup --dry-run mirror -i lo -d "$server" --folder "$work/etc" --role probe1 --reader soc1
for what in 'create database "sensors"' 'create role "probe1" login' 'grant re_probe' "create_tenant\('default'\)" "enrol_reader\('soc1', 'default'\)" \
  enrol_instance 'keys/mirror.pem' 'interfaces = "lo"' 'ransomeye-dpi@mirror'; do says "$what"; done
[ ! -e etc ] || fail "--dry-run writes files"
[ -z "$(psql -X -At "$admin" -c "select 1 from pg_database where datname = 'sensors'")" ] || fail "--dry-run makes a database"

run 0 "$probe" setup mirror -i lo -d "$server" --folder "$work/etc" --role probe1 --reader soc1
says "^ok +capture.interfaces +lo"; says "^ok +database +instance is enrolled, 0 events so far"; says "0 errors"
[ "$(stat -c %a etc/keys/mirror.pem)" = 400 ] || fail "the key's mode"
cp etc/dpi/mirror.toml first.toml
run 0 "$probe" setup mirror -i lo -d "$server" --folder "$work/etc" --role probe1 --reader soc1; says "stays as it is"
cmp first.toml etc/dpi/mirror.toml || fail "a second setup changes the configuration"
run 0 "$probe" status -d "${server/user=postgres/user=soc1}"; says "enrolled"
run 2 "$probe" setup '../x' -i lo -d "$server" --folder "$work/etc"

# It captures, and its canary comes through to the row. What systemctl does is done by a stand-in here.
if unshare -Urn true 2>/dev/null || [ "$(id -u)" = 0 ]; then
  namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
  mkdir bin
  cat >bin/systemctl <<SH
#!/usr/bin/env bash
[ "\$*" = "enable --now ransomeye-dpi@mirror" ] || exit 1
ip link set lo up
"$probe" run -c etc/dpi/mirror.toml --key etc/keys/mirror.pem --set heartbeat.interval_s=1 --set service.metrics= --set spool.dir=$work/spool \
  --out postgres 2>sensor.err & echo \$! >sensor.pid
SH
  chmod +x bin/systemctl
  run 0 "${namespace[@]}" env PATH="$work/bin:$PATH" bash -c '"$@"; code=$?; kill -TERM "$(cat sensor.pid)"; while kill -0 "$(cat sensor.pid)" 2>/dev/null; do sleep 0.1; done; exit $code' _ \
    "$probe" setup mirror -i lo -d "$server" --folder "$work/etc" --role probe1 --reader soc1 --start
  says "its canary came through to its row after [0-9]+ s"
  run 0 "$probe" diff "postgres:$server#$(sed -n 's/^instance = "\(.*\)"/\1/p' etc/dpi/mirror.toml)" "$(echo spool/*-*-*-*-*)"
else
  echo "note: network namespaces are not allowed here; the sensor was not started"
fi

deep() { local wanted=$1; shift; run "$wanted" "$probe" config check --deep wrong.toml "$@"; }
change() { sed "$1" first.toml >wrong.toml; }
change 's/"lo"/"nosuch0"/';                    deep 2 --key etc/keys/mirror.pem; says "^error +capture.interfaces .*nosuch0"
change '/^instance/d';                         deep 2 --key etc/keys/mirror.pem; says "^error +probe.instance"
change '';                                     deep 2;                           says "^error +signing.key +is not set"
chmod 644 etc/keys/mirror.pem;                 deep 2 --key etc/keys/mirror.pem; says "^error +signing.key"; chmod 400 etc/keys/mirror.pem
change 's/^instance.*/instance = "00000000-0000-4000-8000-000000000000"/'; deep 2 --key etc/keys/mirror.pem; says "^error +database +instance .* is not enrolled"
change 's/user=probe1/user=soc1/';             deep 2 --key etc/keys/mirror.pem; says "^error +database"
change 's#host=[^ ]*#host=/nonexistent#';      deep 0 --key etc/keys/mirror.pem; says "^warning +database"
{ cat first.toml; printf '[heartbeat]\ninterval_s = 300\n[workers]\ncount = 32\ncpus = "4095"\n[spool]\ndir = "%s/s"\ncap_mib = 1000000000\n' "$work"; } >wrong.toml
deep 2 --key etc/keys/mirror.pem
says "^warning +heartbeat.interval_s +300 s"; says "^warning +workers.count"; says "^error +workers.cpus"; says "^warning +spool.cap_mib"
awk '/^(error|warning)/ { getline next_line; if (next_line !~ /^ +-> /) exit 1 }' out || fail "a finding without a remedy"
for nothing in /tmp empty.toml; do : >empty.toml; run 2 "$probe" config check $nothing; says "$nothing:1:1"; done

# A fleet: the key stays where it is.
for host in a b; do "$probe" keys generate $host.pem >/dev/null; done
run 0 "$probe" keys request a.pem --role probe1; cp out a.json
! grep -q PRIVATE a.json || fail "a request with a private key"
run 0 "$probe" keys request b.pem; sed 's/"machine_id":"[^"]*"/"machine_id":"0b000000-0000-8000-8000-00000000000b"/; s/"hostname":"[^"]*"/"hostname":"sensor-b"/' out >b.json
sed -i 's/"machine_id":"[^"]*"/"machine_id":"0a000000-0000-8000-8000-00000000000a"/' a.json
run 4 "$probe" keys enrol --request a.json --request b.json --role nobody1 -d "$server"; says "nobody1"
run 0 "$probe" keys enrol --request a.json --request b.json --role probe1 -d "$server"; says "enrolled sensor-b$"
[ "$(grep -c ' enrolled ' out)" = 2 ] || fail "not both were enrolled"
sed 's/"spki":"\(.\)/"spki":"A/' b.json >bad.json
run 2 "$probe" keys enrol --request bad.json --role probe1 -d "$server"; says "bad.json"
echo "set up, checked, enrolled"
