-- Envelopes and payloads: an envelope that departs from the contract in one place is refused, a payload is quarantined; the rule is named.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
select t.send(t.chain(t.i1(), t.m1(), 0, t.zeros(), 's'));
-- Sends one event behind the head; a good one is rolled back, so every case starts from the same head.
create function pg_temp.one(event_type text, payload bytea, over jsonb default '{}', forge text default null) returns text language plpgsql as $$
declare
    e bytea := t.envelope(t.i1(), t.m1(), 1, (select last_hash from re_raw.chain_resume(t.i1())), event_type, payload, over);
    answer text;
begin
    if forge is not null then e := convert_to(replace(convert_from(e, 'UTF8'), split_part(forge, '=>', 1), split_part(forge, '=>', 2)), 'UTF8'); end if;
    begin
        select x.status || coalesce(': ' || x.detail, '') into answer from re_raw.ingest(t.i1(), 1, array[e], array[payload], null) x;
        answer := coalesce((select 'quarantined: seq ' || q.seq || ': ' || q.rule from re_raw.quarantine q), answer);
        raise exception 'undo' using errcode = 'T0001';
    exception when sqlstate 'T0001' then
        return answer;
    end;
end $$;
create function pg_temp.flow(over jsonb) returns text language sql as $$ select pg_temp.one('dpi.flow', convert_to(t.flow(over), 'UTF8')) $$;
create function pg_temp.dns(over jsonb) returns text language sql as $$ select pg_temp.one('dpi.dns', convert_to(t.dns(over), 'UTF8')) $$;
create function pg_temp.beat(over jsonb) returns text language sql as $$ select pg_temp.one('health.heartbeat', convert_to(t.heartbeat(over), 'UTF8')) $$;
create function pg_temp.raw(event_type text, payload text) returns text language sql as $$ select pg_temp.one(event_type, convert_to(payload, 'UTF8')) $$;

select is(pg_temp.flow('{}'), 'stored', 'a good flow');
select is(pg_temp.dns('{}'), 'stored', 'a good transaction');
select is(pg_temp.beat('{}'), 'stored', 'a good heartbeat');
-- every required member missing, one by one
select matches(pg_temp.flow(jsonb_build_object(key, null)), '^quarantined: seq 1: ', 'flow without ' || key)
from jsonb_object_keys(t.flow()::jsonb) key where key not in ('server_name', 'tcp_flags_src', 'tcp_flags_dst', 'rtt_dst_us') order by key;
select matches(pg_temp.dns(jsonb_build_object(key, null)), '^quarantined: seq 1: ', 'dns without ' || key)
from unnest(array['community_id', 'transport', 'service', 'src_ip', 'src_port', 'dst_ip', 'dst_port', 'id', 'opcode', 'outcome', 'queries', 'responses', 'questions']) key;
select matches(pg_temp.beat(jsonb_build_object(key, null)), '^quarantined: seq 1: ', 'heartbeat without ' || key) from jsonb_object_keys(t.heartbeat()::jsonb) key order by key;
-- every member with another type
select matches(pg_temp.flow(jsonb_build_object(key, case jsonb_typeof(value) when 'number' then to_jsonb(value::text) when 'string' then '1' when 'boolean' then '"true"' else '{}' end)),
    '^quarantined: seq 1: ', 'flow with another type of ' || key) from jsonb_each(t.flow()::jsonb) order by key;
select matches(pg_temp.dns(jsonb_build_object(key, case jsonb_typeof(value) when 'number' then to_jsonb(value::text) when 'string' then '1' when 'boolean' then '"true"' else '7' end)),
    '^quarantined: seq 1: ', 'dns with another type of ' || key) from jsonb_each(t.dns()::jsonb) order by key;
select matches(pg_temp.beat(jsonb_build_object(key, case jsonb_typeof(value) when 'number' then to_jsonb(value::text) when 'string' then '1' else '7' end)),
    '^quarantined: seq 1: ', 'heartbeat with another type of ' || key) from jsonb_each(t.heartbeat()::jsonb) order by key;
-- values
select matches(pg_temp.flow(v::jsonb), '^quarantined: seq 1: ', 'flow with ' || v) from unnest(array[
    '{"surprise":1}', '{"record":-1}', '{"record":1.5}', '{"record":9007199254740992}', '{"record":99999999999999999999999}', '{"protocol":256}', '{"src_port":65536}', '{"ip_version":5}',
    '{"src_ip":"10.0.0.0/8"}', '{"src_ip":"2001:db8::1"}', '{"src_ip":"nonsense"}', '{"end_reason":"bored"}', '{"orientation":"down"}', '{"start_at":"2100-01-01T00:00:00.000000000Z"}',
    '{"start_at":"2026-01-01T00:00:00Z"}', '{"start_at":"infinity"}', '{"start_at":"2026-13-01T00:00:00.000000000Z"}', '{"vlan_ids":[4096]}', '{"vlan_ids":["1"]}', '{"vlan_ids":[null]}',
    '{"vlan_ids":{}}', '{"risks":["a","a"]}', '{"risks":[1]}', '{"splt":[{"bytes":1}]}', '{"splt":[{"bytes":1,"gap_us":0,"x":1}]}', '{"splt":[{"bytes":1,"gap_us":-1}]}', '{"splt":[1]}',
    '{"server_name":"a b"}', '{"server_name_truncated":false}', '{"ja3":"XYZ"}', '{"cert_sha256":"00"}', '{"cert_sha256":"zz"}', '{"tunnel_src_ip":"x"}', '{"anomalies":["x","x"]}',
    '{"community_id":"1:short"}', '{"tcp_flags_src":300}', '{"risk_score":-1}']) v;
