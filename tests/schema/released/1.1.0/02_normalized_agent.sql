-- 02_normalized_agent.sql: what host agents saw. Processes, files, persistence, network intent, deception, agent health.
--
-- Same rules as 03_normalized_dpi.sql: column names are payload members, times have a companion _ns, rows are written by the store
-- functions from the signed payload, foreign keys run leaf to leaf. A process is named by pid and start time, a file by its path.

set role re_owner;

create table re_agent.process_activity (
    ingested_at            timestamptz not null default now(),
    component_instance_id  uuid not null,
    seq                    bigint not null,
    tenant_id              uuid not null,
    machine_id             uuid not null,
    observed_at            timestamptz not null,
    observed_at_ns         smallint not null,
    action                 text not null,
    pid                    bigint not null,
    process_start_at       timestamptz not null,
    process_start_at_ns    smallint not null,
    parent_pid             bigint,
    parent_start_at        timestamptz,
    parent_start_at_ns     smallint,
    account                text,
    image_path             text not null,
    image_path_truncated   boolean,
    image_sha256           bytea,
    command_line           text,
    command_line_truncated boolean,
    exit_code              bigint,
    integrity_level        text,
    constraint process_activity_pk primary key (ingested_at, component_instance_id, seq),
    constraint process_activity_action_is_valid check (action in ('start', 'exec', 'exit', 'inject', 'privilege_change')),
    constraint process_activity_account_is_pct_text check (octet_length(account) <= 255 and account !~ '[^!-~]'),
    constraint process_activity_image_path_is_pct_text check (octet_length(image_path) <= 4096 and image_path !~ '[^!-~]'),
    constraint process_activity_image_sha256_is_valid check (octet_length(image_sha256) = 32),
    constraint process_activity_command_line_is_pct_text check (octet_length(command_line) <= 8192 and command_line !~ '[^!-~]'),
    constraint process_activity_counters_are_in_range check (
        least(
            pid, parent_pid) >= 0
        and greatest(
            pid, parent_pid) <= 9007199254740991),
    constraint process_activity_names_are_short check (octet_length(integrity_level) <= 255),
    constraint process_activity_nanoseconds_are_in_range check (
        least(observed_at_ns, process_start_at_ns, parent_start_at_ns) >= 0
        and greatest(observed_at_ns, process_start_at_ns, parent_start_at_ns) <= 999),
    constraint process_activity_nanoseconds_have_their_time check (
        (process_start_at is null) = (process_start_at_ns is null)
        and (parent_start_at is null) = (parent_start_at_ns is null)),
    constraint process_activity_truncated_is_true_or_absent check (image_path_truncated is not false and command_line_truncated is not false)
) partition by range (ingested_at);
comment on table  re_agent.process_activity is 'agent.process v1: start, end and change of processes';
comment on column re_agent.process_activity.ingested_at            is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_agent.process_activity.component_instance_id  is 'Chain of the raw event';
comment on column re_agent.process_activity.seq                    is 'Sequence number of the raw event';
comment on column re_agent.process_activity.tenant_id              is 'Tenant, for row-level security';
comment on column re_agent.process_activity.machine_id             is 'Machine that reports';
comment on column re_agent.process_activity.observed_at            is 'Envelope: when, UTC, cut to microseconds';
comment on column re_agent.process_activity.observed_at_ns         is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_agent.process_activity.action                 is 'What happened';
comment on column re_agent.process_activity.pid                    is 'Process id';
comment on column re_agent.process_activity.process_start_at       is 'Start of the process, UTC; with pid it names the process';
comment on column re_agent.process_activity.process_start_at_ns    is 'Nanoseconds below the microsecond of process_start_at, 0 to 999';
comment on column re_agent.process_activity.parent_pid             is 'Parent process id';
comment on column re_agent.process_activity.parent_start_at        is 'Start of the parent, UTC';
comment on column re_agent.process_activity.parent_start_at_ns     is 'Nanoseconds below the microsecond of parent_start_at, 0 to 999';
comment on column re_agent.process_activity.account                is 'User id or SID, pct-text';
comment on column re_agent.process_activity.image_path             is 'Executable, pct-text';
comment on column re_agent.process_activity.image_path_truncated   is 'image_path was cut';
comment on column re_agent.process_activity.image_sha256           is 'SHA-256 of the executable';
comment on column re_agent.process_activity.command_line           is 'Command line, pct-text';
comment on column re_agent.process_activity.command_line_truncated is 'command_line was cut';
comment on column re_agent.process_activity.exit_code              is 'Exit code, signed';
comment on column re_agent.process_activity.integrity_level        is 'Integrity or privilege level';

