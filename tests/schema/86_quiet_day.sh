#!/usr/bin/env bash
# 24 hours of a probe that is well, with everything a little under its threshold, raise nothing.
source "$(dirname "$0")/simulated_clock"
# ---------------------------------------------------------------------------------------------------------------------------
# A day of a probe that is well: a week behind it, traffic that follows the hour, heartbeats that come early and late, losses, spool,
# clock and mirror a little under their thresholds, a database that is away for 25 s each hour. Then its traffic falls to a twentieth.
# ---------------------------------------------------------------------------------------------------------------------------
psql -qXAt -v ON_ERROR_STOP=1 <<'SQL' || exit 1
set search_path = t, public;
set test.now = '2026-03-09 00:00:00+00';
set client_min_messages = warning;
create table t.day (steps int not null default 0, looks int not null default 0);
insert into t.day default values;
-- Packets a second: 100 at four at night, 2100 at four in the afternoon.
create function t.rate() returns numeric language sql as $$ select round((1100 - 1000 * cos(2 * pi() * (extract(hour from test_clock.now() at time zone 'UTC') + extract(minute from test_clock.now()) / 60.0 - 4) / 24))::numeric, 1) $$;
create procedure t.week() language plpgsql as $$
begin
    perform t.enrol_probe('day');
    perform t.deliver('day', t.seal('day', 'sb'));
    for step in 1 .. 7 * 96 loop
        call t.tick(900);
        perform t.deliver('day', t.beat('day', (900 * t.rate())::bigint));
        commit;
    end loop;
end $$;
create procedure t.live(minutes int, share numeric, look boolean) language plpgsql as $$
declare
    s record;
    waiting t.batch[] := '{}';
    gap numeric;
    i uuid := (select p.i from t.probe p where name = 'day');
begin
    for step in 1 .. minutes * 6 loop
        gap := 10 + (step % 5 - 2);                                    -- 8 to 12 s
        call t.tick(gap);
        waiting := waiting || t.beat('day', (gap * t.rate() * share)::bigint, floor(gap * t.rate() * share / 1200)::bigint, 0.9);
        if step % 360 not in (100, 101) then                           -- away: the next goes out after 25 to 30 s
            perform t.deliver('day', b) from (select (row(u.instance, u.first_seq, u.envelopes, u.payloads, u.last_hash)::t.batch) as b from unnest(waiting) with ordinality u(instance, first_seq, envelopes, payloads, last_hash, o) order by u.o) y;
            waiting := '{}';
        end if;
        -- Whatever is noticed of a minute lasts for more than three steps; what the outage does, for one.
        if look and (step % 3 = 0 or step % 360 between 98 and 106) then
            for s in select z.state, z.reasons, z.reason_figures from re_view.probe_status z where z.component_instance_id = i and z.state <> 'healthy' loop
                insert into t.finding values (format('a false alarm at %s: %s %s %s', test_clock.now(), s.state, s.reasons, s.reason_figures));
            end loop;
            update t.day set looks = looks + 1;
        end if;
        update t.day set steps = steps + 1;
        if step % 30 = 0 then commit; end if;
    end loop;
end $$;
call t.week();
update t.probe set over = over || '{"spool_bytes":50,"spool_cap_bytes":100,"spool_unacked_events":1,"spool_quarantined":0,"clock_offset_us":-100000}' where name = 'day';
delete from t.probe where name <> 'day';
call t.live(10, 1, false);
call t.live(24 * 60, 1, true);
select format('ok a day in %s heartbeats, %s looks', steps, looks) from t.day;
call t.live(11, 0.05, false);
insert into t.finding select format('a twentieth of the traffic: %s %s', z.state, z.reasons) from re_view.probe_status z where z.component_instance_id = (select i from t.probe) and not (z.state = 'degraded' and z.reasons = '{traffic_low}');
insert into t.finding select 'no day was simulated' from t.day where steps < 8640 or looks < 2880;
select 'not ok ' || what from t.finding limit 20;
SQL
verdict
