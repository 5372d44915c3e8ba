-- 06_indexes.sql: secondary indexes, and the read-only views that use them.
--
-- Indexes are made on the parents; every leaf gets its own when it is attached. Views are owned by re_viewer, a role under row-level
-- security, so a view shows the tenant of the logged-in role and nothing else. Views and functions of facts leave out the probe's canaries;
-- re_view.event shows them, because it is what verify reads.

set role re_owner;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Raw events. BRIN on observed_at: 24 kB where a btree needs 29 MB. Life events are few and asked for by instance.
-- ---------------------------------------------------------------------------------------------------------------------------
create index raw_event_observed_at on re_raw.raw_event using brin (observed_at) with (pages_per_range = 32);
create index raw_event_untimely on re_raw.raw_event (observed_at, component_instance_id, seq) where arrival in ('late', 'old', 'ahead');
create index raw_event_life on re_raw.raw_event (component_instance_id, ingested_at, seq)
    where event_type in ('chain.start', 'probe.start', 'probe.stop', 'key.rotate', 'config.change', 'loss.report', 'worker.crash');
create index chain_violation_by_time on re_raw.chain_violation (component_instance_id, detected_at, violation_id);
create index component_instance_by_machine on re_core.component_instance (machine_id, component_instance_id);
create index component_instance_by_role on re_core.component_instance (db_role, component_instance_id);
create index machine_by_tenant on re_core.machine (tenant_id, machine_id);

-- ---------------------------------------------------------------------------------------------------------------------------
-- Facts: host-centric first (machine, time), then the questions of an investigation
-- ---------------------------------------------------------------------------------------------------------------------------
create index flow_by_machine on re_dpi.flow (machine_id, observed_at);
create index flow_by_source on re_dpi.flow (src_ip, observed_at);
create index flow_by_destination on re_dpi.flow (dst_ip, observed_at);
create index flow_by_server_name on re_dpi.flow (server_name, observed_at) where server_name is not null;
create index flow_by_community_id on re_dpi.flow (community_id);
create index flow_risky on re_dpi.flow (risk_score, observed_at) where risk_score >= 50;
create index dns_by_machine on re_dpi.dns (machine_id, observed_at);
create index dns_by_client on re_dpi.dns (src_ip, observed_at);
create index dns_by_name on re_dpi.dns (lower(qname), observed_at) where qname is not null;
create index dns_record_by_data on re_dpi.dns_record (md5(data)) where type in ('A', 'AAAA', 'CNAME', 'PTR', 'NS', 'MX');
create index heartbeat_by_instance on re_dpi.heartbeat (component_instance_id, ingested_at, seq);
create index loss_report_by_instance on re_dpi.loss_report (component_instance_id, ingested_at, seq);
create index clock_step_by_instance on re_dpi.clock_step (component_instance_id, ingested_at, seq);
create index probe_start_by_instance on re_dpi.probe_start (component_instance_id, ingested_at, seq);
create index probe_stop_by_instance on re_dpi.probe_stop (component_instance_id, ingested_at, seq);
create index config_change_by_instance on re_dpi.config_change (component_instance_id, ingested_at, seq);
create index worker_crash_by_instance on re_dpi.worker_crash (component_instance_id, ingested_at, seq);
create index scan_by_machine on re_dpi.scan (machine_id, observed_at);
create index scan_by_source on re_dpi.scan (src_ip, observed_at) where src_ip is not null;
create index scan_by_target on re_dpi.scan (dst_ip, observed_at) where dst_ip is not null;

create index process_activity_by_machine on re_agent.process_activity (machine_id, observed_at);
create index process_activity_by_process on re_agent.process_activity (machine_id, pid, process_start_at);
create index process_activity_by_image on re_agent.process_activity (image_sha256, observed_at) where image_sha256 is not null;
create index file_activity_by_machine on re_agent.file_activity (machine_id, observed_at);
create index file_activity_by_content on re_agent.file_activity (file_sha256, observed_at) where file_sha256 is not null;
create index persistence_activity_by_machine on re_agent.persistence_activity (machine_id, observed_at);
create index network_intent_by_machine on re_agent.network_intent (machine_id, observed_at);
create index network_intent_by_remote on re_agent.network_intent (remote_ip, observed_at) where remote_ip is not null;
create index deception_event_by_machine on re_agent.deception_event (machine_id, observed_at);
create index component_health_by_instance on re_agent.component_health (component_instance_id, ingested_at, seq);

reset role;

set role re_corr_owner;
create index incident_by_machine on re_corr.incident (machine_id, opened_at, incident_id);
create index evidence_by_machine on re_corr.evidence (machine_id, observed_at, evidence_id);
create index incident_evidence_by_evidence on re_corr.incident_evidence (evidence_id, incident_id);
create index recommendation_by_incident on re_corr.recommendation (incident_id, at, recommendation_id);
reset role;

set role re_ai_owner;
create index feature_vector_by_machine on re_ai.feature_vector (machine_id, vector_at, vector_id);
create index feature_vector_by_incident on re_ai.feature_vector (incident_id, vector_at, vector_id) where incident_id is not null;
create index cluster_member_by_cluster on re_ai.cluster_member (cluster_id, vector_at, vector_id);
create index novelty_score_high on re_ai.novelty_score (score_milli, vector_at, vector_id) where score_milli >= 800;
reset role;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Views for people and programs. Each is ordered totally, so that two readers list the same rows in the same order.
-- ---------------------------------------------------------------------------------------------------------------------------
set role re_viewer;

create view re_view.component as
    select c.component_instance_id, c.machine_id, t.slug as tenant, c.component, c.mode, c.db_role, c.registered_at, s.status, s.changed_at as status_at,
           i.hostname, i.version, i.boot_id, i.emitted_at as identity_at
    from re_core.component_instance c
    join re_core.tenant t on t.tenant_id = c.tenant_id
    left join lateral (select x.status, x.changed_at from re_core.component_instance_status x
                       where x.component_instance_id = c.component_instance_id order by x.status_no desc limit 1) s on true
    left join lateral (select x.hostname, x.version, x.boot_id, x.emitted_at from re_core.component_identity_history x
                       where x.component_instance_id = c.component_instance_id order by x.first_seq desc limit 1) i on true
    order by t.slug, c.registered_at, c.component_instance_id;
comment on view re_view.component is 'Enrolled instances with their present status and identity';

create view re_view.signing_key as
    select k.component_instance_id, k.key_id, k.algorithm, k.spki, k.storage, k.registered_at, s.status_no, s.status, s.effective_seq, s.reason, s.changed_at
    from re_core.signing_key k
    join re_core.signing_key_status s on s.component_instance_id = k.component_instance_id and s.key_id = k.key_id
    order by k.component_instance_id, k.registered_at, k.key_id, s.status_no;
comment on view re_view.signing_key is 'Public keys with their whole history by sequence number';

