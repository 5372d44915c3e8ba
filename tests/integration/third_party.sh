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

if [ -d "$root/../shared/envelope/vectors" ]; then
  vectors=$root/../shared/envelope/vectors
  { head -4 "$vectors/chain.ndjson"; for c in 4; do printf '{"checkpoint":"%s"}\n' "$(base64 -w0 "$vectors/checkpoint.$c")"; done
    sed -n 5p "$vectors/chain.ndjson"; printf '{"checkpoint":"%s"}\n' "$(base64 -w0 "$vectors/checkpoint.5")"
    sed -n 6p "$vectors/chain.ndjson"; printf '{"checkpoint":"%s"}\n' "$(base64 -w0 "$vectors/checkpoint.6")"; } >vectors.jsonl
  cat "$vectors/pub1.pem" "$vectors/pub2.pem" >both.pem
  run 0 "$probe" verify vectors.jsonl --trust both.pem
  run 5 "$probe" verify vectors.jsonl --trust "$vectors/pub2.pem"
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
fi
echo "third parties agree"
