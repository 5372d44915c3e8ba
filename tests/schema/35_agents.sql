-- Agents: events of each type as they should be, without each member, with another type of each, with too much; and each CHECK.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
create function pg_temp.i() returns uuid language sql as $$ select '33333333-3333-4333-8333-333333333333'::uuid $$;
create function pg_temp.m() returns uuid language sql as $$ select 'a3a3a3a3-3333-8333-8333-333333333333'::uuid $$;
select is((re_core.enrol_instance(pg_temp.i(), pg_temp.m(), 'one', 'linux_agent', 'live', 't_agent', t.spki(4), 'file', '')).status, 'enrolled', 'an agent is enrolled');
select is(t.status(t.chain(pg_temp.i(), pg_temp.m(), 0, t.zeros(), 's')), 'bad_event', 'an agent is no probe');
select is(t.ask('t_probe1', $$ select status from re_raw.ingest('33333333-3333-4333-8333-333333333333', 0, array['x'::bytea], array['{}'::bytea], null) $$), 'not_authorised', 'a probe sends no agent''s chain');
select is(t.ask('t_agent', $$ select t.status(t.chain('33333333-3333-4333-8333-333333333333', 'a3a3a3a3-3333-8333-8333-333333333333', 0, t.zeros(), 's', '{"component":"linux_agent"}')) $$), 'stored', 'the agent does');
select is(t.ask('t_agent', $$ select next_seq from re_raw.chain_resume('33333333-3333-4333-8333-333333333333') $$), '1', 'and resumes');
select is(t.try('t_agent', s), '42501', 'the agent cannot: ' || s) from unnest(array['select * from re_agent.process_activity', 'insert into re_agent.component_health default values', 'select * from re_raw.raw_event',
    'select re_core.enrol_replay(null, null, null)']) s;

create function pg_temp.event(type text, over jsonb default '{}') returns text language sql as $$
    select t.canonical(jsonb_strip_nulls(case type
        when 'agent.process' then '{"action":"exec","pid":17,"process_start_at":"2026-01-01T00:00:00.000000001Z","parent_pid":1,"parent_start_at":"2026-01-01T00:00:00.000000000Z","account":"root",
            "image_path":"/bin/sh","command_line":"sh","exit_code":-1,"integrity_level":"high"}'
        when 'agent.file' then '{"action":"rename","path":"/tmp/a","old_path":"/tmp/b","size_before":1,"size_after":2,"entropy_before_milli":3000,"entropy_after_milli":7999,"pid":17,
            "process_start_at":"2026-01-01T00:00:00.000000001Z","file_mode":33188}'
        when 'agent.persistence' then '{"mechanism":"cron","action":"create","location":"/etc/cron.d/x","target_path":"/tmp/a","pid":17,"process_start_at":"2026-01-01T00:00:00.000000001Z"}'
        when 'agent.network_intent' then '{"action":"connect","pid":17,"process_start_at":"2026-01-01T00:00:00.000000001Z","local_ip":"10.0.0.1","local_port":40000,"remote_ip":"2001:db8::1","remote_port":443,
            "protocol":6,"remote_name":"www.example.com"}'
        when 'agent.deception' then '{"decoy_id":"d-1","decoy_type":"file","action":"open","actor_ip":"10.0.0.9","pid":17,"process_start_at":"2026-01-01T00:00:00.000000001Z","credential_ref":"vault:1"}'
        when 'agent.health' then '{"state":"healthy","uptime_ms":1,"policy_version":1,"spool_events":0,"spool_bytes":0,"spool_oldest_at":"2026-01-01T00:00:00.000000001Z","send_errors":0,"clock_offset_us":-5,
            "cpu_permille":3,"rss_bytes":4,"disk_free_bytes":5}' end::jsonb
        || case type when 'agent.process' then jsonb_build_object('image_sha256', repeat('ab', 32)) when 'agent.file' then jsonb_build_object('file_sha256', repeat('ab', 32))
                     when 'agent.persistence' then jsonb_build_object('target_sha256', repeat('ab', 32)) when 'agent.health' then jsonb_build_object('config_sha256', repeat('ab', 32)) else '{}' end || over)) $$;
