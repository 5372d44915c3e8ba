#!/usr/bin/env bash
# The Debian packages: built, without errors of lintian, installed into a Debian 12 root, complete, harmless, kept over an upgrade, purged
# without a trace. The root is made by debootstrap where a mirror can be reached; else an overlay of this system.
# packages.sh PROBE BUILD
source "$(dirname "$0")/lib.sh"
build=$(readlink -f "$2")
[ "$(id -u)" = 0 ] || skip "only root can install packages into a root of its own"
for tool in cpack dpkg-deb dpkg-shlibdeps unshare chroot; do command -v $tool >/dev/null || skip "$tool is not installed"; done
"$root/tools/make-packages" "$build" "$work/packages" >/dev/null
cd "$work/packages"
version=$(dpkg-deb -f ransomeye-dpi_*.deb Version)
for package in ransomeye-dpi ransomeye-dpi-schema ransomeye-dpi-doc; do
  [ "$(ls "${package}"_*.deb | wc -l)" = 1 ] || fail "no package $package"
done

has() { dpkg-deb -c "$1"_*.deb | awk '{ print $6 }' >"$work/list"; shift; for path; do grep -qx "\.$path" "$work/list" || fail "no $path in the package"; done; }
has ransomeye-dpi /usr/bin/ransomeye-dpi /usr/lib/systemd/system/ransomeye-dpi@.service /usr/lib/sysusers.d/ransomeye-dpi.conf \
    /usr/lib/tmpfiles.d/ransomeye-dpi.conf /usr/share/man/man1/ransomeye-dpi.1.gz /usr/share/man/man1/ransomeye-dpi-replay.1.gz \
    /usr/share/bash-completion/completions/ransomeye-dpi /usr/share/zsh/vendor-completions/_ransomeye-dpi \
    /usr/share/ransomeye-dpi/prometheus/alerts.yml /usr/share/ransomeye-dpi/grafana/ransomeye-dpi.json \
    /usr/share/ransomeye-dpi/dpi.toml /etc/ransomeye/pg_service.conf
has ransomeye-dpi-schema /usr/share/ransomeye-dpi/schemas/00_core_identity.sql /usr/share/ransomeye-dpi/schemas/SCHEMA_BUNDLE.md \
    /usr/lib/systemd/system/ransomeye-maintenance.timer
has ransomeye-dpi-doc /usr/share/doc/ransomeye-dpi-doc/docs/operations.md
[ ! -e "$build/probe/app/libransomeye_dpdk.so" ] || has ransomeye-dpi-dpdk /usr/lib/ransomeye/libransomeye_dpdk.so
for deb in *.deb; do
  dpkg-deb -c "$deb" | awk '$2 != "root/root" || $1 ~ /^-rw-rw|^.rwxrwx[^-]/ { if ($1 !~ /^l/) { print; bad = 1 } } END { exit bad }' || fail "owners or modes in $deb"
done
[ "$(dpkg-deb --fsys-tarfile ransomeye-dpi-schema_*.deb | tar -xO --wildcards './usr/share/ransomeye-dpi/schemas/0*.sql' | sha256sum | cut -d' ' -f1)" = "$("$probe" schema hash)" ] ||
  fail "the packaged schema is not that of the program"

python3 - ransomeye-dpi_*.spdx.json "$build/probe/app/ransomeye-dpi" <<'PY' || fail "SBOM"
import hashlib, json, sys
sbom = json.load(open(sys.argv[1]))
assert sbom["spdxVersion"] == "SPDX-2.3"
names = {p["name"] for p in sbom["packages"]}
assert {"ransomeye-dpi", "libssl3", "libpcap0.8", "libpq5", "libcli11-dev"} <= names, names
ids = {p["SPDXID"] for p in sbom["packages"]} | {f["SPDXID"] for f in sbom["files"]} | {"SPDXRef-DOCUMENT"}
assert all(r["spdxElementId"] in ids and r["relatedSpdxElement"] in ids for r in sbom["relationships"])
digests = [c["checksumValue"] for f in sbom["files"] for c in f["checksums"]]
assert hashlib.sha256(open(sys.argv[2], "rb").read()).hexdigest() in digests
PY

if command -v lintian >/dev/null; then
  lintian --no-cfg --allow-root --fail-on error --suppress-tags initial-upload-closes-no-bugs ./*.deb >"$work/lintian" 2>&1 || { grep '^E:' "$work/lintian" >&2; fail "lintian finds errors"; }
else
  echo "note: lintian is not installed; its checks were not made"
fi

# A root to install into.
mkdir "$work/root"
dependencies=$(for deb in *.deb; do dpkg-deb -f "$deb" Depends; done | tr ',|' '\n\n' | sed 's/(.*//; s/[[:space:]]//g' | grep -v '^ransomeye' | sed '/^$/d' | sort -u | paste -sd,)
way=overlay
if command -v debootstrap >/dev/null && [ "${DPI_DEBOOTSTRAP:-yes}" = yes ]; then
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 2>/dev/null | sort -u | sed -n 1p) || true
  if timeout 500 debootstrap --variant=minbase --include="$dependencies" bookworm "$work/root" "${mirror:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1; then
    way=debootstrap
  else
    echo "note: debootstrap does not work here ($(tail -1 "$work/debootstrap.log" | cut -c1-120)); an overlay of this system takes its place"
    rm -rf "$work/root"; mkdir "$work/root"
  fi