create table re_agent.file_activity (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    action                text not null,
    path                  text not null,
    path_truncated        boolean,
    old_path              text,
    old_path_truncated    boolean,
    file_sha256           bytea,
    size_before           bigint,
    size_after            bigint,
    entropy_before_milli  int,
    entropy_after_milli   int,
    pid                   bigint not null,
    process_start_at      timestamptz not null,
    process_start_at_ns   smallint not null,
    file_mode             int,
    constraint file_activity_pk primary key (ingested_at, component_instance_id, seq),
    constraint file_activity_action_is_valid check (action in ('create', 'write', 'rename', 'delete', 'chmod', 'read')),
    constraint file_activity_path_is_pct_text check (octet_length(path) <= 4096 and path !~ '[^!-~]'),
    constraint file_activity_old_path_is_pct_text check (octet_length(old_path) <= 4096 and old_path !~ '[^!-~]'),
    constraint file_activity_file_sha256_is_valid check (octet_length(file_sha256) = 32),
    constraint file_activity_entropy_before_milli_is_valid check (entropy_before_milli between 0 and 8000),
    constraint file_activity_entropy_after_milli_is_valid check (entropy_after_milli between 0 and 8000),
    constraint file_activity_file_mode_is_valid check (file_mode between 0 and 65535),
    constraint file_activity_counters_are_in_range check (
        least(
            size_before, size_after, pid) >= 0
        and greatest(
            size_before, size_after, pid) <= 9007199254740991),
    constraint file_activity_nanoseconds_are_in_range check (least(observed_at_ns, process_start_at_ns) >= 0 and greatest(observed_at_ns, process_start_at_ns) <= 999),
    constraint file_activity_truncated_is_true_or_absent check (path_truncated is not false and old_path_truncated is not false)
) partition by range (ingested_at);
comment on table  re_agent.file_activity is 'agent.file v1: changes of files';
comment on column re_agent.file_activity.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_agent.file_activity.component_instance_id is 'Chain of the raw event';
comment on column re_agent.file_activity.seq                   is 'Sequence number of the raw event';
comment on column re_agent.file_activity.tenant_id             is 'Tenant, for row-level security';
comment on column re_agent.file_activity.machine_id            is 'Machine that reports';
comment on column re_agent.file_activity.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_agent.file_activity.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_agent.file_activity.action                is 'What happened';
comment on column re_agent.file_activity.path                  is 'File, pct-text';
comment on column re_agent.file_activity.path_truncated        is 'path was cut';
comment on column re_agent.file_activity.old_path              is 'Name before a rename, pct-text';
comment on column re_agent.file_activity.old_path_truncated    is 'old_path was cut';
comment on column re_agent.file_activity.file_sha256           is 'SHA-256 of the content after';
comment on column re_agent.file_activity.size_before           is 'Bytes before';
comment on column re_agent.file_activity.size_after            is 'Bytes after';
comment on column re_agent.file_activity.entropy_before_milli  is 'Entropy before, thousandths of a bit per byte';
comment on column re_agent.file_activity.entropy_after_milli   is 'Entropy after, thousandths of a bit per byte';
comment on column re_agent.file_activity.pid                   is 'Process id';
comment on column re_agent.file_activity.process_start_at      is 'Start of the process, UTC; with pid it names the process';
comment on column re_agent.file_activity.process_start_at_ns   is 'Nanoseconds below the microsecond of process_start_at, 0 to 999';
comment on column re_agent.file_activity.file_mode             is 'Mode bits after';

