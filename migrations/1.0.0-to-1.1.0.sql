-- 1.0.0-to-1.1.0.sql: a database of bundle 1.0.0 becomes one of 1.1.0.
--
-- In one transaction, as superuser; `ransomeye-dpi schema apply` does that and registers the new bundle. No row is rewritten and none
-- changes; new columns are NULL in old rows. What it brings: quarantine of payloads that break a rule, the writer contract, the EDNS of
-- DNS queries. Functions stand here as the bundle has them.

do $$
declare
    found text := (select b.version || ' ' || encode(b.ddl_sha256, 'hex') from re_core.bundle() b);
begin
    if found is distinct from '1.0.0 29f800eb9d36b47e69a58bd2f81f6157ebc8e87514075e7288093c6674cd7bdb' then
        raise exception 'this migration begins at bundle 1.0.0, here is %', coalesce(found, 'none') using errcode = 'RE002';
    end if;
end $$;

-- Writers that are at work are waited for, others wait: ingest and fill_gap begin with a row lock on the chain's head.
lock table re_raw.chain_head in exclusive mode;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 00: the writer contract
-- ---------------------------------------------------------------------------------------------------------------------------
set role re_owner;
comment on table  re_core.schema_bundle            is 'Which frozen bundle versions were applied here; the latest row is the one in force';

create or replace function re_core.writer_contract(out oldest int, out newest int)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    oldest := 1;
    newest := 1;
end $$;
comment on function re_core.writer_contract() is 'Versions of the writer contract that this database serves; a writer compares its own with this range';

grant execute on function re_core.writer_contract() to
    re_viewer, re_soc, re_auditor, re_correlation, re_ai_writer, re_probe, re_agent_writer, re_ingest, re_retention, re_enrol;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 01: quarantine
-- ---------------------------------------------------------------------------------------------------------------------------
alter type re_raw.event_batch add attribute ingested_at timestamptz;
comment on column re_raw.event_batch.ingested_at           is 'That of the raw events, and of every row made from them';

create type re_raw.event_rows as (
    ingested_at    timestamptz,
    seqs           bigint[],
    event_types    text[],
    event_versions int[],
    observed_at    timestamptz[],
    observed_at_ns smallint[],
    payloads       bytea[]
);
comment on type   re_raw.event_rows                is 'Raw events of one chain, stored in one transaction, whose normalised rows are to be made';
comment on column re_raw.event_rows.ingested_at    is 'Database clock of that transaction';
comment on column re_raw.event_rows.seqs           is 'Sequence numbers';
comment on column re_raw.event_rows.event_types    is 'Envelope: event_type';
comment on column re_raw.event_rows.event_versions is 'Envelope: event_version';
comment on column re_raw.event_rows.observed_at    is 'When, microseconds';
comment on column re_raw.event_rows.observed_at_ns is 'When, nanoseconds below';
comment on column re_raw.event_rows.payloads       is 'Exact bytes';

create table re_raw.quarantine (
    ingested_at           timestamptz not null,
    component_instance_id uuid        not null,
    seq                   bigint      not null,
    tenant_id             uuid        not null,
    event_type            text        not null,
    event_version         int         not null,
    sqlstate              text        not null,
    rule                  text        not null,
    detail                text        not null,
    quarantined_at        timestamptz not null default clock_timestamp(),
    constraint quarantine_pk primary key (ingested_at, component_instance_id, seq),
    constraint quarantine_sqlstate_is_one check (sqlstate ~ '^[0-9A-Z]{5}$'),
    constraint quarantine_rule_is_short check (octet_length(rule) between 1 and 200),
    constraint quarantine_detail_is_short check (octet_length(detail) <= 200)
) partition by range (ingested_at);
comment on table  re_raw.quarantine                       is 'Stored events whose payload breaks a rule of its rows, one row each; no normalised row of them exists until mended';
comment on column re_raw.quarantine.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_raw.quarantine.component_instance_id is 'Chain of the raw event';
comment on column re_raw.quarantine.seq                   is 'Sequence number of the raw event';
comment on column re_raw.quarantine.tenant_id             is 'Tenant, for row-level security';
comment on column re_raw.quarantine.event_type            is 'Envelope: event_type';
comment on column re_raw.quarantine.event_version         is 'Envelope: event_version';
comment on column re_raw.quarantine.sqlstate              is 'Error that its rows met; RE003 payload not of the contract, RE005 type or version not known here';
comment on column re_raw.quarantine.rule                  is 'Rule that it breaks: a constraint, a column that is missing, or what the error is called';
comment on column re_raw.quarantine.detail                is 'Message of the error, printable ASCII, at most 200 characters';
comment on column re_raw.quarantine.quarantined_at        is 'Database clock';

create table re_raw.quarantine_mended (
    ingested_at           timestamptz not null,
    component_instance_id uuid        not null,
    seq                   bigint      not null,
    tenant_id             uuid        not null,
    mended_at             timestamptz not null default clock_timestamp(),
    mended_by             name        not null default session_user,
    constraint quarantine_mended_pk primary key (ingested_at, component_instance_id, seq)
) partition by range (ingested_at);
comment on table  re_raw.quarantine_mended                       is 'Quarantined events whose normalised rows were made later by re_raw.rederive()';
comment on column re_raw.quarantine_mended.ingested_at           is 'As in quarantine';
comment on column re_raw.quarantine_mended.component_instance_id is 'As in quarantine';
comment on column re_raw.quarantine_mended.seq                   is 'As in quarantine';
comment on column re_raw.quarantine_mended.tenant_id             is 'Tenant, for row-level security';
comment on column re_raw.quarantine_mended.mended_at             is 'Database clock';
comment on column re_raw.quarantine_mended.mended_by             is 'Login that asked for it';

alter table re_raw.event_type
    alter column store_schema drop not null,
    alter column store_name drop not null,
    add constraint event_type_store_is_whole check (num_nulls(store_schema, store_name) in (0, 2));
comment on table  re_raw.event_type               is 'Known event types and the function that writes their normalised rows; filled by the files 02 and 03 too';
comment on column re_raw.event_type.store_schema  is 'Schema of the function; NULL: of this type only the raw event is kept';
comment on column re_raw.event_type.store_name    is 'Function (re_raw.event_batch) returning void; NULL as store_schema';
insert into re_raw.event_type (component, event_type, event_version)
    select c.component, t.event_type, 1 from unnest(array['dpi_probe', 'linux_agent', 'windows_agent']) c(component)
    cross join unnest(array['chain.start', 'key.rotate']) t(event_type);

