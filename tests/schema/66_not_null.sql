-- Columns that are never NULL: each column of each table is left NULL in a row that has a value in every other one. Which columns may be
-- NULL is said here and not read from the catalogue, where a lost NOT NULL could not be told from one that was never meant.
begin;
set search_path = t, public;
select no_plan();

create temp table nullable (tab text primary key, columns text);
insert into nullable values
    ('re_agent.component_health', 'policy_version spool_oldest_at spool_oldest_at_ns clock_offset_us cpu_permille rss_bytes disk_free_bytes'),
    ('re_agent.deception_event', 'actor_ip pid process_start_at process_start_at_ns credential_ref'),
    ('re_agent.file_activity', 'path_truncated old_path old_path_truncated file_sha256 size_before size_after entropy_before_milli entropy_after_milli file_mode'),
    ('re_agent.network_intent', 'local_ip local_port remote_ip remote_port protocol remote_name'),
    ('re_agent.persistence_activity', 'location_truncated target_path target_path_truncated target_sha256 pid process_start_at process_start_at_ns'),
    ('re_agent.process_activity', 'parent_pid parent_start_at parent_start_at_ns account image_path_truncated image_sha256 command_line command_line_truncated exit_code integrity_level'),
    ('re_ai.feature_vector', 'component_instance_id seq incident_id'),
    ('re_core.approved_version', 'config_sha256 schema_sha256 ndpi_version probe_version'),
    ('re_corr.incident_confidence', 'previous_no'),
    ('re_corr.incident_transition', 'previous_step'),
    ('re_dpi.dns', 'qname qname_truncated qtype query_at query_at_ns response_at response_at_ns rtt_us rcode aa tc rd ra ad cd edns_version edns_udp_size edns_do query_bytes response_bytes '
        'malformed_at malformed_reason records_omitted canary query_edns_version query_edns_udp_size query_edns_do'),
    ('re_dpi.dns_record', 'data_truncated'),
    ('re_dpi.flow', 'tunnel_type tunnel_id tunnel_src_ip tunnel_dst_ip tcp_flags_src tcp_flags_dst conn_state history rtt_src_us rtt_dst_us retransmits_src retransmits_dst out_of_order_src '
        'out_of_order_dst duplicate_acks_src duplicate_acks_dst zero_windows_src zero_windows_dst gap_bytes_src gap_bytes_dst duplicate_packets icmp_type icmp_code ttl_min_src ttl_min_dst '
        'server_name server_name_truncated tls_version tls_cipher alpn alpn_truncated ja3 ja3s ja4 cert_sha256 cert_subject cert_subject_truncated cert_issuer cert_issuer_truncated '
        'cert_not_before cert_not_before_ns cert_not_after cert_not_after_ns http_method http_method_truncated http_url http_url_truncated http_user_agent http_user_agent_truncated http_status '
        'ssh_client ssh_client_truncated ssh_server ssh_server_truncated hassh hassh_server canary'),
    ('re_dpi.heartbeat', 'previous_seq libpcap_version openssl_version kernel_version build_sha256 ndpi_library_sha256 clock_offset_us clock_max_error_us clock_synced checksum_bad work_batches_waiting_max work_batches_capacity '
        'fact_batches_waiting_max fact_batches_capacity recorder_lag_us commits commit_errors commit_p50_us commit_p99_us commit_max_us spool_bytes spool_cap_bytes spool_unacked_events '
        'spool_oldest_unacked_ms spool_quarantined db_connected db_lag_events db_last_ack_at db_last_ack_at_ns db_retries db_errors db_refused unsigned_ms workers worker_restarts canary_number '
        'canary_flow_lag_us canary_dns_lag_us canary_stage last_packet_at last_packet_at_ns'),
    ('re_dpi.heartbeat_interface', 'link_up promiscuous last_packet_at last_packet_at_ns'),
    ('re_dpi.probe_start', 'libpcap_version openssl_version kernel_version build_sha256 ndpi_library_sha256 loss_window_from loss_window_from_ns loss_window_to loss_window_to_ns'),
    ('re_dpi.scan', 'src_ip dst_ip'),
    ('re_dpi.worker_crash', 'quarantine_sha256'),
    ('re_ops.legal_hold', 'schema_name table_name'),
    ('re_ops.retention_ledger', 'row_count content_sha256'),
    ('re_ops.retention_policy', 'partition_column parent_schema parent_table key_columns parent_columns hot warm cold'),
    ('re_raw.chain_head', 'last_ingested_at last_emitted_at'),
    ('re_raw.chain_violation', 'tenant_id expected_seq first_seq last_seq offending_seq expected_hash offending_hash offending_envelope'),
    ('re_raw.event_type', 'store_schema store_name'),
    ('re_raw.ingest_segment', 'prev_last_seq gap_first gap_last prev_last_hash'),
    ('re_raw.violation_counter', 'tenant_id');

