# Sourced by every integration test: lib.sh; $1 is the probe. Work happens in a folder of its own that goes away.
set -euo pipefail
probe=$(readlink -f "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d /tmp/dpi-test.XXXXXX)
chmod 0755 "$work"
cleanup() { [ ! -d "$work/pg" ] || "$root/tools/private-postgres" clean "$work/pg" >/dev/null 2>&1 || true; rm -rf "$work"; }
trap cleanup EXIT
export XDG_STATE_HOME=$work/xdg

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

# run WANTED_EXIT COMMAND…: standard output in $work/out, standard error in $work/err
run() {
  local wanted=$1 code=0; shift
  "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  [ "$code" = "$wanted" ] || { cat "$work/err" >&2; head -c 4000 "$work/out" >&2; fail "exit $code instead of $wanted: $*"; }
}
says() { grep -qiE -- "$1" "$work/err" "$work/out" || { cat "$work/err" >&2; fail "nobody says '$1'"; }; }

demo() { "$probe" spec build "$root/pcaps-spec/demo.toml" --to "$work" >/dev/null; }
# The captures of the corpus, if they are here.
corpus=${DPI_PCAPS:-$root/../shared/pcaps}

# A database with the bundle, a writer and a reader.
database() {
  [ -n "$(find /usr/lib/postgresql -name initdb 2>/dev/null)" ] || skip "PostgreSQL is not installed"
  admin=$("$root/tools/private-postgres" start "$work/pg" 2>"$work/pg.err") || { cat "$work/pg.err" >&2; fail "no cluster"; }
  "$probe" schema apply -d "$admin" >/dev/null
  sql "create role probe1 login" "grant re_probe to probe1" "create role soc1 login" "grant re_soc to soc1" \
      "select re_core.create_tenant('default')" "select re_core.enrol_reader('soc1', 'default')"
  writer=${admin/user=postgres/user=probe1}
  reader=${admin/user=postgres/user=soc1}
}
sql() { local c=(); for q in "$@"; do c+=(-c "$q"); done; psql -X -q -At -v ON_ERROR_STOP=1 "$admin" "${c[@]}"; }
