#!/usr/bin/env bash
# A chain whose key is rotated twice, on a real interface into a real database: the sensor takes up each new key at a start, whatever it or
# the commands around it are interrupted by; the database, files, spools, proofs and the independent verifier follow; a key that was revoked,
# or replaced, proves nothing any more.
source "$(dirname "$0")/lib.sh"
for tool in ip unshare ethtool jq python3 openssl psql; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
database; cd "$work"; mkdir keys conf states
sql "create role enroller login" "grant re_enrol to enroller"
enroller=${admin/user=postgres/user=enroller}
run 0 "$probe" keys generate keys/key.pem; cp out first.id
run 0 "$probe" keys show --public keys/key.pem; cp out first.pem
run 0 "$probe" keys enrol keys/key.pem --role probe1 -d "$enroller"
instance=$(cut -d' ' -f1 out); spool=$work/spool/$instance
cat >conf/dpi.toml <<TOML
[probe]
instance = "$instance"
[capture]
interfaces = "rx0"
[workers]
count = 1
[heartbeat]
interval_s = 1
[signing]
key = "$work/keys/key.pem"
[spool]
dir = "$work/spool"
[database]
conninfo = "$writer"
TOML
key_ids() { "$probe" keys show keys/key.pem | sed -n 's/^key_id //p'; }
newest() { key_ids | tail -1; }

# Nothing to finish, and nothing to finish it with.
run 2 "$probe" keys rotate keys/key.pem --finish "$spool"; says "no rotation is under way"
run 2 "$probe" keys rotate keys/none.pem

