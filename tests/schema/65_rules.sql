-- The rules of the tables that functions write: each is broken by the superuser in a copy of a good row, which no function would write,
-- and must be refused by its own name.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
create temp table b as select 1 as n, t.chain(t.i1(), t.m1(), 0, t.zeros(), 'sfdh' || repeat('x', 252)) as b union all select 2, t.chain(t.i2(), t.m2(), 0, t.zeros(), 's');
select is(t.status(b, case n when 1 then t.note(t.i1(), 256, sha256('root')) end), 'stored', 'events') from b order by n;
select is(re_raw.update_subtrees(t.i1()), 1::bigint, 'a subtree');
select is(t.status(t.chain(t.i2(), t.m2(), 5, t.zeros(), 'f'), null, true), 'stored_with_gap', 'a gap');
create temp table late as select t.chain(t.i1(), t.m1(), 256, (b).last_hash, 'xx') as b from b where n = 1;
select is(t.status(row(t.i1(), 257, (b).envelopes[2:2], (b).payloads[2:2], null)::t.batch, null, true), 'stored_with_gap', 'another') from late;
select is((select status from re_raw.fill_gap(t.i1(), 256, (b).envelopes[1:1], (b).payloads[1:1])), 'stored', 'that is filled') from late;
select is(t.status(row(t.i2(), 9, array['x'::bytea], array['{}'::bytea], null)::t.batch), 'gap', 'a refusal');
select lives_ok($$ select re_core.register_bundle('1.0.0', sha256('x'), 'note'), re_core.revoke_key(t.i1(), sha256(t.spki(1)), 400, true, 'stolen'),
    re_core.approve_version(t.m1(), sha256('c'), sha256('s'), '4.2', '1.0', 'test') $$, 'identity');
insert into re_core.tenant_member (db_role, tenant_id) select session_user, tenant_id from re_core.tenant where slug = 'one';    -- clusters are of the caller's tenant
do $$
declare
    incident uuid := re_corr.open_incident(t.m1(), 'rule', 1, 'title');
    evidence uuid := re_corr.keep_evidence(t.i1(), 1, 'odd');
    vector   record;
    hold     uuid := re_ops.place_hold('re_dpi', 'flow', now(), now() + interval '1 day', 'court');
begin
    perform re_corr.link_evidence(incident, evidence, 'trigger');
    perform re_corr.add_confidence(incident, evidence, 300, 'rule', 1);
    perform re_corr.change_stage(incident, 'suspicious', 'seen');
    evidence := re_corr.keep_evidence(t.i1(), 2, 'odd');
    perform re_corr.link_evidence(incident, evidence, 'supporting');
    perform re_corr.add_confidence(incident, evidence, 300, 'rule', 1);
    perform re_corr.change_stage(incident, 'probable', 'more');
    perform re_corr.record_execution(re_corr.decide(re_corr.recommend(incident, 'isolate', 'because'), 'accepted', 'yes'), 'started', '');
    perform re_ai.add_model_version('drift', 1, 's3://m', sha256('m'), now());
    select * into vector from re_ai.add_vector(t.m1(), 'drift', 1, now() - interval '1 hour', now(), t.i1(), 1, incident, 's3://v', sha256('v'), 64);
    perform re_ai.add_novelty(vector.vector_at, vector.vector_id, 'drift', 1, 900);
    perform re_ai.add_explanation(vector.vector_at, vector.vector_id, 'drift', 1, 's3://e', sha256('e'), 5);
    perform re_ai.add_cluster_member(vector.vector_at, vector.vector_id, re_ai.add_cluster('drift', 1, 'odd'), 0.5);
    perform re_ops.release_hold(hold, 'over');
end $$;

-- One row of the table, changed, as another row: the rule that refuses it.
create function pg_temp.refused(tab regclass, over jsonb default '{}', of text default 'true') returns text language plpgsql as $$
declare
    columns text := (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a where a.attrelid = tab and a.attnum > 0 and not a.attisdropped and a.attgenerated = '');
    rule    text;
begin
    execute format('insert into %1$s (%2$s) select %2$s from (select (jsonb_populate_record(r, $1)).* from %1$s r where %3$s limit 1) x', tab, columns, of) using over;
    set constraints all immediate;
    return 'stored';
exception when integrity_constraint_violation then
    get stacked diagnostics rule = constraint_name;
    return rule;
end $$;

create temp table covered (rule text);
create function pg_temp.rule(tab text, over jsonb, rule text, of text default 'true') returns text language plpgsql as $$
begin
    insert into covered values (rule);
    return is(pg_temp.refused(tab::regclass, over, of), rule, rule || ' refuses ' || left(over::text, 60));
end $$;

insert into re_raw.quarantine_mended (ingested_at, component_instance_id, seq, tenant_id) select q.ingested_at, q.component_instance_id, q.seq, q.tenant_id from re_raw.quarantine q order by q.seq limit 1;
insert into re_dpi.dns_query_edns_option (ingested_at, component_instance_id, seq, tenant_id, position, code, data) select d.ingested_at, d.component_instance_id, d.seq, d.tenant_id, 0, 3, '00' from re_dpi.dns d order by d.seq limit 1;

select pg_temp.rule(tab, over::jsonb, split_part(tab, '.', 2) || '_' || rule) from (values
    ('re_core.schema_bundle', '{"version":"1.0"}', 'version_is_semantic'), ('re_core.schema_bundle', '{"ddl_sha256":"\\x00"}', 'sha256_is_32_bytes'),
    ('re_core.schema_bundle', '{"note":"' || repeat('a', 1001) || '"}', 'note_is_short'), ('re_core.tenant', '{"slug":"-a"}', 'slug_is_plain'), ('re_core.tenant', '{"slug":"A"}', 'slug_is_plain'),
    ('re_core.component_instance', '{"component":"toaster"}', 'component_is_known'), ('re_core.component_instance', '{"mode":"test"}', 'mode_is_known'), ('re_core.component_instance', '{"note":"' || repeat('a', 1001) || '"}', 'note_is_short'),
    ('re_core.component_identity_history', '{"first_seq":-1}', 'seq_is_positive'), ('re_raw.quarantine', '{"sqlstate":"x"}', 'sqlstate_is_one'), ('re_raw.quarantine', '{"rule":""}', 'rule_is_short'),
    ('re_raw.quarantine', '{"detail":"' || repeat('a', 201) || '"}', 'detail_is_short'), ('re_raw.event_type', '{"event_version":9,"store_name":"x","store_schema":null}', 'store_is_whole')) x(tab, over, rule);
