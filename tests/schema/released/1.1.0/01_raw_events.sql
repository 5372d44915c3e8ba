-- 01_raw_events.sql: events exactly as signed, and what makes them a chain.
--
-- Writers call re_raw.ingest() and nothing else. It parses the signed bytes itself, so no writer can store a column or a normalised
-- row that differs from them. CHECK constraints bind every column to the bytes once more, for every role, the owner included.

set role re_owner;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Raw events. Partitioned by the server's clock: a probe cannot choose its partition, a batch never straddles two, and a day can be
-- closed for good. The key begins with time so that the index grows at its right end; lookups by (instance, seq) go through the
-- batch ledger, which knows the time.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_raw.raw_event (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid        not null,
    seq                   bigint      not null,
    tenant_id             uuid        not null,
    machine_id            uuid        not null,
    event_id              uuid        not null,
    boot_id               uuid        not null,
    observed_at           timestamptz not null,
    emitted_at            timestamptz not null,
    mono_us               bigint      not null,
    payload_bytes         int         not null,
    event_version         int         not null,
    observed_at_ns        smallint    not null,
    emitted_at_ns         smallint    not null,
    component             text        not null,
    event_type            text        not null,
    mode                  text        not null,
    hostname              text        not null,
    version               text        not null,
    arrival               text        not null,
    payload_sha256        bytea       not null,
    prev_hash             bytea       not null,
    envelope_hash         bytea       not null,
    envelope              bytea       not null,
    payload               bytea       not null,
    constraint raw_event_pk primary key (ingested_at, component_instance_id, seq),
    -- One key binds instance, machine, tenant, component and mode to what was enrolled: a replay cannot pass as live.
    constraint raw_event_is_of_enrolled_instance foreign key (component_instance_id, machine_id, tenant_id, component, mode)
        references re_core.component_instance (component_instance_id, machine_id, tenant_id, component, mode),
    constraint raw_event_seq_is_in_range check (seq between 0 and 9007199254740991),
    constraint raw_event_chain_begins_with_start check (seq <> 0 or event_type = 'chain.start'),
    constraint raw_event_numbers_are_in_range check (mono_us between 0 and 9007199254740991 and event_version between 1 and 65535),
    constraint raw_event_nanoseconds_are_in_range check (observed_at_ns between 0 and 999 and emitted_at_ns between 0 and 999),
    constraint raw_event_times_are_in_range check (
        observed_at >= '1970-01-01 00:00:00+00' and observed_at < '2262-01-01 00:00:00+00'
        and emitted_at >= '1970-01-01 00:00:00+00' and emitted_at < '2262-01-01 00:00:00+00'),
    constraint raw_event_type_is_plain check (octet_length(event_type) <= 64 and event_type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
    constraint raw_event_hostname_is_pct_text check (octet_length(hostname) between 1 and 255 and hostname !~ '[^!-~]'),
    constraint raw_event_version_is_short check (octet_length(version) between 1 and 64),
    constraint raw_event_arrival_is_true check (arrival = case
        when mode = 'replay' then 'replay'
        when observed_at > ingested_at + interval '5 seconds' then 'ahead'
        when observed_at < ingested_at - interval '720 hours' then 'old'
        when observed_at < ingested_at - interval '1 hour' then 'late'
        else 'on_time' end),
    constraint raw_event_sizes_are_in_range check (octet_length(envelope) <= 4096 and octet_length(payload) between 2 and 61440),
    constraint raw_event_payload_has_its_length check (octet_length(payload) = payload_bytes),
    constraint raw_event_payload_has_its_digest check (sha256(payload) = payload_sha256),
    constraint raw_event_hash_is_of_envelope check (envelope_hash = sha256('\x00'::bytea || envelope)),
    -- The envelope is rebuilt from the columns in canonical form and compared byte for byte: this binds every column, and refuses
    -- every other spelling of the same members. encode() doubles a backslash, so no string with one is ever equal: canonical form has none.
    constraint raw_event_envelope_is_canonical check (encode(envelope, 'escape') = concat(
        '{"component":"', component, '","component_instance_id":"', component_instance_id,
        '","emitted_at":"', to_char(emitted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), lpad(emitted_at_ns::text, 3, '0'),
        'Z","event_id":"', event_id, '","event_type":"', event_type, '","event_version":', event_version,
        ',"identity":{"boot_id":"', boot_id, '","hostname":"', hostname, '","version":"', version,
        '"},"machine_id":"', machine_id, '","mode":"', mode, '","mono_us":', mono_us,
        ',"observed_at":"', to_char(observed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), lpad(observed_at_ns::text, 3, '0'),
        'Z","payload_bytes":', payload_bytes, ',"payload_sha256":"', encode(payload_sha256, 'hex'),
        '","prev_hash":"', encode(prev_hash, 'hex'), '","schema":"ransomeye.envelope/1","seq":', seq, '}')),
    -- 48 bits of milliseconds, then 74 bits of a digest over instance, seq and payload digest, with the version and variant bits of
    -- UUIDv8 set: unique by construction, so no index over all partitions is needed.
    constraint raw_event_id_is_derived check (uuid_send(event_id) =
        substring(int8send(trunc(extract(epoch from observed_at) * 1000)::bigint) from 3 for 6)
        || set_bit(set_bit(set_bit(set_bit(set_bit(set_bit(substring(sha256(
               'ransomeye.event-id/1\012'::bytea || uuid_send(component_instance_id) || int8send(seq) || payload_sha256) from 1 for 10),
               4, 0), 5, 0), 6, 0), 7, 1), 22, 0), 23, 1))
) partition by range (ingested_at);
comment on table  re_raw.raw_event                       is 'Every event exactly as signed, one row each, append-only; daily partitions by ingested_at (UTC)';
comment on column re_raw.raw_event.ingested_at           is 'Database clock, start of the transaction that stored the batch; chooses the partition';
comment on column re_raw.raw_event.component_instance_id is 'Envelope: chain that the event belongs to';
comment on column re_raw.raw_event.seq                   is 'Envelope: place in the chain, from 0, no gaps; equals the Merkle leaf index';
comment on column re_raw.raw_event.tenant_id             is 'Tenant of the instance, from the registry';
comment on column re_raw.raw_event.machine_id            is 'Envelope: machine; equal to the enrolled one';
comment on column re_raw.raw_event.event_id              is 'Envelope: UUIDv8, recomputed by a CHECK';
comment on column re_raw.raw_event.boot_id               is 'Envelope: identity.boot_id';
comment on column re_raw.raw_event.observed_at           is 'Envelope: when the fact happened, packet time, UTC, cut to microseconds';
comment on column re_raw.raw_event.emitted_at            is 'Envelope: component''s wall clock when sealed, UTC, cut to microseconds; never used for order';
comment on column re_raw.raw_event.mono_us               is 'Envelope: microseconds of CLOCK_BOOTTIME at sealing; never falls within one boot';
comment on column re_raw.raw_event.payload_bytes         is 'Envelope: length of the payload in bytes';
comment on column re_raw.raw_event.event_version         is 'Envelope: payload schema version of the type';
comment on column re_raw.raw_event.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_raw.raw_event.emitted_at_ns         is 'Nanoseconds below the microsecond of emitted_at, 0 to 999';
comment on column re_raw.raw_event.component             is 'Envelope: kind of component';
comment on column re_raw.raw_event.event_type            is 'Envelope: dpi.flow, health.heartbeat ...';
comment on column re_raw.raw_event.mode                  is 'Envelope: live or replay; equal to the enrolled one';
comment on column re_raw.raw_event.hostname              is 'Envelope: identity.hostname, pct-text';
comment on column re_raw.raw_event.version               is 'Envelope: identity.version';
comment on column re_raw.raw_event.arrival               is 'on_time; late (over 1 h), old (over 30 d), ahead (over 5 s) of the database clock; replay';
comment on column re_raw.raw_event.payload_sha256        is 'Envelope: SHA-256 of the payload';
comment on column re_raw.raw_event.prev_hash             is 'Envelope: envelope_hash of the event before, 32 zero bytes for the first';
comment on column re_raw.raw_event.envelope_hash         is 'SHA-256 of 0x00 and the envelope: content hash, chain link and Merkle leaf';
comment on column re_raw.raw_event.envelope              is 'Exact bytes, canonical JSON';
comment on column re_raw.raw_event.payload               is 'Exact bytes, canonical JSON';

-- ---------------------------------------------------------------------------------------------------------------------------
-- The batch ledger. One small row per stored batch, never dropped. The constraints alone make each instance's rows one linked list
-- over all partitions and all years: a fork needs a second successor, a gap or a wrong link a predecessor that is not there.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_raw.chain_gap (
    component_instance_id uuid        not null,
    first_missing         bigint      not null,
    last_missing          bigint      not null,
    tenant_id             uuid        not null,
    known_hash            bytea       not null,
    resume_prev_hash      bytea       not null,
    detected_at           timestamptz not null default now(),
    writer                name        not null default session_user,
    constraint chain_gap_pk primary key (component_instance_id, first_missing),
    constraint chain_gap_range_is_unique unique (component_instance_id, first_missing, last_missing),
    constraint chain_gap_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint chain_gap_range_is_valid check (first_missing >= 0 and last_missing >= first_missing),
    constraint chain_gap_hashes_are_32_bytes check (octet_length(known_hash) = 32 and octet_length(resume_prev_hash) = 32)
);
comment on table  re_raw.chain_gap                       is 'Events that a sender declared lost; the two hashes pin the only range that can ever fill it';
comment on column re_raw.chain_gap.component_instance_id is 'Chain';
comment on column re_raw.chain_gap.first_missing         is 'First lost sequence number';
comment on column re_raw.chain_gap.last_missing          is 'Last lost sequence number';
comment on column re_raw.chain_gap.tenant_id             is 'Tenant of the instance';
comment on column re_raw.chain_gap.known_hash            is 'envelope_hash before the gap, zeros when nothing was stored';
comment on column re_raw.chain_gap.resume_prev_hash      is 'prev_hash of the first event behind the gap';
comment on column re_raw.chain_gap.detected_at           is 'Database clock of the batch behind the gap';
comment on column re_raw.chain_gap.writer                is 'Login that declared it';

create table re_raw.chain_gap_fill (
    component_instance_id uuid        not null,
    first_missing         bigint      not null,
    last_missing          bigint      not null,
    tenant_id             uuid        not null,
    ingested_at           timestamptz not null default now(),
    writer                name        not null default session_user,
    constraint chain_gap_fill_pk primary key (component_instance_id, first_missing),
    constraint chain_gap_fill_gap_fk foreign key (component_instance_id, first_missing, last_missing)
        references re_raw.chain_gap (component_instance_id, first_missing, last_missing)
);
comment on table  re_raw.chain_gap_fill                       is 'Declared gaps whose events were found and stored later, whole';
comment on column re_raw.chain_gap_fill.component_instance_id is 'Chain';
comment on column re_raw.chain_gap_fill.first_missing         is 'First sequence number of the gap';
comment on column re_raw.chain_gap_fill.last_missing          is 'Last sequence number of the gap';
comment on column re_raw.chain_gap_fill.tenant_id             is 'Tenant of the instance';
comment on column re_raw.chain_gap_fill.ingested_at           is 'Database clock; ingested_at of the raw events that fill it';
comment on column re_raw.chain_gap_fill.writer                is 'Login that sent them';

create table re_raw.ingest_segment (
    component_instance_id uuid        not null,
    first_seq             bigint      not null,
    last_seq              bigint      not null,
    tenant_id             uuid        not null,
    ingested_at           timestamptz not null default now(),
    prev_last_seq         bigint,
    gap_first             bigint,
    gap_last              bigint,
    prev_last_hash        bytea,
    first_prev_hash       bytea       not null,
    last_hash             bytea       not null,
    writer                name        not null default session_user,
    constraint ingest_segment_pk primary key (component_instance_id, first_seq),
    constraint ingest_segment_end_is_unique unique (component_instance_id, last_seq, last_hash),
    constraint ingest_segment_has_one_successor unique (component_instance_id, prev_last_seq),
    constraint ingest_segment_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint ingest_segment_predecessor_exists foreign key (component_instance_id, prev_last_seq, prev_last_hash)
        references re_raw.ingest_segment (component_instance_id, last_seq, last_hash),
    constraint ingest_segment_gap_is_declared foreign key (component_instance_id, gap_first, gap_last)
        references re_raw.chain_gap (component_instance_id, first_missing, last_missing),
    constraint ingest_segment_range_is_valid check (first_seq >= 0 and last_seq >= first_seq),
    constraint ingest_segment_hashes_are_32_bytes check (octet_length(first_prev_hash) = 32 and octet_length(last_hash) = 32),
    constraint ingest_segment_pairs_are_whole check (
        (prev_last_seq is null) = (prev_last_hash is null) and (gap_first is null) = (gap_last is null)),
    constraint ingest_segment_is_contiguous check (case
        when gap_first is not null then gap_first = coalesce(prev_last_seq + 1, 0) and gap_last = first_seq - 1 and gap_last >= gap_first
        when prev_last_seq is null then first_seq = 0 and first_prev_hash = decode(repeat('00', 32), 'hex')
        else first_seq = prev_last_seq + 1 and first_prev_hash = prev_last_hash end)
);
create unique index ingest_segment_has_one_genesis on re_raw.ingest_segment (component_instance_id) where prev_last_seq is null;
comment on table  re_raw.ingest_segment                       is 'Batch ledger: one row per stored batch, linked by hash; outlives the partitions';
comment on column re_raw.ingest_segment.component_instance_id is 'Chain';
comment on column re_raw.ingest_segment.first_seq             is 'First event that the batch added';
comment on column re_raw.ingest_segment.last_seq              is 'Last event of the batch';
comment on column re_raw.ingest_segment.tenant_id             is 'Tenant of the instance';
comment on column re_raw.ingest_segment.ingested_at           is 'ingested_at of its raw events: names the partition';
comment on column re_raw.ingest_segment.prev_last_seq         is 'last_seq of the segment before; NULL only for the first';
comment on column re_raw.ingest_segment.gap_first             is 'First sequence number of the declared gap before this batch';
comment on column re_raw.ingest_segment.gap_last              is 'Last sequence number of that gap';
comment on column re_raw.ingest_segment.prev_last_hash        is 'last_hash of the segment before';
comment on column re_raw.ingest_segment.first_prev_hash       is 'prev_hash of the first event';
comment on column re_raw.ingest_segment.last_hash             is 'envelope_hash of the last event';
comment on column re_raw.ingest_segment.writer                is 'Login that sent it';

-- Where each chain stands: the lock that serialises writers of one instance, and what a sender resumes from. Derived from the ledger
-- and rebuildable from it; the only table of this file that is updated.
create table re_raw.chain_head (
    component_instance_id uuid        not null,
    tenant_id             uuid        not null,
    next_seq              bigint      not null default 0,
    last_hash             bytea       not null default decode(repeat('00', 32), 'hex'),
    last_ingested_at      timestamptz,
    last_emitted_at       timestamptz,
    constraint chain_head_pk primary key (component_instance_id),
    constraint chain_head_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint chain_head_seq_is_positive check (next_seq >= 0),
    constraint chain_head_hash_is_32_bytes check (octet_length(last_hash) = 32)
) with (fillfactor = 20);
comment on table  re_raw.chain_head                       is 'Head of each chain; derived';
comment on column re_raw.chain_head.component_instance_id is 'Chain';
comment on column re_raw.chain_head.tenant_id             is 'Tenant of the instance';
comment on column re_raw.chain_head.next_seq              is 'Sequence number expected next = events so far, gaps included';
comment on column re_raw.chain_head.last_hash             is 'envelope_hash of the last event, zeros when there is none';
comment on column re_raw.chain_head.last_ingested_at      is 'Database clock of the last batch';
comment on column re_raw.chain_head.last_emitted_at       is 'emitted_at of the last event';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Checkpoints: the signed tree heads. PostgreSQL cannot check Ed25519; it keeps the exact note for those who can, and refuses a note
-- whose origin, size or root are not what the row says.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_raw.checkpoint (
    component_instance_id uuid        not null,
    tree_size             bigint      not null,
    last_seq              bigint      not null generated always as (tree_size - 1) stored,
    tenant_id             uuid        not null,
    component             text        not null,
    last_hash             bytea       not null,
    root                  bytea       not null,
    note                  text        not null,
    ingested_at           timestamptz not null default now(),
    writer                name        not null default session_user,
    constraint checkpoint_pk primary key (component_instance_id, tree_size),
    constraint checkpoint_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint checkpoint_component_fk foreign key (component_instance_id, component)
        references re_core.component_instance (component_instance_id, component),
    constraint checkpoint_covers_a_batch foreign key (component_instance_id, last_seq, last_hash)
        references re_raw.ingest_segment (component_instance_id, last_seq, last_hash),
    constraint checkpoint_size_is_positive check (tree_size >= 1),
    constraint checkpoint_root_is_32_bytes check (octet_length(root) = 32),
    constraint checkpoint_note_is_short check (octet_length(note) <= 8192),
    constraint checkpoint_note_says_the_same check (starts_with(note, concat(
        case component when 'dpi_probe' then 'ransomeye.dpi/' else 'ransomeye.' || component || '/' end, component_instance_id,
        e'\n', tree_size, e'\n', encode(root, 'base64'), e'\n\n'))),
    constraint checkpoint_note_is_signed check (note ~ e'\n\n(\u2014 [^ \n]+ [A-Za-z0-9+/]+={0,2}\n)+$')
);
comment on table  re_raw.checkpoint                       is 'Signed tree heads (C2SP notes), one per batch that came with one';
comment on column re_raw.checkpoint.component_instance_id is 'Chain';
comment on column re_raw.checkpoint.tree_size             is 'Events covered: the whole log from 0';
comment on column re_raw.checkpoint.last_seq              is 'tree_size - 1';
comment on column re_raw.checkpoint.tenant_id             is 'Tenant of the instance';
comment on column re_raw.checkpoint.component             is 'Component of the instance; begins the note''s origin';
comment on column re_raw.checkpoint.last_hash             is 'envelope_hash of the last event covered';
comment on column re_raw.checkpoint.root                  is 'RFC 6962 root over the envelope hashes';
comment on column re_raw.checkpoint.note                  is 'Exact note text with its signatures';
comment on column re_raw.checkpoint.ingested_at           is 'Database clock';
comment on column re_raw.checkpoint.writer                is 'Login that sent it';

-- Hashes of complete subtrees of 256 leaves: 32 bytes per 256 events kept for ever, so that roots and inclusion proofs outlive dropped
-- partitions. Computed when a partition is sealed, not at ingest: the same work once, off the hot path.
create table re_raw.subtree (
    component_instance_id uuid        not null,
    subtree_no            bigint      not null,
    tenant_id             uuid        not null,
    subtree_hash          bytea       not null,
    computed_at           timestamptz not null default clock_timestamp(),
    constraint subtree_pk primary key (component_instance_id, subtree_no),
    constraint subtree_instance_fk foreign key (component_instance_id, tenant_id)
        references re_core.component_instance (component_instance_id, tenant_id),
    constraint subtree_no_is_positive check (subtree_no >= 0),
    constraint subtree_hash_is_32_bytes check (octet_length(subtree_hash) = 32)
);
comment on table  re_raw.subtree                       is 'RFC 6962 level-8 subtree hashes of complete blocks of 256 events';
comment on column re_raw.subtree.component_instance_id is 'Chain';
comment on column re_raw.subtree.subtree_no            is 'Block: events 256 n to 256 n + 255';
comment on column re_raw.subtree.tenant_id             is 'Tenant of the instance';
comment on column re_raw.subtree.subtree_hash          is 'Hash of the subtree';
comment on column re_raw.subtree.computed_at           is 'Database clock';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Refusals. A trigger that raises would roll its own evidence back; ingest returns a status and records here. The same refusal is
-- recorded once and counted after that; 1000 different ones per login, instance and kind, then only counted.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_raw.chain_violation (
    violation_id          uuid        not null default gen_random_uuid(),
    component_instance_id uuid        not null,
    tenant_id             uuid,
    kind                  text        not null,
    expected_seq          bigint,
    first_seq             bigint,
    last_seq              bigint,
    offending_seq         bigint,
    expected_hash         bytea,
    offending_hash        bytea,
    offending_envelope    bytea,
    detail                text        not null,
    refusal_sha256        bytea       not null,
    detected_at           timestamptz not null default clock_timestamp(),
    writer                name        not null default session_user,
    constraint chain_violation_pk primary key (component_instance_id, violation_id),
    constraint chain_violation_is_recorded_once unique (component_instance_id, refusal_sha256),
    constraint chain_violation_kind_is_known check (kind in (
        'fork', 'gap', 'broken_link', 'bad_event', 'unknown_instance', 'not_authorised', 'malformed')),
    constraint chain_violation_envelope_is_cut check (octet_length(offending_envelope) <= 4096),
    constraint chain_violation_detail_is_short check (octet_length(detail) <= 1000)
);
comment on table  re_raw.chain_violation                       is 'Refused batches: forks, gaps, broken links, bad events, strangers';
comment on column re_raw.chain_violation.violation_id          is 'Key';
comment on column re_raw.chain_violation.component_instance_id is 'Chain that was addressed; the nil UUID when no such instance exists';
comment on column re_raw.chain_violation.tenant_id             is 'Tenant of the instance, NULL when it is unknown';
comment on column re_raw.chain_violation.kind                  is 'Status that ingest returned';
comment on column re_raw.chain_violation.expected_seq          is 'next_seq of the chain then';
comment on column re_raw.chain_violation.first_seq             is 'First sequence number of the refused batch';
comment on column re_raw.chain_violation.last_seq              is 'Last sequence number of the refused batch';
comment on column re_raw.chain_violation.offending_seq         is 'Sequence number of the event that decided';
comment on column re_raw.chain_violation.expected_hash         is 'envelope_hash stored at that place';
comment on column re_raw.chain_violation.offending_hash        is 'envelope_hash of the refused event';
comment on column re_raw.chain_violation.offending_envelope    is 'Its bytes, at most 4096';
comment on column re_raw.chain_violation.detail                is 'Reason, as returned to the sender';
comment on column re_raw.chain_violation.refusal_sha256        is 'Digest of what makes two refusals the same';
comment on column re_raw.chain_violation.detected_at           is 'Database clock';
comment on column re_raw.chain_violation.writer                is 'Login that sent it';

create table re_raw.violation_counter (
    component_instance_id uuid        not null,
    kind                  text        not null,
    writer                name        not null,
    tenant_id             uuid,
    attempts              bigint      not null,
    recorded              bigint      not null,
    last_at               timestamptz not null,
    constraint violation_counter_pk primary key (component_instance_id, kind, writer),
    constraint violation_counter_counts check (recorded >= 0 and attempts >= recorded)
) with (fillfactor = 50);
comment on table  re_raw.violation_counter                       is 'How often each login was refused; bounds chain_violation under a flood; derived by ingest';
comment on column re_raw.violation_counter.component_instance_id is 'Chain addressed; the nil UUID when unknown';
comment on column re_raw.violation_counter.kind                  is 'Status';
comment on column re_raw.violation_counter.writer                is 'Login';
comment on column re_raw.violation_counter.tenant_id             is 'Tenant of the instance';
comment on column re_raw.violation_counter.attempts              is 'Refused calls';
comment on column re_raw.violation_counter.recorded              is 'Rows written to chain_violation';
comment on column re_raw.violation_counter.last_at               is 'Database clock of the last one';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Events that are stored, because their bytes and their place in the chain are right, but whose payload makes no normalised rows: a
-- writer that is newer than this bundle, or one that lies. They never stop the chain. re_raw.rederive() tries again.
-- ---------------------------------------------------------------------------------------------------------------------------
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

-- ---------------------------------------------------------------------------------------------------------------------------
-- Event types that are known. A type or version that is not here is stored raw and quarantined until a bundle knows it.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_raw.event_type (
    component     text not null,
    event_type    text not null,
    event_version int  not null,
    store_schema  name,
    store_name    name,
    constraint event_type_pk primary key (component, event_type, event_version),
    constraint event_type_store_is_whole check (num_nulls(store_schema, store_name) in (0, 2)),
    constraint event_type_version_is_in_range check (event_version between 1 and 65535)
);
comment on table  re_raw.event_type               is 'Known event types and the function that writes their normalised rows; filled by the files 02 and 03 too';
comment on column re_raw.event_type.component     is 'Kind of component';
comment on column re_raw.event_type.event_type    is 'Envelope: event_type';
comment on column re_raw.event_type.event_version is 'Envelope: event_version';
comment on column re_raw.event_type.store_schema  is 'Schema of the function; NULL: of this type only the raw event is kept';
comment on column re_raw.event_type.store_name    is 'Function (re_raw.event_batch) returning void; NULL as store_schema';
insert into re_raw.event_type (component, event_type, event_version)
    select c.component, t.event_type, 1 from unnest(array['dpi_probe', 'linux_agent', 'windows_agent']) c(component)
    cross join unnest(array['chain.start', 'key.rotate']) t(event_type);

-- What such a function gets: the events of its type in one batch, as parallel arrays.
create type re_raw.event_batch as (
    component_instance_id uuid,
    tenant_id             uuid,
    machine_id            uuid,
    seqs                  bigint[],
    observed_at           timestamptz[],
    observed_at_ns        smallint[],
    payloads              json[],
    members               int[],
    quotes                int[],
    ingested_at           timestamptz
);
comment on type   re_raw.event_batch                       is 'Events of one type in one batch, handed to a store function';
comment on column re_raw.event_batch.component_instance_id is 'Chain';
comment on column re_raw.event_batch.tenant_id             is 'Tenant';
comment on column re_raw.event_batch.machine_id            is 'Machine';
comment on column re_raw.event_batch.seqs                  is 'Sequence numbers';
comment on column re_raw.event_batch.observed_at           is 'When, microseconds';
comment on column re_raw.event_batch.observed_at_ns        is 'When, nanoseconds below';
comment on column re_raw.event_batch.payloads              is 'Parsed payloads';
comment on column re_raw.event_batch.members               is 'Members in the payload''s text, at all depths, repeated names counted each time';
comment on column re_raw.event_batch.quotes                is 'Quotation marks in the payload''s text: two per member name, two per string value';
comment on column re_raw.event_batch.ingested_at           is 'That of the raw events, and of every row made from them';

-- Stored events on their way to their rows, as parallel arrays.
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

create function re_raw.refuse_payload(p_event_type text, p_seq bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'payload of % lacks a member, has an unknown or repeated one, or one of another type (seq %)', p_event_type, p_seq
        using errcode = 'RE003';
end $$;
comment on function re_raw.refuse_payload(text, bigint) is 'Raises RE003; ingest turns it into a row of re_raw.quarantine';

-- "YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ" to its two columns. PostgreSQL would round nanoseconds, so they are cut off before. Both are
-- inlined by the planner, hence without a search_path of their own; every name is qualified.
create function re_raw.time_us(p_text text) returns timestamptz
language sql stable return (left(p_text, 26) || 'Z')::timestamptz;
comment on function re_raw.time_us(text) is 'Canonical time, cut to microseconds';

create function re_raw.time_ns(p_text text) returns smallint
language sql immutable return case when p_text is null or p_text like '____-__-__T__:__:__._________Z' then substr(p_text, 27, 3)::smallint else (-1)::smallint end;
comment on function re_raw.time_ns(text) is 'Nanoseconds below the microsecond of a canonical time; -1, which every table refuses, when the text is not one';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Storing: parse once, insert set-wise
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_raw.store_raw(p_instance re_core.component_instance, p_first_seq bigint,
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

create function re_raw.stored_events(p_instance uuid, p_ingested_at timestamptz, p_first_seq bigint, p_last_seq bigint) returns re_raw.event_rows
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (select row(p_ingested_at, array_agg(r.seq), array_agg(r.event_type), array_agg(r.event_version), array_agg(r.observed_at),
                       array_agg(r.observed_at_ns), array_agg(r.payload))::re_raw.event_rows
            from re_raw.raw_event r
            where r.ingested_at = p_ingested_at and r.component_instance_id = p_instance and r.seq between p_first_seq and p_last_seq);
end $$;
comment on function re_raw.stored_events(uuid, timestamptz, bigint, bigint) is 'Raw events that one transaction stored, for derive; internal';

create function re_raw.derive(p_instance re_core.component_instance, p_events re_raw.event_rows) returns bigint[]
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

create function re_raw.rule_name(p_sqlstate text, p_constraint text, p_table text, p_column text) returns text
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

create function re_raw.quarantine_events(p_instance re_core.component_instance, p_ingested_at timestamptz, p_seqs bigint[],
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

-- Raw rows, then all normalised rows at once. The careful way, for a batch of which some payload breaks a rule, halves it until that
-- payload stands alone: every trial is a savepoint, what holds stays, what does not is quarantined.
create function re_raw.store_events(p_instance re_core.component_instance, p_first_seq bigint,
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

-- After a refused batch: which event, and why. Only its envelope or its size can be at fault. Bisection over prefixes, every trial rolled back; slow path only.
create function re_raw.find_bad_event(p_instance re_core.component_instance, p_first_seq bigint,
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

-- One row whenever boot, host name or version changed, taken from the rows just stored.
create function re_raw.note_identity(p_instance re_core.component_instance, p_first_seq bigint, p_last_seq bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    last re_core.component_identity_history;
begin
    select * into last from re_core.component_identity_history h
    where h.component_instance_id = p_instance.component_instance_id order by h.first_seq desc limit 1;
    insert into re_core.component_identity_history (component_instance_id, first_seq, tenant_id, boot_id, hostname, version, emitted_at)
    select p_instance.component_instance_id, x.seq, p_instance.tenant_id, x.boot_id, x.hostname, x.version, x.emitted_at
    from (select r.seq, r.boot_id, r.hostname, r.version, r.emitted_at,
                 lag(row(r.boot_id, r.hostname, r.version), 1, row(last.boot_id, last.hostname, last.version)) over (order by r.seq) as before
          from re_raw.raw_event r
          where r.ingested_at = now() and r.component_instance_id = p_instance.component_instance_id and r.seq between p_first_seq and p_last_seq) x
    where row(x.boot_id, x.hostname, x.version) is distinct from x.before;
end $$;
comment on function re_raw.note_identity(re_core.component_instance, bigint, bigint) is 'Appends to component_identity_history; internal';

create function re_raw.record_violation(
    p_instance uuid, p_tenant uuid, p_kind text, p_expected_seq bigint, p_first_seq bigint, p_last_seq bigint, p_offending_seq bigint,
    p_expected_hash bytea, p_offending_hash bytea, p_offending_envelope bytea, p_detail text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    instance uuid  := coalesce(p_instance, '00000000-0000-0000-0000-000000000000');
    digest   bytea := sha256(convert_to(concat_ws('|', session_user, p_kind, p_first_seq, p_offending_seq, encode(p_offending_hash, 'hex'), left(p_detail, 200)), 'UTF8'));
    room     boolean;
    stored   int := 0;
begin
    insert into re_raw.violation_counter as c (component_instance_id, kind, writer, tenant_id, attempts, recorded, last_at)
        values (instance, p_kind, session_user, p_tenant, 1, 0, clock_timestamp())
    on conflict (component_instance_id, kind, writer) do update set attempts = c.attempts + 1, last_at = excluded.last_at
    returning c.recorded < 1000 into room;
    if room then
        insert into re_raw.chain_violation (
            component_instance_id, tenant_id, kind, expected_seq, first_seq, last_seq, offending_seq, expected_hash, offending_hash,
            offending_envelope, detail, refusal_sha256)
        values (instance, p_tenant, p_kind, p_expected_seq, p_first_seq, p_last_seq, p_offending_seq, p_expected_hash, p_offending_hash,
                substring(p_offending_envelope from 1 for 4096), left(p_detail, 200), digest)
        on conflict (component_instance_id, refusal_sha256) do nothing;
        get diagnostics stored = row_count;
        if stored > 0 then
            update re_raw.violation_counter c set recorded = c.recorded + 1
            where c.component_instance_id = instance and c.kind = p_kind and c.writer = session_user;
        end if;
    end if;
end $$;
comment on function re_raw.record_violation(uuid, uuid, text, bigint, bigint, bigint, bigint, bytea, bytea, bytea, text) is
    'Records a refusal once, counts it always; internal';

create function re_raw.may_write(p_instance re_core.component_instance) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (p_instance.db_role = session_user or pg_has_role(session_user, 're_ingest', 'member'));
end $$;
comment on function re_raw.may_write(re_core.component_instance) is 'Whether the logged-in role may send this chain: it is its own, or the role is the ingest service';

create function re_raw.store_checkpoint(p_instance re_core.component_instance, p_tree_size bigint, p_last_hash bytea, p_note text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_raw.checkpoint (component_instance_id, tree_size, tenant_id, component, last_hash, root, note)
    values (p_instance.component_instance_id, p_tree_size, p_instance.tenant_id, p_instance.component, p_last_hash,
            decode(split_part(p_note, e'\n', 3), 'base64'), p_note);
end $$;
comment on function re_raw.store_checkpoint(re_core.component_instance, bigint, bytea, text) is 'Stores a signed note or raises; internal';

create function re_raw.event_hash(p_instance uuid, p_seq bigint, out known boolean, out hash bytea, out segment_end bytea)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    at timestamptz;
begin
    select s.ingested_at, case when s.last_seq = p_seq then s.last_hash end into at, segment_end
    from re_raw.ingest_segment s
    where s.component_instance_id = p_instance and s.first_seq <= p_seq and s.last_seq >= p_seq
    order by s.first_seq desc limit 1;
    if not found then
        select f.ingested_at into at from re_raw.chain_gap_fill f
        where f.component_instance_id = p_instance and f.first_missing <= p_seq and f.last_missing >= p_seq;
    end if;
    known := found;
    select r.envelope_hash into hash from re_raw.raw_event r
    where r.ingested_at = at and r.component_instance_id = p_instance and r.seq = p_seq;
end $$;
comment on function re_raw.event_hash(uuid, bigint) is
    'Hash of a stored event; known without hash means that its partition has left; segment_end is the ledger''s hash when it ends a batch';

-- ---------------------------------------------------------------------------------------------------------------------------
-- The way in
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_raw.ingest(
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

create function re_raw.chain_resume(p_instance uuid, out next_seq bigint, out last_hash bytea)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    select h.next_seq, h.last_hash into chain_resume.next_seq, chain_resume.last_hash
    from re_core.component_instance c join re_raw.chain_head h on h.component_instance_id = c.component_instance_id
    where c.component_instance_id = p_instance and re_raw.may_write(c);
end $$;
comment on function re_raw.chain_resume(uuid) is 'Where to go on: the next sequence number and the hash it must link to; NULLs when the instance is unknown or not the caller''s';

create function re_raw.fill_gap(p_instance uuid, p_first_missing bigint, p_envelopes bytea[], p_payloads bytea[], out status text, out detail text)
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

-- For an operator, after a migration to a bundle that knows what was quarantined. Events of a sealed day stay as they are.
create function re_raw.rederive(p_instance uuid, p_from bigint default 0, p_to bigint default null, out mended bigint, out remaining bigint)
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

-- ---------------------------------------------------------------------------------------------------------------------------
-- Merkle tree and verification
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_raw.merkle_root(p_nodes bytea[]) returns bytea
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    level bytea[] := p_nodes;
begin
    if coalesce(cardinality(level), 0) = 0 then
        return sha256(''::bytea);
    end if;
    while cardinality(level) > 1 loop
        level := array(
            select case when x.right_node is null then x.node else sha256('\x01'::bytea || x.node || x.right_node) end
            from (select u.node, u.o, lead(u.node) over (order by u.o) as right_node from unnest(level) with ordinality u(node, o)) x
            where x.o % 2 = 1
            order by x.o);
    end loop;
    return level[1];
end $$;
comment on function re_raw.merkle_root(bytea[]) is 'RFC 6962 root over ready leaf (or equal-level subtree) hashes';

create function re_raw.update_subtrees(p_instance uuid) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set work_mem = '64MB' as $$
declare
    made bigint;
begin
    with blocks as (
        select b.no, h.tenant_id,
               array(select r.envelope_hash from re_raw.stored_range s
                     join re_raw.raw_event r on r.ingested_at = s.ingested_at and r.component_instance_id = s.component_instance_id
                                            and r.seq between greatest(s.first_seq, b.no * 256) and least(s.last_seq, b.no * 256 + 255)
                     where s.component_instance_id = p_instance and s.first_seq <= b.no * 256 + 255 and s.last_seq >= b.no * 256
                     order by r.seq) as leaves
        from re_raw.chain_head h
        cross join lateral generate_series(0, h.next_seq / 256 - 1) b(no)
        where h.component_instance_id = p_instance
          and not exists (select from re_raw.subtree t where t.component_instance_id = p_instance and t.subtree_no = b.no)
    )
    insert into re_raw.subtree (component_instance_id, subtree_no, tenant_id, subtree_hash)
    select p_instance, b.no, b.tenant_id, re_raw.merkle_root(b.leaves) from blocks b where cardinality(b.leaves) = 256
    on conflict do nothing;
    get diagnostics made = row_count;
    return made;
end $$;
comment on function re_raw.update_subtrees(uuid) is 'Computes the subtree hashes of complete blocks that are still missing; returns how many';

create view re_raw.stored_range as
    select s.component_instance_id, s.first_seq, s.last_seq, s.ingested_at, s.tenant_id from re_raw.ingest_segment s
    union all
    select f.component_instance_id, f.first_missing, f.last_missing, f.ingested_at, f.tenant_id from re_raw.chain_gap_fill f;
comment on view   re_raw.stored_range                       is 'Which sequence numbers were stored when: batches and filled gaps';
comment on column re_raw.stored_range.component_instance_id is 'Chain';
comment on column re_raw.stored_range.first_seq             is 'First sequence number';
comment on column re_raw.stored_range.last_seq              is 'Last sequence number';
comment on column re_raw.stored_range.ingested_at           is 'ingested_at of the raw events';
comment on column re_raw.stored_range.tenant_id             is 'Tenant of the instance';

create function re_raw.tree_root(p_instance uuid, p_tree_size bigint) returns bytea
language plpgsql stable set search_path = pg_catalog, pg_temp set work_mem = '64MB' as $$
declare
    blocks bytea[];
    tail   bytea[];
begin
    blocks := array(select t.subtree_hash from re_raw.subtree t
                    where t.component_instance_id = p_instance and t.subtree_no < p_tree_size / 256 order by t.subtree_no);
    if cardinality(blocks) < p_tree_size / 256 then
        blocks := '{}';         -- not all computed yet: from the leaves
    end if;
    tail := array(select r.envelope_hash from re_raw.stored_range s
                  join re_raw.raw_event r on r.ingested_at = s.ingested_at and r.component_instance_id = s.component_instance_id
                                         and r.seq between s.first_seq and least(s.last_seq, p_tree_size - 1)
                  where s.component_instance_id = p_instance and s.first_seq < p_tree_size and s.last_seq >= cardinality(blocks) * 256
                    and r.seq >= cardinality(blocks) * 256
                  order by r.seq);
    if cardinality(blocks) * 256 + cardinality(tail) <> p_tree_size then
        return null;
    elsif cardinality(tail) > 0 then
        -- Complete blocks reduce evenly to level 8 whether they come from the table or from leaves, so the incomplete last one is
        -- simply one more node there.
        blocks := blocks || array(
            select re_raw.merkle_root(array_agg(u.leaf order by u.o)) from unnest(tail) with ordinality u(leaf, o)
            group by (u.o - 1) / 256 order by (u.o - 1) / 256);
    end if;
    return re_raw.merkle_root(blocks);
end $$;
comment on function re_raw.tree_root(uuid, bigint) is 'RFC 6962 root over the first p_tree_size events; NULL when some of them are not here and no subtree hash stands for them';

create function re_raw.verify_chain(p_instance uuid, p_from bigint default 0, p_to bigint default null)
returns table (seq bigint, severity text, rule text, detail text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set work_mem = '64MB' set timezone = 'UTC' as $$
#variable_conflict use_column
declare
    head re_raw.chain_head;
    upto bigint;
begin
    select h.* into head from re_raw.chain_head h
    where h.component_instance_id = p_instance
      and (h.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants()
           or exists (select from re_core.component_instance c where c.component_instance_id = p_instance and re_raw.may_write(c)));
    if not found then
        return query select null::bigint, 'cannot_judge', 'unknown_instance', 'no such instance, or it is another tenant''s';
        return;
    end if;
    upto := least(coalesce(p_to, head.next_seq - 1), head.next_seq - 1);

    return query
    with ranges as (
        select s.first_seq, s.last_seq, s.ingested_at from re_raw.stored_range s
        where s.component_instance_id = p_instance and s.last_seq >= p_from - 1 and s.first_seq <= upto
    ), events as (
        select x.first_seq as batch, r.seq, r.prev_hash, r.envelope_hash, r.envelope, r.payload, r.payload_sha256, r.payload_bytes, r.boot_id, r.mono_us,
               lag(r.seq) over w as before_seq, lag(r.envelope_hash) over w as before_hash,
               lag(r.boot_id) over w as before_boot, lag(r.mono_us) over w as before_mono
        from ranges x
        join re_raw.raw_event r on r.ingested_at = x.ingested_at and r.component_instance_id = p_instance and r.seq between x.first_seq and x.last_seq
        where r.seq between p_from - 1 and upto
        window w as (order by r.seq)
    ), counted as (
        select e.batch, count(*) as there from events e where e.seq >= p_from group by e.batch
    ), findings as (
        select e.seq, 'tampered' as severity, 'envelope_hash' as rule, 'the stored hash is not that of the stored envelope' as detail
        from events e where e.envelope_hash <> sha256('\x00'::bytea || e.envelope)
        union all
        select e.seq, 'tampered', 'payload_digest', 'the payload is not the one that the envelope commits to'
        from events e where e.payload_sha256 <> sha256(e.payload) or e.payload_bytes <> octet_length(e.payload)
           or strpos(encode(e.envelope, 'escape'), ',"payload_sha256":"' || encode(e.payload_sha256, 'hex') || '","prev_hash":"' || encode(e.prev_hash, 'hex')
                     || '","schema":"ransomeye.envelope/1","seq":' || e.seq || '}') = 0
        union all
        select e.seq, 'tampered', 'chain_link', 'prev_hash is not the hash of the event before'
        from events e
        where (e.seq = 0 and e.prev_hash <> decode(repeat('00', 32), 'hex')) or (e.before_seq = e.seq - 1 and e.before_hash <> e.prev_hash)
        union all
        select e.seq, 'tampered', 'stored_twice', 'two events at one place' from events e where e.before_seq = e.seq
        union all
        select e.seq, 'tampered', 'monotonic_clock', 'mono_us falls within one boot'
        from events e where e.before_boot = e.boot_id and e.before_mono > e.mono_us and e.before_seq < e.seq
        union all
        -- The ledger says that they were stored; a dropped partition is in the retention ledger.
        select y.lo, case when d.partition_name is null then 'tampered' else 'incomplete' end,
               case when d.partition_name is null then 'rows_missing' else 'partition_archived' end,
               format('%s of %s events of a batch are not in the database%s', y.hi - y.lo + 1 - y.there, y.hi - y.lo + 1,
                      '; partition ' || d.partition_name || ' has left')
        from (select x.ingested_at, greatest(x.first_seq, p_from) as lo, least(x.last_seq, upto) as hi, coalesce(c.there, 0) as there
              from ranges x left join counted c on c.batch = x.first_seq where x.last_seq >= p_from) y
        left join lateral (select l.partition_name from re_ops.retention_ledger l
                           where l.schema_name = 're_raw' and l.table_name = 'raw_event' and l.action in ('detached', 'dropped')
                             and y.ingested_at >= l.range_from and y.ingested_at < l.range_to
                           order by l.ledger_no limit 1) d on true
        where y.there < y.hi - y.lo + 1
        union all
        select g.first_missing, 'incomplete', 'declared_gap', format('seq %s to %s were declared lost', g.first_missing, g.last_missing)
        from re_raw.chain_gap g
        where g.component_instance_id = p_instance and g.last_missing >= p_from and g.first_missing <= upto
          and not exists (select from re_raw.chain_gap_fill f where f.component_instance_id = g.component_instance_id and f.first_missing = g.first_missing)
        union all
        select s.first_seq, 'tampered', 'ledger_link', 'the batch does not follow the batch before'
        from (select i.first_seq, i.gap_first, i.first_prev_hash, lag(i.last_seq) over (order by i.first_seq) as before_last,
                     lag(i.last_hash) over (order by i.first_seq) as before_hash
              from re_raw.ingest_segment i where i.component_instance_id = p_instance) s
        where s.first_seq between p_from and upto and s.gap_first is null
          and (s.first_seq <> coalesce(s.before_last + 1, 0) or s.first_prev_hash <> coalesce(s.before_hash, decode(repeat('00', 32), 'hex')))
        union all
        select s.last_seq, 'tampered', 'ledger_end', 'the batch ends with another event than the ledger says'
        from re_raw.ingest_segment s join events e on e.seq = s.last_seq
        where s.component_instance_id = p_instance and e.envelope_hash <> s.last_hash
        union all
        select k.last_seq, case when k.root_here is null then 'cannot_judge' else 'tampered' end, 'checkpoint_root',
               case when k.root_here is null then 'events before the checkpoint are missing, its root cannot be computed'
                    else format('the signed root for tree size %s is not that of the stored events', k.tree_size) end
        from (select c.last_seq, c.tree_size, c.root, re_raw.tree_root(p_instance, c.tree_size) as root_here
              from re_raw.checkpoint c where c.component_instance_id = p_instance and c.last_seq <= upto and p_from = 0
              order by c.tree_size desc limit 1) k
        where k.root_here is distinct from k.root
    )
    select f.seq, f.severity, f.rule, f.detail from findings f order by f.seq, f.rule, f.detail;

    if p_to is null then
        return query
        select head.next_seq - 1, 'tampered', 'chain_head', 'the head is not the end of the ledger'
        from (values (1)) one(x)
        left join lateral (select s.last_seq, s.last_hash from re_raw.ingest_segment s
                           where s.component_instance_id = p_instance order by s.last_seq desc limit 1) s on true
        where head.next_seq <> coalesce(s.last_seq + 1, 0) or head.last_hash <> coalesce(s.last_hash, decode(repeat('00', 32), 'hex'));
        return query
        select s.last_seq, 'incomplete', 'unsigned_tail', 'no checkpoint covers the last events yet'
        from (select max(s.last_seq) as last_seq from re_raw.ingest_segment s where s.component_instance_id = p_instance) s
        where s.last_seq > coalesce((select max(c.last_seq) from re_raw.checkpoint c where c.component_instance_id = p_instance), -1);
    end if;
end $$;
comment on function re_raw.verify_chain(uuid, bigint, bigint) is
    'Recomputes digests, links and ledger of a range, from 0 on also the last checkpoint''s root; no row means intact. Signatures are for the verify command';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only, row-level security, grants
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t) from unnest(array[
    're_raw.raw_event', 're_raw.chain_gap', 're_raw.chain_gap_fill', 're_raw.ingest_segment', 're_raw.checkpoint', 're_raw.subtree',
    're_raw.chain_violation', 're_raw.quarantine', 're_raw.quarantine_mended']::regclass[]) t;

select re_core.protect_by_tenant(t) from unnest(array[
    're_raw.raw_event', 're_raw.chain_gap', 're_raw.chain_gap_fill', 're_raw.ingest_segment', 're_raw.chain_head', 're_raw.checkpoint',
    're_raw.subtree', 're_raw.chain_violation', 're_raw.violation_counter', 're_raw.quarantine', 're_raw.quarantine_mended']::regclass[]) t;

grant usage on schema re_raw to
    re_probe, re_agent_writer, re_ingest, re_viewer, re_soc, re_correlation, re_ai_writer, re_corr_owner, re_retention;
grant execute on function
    re_raw.ingest(uuid, bigint, bytea[], bytea[], text, boolean),
    re_raw.fill_gap(uuid, bigint, bytea[], bytea[]),
    re_raw.chain_resume(uuid) to re_probe, re_agent_writer, re_ingest;
grant execute on function re_raw.verify_chain(uuid, bigint, bigint) to re_probe, re_ingest, re_soc, re_auditor, re_correlation;
grant execute on function re_raw.merkle_root(bytea[]), re_raw.tree_root(uuid, bigint) to re_auditor;
grant execute on function re_raw.update_subtrees(uuid), re_raw.rederive(uuid, bigint, bigint) to re_retention;
grant select on all tables in schema re_raw to re_auditor, re_viewer;
grant select on re_raw.raw_event, re_raw.chain_gap to re_correlation, re_ai_writer;
grant select on re_raw.raw_event, re_raw.ingest_segment, re_raw.chain_gap_fill to re_corr_owner;
revoke select on re_raw.stored_range from re_viewer;   -- its owner passes row-level security

reset role;