cat >inside.sh <<'SH'
set -euo pipefail
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ip link set $i arp off addrgenmode none up; done
stop() { kill -TERM $pid; local code=0; wait $pid || code=$?; [ $code = 0 ] || { cat "$1.err" >&2; echo "FAILED: exit $code" >&2; exit 1; }; }
await() { for _ in $(seq 300); do ! grep -q -- "$2" "$1" || return 0; sleep 0.1; done; cat "$1" >&2; echo "FAILED: nobody says '$2'" >&2; exit 1; }
start() { "$probe" run -c conf/dpi.toml --out postgres --out jsonl:lines/all.jsonl >"$1.out" 2>"$1.err" & pid=$!; }
begin() { start "$1"; await "$1.err" capturing; }
mkdir -p lines
case $1 in
  run) begin "$2"; sleep "${3:-1.5}"; stop "$2" ;;
  # The key is prepared beside a sensor that runs: that one goes on under the old key until it is started again.
  prepare) begin "$2"; "$probe" keys rotate keys/key.pem >prepared.id 2>prepared.err; sleep 1; kill -HUP $pid; sleep 1
    code=0; "$probe" keys rotate keys/key.pem --finish spool/"$instance" >early.out 2>early.err || code=$?; echo "$code" >early.code
    stop "$2" ;;
  # Killed again and again, ever later in its start: before, in and behind the hand-over.
  killed) for i in $(seq 0 "$2"); do
      start "killed$i"; sleep "$(awk -v i="$i" 'BEGIN { printf "%.3f", 0.02 + i * 0.02 }')"; kill -KILL $pid 2>/dev/null || true; wait $pid 2>/dev/null || true
      [ -z "$(ls spool/"$instance"/*.seg 2>/dev/null)" ] || "$probe" verify spool/"$instance" >verified.out 2>verified.err ||
        { cat verified.err "killed$i.err" >&2; echo "FAILED: no chain after kill $i" >&2; exit 1; }
    done ;;
  # Killed at each commit of its start: those of probe.start, the first heartbeat, the hand-over, and behind it.
  killed_commits) strace -o /dev/null true 2>/dev/null || exit 0
    cp -a keys/key.pem before.pem; cp -a spool before.spool
    for i in $(seq "$2"); do
      strace -f -o /dev/null -e trace=fdatasync -e inject=fdatasync:signal=KILL:when="$i" "$probe" run -c conf/dpi.toml --no-sandbox --out spool >"commit$i.out" 2>"commit$i.err" || true
      "$probe" verify spool/"$instance" >verified.out 2>verified.err || { cat verified.err "commit$i.err" >&2; echo "FAILED: no chain after commit $i" >&2; exit 1; }
      tail -1 verified.out >"commit$i.keys"
      # From where it was before: each kill meets the hand-over at another commit.
      cp -a spool "after$i.spool"; rm -rf spool; cp -a before.spool spool
    done
    # And the chain goes on from where each kill left it.
    for i in $(seq "$2"); do
      rm -rf spool; cp -a "after$i.spool" spool
      "$probe" run -c conf/dpi.toml --out spool >"goes_on$i.out" 2>"goes_on$i.err" & pid=$!; await "goes_on$i.err" capturing; stop "goes_on$i"
      "$probe" verify spool/"$instance" >verified.out 2>verified.err || { cat verified.err "goes_on$i.err" >&2; echo "FAILED: the chain does not go on behind commit $i" >&2; exit 1; }
      [ "$(tail -1 verified.out | grep -o ' [0-9a-f]\{64\}' | tail -1)" = " $("$probe" keys show keys/key.pem | sed -n 's/^key_id //p' | tail -1)" ] || { cat verified.out >&2; echo "FAILED: the new key did not take over behind commit $i" >&2; exit 1; }
    done
    rm -rf spool; cp -a before.spool spool ;;
  # A start that must be refused, with nothing sealed.
  refused) before=$(cat spool/"$instance"/*.seg | sha256sum)
    code=0; timeout 60 "$probe" run -c conf/dpi.toml --out postgres >refused.out 2>refused.err || code=$?
    [ $code = 2 ] && grep -q "signed by another key" refused.err || { cat refused.err >&2; echo "FAILED: exit $code" >&2; exit 1; }
    [ "$(cat spool/"$instance"/*.seg | sha256sum)" = "$before" ] || { echo "FAILED: something was sealed" >&2; exit 1; } ;;
esac
SH
export probe instance
inside() { "${namespace[@]}" bash inside.sh "$@" || fail "the sensor: $*"; }

# --- The first rotation -----------------------------------------------------------------------------------------------------------------
inside run first
inside prepare second
[ "$(key_ids | wc -l)" = 2 ] && [ "$(newest)" = "$(cat prepared.id)" ] || fail "the key file holds other keys than were printed"
[ "$(cat early.code)" = 2 ] && grep -q "has not gone on under key" early.err && [ ! -s early.out ] || fail "finished before the hand-over: $(cat early.err)"
[ "$(key_ids | wc -l)" = 2 ] || fail "the old key went too early"
run 2 "$probe" keys rotate keys/key.pem; says "is under way"
"$probe" config check --deep conf/dpi.toml --key keys/key.pem >out 2>err || true; says "^warning +signing.key +a rotation to key $(newest | cut -c1-16) is under way"
run 0 "$probe" verify "$spool"; says "signed by key $(cat first.id),"
inside run third; grep -q "key $(newest) signs from sequence" third.err || fail "no hand-over: $(cat third.err)"
seq1=$(sed -n 's/.* signs from sequence \([0-9]*\) on.*/\1/p' third.err)
inside run fourth; grep -q "was replaced and is still in the key's file" fourth.err || fail "the old key is not named: $(cat fourth.err)"

# The database has the events, but nobody has registered the key.
run 5 "$probe" verify "postgres:$admin" --instance "$instance"; says "the row of key $(newest) is missing"
run 2 "$probe" status -d "$reader"; says "it signs with a key that is not in force"

# Standard output that cannot take the request: the old key stays, for it is needed once more.
if [ -w /dev/full ]; then
  code=0; "$probe" keys rotate keys/key.pem --finish "$spool" >/dev/full 2>err || code=$?
  [ "$code" = 4 ] && [ "$(key_ids | wc -l)" = 2 ] || fail "exit $code, and $(key_ids | wc -l) keys"
fi
cp -p keys/key.pem states/both.pem
run 0 "$probe" keys rotate keys/key.pem --finish "$spool"; cp out rotated.json
! grep -q PRIVATE rotated.json && [ "$(key_ids)" = "$(cat prepared.id)" ] || fail "the key file after the rotation: $(key_ids)"

# What is changed on the way is refused before the database is asked.
forged() { run 5 "$probe" keys enrol --request forged.json -d "host=$work/none"; }
other=$("$probe" keys generate states/other.pem && openssl pkey -in states/other.pem -pubout -outform DER | base64 -w0)
jq -cS --arg spki "${other##*$'\n'}" '.old_spki = $spki' rotated.json >forged.json; forged
jq -r .event rotated.json | base64 -d | sed 's/"mode":"live"/"mode":"replay"/' | base64 -w0 >event; jq -cS --rawfile e event '.event = $e' rotated.json >forged.json; forged
jq -r .proof rotated.json | base64 -d | sed '$d' | base64 -w0 >proof; jq -cS --rawfile p proof '.proof = $p' rotated.json >forged.json; forged
head -c 500 rotated.json >forged.json; run 2 "$probe" keys enrol --request forged.json -d "host=$work/none"
run 2 "$probe" keys enrol --request rotated.json --instance 00000000-0000-4000-8000-000000000000 -d "$enroller"; says "the request is of"
# The probe's own login registers no key.
run 4 "$probe" keys enrol --request rotated.json -d "$writer"; says "permission denied"
run 0 "$probe" keys enrol --request rotated.json -d "$enroller"; says "^$instance rotated "
run 0 "$probe" keys enrol --request rotated.json -d "$enroller"; says "^$instance unchanged "
[ "$(sql "select string_agg(status || ' ' || effective_seq, ',' order by changed_at, status_no) from re_core.signing_key_status where component_instance_id = '$instance'")" = \
  "active 0,active $seq1,superseded $seq1" ] || fail "the registry: $(sql "select * from re_core.signing_key_status")"
run 0 "$probe" verify "postgres:$admin" --instance "$instance" --trust first.pem; says "signed by keys $(cat first.id) $(newest), in the trust file or handed over"
inside run fifth
"$probe" status -d "$reader" >out 2>err || true; ! grep -q "not in force" out || fail "a key that was registered is not in force: $(cat out)"

# An older state of the key file: what it signs would belong to no chain.
cp -p keys/key.pem states/second.pem
for state in states/both.pem states/other.pem; do
  # The keys of both are known here; only the newest may sign.
  rm -f keys/key.pem; cp -p $state keys/key.pem
  if [ $state = states/both.pem ]; then inside run replayed 1; grep -q "still in the key's file" replayed.err || fail "both keys, and the old one signs"; else inside refused; fi
done
openssl pkey -in states/both.pem -out states/old.pem; chmod 0400 states/old.pem; rm -f keys/key.pem; cp -p states/old.pem keys/key.pem
inside refused
rm -f keys/key.pem; cp -p states/second.pem keys/key.pem

# --- The second rotation, interrupted everywhere ----------------------------------------------------------------------------------------
# At each system call that changes something, before it is done.
if strace -o /dev/null true 2>/dev/null; then
  killed_at() { # SYSCALL:N COMMAND…
    local point=$1 code=0; shift
    strace -f -o /dev/null -e trace="${point%:*}" -e inject="${point%:*}:signal=KILL:when=${point#*:}" "$@" >killed.out 2>killed.err || code=$?
    [ "$code" = 137 ] || { cat killed.err >&2; fail "exit $code where it was to be killed at $point: $*"; }
  }
  begun="flock:1 unlink:1 fsync:1 rename:1 fsync:2"; finished="write:1 fsync:1 flock:1 unlink:1 fsync:2 rename:1 fsync:3"
else
  echo "note: strace does not work here; only the sensor is killed"; begun=""; finished=""
fi
for point in $begun; do
  [ "$(key_ids | wc -l)" = 1 ] || fail "two keys before $point"
  killed_at $point "$probe" keys rotate keys/key.pem
  [ "$(key_ids | head -1)" = "$(openssl pkey -in states/second.pem -pubout -outform DER | sha256sum | cut -c1-64)" ] || fail "killed at $point: the key in force is gone"
done
[ "$(key_ids | wc -l)" = 2 ] || run 0 "$probe" keys rotate keys/key.pem
inside killed_commits 6
inside killed 40
inside run sixth
grep -hq "signs from sequence" killed*.err sixth.err || fail "no second hand-over"
for point in $finished; do
  [ "$(key_ids | wc -l)" = 2 ] || fail "the old key went before $point"
  killed_at $point "$probe" keys rotate keys/key.pem --finish "$spool"
  cp killed.out rotated2.json
done
[ "$(key_ids | wc -l)" = 1 ] || run 0 "$probe" keys rotate keys/key.pem --finish "$spool"
[ "$(key_ids | wc -l)" = 1 ] || fail "two keys after all"
# Killed behind the change, the request was out before.
[ -s rotated2.json ] || cp out rotated2.json
run 0 "$probe" keys enrol --request rotated2.json -d "$enroller"; says "^$instance rotated "
inside run seventh

# --- Whoever verifies, wherever from ----------------------------------------------------------------------------------------------------
run 0 "$probe" verify "$spool" --trust first.pem
run 0 "$probe" verify lines/all.jsonl --trust first.pem
run 0 "$probe" verify "postgres:$admin" --instance "$instance" --trust first.pem
[ "$(sql "select count(*) from re_raw.raw_event where event_type = 'key.rotate' and component_instance_id = '$instance'")" = 2 ] || fail "not two rotations in the database"
[ "$(sql "select count(*) from re_raw.chain_violation where component_instance_id = '$instance' and kind <> 'bad_event'")" = 0 ] || fail "the database refused something: $(sql "select kind, detail from re_raw.chain_violation")"
[ "$(sql "select bool_and(n = rank) from (select heartbeat_number as n, row_number() over (order by seq) - 1 as rank from re_dpi.heartbeat) x")" = t ] || fail "a heartbeat is lost"
for trusted in "" first.pem; do run 0 "$root/tools/verify.py" lines/all.jsonl $trusted; done
"$probe" keys show --public keys/key.pem >third.pem
run 5 "$probe" verify lines/all.jsonl --trust third.pem; run 1 "$root/tools/verify.py" lines/all.jsonl third.pem
seq2=$(jq -c 'select(.envelope.event_type == "key.rotate") | .envelope.seq' lines/all.jsonl | tail -1)
[ "$(jq -c 'select(.envelope.event_type == "key.rotate") | .envelope.seq' lines/all.jsonl | head -1)" = "$seq1" ] || fail "the first rotation is elsewhere"
for seq in $((seq1 - 1)) "$seq1" $((seq1 + 1)) "$seq2" $((seq2 + 1)); do
  rm -rf p; mkdir p; run 0 "$probe" verify "postgres:$admin" --instance "$instance" --prove "$seq" --prove-to p
  signer=first.pem; [ "$seq" -le "$seq1" ] || { "$probe" keys show --public states/second.pem >second.pem; signer=second.pem; }; [ "$seq" -le "$seq2" ] || signer=third.pem
  run 0 "$probe" verify p/*.json --proof p/*.tlog-proof --trust $signer; run 0 "$root/tools/verify.py" --proof p/*.tlog-proof p/*.json $signer
  id=$(openssl pkey -pubin -in $signer -outform DER | sha256sum | cut -c1-64)
  run 5 "$probe" verify p/*.json --proof p/*.tlog-proof --trust $signer --revoked "$id:$seq"; says "revoked from sequence $seq on"
  run 1 "$root/tools/verify.py" --revoked "$id:$seq" --proof p/*.tlog-proof p/*.json $signer
done

tamper() { # NAME: standard input is the tampered file
  cat >t.jsonl; ! cmp -s t.jsonl lines/all.jsonl || fail "$1 changed nothing"
  for trusted in "" first.pem; do
    run 5 "$probe" verify t.jsonl ${trusted:+--trust $trusted}; run 1 "$root/tools/verify.py" t.jsonl $trusted
  done
}
at=$(grep -n -m1 '"event_type":"key.rotate"' lines/all.jsonl | cut -d: -f1)
note() { # KEEP: the checkpoint behind the first rotation, with only the signature lines that awk keeps
  awk -v at=$((at + 1)) 'NR == at' lines/all.jsonl | jq -r .checkpoint | base64 -d | awk "BEGIN { line = 0 } /^—/ { line++; if (!($1)) next } { print }" | base64 -w0
}
without() { awk -v at=$((at + 1)) -v note="$(note "$1")" 'NR == at { print "{\"checkpoint\":\"" note "\"}"; next } { print }' lines/all.jsonl; }
without 'line != 1' | tamper "the new key did not sign"
without 'line != 2' | tamper "the old key did not sign"
sed "${at}d" lines/all.jsonl | tamper "no rotation"
sed "${at}s/\"possession_sig\":\"[^\"]*\"/\"possession_sig\":\"$(head -c 64 /dev/zero | base64 -w0 | sed 's#/#\\/#g')\"/" lines/all.jsonl | tamper "no possession"
for id in "$(cat first.id):$seq1" "$(newest):$((seq2 + 1))"; do
  run 5 "$probe" verify lines/all.jsonl --revoked "$id"; says "revoked from sequence"
  run 1 "$root/tools/verify.py" --revoked "$id" lines/all.jsonl
  run 5 "$probe" verify "$spool" --revoked "$id"
done
run 0 "$probe" verify lines/all.jsonl --revoked "$(cat first.id):$((seq1 + 1))"; run 0 "$root/tools/verify.py" --revoked "$(cat first.id):$((seq1 + 1))" lines/all.jsonl
run 2 "$probe" verify lines/all.jsonl --revoked "$(cat first.id)"; run 2 "$probe" verify lines/all.jsonl --revoked 12:4

# The registry is held against the chain.
sql "alter table re_core.signing_key_status disable trigger all" "update re_core.signing_key_status set effective_seq = effective_seq + 1 where effective_seq = $seq1 and status = 'active'" \
  "alter table re_core.signing_key_status enable always trigger refuse_change" >/dev/null
run 5 "$probe" verify "postgres:$admin" --instance "$instance" --no-schema; says "registered from sequence $((seq1 + 1)) on; the chain says $seq1"
sql "alter table re_core.signing_key_status disable trigger all" "update re_core.signing_key_status set effective_seq = effective_seq - 1 where effective_seq = $((seq1 + 1))" \
  "alter table re_core.signing_key_status enable trigger all" "alter table re_core.signing_key_status enable always trigger refuse_change" >/dev/null
run 0 "$probe" verify "postgres:$admin" --instance "$instance" --no-schema

sql "insert into re_core.signing_key_status (component_instance_id, key_id, status_no, tenant_id, status, effective_seq, reason)
     select component_instance_id, key_id, 2, tenant_id, 'superseded', 3, 'scheduled' from re_core.signing_key_status where key_id = '\\x$(newest)'" >/dev/null
run 5 "$probe" verify "postgres:$admin" --instance "$instance" --no-schema; says "superseded from sequence 3 on; the chain says nothing of it"
sql "alter table re_core.signing_key_status disable trigger all" "delete from re_core.signing_key_status where status = 'superseded' and effective_seq = 3" \
  "alter table re_core.signing_key_status enable trigger all" "alter table re_core.signing_key_status enable always trigger refuse_change" >/dev/null
run 0 "$probe" verify "postgres:$admin" --instance "$instance" --no-schema

# --- Revocation -------------------------------------------------------------------------------------------------------------------------
revoke=("$probe" keys revoke "$instance" "$(newest)" --reason "left the company")
run 2 "${revoke[@]}" -d "$enroller"; run 2 "${revoke[@]}" --from x -d "$enroller"; run 2 "$probe" keys revoke "$instance" 12 --from 1 --reason x -d "$enroller"
run 2 "$probe" keys revoke here "$(newest)" --from 1 --reason x -d "$enroller"
run 4 "${revoke[@]}" --from 1 -d "$writer"; says "permission denied"
run 4 "$probe" keys revoke "$instance" "$(cat states/none.id 2>/dev/null || printf '%064d' 0)" --from 1 --reason x -d "$enroller"; says "has no key"
head=$(sql "select next_seq from re_raw.chain_head where component_instance_id = '$instance'")
run 0 "${revoke[@]}" --from "$head" -d "$enroller"; says "revoked from sequence $head on"
run 0 "$probe" verify "postgres:$admin" --instance "$instance" --trust first.pem
# What exists stays, and what follows proves nothing.
inside run eighth
run 5 "$probe" verify "postgres:$admin" --instance "$instance"; says "is signed by key $(newest), which is revoked from sequence $head on"
run 2 "$probe" status -d "$reader"; says "it signs with a key that was revoked"
# A key that is revoked hands over to nobody.
run 0 "$probe" keys rotate keys/key.pem; inside run ninth
run 5 "$probe" verify "postgres:$admin" --instance "$instance"; says "which is revoked from sequence $head on"
run 0 "$probe" keys revoke "$instance" "$(key_ids | head -1)" --from "$head" --compromised --retire --reason stolen -d "$enroller"; says "^$instance retired"
before=$(sql "select count(*) from re_raw.raw_event where component_instance_id = '$instance'")
"${namespace[@]}" bash inside.sh run tenth 1 >tenth.log 2>&1 || true
[ "$(sql "select count(*) from re_raw.raw_event where component_instance_id = '$instance'")" = "$before" ] || fail "a chain that was retired goes on"
echo "two rotations and their revocation hold"
