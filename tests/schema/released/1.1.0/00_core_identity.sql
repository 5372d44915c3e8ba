-- 00_core_identity.sql: who exists. Roles, schemas, tenants, machines, component instances, signing keys, and their histories.
--
-- Run the files 00 to 07 in order, as a superuser, into an empty UTF-8 database. No file opens or ends a transaction, so one
-- transaction may hold all eight. Roles are cluster-wide and are created only if they are missing.

-- ---------------------------------------------------------------------------------------------------------------------------
-- Preconditions
-- ---------------------------------------------------------------------------------------------------------------------------
do $$
begin
    if current_setting('server_version_num')::int < 140000 then
        raise exception 'PostgreSQL 14 or newer is needed, this is %', current_setting('server_version');
    end if;
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'the database must be UTF8, this one is %', current_setting('server_encoding')
            using hint = 'create database NAME encoding ''UTF8'' template template0';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Roles: owners hold objects, groups hold rights, nobody logs in as either. Logins are granted a group by the operator.
-- ---------------------------------------------------------------------------------------------------------------------------
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        're_owner', 're_corr_owner', 're_ai_owner', 're_viewer',
        're_probe', 're_agent_writer', 're_ingest', 're_correlation', 're_ai_writer',
        're_soc', 're_auditor', 're_retention', 're_enrol'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = role_name) then
            begin
                execute format('create role %I nologin', role_name);
            exception when duplicate_object or unique_violation then
                null;   -- another database of this cluster was being set up at the same moment
            end;
        end if;
    end loop;
end $$;

comment on role re_owner        is 'RansomEye: owns re_core, re_raw, re_agent, re_dpi, re_ops and the functions that write there';
comment on role re_corr_owner   is 'RansomEye: owns re_corr; reads facts, cannot write them';
comment on role re_ai_owner     is 'RansomEye: owns re_ai; reads facts and incidents, cannot write them';
comment on role re_viewer       is 'RansomEye: owns the read-only views, so that row-level security applies inside them';
comment on role re_probe        is 'RansomEye: a DPI probe; may send its own chain, nothing else';
comment on role re_agent_writer is 'RansomEye: a Linux or Windows agent; may send its own chain, nothing else';
comment on role re_ingest       is 'RansomEye: the ingest service; may send the chain of any instance';
comment on role re_correlation  is 'RansomEye: the correlation engine; reads facts, writes incidents through functions';
comment on role re_ai_writer    is 'RansomEye: the AI core; reads facts and incidents, appends AI metadata through functions';
comment on role re_soc          is 'RansomEye: the SOC user interface; reads views of its tenant';
comment on role re_auditor      is 'RansomEye: reads everything of every tenant';
comment on role re_retention    is 'RansomEye: creates, seals, detaches and drops partitions through functions';
comment on role re_enrol        is 'RansomEye: enrols tenants, instances, keys and readers through functions';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Schemas: one per domain
-- ---------------------------------------------------------------------------------------------------------------------------
create schema re_core  authorization re_owner;
create schema re_raw   authorization re_owner;
create schema re_agent authorization re_owner;
create schema re_dpi   authorization re_owner;
create schema re_ops   authorization re_owner;
create schema re_corr  authorization re_corr_owner;
create schema re_ai    authorization re_ai_owner;
create schema re_view  authorization re_viewer;

comment on schema re_core  is 'Identity: tenants, machines, component instances, signing keys, readers';
comment on schema re_raw   is 'Raw events exactly as signed, the batch ledger, chain heads, gaps, violations, checkpoints';
comment on schema re_agent is 'Host facts of agents: processes, files, persistence, network intent, deception, health';
comment on schema re_dpi   is 'Network facts of DPI probes: flows, DNS, heartbeats';
comment on schema re_ops   is 'Partitions, retention, legal holds and their ledger';
comment on schema re_corr  is 'Incidents, evidence, stages, decisions';
comment on schema re_ai    is 'AI metadata: references and scores, never facts';
comment on schema re_view  is 'Read-only views for people and programs';

-- Functions are executable by PUBLIC unless the default says otherwise; here nobody may until granted.
alter default privileges for role re_owner      revoke execute on functions from public;
alter default privileges for role re_corr_owner revoke execute on functions from public;
alter default privileges for role re_ai_owner   revoke execute on functions from public;
alter default privileges for role re_viewer     revoke execute on functions from public;

grant usage on schema re_core, re_raw, re_agent, re_dpi, re_corr, re_ai, re_ops, re_view to re_auditor;
grant usage on schema re_core to
    re_viewer, re_corr_owner, re_ai_owner, re_correlation, re_ai_writer, re_soc, re_probe, re_agent_writer, re_ingest, re_retention, re_enrol;

