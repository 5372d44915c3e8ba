-- What a superuser does is found: rules switched off, bytes edited, rows removed, the ledger shortened, a partition dropped.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
select t.send(t.chain(t.i1(), t.m1(), 0, t.zeros(), 's' || repeat('f', 40)));
select t.send(t.chain(t.i1(), t.m1(), 41, (select last_hash from re_raw.chain_resume(t.i1())), repeat('fd', 10)));
select is_empty('select * from re_raw.verify_chain(t.i1()) where severity = ''tampered''', 'honest');
-- superuser: everything off
create function pg_temp.attack(statement text) returns text language plpgsql as $$
declare found text; r record; begin
    begin
        for r in select distinct g.tgrelid::regclass as rel from pg_trigger g where g.tgname = 'refuse_change' and g.tgrelid::regclass::text ~ 're_(raw|ops)' loop
            execute format('alter table %s disable trigger refuse_change', r.rel); end loop;
        for r in select conrelid::regclass as rel, conname from pg_constraint where conrelid = 're_raw.raw_event'::regclass and contype = 'c' loop
            execute format('alter table %s drop constraint %I', r.rel, r.conname); end loop;
        set local session_replication_role = replica;
        execute statement;
        set local session_replication_role = origin;
        select string_agg(distinct v.rule, ',' order by v.rule) into found from re_raw.verify_chain(t.i1()) v where v.severity = 'tampered';
        raise exception 'undo' using errcode = 'T0001';
    exception when sqlstate 'T0001' then set local session_replication_role = origin; return found;
    end;
end $$;
select matches(pg_temp.attack(a), e, a) from (values
    ('update re_raw.raw_event set payload = set_byte(payload, 20, 65) where seq = 7', 'payload_digest'),
    ('update re_raw.raw_event set payload = convert_to(replace(convert_from(payload, ''UTF8''), ''443'', ''444''), ''UTF8''), payload_sha256 = sha256(convert_to(replace(convert_from(payload, ''UTF8''), ''443'', ''444''), ''UTF8'')) where seq = 7', 'payload_digest'),
    ('update re_raw.raw_event set envelope = set_byte(envelope, 60, 65) where seq = 7', 'envelope_hash'),
    ('update re_raw.raw_event set envelope = set_byte(envelope, 60, 65), envelope_hash = sha256(''\x00''::bytea || set_byte(envelope, 60, 65)) where seq = 7', 'chain_link'),
    ('update re_raw.raw_event set envelope = set_byte(envelope, 60, 65), envelope_hash = sha256(''\x00''::bytea || set_byte(envelope, 60, 65)) where seq = 60', 'ledger_end'),
    ('update re_raw.raw_event set prev_hash = envelope_hash where seq = 9', 'chain_link'),
    ('delete from re_raw.raw_event where seq = 12', 'rows_missing'),
    ('delete from re_raw.raw_event where seq = 60', 'rows_missing')) x(a, e);
select matches(pg_temp.attack(a), e, a) from (values
    ('delete from re_raw.ingest_segment where first_seq = 41', 'chain_head'),
    ('update re_raw.chain_head set next_seq = 30', 'chain_head'),
    ('update re_raw.ingest_segment set last_hash = first_prev_hash where first_seq = 0', 'ledger_end'),
    ('delete from re_raw.raw_event', 'rows_missing')) x(a, e);
-- the CHECKs alone refuse what the triggers would have let through
alter table re_raw.raw_event disable trigger all;
do $$ begin execute format('alter table re_raw.raw_event_p%s disable trigger refuse_change', to_char(now() at time zone 'UTC', 'YYYYMMDD')); end $$;
select throws_ok('update re_raw.raw_event set ' || c || ' where seq = 7', '23514', null, 'without triggers, still bound: ' || c) from unnest(array[
    'payload = set_byte(payload, 20, 65)', 'envelope = set_byte(envelope, 60, 65)', 'hostname = ''other''', 'event_type = ''dpi.dns''', 'observed_at = observed_at - interval ''1 s''', 'observed_at_ns = 5',
    'emitted_at = emitted_at + interval ''1 s''', 'mono_us = mono_us + 1', 'event_id = gen_random_uuid()', 'boot_id = gen_random_uuid()', 'event_version = 2', 'version = ''9''',
    'prev_hash = envelope_hash', 'envelope_hash = prev_hash', 'payload_bytes = payload_bytes + 1', 'mode = ''replay''', 'machine_id = gen_random_uuid()', 'seq = 1000']) c;
select * from finish();
rollback;
