-- 06_indexes.sql: secondary indexes, and the read-only views that use them.
--
-- Indexes are made on the parents; every leaf gets its own when it is attached. Views are owned by re_viewer, a role under row-level
-- security, so a view shows the tenant of the logged-in role and nothing else.

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

-- event_ingested_at equals ingested_at: a query that bounds both prunes both sides when it is planned, not only when it runs.
create view re_view.flow as
    select f.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.flow f
    join re_raw.raw_event r on r.ingested_at = f.ingested_at and r.component_instance_id = f.component_instance_id and r.seq = f.seq
    order by f.ingested_at, f.component_instance_id, f.seq;
comment on view re_view.flow is 'Flow records with the identity and hash of their raw event';

create view re_view.dns as
    select d.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.dns d
    join re_raw.raw_event r on r.ingested_at = d.ingested_at and r.component_instance_id = d.component_instance_id and r.seq = d.seq
    order by d.ingested_at, d.component_instance_id, d.seq;
comment on view re_view.dns is 'DNS transactions with the identity and hash of their raw event';

create view re_view.dns_record as
    select x.component_instance_id, x.seq, x.position, x.ingested_at, d.machine_id, d.observed_at, d.src_ip, d.qname, d.qtype, d.rcode,
           x.section, x.name, x.type, x.class, x.ttl, x.data
    from re_dpi.dns_record x
    join re_dpi.dns d on d.ingested_at = x.ingested_at and d.component_instance_id = x.component_instance_id and d.seq = x.seq
    order by x.ingested_at, x.component_instance_id, x.seq, x.position;
comment on view re_view.dns_record is 'Every resource record with the transaction that carried it';

create view re_view.heartbeat as
    select h.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.heartbeat h
    join re_raw.raw_event r on r.ingested_at = h.ingested_at and r.component_instance_id = h.component_instance_id and r.seq = h.seq
    order by h.component_instance_id, h.heartbeat_number, h.ingested_at, h.seq;
comment on view re_view.heartbeat is 'Heartbeats; ledger_closes says whether every offered packet is accounted for';

