#!/usr/bin/env bash
# Faults of probes on a simulated clock: each must give its state and reason within one interval of its threshold, and not before.
source "$(dirname "$0")/simulated_clock"
# ---------------------------------------------------------------------------------------------------------------------------
# Faults: one probe each, well for six minutes, then the fault at the same moment.
# ---------------------------------------------------------------------------------------------------------------------------
psql -qXAt -v ON_ERROR_STOP=1 <<'SQL' || exit 1
set search_path = t, public;
set test.now = '2026-03-02 00:00:00+00';
set client_min_messages = warning;
insert into t.fault values
    ('link_down', 'degraded', 'link_down', 0), ('no_traffic', 'degraded', 'no_traffic', 60), ('capture_stuck', 'degraded', 'capture_stuck', 0), ('spool_filling', 'degraded', 'spool_filling', 0),
    ('spool_full', 'degraded', 'spool_full', 0), ('database_away', 'silent', null, 60), ('database_restored', 'gap', null, 80), ('clock_step', 'degraded', 'clock_stepped', 0),
    ('clock_lost', 'degraded', 'clock_unsynced', 0), ('clock_behind', 'stale', 'backlog', 0), ('clock_ahead', 'degraded', 'clock_ahead', 0), ('key_revoked', 'degraded', 'key_revoked', 0),
    ('key_strange', 'degraded', 'key_unknown', 0), ('killed', 'silent', null, 60), ('stopped', 'silent', 'stopped', 60), ('restarted', 'restarted', 'unclean_restart', 0), ('cloned', 'forked', 'refused', 0),
    ('wrong_configuration', 'degraded', 'config_drift', 0), ('wrong_version', 'degraded', 'version_drift', 0), ('heavy_drops', 'degraded', 'drops_kernel', 0), ('mirror_loss', 'degraded', 'mirror_loss', 0),
    ('worker_crash', 'degraded', 'worker_restarted', 0), ('canary_lost', 'degraded', 'canary_lost', 0), ('unsigned', 'degraded', 'unsigned_tail', 60), ('heartbeats_stop', 'stale', 'no_heartbeat', 30),
    ('own_word', 'degraded', 'one_way_mirror', 0), ('loss_reported', 'degraded', 'loss_reported', 0);
select t.enrol_probe(name) from t.fault order by name \g /dev/null
select t.enrol_probe('well') \g /dev/null
do $$
declare
    x       t.probe;
    s       record;
    step    int;
    fault   timestamptz;
    b       t.batch;
    kept    t.batch[] := '{}';
    clone   t.batch;
    answer  text;
