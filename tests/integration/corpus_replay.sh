#!/usr/bin/env bash
# Every capture of the corpus replays without a crash, a hang or a sanitizer's word, verifies, and gives the same bytes whatever the batch size.
source "$(dirname "$0")/lib.sh"
[ -d "$corpus" ] || skip "no captures at $corpus (set DPI_PCAPS)"
count=0
while IFS= read -r -d '' capture; do
  code=0; timeout 60 "$probe" replay "$capture" --out "jsonl:$work/a.jsonl" 2>"$work/err" || code=$?
  case $code in 0 | 3) ;; *) cat "$work/err" >&2; fail "$capture: exit $code" ;; esac
  # 3 without events: nothing could be read at all.
  if [ -s "$work/a.jsonl" ]; then
    "$probe" verify "$work/a.jsonl" >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "$capture does not verify"; }
    timeout 60 "$probe" replay "$capture" --batch $((1 + count % 7)) --out "jsonl:$work/b.jsonl" 2>/dev/null || true
    cmp "$work/a.jsonl" "$work/b.jsonl" || fail "$capture: batch size $((1 + count % 7)) gives other bytes"
  fi
  count=$((count + 1))
done < <(find "$corpus" -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' -o -name '*.trace' -o -name '*.dmp' -o -name '*.snoop' \) -print0 | sort -z)
[ "$count" -gt 0 ] || skip "no captures at $corpus"
echo "$count captures"