drop function re_raw.store_events(re_core.component_instance, bigint, bytea[], bytea[], bytea[]);
create or replace function re_raw.refuse_payload(p_event_type text, p_seq bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'payload of % lacks a member, has an unknown or repeated one, or one of another type (seq %)', p_event_type, p_seq
        using errcode = 'RE003';
end $$;
comment on function re_raw.refuse_payload(text, bigint) is 'Raises RE003; ingest turns it into a row of re_raw.quarantine';

create or replace function re_raw.store_raw(p_instance re_core.component_instance, p_first_seq bigint,
                                 p_envelopes bytea[], p_payloads bytea[], p_hashes bytea[]) returns re_raw.event_rows
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    -- Canonical form fixes where things stand: counted from the front up to event_type, from the end back to payload_bytes. Between
    -- these, no string has an escape or a quotation mark in it, so the marks alone delimit the members: element 4n + 1 of the split is
    -- a value (or, of a number, stands behind its name). Whatever was cut out wrongly, the CHECK that rebuilds the text refuses.
    emitted constant int := 1 + octet_length(concat(
        '{"component":"', p_instance.component, '","component_instance_id":"', p_instance.component_instance_id, '","emitted_at":"'));
    id      constant int := emitted + 30 + octet_length('","event_id":"');
    middle  constant int := id + 36 + octet_length('","event_type":"');
    digest  constant int := 1 + octet_length('","payload_bytes":,"payload_sha256":"');      -- counted from the end of observed_at
    link    constant int := digest + 64 + octet_length('","prev_hash":"');
    behind  constant int := octet_length('","payload_bytes":,"payload_sha256":"","prev_hash":"","schema":"ransomeye.envelope/1","seq":}') + 128;
    events  re_raw.event_rows;
begin
    with stored as (
        insert into re_raw.raw_event (
            component_instance_id, seq, tenant_id, machine_id, event_id, boot_id, observed_at, emitted_at, mono_us, payload_bytes,
            event_version, observed_at_ns, emitted_at_ns, component, event_type, mode, hostname, version, arrival,
            payload_sha256, prev_hash, envelope_hash, envelope, payload)
        select
            p_instance.component_instance_id, x.seq, p_instance.tenant_id, x.t[21]::uuid,
            convert_from(substring(x.envelope from id for 36), 'UTF8')::uuid, x.t[9]::uuid,
            x.observed_at, re_raw.time_us(x.emitted), btrim(x.t[28], ':,')::bigint, octet_length(x.payload),
            btrim(x.t[4], ':,')::int, re_raw.time_ns(x.t[31]), re_raw.time_ns(x.emitted), p_instance.component, x.t[1], x.t[25], x.t[13], x.t[17],
            case
                when x.t[25] = 'replay' then 'replay'
                when x.observed_at > now() + interval '5 seconds' then 'ahead'
                when x.observed_at < now() - interval '720 hours' then 'old'
                when x.observed_at < now() - interval '1 hour' then 'late'
                else 'on_time' end,
            decode(convert_from(substring(x.envelope from x.upto + digest + x.digits for 64), 'UTF8'), 'hex'),
            decode(convert_from(substring(x.envelope from x.upto + link + x.digits for 64), 'UTF8'), 'hex'),
            x.hash, x.envelope, x.payload
        from (
            select s.*, re_raw.time_us(s.t[31]) as observed_at
            from (
                select v.*, convert_from(substring(v.envelope from emitted for 30), 'UTF8') as emitted,
                       string_to_array(convert_from(substring(v.envelope from middle for v.upto - middle + 1), 'UTF8'), '"') as t
                from (
                    select w.*, octet_length(w.envelope) - behind - w.digits - octet_length(w.seq::text) as upto
                    from (
                        select u.envelope, u.payload, u.hash, p_first_seq + u.o - 1 as seq, octet_length(octet_length(u.payload)::text) as digits
                        from unnest(p_envelopes, p_payloads, p_hashes) with ordinality u(envelope, payload, hash, o)
                        offset 0) w
                    offset 0) v
                offset 0) s
            offset 0) x
        returning seq, event_type, event_version, observed_at, observed_at_ns, payload
    )
    select now(), array_agg(s.seq), array_agg(s.event_type), array_agg(s.event_version), array_agg(s.observed_at), array_agg(s.observed_at_ns), array_agg(s.payload)
    into events from stored s;
    return events;
end $$;
comment on function re_raw.store_raw(re_core.component_instance, bigint, bytea[], bytea[], bytea[]) is
    'Writes the raw rows of consecutive events or raises; internal';

create or replace function re_raw.stored_events(p_instance uuid, p_ingested_at timestamptz, p_first_seq bigint, p_last_seq bigint) returns re_raw.event_rows
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (select row(p_ingested_at, array_agg(r.seq), array_agg(r.event_type), array_agg(r.event_version), array_agg(r.observed_at),
                       array_agg(r.observed_at_ns), array_agg(r.payload))::re_raw.event_rows
            from re_raw.raw_event r
            where r.ingested_at = p_ingested_at and r.component_instance_id = p_instance and r.seq between p_first_seq and p_last_seq);
end $$;
comment on function re_raw.stored_events(uuid, timestamptz, bigint, bigint) is 'Raw events that one transaction stored, for derive; internal';

create or replace function re_raw.derive(p_instance re_core.component_instance, p_events re_raw.event_rows) returns bigint[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    batches re_raw.event_batch[];
    stores  text[];
    unknown bigint[];
    i       int;
    bad     bigint;
begin
    with grouped as (
        -- Payloads: plain ASCII without escapes and without room for a disguised name, valid JSON, an object; then by type to their tables.
        select e.store_schema, e.store_name, e.event_type is null as is_unknown, p.event_type, p.event_version,
               row(p_instance.component_instance_id, p_instance.tenant_id, p_instance.machine_id,
                   array_agg(p.seq), array_agg(p.observed_at), array_agg(p.observed_at_ns), array_agg(p.payload),
                   -- A quotation mark before a colon ends a name, unless it begins a string such as "::1". Then the marks delimit names and
                   -- strings, and every second piece is what follows one.
                   array_agg(case when p.is_special
                       then (select count(*) from string_to_table(p.text, '"') with ordinality u(piece, o) where u.o % 2 = 1 and u.o > 1 and starts_with(u.piece, ':'))
                       else (octet_length(p.text) - octet_length(replace(p.text, '":', ''))) / 2 end::int),
                   array_agg(octet_length(p.text) - octet_length(replace(p.text, '"', ''))),
                   p_events.ingested_at)::re_raw.event_batch as batch,
               array_agg(p.seq) as seqs,
               min(p.seq) filter (where json_typeof(p.payload) <> 'object' or (p.is_special and p.text ~ '[^ -~]|\\|" :')) as bad
        from (
            select y.seq, y.event_type, y.event_version, y.observed_at, y.observed_at_ns, y.text, y.text::json as payload,
                   -- Whether the text breaks the form, or a string in it begins with a colon: one pass, rarely true, looked at again above.
                   y.text ~ '[^ -~]|\\|" :|[[,:]":' as is_special
            from (select s.*, convert_from(s.payload, 'UTF8') as text
                  from unnest(p_events.seqs, p_events.event_types, p_events.event_versions, p_events.observed_at, p_events.observed_at_ns, p_events.payloads)
                      s(seq, event_type, event_version, observed_at, observed_at_ns, payload) offset 0) y
            offset 0) p
        left join re_raw.event_type e
            on e.component = p_instance.component and e.event_type = p.event_type and e.event_version = p.event_version
        group by e.store_schema, e.store_name, is_unknown, p.event_type, p.event_version
    )
    select array_agg(g.batch order by g.event_type, g.event_version) filter (where g.store_name is not null),
           array_agg(format('%I.%I', g.store_schema, g.store_name) order by g.event_type, g.event_version) filter (where g.store_name is not null),
           min(g.bad), (select array_agg(x.seq) from grouped u cross join unnest(u.seqs) x(seq) where u.is_unknown)
    into batches, stores, bad, unknown
    from grouped g;
    if bad is not null then
        raise exception 'payload is not a canonical JSON object (seq %)', bad using errcode = 'RE003';
    end if;

    for i in 1 .. coalesce(cardinality(stores), 0) loop
        execute format('select %s($1)', stores[i]) using batches[i];
    end loop;
    return unknown;
end $$;
comment on function re_raw.derive(re_core.component_instance, re_raw.event_rows) is
    'Writes the normalised rows of stored events or raises; returns those of a type or version that this bundle does not know; internal';

create or replace function re_raw.rule_name(p_sqlstate text, p_constraint text, p_table text, p_column text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return case
        when p_constraint <> '' then p_constraint
        when p_column <> '' then regexp_replace(p_table, '_p[0-9]{6,8}$', '') || '.' || p_column || ' is missing'
        when p_sqlstate = 'RE003' then 'payload_is_of_contract'
        when p_sqlstate = 'RE005' then 'event_type_is_known'
        when p_sqlstate like '54%' then 'payload_is_within_limits'
        else 'value_is_of_type' end;
end $$;
comment on function re_raw.rule_name(text, text, text, text) is 'What the rule is called that an error names by its state, constraint, table and column; internal';

create or replace function re_raw.quarantine_events(p_instance re_core.component_instance, p_ingested_at timestamptz, p_seqs bigint[],
                                         p_sqlstate text, p_rule text, p_detail text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_raw.quarantine (ingested_at, component_instance_id, seq, tenant_id, event_type, event_version, sqlstate, rule, detail)
    select r.ingested_at, r.component_instance_id, r.seq, r.tenant_id, r.event_type, r.event_version, p_sqlstate, p_rule,
           left(regexp_replace(left(p_detail, 1000), '[^ -~]', '?', 'g'), 200)
    from unnest(p_seqs) x(seq)
    join re_raw.raw_event r on r.ingested_at = p_ingested_at and r.component_instance_id = p_instance.component_instance_id and r.seq = x.seq;
end $$;
comment on function re_raw.quarantine_events(re_core.component_instance, timestamptz, bigint[], text, text, text) is
    'Records stored events that have no normalised rows; internal';

create or replace function re_raw.store_events(p_instance re_core.component_instance, p_first_seq bigint,
                                    p_envelopes bytea[], p_payloads bytea[], p_hashes bytea[], p_careful boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    events   re_raw.event_rows := re_raw.store_raw(p_instance, p_first_seq, p_envelopes, p_payloads, p_hashes);
    first    bigint := p_first_seq;
    lasts    bigint[] := array[p_first_seq + cardinality(p_envelopes) - 1];   -- ends of the ranges still to do, the next one at the end
    last     bigint;
    unknown  bigint[];
    code     text;
    rule     text;
    relation text;
    col      text;
    detail   text;
begin
    if not p_careful then
        unknown := re_raw.derive(p_instance, events);
        if unknown is not null then
            perform re_raw.quarantine_events(p_instance, events.ingested_at, unknown, 'RE005', re_raw.rule_name('RE005', null, null, null), '');
        end if;
        return;
    end if;
    while cardinality(lasts) > 0 loop
        last := lasts[cardinality(lasts)];
        code := 'RE005';
        detail := '';
        begin
            unknown := re_raw.derive(p_instance, re_raw.stored_events(p_instance.component_instance_id, events.ingested_at, first, last));
        exception when data_exception or integrity_constraint_violation or program_limit_exceeded or sqlstate 'RE003' then
            get stacked diagnostics code = returned_sqlstate, rule = constraint_name, relation = table_name, col = column_name, detail = message_text;
            if code = '23503' or (code = '23514' and rule in ('', 'partition_is_sealed')) then
                raise;      -- the database's own fault, not the payload's
            end if;
            unknown := case when first = last then array[first] end;
        end;
        if code <> 'RE005' and first < last then
            lasts := lasts || (first + (last - first) / 2);
            continue;
        end if;
        if unknown is not null then
            perform re_raw.quarantine_events(p_instance, events.ingested_at, unknown, code, re_raw.rule_name(code, rule, relation, col), detail);
        end if;
        first := last + 1;
        lasts := lasts[1 : cardinality(lasts) - 1];
        rule := null;
        relation := null;
        col := null;
    end loop;
end $$;
comment on function re_raw.store_events(re_core.component_instance, bigint, bytea[], bytea[], bytea[], boolean) is
    'Writes raw and normalised rows of consecutive events or raises; the careful way raises for raw rows only; internal to ingest and fill_gap';

create or replace function re_raw.find_bad_event(p_instance re_core.component_instance, p_first_seq bigint,
                                      p_envelopes bytea[], p_payloads bytea[], p_hashes bytea[], out bad_seq bigint, out reason text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    lo       int := 1;
    hi       int := cardinality(p_envelopes);
    mid      int;
    failed   boolean;
    relation text;
    name     text;
    col      text;
begin
    while lo < hi loop
        mid := (lo + hi) / 2;
        begin
            perform re_raw.store_raw(p_instance, p_first_seq + lo - 1, p_envelopes[lo:mid], p_payloads[lo:mid], p_hashes[lo:mid]);
            raise exception 'good' using errcode = 'RE000';
        exception
            when sqlstate 'RE000' then failed := false;
            when data_exception or integrity_constraint_violation or program_limit_exceeded then failed := true;
        end;
        if failed then
            hi := mid;
        else
            lo := mid + 1;
        end if;
    end loop;
    bad_seq := p_first_seq + lo - 1;
    begin
        perform re_raw.store_raw(p_instance, bad_seq, p_envelopes[lo:lo], p_payloads[lo:lo], p_hashes[lo:lo]);
        raise exception 'no single event of the batch is at fault' using errcode = 'RE000';
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded or sqlstate 'RE000' then
        get stacked diagnostics reason = message_text, relation = table_name, name = constraint_name, col = column_name;
        reason := regexp_replace(reason, '[^ -~]', '?', 'g');
        reason := coalesce(nullif(name, ''), nullif(regexp_replace(relation, '_p[0-9]{6,8}$', '') || '.' || col || ' is missing', '. is missing'), reason);
    end;
end $$;
comment on function re_raw.find_bad_event(re_core.component_instance, bigint, bytea[], bytea[], bytea[]) is
    'First event of a refused batch that cannot be stored, and the rule it breaks; internal';

create or replace function re_raw.ingest(
    p_instance uuid, p_first_seq bigint, p_envelopes bytea[], p_payloads bytea[], p_note text, p_accept_gap boolean default false,
    out status text, out next_seq bigint, out last_hash bytea, out detail text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set work_mem = '64MB' set timezone = 'UTC' set datestyle = 'ISO, YMD' as $$
declare
    inst      re_core.component_instance;
    head      re_raw.chain_head;
    n         int := cardinality(p_envelopes);
    p_last    bigint := case when p_first_seq between 0 and 9007199254740991 then p_first_seq + n - 1 end;
    known     int := 0;             -- leading events of the batch that are stored already
    hashes    bytea[];
    prevs     bytea[];
    zeros     constant bytea := decode(repeat('00', 32), 'hex');
    first_new bigint;
    stored    record;
    bad       int;
    bad_seq   bigint;
    hole      boolean := false;
    careful   boolean;
    code      text;
    rule      text;
    place     text;
begin
    select * into inst from re_core.component_instance c where c.component_instance_id = p_instance;
    if not found then
        status := 'unknown_instance';
        detail := format('instance %s is not enrolled', coalesce(p_instance::text, 'NULL'));
        perform re_raw.record_violation(null, null, status, null, p_first_seq, p_last, null, null, null, null, detail);
        return;
    end if;
    if not re_raw.may_write(inst) then
        status := 'not_authorised';
        detail := format('role "%s" may not send instance %s', session_user, p_instance);
        perform re_raw.record_violation(p_instance, inst.tenant_id, status, null, p_first_seq, p_last, null, null, null, null, detail);
        return;
    end if;

    -- Writers of one instance queue here; instances never wait for each other.
    select * into head from re_raw.chain_head h where h.component_instance_id = p_instance for no key update;
    next_seq := head.next_seq;
    last_hash := head.last_hash;
    if not re_core.instance_is_active(p_instance) then
        status := 'not_authorised';
        detail := 'the instance is retired';
    elsif coalesce(n, 0) = 0 then
        status := 'empty';
        return;
    elsif n > 10000 or cardinality(p_payloads) is distinct from n or array_ndims(p_envelopes) <> 1 or array_ndims(p_payloads) <> 1
          or array_lower(p_envelopes, 1) <> 1 or array_lower(p_payloads, 1) <> 1
          or p_first_seq is null or p_first_seq < 0 or p_first_seq > 9007199254740991 - n
          or array_position(p_envelopes, null) is not null or array_position(p_payloads, null) is not null then
        status := 'malformed';
        detail := 'a batch is 1 to 10000 envelopes and as many payloads, none NULL, from a sequence number of at least 0';
    end if;
    if status is not null then
        perform re_raw.record_violation(p_instance, inst.tenant_id, status, head.next_seq, p_first_seq, p_last, null, null, null, null, detail);
        return;
    end if;

    hashes := array(select sha256('\x00'::bytea || u.e) from unnest(p_envelopes) with ordinality u(e, o) order by u.o);

    -- Where the batch meets the chain: behind its head, at it, or across it.
    if p_first_seq > head.next_seq then
        if not coalesce(p_accept_gap, false) then
            status := 'gap';
            detail := format('next is %s, the batch begins with %s', head.next_seq, p_first_seq);
            perform re_raw.record_violation(p_instance, inst.tenant_id, status, head.next_seq, p_first_seq, p_last, p_first_seq,
                                            head.last_hash, hashes[1], p_envelopes[1], detail);
            return;
        end if;
        hole := true;
    else
        known := least(head.next_seq - p_first_seq, n)::int;
    end if;
    if known > 0 then
        if p_first_seq + known = head.next_seq then
            select true as known, head.last_hash as hash, null::bytea as segment_end into stored;
        else
            select e.known, e.hash, e.segment_end into stored from re_raw.event_hash(p_instance, p_last) e;
        end if;
        if not stored.known then
            status := 'gap';
            detail := format('seq %s lies in a declared gap: send the whole gap with re_raw.fill_gap()', p_last);
            return;
        elsif stored.hash is null and stored.segment_end is null then
            status := 'duplicate_archived';
            detail := 'the partition of these events has left the database';
            return;
        elsif coalesce(stored.hash, stored.segment_end) <> hashes[known] then
            status := 'fork';
            detail := format('another event is stored at seq %s', p_first_seq + known - 1);
            perform re_raw.record_violation(p_instance, inst.tenant_id, status, head.next_seq, p_first_seq, p_last, p_first_seq + known - 1,
                                            coalesce(stored.hash, stored.segment_end), hashes[known], p_envelopes[known], detail);
            return;
        elsif known = n then
            status := case when stored.hash is null then 'duplicate_archived' else 'duplicate' end;
            -- An unsigned tail may be sent again with its note.
            if p_note is not null then
                if exists (select from re_raw.checkpoint c where c.component_instance_id = p_instance and c.tree_size = p_last + 1
                           and c.root is distinct from (case when split_part(p_note, e'\n', 3) ~ '^[A-Za-z0-9+/]{43}=$'
                                                        then decode(split_part(p_note, e'\n', 3), 'base64') end)) then
                    status := 'fork';
                    detail := format('another root is stored for tree size %s', p_last + 1);
                    perform re_raw.record_violation(p_instance, inst.tenant_id, status, head.next_seq, p_first_seq, p_last, p_last,
                                                    null, null, convert_to(p_note, 'UTF8'), detail);
                elsif not exists (select from re_raw.checkpoint c where c.component_instance_id = p_instance and c.tree_size = p_last + 1)
                      and exists (select from re_raw.ingest_segment s where s.component_instance_id = p_instance
                                  and s.last_seq = p_last and s.last_hash = hashes[n]) then
                    begin
                        perform re_raw.store_checkpoint(inst, p_last + 1, hashes[n], p_note);
                        detail := 'checkpoint added';
                    exception when data_exception or check_violation or not_null_violation then
                        detail := 'the note does not fit and was not stored';
                    end;
                end if;
            end if;
            return;
        end if;
    end if;
    first_new := p_first_seq + known;

    -- Links: the end of an envelope has fixed form, so prev_hash and seq are compared as bytes without parsing.
    prevs := (case
        when known > 0 or not hole then head.last_hash
        else coalesce(decode(substring(encode(p_envelopes[1], 'escape') from '"prev_hash":"([0-9a-f]{64})","schema":"[^"]*","seq":[0-9]+}$'), 'hex'), zeros)
        end) || hashes[known + 1 : n - 1];
    select min(u.o) into bad
    from unnest(p_envelopes[known + 1 : n], prevs) with ordinality u(e, prev, o)
    cross join lateral (select convert_to(concat('","prev_hash":"', encode(u.prev, 'hex'), '","schema":"ransomeye.envelope/1","seq":', first_new + u.o - 1, '}'), 'UTF8') as tail offset 0) x
    where substring(u.e from greatest(octet_length(u.e) - octet_length(x.tail) + 1, 1)) <> x.tail;
    if bad is not null then
        bad_seq := first_new + bad - 1;
        bad := bad + known;
        rule := substring(encode(p_envelopes[bad], 'escape') from '","prev_hash":"[0-9a-f]{64}","schema":"ransomeye\.envelope/1","seq":(0|[1-9][0-9]{0,15})}$');
        status := case when rule is null then 'bad_event' else 'broken_link' end;
        detail := case
            when rule is null then format('seq %s: the envelope does not end as one', bad_seq)
            when rule <> bad_seq::text then format('seq %s: the envelope says seq %s', bad_seq, rule)
            else format('seq %s: prev_hash is not the hash of the event before', bad_seq) end;
        perform re_raw.record_violation(p_instance, inst.tenant_id, status, head.next_seq, p_first_seq, p_last, bad_seq,
                                        prevs[bad - known], hashes[bad], p_envelopes[bad], detail);
        return;
    end if;

    -- A missing partition never blocks: it is made here.
    if to_regclass(format('re_raw.raw_event_p%s', to_char(now() at time zone 'UTC', 'YYYYMMDD'))) is null then
        perform re_ops.ensure_partitions();
    end if;

    -- The block is a savepoint: a refusal undoes the batch alone and can then be recorded. All rows at once first; only when that fails,
    -- once more the careful way, which quarantines the payloads that break a rule. What fails again is a fault of the chain.
    foreach careful in array array[false, true] loop
        begin
            perform re_raw.store_events(inst, first_new, p_envelopes[known + 1 : n], p_payloads[known + 1 : n], hashes[known + 1 : n], careful);
            perform re_raw.note_identity(inst, first_new, p_last);
            if hole then
                insert into re_raw.chain_gap (component_instance_id, first_missing, last_missing, tenant_id, known_hash, resume_prev_hash)
                    values (p_instance, head.next_seq, p_first_seq - 1, inst.tenant_id, head.last_hash, prevs[1]);
            end if;
            insert into re_raw.ingest_segment (
                component_instance_id, first_seq, last_seq, tenant_id, prev_last_seq, prev_last_hash, first_prev_hash, last_hash, gap_first, gap_last)
            select p_instance, first_new, p_last, inst.tenant_id, s.last_seq, s.last_hash, prevs[1], hashes[n],
                   case when hole then head.next_seq end, case when hole then p_first_seq - 1 end
            from (values (1)) one(x)
            left join re_raw.ingest_segment s
                on s.component_instance_id = p_instance and s.last_seq = head.next_seq - 1 and s.last_hash = head.last_hash;
            if p_note is not null then
                perform re_raw.store_checkpoint(inst, p_last + 1, hashes[n], p_note);
            end if;
            update re_raw.chain_head h
            set next_seq = p_last + 1, last_hash = hashes[n], last_ingested_at = now(),
                last_emitted_at = (select r.emitted_at from re_raw.raw_event r
                                   where r.ingested_at = now() and r.component_instance_id = p_instance and r.seq = p_last)
            where h.component_instance_id = p_instance;
            exit;
        exception when data_exception or check_violation or not_null_violation or foreign_key_violation or unique_violation
                       or program_limit_exceeded or sqlstate 'RE003' then
            get stacked diagnostics code = returned_sqlstate, rule = constraint_name, place = schema_name, detail = message_text;
            -- "No partition found" is a check_violation without a constraint; "sealed" is what a closed partition says. Neither is the sender's fault.
            if code = '23514' and rule in ('', 'partition_is_sealed') then
                status := 'no_partition';
                detail := 'no open partition for ' || now();
                return;
            -- A broken registry or ledger is not the sender's fault either, and must be heard.
            elsif (code = '23503' and rule <> 'raw_event_is_of_enrolled_instance') or (code = '23505' and place = 're_raw') then
                raise;
            end if;
            if not careful then
                detail := null;
                continue;
            end if;
            if rule like 'checkpoint\_%' or (code like '22%' and detail like '%base64%') then
                status := 'malformed';
                bad_seq := p_last;
                detail := 'the note does not fit the batch: ' || coalesce(nullif(rule, ''), detail);
            else
                status := 'bad_event';
                select f.bad_seq, format('seq %s: %s', f.bad_seq, f.reason) into bad_seq, detail
                from re_raw.find_bad_event(inst, first_new, p_envelopes[known + 1 : n], p_payloads[known + 1 : n], hashes[known + 1 : n]) f;
            end if;
            perform re_raw.record_violation(p_instance, inst.tenant_id, status, head.next_seq, p_first_seq, p_last, bad_seq, null,
                                            hashes[(bad_seq - p_first_seq + 1)::int], p_envelopes[(bad_seq - p_first_seq + 1)::int], detail);
            return;
        end;
    end loop;
    status := case when hole then 'stored_with_gap' else 'stored' end;
    next_seq := p_last + 1;
    last_hash := hashes[n];
end $$;
comment on function re_raw.ingest(uuid, bigint, bytea[], bytea[], text, boolean) is
    'Stores one batch of consecutive events of one chain with its signed note, or says why not; statuses in docs/database-protocol.md';

create or replace function re_raw.fill_gap(p_instance uuid, p_first_missing bigint, p_envelopes bytea[], p_payloads bytea[], out status text, out detail text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set work_mem = '64MB' set timezone = 'UTC' set datestyle = 'ISO, YMD' as $$
declare
    inst   re_core.component_instance;
    gap    re_raw.chain_gap;
    n      int := cardinality(p_envelopes);
    hashes bytea[];
    bad     bigint;
    careful boolean;
    code    text;
    rule    text;
begin
    select * into inst from re_core.component_instance c where c.component_instance_id = p_instance;
    if not found then
        status := 'unknown_instance';
        return;
    elsif not re_raw.may_write(inst) then
        status := 'not_authorised';
        perform re_raw.record_violation(p_instance, inst.tenant_id, status, null, p_first_missing, null, null, null, null, null, 'fill_gap');
        return;
    end if;
    perform from re_raw.chain_head h where h.component_instance_id = p_instance for no key update;
    select * into gap from re_raw.chain_gap g where g.component_instance_id = p_instance and g.first_missing = p_first_missing;
    if not found then
        status := 'malformed';
        detail := 'no declared gap begins there';
        return;
    elsif exists (select from re_raw.chain_gap_fill f where f.component_instance_id = p_instance and f.first_missing = p_first_missing) then
        status := 'duplicate';
        return;
    elsif n is distinct from gap.last_missing - gap.first_missing + 1 or cardinality(p_payloads) is distinct from n or n > 100000
          or array_position(p_envelopes, null) is not null or array_position(p_payloads, null) is not null then
        status := 'malformed';
        detail := format('the whole gap is needed: seq %s to %s, at most 100000 events', gap.first_missing, gap.last_missing);
        return;
    end if;
    hashes := array(select sha256('\x00'::bytea || u.e) from unnest(p_envelopes) with ordinality u(e, o) order by u.o);
    -- Both ends are pinned by hashes that were stored with the gap: nothing but the lost events fits.
    if hashes[n] <> gap.resume_prev_hash then
        status := 'broken_link';
        detail := 'the last event is not the one that the chain goes on from';
        perform re_raw.record_violation(p_instance, inst.tenant_id, status, null, gap.first_missing, gap.last_missing, gap.last_missing,
                                        gap.resume_prev_hash, hashes[n], p_envelopes[n], detail);
        return;
    end if;
    if to_regclass(format('re_raw.raw_event_p%s', to_char(now() at time zone 'UTC', 'YYYYMMDD'))) is null then
        perform re_ops.ensure_partitions();
    end if;
    foreach careful in array array[false, true] loop      -- as in ingest
        begin
            perform re_raw.store_events(inst, gap.first_missing, p_envelopes, p_payloads, hashes, careful);
            select min(r.seq) into bad
            from re_raw.raw_event r
            where r.ingested_at = now() and r.component_instance_id = p_instance and r.seq between gap.first_missing and gap.last_missing
              and r.prev_hash <> case when r.seq = gap.first_missing then gap.known_hash else hashes[(r.seq - gap.first_missing)::int] end;
            if bad is not null then
                raise exception 'prev_hash is not the hash of the event before (seq %)', bad using errcode = 'RE003';
            end if;
            insert into re_raw.chain_gap_fill (component_instance_id, first_missing, last_missing, tenant_id)
                values (p_instance, gap.first_missing, gap.last_missing, inst.tenant_id);
            status := 'stored';
            return;
        exception when data_exception or check_violation or not_null_violation or foreign_key_violation or unique_violation
                       or program_limit_exceeded or sqlstate 'RE003' then
            get stacked diagnostics code = returned_sqlstate, rule = constraint_name, detail = message_text;
            -- As in ingest: what is the database's own is retried or heard, what is the sender's is recorded.
            if code = '23514' and rule in ('', 'partition_is_sealed') then
                status := 'no_partition';
                detail := 'no open partition for ' || now();
                return;
            elsif code = '23503' and rule <> 'raw_event_is_of_enrolled_instance' then
                raise;
            end if;
            if not careful then
                detail := null;
                continue;
            end if;
            status := 'bad_event';
            perform re_raw.record_violation(p_instance, inst.tenant_id, status, null, gap.first_missing, gap.last_missing, bad, null, null, null, detail);
        end;
    end loop;
end $$;
comment on function re_raw.fill_gap(uuid, bigint, bytea[], bytea[]) is
    'Stores the events of a declared gap that were found later: all of them, pinned by the two hashes kept with the gap';

create or replace function re_raw.rederive(p_instance uuid, p_from bigint default 0, p_to bigint default null, out mended bigint, out remaining bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp set work_mem = '64MB' set timezone = 'UTC' set datestyle = 'ISO, YMD' as $$
declare
    inst  re_core.component_instance;
    event record;
    code  text;
begin
    mended := 0;
    remaining := 0;
    select * into inst from re_core.component_instance c where c.component_instance_id = p_instance;
    if not found then
        raise exception 'instance % is not enrolled', p_instance using errcode = 'RE002';
    end if;
    perform from re_raw.chain_head h where h.component_instance_id = p_instance for no key update;
    for event in
        select q.ingested_at, q.seq from re_raw.quarantine q
        where q.component_instance_id = p_instance and q.seq >= p_from and q.seq <= coalesce(p_to, q.seq)
          and not exists (select from re_raw.quarantine_mended m
                          where m.ingested_at = q.ingested_at and m.component_instance_id = q.component_instance_id and m.seq = q.seq)
        order by q.seq
    loop
        begin
            if re_raw.derive(inst, re_raw.stored_events(p_instance, event.ingested_at, event.seq, event.seq)) is not null then
                remaining := remaining + 1;
                continue;
            end if;
            insert into re_raw.quarantine_mended (ingested_at, component_instance_id, seq, tenant_id)
                values (event.ingested_at, p_instance, event.seq, inst.tenant_id);
            mended := mended + 1;
        exception when data_exception or integrity_constraint_violation or program_limit_exceeded or sqlstate 'RE003' then
            get stacked diagnostics code = returned_sqlstate;
            if code = '23503' then
                raise;
            end if;
            remaining := remaining + 1;
        end;
    end loop;
end $$;
comment on function re_raw.rederive(uuid, bigint, bigint) is
    'Makes the normalised rows of quarantined events that this bundle can make now: how many were mended, how many remain';

select re_core.make_append_only(t), re_core.protect_by_tenant(t) from unnest(array['re_raw.quarantine', 're_raw.quarantine_mended']::regclass[]) t;
grant execute on function re_raw.rederive(uuid, bigint, bigint) to re_retention;
grant select on re_raw.quarantine, re_raw.quarantine_mended to re_auditor, re_viewer;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 02, 03: rows carry the time of their raw event, whenever they are made; the EDNS of the query
-- ---------------------------------------------------------------------------------------------------------------------------
alter table re_dpi.dns
    add column query_edns_version smallint,
    add column query_edns_udp_size int,
    add column query_edns_do boolean,
    add constraint dns_query_edns_is_in_range check (query_edns_version between 0 and 255 and query_edns_udp_size between 0 and 65535),
    add constraint dns_query_edns_is_whole check (num_nulls(query_edns_version, query_edns_udp_size, query_edns_do) in (0, 3));
comment on column re_dpi.dns.query_edns_version    is 'EDNS version of the first query (payload: query_edns.version)';
comment on column re_dpi.dns.query_edns_udp_size   is 'EDNS UDP size of the first query in bytes (payload: query_edns.udp_size)';
comment on column re_dpi.dns.query_edns_do         is 'The first query wants DNSSEC records (payload: query_edns.do)';
create table re_dpi.dns_query_edns_option (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    code                  int not null,
    data                  text not null,
    constraint dns_query_edns_option_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint dns_query_edns_option_position_is_valid check (position >= 0),
    constraint dns_query_edns_option_code_is_valid check (code between 0 and 65535),
    constraint dns_query_edns_option_data_is_valid check (data ~ '^([0-9a-f]{2})*$')
) partition by range (ingested_at);
comment on table  re_dpi.dns_query_edns_option is 'dpi.dns query_edns.options: EDNS options of the first query, in wire order';
comment on column re_dpi.dns_query_edns_option.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.dns_query_edns_option.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.dns_query_edns_option.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.dns_query_edns_option.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.dns_query_edns_option.position              is 'Place in the list, from 0';
comment on column re_dpi.dns_query_edns_option.code                  is 'EDNS option code';
comment on column re_dpi.dns_query_edns_option.data                  is 'Option data, hex';
select re_core.make_append_only('re_dpi.dns_query_edns_option'), re_core.protect_by_tenant('re_dpi.dns_query_edns_option');
grant select on re_dpi.dns_query_edns_option to re_auditor, re_viewer, re_correlation, re_ai_writer;

create or replace function re_agent.store_process_activity(p_batch re_raw.event_batch) returns void
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

create or replace function re_agent.store_file_activity(p_batch re_raw.event_batch) returns void
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

create or replace function re_agent.store_persistence_activity(p_batch re_raw.event_batch) returns void
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

create or replace function re_agent.store_network_intent(p_batch re_raw.event_batch) returns void
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

create or replace function re_agent.store_deception_event(p_batch re_raw.event_batch) returns void
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

create or replace function re_agent.store_component_health(p_batch re_raw.event_batch) returns void
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

create or replace function re_dpi.store_flow(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq,
               (u.members = num_nonnulls(
                        r.community_id, r.record, r.final, r.start_at, r.end_at, r.ip_version, r.protocol, r.src_ip, r.src_port, r.dst_ip,
                        r.dst_port, r.orientation, r.packets_src, r.packets_dst, r.ip_bytes_src, r.ip_bytes_dst, r.payload_bytes_src,
                        r.payload_bytes_dst, r.end_reason, r.app_master, r.app, r.app_category, r.app_confidence, r.app_packets,
                        r.risk_score, r.tunnel_type, r.tunnel_id, r.tunnel_src_ip, r.tunnel_dst_ip, r.tcp_flags_src, r.tcp_flags_dst,
                        r.conn_state, r.history, r.rtt_src_us, r.rtt_dst_us, r.retransmits_src, r.retransmits_dst, r.out_of_order_src,
                        r.out_of_order_dst, r.duplicate_acks_src, r.duplicate_acks_dst, r.zero_windows_src, r.zero_windows_dst,
                        r.gap_bytes_src, r.gap_bytes_dst, r.duplicate_packets, r.icmp_type, r.icmp_code, r.ttl_min_src, r.ttl_min_dst,
                        r.server_name, r.server_name_truncated, r.tls_version, r.tls_cipher, r.alpn, r.alpn_truncated, r.ja3, r.ja3s, r.ja4,
                        r.cert_sha256, r.cert_subject, r.cert_subject_truncated, r.cert_issuer, r.cert_issuer_truncated, r.cert_not_before,
                        r.cert_not_after, r.http_method, r.http_method_truncated, r.http_url, r.http_url_truncated, r.http_user_agent,
                        r.http_user_agent_truncated, r.http_status, r.ssh_client, r.ssh_client_truncated, r.ssh_server,
                        r.ssh_server_truncated, r.hassh, r.hassh_server, r.canary, r.vlan_ids, r.encapsulations, r.risks, r.splt,
                        r.anomalies)
               + 2 * coalesce(jsonb_array_length(r.splt), 0)
           and u.quotes = 2 * (u.members + num_nonnulls(
                        r.community_id, r.start_at, r.end_at, r.src_ip, r.dst_ip, r.orientation, r.end_reason, r.app_master, r.app,
                        r.app_category, r.app_confidence, r.tunnel_type, r.tunnel_src_ip, r.tunnel_dst_ip, r.conn_state, r.history,
                        r.server_name, r.tls_version, r.tls_cipher, r.alpn, r.ja3, r.ja3s, r.ja4, r.cert_sha256, r.cert_subject,
                        r.cert_issuer, r.cert_not_before, r.cert_not_after, r.http_method, r.http_url, r.http_user_agent, r.ssh_client,
                        r.ssh_server, r.hassh, r.hassh_server)
                               + jsonb_array_length(r.encapsulations) + jsonb_array_length(r.risks) + coalesce(jsonb_array_length(r.anomalies), 0))
           and jsonb_array_length(r.vlan_ids) >= 0) is not true as is_bad,
               u.observed_at, u.observed_at_ns, r.*
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            vlan_ids jsonb, encapsulations jsonb, risks jsonb, splt jsonb, anomalies jsonb,
            community_id text, record bigint, final boolean, start_at text, end_at text, ip_version bigint, protocol bigint,
            src_ip text, src_port bigint, dst_ip text, dst_port bigint, orientation text, packets_src bigint, packets_dst bigint,
            ip_bytes_src bigint, ip_bytes_dst bigint, payload_bytes_src bigint, payload_bytes_dst bigint, end_reason text,
            app_master text, app text, app_category text, app_confidence text, app_packets bigint, risk_score bigint, tunnel_type text,
            tunnel_id bigint, tunnel_src_ip text, tunnel_dst_ip text, tcp_flags_src bigint, tcp_flags_dst bigint, conn_state text,
            history text, rtt_src_us bigint, rtt_dst_us bigint, retransmits_src bigint, retransmits_dst bigint, out_of_order_src bigint,
            out_of_order_dst bigint, duplicate_acks_src bigint, duplicate_acks_dst bigint, zero_windows_src bigint,
            zero_windows_dst bigint, gap_bytes_src bigint, gap_bytes_dst bigint, duplicate_packets bigint, icmp_type bigint,
            icmp_code bigint, ttl_min_src bigint, ttl_min_dst bigint, server_name text, server_name_truncated boolean, tls_version text,
            tls_cipher text, alpn text, alpn_truncated boolean, ja3 text, ja3s text, ja4 text, cert_sha256 text, cert_subject text,
            cert_subject_truncated boolean, cert_issuer text, cert_issuer_truncated boolean, cert_not_before text, cert_not_after text,
            http_method text, http_method_truncated boolean, http_url text, http_url_truncated boolean, http_user_agent text,
            http_user_agent_truncated boolean, http_status bigint, ssh_client text, ssh_client_truncated boolean, ssh_server text,
            ssh_server_truncated boolean, hassh text, hassh_server text, canary boolean)
    ), fact as (
        insert into re_dpi.flow (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, community_id, record, final, start_at,
            start_at_ns, end_at, end_at_ns, ip_version, protocol, src_ip, src_port, dst_ip, dst_port, orientation, packets_src,
            packets_dst, ip_bytes_src, ip_bytes_dst, payload_bytes_src, payload_bytes_dst, end_reason, app_master, app, app_category,
            app_confidence, app_packets, risk_score, tunnel_type, tunnel_id, tunnel_src_ip, tunnel_dst_ip, tcp_flags_src, tcp_flags_dst,
            conn_state, history, rtt_src_us, rtt_dst_us, retransmits_src, retransmits_dst, out_of_order_src, out_of_order_dst,
            duplicate_acks_src, duplicate_acks_dst, zero_windows_src, zero_windows_dst, gap_bytes_src, gap_bytes_dst, duplicate_packets,
            icmp_type, icmp_code, ttl_min_src, ttl_min_dst, server_name, server_name_truncated, tls_version, tls_cipher, alpn,
            alpn_truncated, ja3, ja3s, ja4, cert_sha256, cert_subject, cert_subject_truncated, cert_issuer, cert_issuer_truncated,
            cert_not_before, cert_not_before_ns, cert_not_after, cert_not_after_ns, http_method, http_method_truncated, http_url,
            http_url_truncated, http_user_agent, http_user_agent_truncated, http_status, ssh_client, ssh_client_truncated, ssh_server,
            ssh_server_truncated, hassh, hassh_server, canary)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.community_id, p.record, p.final, re_raw.time_us(p.start_at), re_raw.time_ns(p.start_at), re_raw.time_us(p.end_at),
            re_raw.time_ns(p.end_at), p.ip_version::smallint, p.protocol::smallint, p.src_ip::inet, p.src_port::int, p.dst_ip::inet,
            p.dst_port::int, p.orientation, p.packets_src, p.packets_dst, p.ip_bytes_src, p.ip_bytes_dst, p.payload_bytes_src,
            p.payload_bytes_dst, p.end_reason, p.app_master, p.app, p.app_category, p.app_confidence, p.app_packets, p.risk_score::int,
            p.tunnel_type, p.tunnel_id, p.tunnel_src_ip::inet, p.tunnel_dst_ip::inet, p.tcp_flags_src::smallint,
            p.tcp_flags_dst::smallint, p.conn_state, p.history, p.rtt_src_us, p.rtt_dst_us, p.retransmits_src, p.retransmits_dst,
            p.out_of_order_src, p.out_of_order_dst, p.duplicate_acks_src, p.duplicate_acks_dst, p.zero_windows_src, p.zero_windows_dst,
            p.gap_bytes_src, p.gap_bytes_dst, p.duplicate_packets, p.icmp_type::smallint, p.icmp_code::smallint,
            p.ttl_min_src::smallint, p.ttl_min_dst::smallint, p.server_name, p.server_name_truncated, p.tls_version, p.tls_cipher,
            p.alpn, p.alpn_truncated, p.ja3, p.ja3s, p.ja4, decode(p.cert_sha256, 'hex'), p.cert_subject, p.cert_subject_truncated,
            p.cert_issuer, p.cert_issuer_truncated, re_raw.time_us(p.cert_not_before), re_raw.time_ns(p.cert_not_before),
            re_raw.time_us(p.cert_not_after), re_raw.time_ns(p.cert_not_after), p.http_method, p.http_method_truncated, p.http_url,
            p.http_url_truncated, p.http_user_agent, p.http_user_agent_truncated, p.http_status::int, p.ssh_client,
            p.ssh_client_truncated, p.ssh_server, p.ssh_server_truncated, p.hassh, p.hassh_server, p.canary
        from p
    ), vlan as (
        insert into re_dpi.flow_vlan (ingested_at, component_instance_id, seq, tenant_id, position, vlan_id)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, e.value::smallint
        from p cross join lateral jsonb_array_elements_text(p.vlan_ids) with ordinality e(value, o) where p.vlan_ids <> '[]'
    ), encapsulation as (
        insert into re_dpi.flow_encapsulation (ingested_at, component_instance_id, seq, tenant_id, position, encapsulation)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, e.value
        from p cross join lateral jsonb_array_elements_text(p.encapsulations) with ordinality e(value, o) where p.encapsulations <> '[]'
    ), risk as (
        insert into re_dpi.flow_risk (ingested_at, component_instance_id, seq, tenant_id, risk)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value
        from p cross join lateral jsonb_array_elements_text(p.risks) e(value) where p.risks <> '[]'
    ), packet as (
        insert into re_dpi.flow_packet (ingested_at, component_instance_id, seq, tenant_id, position, bytes, gap_us)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, (e.value ->> 'bytes')::int, (e.value ->> 'gap_us')::bigint
        from p cross join lateral jsonb_array_elements(p.splt) with ordinality e(value, o) where p.splt <> '[]'
    ), anomaly as (
        insert into re_dpi.flow_anomaly (ingested_at, component_instance_id, seq, tenant_id, anomaly)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value
        from p cross join lateral jsonb_array_elements_text(p.anomalies) e(value) where p.anomalies <> '[]'
    )
    select min(p.seq) into bad from p where p.is_bad;
    if bad is not null then
        perform re_raw.refuse_payload('dpi.flow', bad);
    end if;
end $$;
comment on function re_dpi.store_flow(re_raw.event_batch) is 'Normalised rows of dpi.flow v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_dns(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq,
               (u.members = num_nonnulls(
                        r.community_id, r.transport, r.service, r.src_ip, r.src_port, r.dst_ip, r.dst_port, r.id, r.opcode, r.outcome,
                        r.queries, r.responses, r.qname, r.qname_truncated, r.qtype, r.query_at, r.response_at, r.rtt_us, r.rcode, r.aa,
                        r.tc, r.rd, r.ra, r.ad, r.cd, r.query_bytes, r.response_bytes, r.malformed_at, r.malformed_reason,
                        r.records_omitted, r.canary, r.questions, r.records, r.edns, r.query_edns, r.anomalies)
               + 3 * jsonb_array_length(r.questions) + 6 * coalesce(jsonb_array_length(r.records), 0)
               + (select count(*) from jsonb_array_elements(r.records) e(value) where e.value ? 'data_truncated')
               + case when r.edns is null then 0 else 4 + 2 * jsonb_array_length(r.edns -> 'options') end
               + case when r.query_edns is null then 0 else 4 + 2 * jsonb_array_length(r.query_edns -> 'options') end
           and u.quotes = 2 * (u.members + num_nonnulls(
                        r.community_id, r.transport, r.service, r.src_ip, r.dst_ip, r.opcode, r.outcome, r.qname, r.qtype, r.query_at,
                        r.response_at, r.rcode, r.malformed_reason)
                               + 3 * jsonb_array_length(r.questions) + 5 * coalesce(jsonb_array_length(r.records), 0)
                               + coalesce(jsonb_array_length(r.edns -> 'options'), 0) + coalesce(jsonb_array_length(r.query_edns -> 'options'), 0)
                               + coalesce(jsonb_array_length(r.anomalies), 0))) is not true as is_bad,
               u.observed_at, u.observed_at_ns, r.*
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            questions jsonb, records jsonb, edns jsonb, query_edns jsonb, anomalies jsonb,
            community_id text, transport text, service text, src_ip text, src_port bigint, dst_ip text, dst_port bigint, id bigint,
            opcode text, outcome text, queries bigint, responses bigint, qname text, qname_truncated boolean, qtype text, query_at text,
            response_at text, rtt_us bigint, rcode text, aa boolean, tc boolean, rd boolean, ra boolean, ad boolean, cd boolean,
            query_bytes bigint, response_bytes bigint, malformed_at bigint, malformed_reason text, records_omitted bigint, canary boolean)
    ), fact as (
        insert into re_dpi.dns (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, community_id, transport, service, src_ip,
            src_port, dst_ip, dst_port, id, opcode, outcome, queries, responses, qname, qname_truncated, qtype, query_at, query_at_ns,
            response_at, response_at_ns, rtt_us, rcode, aa, tc, rd, ra, ad, cd, edns_version, edns_udp_size, edns_do, query_bytes,
            response_bytes, malformed_at, malformed_reason, records_omitted, canary, query_edns_version, query_edns_udp_size, query_edns_do)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.community_id, p.transport, p.service, p.src_ip::inet, p.src_port::int, p.dst_ip::inet, p.dst_port::int, p.id::int,
            p.opcode, p.outcome, p.queries, p.responses, p.qname, p.qname_truncated, p.qtype, re_raw.time_us(p.query_at),
            re_raw.time_ns(p.query_at), re_raw.time_us(p.response_at), re_raw.time_ns(p.response_at), p.rtt_us, p.rcode, p.aa, p.tc,
            p.rd, p.ra, p.ad, p.cd, (p.edns ->> 'version')::smallint, (p.edns ->> 'udp_size')::int, (p.edns ->> 'do')::boolean,
            p.query_bytes, p.response_bytes, p.malformed_at, p.malformed_reason, p.records_omitted, p.canary,
            (p.query_edns ->> 'version')::smallint, (p.query_edns ->> 'udp_size')::int, (p.query_edns ->> 'do')::boolean
        from p
    ), question as (
        insert into re_dpi.dns_question (ingested_at, component_instance_id, seq, tenant_id, position, name, type, class)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, e.value ->> 'name', e.value ->> 'type', e.value ->> 'class'
        from p cross join lateral jsonb_array_elements(p.questions) with ordinality e(value, o)
    ), record as (
        insert into re_dpi.dns_record (ingested_at, component_instance_id, seq, tenant_id, position, section, name, type, class, ttl, data, data_truncated)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id,
               e.o - 1, e.value ->> 'section', e.value ->> 'name', e.value ->> 'type', e.value ->> 'class', (e.value ->> 'ttl')::bigint,
               e.value ->> 'data', (e.value ->> 'data_truncated')::boolean
        from p cross join lateral jsonb_array_elements(p.records) with ordinality e(value, o) where p.records <> '[]'
    ), edns_option as (
        insert into re_dpi.dns_edns_option (ingested_at, component_instance_id, seq, tenant_id, position, code, data)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, (e.value ->> 'code')::int, e.value ->> 'data'
        from p cross join lateral jsonb_array_elements(p.edns -> 'options') with ordinality e(value, o) where p.edns -> 'options' <> '[]'
    ), query_edns_option as (
        insert into re_dpi.dns_query_edns_option (ingested_at, component_instance_id, seq, tenant_id, position, code, data)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.o - 1, (e.value ->> 'code')::int, e.value ->> 'data'
        from p cross join lateral jsonb_array_elements(p.query_edns -> 'options') with ordinality e(value, o) where p.query_edns -> 'options' <> '[]'
    ), anomaly as (
        insert into re_dpi.dns_anomaly (ingested_at, component_instance_id, seq, tenant_id, anomaly)
        select p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value
        from p cross join lateral jsonb_array_elements_text(p.anomalies) e(value) where p.anomalies <> '[]'
    )
    select min(p.seq) into bad from p where p.is_bad;
    if bad is not null then
        perform re_raw.refuse_payload('dpi.dns', bad);
    end if;
end $$;
comment on function re_dpi.store_dns(re_raw.event_batch) is 'Normalised rows of dpi.dns v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_heartbeat(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.heartbeat_number, r.interval_ms, r.previous_seq, r.state, r.run_id, r.uptime_ms, r.probe_version,
                              r.ndpi_version, r.libpcap_version, r.openssl_version, r.kernel_version, r.build_sha256,
                              r.ndpi_library_sha256, r.config_sha256, r.schema_sha256, r.clock_offset_us, r.clock_max_error_us, r.clock_synced, r.clock_steps,
                              r.packets_offered, r.bytes_offered, r.packets_decoded, r.packets_filtered, r.packets_malformed,
                              r.packets_not_ip, r.packets_dropped_kernel, r.packets_dropped_nic, r.packets_dropped_no_buffer,
                              r.packets_shed, r.packets_truncated, r.packets_duplicate, r.time_backward_steps, r.flows_active,
                              r.flows_started, r.flow_records, r.flows_evicted, r.dns_transactions, r.dns_messages, r.tcp_acks,
                              r.gap_events, r.acked_bytes, r.gap_bytes, r.tcp_flows, r.one_way_flows, r.midstream_flows,
                              r.dns_orphans, r.retransmits, r.out_of_order, r.vlan_one_sided_flows, r.truncated_datagrams,
                              r.checksum_bad, r.work_batches_waiting_max, r.work_batches_capacity, r.fact_batches_waiting_max,
                              r.fact_batches_capacity, r.recorder_lag_us, r.commits, r.commit_errors, r.commit_p50_us,
                              r.commit_p99_us, r.commit_max_us, r.spool_bytes, r.spool_cap_bytes, r.spool_unacked_events,
                              r.spool_oldest_unacked_ms, r.spool_quarantined, r.db_connected, r.db_lag_events, r.db_last_ack_at,
                              r.db_retries, r.db_errors, r.db_refused, r.events_produced, r.events_sealed, r.events_shed, r.tree_size_signed,
                              r.unsigned_events, r.unsigned_ms, r.key_id, r.workers, r.worker_restarts, r.canary_number,
                              r.canary_flow_lag_us, r.canary_dns_lag_us, r.canary_stage, r.last_packet_at, r.reasons, r.anomalies,
                              r.interfaces, r.events, r.losses) as members_known,
               num_nonnulls(r.state, r.run_id, r.probe_version, r.ndpi_version, r.libpcap_version, r.openssl_version,
                              r.kernel_version, r.build_sha256, r.ndpi_library_sha256, r.config_sha256, r.schema_sha256, r.db_last_ack_at, r.key_id, r.canary_stage,
                              r.last_packet_at) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            heartbeat_number bigint, interval_ms bigint, previous_seq bigint, state text, run_id text, uptime_ms bigint,
            probe_version text, ndpi_version text, libpcap_version text, openssl_version text, kernel_version text,
            build_sha256 text, ndpi_library_sha256 text, config_sha256 text, schema_sha256 text, clock_offset_us bigint, clock_max_error_us bigint, clock_synced boolean,
            clock_steps bigint, packets_offered bigint, bytes_offered bigint, packets_decoded bigint, packets_filtered bigint,
            packets_malformed bigint, packets_not_ip bigint, packets_dropped_kernel bigint, packets_dropped_nic bigint,
            packets_dropped_no_buffer bigint, packets_shed bigint, packets_truncated bigint, packets_duplicate bigint,
            time_backward_steps bigint, flows_active bigint, flows_started bigint, flow_records bigint, flows_evicted bigint,
            dns_transactions bigint, dns_messages bigint, tcp_acks bigint, gap_events bigint, acked_bytes bigint, gap_bytes bigint,
            tcp_flows bigint, one_way_flows bigint, midstream_flows bigint, dns_orphans bigint, retransmits bigint,
            out_of_order bigint, vlan_one_sided_flows bigint, truncated_datagrams bigint, checksum_bad bigint,
            work_batches_waiting_max bigint, work_batches_capacity bigint, fact_batches_waiting_max bigint,
            fact_batches_capacity bigint, recorder_lag_us bigint, commits bigint, commit_errors bigint, commit_p50_us bigint,
            commit_p99_us bigint, commit_max_us bigint, spool_bytes bigint, spool_cap_bytes bigint, spool_unacked_events bigint,
            spool_oldest_unacked_ms bigint, spool_quarantined bigint, db_connected boolean, db_lag_events bigint,
            db_last_ack_at text, db_retries bigint, db_errors bigint, db_refused bigint, events_produced bigint, events_sealed bigint,
            events_shed bigint, tree_size_signed bigint, unsigned_events bigint, unsigned_ms bigint, key_id text, workers bigint,
            worker_restarts bigint, canary_number bigint, canary_flow_lag_us bigint, canary_dns_lag_us bigint, canary_stage text,
            last_packet_at text, reasons jsonb, anomalies jsonb, interfaces jsonb, events jsonb, losses jsonb)
    ), fact as (
        insert into re_dpi.heartbeat (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, heartbeat_number, interval_ms,
            previous_seq, state, run_id, uptime_ms, probe_version, ndpi_version, libpcap_version, openssl_version, kernel_version,
            build_sha256, ndpi_library_sha256, config_sha256, schema_sha256, clock_offset_us, clock_max_error_us, clock_synced, clock_steps, packets_offered,
            bytes_offered, packets_decoded, packets_filtered, packets_malformed, packets_not_ip, packets_dropped_kernel,
            packets_dropped_nic, packets_dropped_no_buffer, packets_shed, packets_truncated, packets_duplicate, time_backward_steps,
            flows_active, flows_started, flow_records, flows_evicted, dns_transactions, dns_messages, tcp_acks, gap_events,
            acked_bytes, gap_bytes, tcp_flows, one_way_flows, midstream_flows, dns_orphans, retransmits, out_of_order,
            vlan_one_sided_flows, truncated_datagrams, checksum_bad, work_batches_waiting_max, work_batches_capacity,
            fact_batches_waiting_max, fact_batches_capacity, recorder_lag_us, commits, commit_errors, commit_p50_us, commit_p99_us,
            commit_max_us, spool_bytes, spool_cap_bytes, spool_unacked_events, spool_oldest_unacked_ms, spool_quarantined,
            db_connected, db_lag_events, db_last_ack_at, db_last_ack_at_ns, db_retries, db_errors, db_refused, events_produced, events_sealed,
            events_shed, tree_size_signed, unsigned_events, unsigned_ms, key_id, workers, worker_restarts, canary_number,
            canary_flow_lag_us, canary_dns_lag_us, canary_stage, last_packet_at, last_packet_at_ns)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.heartbeat_number, p.interval_ms, p.previous_seq, p.state, p.run_id::uuid, p.uptime_ms, p.probe_version,
            p.ndpi_version, p.libpcap_version, p.openssl_version, p.kernel_version, decode(p.build_sha256, 'hex'),
            decode(p.ndpi_library_sha256, 'hex'), decode(p.config_sha256, 'hex'),
            decode(p.schema_sha256, 'hex'), p.clock_offset_us, p.clock_max_error_us, p.clock_synced, p.clock_steps,
            p.packets_offered, p.bytes_offered, p.packets_decoded, p.packets_filtered, p.packets_malformed, p.packets_not_ip,
            p.packets_dropped_kernel, p.packets_dropped_nic, p.packets_dropped_no_buffer, p.packets_shed, p.packets_truncated,
            p.packets_duplicate, p.time_backward_steps, p.flows_active, p.flows_started, p.flow_records, p.flows_evicted,
            p.dns_transactions, p.dns_messages, p.tcp_acks, p.gap_events, p.acked_bytes, p.gap_bytes, p.tcp_flows, p.one_way_flows,
            p.midstream_flows, p.dns_orphans, p.retransmits, p.out_of_order, p.vlan_one_sided_flows, p.truncated_datagrams,
            p.checksum_bad, p.work_batches_waiting_max, p.work_batches_capacity, p.fact_batches_waiting_max,
            p.fact_batches_capacity, p.recorder_lag_us, p.commits, p.commit_errors, p.commit_p50_us, p.commit_p99_us,
            p.commit_max_us, p.spool_bytes, p.spool_cap_bytes, p.spool_unacked_events, p.spool_oldest_unacked_ms,
            p.spool_quarantined, p.db_connected, p.db_lag_events, re_raw.time_us(p.db_last_ack_at),
            re_raw.time_ns(p.db_last_ack_at), p.db_retries, p.db_errors, p.db_refused, p.events_produced, p.events_sealed, p.events_shed,
            p.tree_size_signed, p.unsigned_events, p.unsigned_ms, decode(p.key_id, 'hex'), p.workers, p.worker_restarts,
            p.canary_number, p.canary_flow_lag_us, p.canary_dns_lag_us, p.canary_stage, re_raw.time_us(p.last_packet_at),
            re_raw.time_ns(p.last_packet_at)
        from p
    ), reason as (
        insert into re_dpi.heartbeat_reason (
            ingested_at, component_instance_id, seq, tenant_id, reason)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value
        from p cross join lateral jsonb_array_elements_text(p.reasons) e(value)
    ), anomaly as (
        insert into re_dpi.heartbeat_anomaly (
            ingested_at, component_instance_id, seq, tenant_id, name, count)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value ->> 'name', (e.value ->> 'count')::bigint
        from p cross join lateral jsonb_array_elements(p.anomalies) e(value)
    ), interface as (
        insert into re_dpi.heartbeat_interface (
            ingested_at, component_instance_id, seq, tenant_id, name, kind, link_up, packets, bytes, dropped_kernel, dropped_nic,
            dropped_no_buffer, ring_freezes, coalesced, checksum_partial, reopened, malformed, truncated, promiscuous, last_packet_at,
            last_packet_at_ns)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value ->> 'name', e.value ->> 'kind',
            (e.value ->> 'link_up')::boolean, (e.value ->> 'packets')::bigint, (e.value ->> 'bytes')::bigint,
            (e.value ->> 'dropped_kernel')::bigint, (e.value ->> 'dropped_nic')::bigint, (e.value ->> 'dropped_no_buffer')::bigint,
            (e.value ->> 'ring_freezes')::bigint, (e.value ->> 'coalesced')::bigint, (e.value ->> 'checksum_partial')::bigint,
            (e.value ->> 'reopened')::bigint, (e.value ->> 'malformed')::bigint, (e.value ->> 'truncated')::bigint,
            (e.value ->> 'promiscuous')::boolean, re_raw.time_us(e.value ->> 'last_packet_at'),
            re_raw.time_ns(e.value ->> 'last_packet_at')
        from p cross join lateral jsonb_array_elements(p.interfaces) e(value)
    ), event as (
        insert into re_dpi.heartbeat_event (
            ingested_at, component_instance_id, seq, tenant_id, event_type, sealed, shed)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value ->> 'event_type', (e.value ->> 'sealed')::bigint,
            (e.value ->> 'shed')::bigint
        from p cross join lateral jsonb_array_elements(p.events) e(value)
    ), loss as (
        insert into re_dpi.heartbeat_loss (
            ingested_at, component_instance_id, seq, tenant_id, cause, packets, bytes, events)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value ->> 'cause', (e.value ->> 'packets')::bigint,
            (e.value ->> 'bytes')::bigint, (e.value ->> 'events')::bigint
        from p cross join lateral jsonb_array_elements(p.losses) e(value)
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
               + 2 * jsonb_array_length(p.anomalies) + 13 * jsonb_array_length(p.interfaces) + 3 * jsonb_array_length(p.events) + 4 * jsonb_array_length(p.losses)
               + (select count(*) filter (where e.value ? 'link_up') + count(*) filter (where e.value ? 'promiscuous') + count(*) filter (where e.value ? 'last_packet_at') from jsonb_array_elements(p.interfaces) e(value))
           and p.quotes = 2 * (p.members + p.strings_known
                               + jsonb_array_length(p.reasons) + jsonb_array_length(p.anomalies) + 2 * jsonb_array_length(p.interfaces)
                               + (select count(*) from jsonb_array_elements(p.interfaces) e(value) where e.value ? 'last_packet_at')
                               + jsonb_array_length(p.events) + jsonb_array_length(p.losses))) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('health.heartbeat', bad);
    end if;
end $$;
comment on function re_dpi.store_heartbeat(re_raw.event_batch) is 'Normalised rows of health.heartbeat v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_loss_report(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.interval_start, r.interval_end, r.cause, r.packets, r.bytes, r.policy, r.events) as members_known,
               num_nonnulls(r.interval_start, r.interval_end, r.cause, r.policy) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            interval_start text, interval_end text, cause text, packets bigint, bytes bigint, policy text, events jsonb)
    ), fact as (
        insert into re_dpi.loss_report (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, interval_start, interval_start_ns,
            interval_end, interval_end_ns, cause, packets, bytes, policy)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            re_raw.time_us(p.interval_start), re_raw.time_ns(p.interval_start), re_raw.time_us(p.interval_end),
            re_raw.time_ns(p.interval_end), p.cause, p.packets, p.bytes, p.policy
        from p
    ), event as (
        insert into re_dpi.loss_report_event (
            ingested_at, component_instance_id, seq, tenant_id, event_type, count)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value ->> 'event_type', (e.value ->> 'count')::bigint
        from p cross join lateral jsonb_array_elements(p.events) e(value)
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known + 2 * jsonb_array_length(p.events)
           and p.quotes = 2 * (p.members + p.strings_known + jsonb_array_length(p.events))) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('loss.report', bad);
    end if;
end $$;
comment on function re_dpi.store_loss_report(re_raw.event_batch) is 'Normalised rows of loss.report v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_clock_step(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.delta_us, r.source, r.synced_after) as members_known,
               num_nonnulls(r.source) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            delta_us bigint, source text, synced_after boolean)
    ), fact as (
        insert into re_dpi.clock_step (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, delta_us, source, synced_after)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.delta_us, p.source, p.synced_after
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('clock.step', bad);
    end if;
end $$;
comment on function re_dpi.store_clock_step(re_raw.event_batch) is 'Normalised rows of clock.step v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_probe_start(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.run_id, r.clean_shutdown, r.recovered_bytes_cut, r.pid_start_mono_us, r.config_sha256,
                              r.head_before, r.versions, r.loss_window) as members_known,
               num_nonnulls(r.run_id, r.config_sha256) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            run_id text, clean_shutdown boolean, recovered_bytes_cut bigint, pid_start_mono_us bigint, config_sha256 text,
            head_before jsonb, versions jsonb, loss_window jsonb)
    ), fact as (
        insert into re_dpi.probe_start (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, run_id, clean_shutdown,
            recovered_bytes_cut, pid_start_mono_us, config_sha256, head_tree_size, head_last_hash, probe_version, ndpi_version,
            schema_sha256, libpcap_version, openssl_version, kernel_version, build_sha256, ndpi_library_sha256, loss_window_from,
            loss_window_from_ns, loss_window_to, loss_window_to_ns)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.run_id::uuid, p.clean_shutdown, p.recovered_bytes_cut, p.pid_start_mono_us, decode(p.config_sha256, 'hex'),
            (p.head_before ->> 'tree_size')::bigint, decode(p.head_before ->> 'last_hash', 'hex'), p.versions ->> 'probe',
            p.versions ->> 'ndpi', decode(p.versions ->> 'schema_sha256', 'hex'), p.versions ->> 'libpcap',
            p.versions ->> 'openssl', p.versions ->> 'kernel', decode(p.versions ->> 'build_sha256', 'hex'),
            decode(p.versions ->> 'ndpi_library_sha256', 'hex'), re_raw.time_us(p.loss_window ->> 'from'),
            re_raw.time_ns(p.loss_window ->> 'from'), re_raw.time_us(p.loss_window ->> 'to'), re_raw.time_ns(p.loss_window ->> 'to')
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known + 5
               + num_nonnulls(p.versions ->> 'libpcap', p.versions ->> 'openssl', p.versions ->> 'kernel', p.versions ->> 'build_sha256',
                              p.versions ->> 'ndpi_library_sha256') + case when p.loss_window is null then 0 else 2 end
           and p.quotes = 2 * (p.members + p.strings_known + 4
                               + num_nonnulls(p.versions ->> 'libpcap', p.versions ->> 'openssl', p.versions ->> 'kernel', p.versions ->> 'build_sha256',
                              p.versions ->> 'ndpi_library_sha256') + case when p.loss_window is null then 0 else 2 end)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('probe.start', bad);
    end if;
end $$;
comment on function re_dpi.store_probe_start(re_raw.event_batch) is 'Normalised rows of probe.start v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_probe_stop(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.run_id, r.reason, r.totals) as members_known,
               num_nonnulls(r.run_id, r.reason) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            run_id text, reason text, totals jsonb)
    ), fact as (
        insert into re_dpi.probe_stop (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, run_id, reason, events_sealed,
            packets_offered, flow_records, dns_transactions)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            p.run_id::uuid, p.reason, (p.totals ->> 'events_sealed')::bigint, (p.totals ->> 'packets_offered')::bigint,
            (p.totals ->> 'flow_records')::bigint, (p.totals ->> 'dns_transactions')::bigint
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known + 4
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('probe.stop', bad);
    end if;
end $$;
comment on function re_dpi.store_probe_stop(re_raw.event_batch) is 'Normalised rows of probe.stop v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_config_change(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members as members_found, u.quotes, r.old_sha256, r.new_sha256, r.members as members_changed,
               num_nonnulls(r.old_sha256, r.new_sha256, r.members) as members_known,
               num_nonnulls(r.old_sha256, r.new_sha256) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            old_sha256 text, new_sha256 text, members jsonb)
    ), fact as (
        insert into re_dpi.config_change (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, old_sha256, new_sha256)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns,
            decode(p.old_sha256, 'hex'), decode(p.new_sha256, 'hex')
        from p
    ), member as (
        insert into re_dpi.config_change_member (
            ingested_at, component_instance_id, seq, tenant_id, member)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, e.value
        from p cross join lateral jsonb_array_elements_text(p.members_changed) e(value)
    )
    select min(p.seq) into bad from p
    where (p.members_found = p.members_known
           and p.quotes = 2 * (p.members_found + p.strings_known + jsonb_array_length(p.members_changed))) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('config.change', bad);
    end if;
