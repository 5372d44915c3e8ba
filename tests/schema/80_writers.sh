#!/usr/bin/env bash
# Several backends: a writer killed in the middle, an answer of COMMIT that is lost, two writers racing, twenty instances at once.
set -u
failed=0
q() { psql -qXAt -v ON_ERROR_STOP=1 -c 'set search_path = t, public' -c "$1"; }
is() { if [ "$1" = "$2" ]; then echo "ok $3"; else echo "not ok $3: have '$1', want '$2'"; failed=1; fi; }

psql -qX -v ON_ERROR_STOP=1 >/dev/null <<'SQL' || exit 1
set search_path = t, public;
select t.enrol();
create table t.b (n int primary key, b t.batch);
grant select on t.b to public;
insert into t.b values (0, t.chain(t.i1(), t.m1(), 0, t.zeros(), 's'));
insert into t.b select 1, t.chain(t.i1(), t.m1(), 1, (b).last_hash, repeat('fd', 100)) from t.b where n = 0;
insert into t.b select 2, t.chain(t.i1(), t.m1(), 201, (b).last_hash, repeat('f', 100)) from t.b where n = 1;
insert into t.b select 3, t.chain(t.i1(), t.m1(), 301, (b).last_hash, repeat('f', 5)) from t.b where n = 2;
insert into t.b select 4, t.chain(t.i1(), t.m1(), 301, (b).last_hash, repeat('d', 5)) from t.b where n = 2;
SQL
is "$(q 'select t.status(b) from t.b where n = 0')" stored 'the first event'

# Killed before COMMIT: the batch never was
psql -qX >/dev/null 2>&1 <<'SQL' &
begin;
select t.status(b) from t.b where n = 1;
select pg_sleep(60);
SQL
pid=$!
for _ in $(seq 100); do
    [ "$(q "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()")" = 1 ] && break
    sleep 0.1
done
q "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()" >/dev/null
wait $pid 2>/dev/null
is "$(q 'select next_seq from re_raw.chain_resume(t.i1())')" 1 'a writer that dies leaves the head where it was'
is "$(q 'select count(*) from re_dpi.flow')" 0 'and no row'
is "$(q 'select t.status(b) from t.b where n = 1')" stored 'its successor stores the batch'

# The answer of COMMIT lost: the sender does not know and sends again
is "$(q 'select t.status(b) from t.b where n = 1')" duplicate 'sent again it is a duplicate'
is "$(q 'select count(*) from re_raw.raw_event')" 201 'and stored once'

# Two writers, the same batch
for round in 1 2; do q 'select t.status(b) from t.b where n = 2' >"/tmp/re-w$$.$round" & done
wait
is "$(sort "/tmp/re-w$$".[12] | tr '\n' ' ')" 'duplicate stored ' 'two writers, one batch: stored once'
# Two writers, two futures
q 'select t.status(b) from t.b where n = 3' >"/tmp/re-w$$.1" &
q 'select t.status(b) from t.b where n = 4' >"/tmp/re-w$$.2" &
wait
is "$(sort "/tmp/re-w$$".[12] | tr '\n' ' ')" 'fork stored ' 'two writers, two futures: one is a fork'
is "$(q "select count(*) from re_raw.chain_violation where kind = 'fork'")" 1 'recorded'
rm -f "/tmp/re-w$$".*
is "$(q "select count(*) from re_raw.verify_chain(t.i1()) where severity = 'tampered'")" 0 'the chain is intact'

# Twenty instances at once
psql -qX -v ON_ERROR_STOP=1 >/dev/null <<'SQL' || exit 1
set search_path = t, public;
create table t.many as select n, md5('i' || n)::uuid as i, md5('m' || n)::uuid as m from generate_series(1, 20) n;
select re_core.enrol_instance(i, m, 'one', 'dpi_probe', 'live', 't_probe1', t.spki(100 + n), 'file', '') from t.many;
create table t.many_b as select n, t.chain(i, m, 0, t.zeros(), 's' || repeat('f', 40)) as b from t.many;
SQL
for n in $(seq 20); do q "select t.status(b) from t.many_b where n = $n" >"/tmp/re-m$$.$n" & done
wait
is "$(cat "/tmp/re-m$$".* | sort | uniq -c | tr -s ' ')" ' 20 stored' 'twenty instances at once, none waits for ever or fails'
rm -f "/tmp/re-m$$".*
exit $failed
