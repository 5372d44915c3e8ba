-- Test-only: builds canonical envelopes and payloads in SQL, enrols instances, sends batches. Loaded behind the bundle, never part of it.
create extension if not exists pgtap;

do $$
declare
    role_name text;
begin
    foreach role_name in array array['t_probe1', 't_probe2', 't_agent', 't_ingest', 't_soc1', 't_soc2', 't_corr', 't_ai', 't_auditor', 't_retention', 't_enrol', 't_nobody'] loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I login', role_name);
        end if;
    end loop;
end $$;
grant re_probe to t_probe1, t_probe2;
grant re_agent_writer to t_agent;
grant re_ingest to t_ingest;
grant re_soc to t_soc1, t_soc2;
grant re_correlation to t_corr;
grant re_ai_writer to t_ai;
grant re_auditor to t_auditor;
grant re_retention to t_retention;
grant re_enrol to t_enrol;

create schema t;
grant usage on schema t to public;
set search_path = t, public;

create function t.zeros() returns bytea language sql immutable as $$ select decode(repeat('00', 32), 'hex') $$;

-- RCJ: sorted names, no whitespace
create function t.canonical(j jsonb) returns text language plpgsql immutable as $$
begin
    return case jsonb_typeof(j)
        when 'object' then '{' || coalesce((select string_agg(to_json(e.key)::text || ':' || t.canonical(e.value), ',' order by e.key collate "C") from jsonb_each(j) e), '') || '}'
        when 'array' then '[' || coalesce((select string_agg(t.canonical(e.value), ',' order by e.o) from jsonb_array_elements(j) with ordinality e(value, o)), '') || ']'
        else j::text end;
end $$;