select pg_temp.rule('re_core.component_instance_status', over::jsonb, 'component_instance_status_' || rule) from (values ('{"status":"tired"}', 'is_known'), ('{"status_no":0}', 'no_is_positive'), ('{"reason":""}', 'reason_is_short')) x(over, rule);
select pg_temp.rule('re_core.signing_key', over::jsonb, 'signing_key_' || rule) from (values ('{"algorithm":"rsa"}', 'algorithm_is_known'), ('{"key_id":"\\x00"}', 'id_is_hash_of_spki'),
    (format('{"spki":"\\x00","key_id":"\\x%s"}', encode(sha256('\x00'), 'hex')), 'spki_is_ed25519'), ('{"note":"' || repeat('a', 1001) || '"}', 'note_is_short'), ('{"storage":"A b"}', 'storage_is_plain')) x(over, rule);
select pg_temp.rule('re_core.signing_key_status', over::jsonb, 'signing_key_status_' || rule) from (values ('{"status":"lost"}', 'is_known'), ('{"status_no":0}', 'no_is_positive'), ('{"reason":""}', 'reason_is_short'), ('{"effective_seq":-1}', 'seq_is_positive')) x(over, rule);
select pg_temp.rule('re_core.approved_version', over::jsonb, 'approved_version_' || rule) from (values ('{"config_sha256":"\\x00"}', 'digests_are_32_bytes'), ('{"schema_sha256":"\\x00"}', 'digests_are_32_bytes'), ('{"ndpi_version":""}', 'names_are_short'),
    ('{"probe_version":""}', 'names_are_short'), ('{"approval_no":0}', 'no_is_positive'), ('{"reason":""}', 'reason_is_short')) x(over, rule);

select pg_temp.rule('re_raw.' || tab, over::jsonb, tab || '_' || rule) from (values
    ('chain_gap', '{"known_hash":"\\x00"}', 'hashes_are_32_bytes'), ('chain_gap', '{"resume_prev_hash":"\\x00"}', 'hashes_are_32_bytes'), ('chain_gap', '{"first_missing":-1}', 'range_is_valid'), ('chain_gap', '{"last_missing":0}', 'range_is_valid'),
    ('chain_head', '{"last_hash":"\\x00"}', 'hash_is_32_bytes'), ('chain_head', '{"next_seq":-1}', 'seq_is_positive'),
    ('chain_violation', '{"kind":"mood"}', 'kind_is_known'), ('chain_violation', '{"detail":"' || repeat('a', 1001) || '"}', 'detail_is_short'), ('chain_violation', '{"offending_envelope":"\\x' || repeat('00', 4097) || '"}', 'envelope_is_cut'),
    ('checkpoint', '{"note":"' || repeat('a', 8193) || '"}', 'note_is_short'), ('checkpoint', '{"note":"a"}', 'note_is_signed'), ('checkpoint', '{"tree_size":9}', 'note_says_the_same'),
    ('checkpoint', jsonb_build_object('note', t.note(t.i1(), 256, '\x00'), 'root', '\x00')::text, 'root_is_32_bytes'), ('checkpoint', jsonb_build_object('note', t.note(t.i1(), 0, sha256('root')), 'tree_size', 0)::text, 'size_is_positive'),
    ('event_type', '{"event_version":0}', 'version_is_in_range'), ('event_type', '{"event_version":65536}', 'version_is_in_range'),
    ('subtree', '{"subtree_hash":"\\x00"}', 'hash_is_32_bytes'), ('subtree', '{"subtree_no":-1}', 'no_is_positive'), ('violation_counter', '{"recorded":-1}', 'counts'), ('violation_counter', '{"attempts":0}', 'counts')) x(tab, over, rule);
-- Of a raw event, what the bytes do not bind: 9990 and 999 nanoseconds are written alike in three places.
select pg_temp.rule('re_raw.raw_event', over::jsonb, 'raw_event_' || rule) from (values ('{"arrival":"late"}', 'arrival_is_true'), ('{"arrival":"replay"}', 'arrival_is_true'), ('{"emitted_at_ns":9990}', 'nanoseconds_are_in_range')) x(over, rule);
-- An envelope that says the same as the columns, hash and id included, and is wrong all the same.
create function pg_temp.event(columns jsonb, says jsonb) returns jsonb language sql as $$
    select columns || jsonb_build_object('envelope', x.e, 'envelope_hash', sha256('\x00'::bytea || x.e), 'event_id', t.event_id(t.i1(), coalesce((columns ->> 'seq')::bigint, r.seq), r.observed_at, r.payload_sha256))
    from re_raw.raw_event r cross join lateral (select t.envelope(t.i1(), t.m1(), coalesce((columns ->> 'seq')::bigint, r.seq), r.prev_hash, r.event_type, r.payload, says) as e offset 0) x
    where r.component_instance_id = t.i1() and r.seq = 100 $$;
select pg_temp.rule('re_raw.raw_event', pg_temp.event(columns::jsonb, says::jsonb), 'raw_event_' || rule, 'component_instance_id = t.i1() and seq = 100') from (values
    ('{"payload_bytes":10}', '{"payload_bytes":10}', 'payload_has_its_length'), ('{"seq":-1,"mono_us":0}', '{"mono_us":0}', 'seq_is_in_range'), ('{"seq":9007199254740992,"mono_us":0}', '{"mono_us":0}', 'seq_is_in_range'),
    ('{"version":""}', '{"identity":{"boot_id":"2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a","hostname":"sensor-01","version":""}}', 'version_is_short'),
    ('{"version":"' || repeat('1', 65) || '"}', '{"identity":{"boot_id":"2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a","hostname":"sensor-01","version":"' || repeat('1', 65) || '"}}', 'version_is_short')) x(columns, says, rule);
select pg_temp.rule('re_raw.ingest_segment', over::jsonb, 'ingest_segment_' || rule, 'first_seq = 0') from (values ('{"last_hash":"\\x00"}', 'hashes_are_32_bytes'), (format('{"first_prev_hash":"\\x%s"}', repeat('11', 32)), 'is_contiguous'), ('{"first_seq":1}', 'is_contiguous'),
    (format('{"prev_last_hash":"\\x%s"}', repeat('11', 32)), 'pairs_are_whole'), ('{"gap_last":4}', 'pairs_are_whole'), ('{"last_seq":-1}', 'range_is_valid')) x(over, rule);
