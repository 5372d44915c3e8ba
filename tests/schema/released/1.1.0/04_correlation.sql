-- 04_correlation.sql: incidents. Evidence, stages Clean → Suspicious → Probable → Confirmed, confidence, decisions.
--
-- Nothing here is updated or deleted: the state of an incident is its last transition, its confidence the last contribution. Each row
-- names the row before it, and foreign keys make sure that there is one and that it says the same. Written through functions only.

set role re_corr_owner;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Evidence: a full copy of a signed event, kept for ever, so that incidents outlive the retention of raw events
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_corr.evidence (
    evidence_id           uuid        not null default gen_random_uuid(),
    tenant_id             uuid        not null,
    machine_id            uuid        not null,
    component_instance_id uuid        not null,
    seq                   bigint      not null,
    event_type            text        not null,
    observed_at           timestamptz not null,
    envelope_hash         bytea       not null,
    envelope              bytea       not null,
    payload               bytea       not null,
    copied_at             timestamptz not null default clock_timestamp(),
    copied_by             name        not null default session_user,
    reason                text        not null,
    constraint evidence_pk primary key (evidence_id),
    constraint evidence_tenant_is_unique unique (evidence_id, tenant_id),
    constraint evidence_event_is_copied_once unique (component_instance_id, seq),
    constraint evidence_instance_fk foreign key (component_instance_id) references re_core.component_instance,
    constraint evidence_machine_fk foreign key (machine_id, tenant_id) references re_core.machine (machine_id, tenant_id),
    constraint evidence_hash_is_of_envelope check (envelope_hash = sha256('\x00'::bytea || envelope)),
    constraint evidence_payload_is_committed check (
        strpos(encode(envelope, 'escape'), ',"payload_sha256":"' || encode(sha256(payload), 'hex') || '",') > 0),
    constraint evidence_is_that_event check (
        right(encode(envelope, 'escape'), length(',"seq":}') + length(seq::text)) = ',"seq":' || seq || '}'
        and strpos(encode(envelope, 'escape'), ',"component_instance_id":"' || component_instance_id || '",') > 0),
    constraint evidence_reason_is_short check (octet_length(reason) between 1 and 1000)
);
comment on table  re_corr.evidence                       is 'Events that support an incident, copied whole; one copy serves many incidents';
comment on column re_corr.evidence.evidence_id           is 'Key';
comment on column re_corr.evidence.tenant_id             is 'Tenant of the event';
comment on column re_corr.evidence.machine_id            is 'Machine of the event';
comment on column re_corr.evidence.component_instance_id is 'Chain of the event';
comment on column re_corr.evidence.seq                   is 'Sequence number of the event';
comment on column re_corr.evidence.event_type            is 'Type of the event';
comment on column re_corr.evidence.observed_at           is 'When the fact happened, UTC';
comment on column re_corr.evidence.envelope_hash         is 'Merkle leaf of the event';
comment on column re_corr.evidence.envelope              is 'Exact bytes';
comment on column re_corr.evidence.payload               is 'Exact bytes';
comment on column re_corr.evidence.copied_at             is 'Database clock';
comment on column re_corr.evidence.copied_by             is 'Login that copied it';
comment on column re_corr.evidence.reason                is 'Why it was kept';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Incidents and what belongs to them
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_corr.incident (
    incident_id  uuid        not null default gen_random_uuid(),
    tenant_id    uuid        not null,
    machine_id   uuid        not null,
    opened_at    timestamptz not null default clock_timestamp(),
    opened_by    name        not null default session_user,
    rule_name    text        not null,
    rule_version int         not null,
    title        text        not null,
    constraint incident_pk primary key (incident_id),
    constraint incident_tenant_is_unique unique (incident_id, tenant_id),
    constraint incident_machine_fk foreign key (machine_id, tenant_id) references re_core.machine (machine_id, tenant_id),
    constraint incident_rule_is_plain check (rule_name ~ '^[a-z][a-z0-9_.]{0,127}$' and rule_version >= 1),
    constraint incident_title_is_short check (octet_length(title) between 1 and 1000)
);
comment on table  re_corr.incident              is 'A suspicion about a machine; has no state of its own, see incident_transition';
comment on column re_corr.incident.incident_id  is 'Key';
comment on column re_corr.incident.tenant_id    is 'Tenant of the machine';
comment on column re_corr.incident.machine_id   is 'Machine concerned';
comment on column re_corr.incident.opened_at    is 'Database clock';
comment on column re_corr.incident.opened_by    is 'Login of the engine';
comment on column re_corr.incident.rule_name    is 'Correlation rule that opened it';
comment on column re_corr.incident.rule_version is 'Its version';
comment on column re_corr.incident.title        is 'One line for people';