create table re_agent.persistence_activity (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    mechanism             text not null,
    action                text not null,
    location              text not null,
    location_truncated    boolean,
    target_path           text,
    target_path_truncated boolean,
    target_sha256         bytea,
    pid                   bigint,
    process_start_at      timestamptz,
    process_start_at_ns   smallint,
    constraint persistence_activity_pk primary key (ingested_at, component_instance_id, seq),
    constraint persistence_activity_mechanism_is_valid check (mechanism in ('service', 'scheduled_task', 'run_key', 'startup_folder', 'cron', 'systemd_unit', 'shell_profile', 'ssh_authorized_key', 'kernel_module', 'wmi', 'preload', 'other')),
    constraint persistence_activity_action_is_valid check (action in ('create', 'modify', 'delete')),
    constraint persistence_activity_location_is_pct_text check (octet_length(location) <= 4096 and location !~ '[^!-~]'),
    constraint persistence_activity_target_path_is_pct_text check (octet_length(target_path) <= 4096 and target_path !~ '[^!-~]'),
    constraint persistence_activity_target_sha256_is_valid check (octet_length(target_sha256) = 32),
    constraint persistence_activity_counters_are_in_range check (
        least(
            pid) >= 0
        and greatest(
            pid) <= 9007199254740991),
    constraint persistence_activity_nanoseconds_are_in_range check (least(observed_at_ns, process_start_at_ns) >= 0 and greatest(observed_at_ns, process_start_at_ns) <= 999),
    constraint persistence_activity_nanoseconds_have_their_time check ((process_start_at is null) = (process_start_at_ns is null)),
    constraint persistence_activity_truncated_is_true_or_absent check (location_truncated is not false and target_path_truncated is not false)
) partition by range (ingested_at);
comment on table  re_agent.persistence_activity is 'agent.persistence v1: what arranges to be started again';
comment on column re_agent.persistence_activity.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_agent.persistence_activity.component_instance_id is 'Chain of the raw event';
comment on column re_agent.persistence_activity.seq                   is 'Sequence number of the raw event';
comment on column re_agent.persistence_activity.tenant_id             is 'Tenant, for row-level security';
comment on column re_agent.persistence_activity.machine_id            is 'Machine that reports';
comment on column re_agent.persistence_activity.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_agent.persistence_activity.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_agent.persistence_activity.mechanism             is 'How';
comment on column re_agent.persistence_activity.action                is 'What happened';
comment on column re_agent.persistence_activity.location              is 'Where it is registered, pct-text';
comment on column re_agent.persistence_activity.location_truncated    is 'location was cut';
comment on column re_agent.persistence_activity.target_path           is 'What it starts, pct-text';
comment on column re_agent.persistence_activity.target_path_truncated is 'target_path was cut';
comment on column re_agent.persistence_activity.target_sha256         is 'SHA-256 of the target';
comment on column re_agent.persistence_activity.pid                   is 'Process id';
comment on column re_agent.persistence_activity.process_start_at      is 'Start of the process, UTC; with pid it names the process';
comment on column re_agent.persistence_activity.process_start_at_ns   is 'Nanoseconds below the microsecond of process_start_at, 0 to 999';

create table re_agent.network_intent (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    action                text not null,
    pid                   bigint not null,
    process_start_at      timestamptz not null,
    process_start_at_ns   smallint not null,
    local_ip              inet,
    local_port            int,
    remote_ip             inet,
    remote_port           int,
    protocol              smallint,
    remote_name           text,
    constraint network_intent_pk primary key (ingested_at, component_instance_id, seq),
    constraint network_intent_action_is_valid check (action in ('connect', 'listen', 'accept', 'resolve', 'send')),
    constraint network_intent_protocol_is_valid check (protocol between 0 and 255),
    constraint network_intent_remote_name_is_pct_text check (octet_length(remote_name) <= 1024 and remote_name !~ '[^!-~]'),
    constraint network_intent_counters_are_in_range check (
        least(
            pid) >= 0
        and greatest(
            pid) <= 9007199254740991),
    constraint network_intent_16_bit_numbers_are_in_range check (least(local_port, remote_port) >= 0 and greatest(local_port, remote_port) <= 65535),
    constraint network_intent_addresses_are_hosts check (
        masklen(local_ip) = case family(local_ip) when 4 then 32 else 128 end
        and masklen(remote_ip) = case family(remote_ip) when 4 then 32 else 128 end),
    constraint network_intent_nanoseconds_are_in_range check (least(observed_at_ns, process_start_at_ns) >= 0 and greatest(observed_at_ns, process_start_at_ns) <= 999)
) partition by range (ingested_at);
comment on table  re_agent.network_intent is 'agent.network_intent v1: what a process asked the network for, before any packet';
comment on column re_agent.network_intent.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_agent.network_intent.component_instance_id is 'Chain of the raw event';
comment on column re_agent.network_intent.seq                   is 'Sequence number of the raw event';
comment on column re_agent.network_intent.tenant_id             is 'Tenant, for row-level security';
comment on column re_agent.network_intent.machine_id            is 'Machine that reports';
comment on column re_agent.network_intent.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_agent.network_intent.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_agent.network_intent.action                is 'What was asked for';
comment on column re_agent.network_intent.pid                   is 'Process id';
comment on column re_agent.network_intent.process_start_at      is 'Start of the process, UTC; with pid it names the process';
comment on column re_agent.network_intent.process_start_at_ns   is 'Nanoseconds below the microsecond of process_start_at, 0 to 999';
comment on column re_agent.network_intent.local_ip              is 'Local address';
comment on column re_agent.network_intent.local_port            is 'Local port';
comment on column re_agent.network_intent.remote_ip             is 'Remote address';
comment on column re_agent.network_intent.remote_port           is 'Remote port';
comment on column re_agent.network_intent.protocol              is 'IANA protocol number';
comment on column re_agent.network_intent.remote_name           is 'Name asked for, pct-text';

