#!/usr/bin/env bash
# The sensor on a real interface (veth in a network namespace) into a real database: the flows and DNS exchanges of a capture sent over
# the wire are those of its replay; a restart goes on with the chain; SIGTERM ends it in order, a kill does not lose what is durable.
source "$(dirname "$0")/lib.sh"
for tool in ip unshare tcpreplay ethtool; do PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"; done
# Root needs no user namespace, and would lose its right to the database's socket in one.
namespace=(unshare -Urn); [ "$(id -u)" != 0 ] || namespace=(unshare -n)
"${namespace[@]}" true 2>/dev/null || skip "network namespaces are not allowed here (${namespace[*]})"
[ -s /etc/machine-id ] || skip "no /etc/machine-id"
export PATH=$PATH:/usr/sbin
database; demo; cd "$work"; mkdir keys conf
run 0 "$probe" keys generate keys/key.pem
run 0 "$probe" keys enrol keys/key.pem --role probe1 -d "$admin"
instance=$(cut -d' ' -f1 out)
cat >conf/dpi.toml <<TOML
[probe]
instance = "$instance"
[capture]
interfaces = "rx0"
[workers]
count = 2
[heartbeat]
interval_s = 1
[signing]
key = "$work/keys/key.pem"
[spool]
dir = "$work/spool"
[database]
conninfo = "$writer"
TOML
run 0 "$probe" config check conf/dpi.toml
cp conf/dpi.toml conf/right.toml