create temp view types as select x.type, x.tab from (values ('agent.process', 'process_activity'), ('agent.file', 'file_activity'), ('agent.persistence', 'persistence_activity'),
    ('agent.network_intent', 'network_intent'), ('agent.deception', 'deception_event'), ('agent.health', 'component_health')) x(type, tab);
create temp view members as select y.type, y.tab, m.key, m.value from types y cross join lateral jsonb_each(pg_temp.event(y.type)::jsonb) m;

-- Sends one event behind the head; a good one is rolled back, so every case starts from the same head.
create function pg_temp.send(type text, over jsonb default '{}') returns text language plpgsql as $$
declare
    p bytea := convert_to(pg_temp.event(type, over), 'UTF8');
    e bytea := t.envelope(pg_temp.i(), pg_temp.m(), 1, (select last_hash from re_raw.chain_resume(pg_temp.i())), type, p, '{"component":"linux_agent"}');
    answer text;
begin
    begin
        select x.status || coalesce(': ' || x.detail, '') into answer from re_raw.ingest(pg_temp.i(), 1, array[e], array[p], null) x;
        answer := coalesce((select 'quarantined: seq ' || q.seq || ': ' || q.rule from re_raw.quarantine q), answer);
        raise exception 'undo' using errcode = 'T0001';
    exception when sqlstate 'T0001' then
        return answer;
    end;
end $$;
select is(pg_temp.send(type), 'stored', 'a good ' || type) from types order by type;
select matches(pg_temp.send(type, jsonb_build_object(key, null)), case when a.attnotnull then format('^quarantined: seq 1: %s\.%s is missing$', tab, key) else '^stored$' end, type || ' without ' || key)
from members x join pg_attribute a on a.attrelid = ('re_agent.' || tab)::regclass and a.attname = key order by type, key;
select matches(pg_temp.send(type, jsonb_build_object(key, case jsonb_typeof(value) when 'number' then to_jsonb(value::text) else '1' end)), '^quarantined: seq 1: ', type || ' with another type of ' || key)
from members order by type, key;
select matches(pg_temp.send(type, '{"surprise":1}'), '^quarantined: seq 1: payload_is_of_contract', type || ' with a surprise') from types order by type;
select is(pg_temp.send(type, jsonb_build_object(key, true)), 'stored', key || ' of ' || type) from (values ('agent.process', 'image_path_truncated'), ('agent.process', 'command_line_truncated'),
    ('agent.file', 'path_truncated'), ('agent.file', 'old_path_truncated'), ('agent.persistence', 'location_truncated'), ('agent.persistence', 'target_path_truncated')) x(type, key);
