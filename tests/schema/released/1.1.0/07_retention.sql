-- 07_retention.sql: partitions and what becomes of them. Created ahead, sealed, detached, dropped; every act in a hash-chained ledger.
--
-- No extension is needed: call re_ops.ensure_partitions() from a timer, from pg_cron, or leave it to re_raw.ingest(), which makes a
-- missing day itself. Dropping is never automatic; re_ops.due() says what the policy would allow.

-- Partitions of the AI schema are made by the same functions. This gives the owner of facts power over AI metadata, not the reverse.
grant re_ai_owner to re_owner;

set role re_owner;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Policy: one row per table of the bundle
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_ops.retention_policy (
    schema_name      name     not null,
    table_name       name     not null,
    span             text     not null,
    partition_column name,
    parent_schema    name,
    parent_table     name,
    key_columns      name[],
    parent_columns   name[],
    premake          int      not null,
    hot              interval,
    warm             interval,
    cold             interval,
    constraint retention_policy_pk primary key (schema_name, table_name),
    constraint retention_policy_parent_fk foreign key (parent_schema, parent_table)
        references re_ops.retention_policy (schema_name, table_name),
    constraint retention_policy_span_is_known check (span in ('day', 'month', 'none')),
    constraint retention_policy_partition_is_whole check ((span = 'none') = (partition_column is null)),
    constraint retention_policy_parent_is_whole check (num_nulls(parent_schema, parent_table, key_columns, parent_columns) in (0, 4)),
    constraint retention_policy_premake_is_ahead check (premake >= case span when 'day' then 2 when 'month' then 1 else 0 end),
    constraint retention_policy_tiers_are_ordered check (
        num_nulls(hot, warm, cold) in (0, 3) and (hot is null or (interval '0' < hot and hot <= warm and warm <= cold))),
    constraint retention_policy_unpartitioned_is_kept check (span <> 'none' or hot is null)
);
comment on table  re_ops.retention_policy                  is 'How each table is partitioned and kept; NULL tiers mean for ever';
comment on column re_ops.retention_policy.schema_name      is 'Schema of the table';
comment on column re_ops.retention_policy.table_name       is 'Table';
comment on column re_ops.retention_policy.span             is 'Partition grain: day, month, none';
comment on column re_ops.retention_policy.partition_column is 'Partition column, a server time';
comment on column re_ops.retention_policy.parent_schema    is 'Schema of the table that each leaf references in the same span';
comment on column re_ops.retention_policy.parent_table     is 'That table';
comment on column re_ops.retention_policy.key_columns      is 'Referencing columns';
comment on column re_ops.retention_policy.parent_columns   is 'Referenced columns';
comment on column re_ops.retention_policy.premake          is 'Partitions kept ready ahead of today''s';
comment on column re_ops.retention_policy.hot              is 'Age until which a partition is on fast storage and unsealed work is allowed';
comment on column re_ops.retention_policy.warm             is 'Age until which a sealed partition stays attached';
comment on column re_ops.retention_policy.cold             is 'Age until which its archive is kept; then it may be dropped';

insert into re_ops.retention_policy
    (schema_name, table_name, span, partition_column, parent_schema, parent_table, key_columns, parent_columns, premake, hot, warm, cold)
select 're_raw', 'raw_event', 'day', 'ingested_at', null, null, null, null, 3, interval '30 days', interval '180 days', interval '7 years'
union all
select 're_raw', t.child, 'day', 'ingested_at', 're_raw', t.parent, '{ingested_at,component_instance_id,seq}'::name[],
       '{ingested_at,component_instance_id,seq}'::name[], 3, interval '30 days', interval '180 days', interval '7 years'
from (values ('quarantine', 'raw_event'), ('quarantine_mended', 'quarantine')) t(child, parent)
union all
select 're_dpi', t.child, 'day', 'ingested_at', t.parent_schema, t.parent, '{ingested_at,component_instance_id,seq}'::name[],
       '{ingested_at,component_instance_id,seq}'::name[], 3, interval '30 days', interval '90 days', interval '1 year'