create view re_view.event as
    select r.component_instance_id, r.seq, r.ingested_at, r.machine_id, r.event_type, r.event_version, r.event_id, r.observed_at, r.observed_at_ns,
           r.emitted_at, r.mode, r.hostname, r.arrival, r.prev_hash, r.envelope_hash,
           encode(r.envelope, 'escape') as envelope, encode(r.payload, 'escape') as payload,
           '{"envelope":' || encode(r.envelope, 'escape') || ',"payload":' || encode(r.payload, 'escape') || '}' as line
    from re_raw.raw_event r
    order by r.ingested_at, r.component_instance_id, r.seq;
comment on view re_view.event is 'Raw events; line is the exact exchange line that verify reads';

create view re_view.checkpoint_note as
    select c.component_instance_id, c.tree_size, c.root, c.note, c.ingested_at
    from re_raw.checkpoint c
    order by c.component_instance_id, c.tree_size;
comment on view re_view.checkpoint_note is 'Signed tree heads, exact note texts';

create view re_view.gap as
    select g.component_instance_id, g.first_missing, g.last_missing, g.last_missing - g.first_missing + 1 as events_missing, g.known_hash, g.resume_prev_hash,
           g.detected_at, g.writer, f.ingested_at as filled_at
    from re_raw.chain_gap g
    left join re_raw.chain_gap_fill f on f.component_instance_id = g.component_instance_id and f.first_missing = g.first_missing
    order by g.component_instance_id, g.first_missing;
comment on view re_view.gap is 'Declared gaps, and when they were filled';

create view re_view.violation as
    select v.component_instance_id, v.detected_at, v.violation_id, v.kind, v.writer, v.expected_seq, v.first_seq, v.last_seq, v.offending_seq,
           v.expected_hash, v.offending_hash, encode(v.offending_envelope, 'escape') as offending_envelope, v.detail
    from re_raw.chain_violation v
    order by v.detected_at, v.component_instance_id, v.violation_id;
comment on view re_view.violation is 'Refused batches';

create view re_view.quarantine as
    select q.ingested_at, q.component_instance_id, q.seq, q.event_type, q.event_version, q.sqlstate, q.rule, q.detail, q.quarantined_at, m.mended_at, m.mended_by
    from re_raw.quarantine q
    left join re_raw.quarantine_mended m on m.ingested_at = q.ingested_at and m.component_instance_id = q.component_instance_id and m.seq = q.seq
    order by q.ingested_at, q.component_instance_id, q.seq;
comment on view re_view.quarantine is 'Stored events without normalised rows: which rule their payload breaks, and when they were mended';

-- event_ingested_at equals ingested_at: a query that bounds both prunes both sides when it is planned, not only when it runs.
create view re_view.flow as
    select f.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.flow f
    join re_raw.raw_event r on r.ingested_at = f.ingested_at and r.component_instance_id = f.component_instance_id and r.seq = f.seq
    where f.canary is null
    order by f.ingested_at, f.component_instance_id, f.seq;
comment on view re_view.flow is 'Flow records with the identity and hash of their raw event';

create view re_view.dns as
    select d.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.dns d
    join re_raw.raw_event r on r.ingested_at = d.ingested_at and r.component_instance_id = d.component_instance_id and r.seq = d.seq
    where d.canary is null
    order by d.ingested_at, d.component_instance_id, d.seq;
comment on view re_view.dns is 'DNS transactions with the identity and hash of their raw event';

create view re_view.dns_record as
    select x.component_instance_id, x.seq, x.position, x.ingested_at, d.machine_id, d.observed_at, d.src_ip, d.qname, d.qtype, d.rcode,
           x.section, x.name, x.type, x.class, x.ttl, x.data
    from re_dpi.dns_record x
    join re_dpi.dns d on d.ingested_at = x.ingested_at and d.component_instance_id = x.component_instance_id and d.seq = x.seq
    where d.canary is null
    order by x.ingested_at, x.component_instance_id, x.seq, x.position;
comment on view re_view.dns_record is 'Every resource record with the transaction that carried it';

create view re_view.heartbeat as
    select h.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.heartbeat h
    join re_raw.raw_event r on r.ingested_at = h.ingested_at and r.component_instance_id = h.component_instance_id and r.seq = h.seq
    order by h.component_instance_id, h.heartbeat_number, h.ingested_at, h.seq;
comment on view re_view.heartbeat is 'Heartbeats; ledger_closes says whether every offered packet is accounted for';

create view re_view.scan as
    select s.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.scan s
    join re_raw.raw_event r on r.ingested_at = s.ingested_at and r.component_instance_id = s.component_instance_id and r.seq = s.seq
    order by s.ingested_at, s.component_instance_id, s.seq;
comment on view re_view.scan is 'Scans and floods with the identity and hash of their raw event';

create view re_view.timeline as
    select x.machine_id, x.observed_at, x.observed_at_ns, x.component_instance_id, x.seq, x.ingested_at, x.kind, x.what
    from (
        select f.machine_id, f.observed_at, f.observed_at_ns, f.component_instance_id, f.seq, f.ingested_at, 'flow' as kind,
               concat_ws(' ', host(f.src_ip) || ' ' || f.src_port, '>', host(f.dst_ip) || ' ' || f.dst_port, f.app, f.server_name, f.end_reason) as what
        from re_dpi.flow f where f.canary is null
        union all
        select d.machine_id, d.observed_at, d.observed_at_ns, d.component_instance_id, d.seq, d.ingested_at, 'dns',
               concat_ws(' ', host(d.src_ip), '>', host(d.dst_ip), d.qtype, d.qname, coalesce(d.rcode, d.outcome)) from re_dpi.dns d where d.canary is null
        union all
        select p.machine_id, p.observed_at, p.observed_at_ns, p.component_instance_id, p.seq, p.ingested_at, 'process',
               concat_ws(' ', p.action, p.pid, p.image_path, p.command_line) from re_agent.process_activity p
        union all
        select a.machine_id, a.observed_at, a.observed_at_ns, a.component_instance_id, a.seq, a.ingested_at, 'file',
               concat_ws(' ', a.action, a.path, a.old_path) from re_agent.file_activity a
        union all
        select s.machine_id, s.observed_at, s.observed_at_ns, s.component_instance_id, s.seq, s.ingested_at, 'persistence',
               concat_ws(' ', s.action, s.mechanism, s.location, s.target_path) from re_agent.persistence_activity s
        union all
        select n.machine_id, n.observed_at, n.observed_at_ns, n.component_instance_id, n.seq, n.ingested_at, 'network_intent',
               concat_ws(' ', n.action, n.pid, host(n.remote_ip), n.remote_port, n.remote_name) from re_agent.network_intent n
        union all
        select e.machine_id, e.observed_at, e.observed_at_ns, e.component_instance_id, e.seq, e.ingested_at, 'deception',
               concat_ws(' ', e.action, e.decoy_type, e.decoy_id, host(e.actor_ip)) from re_agent.deception_event e) x
    order by x.machine_id, x.observed_at, x.observed_at_ns, x.component_instance_id, x.seq;
