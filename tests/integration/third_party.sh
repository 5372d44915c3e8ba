#!/usr/bin/env bash
# The independent verifier in tools/ accepts every output format and refuses every tamper; so does our own.
source "$(dirname "$0")/lib.sh"
demo; cd "$work"
run 0 "$probe" keys generate key.pem; run 0 "$probe" keys show --public key.pem; cp out pub.pem
signing=(--key key.pem); [ -s /etc/machine-id ] || signing=()
run 0 "$probe" replay demo.pcap "${signing[@]}" --set signing.checkpoint_events=4 --out jsonl:a.jsonl --out spool:a.spool
"$root/tools/spool_to_jsonl.py" a.spool >spool.jsonl
cmp a.jsonl spool.jsonl || fail "the spool holds other events than the file"
trust=(); [ ${#signing[@]} = 0 ] || trust=(pub.pem)
run 0 "$root/tools/verify.py" spool.jsonl "${trust[@]}"; run 0 "$root/tools/verify.py" a.jsonl "${trust[@]}"
run 0 "$probe" verify a.spool; run 0 "$probe" verify a.jsonl
# A batch that a crash tore off was never committed: said, and no fault of the chain.
cp -r a.spool torn.spool; truncate -s -3 "$(find torn.spool -name '*.seg' | sort | tail -1)"
run 0 "$probe" verify torn.spool; says "bytes of a batch that is not whole"
[ ${#trust[@]} = 0 ] || { run 0 "$probe" verify a.jsonl --trust pub.pem; says "is in the trust file"; }
openssl genpkey -algorithm ed25519 -out other.pem 2>/dev/null; openssl pkey -in other.pem -pubout -out other.pub.pem
run 5 "$probe" verify a.jsonl --trust other.pub.pem; run 1 "$root/tools/verify.py" a.jsonl other.pub.pem

tamper() { # NAME: standard input is the tampered file
  cat >t.jsonl
  cmp -s t.jsonl a.jsonl && fail "$1 changed nothing"
  run 5 "$probe" verify t.jsonl; run 1 "$root/tools/verify.py" t.jsonl
}
n=$(grep -n -m1 '"dpi.flow"' a.jsonl | cut -d: -f1)
sed "${n}s/\"packets_src\":/\"packets_src\":9/" a.jsonl | tamper "edited payload"
sed "${n}s/\"mode\":\"replay\"/\"mode\":\"live\"/" a.jsonl | tamper "replay as live"
sed "${n}d" a.jsonl | tamper "deleted"
sed "${n}p" a.jsonl | tamper "duplicated"
sed "${n}{h;d};$((n + 1)){p;x}" a.jsonl | tamper "swapped"
sed "${n}s/,\"/, \"/" a.jsonl | tamper "white space"
sed 's/"machine_id":"[^"]*"/"machine_id":"00000000-0000-8000-8000-000000000000"/' a.jsonl | tamper "other machine"
head -n -1 a.jsonl | tamper "last checkpoint cut"
head -n -2 a.jsonl | { cat; tail -1 a.jsonl; } | tamper "last event cut"

# A truncation behind a checkpoint only shows against a kept one.
m=$(grep -n -m1 '^{"checkpoint"' a.jsonl | cut -d: -f1)
head -n "$m" a.jsonl >short.jsonl
tail -1 a.jsonl | python3 -c 'import base64,json,sys; sys.stdout.buffer.write(base64.b64decode(json.load(sys.stdin)["checkpoint"]))' >kept.note
run 0 "$probe" verify short.jsonl; run 5 "$probe" verify short.jsonl --against kept.note; run 0 "$probe" verify a.jsonl --against kept.note

# One event on its own: handed over with its proof, and with nothing else of the chain.
{ echo "-----BEGIN PUBLIC KEY-----"; sed -n '1s/.*"key_spki":"\([^"]*\)".*/\1/p' a.jsonl; echo "-----END PUBLIC KEY-----"; } >announced.pem
last=$(grep -c '^{"envelope"' a.jsonl)
for seq in 0 3 4 $((n - 1)) $((last - 1)); do
  mkdir "p$seq"; run 0 "$probe" verify a.jsonl --prove "$seq" --prove-to "p$seq"
  event=$(echo p"$seq"/*.json); proof=$(echo p"$seq"/*.tlog-proof)
  grep -qxF "$(cat "$event")" a.jsonl || fail "the event of proof $seq is not a line of the chain"
  run 0 "$probe" verify "$event" --proof "$proof" --trust announced.pem; says "sequence $seq of"
  run 0 "$root/tools/verify.py" --proof "$proof" "$event" announced.pem
  run 5 "$probe" verify "$event" --proof "$proof" --trust other.pub.pem; run 1 "$root/tools/verify.py" --proof "$proof" "$event" other.pub.pem
done
refused() { # EVENT PROOF
  run 5 "$probe" verify "$1" --proof "$2" --trust announced.pem; run 1 "$root/tools/verify.py" --proof "$2" "$1" announced.pem
}
p3=$(echo p3/*.tlog-proof); e3=$(echo p3/*.json); e4=$(echo p4/*.json)
refused "$e4" "$p3"
sed 's/"mode":"replay"/"mode":"live"/' "$e3" >e.json; refused e.json "$p3"
sed 's/"payload":{/"payload":{"a":1,/' "$e3" >e.json; refused e.json "$p3"
sed 's/^index 3/index 4/' "$p3" >p.proof; refused "$e3" p.proof; refused "$e4" p.proof
sed 3d "$p3" >p.proof; refused "$e3" p.proof
sed '3{p;p}' "$p3" >p.proof; refused "$e3" p.proof
run 0 "$probe" verify a.spool --prove 3 --prove-to p4; cmp "$p3" "p4/$(basename "$p3")" || fail "spool and file prove otherwise"
id=$(basename "$e3" .json); run 0 "$probe" verify a.jsonl --prove "$id"; cmp "$e3" "$id.json" || fail "the event_id finds another event"
run 2 "$probe" verify "$e3" --proof "$p3"; run 2 "$probe" verify a.jsonl --prove three; run 3 "$probe" verify a.jsonl --prove "$last"
run 3 "$probe" verify "$e3" --proof missing --trust announced.pem; run 4 "$probe" verify a.jsonl --prove 3 --prove-to missing

if [ -d "$root/../shared/envelope/vectors" ]; then
  vectors=$root/../shared/envelope/vectors
  { head -4 "$vectors/chain.ndjson"; for c in 4; do printf '{"checkpoint":"%s"}\n' "$(base64 -w0 "$vectors/checkpoint.$c")"; done
    sed -n 5p "$vectors/chain.ndjson"; printf '{"checkpoint":"%s"}\n' "$(base64 -w0 "$vectors/checkpoint.5")"
    sed -n 6p "$vectors/chain.ndjson"; printf '{"checkpoint":"%s"}\n' "$(base64 -w0 "$vectors/checkpoint.6")"; } >vectors.jsonl
  cat "$vectors/pub1.pem" "$vectors/pub2.pem" >both.pem
  run 0 "$probe" verify vectors.jsonl --trust both.pem
  run 5 "$probe" verify vectors.jsonl --trust "$vectors/pub2.pem"
  sed -n 3p "$vectors/chain.ndjson" >seq2.json
  run 0 "$probe" verify seq2.json --proof "$vectors/seq2.tlog-proof" --trust "$vectors/pub2.pem"
  run 5 "$probe" verify seq2.json --proof "$vectors/seq2.tlog-proof" --trust "$vectors/pub1.pem"
else
  echo "note: the contract's vectors are not here"
fi
if command -v psql >/dev/null; then
  database
  run 0 "$probe" replay demo.pcap --set signing.checkpoint_events=4 --out "postgres:$writer" --out jsonl:b.jsonl
  sql "select line from (select seq, 0 as o, line from re_view.event union all
       select tree_size - 1, 1, '{\"checkpoint\":\"' || translate(encode(convert_to(note, 'UTF8'), 'base64'), E'\\n', '') || '\"}' from re_view.checkpoint_note) x
       order by seq, o" >db.jsonl
  cmp b.jsonl db.jsonl || fail "the database gives other lines than the file"
  run 0 "$root/tools/verify.py" db.jsonl
  mkdir pf pd; run 0 "$probe" verify b.jsonl --prove 5 --prove-to pf; run 0 "$probe" verify "postgres:$admin" --prove 5 --prove-to pd
  diff -r pf pd || fail "file and database prove otherwise"
fi
echo "third parties agree"