from (values
    (1, 'flow', 're_raw', 'raw_event'), (1, 'dns', 're_raw', 'raw_event'), (1, 'heartbeat', 're_raw', 'raw_event'),
    (2, 'flow_vlan', 're_dpi', 'flow'), (2, 'flow_encapsulation', 're_dpi', 'flow'), (2, 'flow_risk', 're_dpi', 'flow'),
    (2, 'flow_packet', 're_dpi', 'flow'), (2, 'flow_anomaly', 're_dpi', 'flow'),
    (2, 'dns_question', 're_dpi', 'dns'), (2, 'dns_record', 're_dpi', 'dns'), (2, 'dns_edns_option', 're_dpi', 'dns'), (2, 'dns_query_edns_option', 're_dpi', 'dns'), (2, 'dns_anomaly', 're_dpi', 'dns'),
    (2, 'heartbeat_reason', 're_dpi', 'heartbeat'), (2, 'heartbeat_anomaly', 're_dpi', 'heartbeat'), (2, 'heartbeat_interface', 're_dpi', 'heartbeat'),
    (2, 'heartbeat_event', 're_dpi', 'heartbeat'), (2, 'heartbeat_loss', 're_dpi', 'heartbeat'),
    (1, 'loss_report', 're_raw', 'raw_event'), (2, 'loss_report_event', 're_dpi', 'loss_report'), (1, 'clock_step', 're_raw', 'raw_event'),
    (1, 'probe_start', 're_raw', 'raw_event'), (1, 'probe_stop', 're_raw', 'raw_event'), (1, 'config_change', 're_raw', 'raw_event'),
    (2, 'config_change_member', 're_dpi', 'config_change'), (1, 'worker_crash', 're_raw', 'raw_event')
) t(depth, child, parent_schema, parent)
union all
select 're_agent', t.child, 'day', 'ingested_at', 're_raw', 'raw_event', '{ingested_at,component_instance_id,seq}'::name[],
       '{ingested_at,component_instance_id,seq}'::name[], 3, interval '90 days', interval '1 year', interval '2 years'
from unnest(array['process_activity', 'file_activity', 'persistence_activity', 'network_intent', 'deception_event', 'component_health']) t(child)
union all
select 're_ai', 'feature_vector', 'month', 'vector_at', null, null, null, null, 2, interval '90 days', interval '1 year', interval '3 years'
union all
select 're_ai', t.child, 'month', 'vector_at', 're_ai', 'feature_vector', '{vector_at,vector_id}'::name[], '{vector_at,vector_id}'::name[],
       2, interval '90 days', interval '1 year', interval '3 years'
from unnest(array['cluster_member', 'novelty_score', 'shap_explanation']) t(child);

-- ---------------------------------------------------------------------------------------------------------------------------
-- Ledger of every act on a partition
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_ops.retention_ledger (
    ledger_no       bigint      not null,
    at              timestamptz not null default clock_timestamp(),
    actor           name        not null default session_user,
    action          text        not null,
    schema_name     name        not null,
    table_name      name        not null,
    partition_name  name        not null,
    range_from      timestamptz not null,
    range_to        timestamptz not null,
    row_count       bigint,
    content_sha256  bytea,
    note            text        not null default '',
    prev_entry_hash bytea       not null,
    entry_hash      bytea       not null,
    constraint retention_ledger_pk primary key (ledger_no),
    constraint retention_ledger_hash_is_unique unique (entry_hash),
    constraint retention_ledger_has_one_successor unique (prev_entry_hash),
    constraint retention_ledger_no_is_positive check (ledger_no >= 1),
    constraint retention_ledger_action_is_known check (action in ('created', 'sealed', 'archived', 'detached', 'dropped')),
    constraint retention_ledger_range_is_valid check (range_to > range_from),
    constraint retention_ledger_entry_hash_is_true check (entry_hash = sha256(prev_entry_hash || convert_to(concat_ws('|',
        ledger_no, actor, action, schema_name, table_name, partition_name, extract(epoch from at), extract(epoch from range_from),
        extract(epoch from range_to), coalesce(row_count, -1), coalesce(encode(content_sha256, 'hex'), '-'), note), 'UTF8')))
);