create table re_agent.deception_event (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    decoy_id              text not null,
    decoy_type            text not null,
    action                text not null,
    actor_ip              inet,
    pid                   bigint,
    process_start_at      timestamptz,
    process_start_at_ns   smallint,
    credential_ref        text,
    constraint deception_event_pk primary key (ingested_at, component_instance_id, seq),
    constraint deception_event_decoy_id_is_pct_text check (octet_length(decoy_id) <= 255 and decoy_id !~ '[^!-~]'),
    constraint deception_event_decoy_type_is_valid check (decoy_type in ('file', 'share', 'credential', 'service', 'host', 'token')),
    constraint deception_event_action_is_valid check (action in ('open', 'read', 'write', 'delete', 'login', 'connect')),
    constraint deception_event_credential_ref_is_pct_text check (octet_length(credential_ref) <= 255 and credential_ref !~ '[^!-~]'),
    constraint deception_event_counters_are_in_range check (
        least(
            pid) >= 0
        and greatest(
            pid) <= 9007199254740991),
    constraint deception_event_addresses_are_hosts check (masklen(actor_ip) = case family(actor_ip) when 4 then 32 else 128 end),
    constraint deception_event_nanoseconds_are_in_range check (least(observed_at_ns, process_start_at_ns) >= 0 and greatest(observed_at_ns, process_start_at_ns) <= 999),
    constraint deception_event_nanoseconds_have_their_time check ((process_start_at is null) = (process_start_at_ns is null))
) partition by range (ingested_at);
comment on table  re_agent.deception_event is 'agent.deception v1: somebody touched a decoy';
comment on column re_agent.deception_event.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_agent.deception_event.component_instance_id is 'Chain of the raw event';
comment on column re_agent.deception_event.seq                   is 'Sequence number of the raw event';
comment on column re_agent.deception_event.tenant_id             is 'Tenant, for row-level security';
comment on column re_agent.deception_event.machine_id            is 'Machine that reports';
comment on column re_agent.deception_event.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_agent.deception_event.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_agent.deception_event.decoy_id              is 'Decoy';
comment on column re_agent.deception_event.decoy_type            is 'Kind of decoy';
comment on column re_agent.deception_event.action                is 'What was done';
comment on column re_agent.deception_event.actor_ip              is 'Address of the actor';
comment on column re_agent.deception_event.pid                   is 'Process id';
comment on column re_agent.deception_event.process_start_at      is 'Start of the process, UTC; with pid it names the process';
comment on column re_agent.deception_event.process_start_at_ns   is 'Nanoseconds below the microsecond of process_start_at, 0 to 999';
comment on column re_agent.deception_event.credential_ref        is 'Reference to the decoy credential used, never the secret';