create table re_corr.incident_evidence (
    incident_id uuid        not null,
    evidence_id uuid        not null,
    tenant_id   uuid        not null,
    role        text        not null,
    linked_at   timestamptz not null default clock_timestamp(),
    linked_by   name        not null default session_user,
    constraint incident_evidence_pk primary key (incident_id, evidence_id),
    constraint incident_evidence_incident_fk foreign key (incident_id, tenant_id) references re_corr.incident (incident_id, tenant_id),
    constraint incident_evidence_evidence_fk foreign key (evidence_id, tenant_id) references re_corr.evidence (evidence_id, tenant_id),
    constraint incident_evidence_role_is_known check (role in ('trigger', 'supporting', 'contradicting', 'context'))
);
comment on table  re_corr.incident_evidence             is 'Which events support which incidents, m:n, within one tenant';
comment on column re_corr.incident_evidence.incident_id is 'Incident';
comment on column re_corr.incident_evidence.evidence_id is 'Evidence';
comment on column re_corr.incident_evidence.tenant_id   is 'Tenant of both';
comment on column re_corr.incident_evidence.role        is 'What the event says about the incident';
comment on column re_corr.incident_evidence.linked_at   is 'Database clock';
comment on column re_corr.incident_evidence.linked_by   is 'Login of the engine';

create table re_corr.incident_confidence (
    incident_id     uuid        not null,
    contribution_no int         not null,
    previous_no     int         generated always as (nullif(contribution_no, 1) - 1) stored,
    tenant_id       uuid        not null,
    evidence_id     uuid        not null,
    before_milli    int         not null,
    delta_milli     int         not null,
    after_milli     int         not null,
    rule_name       text        not null,
    rule_version    int         not null,
    at              timestamptz not null default clock_timestamp(),
    actor           name        not null default session_user,
    constraint incident_confidence_pk primary key (incident_id, contribution_no),
    constraint incident_confidence_total_is_unique unique (incident_id, contribution_no, after_milli),
    constraint incident_confidence_evidence_counts_once unique (incident_id, evidence_id, rule_name, rule_version),
    constraint incident_confidence_evidence_fk foreign key (incident_id, evidence_id) references re_corr.incident_evidence (incident_id, evidence_id),
    constraint incident_confidence_incident_fk foreign key (incident_id, tenant_id) references re_corr.incident (incident_id, tenant_id),
    constraint incident_confidence_goes_on_from_total foreign key (incident_id, previous_no, before_milli)
        references re_corr.incident_confidence (incident_id, contribution_no, after_milli),
    constraint incident_confidence_no_is_positive check (contribution_no >= 1),
    constraint incident_confidence_begins_with_nothing check (contribution_no > 1 or before_milli = 0),
    constraint incident_confidence_delta_is_in_range check (delta_milli between -1000 and 1000),
    constraint incident_confidence_is_a_sum check (after_milli = least(1000, greatest(0, before_milli + delta_milli))),
    constraint incident_confidence_rule_is_plain check (rule_name ~ '^[a-z][a-z0-9_.]{0,127}$' and rule_version >= 1)
);
comment on table  re_corr.incident_confidence                 is 'Confidence as a running sum of contributions, integer thousandths, so that every run gives the same';
comment on column re_corr.incident_confidence.incident_id     is 'Incident';
comment on column re_corr.incident_confidence.contribution_no is 'From 1, no gaps';
comment on column re_corr.incident_confidence.previous_no     is 'Contribution before, NULL for the first';
comment on column re_corr.incident_confidence.tenant_id       is 'Tenant';
comment on column re_corr.incident_confidence.evidence_id     is 'Evidence that contributes';
comment on column re_corr.incident_confidence.before_milli    is 'Total before, thousandths';
comment on column re_corr.incident_confidence.delta_milli     is 'Contribution, thousandths, signed';
comment on column re_corr.incident_confidence.after_milli     is 'Total after, 0 to 1000';
comment on column re_corr.incident_confidence.rule_name       is 'Rule that weighed it';
comment on column re_corr.incident_confidence.rule_version    is 'Its version';
comment on column re_corr.incident_confidence.at              is 'Database clock';
comment on column re_corr.incident_confidence.actor           is 'Login of the engine';