select is(pg_temp.send(type, v::jsonb), 'quarantined: seq 1: ' || rule, rule || ' refuses ' || left(v, 60)) from (values
    ('agent.process', '{"action":"sleep"}', 'process_activity_action_is_valid'), ('agent.process', '{"account":"a b"}', 'process_activity_account_is_pct_text'),
    ('agent.process', '{"account":"' || repeat('a', 256) || '"}', 'process_activity_account_is_pct_text'), ('agent.process', '{"image_path":"/a b"}', 'process_activity_image_path_is_pct_text'),
    ('agent.process', '{"image_sha256":"00"}', 'process_activity_image_sha256_is_valid'), ('agent.process', '{"command_line":"' || repeat('a', 8193) || '"}', 'process_activity_command_line_is_pct_text'),
    ('agent.process', '{"parent_pid":-1}', 'process_activity_counters_are_in_range'), ('agent.process', '{"pid":9007199254740992}', 'process_activity_counters_are_in_range'),
    ('agent.process', '{"integrity_level":"' || repeat('a', 256) || '"}', 'process_activity_names_are_short'), ('agent.process', '{"parent_start_at":"2026-01-01T00:00:00.000000-01Z"}', 'process_activity_nanoseconds_are_in_range'),
    ('agent.process', '{"image_path_truncated":false}', 'process_activity_truncated_is_true_or_absent'),
    ('agent.file', '{"action":"look"}', 'file_activity_action_is_valid'), ('agent.file', '{"path":"a b"}', 'file_activity_path_is_pct_text'), ('agent.file', '{"old_path":"' || repeat('a', 4097) || '"}', 'file_activity_old_path_is_pct_text'),
    ('agent.file', '{"file_sha256":"00"}', 'file_activity_file_sha256_is_valid'), ('agent.file', '{"entropy_before_milli":8001}', 'file_activity_entropy_before_milli_is_valid'),
    ('agent.file', '{"entropy_after_milli":-1}', 'file_activity_entropy_after_milli_is_valid'), ('agent.file', '{"file_mode":65536}', 'file_activity_file_mode_is_valid'),
    ('agent.file', '{"size_after":-1}', 'file_activity_counters_are_in_range'), ('agent.file', '{"process_start_at":"2026-01-01T00:00:00.000000-01Z"}', 'file_activity_nanoseconds_are_in_range'),
    ('agent.file', '{"old_path_truncated":false}', 'file_activity_truncated_is_true_or_absent'),
    ('agent.persistence', '{"mechanism":"magic"}', 'persistence_activity_mechanism_is_valid'), ('agent.persistence', '{"action":"read"}', 'persistence_activity_action_is_valid'),
    ('agent.persistence', '{"location":"a b"}', 'persistence_activity_location_is_pct_text'), ('agent.persistence', '{"target_path":"a b"}', 'persistence_activity_target_path_is_pct_text'),
    ('agent.persistence', '{"target_sha256":"00"}', 'persistence_activity_target_sha256_is_valid'), ('agent.persistence', '{"pid":-1}', 'persistence_activity_counters_are_in_range'),
    ('agent.persistence', '{"process_start_at":"2026-01-01T00:00:00.000000-01Z"}', 'persistence_activity_nanoseconds_are_in_range'), ('agent.persistence', '{"location_truncated":false}', 'persistence_activity_truncated_is_true_or_absent'),
    ('agent.network_intent', '{"action":"hope"}', 'network_intent_action_is_valid'), ('agent.network_intent', '{"protocol":256}', 'network_intent_protocol_is_valid'),
    ('agent.network_intent', '{"remote_name":"a b"}', 'network_intent_remote_name_is_pct_text'), ('agent.network_intent', '{"pid":-1}', 'network_intent_counters_are_in_range'),
    ('agent.network_intent', '{"remote_port":65536}', 'network_intent_16_bit_numbers_are_in_range'), ('agent.network_intent', '{"local_port":-1}', 'network_intent_16_bit_numbers_are_in_range'),
    ('agent.network_intent', '{"local_ip":"10.0.0.0/8"}', 'network_intent_addresses_are_hosts'), ('agent.network_intent', '{"remote_ip":"2001:db8::/32"}', 'network_intent_addresses_are_hosts'),
    ('agent.network_intent', '{"process_start_at":"2026-01-01T00:00:00.000000-01Z"}', 'network_intent_nanoseconds_are_in_range'),
    ('agent.deception', '{"decoy_id":"a b"}', 'deception_event_decoy_id_is_pct_text'), ('agent.deception', '{"decoy_type":"duck"}', 'deception_event_decoy_type_is_valid'), ('agent.deception', '{"action":"look"}', 'deception_event_action_is_valid'),
    ('agent.deception', '{"credential_ref":"a b"}', 'deception_event_credential_ref_is_pct_text'), ('agent.deception', '{"pid":-1}', 'deception_event_counters_are_in_range'),
    ('agent.deception', '{"actor_ip":"10.0.0.0/8"}', 'deception_event_addresses_are_hosts'), ('agent.deception', '{"process_start_at":"2026-01-01T00:00:00.000000-01Z"}', 'deception_event_nanoseconds_are_in_range'),
    ('agent.health', '{"state":"fine"}', 'component_health_state_is_valid'), ('agent.health', '{"config_sha256":"00"}', 'component_health_config_sha256_is_valid'), ('agent.health', '{"cpu_permille":-1}', 'component_health_cpu_permille_is_valid'),
    ('agent.health', '{"send_errors":-1}', 'component_health_counters_are_in_range'), ('agent.health', '{"spool_oldest_at":"2026-01-01T00:00:00.000000-01Z"}', 'component_health_nanoseconds_are_in_range')) x(type, v, rule);