fi
cat >"$work/trial.sh" <<'SH'
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /packages
find /etc /usr /var /lib -xdev \( -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \) -prune -o -name '*ransomeye*' -print | sort >/tmp/before
dpkg -i ransomeye-dpi_*.deb ransomeye-dpi-schema_*.deb ransomeye-dpi-doc_*.deb >/tmp/install.log 2>&1 || { cat /tmp/install.log; fail "not installed"; }
dpkg --verify ransomeye-dpi ransomeye-dpi-schema
ransomeye-dpi --version | grep -q "^ransomeye-dpi $1" || fail "the program does not run: $(ransomeye-dpi --version 2>&1)"
getent passwd ransomeye-dpi >/dev/null || fail "no user"
[ "$(stat -c '%a %U %G' /etc/ransomeye/dpi /etc/ransomeye/keys | paste -sd,)" = "750 root ransomeye-dpi,700 root root" ] || fail "folders: $(stat -c '%n %a %U %G' /etc/ransomeye/*)"
! pgrep -x ransomeye-dpi >/dev/null 2>&1 || fail "a sensor was started that nobody configured"
! find /etc/systemd/system -name '*ransomeye*' | grep . || fail "a unit was enabled that nobody configured"

# Configured; then the same package comes again, as an upgrade does.
ransomeye-dpi keys generate /etc/ransomeye/keys/mirror.pem >/dev/null
printf '[heartbeat]\ninterval_s = 5\n' >/etc/ransomeye/dpi/mirror.toml
echo '# mine' >>/etc/ransomeye/pg_service.conf
mkdir -p /var/lib/ransomeye-dpi/mirror; echo spool >/var/lib/ransomeye-dpi/mirror/kept
dpkg -i --force-confold ransomeye-dpi_*.deb >/tmp/upgrade.log 2>&1 || { cat /tmp/upgrade.log; fail "no upgrade"; }
grep -q '^# mine' /etc/ransomeye/pg_service.conf || fail "a conffile was replaced"
ransomeye-dpi config check /etc/ransomeye/dpi/mirror.toml >/dev/null || fail "the configuration did not stay"
[ "$(cat /var/lib/ransomeye-dpi/mirror/kept)" = spool ] || fail "the spool did not stay"

dpkg -r ransomeye-dpi >/dev/null 2>&1
[ -e /etc/ransomeye/keys/mirror.pem ] && [ -e /var/lib/ransomeye-dpi/mirror/kept ] || fail "removal took keys or spools"
[ ! -e /usr/bin/ransomeye-dpi ] || fail "removal left the program"
dpkg -P ransomeye-dpi ransomeye-dpi-schema ransomeye-dpi-doc >/tmp/purge.log 2>&1 || { cat /tmp/purge.log; fail "no purge"; }
find /etc /usr /var /lib -xdev \( -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \) -prune -o -name '*ransomeye*' -print | sort >/tmp/after
diff /tmp/before /tmp/after || fail "purge left something"
! getent passwd ransomeye-dpi ransomeye-maintenance >/dev/null || fail "purge left a user"
! dpkg -l 'ransomeye*' 2>/dev/null | grep '^[a-z]c' || fail "purge left configuration"
SH
cat >"$work/inside.sh" <<'SH'
set -euo pipefail
work=$1 version=$2 way=$3
mount --make-rprivate /
if [ "$way" = overlay ]; then
  mkdir "$work/upper"; mount -t tmpfs none "$work/upper"; mkdir "$work/upper/"{u,w}
  mount -t overlay none -o "lowerdir=/,upperdir=$work/upper/u,workdir=$work/upper/w" "$work/root"
  rm -rf "$work/root/etc/ransomeye" "$work/root/var/lib/ransomeye-dpi"
fi
mkdir -p "$work/root/packages" "$work/root/tmp"
mount --bind "$work/packages" "$work/root/packages"
mount -t proc none "$work/root/proc"
cp "$work/trial.sh" "$work/root/tmp/trial.sh"
chroot "$work/root" bash /tmp/trial.sh "$version"
SH
unshare -mpf --kill-child bash "$work/inside.sh" "$work" "${version%-*}" "$way"
echo "installed, upgraded and purged in a root by $way"