create table re_corr.incident_transition (
    incident_id      uuid        not null,
    step             int         not null,
    previous_step    int         generated always as (nullif(step, 1) - 1) stored,
    tenant_id        uuid        not null,
    from_stage       text        not null,
    to_stage         text        not null,
    confidence_milli int         not null,
    at               timestamptz not null default clock_timestamp(),
    actor            name        not null default session_user,
    reason           text        not null,
    prev_step_hash   bytea       not null,
    step_hash        bytea       not null,
    constraint incident_transition_pk primary key (incident_id, step),
    constraint incident_transition_end_is_unique unique (incident_id, step, to_stage, step_hash),
    constraint incident_transition_incident_fk foreign key (incident_id, tenant_id) references re_corr.incident (incident_id, tenant_id),
    constraint incident_transition_follows foreign key (incident_id, previous_step, from_stage, prev_step_hash)
        references re_corr.incident_transition (incident_id, step, to_stage, step_hash),
    constraint incident_transition_step_is_positive check (step >= 1),
    constraint incident_transition_begins_clean check (step > 1 or (from_stage = 'clean' and prev_step_hash = decode(repeat('00', 32), 'hex'))),
    constraint incident_transition_stages_are_known check (
        from_stage in ('clean', 'suspicious', 'probable', 'confirmed') and to_stage in ('clean', 'suspicious', 'probable', 'confirmed')),
    -- Up one stage at a time; down to any, with a reason.
    constraint incident_transition_climbs_by_one check (
        array_position(array['clean', 'suspicious', 'probable', 'confirmed'], to_stage)
        - array_position(array['clean', 'suspicious', 'probable', 'confirmed'], from_stage) in (-3, -2, -1, 1)),
    constraint incident_transition_has_confidence check (confidence_milli between 0 and 1000 and (
        array_position(array['clean', 'suspicious', 'probable', 'confirmed'], to_stage)
        < array_position(array['clean', 'suspicious', 'probable', 'confirmed'], from_stage)
        or confidence_milli >= case to_stage when 'suspicious' then 250 when 'probable' then 500 else 750 end)),
    constraint incident_transition_reason_is_short check (octet_length(reason) between 1 and 1000),
    constraint incident_transition_hash_is_true check (step_hash = sha256(prev_step_hash || convert_to(concat_ws('|',
        incident_id, step, from_stage, to_stage, confidence_milli, extract(epoch from at), actor, reason), 'UTF8')))
);
comment on table  re_corr.incident_transition                  is 'Every change of stage, linked by hash; the last step is the state, no step means clean';
comment on column re_corr.incident_transition.incident_id      is 'Incident';
comment on column re_corr.incident_transition.step             is 'From 1, no gaps';
comment on column re_corr.incident_transition.previous_step    is 'Step before, NULL for the first';
comment on column re_corr.incident_transition.tenant_id        is 'Tenant';
comment on column re_corr.incident_transition.from_stage       is 'Stage before: clean, suspicious, probable, confirmed';
comment on column re_corr.incident_transition.to_stage         is 'Stage after';
comment on column re_corr.incident_transition.confidence_milli is 'Confidence then, thousandths; 250, 500, 750 are needed to climb';
comment on column re_corr.incident_transition.at               is 'Database clock';
comment on column re_corr.incident_transition.actor            is 'Login that changed it';
comment on column re_corr.incident_transition.reason           is 'Why';
comment on column re_corr.incident_transition.prev_step_hash   is 'step_hash of the step before, zeros for the first';
comment on column re_corr.incident_transition.step_hash        is 'SHA-256 over the step before and this row';

