-- Incidents and AI metadata: written through functions, linked, never changed; the AI core cannot touch a fact or an incident.
begin;
set search_path = t, public;
select no_plan();
select t.enrol();
select t.send(t.chain(t.i1(), t.m1(), 0, t.zeros(), 'sfdhx')), t.send(t.chain(t.i2(), t.m2(), 0, t.zeros(), 'sf'));
create table t.id (name text primary key, id uuid);
grant select, insert on t.id to public;
create function t.id(n text) returns uuid language sql stable as $$ select id from t.id where name = n $$;
select is(t.try('t_corr', 'insert into t.id select ''inc'', re_corr.open_incident(t.m1(), ''dns.tunnel'', 1, ''Odd names'')'), 'ok', 'an incident is opened');
select is(t.try('t_corr', 'insert into t.id select ''inc2'', re_corr.open_incident(t.m1(), ''dns.tunnel'', 1, ''Other'')'), 'ok', 'and another');
select is(t.try('t_corr', 'select re_corr.open_incident(t.m2(), ''dns.tunnel'', 1, ''Odd names'')'), 'RE002', 'not on another tenant''s machine');
select is(t.try('t_corr', 'insert into t.id select ''ev'', re_corr.keep_evidence(t.i1(), 2, ''odd'')'), 'ok', 'an event becomes evidence');
select is(t.ask('t_corr', 'select re_corr.keep_evidence(t.i1(), 2, ''odd'') = t.id(''ev'')'), 'true', 'once');
select is(t.try('t_corr', 'insert into t.id select ''ev2'', re_corr.keep_evidence(t.i1(), 1, ''odd'')'), 'ok', 'another event');
select is(t.try('t_corr', 'select re_corr.keep_evidence(t.i2(), 1, ''odd'')'), 'RE002', 'not another tenant''s');
select is(t.try('t_corr', 'select re_corr.keep_evidence(t.i1(), 99, ''odd'')'), 'RE002', 'not one that is not there');
select is(t.try('t_corr', 'select re_corr.link_evidence(t.id(''inc''), t.id(''ev''), ''trigger''), re_corr.link_evidence(t.id(''inc2''), t.id(''ev''), ''context'')'), 'ok', 'one event serves two incidents');
select is(t.try('t_corr', 'select re_corr.link_evidence(t.id(''inc''), t.id(''ev2''), ''supporting'')'), 'ok', 'and two events one');
select is(t.try('t_corr', 'select re_corr.change_stage(t.id(''inc''), ''suspicious'', ''x'')'), '23514', 'no stage without confidence');
select is(t.try('t_corr', 'select re_corr.add_confidence(t.id(''inc''), gen_random_uuid(), 300, ''r'', 1)'), '23503', 'no confidence without evidence');
select is(t.ask('t_corr', 'select re_corr.add_confidence(t.id(''inc''), t.id(''ev''), 300, ''r'', 1)'), '300', 'confidence');
select is(t.try('t_corr', 'select re_corr.add_confidence(t.id(''inc''), t.id(''ev''), 300, ''r'', 1)'), '23505', 'the same evidence does not count twice under one rule');
select is(t.ask('t_corr', 'select re_corr.change_stage(t.id(''inc''), ''suspicious'', ''seen'')'), '1', 'clean to suspicious');
select is(t.try('t_corr', 'select re_corr.change_stage(t.id(''inc''), ''confirmed'', ''jump'')'), '23514', 'no stage is jumped over');
select is(t.ask('t_corr', 'select re_corr.add_confidence(t.id(''inc''), t.id(''ev2''), 900, ''r'', 1)'), '1000', 'the sum is capped');
select is(t.ask('t_corr', 'select re_corr.change_stage(t.id(''inc''), ''probable'', ''more'')'), '2', 'to probable');
select is(t.ask('t_corr', 'select re_corr.change_stage(t.id(''inc''), ''confirmed'', ''sure'')'), '3', 'to confirmed');
select is(t.ask('t_corr', 'select re_corr.change_stage(t.id(''inc''), ''clean'', ''false alarm'')'), '4', 'and back, audited');
select results_eq('select stage, confidence_milli, evidence_count from re_view.incident where incident_id = t.id(''inc'')', $$ values ('clean', 1000, 2::bigint) $$, 'the view');
select is((select count(*) from re_view.incident_step), 4::bigint, 'every step is there');
select throws_ok($$ insert into re_corr.incident_transition (incident_id, step, tenant_id, from_stage, to_stage, confidence_milli, reason, prev_step_hash, step_hash)
    select incident_id, 5, tenant_id, 'probable', 'confirmed', 1000, 'x', step_hash, step_hash from re_corr.incident_transition where step = 4 $$, '23514', null, 'a step with a false hash');
