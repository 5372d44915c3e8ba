-- 07_retention.sql: partitions and what becomes of them. Created ahead, sealed, detached, dropped; every act in a hash-chained ledger.
--
-- No extension is needed: call re_ops.ensure_partitions() from a timer, from pg_cron, or leave it to re_raw.ingest(), which makes a
-- missing day itself. Dropping is never automatic; re_ops.due() says what the policy would allow.

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
select 're_dpi', t.child, 'day', 'ingested_at', t.parent_schema, t.parent, '{ingested_at,component_instance_id,seq}'::name[],
       '{ingested_at,component_instance_id,seq}'::name[], 3, interval '30 days', interval '90 days', interval '1 year'
from (values
    (1, 'flow', 're_raw', 'raw_event'), (1, 'dns', 're_raw', 'raw_event'), (1, 'heartbeat', 're_raw', 'raw_event'),
    (2, 'flow_vlan', 're_dpi', 'flow'), (2, 'flow_encapsulation', 're_dpi', 'flow'), (2, 'flow_risk', 're_dpi', 'flow'),
    (2, 'flow_packet', 're_dpi', 'flow'), (2, 'flow_anomaly', 're_dpi', 'flow'),
    (2, 'dns_question', 're_dpi', 'dns'), (2, 'dns_record', 're_dpi', 'dns'), (2, 'dns_edns_option', 're_dpi', 'dns'), (2, 'dns_anomaly', 're_dpi', 'dns'),
    (2, 'heartbeat_reason', 're_dpi', 'heartbeat'), (2, 'heartbeat_anomaly', 're_dpi', 'heartbeat')
) t(depth, child, parent_schema, parent);

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

select re_ops.ensure_partitions();

reset role;