-- ---------------------------------------------------------------------------------------------------------------------------
-- What is advised, decided, done
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_corr.recommendation (
    recommendation_id uuid        not null default gen_random_uuid(),
    incident_id       uuid        not null,
    tenant_id         uuid        not null,
    action            text        not null,
    reason            text        not null,
    at                timestamptz not null default clock_timestamp(),
    actor             name        not null default session_user,
    constraint recommendation_pk primary key (recommendation_id),
    constraint recommendation_tenant_is_unique unique (recommendation_id, tenant_id),
    constraint recommendation_incident_fk foreign key (incident_id, tenant_id) references re_corr.incident (incident_id, tenant_id),
    constraint recommendation_text_is_short check (octet_length(action) between 1 and 255 and octet_length(reason) between 1 and 4000)
);
comment on table  re_corr.recommendation                   is 'Advice for an incident';
comment on column re_corr.recommendation.recommendation_id is 'Key';
comment on column re_corr.recommendation.incident_id       is 'Incident';
comment on column re_corr.recommendation.tenant_id         is 'Tenant';
comment on column re_corr.recommendation.action            is 'What to do';
comment on column re_corr.recommendation.reason            is 'Why';
comment on column re_corr.recommendation.at                is 'Database clock';
comment on column re_corr.recommendation.actor             is 'Login that advised';

create table re_corr.decision (
    decision_id       uuid        not null default gen_random_uuid(),
    recommendation_id uuid        not null,
    tenant_id         uuid        not null,
    verdict           text        not null,
    reason            text        not null,
    at                timestamptz not null default clock_timestamp(),
    actor             name        not null default session_user,
    constraint decision_pk primary key (decision_id),
    constraint decision_tenant_is_unique unique (decision_id, tenant_id),
    constraint decision_is_made_once unique (recommendation_id),
    constraint decision_recommendation_fk foreign key (recommendation_id, tenant_id) references re_corr.recommendation (recommendation_id, tenant_id),
    constraint decision_verdict_is_known check (verdict in ('accepted', 'rejected')),
    constraint decision_reason_is_short check (octet_length(reason) between 1 and 4000)
);
comment on table  re_corr.decision                   is 'What was decided about a recommendation; once';
comment on column re_corr.decision.decision_id       is 'Key';
comment on column re_corr.decision.recommendation_id is 'Recommendation';
comment on column re_corr.decision.tenant_id         is 'Tenant';
comment on column re_corr.decision.verdict           is 'accepted or rejected';
comment on column re_corr.decision.reason            is 'Why';
comment on column re_corr.decision.at                is 'Database clock';
comment on column re_corr.decision.actor             is 'Login that decided';

create table re_corr.execution (
    decision_id uuid        not null,
    attempt_no  int         not null,
    tenant_id   uuid        not null,
    outcome     text        not null,
    detail      text        not null,
    at          timestamptz not null default clock_timestamp(),
    actor       name        not null default session_user,
    constraint execution_pk primary key (decision_id, attempt_no),
    constraint execution_decision_fk foreign key (decision_id, tenant_id) references re_corr.decision (decision_id, tenant_id),
    constraint execution_attempt_is_positive check (attempt_no >= 1),
    constraint execution_outcome_is_known check (outcome in ('started', 'succeeded', 'failed')),
    constraint execution_detail_is_short check (octet_length(detail) <= 4000)
);
comment on table  re_corr.execution             is 'What was done about an accepted decision, attempt by attempt';
comment on column re_corr.execution.decision_id is 'Decision';
comment on column re_corr.execution.attempt_no  is 'From 1, no gaps';
comment on column re_corr.execution.tenant_id   is 'Tenant';
comment on column re_corr.execution.outcome     is 'started, succeeded, failed';
comment on column re_corr.execution.detail      is 'What happened';
comment on column re_corr.execution.at          is 'Database clock';
comment on column re_corr.execution.actor       is 'Login that did it';

-- ---------------------------------------------------------------------------------------------------------------------------
-- The way in. Facts and machines are read under row-level security of the calling login, so no function crosses tenants.
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_corr.incident_of(p_incident uuid) returns re_corr.incident
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    found_one re_corr.incident;
begin
    -- One writer per incident at a time: steps and contributions are numbered without gaps.
    perform pg_advisory_xact_lock(hashtextextended('re_corr.incident ' || p_incident, 0));
    select * into found_one from re_corr.incident i
    where i.incident_id = p_incident and (i.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants());
    if not found then
        raise exception 'no incident % in this tenant', p_incident using errcode = 'RE002';
    end if;
    return found_one;