select matches(pg_temp.flow(jsonb_build_object('server_name', repeat('a', 513))), '^quarantined: ', 'flow with a name too long');
select is(pg_temp.flow(v::jsonb), 'stored', 'flow with ' || v) from unnest(array[
    '{"vlan_ids":[100,4095]}', '{"encapsulations":["ethernet","vlan"],"risks":["a","b"],"anomalies":["x"]}', '{"splt":[{"bytes":-100,"gap_us":0},{"bytes":5,"gap_us":9}]}',
    '{"cert_not_before":"1970-01-01T00:00:00.000000001Z","cert_not_after":"2261-12-31T23:59:59.999999999Z"}', '{"server_name":"%00%FF","server_name_truncated":true}',
    '{"ip_version":6,"src_ip":"2001:db8::1","dst_ip":"::1"}', '{"record":9007199254740991}', '{"tunnel_type":"vxlan","tunnel_id":7,"tunnel_src_ip":"192.0.2.1","tunnel_dst_ip":"192.0.2.2"}',
    '{"ssh_client":"SSH-2.0-x","hassh":"0123456789abcdef0123456789abcdef","http_status":200,"http_method":"GET"}']) v;
select matches(pg_temp.dns(v::jsonb), '^quarantined: seq 1: ', 'dns with ' || v) from unnest(array[
    '{"surprise":1}', '{"transport":"quic"}', '{"id":65536}', '{"outcome":"lost"}', '{"questions":[{"name":"a","type":"A"}]}', '{"questions":[{"name":"a","type":"A","class":"IN","x":1}]}',
    '{"questions":[{"name":"a","type":"A","class":1}]}', '{"records":[{"section":"answer"}]}', '{"records":[{"section":"other","name":"a","type":"A","class":"IN","ttl":1,"data":"x"}]}',
    '{"records":[{"section":"answer","name":"a","type":"A","class":"IN","ttl":-1,"data":"x"}]}', '{"records":[{"section":"answer","name":"a","type":"A","class":"IN","ttl":1,"data":"x","data_truncated":false}]}',
    '{"edns":{}}', '{"edns":{"version":0,"udp_size":1232,"do":false}}', '{"edns":{"version":0,"udp_size":1232,"do":false,"options":[{"code":1}]}}',
    '{"edns":{"version":0,"udp_size":1232,"do":false,"options":[{"code":1,"data":"0"}]}}', '{"edns":{"version":0,"udp_size":1232,"do":"no","options":[]}}', '{"qname":"a b"}', '{"query_at":"yesterday"}']) v;
select is(pg_temp.dns(v::jsonb), 'stored', 'dns with ' || v) from unnest(array[
    '{"questions":[]}', '{"records":[]}', '{"records":null,"edns":null,"query_at":null,"response_at":null,"rtt_us":null,"rcode":null,"qname":null,"qtype":null}', '{"anomalies":["a","b"]}',
    '{"edns":{"version":0,"udp_size":1232,"do":true,"options":[]}}', '{"outcome":"malformed","malformed_at":12,"malformed_reason":"short","records_omitted":3}']) v;
select matches(pg_temp.beat(v::jsonb), '^quarantined: seq 1: ', 'heartbeat with ' || v) from unnest(array[
    '{"surprise":1}', '{"state":"fine"}', '{"run_id":"x"}', '{"config_sha256":"00"}', '{"packets_offered":-1}', '{"anomalies":[{"name":"a"}]}', '{"anomalies":[{"name":"a","count":1},{"name":"a","count":2}]}', '{"reasons":["a","a"]}',
    '{"clock_offset_us":9007199254740992}', '{"clock_offset_us":1.5}', '{"clock_max_error_us":-1}', '{"key_id":"00"}', '{"interfaces":{}}', '{"interfaces":[1]}', '{"interfaces":[{"name":"a"}]}',
    '{"events":[{"event_type":"dpi.flow","sealed":1}]}', '{"events":[{"event_type":"dpi.flow","sealed":1,"shed":0},{"event_type":"dpi.flow","sealed":1,"shed":0}]}', '{"losses":[{"cause":"kernel","packets":1,"bytes":1}]}',
    '{"losses":[{"cause":"kernel","packets":1,"bytes":1,"events":0,"x":1}]}', '{"losses":[{"cause":"kernel","packets":1,"bytes":1,"events":"0"}]}', '{"db_last_ack_at":"yesterday"}', '{"canary_stage":7,"canary_number":1}']) v;