select throws_ok($$ insert into re_corr.incident_confidence (incident_id, contribution_no, tenant_id, evidence_id, before_milli, delta_milli, after_milli, rule_name, rule_version)
    select incident_id, 3, tenant_id, evidence_id, 5, 1, 6, 'r', 2 from re_corr.incident_confidence where contribution_no = 1 $$, '23503', null, 'a contribution that does not go on from the total');
select throws_ok($$ insert into re_corr.evidence select gen_random_uuid(), tenant_id, machine_id, component_instance_id, 3, event_type, observed_at, envelope_hash, envelope, payload, now(), 'x', 'y' from re_corr.evidence limit 1 $$, '23514', null, 'evidence is that event');
select throws_ok('update re_corr.incident set title = ''x''', 'RE001', null, 'an incident is not edited');
select throws_ok('delete from re_corr.incident_transition', 'RE001', null, 'history is not deleted');
select is(t.try('t_corr', 'insert into t.id select ''rec'', re_corr.recommend(t.id(''inc''), ''isolate'', ''because'')'), 'ok', 'advice');
select is(t.try('t_corr', 'insert into t.id select ''dec'', re_corr.decide(t.id(''rec''), ''accepted'', ''yes'')'), 'ok', 'a decision');
select is(t.try('t_corr', 'select re_corr.decide(t.id(''rec''), ''rejected'', ''no'')'), '23505', 'once');
select is(t.ask('t_corr', 'select re_corr.record_execution(t.id(''dec''), ''started'', '''')'), '1', 'an execution');

-- The AI core
select is(t.try('t_ai', 'select re_ai.add_model_version(''drift'', 1, ''s3://m'', sha256(''m''), now())'), 'ok', 'a model');
create table t.vec (vector_at timestamptz, vector_id uuid);
grant select, insert on t.vec to public;
select is(t.try('t_ai', 'insert into t.vec select * from re_ai.add_vector(t.m1(), ''drift'', 1, now() - interval ''1 hour'', now(), t.i1(), 1, t.id(''inc''), ''s3://v'', sha256(''v''), 64)'), 'ok', 'a vector');
select is(t.try('t_ai', 'select re_ai.add_vector(t.m2(), ''drift'', 1, now(), now(), null, null, null, ''s3://v'', sha256(''v''), 64)'), 'RE002', 'not of another tenant''s machine');
select is(t.try('t_ai', 'select re_ai.add_vector(t.m1(), ''drift'', 2, now(), now(), null, null, null, ''s3://v'', sha256(''v''), 64)'), '23503', 'not of an unknown model');
select is(t.try('t_ai', 'select re_ai.add_novelty(vector_at, vector_id, ''drift'', 1, 900) from t.vec'), 'ok', 'a score');
select is(t.try('t_ai', 'select re_ai.add_novelty(vector_at, vector_id, ''drift'', 1, 100) from t.vec'), '23505', 'is not revised');
select is(t.try('t_ai', 'select re_ai.add_explanation(vector_at, vector_id, ''drift'', 1, ''s3://e'', sha256(''e''), 5) from t.vec'), 'ok', 'an explanation');
select is(t.try('t_ai', 'insert into t.id select ''cl'', re_ai.add_cluster(''drift'', 1, ''odd'')'), 'ok', 'a cluster');
select is(t.try('t_ai', 'select re_ai.add_cluster_member(vector_at, vector_id, t.id(''cl''), 0.5) from t.vec'), 'ok', 'and its member');
select is(t.try('t_ai', s), '42501', 'the AI core cannot: ' || s) from unnest(array['select re_corr.open_incident(t.m1(), ''r'', 1, ''x'')', 'select re_corr.change_stage(t.id(''inc''), ''suspicious'', ''x'')',
    'select re_corr.add_confidence(t.id(''inc''), t.id(''ev''), 1, ''r'', 3)', 'select re_corr.keep_evidence(t.i1(), 1, ''x'')', 'update re_corr.incident set title = ''x''', 'delete from re_dpi.flow',
    'insert into re_dpi.flow_risk (component_instance_id, seq, tenant_id, risk) values (t.i1(), 1, t.i1(), ''x'')', 'insert into re_ai.cluster default values', 'update re_ai.novelty_score set score_milli = 0']) s;
select is(has_table_privilege('re_ai_owner', c.oid, 'insert, update, delete, truncate'), false, 'the owner of AI functions cannot write ' || c.oid::regclass)
from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_corr') and c.relkind in ('r', 'p') and not c.relispartition order by c.oid::regclass::text;
select * from finish();
rollback;