comment on table  re_ops.retention_ledger                 is 'Every act on a partition, linked by hash: nothing disappears without a trace';
comment on column re_ops.retention_ledger.ledger_no       is 'From 1, no gaps';
comment on column re_ops.retention_ledger.at              is 'Database clock';
comment on column re_ops.retention_ledger.actor           is 'Login that did it';
comment on column re_ops.retention_ledger.action          is 'created, sealed, archived, detached, dropped';
comment on column re_ops.retention_ledger.schema_name     is 'Schema of the table';
comment on column re_ops.retention_ledger.table_name      is 'Table';
comment on column re_ops.retention_ledger.partition_name  is 'Partition';
comment on column re_ops.retention_ledger.range_from      is 'Beginning of its range, UTC, included';
comment on column re_ops.retention_ledger.range_to        is 'End of its range, UTC, excluded';
comment on column re_ops.retention_ledger.row_count       is 'Rows then';
comment on column re_ops.retention_ledger.content_sha256  is 'Raw events: SHA-256 over the last hashes of the batches of the range in order; archives: SHA-256 of the archive';
comment on column re_ops.retention_ledger.note            is 'Free text; of an archive its reference';
comment on column re_ops.retention_ledger.prev_entry_hash is 'entry_hash of the entry before';
comment on column re_ops.retention_ledger.entry_hash      is 'SHA-256 over the entry before and this row';

create table re_ops.legal_hold (
    hold_id     uuid        not null default gen_random_uuid(),
    schema_name name,
    table_name  name,
    range_from  timestamptz not null,
    range_to    timestamptz not null,
    reason      text        not null,
    placed_at   timestamptz not null default clock_timestamp(),
    placed_by   name        not null default session_user,
    constraint legal_hold_pk primary key (hold_id),
    constraint legal_hold_policy_fk foreign key (schema_name, table_name) references re_ops.retention_policy (schema_name, table_name),
    constraint legal_hold_table_is_whole check ((schema_name is null) = (table_name is null)),
    constraint legal_hold_range_is_valid check (range_to > range_from),
    constraint legal_hold_reason_is_short check (octet_length(reason) between 1 and 4000)
);
comment on table  re_ops.legal_hold             is 'Ranges that may not be dropped while the hold stands';
comment on column re_ops.legal_hold.hold_id     is 'Key';
comment on column re_ops.legal_hold.schema_name is 'Schema of the table held, NULL = all tables';
comment on column re_ops.legal_hold.table_name  is 'Table held, NULL = all tables';
comment on column re_ops.legal_hold.range_from  is 'Partition time from, included';
comment on column re_ops.legal_hold.range_to    is 'Partition time to, excluded';
comment on column re_ops.legal_hold.reason      is 'Why';
comment on column re_ops.legal_hold.placed_at   is 'Database clock';
comment on column re_ops.legal_hold.placed_by   is 'Login that placed it';

create table re_ops.legal_hold_release (
    hold_id     uuid        not null,
    reason      text        not null,
    released_at timestamptz not null default clock_timestamp(),
    released_by name        not null default session_user,
    constraint legal_hold_release_pk primary key (hold_id),
    constraint legal_hold_release_hold_fk foreign key (hold_id) references re_ops.legal_hold,
    constraint legal_hold_release_reason_is_short check (octet_length(reason) between 1 and 4000)
);
comment on table  re_ops.legal_hold_release             is 'Holds that were lifted';
comment on column re_ops.legal_hold_release.hold_id     is 'Hold';
comment on column re_ops.legal_hold_release.reason      is 'Why';
comment on column re_ops.legal_hold_release.released_at is 'Database clock';
comment on column re_ops.legal_hold_release.released_by is 'Login that lifted it';

