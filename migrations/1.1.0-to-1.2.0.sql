-- 1.1.0-to-1.2.0.sql: a database of bundle 1.1.0 becomes one of 1.2.0.
--
-- In one transaction, as superuser; `ransomeye-dpi schema apply` does that and registers the new bundle. No row is rewritten and none
-- changes. What it brings: dpi.scan, the rows of scans and floods. Events of that type which came before wait in the quarantine;
-- re_raw.rederive() makes their rows.

do $$
declare
    found text := (select b.version || ' ' || encode(b.ddl_sha256, 'hex') from re_core.bundle() b);
begin
    if found is distinct from '1.1.0 37b468ac3ff9e9e49c581a893f94d9125550173ebec89147c1c21363aebe9c0a' then
        raise exception 'this migration begins at bundle 1.1.0, here is %', coalesce(found, 'none') using errcode = 'RE002';
    end if;
end $$;

-- Writers that are at work are waited for, others wait: ingest and fill_gap begin with a row lock on the chain's head.
lock table re_raw.chain_head in exclusive mode;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 03: the event type, its tables and its store function
-- ---------------------------------------------------------------------------------------------------------------------------
set role re_owner;
create table re_dpi.scan (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    kind                  text not null,
    protocol              smallint not null,
    src_ip                inet,
    dst_ip                inet,
    first_at              timestamptz not null,
    first_at_ns           smallint not null,
    last_at               timestamptz not null,
    last_at_ns            smallint not null,
    flows                 bigint not null,
    ip_bytes              bigint not null,
    constraint scan_pk primary key (ingested_at, component_instance_id, seq),
    constraint scan_kind_is_known check (kind in ('source', 'target', 'any')),
    constraint scan_who_is_of_its_kind check ((src_ip is not null) = (kind = 'source') and (dst_ip is not null) = (kind = 'target')),
    constraint scan_protocol_is_valid check (protocol between 0 and 255),
    constraint scan_addresses_are_hosts check (
        masklen(src_ip) = case family(src_ip) when 4 then 32 else 128 end
        and masklen(dst_ip) = case family(dst_ip) when 4 then 32 else 128 end),
    constraint scan_ends_after_it_starts check ((last_at, last_at_ns) >= (first_at, first_at_ns)),
    constraint scan_counters_are_in_range check (least(flows - 1, ip_bytes) >= 0 and greatest(flows, ip_bytes) <= 9007199254740991),
    constraint scan_nanoseconds_are_in_range check (least(observed_at_ns, first_at_ns, last_at_ns) >= 0 and greatest(observed_at_ns, first_at_ns, last_at_ns) <= 999)
) partition by range (ingested_at);
comment on table  re_dpi.scan is 'dpi.scan v1: flows of one packet each, told together';
comment on column re_dpi.scan.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.scan.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.scan.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.scan.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.scan.machine_id            is 'Machine that reports';
comment on column re_dpi.scan.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.scan.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.scan.kind                  is 'What the flows have in common: source (a scan), target (a flood), any (nothing)';
comment on column re_dpi.scan.protocol              is 'IANA protocol number';
comment on column re_dpi.scan.src_ip                is 'Of a source: who sent them';
comment on column re_dpi.scan.dst_ip                is 'Of a target: whom they were sent to';
comment on column re_dpi.scan.first_at              is 'First of the packets, UTC';
comment on column re_dpi.scan.first_at_ns           is 'Nanoseconds below the microsecond of first_at, 0 to 999';
comment on column re_dpi.scan.last_at               is 'Last of the packets, UTC';
comment on column re_dpi.scan.last_at_ns            is 'Nanoseconds below the microsecond of last_at, 0 to 999';
comment on column re_dpi.scan.flows                 is 'Flows that have no row of their own; each had one packet';
comment on column re_dpi.scan.ip_bytes              is 'IP bytes of their packets';
create table re_dpi.scan_sample (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              bigint not null,
    ip                    inet not null,
    port                  int not null,
    constraint scan_sample_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint scan_sample_position_is_valid check (position >= 0),
    constraint scan_sample_ip_is_a_host check (masklen(ip) = case family(ip) when 4 then 32 else 128 end),
    constraint scan_sample_port_is_valid check (port between 0 and 65535)
) partition by range (ingested_at);
comment on table  re_dpi.scan_sample is 'dpi.scan samples: the first different ends, targets, of a target its senders';
comment on column re_dpi.scan_sample.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.scan_sample.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.scan_sample.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.scan_sample.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.scan_sample.position              is 'Place in the list, from 0';
comment on column re_dpi.scan_sample.ip                    is 'Address';
comment on column re_dpi.scan_sample.port                  is 'Its port; 0 where the protocol has none';

