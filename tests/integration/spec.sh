#!/usr/bin/env bash
# Every recipe holds, every rule has one, the index is theirs, captures are the same bytes every time, and what is wrong is told with its place.
source "$(dirname "$0")/lib.sh"
cd "$root"
run 0 "$probe" spec check || { cat "$work/out"; fail "recipes differ"; }
says "recipes: [0-9]+ hold, 0 differ"
run 0 "$probe" spec check --index
diff "$work/out" pcaps-spec/INDEX.md || fail "write the index anew: ransomeye-dpi spec check --index > pcaps-spec/INDEX.md"

run 0 "$probe" spec build --to "$work/a"
run 0 env TZ=Asia/Tokyo LC_ALL=C "$probe" spec build --to "$work/b"
diff -r "$work/a" "$work/b" || fail "other bytes"
[ "$(ls "$work/a" | wc -l)" = "$(find pcaps-spec -name '*.toml' | wc -l)" ] || fail "not one capture a recipe"

sed 's/^rtt_dst_us = 15000/rtt_dst_us = 15001/' pcaps-spec/demo.toml >"$work/wrong.toml"
run 5 "$probe" spec check "$work/wrong.toml"
says "wrong.toml:[0-9]+: flow 1: rtt_dst_us"; says "expected +15001"; says "actual +15000"
sed 's/^rtt_dst_us = 15000/rtt_dts_us = 15000/' pcaps-spec/demo.toml >"$work/wrong.toml"
run 2 "$probe" spec check "$work/wrong.toml"; says "wrong.toml:[0-9]+: no flow event has a member rtt_dts_us; did you mean rtt_dst_us\?"
sed 's/^rtt_dst_us = 15000/rtt_dst_us = 15000\nabsent = ["server_nam"]/' pcaps-spec/demo.toml >"$work/wrong.toml"
run 2 "$probe" spec check "$work/wrong.toml"; says "no flow event has a member server_nam; did you mean server_name\?"
sed 's/^rtt_dst_us = 15000/ssh_client = "x"/' pcaps-spec/demo.toml >"$work/wrong.toml"
run 5 "$probe" spec check "$work/wrong.toml"; says "actual +absent"
sed 's/"end_reason.fin"/"end_reason.idle"/' pcaps-spec/demo.toml >"$work/wrong.toml"
run 5 "$probe" spec check "$work/wrong.toml"; says "the rows do not show it"
sed 's/ SYN ACK/ SYN ACKK/' pcaps-spec/demo.toml >"$work/wrong.toml"
run 2 "$probe" spec check "$work/wrong.toml"; says "wrong.toml:15:[0-9]+: tcp has no field ACKK"
run 2 "$probe" spec build "$work/wrong.toml" --to "$work/c"
run 2 "$probe" spec check "$work/none.toml"; says "none.toml"
mkdir "$work/empty"; run 2 "$probe" spec check "$work/empty"; says "holds no recipe"
echo "recipes hold"