select pg_temp.rule('re_raw.ingest_segment', over::jsonb, 'ingest_segment_' || rule, 'first_seq = 5') from (values ('{"gap_first":2}', 'is_contiguous'), ('{"gap_last":3}', 'is_contiguous')) x(over, rule);

select pg_temp.rule('re_corr.' || tab, over::jsonb, tab || '_' || rule) from (values
    ('evidence', '{"envelope_hash":"\\x00"}', 'hash_is_of_envelope'), ('evidence', '{"seq":77}', 'is_that_event'), ('evidence', '{"component_instance_id":"22222222-2222-4222-8222-222222222222"}', 'is_that_event'),
    ('evidence', '{"payload":"\\x00"}', 'payload_is_committed'), ('evidence', '{"reason":""}', 'reason_is_short'), ('incident', '{"rule_name":"A b"}', 'rule_is_plain'), ('incident', '{"rule_version":0}', 'rule_is_plain'), ('incident', '{"title":""}', 'title_is_short'),
    ('incident_evidence', '{"role":"witness"}', 'role_is_known'), ('incident_confidence', '{"before_milli":1}', 'begins_with_nothing'), ('incident_confidence', '{"delta_milli":1001}', 'delta_is_in_range'),
    ('incident_confidence', '{"after_milli":301}', 'is_a_sum'), ('incident_confidence', '{"contribution_no":0}', 'no_is_positive'), ('incident_confidence', '{"rule_name":"A b"}', 'rule_is_plain'),
    ('recommendation', '{"action":""}', 'text_is_short'), ('recommendation', '{"reason":""}', 'text_is_short'), ('decision', '{"verdict":"maybe"}', 'verdict_is_known'), ('decision', '{"reason":""}', 'reason_is_short'),
    ('execution', '{"attempt_no":0}', 'attempt_is_positive'), ('execution', '{"detail":"' || repeat('a', 4001) || '"}', 'detail_is_short'), ('execution', '{"outcome":"hoped"}', 'outcome_is_known')) x(tab, over, rule);
-- A step with the hash that it must have, so that nothing but the rule in question is broken.
create function pg_temp.step(over jsonb) returns jsonb language sql as $$
    select over || jsonb_build_object('step_hash', sha256(r.prev_step_hash || convert_to(concat_ws('|', r.incident_id, r.step, r.from_stage, r.to_stage, r.confidence_milli, extract(epoch from r.at), r.actor, r.reason), 'UTF8')))
    from re_corr.incident_transition x, jsonb_populate_record(x, over) r where x.step = 1 $$;
select pg_temp.rule('re_corr.incident_transition', pg_temp.step(over::jsonb), 'incident_transition_' || rule, 'step = 1') from (values
    ('{"from_stage":"suspicious","to_stage":"probable","confidence_milli":900}', 'begins_clean'), (format('{"prev_step_hash":"\\x%s"}', repeat('11', 32)), 'begins_clean'), ('{"step":2,"to_stage":"confirmed","confidence_milli":900}', 'climbs_by_one'),
    ('{"confidence_milli":249}', 'has_confidence'), ('{"step":2,"from_stage":"suspicious","to_stage":"probable","confidence_milli":499}', 'has_confidence'), ('{"step":2,"from_stage":"probable","to_stage":"confirmed","confidence_milli":749}', 'has_confidence'),
    ('{"confidence_milli":1001}', 'has_confidence'), ('{"reason":""}', 'reason_is_short'), ('{"step":2,"to_stage":"guilty","confidence_milli":900}', 'stages_are_known'), ('{"step":0}', 'step_is_positive')) x(over, rule);
select pg_temp.rule('re_corr.incident_transition', '{"reason":"other"}', 'incident_transition_hash_is_true', 'step = 1');

select pg_temp.rule('re_ai.' || tab, over::jsonb, tab || '_' || rule) from (values
    ('model_version', '{"model_name":"A b"}', 'name_is_plain'), ('model_version', '{"model_version":0}', 'name_is_plain'), ('model_version', '{"artifact_ref":""}', 'ref_is_short'), ('model_version', '{"artifact_sha256":"\\x00"}', 'sha256_is_32_bytes'),
    ('feature_vector', '{"dimensions":0}', 'dimensions_are_positive'), ('feature_vector', '{"seq":null}', 'event_is_whole'), ('feature_vector', '{"seq":-1}', 'event_is_whole'), ('feature_vector', '{"store_ref":""}', 'ref_is_short'),
    ('feature_vector', '{"vector_sha256":"\\x00"}', 'sha256_is_32_bytes'), ('feature_vector', '{"window_to":"2020-01-01"}', 'window_is_valid'), ('cluster', '{"label":""}', 'label_is_short'),
    ('cluster_member', '{"distance":-1}', 'distance_is_valid'), ('cluster_member', '{"distance":"NaN"}', 'distance_is_valid'), ('novelty_score', '{"score_milli":1001}', 'is_in_range'), ('shap_explanation', '{"store_ref":""}', 'ref_is_short'),
    ('shap_explanation', '{"explanation_sha256":"\\x00"}', 'sha256_is_32_bytes'), ('shap_explanation', '{"top_features":0}', 'top_is_positive')) x(tab, over, rule);

select pg_temp.rule('re_ops.' || tab, over::jsonb, tab || '_' || rule) from (values
    ('legal_hold', '{"range_to":"2020-01-01"}', 'range_is_valid'), ('legal_hold', '{"reason":""}', 'reason_is_short'), ('legal_hold', '{"table_name":null}', 'table_is_whole'), ('legal_hold_release', '{"reason":""}', 'reason_is_short'),
    ('retention_ledger', '{"action":"lost"}', 'action_is_known'), ('retention_ledger', '{"note":"other"}', 'entry_hash_is_true')) x(tab, over, rule);