create function re_dpi.store_scan(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.kind, r.protocol, r.src_ip, r.dst_ip, r.first_at, r.last_at, r.flows, r.ip_bytes, r.samples) as members_known,
               num_nonnulls(r.kind, r.src_ip, r.dst_ip, r.first_at, r.last_at) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            kind text, protocol bigint, src_ip text, dst_ip text, first_at text, last_at text, flows bigint, ip_bytes bigint, samples jsonb)
    ), fact as (
        insert into re_dpi.scan (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, kind, protocol, src_ip, dst_ip,
            first_at, first_at_ns, last_at, last_at_ns, flows, ip_bytes)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.kind, p.protocol::smallint, p.src_ip::inet, p.dst_ip::inet, re_raw.time_us(p.first_at), re_raw.time_ns(p.first_at),
            re_raw.time_us(p.last_at), re_raw.time_ns(p.last_at), p.flows, p.ip_bytes
        from p
    ), sample as (
        insert into re_dpi.scan_sample (ingested_at, component_instance_id, seq, tenant_id, position, ip, port)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, (e.value ->> 'ip')::inet, (e.value ->> 'port')::int
        from p cross join lateral jsonb_array_elements(p.samples) with ordinality e(value, o)
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known + 2 * jsonb_array_length(p.samples)
           and p.quotes = 2 * (p.members + p.strings_known + jsonb_array_length(p.samples))) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('dpi.scan', bad);
    end if;
end $$;
comment on function re_dpi.store_scan(re_raw.event_batch) is 'Normalised rows of dpi.scan v1, parsed once, one statement; internal to ingest';

insert into re_raw.event_type (component, event_type, event_version, store_schema, store_name) values
    ('dpi_probe', 'dpi.scan', 1, 're_dpi', 'store_scan');
select re_core.make_append_only(t), re_core.protect_by_tenant(t) from unnest(array['re_dpi.scan', 're_dpi.scan_sample']::regclass[]) t;
grant select on re_dpi.scan, re_dpi.scan_sample to re_auditor, re_viewer, re_correlation, re_ai_writer;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 06: indexes and view
-- ---------------------------------------------------------------------------------------------------------------------------
create index scan_by_machine on re_dpi.scan (machine_id, observed_at);
create index scan_by_source on re_dpi.scan (src_ip, observed_at) where src_ip is not null;
create index scan_by_target on re_dpi.scan (dst_ip, observed_at) where dst_ip is not null;
reset role;

set role re_viewer;
create view re_view.scan as
    select s.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.scan s
    join re_raw.raw_event r on r.ingested_at = s.ingested_at and r.component_instance_id = s.component_instance_id and r.seq = s.seq
    order by s.ingested_at, s.component_instance_id, s.seq;
comment on view re_view.scan is 'Scans and floods with the identity and hash of their raw event';

do $$
declare
    x record;
begin
    for x in
        select distinct on (v.attrelid, v.attnum) v.attrelid::regclass as view_name, v.attname, col_description(t.attrelid, t.attnum) as said
        from (values
            (21, 're_view.scan'::regclass, 're_dpi.scan'::regclass),
            (22, 're_view.scan'::regclass, 're_raw.raw_event'::regclass)) s(no, view_oid, table_oid)
        join pg_attribute v on v.attrelid = s.view_oid and v.attnum > 0
        join pg_attribute t on t.attrelid = s.table_oid and t.attnum > 0 and t.attname = v.attname
        order by v.attrelid, v.attnum, s.no
    loop
        execute format('comment on column %s.%I is %L', x.view_name, x.attname, x.said);
    end loop;
end $$;
comment on column re_view.scan.event_ingested_at is 'ingested_at again: a bound on both prunes both sides when the query is planned';
grant select on re_view.scan to re_soc, re_auditor, re_correlation, re_ai_writer;
reset role;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 07: retention of the new tables, and their partitions beside every one that is ready
-- ---------------------------------------------------------------------------------------------------------------------------
set role re_owner;
insert into re_ops.retention_policy
    (schema_name, table_name, span, partition_column, parent_schema, parent_table, key_columns, parent_columns, premake, hot, warm, cold)
select 're_dpi', t.child, 'day', 'ingested_at', t.parent_schema, t.parent, '{ingested_at,component_instance_id,seq}'::name[],
       '{ingested_at,component_instance_id,seq}'::name[], 3, interval '30 days', interval '90 days', interval '1 year'
from (values ('scan', 're_raw', 'raw_event'), ('scan_sample', 're_dpi', 'scan')) t(child, parent_schema, parent);

select re_ops.ensure_partitions();
select re_ops.ensure_partitions(now(), max(p.range_from), array['re_dpi.scan', 're_dpi.scan_sample']::regclass[])
from re_ops.partition p where p.schema_name = 're_raw' and p.table_name = 'raw_event' and p.attached;
reset role;
