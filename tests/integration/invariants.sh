#!/usr/bin/env bash
# What must be true of any capture, tried with the corpus damaged on purpose: bits flipped, packets cut, doubled, swapped, lost, stamped
# odd. The ledger closes, flows add up to the packets, DNS rows to the messages, nothing ends before it starts, the chain is intact, and
# 1 to 3 workers give the same bytes. ROUNDS (1) damages every capture so often, SEED (1) each time the same way.
source "$(dirname "$0")/lib.sh"
[ -d "$corpus" ] || skip "no captures at $corpus (set DPI_PCAPS)"
python3 "$root/tests/integration/invariants.py" "$probe" "$corpus" "$work" "${ROUNDS:-1}" "${SEED:-1}" || fail "an invariant"