-- an interface: each member missing, of another type, one too many, the same name twice
create function pg_temp.interface(over jsonb) returns jsonb language sql as $$ select jsonb_build_object('interfaces', jsonb_build_array(jsonb_strip_nulls((t.heartbeat()::jsonb #> '{interfaces,0}') || over))) $$;
select is(pg_temp.beat(pg_temp.interface(v::jsonb)), 'stored', 'interface with ' || v) from unnest(array['{}', '{"link_up":null}', '{"promiscuous":null}', '{"promiscuous":false}', '{"last_packet_at":null}', '{"link_up":false}', '{"kind":"dpdk","name":"0000:01:00.0"}', '{"name":":"}']) v;
select matches(pg_temp.beat(pg_temp.interface(jsonb_build_object(key, null))), '^quarantined: seq 1: ', 'interface without ' || key)
from jsonb_object_keys(t.heartbeat()::jsonb #> '{interfaces,0}') key where key not in ('link_up', 'promiscuous', 'last_packet_at') order by key;
select matches(pg_temp.beat(pg_temp.interface(jsonb_build_object(key, case jsonb_typeof(value) when 'number' then to_jsonb(value::text) when 'string' then '1' else '"true"' end))), '^quarantined: seq 1: ', 'interface with another type of ' || key)
from jsonb_each(t.heartbeat()::jsonb #> '{interfaces,0}') order by key;
select matches(pg_temp.beat(pg_temp.interface('{"surprise":1}')), '^quarantined: seq 1: ', 'interface with a surprise');
select matches(pg_temp.beat(jsonb_build_object('interfaces', jsonb_build_array(i, i))), '^quarantined: seq 1: ', 'an interface twice') from (select t.heartbeat()::jsonb #> '{interfaces,0}') x(i);
select is(pg_temp.beat(v::jsonb), 'stored', 'heartbeat with ' || v) from unnest(array[
    '{"interfaces":[],"events":[],"losses":[],"anomalies":[]}', '{"clock_offset_us":-9007199254740991,"clock_max_error_us":5,"clock_synced":false}', '{"libpcap_version":"1.10.3","openssl_version":"3.0","kernel_version":"6.1.0"}',
    '{"build_sha256":"' || repeat('ab', 32) || '","ndpi_library_sha256":"' || repeat('cd', 32) || '"}',
    '{"work_batches_waiting_max":1,"work_batches_capacity":8,"fact_batches_waiting_max":1,"fact_batches_capacity":8,"recorder_lag_us":5,"workers":2,"worker_restarts":0}',
    '{"commits":3,"commit_errors":0,"commit_p50_us":1,"commit_p99_us":2,"commit_max_us":3}', '{"commits":0,"commit_errors":0}', '{"checksum_bad":1,"unsigned_ms":3}',
    '{"spool_bytes":1,"spool_cap_bytes":2,"spool_unacked_events":1,"spool_oldest_unacked_ms":9,"spool_quarantined":0}', '{"db_connected":true,"db_lag_events":1,"db_retries":0,"db_errors":0,"db_refused":0,"db_last_ack_at":"2026-01-01T00:00:00.000000001Z"}',
    '{"canary_number":3,"canary_flow_lag_us":900,"canary_dns_lag_us":800}', '{"canary_number":3,"canary_flow_lag_us":900,"canary_stage":"commit"}', '{"canary_number":3,"canary_stage":"decode"}']) v;
select matches(pg_temp.raw('health.heartbeat', replace(t.heartbeat(), v, regexp_replace(v, '[0-9]+$', 'null'))), '^quarantined: seq 1: heartbeat_[a-z]+\.[a-z_]+ is missing', 'heartbeat with null for ' || v)
from unnest(array['"sealed":8', '"shed":1', '"dropped_no_buffer":2', '"ring_freezes":0', '"coalesced":0', '"checksum_partial":0', '"reopened":0', '"malformed":0', '"truncated":0', '"packets":9', '"bytes":900', '"bytes":60']) v;
select is(pg_temp.beat('{"events_produced":10}'), 'stored', 'a heartbeat whose events do not close is stored too');
select is(pg_temp.beat('{"packets_offered":11,"reasons":["spool_full"],"previous_seq":0,"last_packet_at":"2026-01-01T00:00:00.000000000Z"}'), 'stored', 'a heartbeat whose ledger does not close is stored, and says so');

-- every CHECK has a value that nothing else refuses
select is(pg_temp.flow(v::jsonb), 'quarantined: seq 1: ' || rule, rule) from (values
    ('{"alpn":"' || repeat('a', 1025) || '"}', 'flow_alpn_is_valid'), ('{"cert_issuer":"a b"}', 'flow_cert_issuer_is_pct_text'), ('{"cert_subject":"a b"}', 'flow_cert_subject_is_pct_text'),
    ('{"hassh":"x"}', 'flow_hassh_is_valid'), ('{"hassh_server":"x"}', 'flow_hassh_server_is_valid'), ('{"history":"' || repeat('S', 256) || '"}', 'flow_history_is_valid'),
    ('{"http_method":"a b"}', 'flow_http_method_is_pct_text'), ('{"http_status":65536}', 'flow_http_status_is_valid'), ('{"http_url":"a b"}', 'flow_http_url_is_pct_text'),
    ('{"http_user_agent":"a b"}', 'flow_http_user_agent_is_pct_text'), ('{"icmp_type":1,"icmp_code":256}', 'flow_icmp_code_is_valid'), ('{"icmp_type":256,"icmp_code":1}', 'flow_icmp_type_is_valid'),
    ('{"ja3s":"x"}', 'flow_ja3s_is_valid'), ('{"ja4":"' || repeat('x', 65) || '"}', 'flow_ja4_is_valid'), ('{"app":"' || repeat('x', 256) || '"}', 'flow_names_are_short'),
    ('{"start_at":"2026-01-01T00:00:00.000000-01Z"}', 'flow_nanoseconds_are_in_range'), ('{"ssh_client":"a b"}', 'flow_ssh_client_is_pct_text'), ('{"ssh_server":"a b"}', 'flow_ssh_server_is_pct_text'),
    ('{"tcp_flags_dst":256}', 'flow_tcp_flags_dst_is_valid'), ('{"ttl_min_dst":256}', 'flow_ttl_min_dst_is_valid'), ('{"ttl_min_src":256}', 'flow_ttl_min_src_is_valid'),
    ('{"anomalies":[""]}', 'flow_anomaly_anomaly_is_valid'), ('{"encapsulations":[""]}', 'flow_encapsulation_encapsulation_is_valid'), ('{"risks":[""]}', 'flow_risk_risk_is_valid')) x(v, rule);
select is(pg_temp.dns(v::jsonb), 'quarantined: seq 1: ' || rule, rule) from (values
    ('{"anomalies":[""]}', 'dns_anomaly_anomaly_is_valid'), ('{"edns":{"version":0,"udp_size":1232,"do":false,"options":[{"code":65536,"data":""}]}}', 'dns_edns_option_code_is_valid'),
    ('{"questions":[{"name":"a b","type":"A","class":"IN"}]}', 'dns_question_name_is_valid'), ('{"questions":[{"name":"a","type":"' || repeat('A', 256) || '","class":"IN"}]}', 'dns_question_type_is_valid'),
    ('{"questions":[{"name":"a","type":"A","class":"' || repeat('A', 256) || '"}]}', 'dns_question_class_is_valid'),
    ('{"records":[{"section":"answer","name":"a b","type":"A","class":"IN","ttl":1,"data":"x"}]}', 'dns_record_name_is_valid'),
    ('{"records":[{"section":"answer","name":"a","type":"' || repeat('A', 256) || '","class":"IN","ttl":1,"data":"x"}]}', 'dns_record_type_is_valid'),
    ('{"records":[{"section":"answer","name":"a","type":"A","class":"' || repeat('A', 256) || '","ttl":1,"data":"x"}]}', 'dns_record_class_is_valid')) x(v, rule);
select is(pg_temp.beat(v::jsonb), 'quarantined: seq 1: ' || rule, rule) from (values
    ('{"probe_version":"' || repeat('x', 256) || '"}', 'heartbeat_names_are_short'), ('{"schema_sha256":"00"}', 'heartbeat_schema_sha256_is_valid'), ('{"reasons":[""]}', 'heartbeat_reason_reason_is_valid'),
    ('{"last_packet_at":"2026-01-01T00:00:00.000000-01Z"}', 'heartbeat_nanoseconds_are_in_range'), ('{"key_id":"00"}', 'heartbeat_key_id_is_valid'), ('{"clock_offset_us":-9007199254740992}', 'heartbeat_clock_offset_us_is_valid'),
    ('{"canary_number":1,"canary_stage":"heaven"}', 'heartbeat_canary_stage_is_valid'), ('{"canary_number":1,"canary_flow_lag_us":1}', 'heartbeat_canary_is_whole'),
    ('{"canary_flow_lag_us":1}', 'heartbeat_canary_is_whole'), ('{"canary_number":1,"canary_flow_lag_us":1,"canary_dns_lag_us":1,"canary_stage":"seal"}', 'heartbeat_canary_is_whole'),
    ('{"work_batches_waiting_max":1}', 'heartbeat_queues_are_whole'), ('{"commits":1}', 'heartbeat_commits_are_whole'), ('{"commit_p50_us":1}', 'heartbeat_commits_are_whole'), ('{"spool_bytes":1}', 'heartbeat_spool_is_whole'),
    ('{"db_connected":true}', 'heartbeat_database_is_whole'), ('{"events":[{"event_type":"Flow","sealed":1,"shed":0}]}', 'heartbeat_event_event_type_is_plain'),
    ('{"events":[{"event_type":"dpi.flow","sealed":-1,"shed":0}]}', 'heartbeat_event_counters_are_in_range'), ('{"losses":[{"cause":"gremlins","packets":1,"bytes":1,"events":1}]}', 'heartbeat_loss_cause_is_valid'),
    ('{"losses":[{"cause":"kernel","packets":-1,"bytes":1,"events":1}]}', 'heartbeat_loss_counters_are_in_range')) x(v, rule);
select is(pg_temp.beat(pg_temp.interface(v::jsonb)), 'quarantined: seq 1: heartbeat_interface_' || rule, rule) from (values
    ('{"name":""}', 'name_is_pct_text'), ('{"name":"a b"}', 'name_is_pct_text'), ('{"kind":"tape"}', 'kind_is_valid'), ('{"packets":-1}', 'counters_are_in_range'),
    ('{"last_packet_at":"2026-01-01T00:00:00.000000-01Z"}', 'nanoseconds_are_in_range')) x(v, rule);

-- the probe's own life: each type as it should be, without each member, with another type of each, with too much, and each CHECK
create function pg_temp.own(event_type text, over jsonb default '{}') returns text language sql as $$ select pg_temp.one(event_type, convert_to(t.own(event_type, over), 'UTF8')) $$;
create temp view own as select e.event_type, m.key, m.value from unnest(array['loss.report', 'clock.step', 'probe.start', 'probe.stop', 'config.change', 'worker.crash', 'dpi.scan']) e(event_type), jsonb_each(t.own(e.event_type)::jsonb) m;
select is(pg_temp.own(event_type), 'stored', 'a good ' || event_type) from own group by event_type order by event_type;
select matches(pg_temp.own(event_type, jsonb_build_object(key, null)), '^quarantined: seq 1: ', event_type || ' without ' || key) from own order by event_type, key;
select matches(pg_temp.own(event_type, jsonb_build_object(key, case jsonb_typeof(value) when 'number' then to_jsonb(value::text) when 'string' then '1' when 'boolean' then '"true"' else '7' end)),
    '^quarantined: seq 1: ', event_type || ' with another type of ' || key) from own order by event_type, key;
select matches(pg_temp.own(event_type, '{"surprise":1}'), '^quarantined: seq 1: ', event_type || ' with a surprise') from own group by event_type order by event_type;
select matches(pg_temp.own(event_type, v::jsonb), '^quarantined: seq 1: ', event_type || ' with ' || v) from (values
    ('loss.report', '{"events":[{"event_type":"dpi.flow"}]}'), ('loss.report', '{"events":[{"event_type":"dpi.flow","count":1,"x":1}]}'), ('loss.report', '{"events":[{"event_type":"dpi.flow","count":1},{"event_type":"dpi.flow","count":1}]}'),
    ('probe.start', '{"head_before":{"tree_size":1}}'), ('probe.start', '{"head_before":{"tree_size":1,"last_hash":"00"}}'), ('probe.start', '{"versions":{"probe":"1","ndpi":"4"}}'), ('probe.start', '{"loss_window":{}}'),
    ('probe.start', '{"loss_window":{"from":"2026-01-01T00:00:00.000000000Z"}}'), ('probe.stop', '{"totals":{"events_sealed":8}}'), ('probe.stop', '{"totals":{"events_sealed":8,"packets_offered":12,"flow_records":1,"dns_transactions":1,"x":1}}'),
    ('config.change', '{"members":["a","a"]}'), ('config.change', '{"members":[1]}'), ('worker.crash', '{"quarantine_sha256":"zz"}'),
    ('dpi.scan', '{"samples":[{"ip":"10.0.0.1"}]}'), ('dpi.scan', '{"samples":[{"ip":"10.0.0.1","port":1,"x":1}]}'), ('dpi.scan', '{"samples":[7]}'), ('dpi.scan', '{"dst_ip":"10.0.0.1"}')) x(event_type, v);
select is(pg_temp.own(event_type, v::jsonb), 'stored', event_type || ' with ' || v) from (values
    ('dpi.scan', '{"samples":[]}'), ('dpi.scan', '{"kind":"target","src_ip":null,"dst_ip":"2001:db8::9"}'), ('dpi.scan', '{"kind":"any","src_ip":null}'),
    ('loss.report', '{"events":[],"cause":"no_buffer"}'), ('clock.step', '{"delta_us":9007199254740991,"source":"resume"}'), ('config.change', '{"members":[]}'), ('worker.crash', '{"quarantine_sha256":"' || repeat('0a', 32) || '"}'),
    ('probe.start', '{"clean_shutdown":false,"loss_window":{"from":"2026-01-01T00:00:00.000000000Z","to":"2026-01-01T00:00:01.000000000Z"},"versions":{"probe":"1","ndpi":"4","schema_sha256":"' || repeat('cd', 32) || '","libpcap":"1.10.3","openssl":"3.0","kernel":"6.1"}}')) x(event_type, v);
select is(pg_temp.own(event_type, v::jsonb), 'quarantined: seq 1: ' || rule, rule || ' refuses ' || left(v, 60)) from (values
    ('loss.report', '{"cause":"gremlins"}', 'loss_report_cause_is_valid'), ('loss.report', '{"policy":"No"}', 'loss_report_policy_is_valid'), ('loss.report', '{"interval_end":"2020-01-01T00:00:00.000000000Z"}', 'loss_report_interval_is_ordered'),
    ('loss.report', '{"packets":-1}', 'loss_report_counters_are_in_range'), ('loss.report', '{"interval_start":"2026-01-01T00:00:00.000000-01Z"}', 'loss_report_nanoseconds_are_in_range'),
    ('loss.report', '{"events":[{"event_type":"x","count":1}]}', 'loss_report_event_event_type_is_plain'), ('loss.report', '{"events":[{"event_type":"dpi.flow","count":-1}]}', 'loss_report_event_count_is_valid'),
    ('clock.step', '{"delta_us":9007199254740992}', 'clock_step_delta_us_is_valid'), ('clock.step', '{"source":"sundial"}', 'clock_step_source_is_valid'),
    ('probe.start', '{"config_sha256":"00"}', 'probe_start_config_sha256_is_valid'), ('probe.start', '{"head_before":{"tree_size":1,"last_hash":"00"}}', 'probe_start_head_last_hash_is_valid'),
    ('probe.start', '{"head_before":{"tree_size":-1,"last_hash":"' || repeat('00', 32) || '"}}', 'probe_start_counters_are_in_range'), ('probe.start', '{"versions":{"probe":"1","ndpi":"4","schema_sha256":"00"}}', 'probe_start_schema_sha256_is_valid'),
    ('probe.start', '{"versions":{"probe":"' || repeat('x', 256) || '","ndpi":"4","schema_sha256":"' || repeat('cd', 32) || '"}}', 'probe_start_names_are_short'),
    ('probe.start', '{"loss_window":{"from":"2026-01-01T00:00:00.000000-01Z","to":"2026-01-01T00:00:01.000000000Z"}}', 'probe_start_nanoseconds_are_in_range'),
    ('probe.start', '{"loss_window":{"from":"2026-01-01T00:00:00.000000000Z","till":"2026-01-01T00:00:01.000000000Z"}}', 'probe_start_loss_window_is_whole'),
    ('probe.stop', '{"reason":"Bored now"}', 'probe_stop_reason_is_valid'), ('probe.stop', '{"totals":{"events_sealed":-8,"packets_offered":12,"flow_records":1,"dns_transactions":1}}', 'probe_stop_counters_are_in_range'),
    ('config.change', '{"old_sha256":"00"}', 'config_change_digests_are_32_bytes'), ('config.change', '{"members":[""]}', 'config_change_member_member_is_valid'),
    ('worker.crash', '{"signal":256}', 'worker_crash_signal_is_valid'), ('worker.crash', '{"flow_key_hash":"00"}', 'worker_crash_flow_key_hash_is_valid'), ('worker.crash', '{"quarantine_sha256":"00"}', 'worker_crash_quarantine_sha256_is_valid'),
    ('worker.crash', '{"worker":-1}', 'worker_crash_counters_are_in_range'),
    ('dpi.scan', '{"kind":"none"}', 'scan_kind_is_known'), ('dpi.scan', '{"kind":"any"}', 'scan_who_is_of_its_kind'), ('dpi.scan', '{"protocol":256}', 'scan_protocol_is_valid'),
    ('dpi.scan', '{"src_ip":"10.0.0.0/8"}', 'scan_addresses_are_hosts'), ('dpi.scan', '{"last_at":"2020-01-01T00:00:00.000000000Z"}', 'scan_ends_after_it_starts'),
    ('dpi.scan', '{"flows":0}', 'scan_counters_are_in_range'), ('dpi.scan', '{"first_at":"2020-01-01T00:00:00.000000-01Z"}', 'scan_nanoseconds_are_in_range'),
    ('dpi.scan', '{"samples":[{"ip":"10.0.0.0/8","port":1}]}', 'scan_sample_ip_is_a_host'), ('dpi.scan', '{"samples":[{"ip":"10.0.0.1","port":65536}]}', 'scan_sample_port_is_valid')) x(event_type, v, rule);

-- canaries are marked or not, never "not a canary"
select is(pg_temp.flow('{"canary":true}'), 'stored', 'a canary flow'); select is(pg_temp.dns('{"canary":true}'), 'stored', 'a canary exchange');
select is(pg_temp.flow('{"canary":false}'), 'quarantined: seq 1: flow_canary_is_true_or_absent', 'a flow that says it is none'); select is(pg_temp.dns('{"canary":false}'), 'quarantined: seq 1: dns_canary_is_true_or_absent', 'an exchange that says it is none');

-- strings that begin with a colon (an IPv6 address, any pct-text), as members, in lists and in lists of objects
select is(pg_temp.flow(v::jsonb), 'stored', 'flow with ' || v) from unnest(array[
    '{"encapsulations":[":"]}', '{"risks":[":a","::","b",":"]}', '{"anomalies":["a",":b"],"encapsulations":["::1","ethernet"]}', '{"app":":","app_master":"::","server_name":"::1"}',
    '{"risks":[",","[","]",":,",",:","[:",":["],"alpn":"[:"}', '{"ssh_client":",:","ssh_server":"[:,","http_url":":,:"}']) v;
select is(pg_temp.dns(v::jsonb), 'stored', 'dns with ' || v) from unnest(array[
    '{"records":[{"section":"answer","name":"a","type":"AAAA","class":"IN","ttl":1,"data":"::1"},{"section":"answer","name":"a","type":"AAAA","class":"IN","ttl":1,"data":"::ffff:1.2.3.4"}]}',
    '{"records":[{"section":"answer","name":":","type":"AAAA","class":"IN","ttl":1,"data":"::","data_truncated":true}],"anomalies":[":"]}',
    '{"questions":[{"name":":x","type":":","class":"::"}],"qname":":x","qtype":":"}', '{"src_ip":"::1","dst_ip":"::ffff:1.2.3.4","anomalies":["::","b"]}']) v;
select is(pg_temp.beat('{"anomalies":[{"name":":","count":1}],"probe_version":":","ndpi_version":"::"}'), 'stored', 'heartbeat with names that begin with a colon');
-- and no such string hides a member that is not of the contract, not even behind a number in a string's place
select matches(pg_temp.flow(case when numbered then '{"app":7}'::jsonb else '{}' end || jsonb_build_object('risks', risks, name, 1)), '^quarantined: seq 1: ', concat('flow with member ', name, ', risks ', risks, ', app ', numbered))
from unnest(array[':', '::', ':x', ',', '[', 'x,', 'x[', ',:', '[:', '']) name, unnest(array['[]', '[":"]', '[":",":b"]', '["[","]"]']::jsonb[]) risks, unnest(array[false, true]) numbered;
select matches(pg_temp.raw('dpi.flow', replace(t.flow('{"risks":[":"]}'), '"record":0', x)), '^quarantined: seq 1: ', 'flow with ' || x)
from unnest(array['"record":0,":":0', '"record":0,":":":"', '":":0,"record":0', '"record":0,"record":0', '"record" :0,"record":0', '"record": 0,"risks":[":"]', '"record":0,":x":":"']) x;

-- spelling: repeated names, disguised names, escapes, null, whitespace, other encodings, not objects
select matches(pg_temp.raw('dpi.flow', v), '^quarantined: seq 1: ', 'payload spelled ' || left(v, 30)) from unnest(array[
    replace(t.flow(), '"record":0', '"record":0,"record":0'), replace(t.flow(), '"record":0', '"record" :0,"record":0'), replace(t.flow(), '"record":0', '"re\u0063ord":0'),
    replace(t.flow(), '"www.example.com"', '"www\u002eexample.com"'), replace(t.flow(), '"www.example.com"', 'null'), replace(t.flow(), 'www', e'w\u00e4w'), replace(t.flow(), '"record":0', e'"record":\n0'),
    replace(t.flow(), 'www', e'\x01'), t.flow() || ' x', '{{', '[]', '"x"', '11', 'null', '{}', repeat('[', 30000) || repeat(']', 30000), '{"a":"\u0000"}']) v;
select matches(pg_temp.raw('dpi.flow', replace(t.flow(), '"packets_src":12', v)), '^quarantined: seq 1: ', 'flow with ' || v) from unnest(array['"packets_src":12e0', '"packets_src":12.0', '"packets_src":-0.5', '"packets_src":1e400']) v;
select matches(pg_temp.one('dpi.flow', convert_to(t.flow(), 'UTF8') || '\xff'::bytea), '^quarantined: seq 1: ', 'not UTF-8');
select matches(pg_temp.one('dpi.flow', '\x00'::bytea || convert_to(t.flow(), 'UTF8')), '^quarantined: seq 1: ', 'a NUL byte');
select matches(pg_temp.raw('test.unknown', '{"a":"' || repeat('x', 61440) || '"}'), '^bad_event: seq 1: ', 'oversized');
select is(pg_temp.raw('test.unknown', '{"a":"' || repeat('x', 61431) || '"}'), 'quarantined: seq 1: event_type_is_known', 'an unknown type of the largest size is stored raw');
select matches(pg_temp.raw('test.unknown', '{"a":1'), '^quarantined: seq 1: ', 'an unknown type must be JSON all the same');
select is(pg_temp.one('dpi.flow', '{"later":1}', '{"event_version":2}'), 'quarantined: seq 1: event_type_is_known', 'a later version of a known type is stored raw');

-- envelopes: bytes that the digest chain does not protect from the sender itself
select matches(pg_temp.one('dpi.flow', convert_to(t.flow(), 'UTF8'), over::jsonb, forge), '^bad_event: seq 1: ', coalesce(forge, over)) from (values
    ('{"payload_bytes":10}', null), ('{"payload_sha256":"' || repeat('00', 32) || '"}', null), ('{"event_id":"01a1fbb3-cac4-8b52-b090-7ee16002bc22"}', null), ('{"event_version":0}', null),
    ('{"event_version":70000}', null), ('{"mono_us":-1}', null), ('{"mono_us":9007199254740992}', null), ('{"event_type":"Bad"}', null), ('{"event_type":"dpi"}', null), ('{"mode":"test"}', null),
    ('{"machine_id":"a2a2a2a2-2222-8222-8222-222222222222"}', null), ('{"component_instance_id":"22222222-2222-4222-8222-222222222222"}', null), ('{"extra":1}', null),
    ('{"observed_at":"2026-01-01T00:00:00.000000000Z"}', null), ('{"emitted_at":"2026-01-01T00:00:60.000000000Z"}', null), ('{"emitted_at":"2026-01-01 00:00:00.000000000Z"}', null),
    ('{"emitted_at":"1969-12-31T23:59:59.000000000Z"}', null), ('{"identity":{"boot_id":"2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a","hostname":"","version":"1"}}', null),
    ('{"identity":{"boot_id":"2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a","hostname":"a b","version":"1"}}', null), ('{"identity":{"boot_id":"2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a","hostname":"a"}}', null),
    ('{}', '"event_version":1=>"event_version":01'), ('{}', '"event_version":1=>"event_version": 1'), ('{}', '"mode":"live"=>"mode":"live","mode":"live"'), ('{}', '2b1e0f6a=>2B1E0F6A'),
    ('{}', 'sensor-01=>sensor\u002d01'), ('{}', '{"component"=> {"component"'), ('{}', ',"mode":"live"=>'), ('{}', '"hostname":"sensor-01"=>"hostname":"s","hostname":"t"')) x(over, forge);
select matches(pg_temp.one('dpi.flow', convert_to(t.flow(), 'UTF8'), jsonb_build_object('identity', jsonb_build_object('boot_id', '2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a', 'hostname', repeat('a', 256), 'version', '1'))), '^bad_event', 'a host name too long');
select matches(pg_temp.one('dpi.flow', convert_to(t.flow(), 'UTF8'), jsonb_build_object('event_type', 'a.' || repeat('b', 4000))), '^bad_event', 'an envelope too long');

-- one bad payload among many stops none: all raw events are stored, all rows but its own, and it is named
create temp table b as select t.chain(t.i1(), t.m1(), 1, (select last_hash from re_raw.chain_resume(t.i1())), repeat('f', 100)) as good, t.chain(t.i1(), t.m1(), 1, (select last_hash from re_raw.chain_resume(t.i1())), repeat('f', 76)) as head;
select is(t.send(row(t.i1(), 1, (head).envelopes || (x).envelopes, (head).payloads || (x).payloads, null)::t.batch), 'stored', 'the 77th of 80 is bad')
from b, lateral (select t.chain(t.i1(), t.m1(), 77, (head).last_hash, 'f', '{}', '{"end_reason":"bored"}') as bad) w,
     lateral (select t.chain(t.i1(), t.m1(), 78, (bad).last_hash, 'fff') as good3) v,
     lateral (select (row(null, null, (bad).envelopes || (good3).envelopes, (bad).payloads || (good3).payloads, null)::t.batch).*) x;
select is((select count(*) from re_raw.raw_event), 81::bigint, 'all events are stored');
select is((select count(*) from re_dpi.flow), 79::bigint, 'with the rows of the others');
select is((select format('%s %s %s', seq, sqlstate, rule) from re_raw.quarantine), '77 23514 flow_end_reason_is_valid', 'and it is quarantined');
select is((select bool_and((line::json ->> 'payload')::json ->> 'app' = f.app) from re_view.event e join re_dpi.flow f using (ingested_at, component_instance_id, seq)), true, 'columns equal payloads');
select is((select distinct start_at_ns * 1000 + end_at_ns from re_dpi.flow), 123456, 'nanoseconds are kept apart');
select * from finish();
rollback;