end $$;
comment on function re_dpi.store_config_change(re_raw.event_batch) is 'Normalised rows of config.change v1, parsed once, one statement; internal to ingest';

create or replace function re_dpi.store_worker_crash(p_batch re_raw.event_batch) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    bad bigint;
begin
    with p as materialized (
        select u.seq, u.observed_at, u.observed_at_ns, u.members, u.quotes, r.*,
               num_nonnulls(r.worker, r.signal, r.uptime_ms, r.flow_key_hash, r.quarantine_sha256) as members_known,
               num_nonnulls(r.flow_key_hash, r.quarantine_sha256) as strings_known
        from unnest(p_batch.seqs, p_batch.observed_at, p_batch.observed_at_ns, p_batch.payloads, p_batch.members, p_batch.quotes)
            u(seq, observed_at, observed_at_ns, payload, members, quotes)
        cross join lateral json_to_record(u.payload) r(
            worker bigint, signal bigint, uptime_ms bigint, flow_key_hash text, quarantine_sha256 text)
    ), fact as (
        insert into re_dpi.worker_crash (
            ingested_at, component_instance_id, seq, tenant_id, machine_id, observed_at, observed_at_ns, worker, signal, uptime_ms,
            flow_key_hash, quarantine_sha256)
        select
            p_batch.ingested_at, p_batch.component_instance_id, p.seq, p_batch.tenant_id, p_batch.machine_id, p.observed_at, p.observed_at_ns, p.worker,
            p.signal, p.uptime_ms, decode(p.flow_key_hash, 'hex'), decode(p.quarantine_sha256, 'hex')
        from p
    )
    select min(p.seq) into bad from p
    where (p.members = p.members_known
           and p.quotes = 2 * (p.members + p.strings_known)) is not true;
    if bad is not null then
        perform re_raw.refuse_payload('worker.crash', bad);
    end if;