create table re_agent.component_health (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    state                 text not null,
    uptime_ms             bigint not null,
    config_sha256         bytea not null,
    policy_version        bigint,
    spool_events          bigint not null,
    spool_bytes           bigint not null,
    spool_oldest_at       timestamptz,
    spool_oldest_at_ns    smallint,
    send_errors           bigint not null,
    clock_offset_us       bigint,
    cpu_permille          int,
    rss_bytes             bigint,
    disk_free_bytes       bigint,
    constraint component_health_pk primary key (ingested_at, component_instance_id, seq),
    constraint component_health_state_is_valid check (state in ('healthy', 'degraded', 'failed')),
    constraint component_health_config_sha256_is_valid check (octet_length(config_sha256) = 32),
    constraint component_health_cpu_permille_is_valid check (cpu_permille >= 0),
    constraint component_health_counters_are_in_range check (
        least(
            uptime_ms, policy_version, spool_events, spool_bytes, send_errors, rss_bytes, disk_free_bytes) >= 0
        and greatest(
            uptime_ms, policy_version, spool_events, spool_bytes, send_errors, rss_bytes, disk_free_bytes) <= 9007199254740991),
    constraint component_health_nanoseconds_are_in_range check (least(observed_at_ns, spool_oldest_at_ns) >= 0 and greatest(observed_at_ns, spool_oldest_at_ns) <= 999),
    constraint component_health_nanoseconds_have_their_time check ((spool_oldest_at is null) = (spool_oldest_at_ns is null))
) partition by range (ingested_at);
comment on table  re_agent.component_health is 'agent.health v1: heartbeat of an agent';
comment on column re_agent.component_health.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_agent.component_health.component_instance_id is 'Chain of the raw event';
comment on column re_agent.component_health.seq                   is 'Sequence number of the raw event';
comment on column re_agent.component_health.tenant_id             is 'Tenant, for row-level security';
comment on column re_agent.component_health.machine_id            is 'Machine that reports';
comment on column re_agent.component_health.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_agent.component_health.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_agent.component_health.state                 is 'The agent''s own view';
comment on column re_agent.component_health.uptime_ms             is 'Milliseconds since process start';
comment on column re_agent.component_health.config_sha256         is 'Digest of the effective configuration';
comment on column re_agent.component_health.policy_version        is 'Version of the policy in force';
comment on column re_agent.component_health.spool_events          is 'Events not yet acknowledged';
comment on column re_agent.component_health.spool_bytes           is 'Their bytes';
comment on column re_agent.component_health.spool_oldest_at       is 'Oldest of them, UTC';
comment on column re_agent.component_health.spool_oldest_at_ns    is 'Nanoseconds below the microsecond of spool_oldest_at, 0 to 999';
comment on column re_agent.component_health.send_errors           is 'Failed sends; cumulative over the chain';
comment on column re_agent.component_health.clock_offset_us       is 'Microseconds of clock offset, signed';
comment on column re_agent.component_health.cpu_permille          is 'CPU use in thousandths of one core';
comment on column re_agent.component_health.rss_bytes             is 'Resident memory';
comment on column re_agent.component_health.disk_free_bytes       is 'Free disk where the spool is';

