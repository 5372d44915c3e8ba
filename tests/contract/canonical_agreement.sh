#!/usr/bin/env bash
# canonical_agreement.sh GENERATOR [LINES]: our writer, Python's json and jq agree byte for byte.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
lines=${2:-100000}
"$1" "$lines" "${SEED:-20231114}" >"$work/ours"
[ "$(wc -l <"$work/ours")" = "$lines" ]
python3 -c 'import json, sys
for line in sys.stdin: print(json.dumps(json.loads(line), sort_keys=True, separators=(",", ":")))' <"$work/ours" | cmp "$work/ours" -
command -v jq >/dev/null || { echo "skipped: jq is not installed (Python agrees on $lines lines)"; exit 77; }
jq -cS . <"$work/ours" | cmp "$work/ours" -
echo "$lines lines agree"
