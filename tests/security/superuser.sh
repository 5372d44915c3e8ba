#!/usr/bin/env bash
# What a database superuser can change, and whether `verify postgres:` finds it: superuser.sh PROBE MAKE_CHAIN [RANDOM_CHANGES [SEED [ONLY]]].
# Each kind of change is made in a copy of a filled database whose constraints and triggers were dropped first. Then single cells are
# changed at random, and every one must be named. Honest histories raise no alarm.
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../integration/lib.sh"
make_chain=$(readlink -f "$2")
cd "$work"; database
python3 -u "$here/superuser.py" --probe "$probe" --make-chain "$make_chain" --admin "$admin" --root "$root" --random "${3:-300}" --seed "${4:-1}" ${5:+--only "$5"}