create function re_ops.ledger_append(p_action text, p_schema name, p_table name, p_partition name, p_from timestamptz, p_to timestamptz,
                                     p_rows bigint, p_content_sha256 bytea, p_note text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    last   re_ops.retention_ledger;
    no     bigint;
    before bytea;
    moment timestamptz := clock_timestamp();
begin
    perform pg_advisory_xact_lock(hashtextextended('re_ops.retention_ledger', 0));
    select * into last from re_ops.retention_ledger l order by l.ledger_no desc limit 1;
    no := coalesce(last.ledger_no, 0) + 1;
    before := coalesce(last.entry_hash, sha256(''::bytea));
    insert into re_ops.retention_ledger (ledger_no, at, action, schema_name, table_name, partition_name, range_from, range_to, row_count,
                                         content_sha256, note, prev_entry_hash, entry_hash)
    values (no, moment, p_action, p_schema, p_table, p_partition, p_from, p_to, p_rows, p_content_sha256, coalesce(p_note, ''), before,
            sha256(before || convert_to(concat_ws('|',
                no, session_user, p_action, p_schema, p_table, p_partition, extract(epoch from moment), extract(epoch from p_from),
                extract(epoch from p_to), coalesce(p_rows, -1), coalesce(encode(p_content_sha256, 'hex'), '-'), coalesce(p_note, '')), 'UTF8')));
end $$;
comment on function re_ops.ledger_append(text, name, name, name, timestamptz, timestamptz, bigint, bytea, text) is 'Appends to the retention ledger; internal';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Creating ahead. CREATE LIKE and ATTACH take only SHARE UPDATE EXCLUSIVE on the parent, so readers and writers go on. Days are UTC.
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_ops.ensure_partitions(p_from timestamptz default null, p_upto timestamptz default null, p_tables regclass[] default null)
returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    policy re_ops.retention_policy;
    first  timestamp;
    last   timestamp;
    d      timestamp;
    suffix text;
    leaf   text;
    made   int := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('re_ops.ensure_partitions', 0));
    -- A parent comes before its children: raw events (no parent), then those that reference them, then theirs.
    for policy in
        with recursive tree as (
            select p.*, 0 as depth from re_ops.retention_policy p where p.parent_table is null and p.span <> 'none'
            union all
            select c.*, t.depth + 1 from re_ops.retention_policy c join tree t on c.parent_schema = t.schema_name and c.parent_table = t.table_name
        )
        select t.schema_name, t.table_name, t.span, t.partition_column, t.parent_schema, t.parent_table, t.key_columns, t.parent_columns,
               t.premake, t.hot, t.warm, t.cold
        from tree t
        where p_tables is null or format('%I.%I', t.schema_name, t.table_name)::regclass = any (p_tables)
        order by t.depth, t.schema_name, t.table_name
    loop
        first := date_trunc(policy.span, coalesce(p_from, now()) at time zone 'UTC');
        last := date_trunc(policy.span, coalesce(p_upto at time zone 'UTC', (now() at time zone 'UTC') + policy.premake * ('1 ' || policy.span)::interval));
        if last > first + interval '400 days' and policy.span = 'day' or last > first + interval '20 years' then
            raise exception 'refusing to create partitions from % to %', first, last using errcode = 'RE002', hint = 'at most 400 days in one call';
        end if;
        for d in select generate_series(first, last, ('1 ' || policy.span)::interval) loop
            suffix := '_p' || to_char(d, case policy.span when 'day' then 'YYYYMMDD' else 'YYYYMM' end);
            leaf := format('%I.%I', policy.schema_name, policy.table_name || suffix);
            continue when to_regclass(leaf) is not null;
            execute format('create table %s (like %I.%I including defaults including constraints including generated including storage)',
                           leaf, policy.schema_name, policy.table_name);
            execute format('alter table %s owner to %I', leaf,
                           (select r.rolname from pg_class c join pg_roles r on r.oid = c.relowner
                            where c.oid = format('%I.%I', policy.schema_name, policy.table_name)::regclass));
            execute format('alter table %I.%I attach partition %s for values from (%L) to (%L)', policy.schema_name, policy.table_name, leaf,
                           d at time zone 'UTC', (d + ('1 ' || policy.span)::interval) at time zone 'UTC');
            if policy.parent_table is not null then
                execute format('alter table %s add constraint %I foreign key (%s) references %I.%I (%s)', leaf, policy.table_name || '_has_' || policy.parent_table,
                               array_to_string(policy.key_columns, ', '), policy.parent_schema, policy.parent_table || suffix,
                               array_to_string(policy.parent_columns, ', '));
            end if;
            perform re_core.make_append_only(leaf::regclass);
            perform re_ops.ledger_append('created', policy.schema_name, policy.table_name, (policy.table_name || suffix)::name,
                                         d at time zone 'UTC', (d + ('1 ' || policy.span)::interval) at time zone 'UTC', 0, null, '');
            made := made + 1;
        end loop;
    end loop;
    return made;