cat >inside.sh <<'SH'
set -euo pipefail
ip link add tx0 type veth peer name rx0
for i in tx0 rx0; do ethtool -K $i gro off gso off tso off >/dev/null 2>&1 || true; ip link set $i arp off addrgenmode none up; done
await() { for _ in $(seq 300); do ! grep -q -- "$2" "$1" || return 0; sleep 0.1; done; cat "$1" >&2; echo "FAILED: nobody says '$2'" >&2; exit 1; }
begin() { "$probe" run -c conf/dpi.toml --out postgres >"$1.out" 2>"$1.err" & pid=$!; await "$1.err" capturing; }
begin first
tcpreplay -q -t -i tx0 demo.pcap >/dev/null 2>&1
sleep 1.5
sed -i 's/^interval_s = 1/interval_s = 2/; s/^count = 2/count = 3/' conf/dpi.toml
kill -HUP $pid; await first.err "reloaded: heartbeat.interval_s"; await first.err "workers.count has changed; it needs a restart"
kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 0 ] || { cat first.err >&2; exit 1; }
sed -i 's/^interval_s = 2/interval_s = 1/; s/^count = 3/count = 2/' conf/dpi.toml
begin second
tcpreplay -q -t -i tx0 demo.pcap >/dev/null 2>&1
sleep 2.5  # durable: a checkpoint is due after 200 ms
kill -KILL $pid; wait $pid 2>/dev/null || true
begin third
kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 0 ] || { cat third.err >&2; exit 1; }
# The same disk in another machine: nothing is sealed, for one such event would end the chain.
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >other-machine
before=$(cat spool/$instance/*.seg | sha256sum)
code=0; unshare -m sh -c 'mount --bind other-machine /etc/machine-id && exec "$@"' sh "$probe" run -c conf/dpi.toml --out postgres >moved.out 2>moved.err || code=$?
[ $code = 2 ] && grep -q "belong to machine" moved.err || { cat moved.err >&2; echo "FAILED: exit $code in another machine" >&2; exit 1; }
[ "$(cat spool/$instance/*.seg | sha256sum)" = "$before" ] || { echo "FAILED: another machine wrote into this spool" >&2; exit 1; }
refused() { # WANTED_EXIT LOG SAYS ARGUMENTS…: nothing is sealed
  local wanted=$1 log=$2 says=$3 code=0; shift 3
  timeout 60 "$probe" run -c conf/dpi.toml --out postgres "$@" >$log.out 2>$log.err || code=$?
  [ $code = $wanted ] && grep -q -- "$says" $log.err || { cat $log.err >&2; echo "FAILED: exit $code, wanted $wanted" >&2; exit 1; }
}
# Another key: what it signs would belong to no chain.
"$probe" keys generate keys/other.pem >/dev/null
refused 2 rekeyed "signed by another key" --key keys/other.pem
[ "$(cat spool/$instance/*.seg | sha256sum)" = "$before" ] || { echo "FAILED: another key signed in this spool" >&2; exit 1; }
# The spool is lost: what the probe would seal is a second history. It says so, to the database too, and seals nothing.
mv spool/$instance kept
refused 5 lost "was lost, put back to an older state or copied"
refused 5 lost "was lost, put back to an older state or copied"
[ -z "$(ls spool/$instance/*.seg 2>/dev/null)" ] || { echo "FAILED: sealed without its spool" >&2; exit 1; }
# Without the database it cannot know: it begins, and is told once the database is back.
sed -i "s|^conninfo = .*|conninfo = \"host=$PWD/none dbname=x\"|" conf/dpi.toml
begin alone
kill -TERM $pid; code=0; wait $pid || code=$?; [ $code = 4 ] || { echo "exit $code without its spool" >&2; cat alone.err >&2; exit 1; }
cp conf/right.toml conf/dpi.toml
refused 5 forked "two histories of one chain"
rm -rf "spool/$instance"; mv kept "spool/$instance"
SH
export probe instance
"${namespace[@]}" bash inside.sh || fail "the sensor"
[ "$(sql "select string_agg(kind || ' ' || coalesce(convert_from(offending_envelope, 'UTF8')::jsonb->>'refusal', ''), ',' order by detected_at) from re_raw.chain_violation")" = \
  "bad_event other_machine,bad_event other_key,bad_event spool_behind,fork " ] || fail "what the database was told: $(sql "select kind, detail, convert_from(offending_envelope, 'UTF8') from re_raw.chain_violation order by detected_at")"
[ "$(sql "select state from re_view.probe_status")" = forked ] || fail "a fork is not seen in the view"
run 0 "$probe" verify "$work/spool/$instance"
run 0 "$probe" verify "postgres:$admin" --instance "$instance"
[ "$(sql "select string_agg(event_type, ' ' order by seq) from re_raw.raw_event where event_type like 'probe.%' or event_type like 'chain.%'")" = \
  "chain.start probe.start probe.stop probe.start probe.start probe.stop" ] || fail "starts and stops: $(sql "select event_type from re_raw.raw_event order by seq")"
[ "$(sql "select string_agg(convert_from(payload, 'UTF8')::jsonb->>'clean_shutdown', ' ' order by seq) from re_raw.raw_event where event_type = 'probe.start'")" = \
  "true true false" ] || fail "clean_shutdown"
# The first run ended in order, so its rows are those of a replay but for times and the order of the packets' arrival.
run 0 "$probe" replay demo.pcap --out jsonl:replay.jsonl
wanted=$(jq -c 'select(.envelope.event_type == "dpi.flow") | .payload | [.community_id, .app, .packets_src + .packets_dst, .ip_bytes_src + .ip_bytes_dst]' replay.jsonl | jq -cs 'group_by(.[0]) | map([.[0][0], .[0][1], (map(.[2]) | add)]) | .[]' | sort)
got=$(sql "select json_build_array(community_id, min(app), sum(packets_src + packets_dst)) from re_dpi.flow f
           where seq < (select min(seq) from re_raw.raw_event where event_type = 'probe.stop') and canary is null group by community_id" | jq -c . | sort)
[ "$wanted" = "$got" ] || fail "flows: wanted $wanted, got $got"
[ "$(sql "select count(*) from re_dpi.heartbeat where not ledger_closes")" = 0 ] || fail "a ledger is open"
[ "$(sql "select count(*) from re_raw.raw_event where event_type = 'config.change'")" = 1 ] || fail "no config.change"
[ "$(sql "select bool_and(i.kind = 'af_packet' and i.name = 'rx0' and i.link_up) and max(i.packets) > 0 from re_dpi.heartbeat_interface i")" = t ] || fail "interfaces in heartbeats"
[ "$(sql "select bool_or(spool_bytes > 0 and db_connected and commits > 0 and key_id is not null) from re_dpi.heartbeat")" = t ] || fail "spool, database and commits in heartbeats"
[ "$(sql "select bool_and(num_nulls(libpcap_version, openssl_version, kernel_version, build_sha256, ndpi_library_sha256) = 0) and bool_or(recorder_lag_us < 5000000) from re_dpi.heartbeat")" = t ] ||
  fail "software and lag in heartbeats"
[ "$(sql "select bool_and(num_nulls(libpcap_version, openssl_version, kernel_version, build_sha256, ndpi_library_sha256) = 0) from re_dpi.probe_start")" = t ] || fail "software in probe.start"
[ "$(sql "select bool_and(promiscuous and malformed = 0 and truncated = 0) from re_dpi.heartbeat_interface")" = t ] || fail "what interfaces are like in heartbeats"
[ "$(sql "select bool_and(events_produced = events_sealed + events_shed) from re_dpi.heartbeat")" = t ] || fail "events do not add up"
[ "$(sql "select bool_and(n = rank) from (select heartbeat_number as n, row_number() over (order by seq) - 1 as rank from re_dpi.heartbeat) x")" = t ] || fail "heartbeats are not numbered over restarts"
[ "$(sql "select bool_and(coalesce(packets_offered >= before, true)) from (select packets_offered, lag(packets_offered) over (order by seq) as before from re_dpi.heartbeat) x")" = t ] || fail "totals go back at a restart"
# Canaries: they arrive in the database within seconds, as rows that no view and no total counts.
[ "$(sql "select count(*) > 0 and bool_and(canary_stage is null and canary_flow_lag_us < 5000000 and canary_dns_lag_us < 5000000)
          from re_dpi.heartbeat where canary_number is not null")" = t ] || fail "canaries: $(sql "select seq, canary_number, canary_flow_lag_us, canary_stage from re_dpi.heartbeat")"
[ "$(sql "select count(*) > 0 and bool_and(app = 'DNS') from re_dpi.flow where canary")" = t ] || fail "no canary's flow"
[ "$(sql "select count(*) > 0 and bool_and(outcome = 'answered') from re_dpi.dns where canary")" = t ] || fail "no canary's exchange"
[ "$(sql "select count(*) from re_view.dns where qname = 'canary.ransomeye.invalid'")" = 0 ] || fail "a view shows canaries"
[ "$(sql "select max(h.flow_records) = (select count(*) from re_dpi.flow where canary is null and seq < max(h.seq)) from re_dpi.heartbeat h
          where h.ingested_at <= (select ingested_at from re_raw.raw_event where event_type = 'probe.stop' order by seq limit 1)
            and h.seq < (select min(seq) from re_raw.raw_event where event_type = 'probe.stop')")" = t ] || fail "flow_records counts canaries"
[ "$(sql "select bool_and(mode = 'live') from re_raw.raw_event")" = t ] || fail "not live"
echo "the sensor's rows are right"