end $$;
comment on function re_dpi.store_worker_crash(re_raw.event_batch) is 'Normalised rows of worker.crash v1, parsed once, one statement; internal to ingest';

reset role;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 06: views
-- ---------------------------------------------------------------------------------------------------------------------------
set role re_viewer;
drop view re_view.dns;      -- its columns are those of the table and of the raw event, in this order
create view re_view.dns as
    select d.*, r.ingested_at as event_ingested_at, r.event_id, r.envelope_hash, r.mode, r.hostname
    from re_dpi.dns d
    join re_raw.raw_event r on r.ingested_at = d.ingested_at and r.component_instance_id = d.component_instance_id and r.seq = d.seq
    where d.canary is null
    order by d.ingested_at, d.component_instance_id, d.seq;
comment on view re_view.dns is 'DNS transactions with the identity and hash of their raw event';

create view re_view.quarantine as
    select q.ingested_at, q.component_instance_id, q.seq, q.event_type, q.event_version, q.sqlstate, q.rule, q.detail, q.quarantined_at, m.mended_at, m.mended_by
    from re_raw.quarantine q
    left join re_raw.quarantine_mended m on m.ingested_at = q.ingested_at and m.component_instance_id = q.component_instance_id and m.seq = q.seq
    order by q.ingested_at, q.component_instance_id, q.seq;