set role re_owner;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only: the trigger that every fact and ledger carries, partition leaves included. Statement level: it refuses even a
-- statement that would touch no row, and costs an INSERT nothing. ALWAYS: it fires under session_replication_role = replica too.
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_core.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception '% on %.% refused: append-only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'RE001', hint = 'record a new row; partitions leave through re_ops.retire_partition()';
end $$;
comment on function re_core.refuse_change() is 'Trigger: refuses UPDATE, DELETE and TRUNCATE (SQLSTATE RE001)';

create function re_core.make_append_only(p_table regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('create trigger refuse_change before update or delete or truncate on %s '
                   'for each statement execute function re_core.refuse_change()', p_table);
    execute format('alter table %s enable always trigger refuse_change', p_table);
end $$;
comment on function re_core.make_append_only(regclass) is 'Puts the refusal trigger on a table; for the owner and for partition creation';

-- ---------------------------------------------------------------------------------------------------------------------------
-- The bundle that made this database
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_core.schema_bundle (
    applied_at  timestamptz not null default clock_timestamp(),
    version     text        not null,
    ddl_sha256  bytea       not null,
    applied_by  name        not null default session_user,
    note        text        not null default '',
    constraint schema_bundle_pk primary key (version),
    constraint schema_bundle_version_is_semantic check (version ~ '^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$'),
    constraint schema_bundle_sha256_is_32_bytes check (octet_length(ddl_sha256) = 32),
    constraint schema_bundle_note_is_short check (octet_length(note) <= 1000)
);
comment on table  re_core.schema_bundle            is 'Which frozen bundle versions were applied here; the latest row is the one in force';
comment on column re_core.schema_bundle.applied_at is 'Database clock when the bundle was applied (UTC)';
comment on column re_core.schema_bundle.version    is 'Bundle version, semantic, as SCHEMA_BUNDLE.md states';
comment on column re_core.schema_bundle.ddl_sha256 is 'SHA-256 of the eight SQL files concatenated in order';
comment on column re_core.schema_bundle.applied_by is 'Login that applied it';
comment on column re_core.schema_bundle.note       is 'Free text of the operator';

create function re_core.register_bundle(p_version text, p_ddl_sha256 bytea, p_note text default '') returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    known bytea;
begin
    select b.ddl_sha256 into known from re_core.schema_bundle b where b.version = p_version;
    if known = p_ddl_sha256 then
        return;
    elsif known is not null then
        raise exception 'bundle % is registered with another hash (% here, % given)', p_version, encode(known, 'hex'), encode(p_ddl_sha256, 'hex')
            using errcode = 'RE002', hint = 'a changed bundle needs a new version number';
    end if;
    insert into re_core.schema_bundle (version, ddl_sha256, note) values (p_version, p_ddl_sha256, coalesce(p_note, ''));
end $$;
comment on function re_core.register_bundle(text, bytea, text) is 'Records the bundle just applied; idempotent; for the superuser who applies it';

create function re_core.bundle(out version text, out ddl_sha256 bytea, out applied_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    select b.version, b.ddl_sha256, b.applied_at into bundle.version, bundle.ddl_sha256, bundle.applied_at
    from re_core.schema_bundle b order by b.applied_at desc, b.version desc limit 1;
end $$;
comment on function re_core.bundle() is 'Version and hash of the bundle in force; NULLs when none is registered';

-- What a writer relies on are the functions of docs/database-protocol.md, not every byte of the bundle: a migration that leaves them as they
-- are leaves the writers of the version before at work. A change that such a writer would not survive raises newest; when the old way is
-- no longer served, oldest.
create function re_core.writer_contract(out oldest int, out newest int)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    oldest := 1;
    newest := 1;
end $$;
comment on function re_core.writer_contract() is 'Versions of the writer contract that this database serves; a writer compares its own with this range';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Tenants and their readers
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_core.tenant (
    tenant_id   uuid        not null default gen_random_uuid(),
    slug        text        not null,
    created_at  timestamptz not null default clock_timestamp(),
    created_by  name        not null default session_user,
    constraint tenant_pk primary key (tenant_id),
    constraint tenant_slug_is_unique unique (slug),
    constraint tenant_slug_is_plain check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);
comment on table  re_core.tenant            is 'One customer or organisational unit; every fact belongs to one';
comment on column re_core.tenant.tenant_id  is 'Key, random';
comment on column re_core.tenant.slug       is 'Short name for people and commands';
comment on column re_core.tenant.created_at is 'Database clock';
comment on column re_core.tenant.created_by is 'Login that created it';

create table re_core.tenant_member (
    db_role     name        not null,
    tenant_id   uuid        not null,
    granted_at  timestamptz not null default clock_timestamp(),
    granted_by  name        not null default session_user,
    constraint tenant_member_pk primary key (db_role),
    constraint tenant_member_tenant_fk foreign key (tenant_id) references re_core.tenant
);
comment on table  re_core.tenant_member            is 'Which tenant a reading login sees; row-level security looks up session_user here, never a setting a client could change';
comment on column re_core.tenant_member.db_role    is 'Login role; one tenant per login';
comment on column re_core.tenant_member.tenant_id  is 'The tenant it may read';
comment on column re_core.tenant_member.granted_at is 'Database clock';
comment on column re_core.tenant_member.granted_by is 'Login that granted it';

create function re_core.my_tenant() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (select m.tenant_id from re_core.tenant_member m where m.db_role = session_user);
end $$;
comment on function re_core.my_tenant() is 'Tenant of the logged-in role, NULL if it has none';

create function re_core.sees_all_tenants() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pg_has_role(session_user, 're_auditor', 'member');
end $$;
comment on function re_core.sees_all_tenants() is 'True for auditors and superusers';

create function re_core.protect_by_tenant(p_table regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('alter table %s enable row level security', p_table);
    execute format('create policy tenant_reads on %s for select '
                   'using (tenant_id = (select re_core.my_tenant()) or (select re_core.sees_all_tenants()))', p_table);
end $$;
comment on function re_core.protect_by_tenant(regclass) is 'Row-level security: a reader sees rows of its tenant; for the owner';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Machines and component instances
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_core.machine (
    machine_id    uuid        not null,
    tenant_id     uuid        not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    constraint machine_pk primary key (machine_id),
    constraint machine_and_tenant_are_unique unique (machine_id, tenant_id),
    constraint machine_tenant_fk foreign key (tenant_id) references re_core.tenant
);
comment on table  re_core.machine               is 'A host, the centre of every question';
comment on column re_core.machine.machine_id    is 'UUID derived from the machine-id (confidential itself); in replay derived from the capture';
comment on column re_core.machine.tenant_id     is 'Owner of the machine and of all its facts';
comment on column re_core.machine.first_seen_at is 'Database clock at enrolment';

create table re_core.component_instance (
    component_instance_id uuid        not null,
    machine_id            uuid        not null,
    tenant_id             uuid        not null,
    component             text        not null,
    mode                  text        not null,
    db_role               name        not null,
    registered_at         timestamptz not null default clock_timestamp(),
    registered_by         name        not null default session_user,
    note                  text        not null default '',
    constraint component_instance_pk primary key (component_instance_id),
    constraint component_instance_binding_is_unique unique (component_instance_id, machine_id, tenant_id, component, mode),
    constraint component_instance_mode_is_unique unique (component_instance_id, tenant_id, mode),
    constraint component_instance_tenant_is_unique unique (component_instance_id, tenant_id),
    constraint component_instance_component_is_unique unique (component_instance_id, component),
    constraint component_instance_machine_fk foreign key (machine_id, tenant_id) references re_core.machine (machine_id, tenant_id),
    constraint component_instance_component_is_known check (component in ('dpi_probe', 'linux_agent', 'windows_agent', 'verifier', 'witness')),
    constraint component_instance_mode_is_known check (mode in ('live', 'replay')),
    constraint component_instance_note_is_short check (octet_length(note) <= 1000)
);
comment on table  re_core.component_instance                       is 'One chain of events: one installed component on one machine; survives restart, reboot and upgrade';
comment on column re_core.component_instance.component_instance_id is 'Minted at enrolment, in replay derived; in every envelope';
comment on column re_core.component_instance.machine_id            is 'Machine it runs on; an envelope naming another is refused';
comment on column re_core.component_instance.tenant_id             is 'Tenant, equal to the machine''s';
comment on column re_core.component_instance.component             is 'Kind of component, as in the envelope';
comment on column re_core.component_instance.mode                  is 'live or replay; an envelope of the other mode is refused, so replays never pass as live';
comment on column re_core.component_instance.db_role               is 'Login that may send this chain';
comment on column re_core.component_instance.registered_at         is 'Database clock';
comment on column re_core.component_instance.registered_by         is 'Login that enrolled it';
comment on column re_core.component_instance.note                  is 'Free text of the operator';

create table re_core.component_instance_status (
    component_instance_id uuid        not null,
    status_no             int         not null,
    tenant_id             uuid        not null,
    status                text        not null,
    reason                text        not null,
    changed_at            timestamptz not null default clock_timestamp(),
    changed_by            name        not null default session_user,
    constraint component_instance_status_pk primary key (component_instance_id, status_no),
    constraint component_instance_status_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint component_instance_status_no_is_positive check (status_no >= 1),
    constraint component_instance_status_is_known check (status in ('active', 'retired')),
    constraint component_instance_status_reason_is_short check (octet_length(reason) between 1 and 1000)
);
comment on table  re_core.component_instance_status                       is 'Life of an instance; the highest status_no is in force';
comment on column re_core.component_instance_status.component_instance_id is 'Instance';
comment on column re_core.component_instance_status.status_no             is 'From 1, no gaps';
comment on column re_core.component_instance_status.tenant_id             is 'Tenant of the instance';
comment on column re_core.component_instance_status.status                is 'active, or retired: its chain takes no further event';
comment on column re_core.component_instance_status.reason                is 'Why';
comment on column re_core.component_instance_status.changed_at            is 'Database clock';
comment on column re_core.component_instance_status.changed_by            is 'Login that did it';

create table re_core.component_identity_history (
    component_instance_id uuid        not null,
    first_seq             bigint      not null,
    tenant_id             uuid        not null,
    boot_id               uuid        not null,
    hostname              text        not null,
    version               text        not null,
    emitted_at            timestamptz not null,
    ingested_at           timestamptz not null default now(),
    constraint component_identity_history_pk primary key (component_instance_id, first_seq),
    constraint component_identity_history_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint component_identity_history_seq_is_positive check (first_seq >= 0)
);
comment on table  re_core.component_identity_history                       is 'One row whenever boot, host name or version of an instance changed, written by ingest from the signed envelopes';
comment on column re_core.component_identity_history.component_instance_id is 'Instance';
comment on column re_core.component_identity_history.first_seq             is 'First event that carried these values';
comment on column re_core.component_identity_history.tenant_id             is 'Tenant of the instance';
comment on column re_core.component_identity_history.boot_id               is 'identity.boot_id of the envelope';
comment on column re_core.component_identity_history.hostname              is 'identity.hostname of the envelope, pct-text';
comment on column re_core.component_identity_history.version               is 'identity.version of the envelope';
comment on column re_core.component_identity_history.emitted_at            is 'emitted_at of that event, the component''s clock';
comment on column re_core.component_identity_history.ingested_at           is 'Database clock of its batch';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Signing keys: public halves and metadata only
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_core.signing_key (
    component_instance_id uuid        not null,
    key_id                bytea       not null,
    tenant_id             uuid        not null,
    mode                  text        not null,
    algorithm             text        not null default 'ed25519',
    spki                  bytea       not null,
    storage               text        not null,
    registered_at         timestamptz not null default clock_timestamp(),
    registered_by         name        not null default session_user,
    note                  text        not null default '',
    constraint signing_key_pk primary key (component_instance_id, key_id),
    constraint signing_key_instance_fk foreign key (component_instance_id, tenant_id, mode)
        references re_core.component_instance (component_instance_id, tenant_id, mode),
    constraint signing_key_id_is_hash_of_spki check (key_id = sha256(spki)),
    constraint signing_key_algorithm_is_known check (algorithm in ('ed25519')),
    constraint signing_key_spki_is_ed25519 check (octet_length(spki) = 44 and substring(spki from 1 for 12) = '\x302a300506032b6570032100'::bytea),
    constraint signing_key_storage_is_plain check (storage ~ '^[a-z][a-z0-9_]{0,31}$'),
    constraint signing_key_note_is_short check (octet_length(note) <= 1000)
);
-- A live key belongs to one instance. Replays may share one: it is derived from the capture, or is the machine's own.
create unique index signing_key_live_has_one_owner on re_core.signing_key (key_id) where mode = 'live';
comment on table  re_core.signing_key                       is 'Registry of public keys that sign checkpoints; private halves never come here';
comment on column re_core.signing_key.component_instance_id is 'Instance whose chain it signs';
comment on column re_core.signing_key.key_id                is 'SHA-256 of the SPKI';
comment on column re_core.signing_key.tenant_id             is 'Tenant of the instance';
comment on column re_core.signing_key.mode                  is 'Mode of the instance; unique owner only when live';
comment on column re_core.signing_key.algorithm             is 'Signature algorithm';
comment on column re_core.signing_key.spki                  is 'Public key, DER SubjectPublicKeyInfo';
comment on column re_core.signing_key.storage               is 'Where the private half is kept: file, tpm, pkcs11, derived';
comment on column re_core.signing_key.registered_at         is 'Database clock';
comment on column re_core.signing_key.registered_by         is 'Login that registered it';
comment on column re_core.signing_key.note                  is 'Free text of the operator';

create table re_core.signing_key_status (
    component_instance_id uuid        not null,
    key_id                bytea       not null,
    status_no             int         not null,
    tenant_id             uuid        not null,
    status                text        not null,
    effective_seq         bigint      not null,
    reason                text        not null,
    changed_at            timestamptz not null default clock_timestamp(),
    changed_by            name        not null default session_user,
    constraint signing_key_status_pk primary key (component_instance_id, key_id, status_no),
    constraint signing_key_status_key_fk foreign key (component_instance_id, key_id) references re_core.signing_key (component_instance_id, key_id),
    constraint signing_key_status_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint signing_key_status_no_is_positive check (status_no >= 1),
    constraint signing_key_status_is_known check (status in ('active', 'superseded', 'revoked', 'compromised')),
    constraint signing_key_status_seq_is_positive check (effective_seq >= 0),
    constraint signing_key_status_reason_is_short check (octet_length(reason) between 1 and 1000)
);
comment on table  re_core.signing_key_status                       is 'Life of a key by sequence number, not by time: a back-dated clock revives no key';
comment on column re_core.signing_key_status.component_instance_id is 'Instance';
comment on column re_core.signing_key_status.key_id                is 'Key';
comment on column re_core.signing_key_status.status_no             is 'From 1, no gaps';
comment on column re_core.signing_key_status.tenant_id             is 'Tenant of the instance';
comment on column re_core.signing_key_status.status                is 'active from, superseded from, revoked from, compromised since effective_seq';
comment on column re_core.signing_key_status.effective_seq         is 'First sequence number to which the status applies';
comment on column re_core.signing_key_status.reason                is 'Why';
comment on column re_core.signing_key_status.changed_at            is 'Database clock';
comment on column re_core.signing_key_status.changed_by            is 'Login that did it';

-- ---------------------------------------------------------------------------------------------------------------------------
-- What may run where: declared here, compared with what heartbeats say
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_core.approved_version (
    machine_id    uuid        not null,
    approval_no   int         not null,
    tenant_id     uuid        not null,
    config_sha256 bytea,
    schema_sha256 bytea,
    ndpi_version  text,
    probe_version text,
    reason        text        not null,
    approved_at   timestamptz not null default clock_timestamp(),
    approved_by   name        not null default session_user,
    constraint approved_version_pk primary key (machine_id, approval_no),
    constraint approved_version_machine_fk foreign key (machine_id, tenant_id) references re_core.machine (machine_id, tenant_id),
    constraint approved_version_no_is_positive check (approval_no >= 1),
    constraint approved_version_digests_are_32_bytes check (octet_length(config_sha256) = 32 and octet_length(schema_sha256) = 32),
    constraint approved_version_names_are_short check (octet_length(ndpi_version) between 1 and 255 and octet_length(probe_version) between 1 and 255),
    constraint approved_version_reason_is_short check (octet_length(reason) between 1 and 1000)
);
comment on table  re_core.approved_version               is 'Configuration, schema, nDPI and probe version that a machine is meant to run; the highest approval_no is in force';
comment on column re_core.approved_version.machine_id    is 'Machine';
comment on column re_core.approved_version.approval_no   is 'From 1, no gaps';
comment on column re_core.approved_version.tenant_id     is 'Tenant of the machine';
comment on column re_core.approved_version.config_sha256 is 'Digest of the effective configuration; NULL: any';
comment on column re_core.approved_version.schema_sha256 is 'Hash of the schema bundle; NULL: the one in force here';
comment on column re_core.approved_version.ndpi_version  is 'Version of nDPI; NULL: any';
comment on column re_core.approved_version.probe_version is 'Version of the probe; NULL: any';
comment on column re_core.approved_version.reason        is 'Why';
comment on column re_core.approved_version.approved_at   is 'Database clock';
comment on column re_core.approved_version.approved_by   is 'Login that approved it';

create function re_core.approve_version(p_machine uuid, p_config_sha256 bytea, p_schema_sha256 bytea, p_ndpi_version text, p_probe_version text, p_reason text)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    last  re_core.approved_version;
    owner uuid := (select m.tenant_id from re_core.machine m where m.machine_id = p_machine);
begin
    if owner is null then
        raise exception 'no machine %', p_machine using errcode = 'RE002';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('re_core.register_instance', 0));
    select * into last from re_core.approved_version a where a.machine_id = p_machine order by a.approval_no desc limit 1;
    if found and (last.config_sha256, last.schema_sha256, last.ndpi_version, last.probe_version)
                 is not distinct from (p_config_sha256, p_schema_sha256, p_ndpi_version, p_probe_version) then
        return 'unchanged';
    end if;
    insert into re_core.approved_version (machine_id, approval_no, tenant_id, config_sha256, schema_sha256, ndpi_version, probe_version, reason)
    values (p_machine, coalesce(last.approval_no, 0) + 1, owner, p_config_sha256, p_schema_sha256, p_ndpi_version, p_probe_version, p_reason);
    return 'approved';
end $$;
comment on function re_core.approve_version(uuid, bytea, bytea, text, text, text) is
    'Declares what a machine is meant to run, NULL = any; a heartbeat that says otherwise degrades its probe';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Enrolment: idempotent for identical values, a clear refusal for anything that contradicts the registry
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_core.create_tenant(p_slug text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_core.tenant (slug) values (p_slug) on conflict (slug) do nothing;
    return (select t.tenant_id from re_core.tenant t where t.slug = p_slug);
end $$;
comment on function re_core.create_tenant(text) is 'Creates a tenant, or returns the one of that slug';

create function re_core.enrol_reader(p_db_role name, p_tenant_slug text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wanted uuid := (select t.tenant_id from re_core.tenant t where t.slug = p_tenant_slug);
    has    uuid := (select m.tenant_id from re_core.tenant_member m where m.db_role = p_db_role);
begin
    if wanted is null then
        raise exception 'no tenant "%"', p_tenant_slug using errcode = 'RE002', hint = 'select re_core.create_tenant(slug)';
    elsif has = wanted then
        return 'unchanged';
    elsif has is not null then
        raise exception 'role "%" reads another tenant', p_db_role using errcode = 'RE002', hint = 'use one login per tenant';
    end if;
    insert into re_core.tenant_member (db_role, tenant_id) values (p_db_role, wanted);
    return 'enrolled';
end $$;
comment on function re_core.enrol_reader(name, text) is 'Lets a login read the rows of one tenant; grant it re_soc, re_correlation or re_ai_writer as well';

-- The part that live and replay enrolment share. Not granted to anybody.
create function re_core.register_instance(
    p_instance uuid, p_machine uuid, p_tenant uuid, p_component text, p_mode text, p_db_role name,
    p_spki bytea, p_storage text, p_note text, p_beside uuid, out status text, out key_id bytea)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    known  re_core.component_instance;
    other  uuid;
    keys   int;
begin
    key_id := sha256(p_spki);
    if p_instance is null or p_machine is null or p_component is null or p_mode is null or p_db_role is null or p_spki is null or p_storage is null then
        raise exception 'enrolment needs instance, machine, component, mode, role, key and storage' using errcode = 'RE002';
    end if;
    -- One enrolment at a time: "no other active instance on this machine" must hold when two ask at once.
    perform pg_advisory_xact_lock(hashtextextended('re_core.register_instance', 0));

    select * into known from re_core.component_instance c where c.component_instance_id = p_instance;
    if found then
        if (known.machine_id, known.tenant_id, known.component, known.mode, known.db_role)
           is distinct from (p_machine, p_tenant, p_component, p_mode, p_db_role) then
            raise exception 'instance % is enrolled with other values: machine %, component %, mode %, role "%"',
                p_instance, known.machine_id, known.component, known.mode, known.db_role
                using errcode = 'RE002', hint = 'an instance never changes these; mint a new instance id';
        end if;
        if not exists (select from re_core.signing_key k where k.component_instance_id = p_instance and k.key_id = register_instance.key_id) then
            raise exception 'instance % is enrolled with another key', p_instance
                using errcode = 'RE002', hint = 're_core.rotate_key() registers a further key of the same chain; a lost key needs a new instance';
        end if;
        status := 'unchanged';
        return;
    end if;

    if p_mode = 'live' then
        select c.component_instance_id into other
        from re_core.component_instance c
        where c.machine_id = p_machine and c.component = p_component and c.mode = 'live' and re_core.instance_is_active(c.component_instance_id)
        order by (c.component_instance_id = p_beside) desc nulls last, c.registered_at desc, c.component_instance_id limit 1;
        -- Naming the other one is what a cloned image cannot do by itself.
        if found and other is distinct from p_beside then
            raise exception 'machine % already has the active % instance %', p_machine, p_component, other
                using errcode = 'RE002',
                      hint = format('a cloned image? else: select re_core.retire_instance(%L, ''reason''), or name it to enrol another one beside it', other);
        end if;
        select k.component_instance_id into other from re_core.signing_key k where k.key_id = register_instance.key_id and k.mode = 'live';
        if found then
            raise exception 'the key is already registered to instance %', other using errcode = 'RE002', hint = 'generate a new key';
        end if;
    end if;

    insert into re_core.machine (machine_id, tenant_id) values (p_machine, p_tenant) on conflict do nothing;
    if not exists (select from re_core.machine m where m.machine_id = p_machine and m.tenant_id = p_tenant) then
        raise exception 'machine % belongs to another tenant', p_machine using errcode = 'RE002';
    end if;
    insert into re_core.component_instance (component_instance_id, machine_id, tenant_id, component, mode, db_role, note)
        values (p_instance, p_machine, p_tenant, p_component, p_mode, p_db_role, coalesce(p_note, ''));
    insert into re_core.component_instance_status (component_instance_id, status_no, tenant_id, status, reason)
        values (p_instance, 1, p_tenant, 'active', 'enrolled');
    insert into re_core.signing_key (component_instance_id, key_id, tenant_id, mode, spki, storage, note)
        values (p_instance, key_id, p_tenant, p_mode, p_spki, p_storage, coalesce(p_note, ''));
    insert into re_core.signing_key_status (component_instance_id, key_id, status_no, tenant_id, status, effective_seq, reason)
        values (p_instance, key_id, 1, p_tenant, 'active', 0, 'enrolled');
    insert into re_raw.chain_head (component_instance_id, tenant_id) values (p_instance, p_tenant);
    status := 'enrolled';
end $$;
comment on function re_core.register_instance(uuid, uuid, uuid, text, text, name, bytea, text, text, uuid) is 'Shared part of enrolment; internal';

create function re_core.instance_is_active(p_instance uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (select s.status = 'active' from re_core.component_instance_status s
            where s.component_instance_id = p_instance order by s.status_no desc limit 1);
end $$;
comment on function re_core.instance_is_active(uuid) is 'Whether the last status of an instance is active; NULL when unknown';

create function re_core.enrol_instance(
    p_instance uuid, p_machine uuid, p_tenant_slug text, p_component text, p_mode text, p_db_role name,
    p_spki bytea, p_storage text, p_note text, p_beside uuid default null, out status text, out key_id bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    tenant uuid;
    oid_of_role oid := (select r.oid from pg_roles r where r.rolname = p_db_role);
begin
    if p_tenant_slug = 'default' then
        tenant := re_core.create_tenant('default');
    else
        select t.tenant_id into tenant from re_core.tenant t where t.slug = p_tenant_slug;
        if not found then
            raise exception 'no tenant "%"', p_tenant_slug using errcode = 'RE002', hint = 'select re_core.create_tenant(slug)';
        end if;
    end if;
    if oid_of_role is null then
        raise exception 'no role "%"', p_db_role using errcode = 'RE002', hint = format('create role %I login; grant re_probe to %I', p_db_role, p_db_role);
    elsif not (pg_has_role(oid_of_role, 're_probe', 'member') or pg_has_role(oid_of_role, 're_agent_writer', 'member')
               or pg_has_role(oid_of_role, 're_ingest', 'member')) then
        raise exception 'role "%" may not send events', p_db_role
            using errcode = 'RE002', hint = format('grant re_probe to %I (or re_agent_writer, or re_ingest)', p_db_role);
    end if;
    select r.status, r.key_id into enrol_instance.status, enrol_instance.key_id
    from re_core.register_instance(p_instance, p_machine, tenant, p_component, p_mode, p_db_role, p_spki, p_storage, p_note, p_beside) r;
end $$;
comment on function re_core.enrol_instance(uuid, uuid, text, text, text, name, bytea, text, text, uuid) is
    'Registers an instance with its first key: enrolled, or unchanged when it is there with the same values; SQLSTATE RE002 when anything contradicts. A machine has one active instance of a component, or more when each further one names an active one (p_beside)';

-- A replay needs no operator: it can never pass as live, whatever it registers. Bounded per login.
create function re_core.enrol_replay(p_instance uuid, p_machine uuid, p_spki bytea, out status text, out key_id bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    tenant uuid;
begin
    -- The shared part says what an instance is enrolled with; a login that asks for another's learns nothing from here.
    if exists (select from re_core.component_instance c where c.component_instance_id = p_instance and (c.mode <> 'replay' or c.db_role <> session_user)) then
        raise exception 'instance % is not a replay of this login', p_instance using errcode = 'RE002', hint = 'use a new instance id';
    end if;
    select c.tenant_id into tenant from re_core.component_instance c where c.component_instance_id = p_instance;
    if not found then
        select c.tenant_id into tenant from re_core.component_instance c
        where c.db_role = session_user order by (c.mode = 'live') desc, c.registered_at, c.component_instance_id limit 1;
    end if;
    tenant := coalesce(tenant, re_core.my_tenant(), re_core.create_tenant('default'));
    if not exists (select from re_core.component_instance c where c.component_instance_id = p_instance)
       and (select count(*) from re_core.component_instance c where c.db_role = session_user and c.mode = 'replay') >= 10000 then
        raise exception 'role "%" has registered 10000 replays', session_user using errcode = 'RE002', hint = 'use another login';
    end if;
    select r.status, r.key_id into enrol_replay.status, enrol_replay.key_id
    from re_core.register_instance(p_instance, p_machine, tenant, 'dpi_probe', 'replay', session_user, p_spki, 'derived', 'replay', null) r;
end $$;
comment on function re_core.enrol_replay(uuid, uuid, bytea) is 'Registers a replay instance for the calling login only; same answers as enrol_instance';

create function re_core.retire_instance(p_instance uuid, p_reason text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    last re_core.component_instance_status;
begin
    perform pg_advisory_xact_lock(hashtextextended('re_core.register_instance', 0));
    select * into last from re_core.component_instance_status s where s.component_instance_id = p_instance order by s.status_no desc limit 1;
    if not found then
        raise exception 'no instance %', p_instance using errcode = 'RE002';
    elsif last.status = 'retired' then
        return 'unchanged';
    end if;
    insert into re_core.component_instance_status (component_instance_id, status_no, tenant_id, status, reason)
        values (p_instance, last.status_no + 1, last.tenant_id, 'retired', p_reason);
    return 'retired';
end $$;
comment on function re_core.retire_instance(uuid, text) is 'Ends a chain: no further event is taken; for good';

create function re_core.add_key_status(p_instance uuid, p_key_id bytea, p_status text, p_effective_seq bigint, p_reason text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_core.signing_key_status (component_instance_id, key_id, status_no, tenant_id, status, effective_seq, reason)
    select k.component_instance_id, k.key_id,
           1 + (select count(*) from re_core.signing_key_status s where s.component_instance_id = k.component_instance_id and s.key_id = k.key_id)::int,
           k.tenant_id, p_status, p_effective_seq, p_reason
    from re_core.signing_key k where k.component_instance_id = p_instance and k.key_id = p_key_id;
    if not found then
        raise exception 'instance % has no key %', p_instance, encode(p_key_id, 'hex') using errcode = 'RE002';
    end if;
end $$;
comment on function re_core.add_key_status(uuid, bytea, text, bigint, text) is 'Appends to a key''s life; internal';

create function re_core.rotate_key(p_instance uuid, p_old_key_id bytea, p_new_spki bytea, p_effective_seq bigint, p_storage text, p_reason text,
                                   out status text, out key_id bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    inst re_core.component_instance;
begin
    key_id := sha256(p_new_spki);
    select * into inst from re_core.component_instance c where c.component_instance_id = p_instance;
    if not found then
        raise exception 'no instance %', p_instance using errcode = 'RE002';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('re_core.register_instance', 0));
    if exists (select from re_core.signing_key k where k.component_instance_id = p_instance and k.key_id = rotate_key.key_id) then
        status := 'unchanged';
        return;
    end if;
    insert into re_core.signing_key (component_instance_id, key_id, tenant_id, mode, spki, storage, note)
        values (p_instance, key_id, inst.tenant_id, inst.mode, p_new_spki, p_storage, p_reason);
    perform re_core.add_key_status(p_instance, key_id, 'active', p_effective_seq, p_reason);
    perform re_core.add_key_status(p_instance, p_old_key_id, 'superseded', p_effective_seq, p_reason);
    status := 'rotated';
end $$;
comment on function re_core.rotate_key(uuid, bytea, bytea, bigint, text, text) is
    'Registers the next key of a chain from the sequence number of its key.rotate event on, and ends the old one there';

create function re_core.revoke_key(p_instance uuid, p_key_id bytea, p_effective_seq bigint, p_compromised boolean, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('re_core.register_instance', 0));
    perform re_core.add_key_status(p_instance, p_key_id, case when p_compromised then 'compromised' else 'revoked' end, p_effective_seq, p_reason);
end $$;
comment on function re_core.revoke_key(uuid, bytea, bigint, boolean, text) is
    'Declares that a key proves nothing from a sequence number on; with p_compromised only checkpoints already witnessed elsewhere count';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only, row-level security, grants
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t) from unnest(array[
    're_core.schema_bundle', 're_core.tenant', 're_core.tenant_member', 're_core.machine', 're_core.component_instance',
    're_core.component_instance_status', 're_core.component_identity_history', 're_core.signing_key', 're_core.signing_key_status',
    're_core.approved_version']::regclass[]) t;

select re_core.protect_by_tenant(t) from unnest(array[
    're_core.tenant', 're_core.tenant_member', 're_core.machine', 're_core.component_instance', 're_core.component_instance_status',
    're_core.component_identity_history', 're_core.signing_key', 're_core.signing_key_status', 're_core.approved_version']::regclass[]) t;

grant execute on function re_core.my_tenant(), re_core.sees_all_tenants() to
    re_viewer, re_soc, re_auditor, re_correlation, re_ai_writer, re_corr_owner, re_ai_owner, re_probe, re_agent_writer, re_ingest, re_retention, re_enrol;
grant execute on function re_core.bundle(), re_core.writer_contract() to
    re_viewer, re_soc, re_auditor, re_correlation, re_ai_writer, re_probe, re_agent_writer, re_ingest, re_retention, re_enrol;
grant execute on function re_core.make_append_only(regclass), re_core.protect_by_tenant(regclass), re_core.refuse_change() to re_corr_owner, re_ai_owner;
grant execute on function
    re_core.create_tenant(text),
    re_core.enrol_reader(name, text),
    re_core.enrol_instance(uuid, uuid, text, text, text, name, bytea, text, text, uuid),
    re_core.retire_instance(uuid, text),
    re_core.approve_version(uuid, bytea, bytea, text, text, text),
    re_core.rotate_key(uuid, bytea, bytea, bigint, text, text),
    re_core.revoke_key(uuid, bytea, bigint, boolean, text) to re_enrol;
grant execute on function re_core.enrol_replay(uuid, uuid, bytea) to re_probe;

grant select on all tables in schema re_core to re_auditor, re_viewer;
grant select on re_core.machine, re_core.component_instance, re_core.component_instance_status, re_core.component_identity_history
    to re_correlation, re_ai_writer;
grant references on re_core.tenant, re_core.machine, re_core.component_instance to re_corr_owner, re_ai_owner;
grant select on re_core.machine to re_corr_owner, re_ai_owner;
grant select on re_core.component_instance to re_ai_owner;

reset role;