-- ---------------------------------------------------------------------------------------------------------------------------
-- From payload to rows
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_agent.store_process_activity(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.action, r.pid, r.process_start_at, r.parent_pid, r.parent_start_at, r.account, r.image_path, r.image_path_truncated,
                            r.image_sha256, r.command_line, r.command_line_truncated, r.exit_code, r.integrity_level) as members_known,
               num_nonnulls(r.action, r.process_start_at, r.parent_start_at, r.account, r.image_path, r.image_sha256, r.command_line, r.integrity_level) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            action text, pid bigint, process_start_at text, parent_pid bigint, parent_start_at text, account text, image_path text,
            image_path_truncated boolean, image_sha256 text, command_line text, command_line_truncated boolean, exit_code bigint,
            integrity_level text)
    ), fact as (
        insert into re_agent.process_activity (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, action, pid, process_start_at,
            process_start_at_ns, parent_pid, parent_start_at, parent_start_at_ns, account, image_path, image_path_truncated,
            image_sha256, command_line, command_line_truncated, exit_code, integrity_level)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.action,
            p.pid, re_raw.time_us(p.process_start_at), re_raw.time_ns(p.process_start_at), p.parent_pid,
            re_raw.time_us(p.parent_start_at), re_raw.time_ns(p.parent_start_at), p.account, p.image_path, p.image_path_truncated,
            decode(p.image_sha256, 'hex'), p.command_line, p.command_line_truncated, p.exit_code, p.integrity_level
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('agent.process', bad);
    end if;
end $$;
comment on function re_agent.store_process_activity(re_raw.event_batch) is 'Normalised rows of agent.process v1, parsed once, one statement; internal to ingest';

create function re_agent.store_file_activity(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.action, r.path, r.path_truncated, r.old_path, r.old_path_truncated, r.file_sha256, r.size_before, r.size_after,
                            r.entropy_before_milli, r.entropy_after_milli, r.pid, r.process_start_at, r.file_mode) as members_known,
               num_nonnulls(r.action, r.path, r.old_path, r.file_sha256, r.process_start_at) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            action text, path text, path_truncated boolean, old_path text, old_path_truncated boolean, file_sha256 text,
            size_before bigint, size_after bigint, entropy_before_milli bigint, entropy_after_milli bigint, pid bigint,
            process_start_at text, file_mode bigint)
    ), fact as (
        insert into re_agent.file_activity (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, action, path, path_truncated, old_path,
            old_path_truncated, file_sha256, size_before, size_after, entropy_before_milli, entropy_after_milli, pid, process_start_at,
            process_start_at_ns, file_mode)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.action,
            p.path, p.path_truncated, p.old_path, p.old_path_truncated, decode(p.file_sha256, 'hex'), p.size_before, p.size_after,
            p.entropy_before_milli::int, p.entropy_after_milli::int, p.pid, re_raw.time_us(p.process_start_at),
            re_raw.time_ns(p.process_start_at), p.file_mode::int
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('agent.file', bad);
    end if;
end $$;
comment on function re_agent.store_file_activity(re_raw.event_batch) is 'Normalised rows of agent.file v1, parsed once, one statement; internal to ingest';

create function re_agent.store_persistence_activity(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.mechanism, r.action, r.location, r.location_truncated, r.target_path, r.target_path_truncated, r.target_sha256, r.pid,
                            r.process_start_at) as members_known,
               num_nonnulls(r.mechanism, r.action, r.location, r.target_path, r.target_sha256, r.process_start_at) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            mechanism text, action text, location text, location_truncated boolean, target_path text, target_path_truncated boolean,
            target_sha256 text, pid bigint, process_start_at text)
    ), fact as (
        insert into re_agent.persistence_activity (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, mechanism, action, location,
            location_truncated, target_path, target_path_truncated, target_sha256, pid, process_start_at, process_start_at_ns)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.mechanism,
            p.action, p.location, p.location_truncated, p.target_path, p.target_path_truncated, decode(p.target_sha256, 'hex'), p.pid,
            re_raw.time_us(p.process_start_at), re_raw.time_ns(p.process_start_at)
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('agent.persistence', bad);
    end if;
end $$;
comment on function re_agent.store_persistence_activity(re_raw.event_batch) is 'Normalised rows of agent.persistence v1, parsed once, one statement; internal to ingest';

create function re_agent.store_network_intent(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.action, r.pid, r.process_start_at, r.local_ip, r.local_port, r.remote_ip, r.remote_port, r.protocol, r.remote_name) as members_known,
               num_nonnulls(r.action, r.process_start_at, r.local_ip, r.remote_ip, r.remote_name) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            action text, pid bigint, process_start_at text, local_ip text, local_port bigint, remote_ip text, remote_port bigint,
            protocol bigint, remote_name text)
    ), fact as (
        insert into re_agent.network_intent (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, action, pid, process_start_at,
            process_start_at_ns, local_ip, local_port, remote_ip, remote_port, protocol, remote_name)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.action,
            p.pid, re_raw.time_us(p.process_start_at), re_raw.time_ns(p.process_start_at), p.local_ip::inet, p.local_port::int,
            p.remote_ip::inet, p.remote_port::int, p.protocol::smallint, p.remote_name
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('agent.network_intent', bad);
    end if;
end $$;
comment on function re_agent.store_network_intent(re_raw.event_batch) is 'Normalised rows of agent.network_intent v1, parsed once, one statement; internal to ingest';

create function re_agent.store_deception_event(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.decoy_id, r.decoy_type, r.action, r.actor_ip, r.pid, r.process_start_at, r.credential_ref) as members_known,
               num_nonnulls(r.decoy_id, r.decoy_type, r.action, r.actor_ip, r.process_start_at, r.credential_ref) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            decoy_id text, decoy_type text, action text, actor_ip text, pid bigint, process_start_at text, credential_ref text)
    ), fact as (
        insert into re_agent.deception_event (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, decoy_id, decoy_type, action, actor_ip, pid,
            process_start_at, process_start_at_ns, credential_ref)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.decoy_id,
            p.decoy_type, p.action, p.actor_ip::inet, p.pid, re_raw.time_us(p.process_start_at), re_raw.time_ns(p.process_start_at),
            p.credential_ref
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('agent.deception', bad);
    end if;
end $$;
comment on function re_agent.store_deception_event(re_raw.event_batch) is 'Normalised rows of agent.deception v1, parsed once, one statement; internal to ingest';

create function re_agent.store_component_health(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.state, r.uptime_ms, r.config_sha256, r.policy_version, r.spool_events, r.spool_bytes, r.spool_oldest_at, r.send_errors,
                            r.clock_offset_us, r.cpu_permille, r.rss_bytes, r.disk_free_bytes) as members_known,
               num_nonnulls(r.state, r.config_sha256, r.spool_oldest_at) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            state text, uptime_ms bigint, config_sha256 text, policy_version bigint, spool_events bigint, spool_bytes bigint,
            spool_oldest_at text, send_errors bigint, clock_offset_us bigint, cpu_permille bigint, rss_bytes bigint,
            disk_free_bytes bigint)
    ), fact as (
        insert into re_agent.component_health (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, state, uptime_ms, config_sha256,
            policy_version, spool_events, spool_bytes, spool_oldest_at, spool_oldest_at_ns, send_errors, clock_offset_us, cpu_permille,
            rss_bytes, disk_free_bytes)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.state,
            p.uptime_ms, decode(p.config_sha256, 'hex'), p.policy_version, p.spool_events, p.spool_bytes,
            re_raw.time_us(p.spool_oldest_at), re_raw.time_ns(p.spool_oldest_at), p.send_errors, p.clock_offset_us, p.cpu_permille::int,
            p.rss_bytes, p.disk_free_bytes
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('agent.health', bad);
    end if;
end $$;
comment on function re_agent.store_component_health(re_raw.event_batch) is 'Normalised rows of agent.health v1, parsed once, one statement; internal to ingest';

insert into re_raw.event_type (component, event_type, event_version, store_schema, store_name) values
    ('linux_agent', 'agent.process', 1, 're_agent', 'store_process_activity'),
    ('linux_agent', 'agent.file', 1, 're_agent', 'store_file_activity'),
    ('linux_agent', 'agent.persistence', 1, 're_agent', 'store_persistence_activity'),
    ('linux_agent', 'agent.network_intent', 1, 're_agent', 'store_network_intent'),
    ('linux_agent', 'agent.deception', 1, 're_agent', 'store_deception_event'),
    ('linux_agent', 'agent.health', 1, 're_agent', 'store_component_health'),
    ('windows_agent', 'agent.process', 1, 're_agent', 'store_process_activity'),
    ('windows_agent', 'agent.file', 1, 're_agent', 'store_file_activity'),
    ('windows_agent', 'agent.persistence', 1, 're_agent', 'store_persistence_activity'),
    ('windows_agent', 'agent.network_intent', 1, 're_agent', 'store_network_intent'),
    ('windows_agent', 'agent.deception', 1, 're_agent', 'store_deception_event'),
    ('windows_agent', 'agent.health', 1, 're_agent', 'store_component_health');

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only, row-level security, grants
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t), re_core.protect_by_tenant(t) from unnest(array[
    're_agent.process_activity', 're_agent.file_activity', 're_agent.persistence_activity', 're_agent.network_intent',
    're_agent.deception_event', 're_agent.component_health']::regclass[]) t;

grant usage on schema re_agent to re_viewer, re_correlation, re_ai_writer;
grant select on all tables in schema re_agent to re_auditor, re_viewer, re_correlation, re_ai_writer;

reset role;