create function pg_temp.entry(over jsonb) returns jsonb language sql as $$
    select over || jsonb_build_object('entry_hash', sha256(r.prev_entry_hash || convert_to(concat_ws('|', r.ledger_no, r.actor, r.action, r.schema_name, r.table_name, r.partition_name, extract(epoch from r.at), extract(epoch from r.range_from),
        extract(epoch from r.range_to), coalesce(r.row_count, -1), coalesce(encode(r.content_sha256, 'hex'), '-'), r.note), 'UTF8')))
    from re_ops.retention_ledger x, jsonb_populate_record(x, over) r where x.ledger_no = 1 $$;
select pg_temp.rule('re_ops.retention_ledger', pg_temp.entry(over::jsonb), 'retention_ledger_' || rule, 'ledger_no = 1') from (values ('{"ledger_no":0}', 'no_is_positive'), ('{"range_to":"2020-01-01"}', 'range_is_valid')) x(over, rule);
select pg_temp.rule('re_ops.retention_policy', over::jsonb, 'retention_policy_' || rule, 'table_name = ''flow''') from (values ('{"parent_schema":null}', 'parent_is_whole'), ('{"partition_column":null}', 'partition_is_whole'), ('{"premake":1}', 'premake_is_ahead'),
    ('{"span":"week"}', 'span_is_known'), ('{"hot":null}', 'tiers_are_ordered'), ('{"hot":"900 years"}', 'tiers_are_ordered'), ('{"hot":"0"}', 'tiers_are_ordered'), ('{"span":"none","partition_column":null}', 'unpartitioned_is_kept')) x(over, rule);

select is_empty($$ select k.conrelid::regclass, k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'c' and not c.relispartition and c.relnamespace::regnamespace::text in ('re_core', 're_raw', 're_corr', 're_ai', 're_ops') and k.conrelid <> 're_raw.raw_event'::regclass
      and k.conname not in (select rule from covered) $$, 'no CHECK of these schemas is left untried');