create function t.time(p timestamptz, ns int default 0) returns text language sql stable as $$
    select to_char(p at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || lpad(ns::text, 3, '0') || 'Z' $$;

create function t.spki(n int) returns bytea language sql immutable as $$ select '\x302a300506032b6570032100'::bytea || sha256(int4send(n)) $$;

create function t.flow(over jsonb default '{}') returns text language sql stable as $$
    select t.canonical(jsonb_strip_nulls(jsonb_build_object(
        'community_id', '1:LQU9qZlK+B5F3KDmev6m5PMibrg=', 'record', 0, 'final', true, 'start_at', t.time(now() - interval '3 s', 123),
        'end_at', t.time(now() - interval '1 s', 456), 'ip_version', 4, 'protocol', 6, 'src_ip', '10.0.0.2', 'src_port', 33375,
        'dst_ip', '198.51.100.15', 'dst_port', 443, 'orientation', 'syn', 'vlan_ids', '[]'::jsonb, 'encapsulations', '[]'::jsonb,
        'packets_src', 12, 'packets_dst', 71, 'ip_bytes_src', 1834, 'ip_bytes_dst', 91823, 'payload_bytes_src', 1000, 'payload_bytes_dst', 88000,
        'end_reason', 'fin', 'app_master', 'TLS', 'app', 'Google') || jsonb_build_object('app_category', 'Web', 'app_confidence', 'DPI', 'app_packets', 4,
        'risk_score', 0, 'risks', '[]'::jsonb, 'server_name', 'www.example.com', 'tcp_flags_src', 27, 'tcp_flags_dst', 27, 'rtt_dst_us', 12000) || over)) $$;

create function t.dns(over jsonb default '{}') returns text language sql stable as $$
    select t.canonical(jsonb_strip_nulls(jsonb_build_object(
        'community_id', '1:LQU9qZlK+B5F3KDmev6m5PMibrg=', 'transport', 'udp', 'service', 'dns', 'src_ip', '2001:db8::1', 'src_port', 5353,
        'dst_ip', '2001:db8::53', 'dst_port', 53, 'id', 4660, 'opcode', 'QUERY', 'outcome', 'answered', 'queries', 1, 'responses', 1,
        'questions', '[{"name":"a%22b%5Cc.x%2Ey%00z.EXAMPLE.com","type":"A","class":"IN"}]'::jsonb, 'qname', 'a%22b%5Cc.x%2Ey%00z.EXAMPLE.com', 'qtype', 'A',
        'query_at', t.time(now() - interval '2 s', 7), 'response_at', t.time(now() - interval '1 s', 8), 'rtt_us', 1000000, 'rcode', 'NOERROR', 'rd', true, 'ra', true,
        'records', '[{"section":"answer","name":"a.example","type":"A","class":"IN","ttl":300,"data":"192.0.2.1"},{"section":"answer","name":"a.example","type":"TYPE65400","class":"IN","ttl":300,"data":"#%204%2001020304","data_truncated":true}]'::jsonb,
        'edns', '{"version":0,"udp_size":1232,"do":false,"options":[{"code":10,"data":"00ff"}]}'::jsonb, 'query_bytes', 40, 'response_bytes', 90) || over)) $$;

create function t.heartbeat(over jsonb default '{}') returns text language sql stable as $$
    select t.canonical(jsonb_strip_nulls((select jsonb_object_agg(n, 0) from unnest(array['heartbeat_number', 'interval_ms', 'uptime_ms', 'packets_offered', 'bytes_offered', 'packets_decoded',
        'packets_filtered', 'packets_malformed', 'packets_not_ip', 'packets_dropped_kernel', 'packets_dropped_nic', 'packets_dropped_no_buffer', 'packets_shed', 'packets_truncated',
        'packets_duplicate', 'time_backward_steps', 'clock_steps', 'flows_active', 'flows_started', 'flow_records', 'flows_evicted', 'dns_transactions', 'dns_messages', 'tcp_acks',
        'gap_events', 'acked_bytes', 'gap_bytes', 'tcp_flows', 'one_way_flows', 'midstream_flows', 'dns_orphans', 'retransmits', 'out_of_order', 'vlan_one_sided_flows',
        'truncated_datagrams', 'events_produced', 'events_sealed', 'events_shed', 'tree_size_signed', 'unsigned_events']) n)
        || jsonb_build_object('state', 'healthy', 'reasons', '[]'::jsonb, 'run_id', '7e57ab1e-0000-4000-8000-000000000001', 'probe_version', '1.0.0', 'ndpi_version', '4.2.0',
           'config_sha256', repeat('ab', 32), 'schema_sha256', repeat('cd', 32), 'key_id', encode(sha256(t.spki(1)), 'hex'), 'packets_offered', 12, 'packets_decoded', 7,
           'packets_not_ip', 2, 'packets_shed', 1, 'packets_dropped_no_buffer', 2, 'events_produced', 9, 'events_sealed', 8, 'events_shed', 1,
           'anomalies', '[{"name":"ip_fragment_overlap","count":3}]'::jsonb,
           'interfaces', '[{"name":"eth1","kind":"af_packet","link_up":true,"packets":9,"bytes":900,"dropped_kernel":0,"dropped_nic":0,"dropped_no_buffer":2,"ring_freezes":0,"coalesced":0,"checksum_partial":0,"reopened":0,"malformed":0,"truncated":0,"promiscuous":true,"last_packet_at":"2026-01-01T00:00:00.000000001Z"}]'::jsonb,
           'events', '[{"event_type":"dpi.flow","sealed":8,"shed":1}]'::jsonb, 'losses', '[{"cause":"worker_ring","packets":1,"bytes":60,"events":0}]'::jsonb) || over)) $$;

-- The other events of a probe's own.
create function t.own(event_type text, over jsonb default '{}') returns text language sql stable as $$
    select t.canonical(jsonb_strip_nulls(case event_type
        when 'loss.report' then jsonb_build_object('interval_start', t.time(now() - interval '20 s', 1), 'interval_end', t.time(now() - interval '10 s', 2), 'cause', 'kernel', 'packets', 5,
            'bytes', 300, 'policy', 'newest_first', 'events', '[{"event_type":"dpi.dns","count":1},{"event_type":"dpi.flow","count":2}]'::jsonb)
        when 'clock.step' then '{"delta_us":-2500000,"source":"ntp","synced_after":true}'
        when 'probe.start' then jsonb_build_object('run_id', '7e57ab1e-0000-4000-8000-000000000001', 'clean_shutdown', true, 'recovered_bytes_cut', 0, 'pid_start_mono_us', 7,
            'config_sha256', repeat('ab', 32), 'head_before', jsonb_build_object('tree_size', 1, 'last_hash', repeat('00', 32)),
            'versions', jsonb_build_object('probe', '1.0.0', 'ndpi', '4.2.0', 'schema_sha256', repeat('cd', 32)))
        when 'probe.stop' then '{"run_id":"7e57ab1e-0000-4000-8000-000000000001","reason":"signal","totals":{"events_sealed":8,"packets_offered":12,"flow_records":1,"dns_transactions":1}}'
        when 'config.change' then jsonb_build_object('old_sha256', repeat('ab', 32), 'new_sha256', repeat('ef', 32), 'members', '["capture.ring_mb","heartbeat.interval_s"]'::jsonb)
        when 'dpi.scan' then jsonb_build_object('kind', 'source', 'protocol', 6, 'src_ip', '10.0.0.66', 'first_at', t.time(now() - interval '9 s', 1), 'last_at', t.time(now() - interval '1 s', 2),
            'flows', 5000, 'ip_bytes', 200000, 'samples', '[{"ip":"10.0.0.1","port":22},{"ip":"2001:db8::1","port":0}]'::jsonb)
        when 'worker.crash' then '{"worker":1,"signal":11,"uptime_ms":5000,"flow_key_hash":"0123456789abcdef"}' end::jsonb || over)) $$;

create function t.event_id(i uuid, s bigint, at timestamptz, payload_sha256 bytea) returns uuid language plpgsql immutable as $$
declare
    h bytea := substring(sha256('ransomeye.event-id/1\012'::bytea || uuid_send(i) || int8send(s) || payload_sha256) from 1 for 10);
begin
    h := set_byte(h, 0, (get_byte(h, 0) & 15) | 128);
    h := set_byte(h, 2, (get_byte(h, 2) & 63) | 128);
    return encode(substring(int8send(floor(extract(epoch from at) * 1000)::bigint) from 3 for 6) || h, 'hex')::uuid;
end $$;

create function t.envelope(i uuid, m uuid, s bigint, prev bytea, event_type text, payload bytea, over jsonb default '{}') returns bytea language plpgsql stable as $$
declare
    at timestamptz := coalesce((over ->> 'at')::timestamptz, now() - interval '500 ms');
begin
    return convert_to(t.canonical(jsonb_build_object(
        'component', 'dpi_probe', 'component_instance_id', i, 'emitted_at', t.time(now(), 999), 'event_id', t.event_id(i, s, at, sha256(payload)), 'event_type', event_type,
        'event_version', 1, 'identity', jsonb_build_object('boot_id', '2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a', 'hostname', 'sensor-01', 'version', '1.0.0'),
        'machine_id', m, 'mode', 'live', 'mono_us', 1000 * s, 'observed_at', t.time(at, 1), 'payload_bytes', octet_length(payload), 'payload_sha256', encode(sha256(payload), 'hex'),
        'prev_hash', encode(prev, 'hex'), 'schema', 'ransomeye.envelope/1', 'seq', s) || (over - 'at')), 'UTF8');
end $$;

create type t.batch as (instance uuid, first_seq bigint, envelopes bytea[], payloads bytea[], last_hash bytea);

-- A chain of events: kinds 's' chain.start, 'f' flow, 'd' dns, 'h' heartbeat, 'b' probe.start, 'e' probe.stop, 'l' loss.report, 'c' clock.step,
-- 'g' config.change, 'w' worker.crash, 'n' dpi.scan, 'x' a type that nobody knows
create function t.chain(i uuid, m uuid, first_seq bigint, prev bytea, kinds text, over jsonb default '{}', payload_over jsonb default '{}') returns t.batch language plpgsql stable as $$
declare
    b t.batch := row(i, first_seq, '{}'::bytea[], '{}'::bytea[], prev);
    e bytea;
    p bytea;
    k text;
    own text;
    s bigint := first_seq;
begin
    foreach k in array string_to_array(kinds, null) loop
        own := case k when 'b' then 'probe.start' when 'e' then 'probe.stop' when 'l' then 'loss.report' when 'c' then 'clock.step'
                      when 'g' then 'config.change' when 'w' then 'worker.crash' when 'n' then 'dpi.scan' end;
        p := convert_to(case when own is not null then t.own(own, payload_over) else
                             case k when 'f' then t.flow(payload_over) when 'd' then t.dns(payload_over) when 'h' then t.heartbeat(payload_over)
                                    when 's' then '{"reason":"enrolled"}' else '{"a":1}' end end, 'UTF8');
        e := t.envelope(i, m, s, b.last_hash, coalesce(own, case k when 'f' then 'dpi.flow' when 'd' then 'dpi.dns' when 'h' then 'health.heartbeat'
                                                     when 's' then 'chain.start' else 'test.unknown' end), p, over);
        b.envelopes := b.envelopes || e;
        b.payloads := b.payloads || p;
        b.last_hash := sha256('\x00'::bytea || e);
        s := s + 1;
    end loop;
    return b;
end $$;

create function t.note(i uuid, size bigint, root bytea) returns text language sql immutable as $$
    select concat('ransomeye.dpi/', i, e'\n', size, e'\n', encode(root, 'base64'), e'\n\n\u2014 ransomeye.dpi/', i, ' ', replace(encode(sha256(root) || sha256(root) || '\x01020304', 'base64'), e'\n', ''), e'\n') $$;

create function t.send(b t.batch, note text default null, accept_gap boolean default false) returns text language plpgsql as $$
begin
    return (select x.status || coalesce(': ' || x.detail, '') from re_raw.ingest(b.instance, b.first_seq, b.envelopes, b.payloads, note, accept_gap) x);
end $$;

create function t.status(b t.batch, note text default null, accept_gap boolean default false) returns text language plpgsql as $$
begin
    return (select x.status from re_raw.ingest(b.instance, b.first_seq, b.envelopes, b.payloads, note, accept_gap) x);
end $$;

create function t.leaves(b t.batch) returns bytea[] language sql immutable as $$ select array(select sha256('\x00'::bytea || e) from unnest((b).envelopes) with ordinality u(e, o) order by o) $$;

-- The names that every test uses: two instances of two tenants, one of an agent, one replay
create function t.i1() returns uuid language sql immutable as $$ select '11111111-1111-4111-8111-111111111111'::uuid $$;
create function t.i2() returns uuid language sql immutable as $$ select '22222222-2222-4222-8222-222222222222'::uuid $$;
create function t.m1() returns uuid language sql immutable as $$ select 'a1a1a1a1-1111-8111-8111-111111111111'::uuid $$;
create function t.m2() returns uuid language sql immutable as $$ select 'a2a2a2a2-2222-8222-8222-222222222222'::uuid $$;
create function t.enrol() returns void language plpgsql as $$
begin
    perform re_core.create_tenant('one'), re_core.create_tenant('two');
    perform re_core.enrol_instance(t.i1(), t.m1(), 'one', 'dpi_probe', 'live', 't_probe1', t.spki(1), 'file', '');
    perform re_core.enrol_instance(t.i2(), t.m2(), 'two', 'dpi_probe', 'live', 't_probe2', t.spki(2), 'file', '');
    perform re_core.enrol_reader('t_soc1', 'one'), re_core.enrol_reader('t_soc2', 'two'), re_core.enrol_reader('t_corr', 'one'), re_core.enrol_reader('t_ai', 'one');
end $$;

-- Runs a statement as another login: its SQLSTATE, or ok.
create function t.try(role_name text, statement text) returns text language plpgsql as $$
declare
    answer text := 'ok';
begin
    execute format('set local session authorization %I', role_name);
    begin
        execute statement;
    exception when others then
        answer := sqlstate;
    end;
    reset session authorization;
    return answer;
end $$;

-- Asks as another login: first column of the first row, or the SQLSTATE.
create function t.ask(role_name text, statement text) returns text language plpgsql as $$
declare
    answer text;
begin
    execute format('set local session authorization %I', role_name);
    begin
        execute statement into answer;
    exception when others then
        answer := sqlstate;
    end;
    reset session authorization;
    return answer;
end $$;