end $$;
comment on function re_ops.ensure_partitions(timestamptz, timestamptz, regclass[]) is
    'Makes the missing partitions of a range (default: today and the premake of the policy), leaf foreign keys and refusal triggers included';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Sealing, archiving, leaving. Detaching locks the parent for a moment; DETACH CONCURRENTLY cannot run inside a function.
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_ops.partition_range(p_partition regclass, out schema_name name, out table_name name, out partition_name name,
                                       out range_from timestamptz, out range_to timestamptz, out attached boolean)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    select l.schema_name, l.table_name, l.partition_name, l.range_from, l.range_to, c.relispartition
    into partition_range.schema_name, partition_range.table_name, partition_range.partition_name, partition_range.range_from,
         partition_range.range_to, partition_range.attached
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join re_ops.retention_ledger l on l.schema_name = n.nspname and l.partition_name = c.relname and l.action = 'created'
    where c.oid = p_partition
    order by l.ledger_no desc limit 1;
    if not found then
        raise exception '% is not a partition of the bundle', p_partition using errcode = 'RE002';
    end if;
end $$;
comment on function re_ops.partition_range(regclass) is 'What the ledger says about a partition, or raises; internal';

create function re_ops.seal_partition(p_partition regclass) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    part     record;
    rows     bigint;
    expected bigint;
    content  bytea;
begin
    select * into part from re_ops.partition_range(p_partition);
    if part.range_to > now() then
        raise exception '% is not over yet', p_partition using errcode = 'RE002';
    elsif exists (select from pg_constraint c where c.conrelid = p_partition and c.conname = 'partition_is_sealed') then
        raise exception '% is sealed', p_partition using errcode = 'RE002';
    end if;
    -- ingested_at is the start of a transaction: one that began before the end of the range may still be writing. The lock waits for it.
    execute format('lock table %s in share row exclusive mode', p_partition);
    if exists (select from pg_stat_activity a where a.xact_start < part.range_to and a.pid <> pg_backend_pid() and a.datname = current_database()) then
        raise exception 'a transaction older than % is still open', part.range_to using errcode = 'RE002', hint = 'try again when it has ended';
    end if;
    execute format('select count(*) from %s', p_partition) into rows;
    if part.schema_name = 're_raw' and part.table_name = 'raw_event' then
        select coalesce(sum(s.last_seq - s.first_seq + 1), 0) into expected
        from re_raw.stored_range s where s.ingested_at >= part.range_from and s.ingested_at < part.range_to;
        if rows <> expected then
            raise exception '% holds % events, the batch ledger says %', p_partition, rows, expected using errcode = 'RE004';
        end if;
        select sha256(coalesce(string_agg(s.last_hash, ''::bytea order by s.component_instance_id, s.first_seq), ''::bytea)) into content
        from re_raw.ingest_segment s where s.ingested_at >= part.range_from and s.ingested_at < part.range_to;
        perform re_raw.update_subtrees(x.component_instance_id)
        from (select distinct s.component_instance_id from re_raw.ingest_segment s
              where s.ingested_at >= part.range_from and s.ingested_at < part.range_to order by 1) x;
    end if;
    -- NOT VALID: old rows stay readable, no new one gets in, not even a superuser's.
    execute format('alter table %s add constraint partition_is_sealed check (false) not valid', p_partition);
    perform re_ops.ledger_append('sealed', part.schema_name, part.table_name, part.partition_name, part.range_from, part.range_to, rows, content, '');
    return rows;