end $$;
comment on function re_corr.incident_of(uuid) is 'Locks and returns an incident of the caller''s tenant or raises; internal';

create function re_corr.open_incident(p_machine uuid, p_rule_name text, p_rule_version int, p_title text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id uuid;
begin
    insert into re_corr.incident (tenant_id, machine_id, rule_name, rule_version, title)
    select m.tenant_id, m.machine_id, p_rule_name, p_rule_version, p_title
    from re_core.machine m
    where m.machine_id = p_machine and (m.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants())
    returning incident_id into id;
    if id is null then
        raise exception 'no machine % in this tenant', p_machine using errcode = 'RE002';
    end if;
    return id;
end $$;
comment on function re_corr.open_incident(uuid, text, int, text) is 'Opens an incident, stage clean, confidence 0';

create function re_corr.keep_evidence(p_instance uuid, p_seq bigint, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id uuid;
begin
    insert into re_corr.evidence (tenant_id, machine_id, component_instance_id, seq, event_type, observed_at, envelope_hash, envelope, payload, reason)
    select r.tenant_id, r.machine_id, r.component_instance_id, r.seq, r.event_type, r.observed_at, r.envelope_hash, r.envelope, r.payload, p_reason
    from (select s.ingested_at from re_raw.ingest_segment s
          where s.component_instance_id = p_instance and s.first_seq <= p_seq and s.last_seq >= p_seq
          union all
          select f.ingested_at from re_raw.chain_gap_fill f
          where f.component_instance_id = p_instance and f.first_missing <= p_seq and f.last_missing >= p_seq) x
    join re_raw.raw_event r on r.ingested_at = x.ingested_at and r.component_instance_id = p_instance and r.seq = p_seq
    where r.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants()
    on conflict (component_instance_id, seq) do nothing;
    select e.evidence_id into id from re_corr.evidence e
    where e.component_instance_id = p_instance and e.seq = p_seq and (e.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants());
    if id is null then
        raise exception 'no event % of instance % in this tenant', p_seq, p_instance using errcode = 'RE002';
    end if;
    return id;
end $$;
comment on function re_corr.keep_evidence(uuid, bigint, text) is 'Copies a raw event for ever; the same event is copied once';

create function re_corr.link_evidence(p_incident uuid, p_evidence uuid, p_role text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    incident re_corr.incident := re_corr.incident_of(p_incident);
begin
    insert into re_corr.incident_evidence (incident_id, evidence_id, tenant_id, role) values (p_incident, p_evidence, incident.tenant_id, p_role)
    on conflict (incident_id, evidence_id) do nothing;
end $$;
comment on function re_corr.link_evidence(uuid, uuid, text) is 'Links evidence to an incident; idempotent';

create function re_corr.add_confidence(p_incident uuid, p_evidence uuid, p_delta_milli int, p_rule_name text, p_rule_version int) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    incident re_corr.incident := re_corr.incident_of(p_incident);
    last     re_corr.incident_confidence;
    total    int;
begin
    select * into last from re_corr.incident_confidence c where c.incident_id = p_incident order by c.contribution_no desc limit 1;
    total := least(1000, greatest(0, coalesce(last.after_milli, 0) + p_delta_milli));
    insert into re_corr.incident_confidence (incident_id, contribution_no, tenant_id, evidence_id, before_milli, delta_milli, after_milli, rule_name, rule_version)
    values (p_incident, coalesce(last.contribution_no, 0) + 1, incident.tenant_id, p_evidence, coalesce(last.after_milli, 0), p_delta_milli, total,
            p_rule_name, p_rule_version);
    return total;
end $$;
comment on function re_corr.add_confidence(uuid, uuid, int, text, int) is 'Adds what a piece of linked evidence contributes; returns the total in thousandths';

create function re_corr.change_stage(p_incident uuid, p_to_stage text, p_reason text) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    incident   re_corr.incident := re_corr.incident_of(p_incident);
    last       re_corr.incident_transition;
    confidence int;
    before     bytea;
    stage      text;
    next_step  int;
    moment     timestamptz := clock_timestamp();
begin
    select * into last from re_corr.incident_transition x where x.incident_id = p_incident order by x.step desc limit 1;
    next_step := coalesce(last.step, 0) + 1;
    stage := coalesce(last.to_stage, 'clean');
    before := coalesce(last.step_hash, decode(repeat('00', 32), 'hex'));
    confidence := coalesce((select c.after_milli from re_corr.incident_confidence c
                            where c.incident_id = p_incident order by c.contribution_no desc limit 1), 0);
    insert into re_corr.incident_transition (incident_id, step, tenant_id, from_stage, to_stage, confidence_milli, at, reason, prev_step_hash, step_hash)
    values (p_incident, next_step, incident.tenant_id, stage, p_to_stage, confidence, moment, p_reason, before,
            sha256(before || convert_to(concat_ws('|', p_incident, next_step, stage, p_to_stage, confidence, extract(epoch from moment),
                                                  session_user, p_reason), 'UTF8')));
    return next_step;
end $$;
comment on function re_corr.change_stage(uuid, text, text) is 'Moves an incident one stage up (confidence permitting) or to any lower one; returns the step';

create function re_corr.recommend(p_incident uuid, p_action text, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    incident re_corr.incident := re_corr.incident_of(p_incident);
    id       uuid;
begin
    insert into re_corr.recommendation (incident_id, tenant_id, action, reason) values (p_incident, incident.tenant_id, p_action, p_reason)
    returning recommendation_id into id;
    return id;
end $$;
comment on function re_corr.recommend(uuid, text, text) is 'Adds advice to an incident';

create function re_corr.decide(p_recommendation uuid, p_verdict text, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id uuid;
begin
    insert into re_corr.decision (recommendation_id, tenant_id, verdict, reason)
    select r.recommendation_id, r.tenant_id, p_verdict, p_reason from re_corr.recommendation r
    where r.recommendation_id = p_recommendation and (r.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants())
    returning decision_id into id;
    if id is null then
        raise exception 'no recommendation % in this tenant', p_recommendation using errcode = 'RE002';
    end if;
    return id;
end $$;
comment on function re_corr.decide(uuid, text, text) is 'Decides about a recommendation, once';

create function re_corr.record_execution(p_decision uuid, p_outcome text, p_detail text) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    attempt int;
begin
    perform pg_advisory_xact_lock(hashtextextended('re_corr.decision ' || p_decision, 0));
    insert into re_corr.execution (decision_id, attempt_no, tenant_id, outcome, detail)
    select d.decision_id, 1 + (select count(*) from re_corr.execution e where e.decision_id = p_decision)::int, d.tenant_id, p_outcome, p_detail
    from re_corr.decision d
    where d.decision_id = p_decision and d.verdict = 'accepted' and (d.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants())
    returning attempt_no into attempt;
    if attempt is null then
        raise exception 'no accepted decision % in this tenant', p_decision using errcode = 'RE002';
    end if;
    return attempt;
end $$;
comment on function re_corr.record_execution(uuid, text, text) is 'Records what was done about an accepted decision';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only, row-level security, grants
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t), re_core.protect_by_tenant(t) from unnest(array[
    're_corr.evidence', 're_corr.incident', 're_corr.incident_evidence', 're_corr.incident_confidence', 're_corr.incident_transition',
    're_corr.recommendation', 're_corr.decision', 're_corr.execution']::regclass[]) t;

grant usage on schema re_corr to re_viewer, re_correlation, re_ai_writer, re_ai_owner;
grant execute on function
    re_corr.open_incident(uuid, text, int, text),
    re_corr.keep_evidence(uuid, bigint, text),
    re_corr.link_evidence(uuid, uuid, text),
    re_corr.add_confidence(uuid, uuid, int, text, int),
    re_corr.change_stage(uuid, text, text),
    re_corr.recommend(uuid, text, text),
    re_corr.decide(uuid, text, text),
    re_corr.record_execution(uuid, text, text) to re_correlation;
grant select on all tables in schema re_corr to re_auditor, re_viewer, re_correlation, re_ai_writer;
grant references on re_corr.incident to re_ai_owner;

reset role;