comment on view re_view.quarantine is 'Stored events without normalised rows: which rule their payload breaks, and when they were mended';

grant select on re_view.dns, re_view.quarantine to re_soc, re_auditor, re_correlation, re_ai_writer;

create or replace function re_view.probe_status_at(p_now timestamptz)
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

do $$
declare
    x record;
begin
    for x in
        select distinct on (v.attrelid, v.attnum) v.attrelid::regclass as view_name, v.attname, col_description(t.attrelid, t.attnum) as said
        from (values
            (10, 're_view.dns'::regclass, 're_dpi.dns'::regclass),
            (11, 're_view.dns'::regclass, 're_raw.raw_event'::regclass),
            (19, 're_view.quarantine'::regclass, 're_raw.quarantine'::regclass),
            (20, 're_view.quarantine'::regclass, 're_raw.quarantine_mended'::regclass)) s(no, view_oid, table_oid)
        join pg_attribute v on v.attrelid = s.view_oid and v.attnum > 0
        join pg_attribute t on t.attrelid = s.table_oid and t.attnum > 0 and t.attname = v.attname
        order by v.attrelid, v.attnum, s.no
    loop
        execute format('comment on column %s.%I is %L', x.view_name, x.attname, x.said);
    end loop;
end $$;
comment on column re_view.dns.event_ingested_at is 'ingested_at again: a bound on both prunes both sides when the query is planned';