-- Whether the column refuses NULL. NOT NULL is judged before any CHECK or key, column by column, so the other values need only be there.
create function pg_temp.refuses_null(tab regclass, tried name) returns boolean language plpgsql as $$
declare
    target  regclass := tab;
    keys    int2[] := coalesce((select partattrs::int2[] from pg_partitioned_table where partrelid = tab), '{}');   -- choose the leaf
    derived boolean := (select attgenerated <> '' from pg_attribute where attrelid = tab and attname = tried);
    columns text;
    row     text;
    blamed  text;
begin
    if exists (select from pg_attribute where attrelid = tab and attname = tried and attnum = any (keys)) then
        target := (select inhrelid from pg_inherits where inhparent = tab order by inhrelid limit 1);
    end if;
    select string_agg(quote_ident(attname), ', ' order by attnum), string_agg(case
        when attname = tried or derived and attnum <> all (keys) then 'null'     -- a derived value is NULL when those that it is made of are
        when atttypid = 'text'::regtype or atttypid = 'name'::regtype then '''x''' when atttypid = 'name[]'::regtype then '''{x}''' when atttypid = 'timestamptz'::regtype then 'now()'
        when atttypid = 'uuid'::regtype then 'gen_random_uuid()' when atttypid = 'bytea'::regtype then '''\x00''' when atttypid = 'inet'::regtype then '''::1'''
        when atttypid = 'interval'::regtype then '''1 day''' when atttypid = 'boolean'::regtype then 'true' else '1' end, ', ' order by attnum)
    into columns, row
    from pg_attribute where attrelid = tab and attnum > 0 and not attisdropped and attgenerated = '';
    if derived then
        -- Its own rule is seen only when those of the others are gone; all of this is undone below.
        execute (select format('alter table %s drop constraint %I cascade', tab, conname) from pg_constraint where conrelid = tab and contype = 'p');
        execute (select string_agg(format('alter table %s alter %I drop not null', tab, attname), '; ') from pg_attribute
                 where attrelid = tab and attnum > 0 and attname <> tried and attnotnull and attnum <> all (keys));
    end if;
    execute format('insert into %s (%s) values (%s)', target, columns, row);
    raise exception 'stored' using errcode = 'T0001';
exception when not_null_violation then
    get stacked diagnostics blamed = column_name;
    return blamed = tried;
when sqlstate 'T0001' or integrity_constraint_violation then
    return false;
end $$;

create temp table tried as
    select c.oid::regclass::text as tab, a.attnum, a.attname, pg_temp.refuses_null(c.oid, a.attname) as refuses
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace::regnamespace::text like 're\_%' and c.relkind in ('r', 'p') and not c.relispartition;
select is(coalesce(string_agg(t.attname, ' ' order by t.attnum) filter (where not t.refuses), ''), coalesce(n.columns, ''), t.tab || ': the columns that may be NULL, and no other')
from tried t left join nullable n using (tab) group by t.tab, n.columns order by t.tab;
select is_empty('select tab from nullable except select tab from tried', 'each of these tables is there');
select * from finish();
rollback;
