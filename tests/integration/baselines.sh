#!/usr/bin/env bash
# Flows, DNS and Community IDs that Zeek and Arkime publish for captures of theirs: ours differ only where docs/truth-differences.md says why.
source "$(dirname "$0")/lib.sh"
[ -d "$corpus/baseline" ] || skip "no captures with baselines (DPI_PCAPS, or ../shared/pcaps)"
cd "$work"
code=0; "$root/tools/compare_baselines.py" "$probe" "$corpus" >out 2>err || code=$?
[ $code -le 1 ] && [ ! -s err ] || { cat err >&2; fail "exit $code"; }
grep -q '^community_id.tsv: 23 of 23 agree$' out || { cat out >&2; fail "Community IDs differ from the published ones"; }
sed -n '/^## Zeek and Arkime/,/^## Applications/p' "$root/docs/truth-differences.md" >explained
while read -r capture rest; do
  grep -qF "\`$(basename "${capture%.*}")\`" explained || fail "$capture differs, and docs/truth-differences.md does not say why: $rest"
done < <(grep '|' out || true)
grep agree out