reset role;

-- ---------------------------------------------------------------------------------------------------------------------------
-- 07: retention of the new tables, and their partitions beside every one that is ready
-- ---------------------------------------------------------------------------------------------------------------------------
set role re_owner;
insert into re_ops.retention_policy
    (schema_name, table_name, span, partition_column, parent_schema, parent_table, key_columns, parent_columns, premake, hot, warm, cold)
select t.child_schema, t.child, 'day', 'ingested_at', t.parent_schema, t.parent, '{ingested_at,component_instance_id,seq}'::name[],
       '{ingested_at,component_instance_id,seq}'::name[], 3, interval '30 days', t.warm, t.cold
from (values
    ('re_raw', 'quarantine', 're_raw', 'raw_event', interval '180 days', interval '7 years'),
    ('re_raw', 'quarantine_mended', 're_raw', 'quarantine', interval '180 days', interval '7 years'),
    ('re_dpi', 'dns_query_edns_option', 're_dpi', 'dns', interval '90 days', interval '1 year')
) t(child_schema, child, parent_schema, parent, warm, cold);

select re_ops.ensure_partitions();
select re_ops.ensure_partitions(now(), max(p.range_from), array['re_raw.quarantine', 're_raw.quarantine_mended', 're_dpi.dns_query_edns_option']::regclass[])
from re_ops.partition p where p.schema_name = 're_raw' and p.table_name = 'raw_event' and p.attached;
reset role;