create view re_view.timeline as
    select x.machine_id, x.observed_at, x.observed_at_ns, x.component_instance_id, x.seq, x.ingested_at, x.kind, x.what
    from (
        select f.machine_id, f.observed_at, f.observed_at_ns, f.component_instance_id, f.seq, f.ingested_at, 'flow' as kind,
               concat_ws(' ', host(f.src_ip) || ' ' || f.src_port, '>', host(f.dst_ip) || ' ' || f.dst_port, f.app, f.server_name, f.end_reason) as what
        from re_dpi.flow f
        union all
        select d.machine_id, d.observed_at, d.observed_at_ns, d.component_instance_id, d.seq, d.ingested_at, 'dns',
               concat_ws(' ', host(d.src_ip), '>', host(d.dst_ip), d.qtype, d.qname, coalesce(d.rcode, d.outcome)) from re_dpi.dns d
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

-- State of each probe by the database's own clock and ledger, worst first; the probe's word alone makes nothing healthy.
create view re_view.probe_status as
    select y.component_instance_id, y.machine_id, y.hostname, y.mode, y.version,
           case
               when y.forks > 0 then 'forked'
               when y.open_gaps > 0 then 'gap'
               when y.status = 'retired' then 'retired'
               when y.mode = 'replay' then 'replayed'
               when y.next_seq = 0 and y.registered_at < now() - interval '10 minutes' then 'never_seen'
               when y.next_seq = 0 then 'enrolled'
               when y.last_ingested_at < now() - interval '60 seconds' then 'silent'
               when y.last_ingested_at < now() - interval '30 seconds' or y.last_emitted_at < now() - interval '30 seconds' then 'stale'
               when y.started_at > now() - interval '5 minutes' then 'restarted'
               when y.state = 'degraded' or not y.ledger_closes or y.loss_permille > 1 or y.signed_lag > interval '60 seconds' then 'degraded'
               when y.state is null then 'degraded'
               else 'healthy' end as state,
           y.next_seq, y.last_ingested_at, y.last_emitted_at, extract(epoch from now() - y.last_ingested_at)::bigint as silent_seconds,
           y.heartbeat_at, y.started_at, y.packets_offered, y.packets_lost, y.loss_permille, y.ledger_closes, y.signed_size,
           y.forks, y.open_gaps, y.violations, y.reasons
    from (
        select c.component_instance_id, c.machine_id, c.hostname, c.mode, c.version, c.status, c.registered_at,
               h.next_seq, h.last_ingested_at, h.last_emitted_at, b.ingested_at as heartbeat_at, b.state, b.ledger_closes, b.packets_offered,
               b.packets_dropped_kernel + b.packets_dropped_nic + b.packets_shed as packets_lost,
               -- since the heartbeat before, not since the chain began: an old loss must not degrade for ever
               1000 * (b.packets_dropped_kernel + b.packets_dropped_nic + b.packets_shed - coalesce(o.lost, 0))
                   / nullif(b.packets_offered - coalesce(o.packets_offered, 0), 0) as loss_permille,
               coalesce(k.tree_size, 0) as signed_size,
               case when coalesce(k.tree_size, 0) < h.next_seq then now() - coalesce(k.ingested_at, c.registered_at) end as signed_lag,
               s.ingested_at as started_at,
               (select count(*) from re_raw.chain_violation v where v.component_instance_id = c.component_instance_id and v.kind = 'fork') as forks,
               (select count(*) from re_raw.chain_gap g
                where g.component_instance_id = c.component_instance_id
                  and not exists (select from re_raw.chain_gap_fill f
                                  where f.component_instance_id = g.component_instance_id and f.first_missing = g.first_missing))
               + (select count(*) from re_raw.chain_violation v
                  where v.component_instance_id = c.component_instance_id and v.kind = 'gap'
                    and v.first_seq > h.next_seq and v.detected_at < now() - interval '60 seconds') as open_gaps,
               (select count(*) from re_raw.chain_violation v where v.component_instance_id = c.component_instance_id) as violations,
               (select string_agg(r.reason, ' ' order by r.reason) from re_dpi.heartbeat_reason r
                where r.ingested_at = b.ingested_at and r.component_instance_id = b.component_instance_id and r.seq = b.seq) as reasons
        from re_view.component c
        join re_raw.chain_head h on h.component_instance_id = c.component_instance_id
        left join lateral (select x.* from re_dpi.heartbeat x where x.component_instance_id = c.component_instance_id
                           order by x.ingested_at desc, x.seq desc limit 1) b on true
        left join lateral (select x.packets_offered, x.packets_dropped_kernel + x.packets_dropped_nic + x.packets_shed as lost
                           from re_dpi.heartbeat x
                           where x.component_instance_id = c.component_instance_id and x.ingested_at <= b.ingested_at and x.seq < b.seq
                           order by x.ingested_at desc, x.seq desc limit 1) o on true
        left join lateral (select x.tree_size, x.ingested_at from re_raw.checkpoint x where x.component_instance_id = c.component_instance_id
                           order by x.tree_size desc limit 1) k on true
        left join lateral (select x.ingested_at from re_raw.raw_event x
                           where x.component_instance_id = c.component_instance_id and x.event_type = 'probe.start'
                             and x.event_type in ('chain.start', 'probe.start', 'probe.stop', 'key.rotate', 'config.change', 'loss.report', 'worker.crash')
                             and x.ingested_at > now() - interval '1 day'
                           order by x.ingested_at desc, x.seq desc limit 1) s on true
        where c.component = 'dpi_probe') y
    order by y.component_instance_id;
comment on view re_view.probe_status is 'Probes and their state: forked, gap, retired, replayed, never_seen, enrolled, silent, stale, restarted, degraded, healthy';

create view re_view.probe_status_verified as
    select s.*, v.findings
    from re_view.probe_status s
    cross join lateral (select count(*) as findings from re_raw.verify_chain(s.component_instance_id, greatest(s.next_seq - 1000, 0), s.next_seq - 1) x
                        where x.severity = 'tampered') v
    order by s.component_instance_id;
comment on view re_view.probe_status_verified is 'The same with the last 1000 events recomputed; findings other than 0 mean tampering';

create view re_view.application as
    select f.machine_id, f.app_master, f.app, f.app_category, count(*) as records, sum(f.packets_src + f.packets_dst) as packets,
           sum(f.ip_bytes_src + f.ip_bytes_dst) as ip_bytes, min(f.start_at) as first_at, max(f.end_at) as last_at
    from re_dpi.flow f
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
    where f.observed_at >= coalesce(p_from, '-infinity') and f.observed_at < coalesce(p_to, 'infinity')
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
    where f.observed_at >= coalesce(p_from, '-infinity') and f.observed_at < coalesce(p_to, 'infinity')
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
    where d.qname is not null and d.observed_at >= coalesce(p_from, '-infinity') and d.observed_at < coalesce(p_to, 'infinity')
      and d.ingested_at >= coalesce(p_from - interval '1 day', '-infinity')
    group by lower(d.qname)
    order by 2 desc, 1
    limit p_limit;
end $$;
comment on function re_view.top_names(timestamptz, timestamptz, int) is 'Names asked for in DNS in a range, lower case; failed = no NOERROR answer';

reset role;

grant usage on schema re_view to re_soc, re_correlation, re_ai_writer, re_auditor;
grant select on all tables in schema re_view to re_soc, re_auditor, re_correlation, re_ai_writer;
grant execute on function
    re_view.top_applications(timestamptz, timestamptz, int),
    re_view.top_talkers(timestamptz, timestamptz, int),
    re_view.top_names(timestamptz, timestamptz, int) to re_soc, re_auditor, re_correlation, re_ai_writer;