comment on view re_view.timeline is 'Everything known about a machine in the order in which it happened; ask with machine_id, and with ingested_at so that days prune';

create view re_view.incident as
    select i.incident_id, i.machine_id, i.title, i.opened_at, i.rule_name, i.rule_version,
           coalesce(s.to_stage, 'clean') as stage, s.at as stage_at, coalesce(c.after_milli, 0) as confidence_milli,
           (select count(*) from re_corr.incident_evidence e where e.incident_id = i.incident_id) as evidence_count
    from re_corr.incident i
    left join lateral (select x.to_stage, x.at from re_corr.incident_transition x where x.incident_id = i.incident_id order by x.step desc limit 1) s on true
    left join lateral (select x.after_milli from re_corr.incident_confidence x where x.incident_id = i.incident_id order by x.contribution_no desc limit 1) c on true
    order by i.opened_at, i.incident_id;
comment on view re_view.incident is 'Incidents with their present stage and confidence';

create view re_view.incident_step as
    select x.incident_id, x.step, x.at, x.from_stage, x.to_stage, x.confidence_milli, x.actor, x.reason, x.step_hash
    from re_corr.incident_transition x
    order by x.incident_id, x.step;
comment on view re_view.incident_step is 'Audit of every change of stage';

-- ---------------------------------------------------------------------------------------------------------------------------
-- State of each probe by the database's own clock and ledger, worst first; the probe's word alone makes nothing healthy. The clock is an
-- argument, so that a test can turn it; the views below read the database's. Deltas are those of the last six heartbeats (a minute).
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_view.probe_status_at(p_now timestamptz)
returns table (
    component_instance_id uuid, machine_id uuid, hostname text, mode text, version text, state text, reasons text[], reason_figures numeric[],
    next_seq bigint, last_ingested_at timestamptz, last_emitted_at timestamptz, silent_seconds bigint, heartbeat_at timestamptz,
    heartbeat_number bigint, started_at timestamptz, backlog_seconds bigint, backlog_eta_seconds bigint, packets_per_second numeric,
    packets_usual_per_second numeric, loss_percent numeric, packets_offered bigint, packets_lost bigint, flows_active bigint,
    ledger_closes boolean, events_close boolean, spool_percent numeric, db_lag_events bigint, signed_size bigint, signed_lag_seconds bigint,
    canary_flow_lag_us bigint, canary_dns_lag_us bigint, clock_offset_us bigint, forks bigint, open_gaps bigint, violations bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    -- Variables, because the planner leaves out partitions by constants only.
    five_minutes_ago timestamptz := p_now - interval '5 minutes';
    a_day_ago        timestamptz := p_now - interval '1 day';
    eight_days_ago   timestamptz := p_now - interval '8 days';
    thirty_days_ago  timestamptz := p_now - interval '30 days';      -- older days are sealed: nothing of them can be mended
    known_bundles    bytea[] := array(select b.ddl_sha256 from re_core.schema_bundle b);
begin
    return query
    with facts as (
        select c.component_instance_id, c.machine_id, c.hostname, c.mode, c.version, c.status, c.registered_at,
               h.next_seq, h.last_ingested_at, h.last_emitted_at, h.last_emitted_at > h.last_ingested_at + interval '5 seconds' as clock_is_ahead,
               b.ingested_at as heartbeat_at, b.seq as heartbeat_seq, b.heartbeat_number, b.observed_at, b.packets_offered, b.flows_active,
               b.packets_dropped_kernel + b.packets_dropped_nic + b.packets_dropped_no_buffer + b.packets_shed as packets_lost,
               b.ledger_closes, b.events_close, b.spool_bytes, b.spool_cap_bytes, b.db_lag_events, b.clock_offset_us, b.clock_synced,
               b.canary_flow_lag_us, b.canary_dns_lag_us, b.canary_stage, b.db_connected,
               b.config_sha256, b.schema_sha256, b.ndpi_version, b.probe_version, b.key_id,
               b.packets_offered - coalesce(o.packets_offered, 0) as d_offered,
               b.packets_dropped_kernel - coalesce(o.packets_dropped_kernel, 0) as d_kernel,
               b.packets_dropped_nic - coalesce(o.packets_dropped_nic, 0) as d_nic,
               b.packets_dropped_no_buffer - coalesce(o.packets_dropped_no_buffer, 0) as d_no_buffer,
               b.packets_shed - coalesce(o.packets_shed, 0) as d_shed,
               b.tcp_acks - coalesce(o.tcp_acks, 0) as d_acks, b.gap_events - coalesce(o.gap_events, 0) as d_gaps,
               b.acked_bytes - coalesce(o.acked_bytes, 0) as d_acked_bytes, b.gap_bytes - coalesce(o.gap_bytes, 0) as d_gap_bytes,
               b.clock_steps - coalesce(o.clock_steps, 0) as d_clock_steps,
               b.worker_restarts - coalesce(o.worker_restarts, 0) as d_worker_restarts,
               extract(epoch from b.observed_at - o.observed_at) as d_observed, extract(epoch from b.ingested_at - o.ingested_at) as d_ingested,
               coalesce(k.tree_size, 0) as signed_size,
               case when coalesce(k.tree_size, 0) < h.next_seq then p_now - coalesce(k.ingested_at, c.registered_at) end as signed_lag,
               s.ingested_at as started_at, s.clean_shutdown, e.seq > coalesce(s.seq, -1) as is_stopped,
               (select count(*) from re_raw.chain_violation v where v.component_instance_id = c.component_instance_id and v.kind = 'fork') as forks,
               (select count(*) from re_raw.chain_gap g
                where g.component_instance_id = c.component_instance_id
                  and not exists (select from re_raw.chain_gap_fill f
                                  where f.component_instance_id = g.component_instance_id and f.first_missing = g.first_missing))
               + (select count(*) from re_raw.chain_violation v
                  where v.component_instance_id = c.component_instance_id and v.kind = 'gap'
                    and v.first_seq > h.next_seq and v.detected_at <= p_now - interval '60 seconds') as open_gaps,
               (select count(*) from re_raw.chain_violation v where v.component_instance_id = c.component_instance_id) as violations,
               (select count(*) from re_raw.chain_violation v
                where v.component_instance_id = c.component_instance_id and v.detected_at > p_now - interval '1 hour') as refused
        from re_view.component c
        join re_raw.chain_head h on h.component_instance_id = c.component_instance_id
        left join lateral (select x.* from re_dpi.heartbeat x
                           where x.component_instance_id = c.component_instance_id and x.ingested_at > eight_days_ago
                           order by x.ingested_at desc, x.seq desc limit 1) b on true
        left join lateral (select y.* from (select x.* from re_dpi.heartbeat x
                                            where x.component_instance_id = c.component_instance_id and x.ingested_at <= b.ingested_at
                                              and x.ingested_at > eight_days_ago and x.seq < b.seq
                                            order by x.ingested_at desc, x.seq desc limit 6) y
                           order by y.ingested_at, y.seq limit 1) o on true
        left join lateral (select x.tree_size, x.ingested_at from re_raw.checkpoint x where x.component_instance_id = c.component_instance_id
                           order by x.tree_size desc limit 1) k on true
        left join lateral (select x.ingested_at, x.seq, x.clean_shutdown from re_dpi.probe_start x
                           where x.component_instance_id = c.component_instance_id and x.ingested_at > a_day_ago
                           order by x.ingested_at desc, x.seq desc limit 1) s on true
        left join lateral (select x.seq from re_dpi.probe_stop x
                           where x.component_instance_id = c.component_instance_id and x.ingested_at > a_day_ago
                           order by x.ingested_at desc, x.seq desc limit 1) e on true
        where c.component = 'dpi_probe'
    )
    select f.component_instance_id, f.machine_id, f.hostname, f.mode, f.version,
           case
               when f.forks > 0 then 'forked'
               when f.open_gaps > 0 then 'gap'
               when f.status = 'retired' then 'retired'
               when f.mode = 'replay' then 'replayed'
               when f.next_seq = 0 and f.registered_at <= p_now - interval '10 minutes' then 'never_seen'
               when f.next_seq = 0 then 'enrolled'
               when f.last_ingested_at <= p_now - interval '60 seconds' then 'silent'
               when f.last_ingested_at <= p_now - interval '30 seconds' or f.last_emitted_at <= p_now - interval '30 seconds'
                    or coalesce(f.heartbeat_at, f.started_at, f.registered_at) <= p_now - interval '30 seconds' then 'stale'
               when f.started_at > five_minutes_ago and f.is_stopped is not true then 'restarted'
               when cardinality(r.reasons) > 0 then 'degraded'
               else 'healthy' end,
           r.reasons, r.figures, f.next_seq, f.last_ingested_at, f.last_emitted_at,
           extract(epoch from p_now - f.last_ingested_at)::bigint, f.heartbeat_at, f.heartbeat_number, f.started_at, l.seconds,
           case when f.d_ingested > 0 and f.d_observed > f.d_ingested then (l.seconds / (f.d_observed / f.d_ingested - 1))::bigint end,
           round(w.rate, 1), round(u.rate, 1), round(100.0 * (f.d_kernel + f.d_nic + f.d_no_buffer + f.d_shed) / nullif(f.d_offered, 0), 2),
           f.packets_offered, f.packets_lost, f.flows_active, f.ledger_closes, f.events_close,
           round(100.0 * f.spool_bytes / nullif(f.spool_cap_bytes, 0), 1), f.db_lag_events, f.signed_size,
           extract(epoch from f.signed_lag)::bigint, f.canary_flow_lag_us, f.canary_dns_lag_us, f.clock_offset_us, f.forks, f.open_gaps, f.violations
    from facts f
    -- How far behind what arrives is. Of a replay nothing is: its times are those of the capture, not of any clock now.
    cross join lateral (select case when f.mode = 'live' and f.last_emitted_at <= p_now - interval '30 seconds' and f.last_ingested_at > p_now - interval '60 seconds'
                                    then extract(epoch from p_now - f.last_emitted_at)::bigint end as seconds) l
    -- Packets a second: now over at most ten minutes, and usually: the median of this hour of the last seven days. Fourteen index look-ups.
    left join lateral (select (f.packets_offered - x.packets_offered) / extract(epoch from f.observed_at - x.observed_at) as rate,
                              f.observed_at - x.observed_at as span
                       from re_dpi.heartbeat x
                       where x.component_instance_id = f.component_instance_id and x.ingested_at > a_day_ago
                         and x.ingested_at >= f.heartbeat_at - interval '10 minutes' and x.ingested_at <= f.heartbeat_at
                         and x.observed_at <= f.observed_at - interval '5 seconds'
                       order by x.ingested_at, x.seq limit 1) w on true
    left join lateral (select percentile_cont(0.5) within group (order by y.rate)::numeric as rate, count(*) as days
                       from generate_series(1, 7) d(n)
                       cross join lateral (select p_now - d.n * interval '1 day' - interval '30 minutes' as begins,
                                                  p_now - d.n * interval '1 day' + interval '30 minutes' as ends) t
                       cross join lateral (select x.packets_offered, x.observed_at from re_dpi.heartbeat x
                                           where x.component_instance_id = f.component_instance_id and x.ingested_at > eight_days_ago
                                             and x.ingested_at >= t.begins and x.ingested_at < t.ends
                                           order by x.ingested_at, x.seq limit 1) i
                       cross join lateral (select x.packets_offered, x.observed_at from re_dpi.heartbeat x
                                           where x.component_instance_id = f.component_instance_id and x.ingested_at > eight_days_ago
                                             and x.ingested_at >= t.begins and x.ingested_at < t.ends
                                           order by x.ingested_at desc, x.seq desc limit 1) j
                       cross join lateral (select (j.packets_offered - i.packets_offered) / extract(epoch from j.observed_at - i.observed_at) as rate
                                           where j.observed_at >= i.observed_at + interval '30 minutes') y
                       where f.mode = 'live') u on true
    left join lateral (select bool_or(x.link_up is false) as link_down,
                              bool_or(x.link_up is not false and x.kind <> 'file'
                                      and coalesce(x.last_packet_at <= f.observed_at - interval '60 seconds', f.started_at <= p_now - interval '60 seconds')) as no_traffic,
                              bool_or(x.packets = y.packets
                                      and x.dropped_kernel + x.dropped_nic + x.dropped_no_buffer > y.dropped_kernel + y.dropped_nic + y.dropped_no_buffer) as stuck
                       from re_dpi.heartbeat_interface x
                       left join lateral (select z.* from re_dpi.heartbeat_interface z
                                          join re_dpi.heartbeat q on q.ingested_at = z.ingested_at and q.component_instance_id = z.component_instance_id and q.seq = z.seq
                                          where z.component_instance_id = f.component_instance_id and q.component_instance_id = f.component_instance_id
                                            and q.ingested_at <= f.heartbeat_at and q.ingested_at > a_day_ago and z.ingested_at > a_day_ago
                                            and q.heartbeat_number = f.heartbeat_number - 1 and z.name = x.name
                                          order by z.ingested_at desc, z.seq desc limit 1) y on true
                       where x.ingested_at = f.heartbeat_at and x.ingested_at > eight_days_ago
                         and x.component_instance_id = f.component_instance_id and x.seq = f.heartbeat_seq) n on true
    left join lateral (select x.config_sha256, x.schema_sha256, x.ndpi_version, x.probe_version
                       from re_core.approved_version x where x.machine_id = f.machine_id order by x.approval_no desc limit 1) a on true
    left join lateral (select x.status from re_core.signing_key_status x
                       where x.component_instance_id = f.component_instance_id and x.key_id = f.key_id and x.effective_seq <= f.heartbeat_seq
                       order by x.status_no desc limit 1) g on true
    left join lateral (select max(x.delta_us) filter (where abs(x.delta_us) > 100000) as delta_us from re_dpi.clock_step x
                       where x.component_instance_id = f.component_instance_id and x.ingested_at > five_minutes_ago) m on true
    left join lateral (select count(*) as crashes from re_dpi.worker_crash x
                       where x.component_instance_id = f.component_instance_id and x.ingested_at > five_minutes_ago) q on true
    left join lateral (select sum(x.packets) as packets from re_dpi.loss_report x
                       where x.component_instance_id = f.component_instance_id and x.ingested_at > five_minutes_ago) v on true
    cross join lateral (
        select coalesce(array_agg(z.reason order by z.reason), '{}') as reasons, coalesce(array_agg(z.figure order by z.reason), '{}') as figures
        from (
            select y.reason, max(y.figure) as figure
            from (
                select x.reason, x.figure
                from (values
                    ('drops_kernel', 1000 * f.d_kernel > f.d_offered, round(100.0 * f.d_kernel / nullif(f.d_offered, 0), 2)),
                    ('drops_nic', 1000 * f.d_nic > f.d_offered, round(100.0 * f.d_nic / nullif(f.d_offered, 0), 2)),
                    ('no_buffer', 1000 * f.d_no_buffer > f.d_offered, round(100.0 * f.d_no_buffer / nullif(f.d_offered, 0), 2)),
                    ('packets_shed', 1000 * f.d_shed > f.d_offered, round(100.0 * f.d_shed / nullif(f.d_offered, 0), 2)),
                    ('loss_reported', v.packets is not null, v.packets),
                    ('ledger_open', not f.ledger_closes or not f.events_close, null),
                    ('mirror_loss', (f.d_acks >= 1000 and 100 * f.d_gaps > f.d_acks) or (f.d_acked_bytes >= 1000000 and 100 * f.d_gap_bytes > f.d_acked_bytes),
                     round(greatest(100.0 * f.d_gaps / nullif(f.d_acks, 0), 100.0 * f.d_gap_bytes / nullif(f.d_acked_bytes, 0)), 2)),
                    ('link_down', n.link_down, null),
                    ('no_traffic', n.no_traffic and not n.stuck, null),
                    ('capture_stuck', n.stuck, null),
                    ('traffic_low', u.days >= 3 and u.rate >= 10 and w.span >= interval '5 minutes' and 10 * w.rate < u.rate, round(w.rate, 1)),
                    ('spool_filling', 2 * f.spool_bytes > f.spool_cap_bytes and 20 * f.spool_bytes <= 19 * f.spool_cap_bytes,
                     round(100.0 * f.spool_bytes / nullif(f.spool_cap_bytes, 0), 1)),
                    ('spool_full', 20 * f.spool_bytes > 19 * f.spool_cap_bytes, round(100.0 * f.spool_bytes / nullif(f.spool_cap_bytes, 0), 1)),
                    ('unsigned_tail', f.signed_lag > interval '60 seconds', extract(epoch from f.signed_lag)),
                    ('backlog', l.seconds is not null, l.seconds),
                    ('clock_unsynced', f.clock_synced is false, null),
                    ('clock_offset', abs(f.clock_offset_us) > 100000, round(f.clock_offset_us / 1000.0)),
                    ('clock_stepped', m.delta_us is not null or f.d_clock_steps > 0, round(m.delta_us / 1000.0)),
                    ('clock_ahead', f.clock_is_ahead, round(extract(epoch from f.last_emitted_at - f.last_ingested_at))),
                    ('worker_restarted', f.d_worker_restarts > 0 or q.crashes > 0, greatest(f.d_worker_restarts, q.crashes)),
                    -- One that waits for a database that is away is not lost; that is said already.
                    ('canary_lost', f.canary_stage is not null and not (f.canary_stage = 'commit' and f.db_connected is false), null),
                    ('unclean_restart', f.started_at > five_minutes_ago and not f.clean_shutdown, null),
                    ('stopped', f.is_stopped, null),
                    ('no_heartbeat', f.next_seq > 0 and f.last_ingested_at > p_now - interval '30 seconds'
                     and coalesce(f.observed_at, f.started_at, f.registered_at) <= f.last_emitted_at - interval '30 seconds', null),
                    ('key_revoked', g.status in ('revoked', 'compromised'), null),
                    ('key_unknown', f.key_id is not null and coalesce(g.status, 'superseded') = 'superseded', null),
                    ('refused', f.refused > 0, f.refused),
                    ('config_drift', f.config_sha256 <> a.config_sha256, null),
                    ('schema_drift', f.schema_sha256 <> all (case when a.schema_sha256 is null then nullif(known_bundles, '{}') else array[a.schema_sha256] end), null),
                    ('ndpi_drift', f.ndpi_version <> a.ndpi_version, null),
                    ('version_drift', f.probe_version <> a.probe_version, null)) x(reason, holds, figure)
                where x.holds and f.mode = 'live'
                union all
                select 'rows_quarantined', x.rows
                from (select count(*) as rows from re_raw.quarantine q
                      where q.component_instance_id = f.component_instance_id and q.ingested_at > thirty_days_ago
                        and not exists (select from re_raw.quarantine_mended m where m.ingested_at = q.ingested_at and m.ingested_at > thirty_days_ago
                                        and m.component_instance_id = q.component_instance_id and m.seq = q.seq)) x
                where x.rows > 0
                union all
                select x.reason, null from re_dpi.heartbeat_reason x
                where x.ingested_at = f.heartbeat_at and x.component_instance_id = f.component_instance_id and x.seq = f.heartbeat_seq
                  and x.ingested_at > eight_days_ago) y
            group by y.reason) z) r
    order by f.component_instance_id;
end $$;
comment on function re_view.probe_status_at(timestamptz) is
    'Probes and their state at a time of the database''s clock: forked, gap, retired, replayed, never_seen, enrolled, silent, stale, restarted, degraded, healthy';

create view re_view.probe_status as
    select s.* from re_view.probe_status_at(now()) s order by s.component_instance_id;
comment on view re_view.probe_status is 'What every surface reads: state of each probe now, reasons and the figure of each (percent, milliseconds, seconds or a count), rates, lags';

create view re_view.probe_status_verified as
    select s.*, v.findings
    from re_view.probe_status s
    cross join lateral (select count(*) as findings from re_raw.verify_chain(s.component_instance_id, greatest(s.next_seq - 1000, 0), s.next_seq - 1) x
                        where x.severity = 'tampered') v
    order by s.component_instance_id;
comment on view re_view.probe_status_verified is 'The same with the last 1000 events recomputed; findings other than 0 mean tampering';

create function re_view.probe_rate_at(p_now timestamptz)
returns table (component_instance_id uuid, minute timestamptz, packets bigint, packets_lost bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    since timestamptz := date_trunc('minute', p_now) - interval '61 minutes';
begin
    return query
    select y.component_instance_id, y.minute, y.offered - y.offered_before, y.lost - y.lost_before
    from (
        select x.component_instance_id, x.minute, x.offered, x.lost, lag(x.offered) over w as offered_before, lag(x.lost) over w as lost_before
        from (
            select b.component_instance_id, date_trunc('minute', b.ingested_at) as minute, max(b.packets_offered) as offered,
                   max(b.packets_dropped_kernel + b.packets_dropped_nic + b.packets_dropped_no_buffer + b.packets_shed) as lost
            from re_dpi.heartbeat b
            where b.ingested_at >= since and b.ingested_at <= p_now
            group by b.component_instance_id, date_trunc('minute', b.ingested_at)) x
        window w as (partition by x.component_instance_id order by x.minute)) y
    where y.offered_before is not null
    order by y.component_instance_id, y.minute;
end $$;
comment on function re_view.probe_rate_at(timestamptz) is 'Packets of each minute of the hour before a time, from heartbeats; a minute without one has no row';

create view re_view.probe_rate as
    select r.* from re_view.probe_rate_at(now()) r order by r.component_instance_id, r.minute;
comment on view re_view.probe_rate is 'Packets of each minute of the last hour, from heartbeats';

create view re_view.probe_life as
    select x.component_instance_id, x.seq, x.ingested_at, x.machine_id, x.observed_at, x.event, x.what
    from (
        select s.component_instance_id, s.seq, s.ingested_at, s.machine_id, s.observed_at, 'probe.start' as event,
               concat_ws(' ', s.probe_version, case when s.clean_shutdown then 'after a clean end' else 'after an unclean end' end,
                         'bytes cut ' || nullif(s.recovered_bytes_cut, 0)) as what
        from re_dpi.probe_start s
        union all
        select e.component_instance_id, e.seq, e.ingested_at, e.machine_id, e.observed_at, 'probe.stop', e.reason from re_dpi.probe_stop e
        union all
        select c.component_instance_id, c.seq, c.ingested_at, c.machine_id, c.observed_at, 'clock.step', concat(c.delta_us, ' us by ', c.source) from re_dpi.clock_step c
        union all
        select l.component_instance_id, l.seq, l.ingested_at, l.machine_id, l.observed_at, 'loss.report',
               concat(l.packets, ' packets, ', coalesce((select sum(v.count) from re_dpi.loss_report_event v where v.ingested_at = l.ingested_at
                      and v.component_instance_id = l.component_instance_id and v.seq = l.seq), 0), ' events by ', l.cause) from re_dpi.loss_report l
        union all
        select g.component_instance_id, g.seq, g.ingested_at, g.machine_id, g.observed_at, 'config.change', encode(g.new_sha256, 'hex') from re_dpi.config_change g
        union all
        select w.component_instance_id, w.seq, w.ingested_at, w.machine_id, w.observed_at, 'worker.crash', concat('worker ', w.worker, ' signal ', w.signal)
        from re_dpi.worker_crash w) x
    order by x.component_instance_id, x.ingested_at, x.seq;
comment on view re_view.probe_life is 'The probe''s own life: starts, stops, clock steps, losses, changes of configuration, crashes';

create view re_view.application as
    select f.machine_id, f.app_master, f.app, f.app_category, count(*) as records, sum(f.packets_src + f.packets_dst) as packets,
           sum(f.ip_bytes_src + f.ip_bytes_dst) as ip_bytes, min(f.start_at) as first_at, max(f.end_at) as last_at
    from re_dpi.flow f
    where f.canary is null
    group by f.machine_id, f.app_master, f.app, f.app_category
    order by ip_bytes desc, f.machine_id, f.app_master, f.app, f.app_category;
comment on view re_view.application is 'Applications over everything kept, most bytes first; re_view.top_applications() takes a range';

create function re_view.top_applications(p_from timestamptz default null, p_to timestamptz default null, p_limit int default 20)
returns table (app_master text, app text, app_category text, records bigint, packets numeric, ip_bytes numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- A fact is stored after it happened, at most a day before the database's clock says so: the bound on ingested_at prunes.
    return query
    select f.app_master, f.app, f.app_category, count(*), sum(f.packets_src + f.packets_dst), sum(f.ip_bytes_src + f.ip_bytes_dst)
    from re_dpi.flow f
    where f.canary is null and f.observed_at >= coalesce(p_from, '-infinity') and f.observed_at < coalesce(p_to, 'infinity')
      and f.ingested_at >= coalesce(p_from - interval '1 day', '-infinity')
    group by f.app_master, f.app, f.app_category
    order by 6 desc, 1, 2, 3
    limit p_limit;
end $$;
comment on function re_view.top_applications(timestamptz, timestamptz, int) is 'Applications by bytes of flows observed in a range';

create function re_view.top_talkers(p_from timestamptz default null, p_to timestamptz default null, p_limit int default 20)
returns table (ip inet, records bigint, ip_bytes_sent numeric, ip_bytes_received numeric, ip_bytes numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select x.ip, count(*), sum(x.sent), sum(x.received), sum(x.sent + x.received)
    from re_dpi.flow f
    cross join lateral (values (f.src_ip, f.ip_bytes_src, f.ip_bytes_dst), (f.dst_ip, f.ip_bytes_dst, f.ip_bytes_src)) x(ip, sent, received)
    where f.canary is null and f.observed_at >= coalesce(p_from, '-infinity') and f.observed_at < coalesce(p_to, 'infinity')
      and f.ingested_at >= coalesce(p_from - interval '1 day', '-infinity')
    group by x.ip
    order by 5 desc, 1
    limit p_limit;
end $$;
comment on function re_view.top_talkers(timestamptz, timestamptz, int) is 'Addresses by bytes of flows observed in a range; each flow counts for both of its ends';

create function re_view.top_names(p_from timestamptz default null, p_to timestamptz default null, p_limit int default 20)
returns table (name text, transactions bigint, clients bigint, failed bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select lower(d.qname), count(*), count(distinct d.src_ip), count(*) filter (where d.rcode is distinct from 'NOERROR')
    from re_dpi.dns d
    where d.canary is null and d.qname is not null and d.observed_at >= coalesce(p_from, '-infinity') and d.observed_at < coalesce(p_to, 'infinity')
      and d.ingested_at >= coalesce(p_from - interval '1 day', '-infinity')
    group by lower(d.qname)
    order by 2 desc, 1
    limit p_limit;
end $$;
comment on function re_view.top_names(timestamptz, timestamptz, int) is 'Names asked for in DNS in a range, lower case; failed = no NOERROR answer';

-- Comments of the views' columns: a column taken over says what its table says; the others for themselves.
do $$
declare
    x record;
begin
    for x in
        select distinct on (v.attrelid, v.attnum) v.attrelid::regclass as view_name, v.attname, col_description(t.attrelid, t.attnum) as said
        from (values
            (1, 're_view.component'::regclass, 're_core.component_instance'::regclass),
            (2, 're_view.signing_key'::regclass, 're_core.signing_key'::regclass),
            (3, 're_view.signing_key'::regclass, 're_core.signing_key_status'::regclass),
            (4, 're_view.event'::regclass, 're_raw.raw_event'::regclass),
            (5, 're_view.checkpoint_note'::regclass, 're_raw.checkpoint'::regclass),
            (6, 're_view.gap'::regclass, 're_raw.chain_gap'::regclass),
            (7, 're_view.violation'::regclass, 're_raw.chain_violation'::regclass),
            (8, 're_view.flow'::regclass, 're_dpi.flow'::regclass),
            (9, 're_view.flow'::regclass, 're_raw.raw_event'::regclass),
            (10, 're_view.dns'::regclass, 're_dpi.dns'::regclass),
            (11, 're_view.dns'::regclass, 're_raw.raw_event'::regclass),
            (12, 're_view.dns_record'::regclass, 're_dpi.dns_record'::regclass),
            (13, 're_view.dns_record'::regclass, 're_dpi.dns'::regclass),
            (14, 're_view.heartbeat'::regclass, 're_dpi.heartbeat'::regclass),
            (15, 're_view.heartbeat'::regclass, 're_raw.raw_event'::regclass),
            (16, 're_view.incident'::regclass, 're_corr.incident'::regclass),
            (17, 're_view.incident_step'::regclass, 're_corr.incident_transition'::regclass),
            (18, 're_view.application'::regclass, 're_dpi.flow'::regclass),
            (19, 're_view.quarantine'::regclass, 're_raw.quarantine'::regclass),
            (20, 're_view.quarantine'::regclass, 're_raw.quarantine_mended'::regclass),
            (21, 're_view.scan'::regclass, 're_dpi.scan'::regclass),
            (22, 're_view.scan'::regclass, 're_raw.raw_event'::regclass)) s(no, view_oid, table_oid)
        join pg_attribute v on v.attrelid = s.view_oid and v.attnum > 0
        join pg_attribute t on t.attrelid = s.table_oid and t.attnum > 0 and t.attname = v.attname
        order by v.attrelid, v.attnum, s.no
    loop
        execute format('comment on column %s.%I is %L', x.view_name, x.attname, x.said);
    end loop;
end $$;
comment on column re_view.component.tenant      is 'Slug of the tenant';
comment on column re_view.component.status      is 'active or retired';
comment on column re_view.component.status_at   is 'Database clock of that status';
comment on column re_view.component.hostname    is 'Host name of the last events';
comment on column re_view.component.version     is 'Version of the last events';
comment on column re_view.component.boot_id     is 'Boot of the last events';
comment on column re_view.component.identity_at is 'emitted_at of the first event with this host name, version and boot';
comment on column re_view.event.envelope is 'Exact text of the envelope';
comment on column re_view.event.payload  is 'Exact text of the payload';
comment on column re_view.event.line     is 'Envelope and payload as the exchange line that verify reads';
comment on column re_view.gap.events_missing is 'How many were lost';
comment on column re_view.gap.filled_at      is 'When they were found and stored, NULL = still missing';
comment on column re_view.violation.offending_envelope is 'Its text, bytes that are not ASCII escaped; at most 4096 bytes';
comment on column re_view.flow.event_ingested_at is 'ingested_at again: a bound on both prunes both sides when the query is planned';
comment on column re_view.dns.event_ingested_at is 'ingested_at again: a bound on both prunes both sides when the query is planned';
comment on column re_view.heartbeat.event_ingested_at is 'ingested_at again: a bound on both prunes both sides when the query is planned';
comment on column re_view.scan.event_ingested_at is 'ingested_at again: a bound on both prunes both sides when the query is planned';
comment on column re_view.timeline.machine_id            is 'Machine that reports';
comment on column re_view.timeline.observed_at           is 'When it happened, UTC, cut to microseconds';
comment on column re_view.timeline.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at';
comment on column re_view.timeline.component_instance_id is 'Chain of the raw event';
comment on column re_view.timeline.seq                   is 'Sequence number of the raw event';
comment on column re_view.timeline.ingested_at           is 'Database clock of the batch; names the partition';
comment on column re_view.timeline.kind                  is 'flow, dns, process, file, persistence, network_intent or deception';
comment on column re_view.timeline.what                  is 'The fact in words';
comment on column re_view.incident.stage            is 'Present stage: clean, suspicious, probable or confirmed';
comment on column re_view.incident.stage_at         is 'When that stage was reached, NULL = never left clean';
comment on column re_view.incident.confidence_milli is 'Present confidence in thousandths';
comment on column re_view.incident.evidence_count   is 'Events linked to it';
comment on column re_view.probe_status.component_instance_id    is 'Chain of the probe';
comment on column re_view.probe_status.machine_id               is 'Its machine';
comment on column re_view.probe_status.hostname                 is 'Host name of its last events';
comment on column re_view.probe_status.mode                     is 'live or replay';
comment on column re_view.probe_status.version                  is 'Version of its last events';
comment on column re_view.probe_status.state                    is 'forked, gap, retired, replayed, never_seen, enrolled, silent, stale, restarted, degraded or healthy';
comment on column re_view.probe_status.reasons                  is 'Why it is not well, by name in order; docs/operations.md says what each asks for';
comment on column re_view.probe_status.reason_figures           is 'The figure of each reason at the same place: percent, milliseconds, seconds or a count';
comment on column re_view.probe_status.next_seq                 is 'Sequence number expected next = events so far';
comment on column re_view.probe_status.last_ingested_at         is 'Database clock of the last batch';
comment on column re_view.probe_status.last_emitted_at          is 'Wall clock of the probe at its last event';
comment on column re_view.probe_status.silent_seconds           is 'Seconds since the last batch';
comment on column re_view.probe_status.heartbeat_at             is 'Database clock of the last heartbeat';
comment on column re_view.probe_status.heartbeat_number         is 'Its number';
comment on column re_view.probe_status.started_at               is 'Database clock of the last probe.start of a day';
comment on column re_view.probe_status.backlog_seconds          is 'How old what arrives is, when over 30 s; NULL for a replay, whose times are the capture''s';
comment on column re_view.probe_status.backlog_eta_seconds      is 'When it will have caught up, at the present rate';
comment on column re_view.probe_status.packets_per_second       is 'Packets a second over at most ten minutes';
comment on column re_view.probe_status.packets_usual_per_second is 'Median of this hour of the last seven days';
comment on column re_view.probe_status.loss_percent             is 'Packets lost of those offered, last six heartbeats';
comment on column re_view.probe_status.packets_offered          is 'Packets offered since the start';
comment on column re_view.probe_status.packets_lost             is 'Packets lost since the start: kernel, NIC, no buffer, shed';
comment on column re_view.probe_status.flows_active             is 'Flows open at the last heartbeat';
comment on column re_view.probe_status.ledger_closes            is 'Every offered packet is accounted for';
comment on column re_view.probe_status.events_close             is 'Every event is accounted for';
comment on column re_view.probe_status.spool_percent            is 'How full the spool is';
comment on column re_view.probe_status.db_lag_events            is 'Events that the probe holds and the database has not';
comment on column re_view.probe_status.signed_size              is 'Events that a checkpoint covers';
comment on column re_view.probe_status.signed_lag_seconds       is 'Seconds since the last checkpoint, NULL when it covers all';
comment on column re_view.probe_status.canary_flow_lag_us       is 'Microseconds from the synthetic flow to its commit';
comment on column re_view.probe_status.canary_dns_lag_us        is 'Microseconds from the synthetic DNS exchange to its commit';
comment on column re_view.probe_status.clock_offset_us          is 'Clock offset that the probe''s kernel states, microseconds';
comment on column re_view.probe_status.forks                    is 'Refused forks';
comment on column re_view.probe_status.open_gaps                is 'Declared gaps not filled, and batches refused for a minute because others are missing';
comment on column re_view.probe_status.violations               is 'Refusals of all kinds';
comment on column re_view.probe_rate.component_instance_id is 'Chain of the probe';
comment on column re_view.probe_rate.minute                is 'Beginning of the minute, database clock, UTC';
comment on column re_view.probe_rate.packets               is 'Packets offered in it';
comment on column re_view.probe_rate.packets_lost          is 'Packets lost in it';
comment on column re_view.probe_life.component_instance_id is 'Chain of the probe';
comment on column re_view.probe_life.seq                   is 'Sequence number of the raw event';
comment on column re_view.probe_life.ingested_at           is 'Database clock of the batch; names the partition';
comment on column re_view.probe_life.machine_id            is 'Machine of the probe';
comment on column re_view.probe_life.observed_at           is 'When it happened, UTC, cut to microseconds';
comment on column re_view.probe_life.event                 is 'Type of the event';
comment on column re_view.probe_life.what                  is 'The event in words';
comment on column re_view.application.records  is 'Flow records';
comment on column re_view.application.packets  is 'Packets of both directions';
comment on column re_view.application.ip_bytes is 'Bytes of IP packets of both directions';
comment on column re_view.application.first_at is 'Start of the first record';
comment on column re_view.application.last_at  is 'End of the last record';
comment on column re_view.probe_status_verified.component_instance_id    is 'Chain of the probe';
comment on column re_view.probe_status_verified.machine_id               is 'Its machine';
comment on column re_view.probe_status_verified.hostname                 is 'Host name of its last events';
comment on column re_view.probe_status_verified.mode                     is 'live or replay';
comment on column re_view.probe_status_verified.version                  is 'Version of its last events';
comment on column re_view.probe_status_verified.state                    is 'forked, gap, retired, replayed, never_seen, enrolled, silent, stale, restarted, degraded or healthy';
comment on column re_view.probe_status_verified.reasons                  is 'Why it is not well, by name in order; docs/operations.md says what each asks for';
comment on column re_view.probe_status_verified.reason_figures           is 'The figure of each reason at the same place: percent, milliseconds, seconds or a count';
comment on column re_view.probe_status_verified.next_seq                 is 'Sequence number expected next = events so far';
comment on column re_view.probe_status_verified.last_ingested_at         is 'Database clock of the last batch';
comment on column re_view.probe_status_verified.last_emitted_at          is 'Wall clock of the probe at its last event';
comment on column re_view.probe_status_verified.silent_seconds           is 'Seconds since the last batch';
comment on column re_view.probe_status_verified.heartbeat_at             is 'Database clock of the last heartbeat';
comment on column re_view.probe_status_verified.heartbeat_number         is 'Its number';
comment on column re_view.probe_status_verified.started_at               is 'Database clock of the last probe.start of a day';
comment on column re_view.probe_status_verified.backlog_seconds          is 'How old what arrives is, when over 30 s; NULL for a replay, whose times are the capture''s';
comment on column re_view.probe_status_verified.backlog_eta_seconds      is 'When it will have caught up, at the present rate';
comment on column re_view.probe_status_verified.packets_per_second       is 'Packets a second over at most ten minutes';
comment on column re_view.probe_status_verified.packets_usual_per_second is 'Median of this hour of the last seven days';
comment on column re_view.probe_status_verified.loss_percent             is 'Packets lost of those offered, last six heartbeats';
comment on column re_view.probe_status_verified.packets_offered          is 'Packets offered since the start';
comment on column re_view.probe_status_verified.packets_lost             is 'Packets lost since the start: kernel, NIC, no buffer, shed';
comment on column re_view.probe_status_verified.flows_active             is 'Flows open at the last heartbeat';
comment on column re_view.probe_status_verified.ledger_closes            is 'Every offered packet is accounted for';
comment on column re_view.probe_status_verified.events_close             is 'Every event is accounted for';
comment on column re_view.probe_status_verified.spool_percent            is 'How full the spool is';
comment on column re_view.probe_status_verified.db_lag_events            is 'Events that the probe holds and the database has not';
comment on column re_view.probe_status_verified.signed_size              is 'Events that a checkpoint covers';
comment on column re_view.probe_status_verified.signed_lag_seconds       is 'Seconds since the last checkpoint, NULL when it covers all';
comment on column re_view.probe_status_verified.canary_flow_lag_us       is 'Microseconds from the synthetic flow to its commit';
comment on column re_view.probe_status_verified.canary_dns_lag_us        is 'Microseconds from the synthetic DNS exchange to its commit';
comment on column re_view.probe_status_verified.clock_offset_us          is 'Clock offset that the probe''s kernel states, microseconds';
comment on column re_view.probe_status_verified.forks                    is 'Refused forks';
comment on column re_view.probe_status_verified.open_gaps                is 'Declared gaps not filled, and batches refused for a minute because others are missing';
comment on column re_view.probe_status_verified.violations               is 'Refusals of all kinds';
comment on column re_view.probe_status_verified.findings                 is 'Events among the last 1000 that verification finds tampered with';

reset role;

grant usage on schema re_view to re_soc, re_correlation, re_ai_writer, re_auditor;
grant select on all tables in schema re_view to re_soc, re_auditor, re_correlation, re_ai_writer;
grant execute on function
    re_view.probe_status_at(timestamptz),
    re_view.probe_rate_at(timestamptz),
    re_view.top_applications(timestamptz, timestamptz, int),
    re_view.top_talkers(timestamptz, timestamptz, int),
    re_view.top_names(timestamptz, timestamptz, int) to re_soc, re_auditor, re_correlation, re_ai_writer;