-- What no event can bring about, the owner is refused: a time without its nanoseconds, an event without its raw event.
create function pg_temp.owner(tab text, over jsonb) returns text language plpgsql as $$
declare
    rule text;
begin
    execute format('insert into re_agent.%1$I select (jsonb_populate_record(r, $1)).* from re_agent.%1$I r', tab) using over;
    return 'stored';
exception when integrity_constraint_violation then
    get stacked diagnostics rule = constraint_name;
    return rule;
end $$;
create temp table sent as select row_number() over (order by type) as n, type, convert_to(pg_temp.event(type), 'UTF8') as payload from types;
do $$
declare
    x record;
    e bytea;
    h bytea := (select last_hash from re_raw.chain_resume(pg_temp.i()));
begin
    for x in select * from sent order by n loop
        e := t.envelope(pg_temp.i(), pg_temp.m(), x.n, h, x.type, x.payload, '{"component":"linux_agent"}');
        h := (select last_hash from re_raw.ingest(pg_temp.i(), x.n, array[e], array[x.payload], null));
    end loop;
end $$;
select is(pg_temp.owner(tab, over::jsonb), tab || '_nanoseconds_have_their_time', tab || ': a time without its nanoseconds') from (values
    ('process_activity', '{"parent_start_at_ns":null}'), ('persistence_activity', '{"process_start_at_ns":null}'), ('deception_event', '{"process_start_at_ns":null}'), ('component_health', '{"spool_oldest_at_ns":null}')) x(tab, over);
create function pg_temp.orphan(tab text) returns text language plpgsql as $$
begin
    execute format('insert into re_agent.%1$I select (jsonb_populate_record(r, ''{"seq":99}'')).* from re_agent.%1$I r', tab);
    set constraints all immediate;
    return 'stored';
exception when foreign_key_violation then
    return sqlerrm;
end $$;
select matches(pg_temp.orphan(tab), 'violates foreign key constraint "' || tab || '_has_raw_event"', tab || ' without its raw event') from types order by tab;
select is(pg_temp.owner(tab, '{}'), format('%s_p%s_pkey', tab, to_char(now() at time zone 'UTC', 'YYYYMMDD')), tab || ' twice') from types order by tab;

-- Its checkpoint names the agent, not a probe.
select is((select x.status || coalesce(': ' || x.detail, '') from re_raw.ingest(pg_temp.i(), 7, (b).envelopes, (b).payloads, n) x), s, s) from (
    select t.chain(pg_temp.i(), pg_temp.m(), 7, (select last_hash from re_raw.chain_resume(pg_temp.i())), 'x', '{"component":"linux_agent"}') as b, sha256('root') as root offset 0) y,
    lateral (values (1, t.note(pg_temp.i(), 8, root), 'malformed: the note does not fit the batch: checkpoint_note_says_the_same'),
                    (2, replace(t.note(pg_temp.i(), 8, root), 'ransomeye.dpi/', 'ransomeye.linux_agent/'), 'stored')) z(o, n, s) order by o;

-- What its readers see
select is(t.ask('t_corr', 'select count(*) from re_agent.' || tab), '1', 'correlation reads ' || tab) from types order by tab;
select is(t.ask('t_ai', 'select count(*) from re_agent.' || tab), '1', 'the AI core reads ' || tab) from types order by tab;
select is(t.ask('t_soc1', 'select count(*) from re_view.timeline where machine_id = ''' || pg_temp.m() || ''''), '5', 'the timeline shows all but health');
select is(t.ask('t_soc2', 'select count(*) from re_view.timeline where machine_id = ''' || pg_temp.m() || ''''), '0', 'to its tenant only');
select is((re_core.enrol_instance('44444444-4444-4444-8444-444444444444', 'a4a4a4a4-4444-8444-8444-444444444444', 'one', 'windows_agent', 'live', 't_agent', t.spki(5), 'file', '')).status, 'enrolled', 'an agent on Windows');
select is((select count(*) from re_raw.event_type l join re_raw.event_type w using (event_type, event_version, store_schema, store_name) where l.component = 'linux_agent' and w.component = 'windows_agent'), 6::bigint,
    'has the same events');
select * from finish();
rollback;
