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

select pg_temp.rule(tab, over::jsonb, split_part(tab, '.', 2) || '_' || rule) from (values
    ('re_core.schema_bundle', '{"version":"1.0"}', 'version_is_semantic'), ('re_core.schema_bundle', '{"ddl_sha256":"\\x00"}', 'sha256_is_32_bytes'),
    ('re_core.schema_bundle', '{"note":"' || repeat('a', 1001) || '"}', 'note_is_short'), ('re_core.tenant', '{"slug":"-a"}', 'slug_is_plain'), ('re_core.tenant', '{"slug":"A"}', 'slug_is_plain'),
    ('re_core.component_instance', '{"component":"toaster"}', 'component_is_known'), ('re_core.component_instance', '{"mode":"test"}', 'mode_is_known'), ('re_core.component_instance', '{"note":"' || repeat('a', 1001) || '"}', 'note_is_short'),
    ('re_core.component_identity_history', '{"first_seq":-1}', 'seq_is_positive')) x(tab, over, rule);
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
    from re_corr.incident_transition x, jsonb_populate_record(x, over) r $$;
select pg_temp.rule('re_corr.incident_transition', pg_temp.step(over::jsonb), 'incident_transition_' || rule) from (values
    ('{"from_stage":"suspicious","to_stage":"probable","confidence_milli":900}', 'begins_clean'), (format('{"prev_step_hash":"\\x%s"}', repeat('11', 32)), 'begins_clean'), ('{"step":2,"to_stage":"confirmed","confidence_milli":900}', 'climbs_by_one'),
    ('{"confidence_milli":249}', 'has_confidence'), ('{"step":2,"from_stage":"suspicious","to_stage":"probable","confidence_milli":499}', 'has_confidence'), ('{"step":2,"from_stage":"probable","to_stage":"confirmed","confidence_milli":749}', 'has_confidence'),
    ('{"confidence_milli":1001}', 'has_confidence'), ('{"reason":""}', 'reason_is_short'), ('{"step":2,"to_stage":"guilty","confidence_milli":900}', 'stages_are_known'), ('{"step":0}', 'step_is_positive')) x(over, rule);
select pg_temp.rule('re_corr.incident_transition', '{"reason":"other"}', 'incident_transition_hash_is_true');

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

-- The same row twice
select matches(pg_temp.refused(c.oid), '_pk(ey)?$', 'the same row of ' || c.oid::regclass || ' twice')
from pg_class c where c.relnamespace::regnamespace::text in ('re_core', 're_raw', 're_corr', 're_ai', 're_ops') and c.relkind in ('r', 'p') and not c.relispartition and c.oid not in ('re_raw.chain_gap_fill'::regclass)
order by c.oid::regclass::text;
select * from finish();
rollback;
