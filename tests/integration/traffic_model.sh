#!/usr/bin/env bash
# What a capture of known traffic must give: simulated connections and DNS exchanges, of which the simulation knows what was sent, lost, sent
# again, reordered, mirrored, cut into fragments, and how far the clocks of two taps are apart. Each row has to say just that, without an
# anomaly. ROUNDS (5) of 60 connections and 80 hosts each, SEED (1).
source "$(dirname "$0")/lib.sh"
python3 "$root/tests/integration/traffic_model.py" "$probe" "$work" "${ROUNDS:-5}" "${SEED:-1}" || fail "rows differ from what was sent"