-- Keys. Each is tried alone: in a subtransaction that is undone, every other rule of the table goes first, so that nothing else can refuse.
select t.send(t.chain(t.i2(), t.m2(), 6, (select last_hash from re_raw.chain_resume(t.i2())), 'f', '{}', '{"vlan_ids":[7],"encapsulations":["gre"],"risks":["a"],"splt":[{"bytes":1,"gap_us":0}],"anomalies":["b"]}'));
select t.send(t.chain(t.i2(), t.m2(), 7, (select last_hash from re_raw.chain_resume(t.i2())), 'd', '{}', '{"anomalies":["b"]}'));
select t.send(t.chain(t.i2(), t.m2(), 8, (select last_hash from re_raw.chain_resume(t.i2())), 'h', '{}', '{"reasons":["drops_kernel"]}'));
select t.send(t.chain(t.i2(), t.m2(), 9, (select last_hash from re_raw.chain_resume(t.i2())), 'belcgwn'));
-- Facts: what ingest refuses by these rules is in 30_payloads.sql; here also what no payload can bring about, because ingest derives it.
select pg_temp.rule('re_dpi.' || tab, over::jsonb, tab || '_' || rule, case tab when 'flow' then 'src_ip = ''10.0.0.2''' else 'true' end) from (values
    ('flow', '{"alpn":"' || repeat('a', 1025) || '"}', 'alpn_is_valid'), ('flow', '{"canary":false}', 'canary_is_true_or_absent'), ('flow', '{"cert_issuer":"a b"}', 'cert_issuer_is_pct_text'),
    ('flow', '{"cert_sha256":"\\x00"}', 'cert_sha256_is_valid'), ('flow', '{"cert_subject":"a b"}', 'cert_subject_is_pct_text'), ('flow', '{"community_id":"1:"}', 'community_id_is_valid'),
    ('flow', '{"record":-1}', 'counters_are_in_range'), ('flow', '{"duplicate_packets":9007199254740992}', 'counters_are_in_range'), ('flow', '{"end_reason":"boredom"}', 'end_reason_is_valid'),
    ('flow', '{"end_at":"2020-01-01"}', 'ends_after_it_starts'), ('flow', '{"ip_version":6}', 'families_match'), ('flow', '{"hassh":"x"}', 'hassh_is_valid'),
    ('flow', '{"hassh_server":"x"}', 'hassh_server_is_valid'), ('flow', '{"history":"' || repeat('S', 256) || '"}', 'history_is_valid'), ('flow', '{"http_method":"a b"}', 'http_method_is_pct_text'),
    ('flow', '{"http_status":65536}', 'http_status_is_valid'), ('flow', '{"http_url":"a b"}', 'http_url_is_pct_text'), ('flow', '{"http_user_agent":"a b"}', 'http_user_agent_is_pct_text'),
    ('flow', '{"icmp_code":256}', 'icmp_code_is_valid'), ('flow', '{"icmp_type":256}', 'icmp_type_is_valid'), ('flow', '{"ja3":"x"}', 'ja3_is_valid'), ('flow', '{"ja3s":"x"}', 'ja3s_is_valid'),
    ('flow', '{"ja4":"' || repeat('x', 65) || '"}', 'ja4_is_valid'), ('flow', '{"app_master":"' || repeat('a', 256) || '"}', 'names_are_short'),
    ('flow', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'), ('flow', '{"cert_not_before_ns":0}', 'nanoseconds_have_their_time'),
    ('flow', '{"cert_not_after_ns":0}', 'nanoseconds_have_their_time'), ('flow', '{"orientation":"up"}', 'orientation_is_valid'), ('flow', '{"protocol":256}', 'protocol_is_valid'),
    ('flow', '{"risk_score":-1}', 'risk_score_is_valid'), ('flow', '{"server_name":"a b"}', 'server_name_is_pct_text'), ('flow', '{"ssh_client":"a b"}', 'ssh_client_is_pct_text'),
    ('flow', '{"ssh_server":"a b"}', 'ssh_server_is_pct_text'), ('flow', '{"tcp_flags_dst":256}', 'tcp_flags_dst_is_valid'), ('flow', '{"tcp_flags_src":256}', 'tcp_flags_src_is_valid'),
    ('flow', '{"alpn_truncated":false}', 'truncated_is_true_or_absent'), ('flow', '{"ttl_min_dst":256}', 'ttl_min_dst_is_valid'), ('flow', '{"ttl_min_src":256}', 'ttl_min_src_is_valid'),
    ('flow', '{"src_port":65536}', '16_bit_numbers_are_in_range'), ('flow', '{"dst_ip":"10.0.0.0/8"}', 'addresses_are_hosts'), ('flow', '{"tunnel_src_ip":"10.0.0.0/8"}', 'addresses_are_hosts'),
    ('dns', '{"edns_udp_size":65536}', '16_bit_numbers_are_in_range'), ('dns', '{"src_ip":"2001:db8::/32"}', 'addresses_are_hosts'), ('dns', '{"canary":false}', 'canary_is_true_or_absent'),
    ('dns', '{"community_id":"1:"}', 'community_id_is_valid'), ('dns', '{"queries":-1}', 'counters_are_in_range'), ('dns', '{"records_omitted":9007199254740992}', 'counters_are_in_range'),
    ('dns', '{"edns_do":null}', 'edns_is_whole'), ('dns', '{"edns_version":256}', 'edns_version_is_valid'), ('dns', '{"opcode":"' || repeat('a', 256) || '"}', 'names_are_short'),
    ('dns', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'), ('dns', '{"query_at_ns":null}', 'nanoseconds_have_their_time'), ('dns', '{"response_at_ns":null}', 'nanoseconds_have_their_time'),
    ('dns', '{"outcome":"lost"}', 'outcome_is_valid'), ('dns', '{"qname":"a b"}', 'qname_is_pct_text'), ('dns', '{"service":"doh"}', 'service_is_valid'),
    ('dns', '{"transport":"quic"}', 'transport_is_valid'), ('dns', '{"qname_truncated":false}', 'truncated_is_true_or_absent'), ('dns_anomaly', '{"anomaly":""}', 'anomaly_is_valid'),
    ('dns', '{"query_edns_do":true}', 'query_edns_is_whole'), ('dns', '{"query_edns_version":256,"query_edns_udp_size":0,"query_edns_do":true}', 'query_edns_is_in_range'),
    ('dns_query_edns_option', '{"code":65536}', 'code_is_valid'), ('dns_query_edns_option', '{"data":"0"}', 'data_is_valid'), ('dns_query_edns_option', '{"position":-1}', 'position_is_valid'),
    ('dns_edns_option', '{"code":65536}', 'code_is_valid'), ('dns_edns_option', '{"data":"0"}', 'data_is_valid'), ('dns_edns_option', '{"position":-1}', 'position_is_valid'),
    ('dns_question', '{"class":"' || repeat('a', 256) || '"}', 'class_is_valid'), ('dns_question', '{"name":"a b"}', 'name_is_valid'), ('dns_question', '{"position":-1}', 'position_is_valid'),
    ('dns_question', '{"type":"' || repeat('a', 256) || '"}', 'type_is_valid'), ('dns_record', '{"class":"' || repeat('a', 256) || '"}', 'class_is_valid'),
    ('dns_record', '{"data":"' || repeat('a', 61441) || '"}', 'data_is_valid'), ('dns_record', '{"data_truncated":false}', 'data_truncated_is_valid'),
    ('dns_record', '{"name":"a b"}', 'name_is_valid'), ('dns_record', '{"position":-1}', 'position_is_valid'), ('dns_record', '{"section":"margin"}', 'section_is_valid'),
    ('dns_record', '{"ttl":4294967296}', 'ttl_is_valid'), ('dns_record', '{"type":"' || repeat('a', 256) || '"}', 'type_is_valid'), ('flow_anomaly', '{"anomaly":""}', 'anomaly_is_valid'),
    ('flow_encapsulation', '{"encapsulation":""}', 'encapsulation_is_valid'), ('flow_encapsulation', '{"position":-1}', 'position_is_valid'), ('flow_packet', '{"gap_us":-1}', 'gap_us_is_valid'),
    ('flow_packet', '{"position":-1}', 'position_is_valid'), ('flow_risk', '{"risk":""}', 'risk_is_valid'), ('flow_vlan', '{"position":-1}', 'position_is_valid'),
    ('flow_vlan', '{"vlan_id":4096}', 'vlan_id_is_valid'), ('heartbeat', '{"canary_flow_lag_us":1}', 'canary_is_whole'),
    ('heartbeat', '{"canary_number":1,"canary_stage":"heaven"}', 'canary_stage_is_valid'), ('heartbeat', '{"clock_offset_us":-9007199254740992}', 'clock_offset_us_is_valid'),
    ('heartbeat', '{"commits":1}', 'commits_are_whole'), ('heartbeat', '{"commit_p50_us":1}', 'commits_are_whole'), ('heartbeat', '{"config_sha256":"\\x00"}', 'config_sha256_is_valid'),
    ('heartbeat', '{"interval_ms":-1}', 'counters_are_in_range'), ('heartbeat', '{"db_connected":true}', 'database_is_whole'),
    ('heartbeat', '{"build_sha256":"\\x00"}', 'build_sha256_is_valid'), ('heartbeat', '{"ndpi_library_sha256":"\\x00"}', 'ndpi_library_sha256_is_valid'), ('heartbeat', '{"key_id":"\\x00"}', 'key_id_is_valid'),
    ('heartbeat', '{"kernel_version":"' || repeat('a', 256) || '"}', 'names_are_short'), ('heartbeat', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'),
    ('heartbeat', '{"db_last_ack_at_ns":0}', 'nanoseconds_have_their_time'), ('heartbeat', '{"last_packet_at_ns":0}', 'nanoseconds_have_their_time'),
    ('heartbeat', '{"work_batches_capacity":1}', 'queues_are_whole'), ('heartbeat', '{"schema_sha256":"\\x00"}', 'schema_sha256_is_valid'), ('heartbeat', '{"spool_quarantined":1}', 'spool_is_whole'),
    ('heartbeat', '{"state":"fine"}', 'state_is_valid'), ('heartbeat_anomaly', '{"count":-1}', 'count_is_valid'), ('heartbeat_anomaly', '{"name":""}', 'name_is_valid'),
    ('heartbeat_event', '{"sealed":-1}', 'counters_are_in_range'), ('heartbeat_event', '{"event_type":"Flow"}', 'event_type_is_plain'),
    ('heartbeat_interface', '{"reopened":-1}', 'counters_are_in_range'), ('heartbeat_interface', '{"kind":"tape"}', 'kind_is_valid'), ('heartbeat_interface', '{"name":"a b"}', 'name_is_pct_text'),
    ('heartbeat_interface', '{"last_packet_at_ns":1000}', 'nanoseconds_are_in_range'), ('heartbeat_interface', '{"last_packet_at_ns":null}', 'nanoseconds_have_their_time'),
    ('heartbeat_loss', '{"cause":"gremlins"}', 'cause_is_valid'), ('heartbeat_loss', '{"events":-1}', 'counters_are_in_range'), ('heartbeat_reason', '{"reason":"A b"}', 'reason_is_valid'),
    ('loss_report', '{"cause":"gremlins"}', 'cause_is_valid'), ('loss_report', '{"packets":-1}', 'counters_are_in_range'), ('loss_report', '{"interval_end":"2020-01-01"}', 'interval_is_ordered'),
    ('loss_report', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'), ('loss_report', '{"policy":"No"}', 'policy_is_valid'), ('loss_report_event', '{"count":-1}', 'count_is_valid'),
    ('loss_report_event', '{"event_type":"Flow"}', 'event_type_is_plain'), ('clock_step', '{"delta_us":9007199254740992}', 'delta_us_is_valid'),
    ('clock_step', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'), ('clock_step', '{"source":"sundial"}', 'source_is_valid'),
    ('config_change', '{"old_sha256":"\\x00"}', 'digests_are_32_bytes'), ('config_change', '{"new_sha256":"\\x00"}', 'digests_are_32_bytes'),
    ('config_change', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'), ('config_change_member', '{"member":""}', 'member_is_valid'),
    ('probe_start', '{"config_sha256":"\\x00"}', 'config_sha256_is_valid'), ('probe_start', '{"build_sha256":"\\x00"}', 'build_sha256_is_valid'), ('probe_start', '{"ndpi_library_sha256":"\\x00"}', 'ndpi_library_sha256_is_valid'), ('probe_start', '{"pid_start_mono_us":-1}', 'counters_are_in_range'),
    ('probe_start', '{"head_last_hash":"\\x00"}', 'head_last_hash_is_valid'), ('probe_start', '{"loss_window_from":"2026-01-01","loss_window_from_ns":0}', 'loss_window_is_whole'),
    ('probe_start', '{"kernel_version":"' || repeat('a', 256) || '"}', 'names_are_short'), ('probe_start', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'),
    ('probe_start', '{"loss_window_from_ns":0}', 'nanoseconds_have_their_time'), ('probe_start', '{"loss_window_to_ns":0}', 'nanoseconds_have_their_time'),
    ('probe_start', '{"schema_sha256":"\\x00"}', 'schema_sha256_is_valid'), ('probe_stop', '{"flow_records":-1}', 'counters_are_in_range'),
    ('probe_stop', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'), ('probe_stop', '{"reason":"Bored now"}', 'reason_is_valid'), ('worker_crash', '{"uptime_ms":-1}', 'counters_are_in_range'),
    ('worker_crash', '{"flow_key_hash":"\\x00"}', 'flow_key_hash_is_valid'), ('worker_crash', '{"observed_at_ns":1000}', 'nanoseconds_are_in_range'),
    ('worker_crash', '{"quarantine_sha256":"\\x00"}', 'quarantine_sha256_is_valid'), ('worker_crash', '{"signal":256}', 'signal_is_valid'),
    ('scan', '{"kind":"none"}', 'kind_is_known'), ('scan', '{"src_ip":null}', 'who_is_of_its_kind'), ('scan', '{"dst_ip":"10.0.0.1"}', 'who_is_of_its_kind'),
    ('scan', '{"protocol":256}', 'protocol_is_valid'), ('scan', '{"src_ip":"10.0.0.0/8"}', 'addresses_are_hosts'), ('scan', '{"first_at":"2100-01-01"}', 'ends_after_it_starts'),
    ('scan', '{"flows":0}', 'counters_are_in_range'), ('scan', '{"ip_bytes":-1}', 'counters_are_in_range'), ('scan', '{"last_at_ns":1000}', 'nanoseconds_are_in_range'),
    ('scan_sample', '{"position":-1}', 'position_is_valid'), ('scan_sample', '{"ip":"10.0.0.0/8"}', 'ip_is_a_host'), ('scan_sample', '{"port":65536}', 'port_is_valid')) x(tab, over, rule);
select is_empty($$ select k.conrelid::regclass, k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'c' and not c.relispartition and c.relnamespace = 're_dpi'::regnamespace and k.conname not in (select rule from covered) $$, 'no CHECK of re_dpi is left untried');

create temp table reference (tab text, name text);
insert into reference values
    ('re_ai.cluster', 'cluster_model_fk'), ('re_ai.cluster', 'cluster_tenant_fk'), ('re_ai.cluster_member', 'cluster_member_cluster_fk'), ('re_ai.cluster_member', 'cluster_member_has_feature_vector'),
    ('re_ai.feature_vector', 'feature_vector_incident_fk'), ('re_ai.feature_vector', 'feature_vector_instance_fk'), ('re_ai.feature_vector', 'feature_vector_machine_fk'),
    ('re_ai.feature_vector', 'feature_vector_model_fk'), ('re_ai.novelty_score', 'novelty_score_has_feature_vector'), ('re_ai.novelty_score', 'novelty_score_model_fk'),
    ('re_ai.shap_explanation', 'shap_explanation_has_feature_vector'), ('re_ai.shap_explanation', 'shap_explanation_model_fk'), ('re_core.approved_version', 'approved_version_machine_fk'),
    ('re_core.component_identity_history', 'component_identity_history_instance_fk'), ('re_core.component_instance', 'component_instance_machine_fk'),
    ('re_core.component_instance_status', 'component_instance_status_instance_fk'), ('re_core.machine', 'machine_tenant_fk'), ('re_core.signing_key', 'signing_key_instance_fk'),
    ('re_core.signing_key_status', 'signing_key_status_instance_fk'), ('re_core.signing_key_status', 'signing_key_status_key_fk'), ('re_core.tenant_member', 'tenant_member_tenant_fk'),
    ('re_corr.decision', 'decision_recommendation_fk'), ('re_corr.evidence', 'evidence_instance_fk'), ('re_corr.evidence', 'evidence_machine_fk'), ('re_corr.execution', 'execution_decision_fk'),
    ('re_corr.incident', 'incident_machine_fk'), ('re_corr.incident_confidence', 'incident_confidence_evidence_fk'), ('re_corr.incident_confidence', 'incident_confidence_goes_on_from_total'),
    ('re_corr.incident_confidence', 'incident_confidence_incident_fk'), ('re_corr.incident_evidence', 'incident_evidence_evidence_fk'), ('re_corr.incident_evidence', 'incident_evidence_incident_fk'),
    ('re_corr.incident_transition', 'incident_transition_follows'), ('re_corr.incident_transition', 'incident_transition_incident_fk'), ('re_corr.recommendation', 'recommendation_incident_fk'),
    ('re_dpi.clock_step', 'clock_step_has_raw_event'), ('re_dpi.config_change', 'config_change_has_raw_event'), ('re_dpi.config_change_member', 'config_change_member_has_config_change'),
    ('re_dpi.dns', 'dns_has_raw_event'), ('re_dpi.dns_anomaly', 'dns_anomaly_has_dns'), ('re_dpi.dns_edns_option', 'dns_edns_option_has_dns'), ('re_dpi.dns_query_edns_option', 'dns_query_edns_option_has_dns'),
    ('re_raw.quarantine', 'quarantine_has_raw_event'), ('re_raw.quarantine_mended', 'quarantine_mended_has_quarantine'), ('re_dpi.dns_question', 'dns_question_has_dns'),
    ('re_dpi.dns_record', 'dns_record_has_dns'), ('re_dpi.flow', 'flow_has_raw_event'), ('re_dpi.flow_anomaly', 'flow_anomaly_has_flow'), ('re_dpi.flow_encapsulation', 'flow_encapsulation_has_flow'),
    ('re_dpi.flow_packet', 'flow_packet_has_flow'), ('re_dpi.flow_risk', 'flow_risk_has_flow'), ('re_dpi.flow_vlan', 'flow_vlan_has_flow'), ('re_dpi.heartbeat', 'heartbeat_has_raw_event'),
    ('re_dpi.heartbeat_anomaly', 'heartbeat_anomaly_has_heartbeat'), ('re_dpi.heartbeat_event', 'heartbeat_event_has_heartbeat'), ('re_dpi.heartbeat_interface', 'heartbeat_interface_has_heartbeat'),
    ('re_dpi.heartbeat_loss', 'heartbeat_loss_has_heartbeat'), ('re_dpi.heartbeat_reason', 'heartbeat_reason_has_heartbeat'), ('re_dpi.loss_report', 'loss_report_has_raw_event'),
    ('re_dpi.loss_report_event', 'loss_report_event_has_loss_report'), ('re_dpi.probe_start', 'probe_start_has_raw_event'), ('re_dpi.probe_stop', 'probe_stop_has_raw_event'),
    ('re_dpi.worker_crash', 'worker_crash_has_raw_event'), ('re_dpi.scan', 'scan_has_raw_event'), ('re_dpi.scan_sample', 'scan_sample_has_scan'), ('re_ops.legal_hold', 'legal_hold_policy_fk'), ('re_ops.legal_hold_release', 'legal_hold_release_hold_fk'),
    ('re_ops.retention_policy', 'retention_policy_parent_fk'), ('re_raw.chain_gap', 'chain_gap_instance_fk'), ('re_raw.chain_gap_fill', 'chain_gap_fill_gap_fk'),
    ('re_raw.chain_head', 'chain_head_instance_fk'), ('re_raw.checkpoint', 'checkpoint_component_fk'), ('re_raw.checkpoint', 'checkpoint_covers_a_batch'),
    ('re_raw.checkpoint', 'checkpoint_instance_fk'), ('re_raw.ingest_segment', 'ingest_segment_gap_is_declared'), ('re_raw.ingest_segment', 'ingest_segment_instance_fk'),
    ('re_raw.ingest_segment', 'ingest_segment_predecessor_exists'), ('re_raw.raw_event', 'raw_event_is_of_enrolled_instance'), ('re_raw.subtree', 'subtree_instance_fk');
create temp table key (tab text, name text);
insert into key values
    ('re_ai.cluster', 'cluster_pk'), ('re_ai.cluster', 'cluster_tenant_is_unique'), ('re_ai.model_version', 'model_version_pk'), ('re_core.approved_version', 'approved_version_pk'),
    ('re_core.component_identity_history', 'component_identity_history_pk'), ('re_core.component_instance', 'component_instance_binding_is_unique'),
    ('re_core.component_instance', 'component_instance_component_is_unique'), ('re_core.component_instance', 'component_instance_mode_is_unique'),
    ('re_core.component_instance', 'component_instance_pk'), ('re_core.component_instance', 'component_instance_tenant_is_unique'),
    ('re_core.component_instance_status', 'component_instance_status_pk'), ('re_core.machine', 'machine_and_tenant_are_unique'), ('re_core.machine', 'machine_pk'),
    ('re_core.schema_bundle', 'schema_bundle_pk'), ('re_core.signing_key', 'signing_key_live_has_one_owner'), ('re_core.signing_key', 'signing_key_pk'),
    ('re_core.signing_key_status', 'signing_key_status_pk'), ('re_core.tenant', 'tenant_pk'), ('re_core.tenant', 'tenant_slug_is_unique'), ('re_core.tenant_member', 'tenant_member_pk'),
    ('re_corr.decision', 'decision_is_made_once'), ('re_corr.decision', 'decision_pk'), ('re_corr.decision', 'decision_tenant_is_unique'), ('re_corr.evidence', 'evidence_event_is_copied_once'),
    ('re_corr.evidence', 'evidence_pk'), ('re_corr.evidence', 'evidence_tenant_is_unique'), ('re_corr.execution', 'execution_pk'), ('re_corr.incident', 'incident_pk'),
    ('re_corr.incident', 'incident_tenant_is_unique'), ('re_corr.incident_confidence', 'incident_confidence_evidence_counts_once'), ('re_corr.incident_confidence', 'incident_confidence_pk'),
    ('re_corr.incident_confidence', 'incident_confidence_total_is_unique'), ('re_corr.incident_evidence', 'incident_evidence_pk'), ('re_corr.incident_transition', 'incident_transition_end_is_unique'),
    ('re_corr.incident_transition', 'incident_transition_pk'), ('re_corr.recommendation', 'recommendation_pk'), ('re_corr.recommendation', 'recommendation_tenant_is_unique'),
    ('re_ops.legal_hold', 'legal_hold_pk'), ('re_ops.legal_hold_release', 'legal_hold_release_pk'), ('re_ops.retention_ledger', 'retention_ledger_has_one_successor'),
    ('re_ops.retention_ledger', 'retention_ledger_hash_is_unique'), ('re_ops.retention_ledger', 'retention_ledger_pk'), ('re_ops.retention_policy', 'retention_policy_pk'),
    ('re_raw.chain_gap', 'chain_gap_pk'), ('re_raw.chain_gap', 'chain_gap_range_is_unique'), ('re_raw.chain_gap_fill', 'chain_gap_fill_pk'), ('re_raw.chain_head', 'chain_head_pk'),
    ('re_raw.chain_violation', 'chain_violation_is_recorded_once'), ('re_raw.chain_violation', 'chain_violation_pk'), ('re_raw.checkpoint', 'checkpoint_pk'), ('re_raw.event_type', 'event_type_pk'),
    ('re_raw.ingest_segment', 'ingest_segment_end_is_unique'), ('re_raw.ingest_segment', 'ingest_segment_has_one_genesis'), ('re_raw.ingest_segment', 'ingest_segment_has_one_successor'),
    ('re_raw.ingest_segment', 'ingest_segment_pk'), ('re_raw.subtree', 'subtree_pk'), ('re_raw.violation_counter', 'violation_counter_pk');
create function pg_temp.alone(kept oid) returns regclass language plpgsql as $$
declare
    tab regclass := (select conrelid from pg_constraint where oid = kept);
    k   record;
begin
    -- What references the table or is referenced by it, then its CHECKs and its other keys.
    for k in select o.conrelid::regclass as tab, o.conname from pg_constraint o where o.contype = 'f' and tab in (o.conrelid, o.confrelid) and o.oid <> kept and o.conparentid = 0
             union all select o.conrelid::regclass, o.conname from pg_constraint o where o.conrelid = tab and o.contype = 'c' and o.coninhcount = 0 loop
        execute format('alter table %s drop constraint if exists %I', k.tab, k.conname);
    end loop;
    return tab;
end $$;
create function pg_temp.without_its_reference(kept oid) returns text language plpgsql as $$
declare
    tab     regclass;
    changes text;
    follow  text;
    rule    text;
    changed bigint;
begin
    begin
        tab := pg_temp.alone(kept);
        -- A value that is nowhere, for each column that does not choose the partition or follow from another.
        select string_agg(format('%I is not null', a.attname), ' and ') filter (where a.attgenerated <> ''), string_agg(format('%I = %s', a.attname, case a.atttypid::regtype::text when 'uuid' then 'gen_random_uuid()' when 'bigint' then '8007199254740991' when 'integer' then '77' when 'bytea' then 'sha256(''nowhere'')'
                                 else quote_literal('nowhere') end), ', ') filter (where a.attgenerated = '' and a.atttypid <> 'timestamptz'::regtype)
        into follow, changes
        from pg_constraint k cross join unnest(k.conkey) n join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n
        where k.oid = kept;
        execute format('alter table %s disable trigger user', tab);
        begin
            execute format('update %s set %s
                           where (tableoid, ctid) = (select tableoid, ctid from %1$s where %3$s limit 1)', tab, changes, coalesce(follow, 'true'));
            get diagnostics changed = row_count;
            rule := case changed when 0 then 'no row to try it on' else 'nothing refused it' end;
        exception when foreign_key_violation then
            get stacked diagnostics rule = constraint_name;
        end;
        raise exception 'undo' using errcode = 'T0001';
    exception when sqlstate 'T0001' then
        return rule;
    end;
end $$;
-- A partitioned table's keys to another partitioned one are its leaves'.
create temp view found as
    select k.oid, regexp_replace(k.conrelid::regclass::text, '_p[0-9]{6,8}$', '') as tab, k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'f' and k.conparentid = 0 and c.relnamespace::regnamespace::text like 're\_%' and c.relnamespace::regnamespace::text <> 're_agent'
      and (not c.relispartition or c.relname like any (array['%\_p' || to_char(now() at time zone 'UTC', 'YYYYMMDD'), '%\_p' || to_char(now() at time zone 'UTC', 'YYYYMM')]));
select is(pg_temp.without_its_reference(f.oid), r.name, format('%s: %s', r.tab, r.name))
from reference r left join found f on f.tab = r.tab and f.conname = r.name order by r.tab, r.name;
select is_empty('select tab, conname from found except select * from reference', 'no foreign key is left untried');

create function pg_temp.twice(unique_index regclass) returns text language plpgsql as $$
declare
    tab     regclass := (select indrelid from pg_index where indexrelid = unique_index);
    columns text := (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a where a.attrelid = tab and a.attnum > 0 and not a.attisdropped and a.attgenerated = '');
    o       record;
    rule    text;
begin
    begin
        for o in select k.conname, i.indexrelid::regclass as name from pg_index i left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u')
                 where i.indrelid = tab and i.indisunique and i.indexrelid <> unique_index loop
            if o.conname is null then execute format('drop index %s', o.name); else execute format('alter table %s drop constraint %I cascade', tab, o.conname); end if;
        end loop;
        begin
            execute format('insert into %1$s (%2$s) select %2$s from %1$s', tab, columns);
            rule := 'nothing refused it';
        exception when unique_violation then
            get stacked diagnostics rule = constraint_name;
        end;
        raise exception 'undo' using errcode = 'T0001';
    exception when sqlstate 'T0001' then
        return rule;
    end;
end $$;
select is(pg_temp.twice(to_regclass(split_part(k.tab, '.', 1) || '.' || k.name)), k.name, format('%s: %s', k.tab, k.name)) from key k order by k.tab, k.name;
select is_empty($$ select i.indrelid::regclass::text, x.relname::text from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
    where i.indisunique and c.relkind = 'r' and not c.relispartition and c.relnamespace::regnamespace::text like 're\_%' except select * from key $$, 'no key is left untried');
select matches(pg_temp.refused(c.oid), '_pkey$', 'the same row of ' || c.oid::regclass || ' twice')
from pg_class c where c.relnamespace::regnamespace::text like 're\_%' and c.relnamespace::regnamespace::text <> 're_agent' and c.relkind = 'p' order by c.oid::regclass::text;
select * from finish();
rollback;