end $$;
comment on function re_ops.seal_partition(regclass) is
    'Closes a past partition for good: counts it against the batch ledger, keeps its digest and subtree hashes, refuses every further row';

create function re_ops.record_archive(p_partition regclass, p_archive_ref text, p_archive_sha256 bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    part record;
    rows bigint;
begin
    select * into part from re_ops.partition_range(p_partition);
    if not exists (select from pg_constraint c where c.conrelid = p_partition and c.conname = 'partition_is_sealed') then
        raise exception '% is not sealed', p_partition using errcode = 'RE002', hint = 'an archive of an open partition would be incomplete';
    elsif octet_length(p_archive_sha256) is distinct from 32 or coalesce(p_archive_ref, '') = '' then
        raise exception 'an archive needs a reference and a SHA-256' using errcode = 'RE002';
    end if;
    execute format('select count(*) from %s', p_partition) into rows;
    perform re_ops.ledger_append('archived', part.schema_name, part.table_name, part.partition_name, part.range_from, part.range_to, rows,
                                 p_archive_sha256, p_archive_ref);
end $$;
comment on function re_ops.record_archive(regclass, text, bytea) is 'Records that a sealed partition was written to cold storage and compared';

create function re_ops.retire_partition(p_partition regclass, p_note text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    part      record;
    policy    re_ops.retention_policy;
    rows      bigint;
    archived  boolean;
    referrers text;
begin
    select * into part from re_ops.partition_range(p_partition);
    -- through pg_depend, which has an index for this question; pg_constraint has none
    select string_agg(c.conrelid::regclass::text, ', ' order by c.conrelid::regclass::text) into referrers
    from pg_depend d join pg_constraint c on c.oid = d.objid
    where d.classid = 'pg_constraint'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = p_partition
      and c.contype = 'f' and c.confrelid = p_partition and c.conrelid <> p_partition;
    select * into policy from re_ops.retention_policy p where p.schema_name = part.schema_name and p.table_name = part.table_name;
    archived := exists (select from re_ops.retention_ledger l where l.schema_name = part.schema_name and l.partition_name = part.partition_name
                        and l.action = 'archived');
    if not exists (select from pg_constraint c where c.conrelid = p_partition and c.conname = 'partition_is_sealed') then
        raise exception '% is not sealed', p_partition using errcode = 'RE002', hint = 'select re_ops.seal_partition(...)';
    elsif policy.cold is null then
        raise exception '% is kept for ever', p_partition using errcode = 'RE002';
    elsif part.range_to + policy.warm > now() then
        raise exception '% is younger than %', p_partition, policy.warm using errcode = 'RE002';
    elsif not archived and part.range_to + policy.cold > now() then
        raise exception '% is not archived and younger than %', p_partition, policy.cold
            using errcode = 'RE002', hint = 'write the archive, then select re_ops.record_archive(...)';
    elsif exists (select from re_ops.legal_hold h
                  where (h.table_name is null or (h.schema_name = part.schema_name and h.table_name = part.table_name))
                    and h.range_from < part.range_to and h.range_to > part.range_from
                    and not exists (select from re_ops.legal_hold_release r where r.hold_id = h.hold_id)) then
        raise exception '% is under a legal hold', p_partition using errcode = 'RE002';
    elsif referrers is not null then
        raise exception '% is still referenced by %', p_partition, referrers
            using errcode = 'RE002', hint = 'retire those first';
    end if;
    execute format('select count(*) from %s', p_partition) into rows;
    if part.attached then
        execute format('alter table %I.%I detach partition %s', part.schema_name, part.table_name, p_partition);
        perform re_ops.ledger_append('detached', part.schema_name, part.table_name, part.partition_name, part.range_from, part.range_to, rows, null, p_note);
    end if;
    execute format('drop table %s', p_partition);
    perform re_ops.ledger_append('dropped', part.schema_name, part.table_name, part.partition_name, part.range_from, part.range_to, rows, null, p_note);
end $$;
comment on function re_ops.retire_partition(regclass, text) is
    'Detaches and drops a sealed partition that is past its policy, archived or past cold, unreferenced and not held';

create function re_ops.place_hold(p_schema name, p_table name, p_from timestamptz, p_to timestamptz, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id uuid;
begin
    insert into re_ops.legal_hold (schema_name, table_name, range_from, range_to, reason) values (p_schema, p_table, p_from, p_to, p_reason)
    returning hold_id into id;
    return id;
end $$;
comment on function re_ops.place_hold(name, name, timestamptz, timestamptz, text) is 'Keeps a range (of one table, or of all) from being dropped';

create function re_ops.release_hold(p_hold uuid, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_ops.legal_hold_release (hold_id, reason) values (p_hold, p_reason);
end $$;
comment on function re_ops.release_hold(uuid, text) is 'Lifts a hold';

create function re_ops.verify_ledger() returns table (ledger_no bigint, finding text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select x.ledger_no, x.finding
    from (
        select l.ledger_no, 'the entry does not follow the entry before' as finding
        from (select e.ledger_no, e.prev_entry_hash, lag(e.ledger_no, 1, 0::bigint) over w as before_no,
                     lag(e.entry_hash, 1, sha256(''::bytea)) over w as before_hash
              from re_ops.retention_ledger e window w as (order by e.ledger_no)) l
        where l.before_no <> l.ledger_no - 1 or l.before_hash <> l.prev_entry_hash
        union all
        select l.ledger_no, 'partition ' || l.schema_name || '.' || l.partition_name || ' is gone, and no entry says so'
        from re_ops.retention_ledger l
        where l.action = 'created' and to_regclass(format('%I.%I', l.schema_name, l.partition_name)) is null
          and not exists (select from re_ops.retention_ledger d where d.schema_name = l.schema_name and d.partition_name = l.partition_name
                          and d.action = 'dropped' and d.ledger_no > l.ledger_no)
        union all
        select l.ledger_no, 'partition ' || l.schema_name || '.' || l.partition_name || ' was made again, and no entry says that it was dropped'
        from (select e.ledger_no, e.schema_name, e.partition_name, e.action, lag(e.action) over (partition by e.schema_name, e.partition_name order by e.ledger_no) as before
              from re_ops.retention_ledger e where e.action in ('created', 'dropped')) l
        where l.action = 'created' and l.before = 'created') x
    order by x.ledger_no, x.finding;
end $$;
comment on function re_ops.verify_ledger() is 'Findings in the retention ledger; no row means that every partition is here or was dropped by the book';

create view re_ops.partition as
    select l.schema_name, l.table_name, l.partition_name, l.range_from, l.range_to, c.relispartition as attached,
           exists (select from pg_constraint k where k.conrelid = c.oid and k.conname = 'partition_is_sealed') as sealed,
           case
               when p.hot is null or l.range_to + p.hot > now() then 'hot'
               when l.range_to + p.warm > now() then 'warm'
               when l.range_to + p.cold > now() then 'cold'
               else 'expired' end as tier
    from re_ops.retention_ledger l
    join re_ops.retention_policy p on p.schema_name = l.schema_name and p.table_name = l.table_name
    join pg_namespace n on n.nspname = l.schema_name
    join pg_class c on c.relnamespace = n.oid and c.relname = l.partition_name
    where l.action = 'created'
    order by l.schema_name, l.table_name, l.range_from, l.partition_name;
comment on view   re_ops.partition                is 'Partitions that exist, and the tier that the policy gives them now';
comment on column re_ops.partition.schema_name    is 'Schema of the table';
comment on column re_ops.partition.table_name     is 'Table';
comment on column re_ops.partition.partition_name is 'Partition';
comment on column re_ops.partition.range_from     is 'Beginning of the range, UTC, included';
comment on column re_ops.partition.range_to       is 'End of the range, UTC, excluded';
comment on column re_ops.partition.attached       is 'Still part of the table';
comment on column re_ops.partition.sealed         is 'Closed for good';
comment on column re_ops.partition.tier           is 'hot: attached and open; warm: to be sealed; cold: to be archived and retired; expired: may be dropped unarchived';

create view re_ops.partition_horizon as
    select p.schema_name, p.table_name, p.span, max(x.range_to) as ready_until,
           coalesce(max(x.range_to) < now() + case p.span when 'day' then interval '2 days' else interval '20 days' end, true) as alarm
    from re_ops.retention_policy p
    left join re_ops.partition x on x.schema_name = p.schema_name and x.table_name = p.table_name and x.attached
    where p.span <> 'none'
    group by p.schema_name, p.table_name, p.span
    order by p.schema_name, p.table_name;
comment on view   re_ops.partition_horizon             is 'How far partitions are ready; alarm when less than two days (or twenty, for months) are left';
comment on column re_ops.partition_horizon.schema_name is 'Schema of the table';
comment on column re_ops.partition_horizon.table_name  is 'Table';
comment on column re_ops.partition_horizon.span        is 'Partition grain';
comment on column re_ops.partition_horizon.ready_until is 'End of the last partition, UTC';
comment on column re_ops.partition_horizon.alarm       is 'Time to call re_ops.ensure_partitions()';

-- Tables without partitions are kept for ever; they too have their row, so that the policy names every table.
insert into re_ops.retention_policy (schema_name, table_name, span, premake)
select n.nspname, c.relname, 'none', 0
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('re_core', 're_raw', 're_agent', 're_dpi', 're_corr', 're_ai', 're_ops') and c.relkind in ('r', 'p') and not c.relispartition
  and not exists (select from re_ops.retention_policy p where p.schema_name = n.nspname and p.table_name = c.relname)
order by n.nspname, c.relname;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only and grants. The policy may be changed by a migration only.
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t) from unnest(array[
    're_ops.retention_policy', 're_ops.retention_ledger', 're_ops.legal_hold', 're_ops.legal_hold_release', 're_raw.event_type']::regclass[]) t;

grant usage on schema re_ops to re_retention, re_soc;
grant execute on function
    re_ops.ensure_partitions(timestamptz, timestamptz, regclass[]),
    re_ops.seal_partition(regclass),
    re_ops.record_archive(regclass, text, bytea),
    re_ops.retire_partition(regclass, text),
    re_ops.place_hold(name, name, timestamptz, timestamptz, text),
    re_ops.release_hold(uuid, text),
    re_ops.verify_ledger() to re_retention;
grant execute on function re_ops.verify_ledger() to re_auditor;
grant select on all tables in schema re_ops to re_retention, re_auditor;
grant select on re_ops.partition, re_ops.partition_horizon to re_soc;

select re_ops.ensure_partitions();

reset role;