begin
    perform t.deliver(p.name, t.seal(p.name, 'sb')) from t.probe p;
    perform re_core.approve_version(p.m, decode(repeat('ab', 32), 'hex'), decode(repeat('cd', 32), 'hex'), '4.2.0', '1.0.0', 'test') from t.probe p;
    for step in 1 .. 36 loop
        call t.tick(10);
        for x in select * from t.probe order by name loop
            answer := t.deliver(x.name, t.beat(x.name, 10000));
            if answer <> 'stored' then insert into t.finding values (x.name || ' before its fault: ' || answer); end if;
        end loop;
        if step = 20 then
            insert into t.finding select p.name || ' is not "restarted" after its first start' from t.probe p join re_view.probe_status z on z.component_instance_id = p.i where z.state <> 'restarted';
        end if;
    end loop;
    insert into t.finding select format('%s before its fault: %s %s', p.name, z.state, z.reasons) from t.probe p join re_view.probe_status z on z.component_instance_id = p.i where z.state <> 'healthy';

    fault := test_clock.now();
    perform t.enrol_probe('never');
    insert into t.fault values ('never', 'never_seen', null, 600), ('well', 'ill', null, 0);
    update t.probe set link = '{"link_up":false}' where name = 'link_down';
    update t.probe set over = over || '{"spool_bytes":51,"spool_cap_bytes":100,"spool_unacked_events":1,"spool_quarantined":0}' where name = 'spool_filling';
    update t.probe set over = over || '{"spool_bytes":96,"spool_cap_bytes":100,"spool_unacked_events":1,"spool_quarantined":0}' where name = 'spool_full';
    update t.probe set over = over || '{"clock_synced":false}' where name = 'clock_lost';
    update t.probe set over = over || jsonb_build_object('key_id', repeat('77', 32)) where name = 'key_strange';
    update t.probe set over = over || jsonb_build_object('config_sha256', repeat('99', 32)) where name = 'wrong_configuration';
    update t.probe set over = over || '{"probe_version":"0.9.0"}' where name = 'wrong_version';
    update t.probe set over = over || '{"canary_number":9,"canary_flow_lag_us":5,"canary_stage":"commit"}' where name = 'canary_lost';
    update t.probe set over = over || '{"state":"degraded","reasons":["one_way_mirror"]}' where name = 'own_word';
    update t.probe set signs = false where name = 'unsigned';
    select * into x from t.probe where name = 'key_revoked';
    perform re_core.revoke_key(x.i, decode(x.over ->> 'key_id', 'hex'), x.seq, true, 'stolen');
    -- The clone has the same disk: it goes on from the same head.
    select * into x from t.probe where name = 'cloned';
    clone := t.chain(x.i, x.m, x.seq, x.hash, 'x');

    for step in 1 .. 66 loop
        call t.tick(10);
        for x in select * from t.probe where name <> 'never' order by name loop
            -- Once noticed it need not go on.
            continue when x.name = 'killed' or (x.name = 'stopped' and step > 1) or (x.name not in ('well', 'database_away') and exists (select from t.fault f where f.name = x.name and f.first_at is not null));
            b := case x.name
                when 'no_traffic' then t.beat(x.name, 0)
                when 'capture_stuck' then t.beat(x.name, 0, 10000)
                when 'heavy_drops' then t.beat(x.name, 9800, 200)
                when 'mirror_loss' then t.beat(x.name, 10000, 0, 10)
                when 'heartbeats_stop' then t.seal(x.name, 'x')
                when 'stopped' then t.seal(x.name, 'e')
                when 'restarted' then case step when 1 then t.seal(x.name, 'b', '{"clean_shutdown":false}') else t.beat(x.name, 10000) end
                when 'worker_crash' then case step when 1 then t.seal(x.name, 'w') else t.beat(x.name, 10000) end
                when 'loss_reported' then case step when 1 then t.seal(x.name, 'l') else t.beat(x.name, 10000) end
                when 'clock_step' then case step when 1 then t.seal(x.name, 'c') else t.beat(x.name, 10000) end
                when 'clock_behind' then t.seal(x.name, 'x', '{}', jsonb_build_object('emitted_at', t.time(test_clock.now() - interval '90 seconds')))
                when 'clock_ahead' then t.seal(x.name, 'hx', t.heartbeat()::jsonb || x.over || jsonb_build_object('packets_offered', 12), jsonb_build_object('emitted_at', t.time(test_clock.now() + interval '90 seconds')))
                else t.beat(x.name, 10000) end;
            if x.name = 'database_away' and step <= 30 then
                kept := kept || b;
            elsif x.name = 'database_restored' and step = 1 then
                -- The database stores it, and loses it again.
                begin
                    answer := t.deliver(x.name, b);
                    raise exception 'restored from a backup' using errcode = 'T0001';
                exception when sqlstate 'T0001' then null; end;
                if answer <> 'stored' then insert into t.finding values ('database_restored: ' || answer); end if;
            elsif x.name = 'database_away' and kept <> '{}' then
                -- The backlog comes in two parts: first the older half, ten seconds later the rest.
                kept := kept || b;
                for n in 1 .. case when step = 31 then 15 else cardinality(kept) end loop
                    answer := t.deliver(x.name, kept[n]);
                    if answer <> 'stored' then insert into t.finding values (format('the backlog: %s', answer)); end if;
                end loop;
                kept := case when step = 31 then kept[16:] else '{}' end;
                select z.state, z.reasons into s from re_view.probe_status z where z.component_instance_id = x.i;
                if step = 31 and not (s.state = 'stale' and 'backlog' = any (s.reasons)) or step = 32 and s.state <> 'healthy' then
                    insert into t.finding values (format('the backlog, step %s: %s %s', step, s.state, s.reasons));
                end if;
            else
                answer := t.deliver(x.name, b);
                if answer <> 'stored' and x.name <> 'database_restored' then insert into t.finding values (format('%s, step %s: %s', x.name, step, answer)); end if;
            end if;
            if x.name = 'cloned' and step = 1 then
                answer := t.deliver(x.name, clone);
                if answer <> 'fork' then insert into t.finding values ('the clone: ' || answer); end if;
            end if;
        end loop;
        for s in select f.*, z.state as found, z.reasons, z.reason_figures from t.fault f join t.probe p using (name) join re_view.probe_status z on z.component_instance_id = p.i where f.first_at is null loop
            if s.found = s.state and (s.reason is null or s.reason = any (s.reasons)) then
                update t.fault set first_at = test_clock.now() where name = s.name;
            end if;
        end loop;
    end loop;
    insert into t.finding
    select format('%s: %s %s after %s s, threshold %s s; now %s %s', f.name, f.state, f.reason, coalesce(extract(epoch from f.first_at - fault)::int::text, 'never'), f.threshold_s, z.state, z.reasons)
    from t.fault f join t.probe p using (name) join re_view.probe_status z on z.component_instance_id = p.i
    where case f.name when 'well' then z.state <> 'healthy' or f.first_at is not null
          else f.first_at is null or f.first_at > fault + (f.threshold_s + 10) * interval '1 second' or f.first_at < fault + f.threshold_s * interval '1 second' end;
    insert into t.finding select format('well: %s %s', z.state, z.reasons) from re_view.probe_status z where z.component_instance_id = (select i from t.probe where name = 'well') and z.state <> 'healthy';
end $$;
select 'not ok ' || what from t.finding;
select format('ok %s: %s %s after %s s', name, state, reason, extract(epoch from first_at - '2026-03-02 00:06:00+00')::int) from t.fault where name <> 'well' order by name;
SQL
verdict
