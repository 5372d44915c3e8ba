-- 03_normalized_dpi.sql: what the DPI probe saw. Flows, DNS transactions, heartbeats, the probe's own life, and the child rows of their lists.
--
-- Column names are the members of the payloads (docs/events.md). A time is timestamptz in the column of its name, and the nanoseconds
-- below its microsecond in <name>_ns. Rows are written by the store functions at the end, called by re_raw.ingest() in the transaction
-- that stores the signed bytes. Foreign keys run leaf to leaf, a day's rows to the same day's raw events (children to their parent row);
-- re_ops.ensure_partitions() makes them with the leaves.

set role re_owner;

-- ---------------------------------------------------------------------------------------------------------------------------
-- Flows
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_dpi.flow (
    ingested_at               timestamptz not null default now(),
    component_instance_id     uuid not null,
    seq                       bigint not null,
    tenant_id                 uuid not null,
    machine_id                uuid not null,
    observed_at               timestamptz not null,
    observed_at_ns            smallint not null,
    community_id              text not null,
    record                    bigint not null,
    final                     boolean not null,
    start_at                  timestamptz not null,
    start_at_ns               smallint not null,
    end_at                    timestamptz not null,
    end_at_ns                 smallint not null,
    ip_version                smallint not null,
    protocol                  smallint not null,
    src_ip                    inet not null,
    src_port                  int not null,
    dst_ip                    inet not null,
    dst_port                  int not null,
    orientation               text not null,
    packets_src               bigint not null,
    packets_dst               bigint not null,
    ip_bytes_src              bigint not null,
    ip_bytes_dst              bigint not null,
    payload_bytes_src         bigint not null,
    payload_bytes_dst         bigint not null,
    end_reason                text not null,
    app_master                text not null,
    app                       text not null,
    app_category              text not null,
    app_confidence            text not null,
    app_packets               bigint not null,
    risk_score                int not null,
    tunnel_type               text,
    tunnel_id                 bigint,
    tunnel_src_ip             inet,
    tunnel_dst_ip             inet,
    tcp_flags_src             smallint,
    tcp_flags_dst             smallint,
    conn_state                text,
    history                   text,
    rtt_src_us                bigint,
    rtt_dst_us                bigint,
    retransmits_src           bigint,
    retransmits_dst           bigint,
    out_of_order_src          bigint,
    out_of_order_dst          bigint,
    duplicate_acks_src        bigint,
    duplicate_acks_dst        bigint,
    zero_windows_src          bigint,
    zero_windows_dst          bigint,
    gap_bytes_src             bigint,
    gap_bytes_dst             bigint,
    duplicate_packets         bigint,
    icmp_type                 smallint,
    icmp_code                 smallint,
    ttl_min_src               smallint,
    ttl_min_dst               smallint,
    server_name               text,
    server_name_truncated     boolean,
    tls_version               text,
    tls_cipher                text,
    alpn                      text,
    alpn_truncated            boolean,
    ja3                       text,
    ja3s                      text,
    ja4                       text,
    cert_sha256               bytea,
    cert_subject              text,
    cert_subject_truncated    boolean,
    cert_issuer               text,
    cert_issuer_truncated     boolean,
    cert_not_before           timestamptz,
    cert_not_before_ns        smallint,
    cert_not_after            timestamptz,
    cert_not_after_ns         smallint,
    http_method               text,
    http_method_truncated     boolean,
    http_url                  text,
    http_url_truncated        boolean,
    http_user_agent           text,
    http_user_agent_truncated boolean,
    http_status               int,
    ssh_client                text,
    ssh_client_truncated      boolean,
    ssh_server                text,
    ssh_server_truncated      boolean,
    hassh                     text,
    hassh_server              text,
    canary                    boolean,
    constraint flow_pk primary key (ingested_at, component_instance_id, seq),
    constraint flow_community_id_is_valid check (octet_length(community_id) = 30 and starts_with(community_id, '1:')),
    constraint flow_protocol_is_valid check (protocol between 0 and 255),
    constraint flow_orientation_is_valid check (orientation in ('syn', 'syn_ack', 'dns_qr', 'tls_hello', 'http', 'icmp_type', 'service_port', 'multicast', 'first_packet')),
    constraint flow_end_reason_is_valid check (end_reason in ('fin', 'rst', 'idle', 'active', 'forced', 'evicted', 'port_reuse')),
    constraint flow_risk_score_is_valid check (risk_score >= 0),
    constraint flow_tcp_flags_src_is_valid check (tcp_flags_src between 0 and 255),
    constraint flow_tcp_flags_dst_is_valid check (tcp_flags_dst between 0 and 255),
    constraint flow_history_is_valid check (octet_length(history) <= 255),
    constraint flow_icmp_type_is_valid check (icmp_type between 0 and 255),
    constraint flow_icmp_code_is_valid check (icmp_code between 0 and 255),
    constraint flow_ttl_min_src_is_valid check (ttl_min_src between 0 and 255),
    constraint flow_ttl_min_dst_is_valid check (ttl_min_dst between 0 and 255),
    constraint flow_server_name_is_pct_text check (octet_length(server_name) <= 512 and server_name !~ '[^!-~]'),
    constraint flow_alpn_is_valid check (octet_length(alpn) <= 1024),
    constraint flow_ja3_is_valid check (ja3 ~ '^[0-9a-f]{32}$'),
    constraint flow_ja3s_is_valid check (ja3s ~ '^[0-9a-f]{32}$'),
    constraint flow_ja4_is_valid check (octet_length(ja4) <= 64),
    constraint flow_cert_sha256_is_valid check (octet_length(cert_sha256) = 32),
    constraint flow_cert_subject_is_pct_text check (octet_length(cert_subject) <= 1024 and cert_subject !~ '[^!-~]'),
    constraint flow_cert_issuer_is_pct_text check (octet_length(cert_issuer) <= 1024 and cert_issuer !~ '[^!-~]'),
    constraint flow_http_method_is_pct_text check (octet_length(http_method) <= 32 and http_method !~ '[^!-~]'),
    constraint flow_http_url_is_pct_text check (octet_length(http_url) <= 2048 and http_url !~ '[^!-~]'),
    constraint flow_http_user_agent_is_pct_text check (octet_length(http_user_agent) <= 1024 and http_user_agent !~ '[^!-~]'),
    constraint flow_http_status_is_valid check (http_status between 0 and 65535),
    constraint flow_ssh_client_is_pct_text check (octet_length(ssh_client) <= 255 and ssh_client !~ '[^!-~]'),
    constraint flow_ssh_server_is_pct_text check (octet_length(ssh_server) <= 255 and ssh_server !~ '[^!-~]'),
    constraint flow_hassh_is_valid check (hassh ~ '^[0-9a-f]{32}$'),
    constraint flow_hassh_server_is_valid check (hassh_server ~ '^[0-9a-f]{32}$'),
    constraint flow_counters_are_in_range check (
        least(
            record, packets_src, packets_dst, ip_bytes_src, ip_bytes_dst, payload_bytes_src, payload_bytes_dst,
            app_packets, tunnel_id, rtt_src_us, rtt_dst_us, retransmits_src, retransmits_dst, out_of_order_src,
            out_of_order_dst, duplicate_acks_src, duplicate_acks_dst, zero_windows_src, zero_windows_dst, gap_bytes_src,
            gap_bytes_dst, duplicate_packets) >= 0
        and greatest(
            record, packets_src, packets_dst, ip_bytes_src, ip_bytes_dst, payload_bytes_src, payload_bytes_dst,
            app_packets, tunnel_id, rtt_src_us, rtt_dst_us, retransmits_src, retransmits_dst, out_of_order_src,
            out_of_order_dst, duplicate_acks_src, duplicate_acks_dst, zero_windows_src, zero_windows_dst, gap_bytes_src,
            gap_bytes_dst, duplicate_packets) <= 9007199254740991),
    constraint flow_16_bit_numbers_are_in_range check (least(src_port, dst_port) >= 0 and greatest(src_port, dst_port) <= 65535),
    constraint flow_names_are_short check (
        octet_length(app_master) <= 255 and octet_length(app) <= 255 and octet_length(app_category) <= 255
        and octet_length(app_confidence) <= 255 and octet_length(tunnel_type) <= 255 and octet_length(conn_state) <= 255
        and octet_length(tls_version) <= 255 and octet_length(tls_cipher) <= 255),
    constraint flow_addresses_are_hosts check (
        masklen(src_ip) = case family(src_ip) when 4 then 32 else 128 end
        and masklen(dst_ip) = case family(dst_ip) when 4 then 32 else 128 end
        and masklen(tunnel_src_ip) = case family(tunnel_src_ip) when 4 then 32 else 128 end
        and masklen(tunnel_dst_ip) = case family(tunnel_dst_ip) when 4 then 32 else 128 end),
    constraint flow_nanoseconds_are_in_range check (
        least(observed_at_ns, start_at_ns, end_at_ns, cert_not_before_ns, cert_not_after_ns) >= 0
        and greatest(observed_at_ns, start_at_ns, end_at_ns, cert_not_before_ns, cert_not_after_ns) <= 999),
    constraint flow_nanoseconds_have_their_time check (
        (start_at is null) = (start_at_ns is null) and (end_at is null) = (end_at_ns is null)
        and (cert_not_before is null) = (cert_not_before_ns is null)
        and (cert_not_after is null) = (cert_not_after_ns is null)),
    constraint flow_truncated_is_true_or_absent check (
        server_name_truncated is not false and alpn_truncated is not false and cert_subject_truncated is not false
        and cert_issuer_truncated is not false and http_method_truncated is not false and http_url_truncated is not false
        and http_user_agent_truncated is not false and ssh_client_truncated is not false
        and ssh_server_truncated is not false),
    constraint flow_canary_is_true_or_absent check (canary is not false),
    constraint flow_ends_after_it_starts check (end_at >= start_at),
    constraint flow_families_match check (family(src_ip) = ip_version and family(dst_ip) = ip_version)
) partition by range (ingested_at);
comment on table  re_dpi.flow is 'dpi.flow v1: one record of a bidirectional flow; counters are of this record alone, so sums are true';
comment on column re_dpi.flow.ingested_at               is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.flow.component_instance_id     is 'Chain of the raw event';
comment on column re_dpi.flow.seq                       is 'Sequence number of the raw event';
comment on column re_dpi.flow.tenant_id                 is 'Tenant, for row-level security';
comment on column re_dpi.flow.machine_id                is 'Machine that reports';
comment on column re_dpi.flow.observed_at               is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.flow.observed_at_ns            is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.flow.community_id              is 'Community ID v1, seed 0';
comment on column re_dpi.flow.record                    is 'Record number of this flow, from 0';
comment on column re_dpi.flow.final                     is 'No further record of this flow';
comment on column re_dpi.flow.start_at                  is 'First packet of this record, UTC';
comment on column re_dpi.flow.start_at_ns               is 'Nanoseconds below the microsecond of start_at, 0 to 999';
comment on column re_dpi.flow.end_at                    is 'Last packet of this record, UTC';
comment on column re_dpi.flow.end_at_ns                 is 'Nanoseconds below the microsecond of end_at, 0 to 999';
comment on column re_dpi.flow.ip_version                is 'IP version of the counted (innermost) header';
comment on column re_dpi.flow.protocol                  is 'IANA protocol number';
comment on column re_dpi.flow.src_ip                    is 'Initiator';
comment on column re_dpi.flow.src_port                  is 'Port of the initiator; 0 where the protocol has none; ICMP as Community ID maps type and code';
comment on column re_dpi.flow.dst_ip                    is 'Responder';
comment on column re_dpi.flow.dst_port                  is 'Port of the responder; 0 where the protocol has none';
comment on column re_dpi.flow.orientation               is 'How the initiator is known';
comment on column re_dpi.flow.packets_src               is 'Frames from the initiator';
comment on column re_dpi.flow.packets_dst               is 'Frames from the responder';
comment on column re_dpi.flow.ip_bytes_src              is 'Bytes of IP packets from the initiator';
comment on column re_dpi.flow.ip_bytes_dst              is 'Bytes of IP packets from the responder';
comment on column re_dpi.flow.payload_bytes_src         is 'Bytes behind the TCP/UDP header from the initiator';
comment on column re_dpi.flow.payload_bytes_dst         is 'Bytes behind the TCP/UDP header from the responder';
comment on column re_dpi.flow.end_reason                is 'Why the record ended';
comment on column re_dpi.flow.app_master                is 'nDPI master protocol, nDPI''s name';
comment on column re_dpi.flow.app                       is 'nDPI application protocol, nDPI''s name';
comment on column re_dpi.flow.app_category              is 'nDPI category, nDPI''s name';
comment on column re_dpi.flow.app_confidence            is 'nDPI confidence, nDPI''s name';
comment on column re_dpi.flow.app_packets               is 'Number of the flow''s packet that decided; 0 = guessed at the end';
comment on column re_dpi.flow.risk_score                is 'nDPI risk score';
comment on column re_dpi.flow.tunnel_type               is 'Innermost tunnel of the first packet';
comment on column re_dpi.flow.tunnel_id                 is 'Its identifier (VNI, key, TEID)';
comment on column re_dpi.flow.tunnel_src_ip             is 'Its outer source';
comment on column re_dpi.flow.tunnel_dst_ip             is 'Its outer destination';
comment on column re_dpi.flow.tcp_flags_src             is 'OR of the TCP flags from the initiator';
comment on column re_dpi.flow.tcp_flags_dst             is 'OR of the TCP flags from the responder';
comment on column re_dpi.flow.conn_state                is 'Connection state, Zeek''s names';
comment on column re_dpi.flow.history                   is 'Connection history, Zeek''s letters';
comment on column re_dpi.flow.rtt_src_us                is 'Microseconds SYN/ACK to ACK: probe to initiator and back';
comment on column re_dpi.flow.rtt_dst_us                is 'Microseconds SYN to SYN/ACK: probe to responder and back';
comment on column re_dpi.flow.retransmits_src           is 'Retransmitted packets, from the initiator';
comment on column re_dpi.flow.retransmits_dst           is 'Retransmitted packets, from the responder';
comment on column re_dpi.flow.out_of_order_src          is 'Packets out of order, from the initiator';
comment on column re_dpi.flow.out_of_order_dst          is 'Packets out of order, from the responder';
comment on column re_dpi.flow.duplicate_acks_src        is 'Duplicate ACKs, from the initiator';
comment on column re_dpi.flow.duplicate_acks_dst        is 'Duplicate ACKs, from the responder';
comment on column re_dpi.flow.zero_windows_src          is 'Zero-window packets, from the initiator';
comment on column re_dpi.flow.zero_windows_dst          is 'Zero-window packets, from the responder';
comment on column re_dpi.flow.gap_bytes_src             is 'Bytes acknowledged but never seen, from the initiator';
comment on column re_dpi.flow.gap_bytes_dst             is 'Bytes acknowledged but never seen, from the responder';
comment on column re_dpi.flow.duplicate_packets         is 'Mirrored copies of packets';
comment on column re_dpi.flow.icmp_type                 is 'ICMP type of the first packet';
comment on column re_dpi.flow.icmp_code                 is 'ICMP code of the first packet';
comment on column re_dpi.flow.ttl_min_src               is 'Smallest TTL or hop limit from the initiator';
comment on column re_dpi.flow.ttl_min_dst               is 'Smallest TTL or hop limit from the responder';
comment on column re_dpi.flow.server_name               is 'TLS or QUIC SNI, or HTTP host, pct-text';
comment on column re_dpi.flow.server_name_truncated     is 'server_name was cut';
comment on column re_dpi.flow.tls_version               is 'TLS version negotiated';
comment on column re_dpi.flow.tls_cipher                is 'TLS cipher suite chosen';
comment on column re_dpi.flow.alpn                      is 'Application protocol negotiated or offered (ALPN)';
comment on column re_dpi.flow.alpn_truncated            is 'alpn was cut';
comment on column re_dpi.flow.ja3                       is 'JA3 fingerprint of the client, hex';
comment on column re_dpi.flow.ja3s                      is 'JA3S fingerprint of the server, hex';
comment on column re_dpi.flow.ja4                       is 'JA4 fingerprint of the client';
comment on column re_dpi.flow.cert_sha256               is 'SHA-256 of the server''s certificate';
comment on column re_dpi.flow.cert_subject              is 'Subject of the certificate, pct-text';
comment on column re_dpi.flow.cert_subject_truncated    is 'cert_subject was cut';
comment on column re_dpi.flow.cert_issuer               is 'Issuer of the certificate, pct-text';
comment on column re_dpi.flow.cert_issuer_truncated     is 'cert_issuer was cut';
comment on column re_dpi.flow.cert_not_before           is 'Certificate valid from, UTC';
comment on column re_dpi.flow.cert_not_before_ns        is 'Nanoseconds below the microsecond of cert_not_before, 0 to 999';
comment on column re_dpi.flow.cert_not_after            is 'Certificate valid until, UTC';
comment on column re_dpi.flow.cert_not_after_ns         is 'Nanoseconds below the microsecond of cert_not_after, 0 to 999';
comment on column re_dpi.flow.http_method               is 'HTTP method, pct-text';
comment on column re_dpi.flow.http_method_truncated     is 'http_method was cut';
comment on column re_dpi.flow.http_url                  is 'HTTP target, pct-text';
comment on column re_dpi.flow.http_url_truncated        is 'http_url was cut';
comment on column re_dpi.flow.http_user_agent           is 'HTTP user agent, pct-text';
comment on column re_dpi.flow.http_user_agent_truncated is 'http_user_agent was cut';
comment on column re_dpi.flow.http_status               is 'HTTP status code';
comment on column re_dpi.flow.ssh_client                is 'SSH banner of the client, pct-text';
comment on column re_dpi.flow.ssh_client_truncated      is 'ssh_client was cut';
comment on column re_dpi.flow.ssh_server                is 'SSH banner of the server, pct-text';
comment on column re_dpi.flow.ssh_server_truncated      is 'ssh_server was cut';
comment on column re_dpi.flow.hassh                     is 'HASSH fingerprint of the client, hex';
comment on column re_dpi.flow.hassh_server              is 'HASSH fingerprint of the server, hex';
comment on column re_dpi.flow.canary                    is 'true for the synthetic exchange of the probe''s own check, else absent; no view or count includes it';
create table re_dpi.flow_vlan (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    vlan_id               smallint not null,
    constraint flow_vlan_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint flow_vlan_position_is_valid check (position >= 0),
    constraint flow_vlan_vlan_id_is_valid check (vlan_id between 0 and 4095)
) partition by range (ingested_at);
comment on table  re_dpi.flow_vlan is 'dpi.flow vlan_ids: VLAN ids of the flow''s first packet, outermost first';
comment on column re_dpi.flow_vlan.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.flow_vlan.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.flow_vlan.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.flow_vlan.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.flow_vlan.position              is 'Place in the list, from 0';
comment on column re_dpi.flow_vlan.vlan_id               is 'VLAN id';
create table re_dpi.flow_encapsulation (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    encapsulation         text not null,
    constraint flow_encapsulation_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint flow_encapsulation_position_is_valid check (position >= 0),
    constraint flow_encapsulation_encapsulation_is_valid check (octet_length(encapsulation) between 1 and 64)
) partition by range (ingested_at);
comment on table  re_dpi.flow_encapsulation is 'dpi.flow encapsulations: of the flow''s first packet, in wire order';
comment on column re_dpi.flow_encapsulation.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.flow_encapsulation.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.flow_encapsulation.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.flow_encapsulation.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.flow_encapsulation.position              is 'Place in the list, from 0';
comment on column re_dpi.flow_encapsulation.encapsulation         is 'Name of the encapsulation';
create table re_dpi.flow_risk (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    risk                  text not null,
    constraint flow_risk_pk primary key (ingested_at, component_instance_id, seq, risk),
    constraint flow_risk_risk_is_valid check (octet_length(risk) between 1 and 128)
) partition by range (ingested_at);
comment on table  re_dpi.flow_risk is 'dpi.flow risks: risks that nDPI found';
comment on column re_dpi.flow_risk.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.flow_risk.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.flow_risk.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.flow_risk.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.flow_risk.risk                  is 'nDPI''s name of the risk';
create table re_dpi.flow_packet (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    bytes                 int not null,
    gap_us                bigint not null,
    constraint flow_packet_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint flow_packet_position_is_valid check (position >= 0),
    constraint flow_packet_gap_us_is_valid check (gap_us between 0 and 9007199254740991)
) partition by range (ingested_at);
comment on table  re_dpi.flow_packet is 'dpi.flow splt: first packets with payload';
comment on column re_dpi.flow_packet.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.flow_packet.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.flow_packet.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.flow_packet.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.flow_packet.position              is 'Place in the list, from 0';
comment on column re_dpi.flow_packet.bytes                 is 'Payload bytes; positive from the initiator, negative from the responder';
comment on column re_dpi.flow_packet.gap_us                is 'Microseconds since the packet before';
create table re_dpi.flow_anomaly (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    anomaly               text not null,
    constraint flow_anomaly_pk primary key (ingested_at, component_instance_id, seq, anomaly),
    constraint flow_anomaly_anomaly_is_valid check (octet_length(anomaly) between 1 and 128)
) partition by range (ingested_at);
comment on table  re_dpi.flow_anomaly is 'dpi.flow anomalies: what the decoder found odd';
comment on column re_dpi.flow_anomaly.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.flow_anomaly.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.flow_anomaly.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.flow_anomaly.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.flow_anomaly.anomaly               is 'Name of the anomaly';

-- ---------------------------------------------------------------------------------------------------------------------------
-- DNS
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_dpi.dns (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    community_id          text not null,
    transport             text not null,
    service               text not null,
    src_ip                inet not null,
    src_port              int not null,
    dst_ip                inet not null,
    dst_port              int not null,
    id                    int not null,
    opcode                text not null,
    outcome               text not null,
    queries               bigint not null,
    responses             bigint not null,
    qname                 text,
    qname_truncated       boolean,
    qtype                 text,
    query_at              timestamptz,
    query_at_ns           smallint,
    response_at           timestamptz,
    response_at_ns        smallint,
    rtt_us                bigint,
    rcode                 text,
    aa                    boolean,
    tc                    boolean,
    rd                    boolean,
    ra                    boolean,
    ad                    boolean,
    cd                    boolean,
    edns_version          smallint,
    edns_udp_size         int,
    edns_do               boolean,
    query_bytes           bigint,
    response_bytes        bigint,
    malformed_at          bigint,
    malformed_reason      text,
    records_omitted       bigint,
    canary                boolean,
    query_edns_version    smallint,
    query_edns_udp_size   int,
    query_edns_do         boolean,
    constraint dns_pk primary key (ingested_at, component_instance_id, seq),
    constraint dns_community_id_is_valid check (octet_length(community_id) = 30 and starts_with(community_id, '1:')),
    constraint dns_transport_is_valid check (transport in ('udp', 'tcp')),
    constraint dns_service_is_valid check (service in ('dns', 'mdns', 'llmnr', 'nbns')),
    constraint dns_outcome_is_valid check (outcome in ('answered', 'unanswered', 'orphan', 'multicast', 'malformed')),
    constraint dns_qname_is_pct_text check (octet_length(qname) <= 1024 and qname !~ '[^!-~]'),
    constraint dns_edns_version_is_valid check (edns_version between 0 and 255),
    constraint dns_counters_are_in_range check (
        least(
            queries, responses, rtt_us, query_bytes, response_bytes, malformed_at, records_omitted) >= 0
        and greatest(
            queries, responses, rtt_us, query_bytes, response_bytes, malformed_at, records_omitted) <= 9007199254740991),
    constraint dns_16_bit_numbers_are_in_range check (least(src_port, dst_port, id, edns_udp_size) >= 0 and greatest(src_port, dst_port, id, edns_udp_size) <= 65535),
    constraint dns_names_are_short check (
        octet_length(opcode) <= 255 and octet_length(qtype) <= 255 and octet_length(rcode) <= 255
        and octet_length(malformed_reason) <= 255),
    constraint dns_addresses_are_hosts check (
        masklen(src_ip) = case family(src_ip) when 4 then 32 else 128 end
        and masklen(dst_ip) = case family(dst_ip) when 4 then 32 else 128 end),
    constraint dns_nanoseconds_are_in_range check (least(observed_at_ns, query_at_ns, response_at_ns) >= 0 and greatest(observed_at_ns, query_at_ns, response_at_ns) <= 999),
    constraint dns_nanoseconds_have_their_time check ((query_at is null) = (query_at_ns is null) and (response_at is null) = (response_at_ns is null)),
    constraint dns_truncated_is_true_or_absent check (qname_truncated is not false),
    constraint dns_canary_is_true_or_absent check (canary is not false),
    constraint dns_edns_is_whole check (num_nulls(edns_version, edns_udp_size, edns_do) in (0, 3)),
    constraint dns_query_edns_is_in_range check (query_edns_version between 0 and 255 and query_edns_udp_size between 0 and 65535),
    constraint dns_query_edns_is_whole check (num_nulls(query_edns_version, query_edns_udp_size, query_edns_do) in (0, 3))
) partition by range (ingested_at);
comment on table  re_dpi.dns is 'dpi.dns v1: one DNS transaction, query and response together';
comment on column re_dpi.dns.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.dns.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.dns.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.dns.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.dns.machine_id            is 'Machine that reports';
comment on column re_dpi.dns.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.dns.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.dns.community_id          is 'Community ID v1 of the transport flow';
comment on column re_dpi.dns.transport             is 'Transport protocol';
comment on column re_dpi.dns.service               is 'Name service';
comment on column re_dpi.dns.src_ip                is 'The one who asked';
comment on column re_dpi.dns.src_port              is 'Its port';
comment on column re_dpi.dns.dst_ip                is 'The one who was asked';
comment on column re_dpi.dns.dst_port              is 'Its port';
comment on column re_dpi.dns.id                    is 'Transaction id';
comment on column re_dpi.dns.opcode                is 'IANA mnemonic, or OPCODEn';
comment on column re_dpi.dns.outcome               is 'How the transaction ended';
comment on column re_dpi.dns.queries               is 'Query messages that this row stands for';
comment on column re_dpi.dns.responses             is 'Response messages that this row stands for';
comment on column re_dpi.dns.qname                 is 'Name of the first question, pct-text, case kept';
comment on column re_dpi.dns.qname_truncated       is 'qname was cut';
comment on column re_dpi.dns.qtype                 is 'Type of the first question, IANA mnemonic or TYPEn';
comment on column re_dpi.dns.query_at              is 'First query message, UTC';
comment on column re_dpi.dns.query_at_ns           is 'Nanoseconds below the microsecond of query_at, 0 to 999';
comment on column re_dpi.dns.response_at           is 'First response message, UTC';
comment on column re_dpi.dns.response_at_ns        is 'Nanoseconds below the microsecond of response_at, 0 to 999';
comment on column re_dpi.dns.rtt_us                is 'Microseconds from query to response';
comment on column re_dpi.dns.rcode                 is 'Response code with its EDNS extension, IANA mnemonic or RCODEn';
comment on column re_dpi.dns.aa                    is 'Authoritative answer';
comment on column re_dpi.dns.tc                    is 'Truncated';
comment on column re_dpi.dns.rd                    is 'Recursion desired';
comment on column re_dpi.dns.ra                    is 'Recursion available';
comment on column re_dpi.dns.ad                    is 'Authentic data';
comment on column re_dpi.dns.cd                    is 'Checking disabled';
comment on column re_dpi.dns.edns_version          is 'EDNS version (payload: edns.version)';
comment on column re_dpi.dns.edns_udp_size         is 'EDNS UDP size in bytes (payload: edns.udp_size)';
comment on column re_dpi.dns.edns_do               is 'DNSSEC answer wanted (payload: edns.do)';
comment on column re_dpi.dns.query_bytes           is 'Bytes of the first query message';
comment on column re_dpi.dns.response_bytes        is 'Bytes of the first response message';
comment on column re_dpi.dns.malformed_at          is 'Byte offset of the fault in the message';
comment on column re_dpi.dns.malformed_reason      is 'Name of the anomaly';
comment on column re_dpi.dns.records_omitted       is 'Records left out because the event would have been too long';
comment on column re_dpi.dns.query_edns_version    is 'EDNS version of the first query (payload: query_edns.version)';
comment on column re_dpi.dns.query_edns_udp_size   is 'EDNS UDP size of the first query in bytes (payload: query_edns.udp_size)';
comment on column re_dpi.dns.query_edns_do         is 'The first query wants DNSSEC records (payload: query_edns.do)';
comment on column re_dpi.dns.canary                is 'true for the synthetic exchange of the probe''s own check, else absent; no view or count includes it';
create table re_dpi.dns_question (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    name                  text not null,
    type                  text not null,
    class                 text not null,
    constraint dns_question_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint dns_question_position_is_valid check (position >= 0),
    constraint dns_question_name_is_valid check (octet_length(name) <= 1024 and name !~ '[^!-~]'),
    constraint dns_question_type_is_valid check (octet_length(type) <= 255),
    constraint dns_question_class_is_valid check (octet_length(class) <= 255)
) partition by range (ingested_at);
comment on table  re_dpi.dns_question is 'dpi.dns questions: every question of the transaction';
comment on column re_dpi.dns_question.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.dns_question.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.dns_question.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.dns_question.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.dns_question.position              is 'Place in the list, from 0';
comment on column re_dpi.dns_question.name                  is 'Name asked for, pct-text, case kept';
comment on column re_dpi.dns_question.type                  is 'IANA mnemonic or TYPEn';
comment on column re_dpi.dns_question.class                 is 'IANA mnemonic or CLASSn';
create table re_dpi.dns_record (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    section               text not null,
    name                  text not null,
    type                  text not null,
    class                 text not null,
    ttl                   bigint not null,
    data                  text not null,
    data_truncated        boolean,
    constraint dns_record_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint dns_record_position_is_valid check (position >= 0),
    constraint dns_record_section_is_valid check (section in ('answer', 'authority', 'additional')),
    constraint dns_record_name_is_valid check (octet_length(name) <= 1024 and name !~ '[^!-~]'),
    constraint dns_record_type_is_valid check (octet_length(type) <= 255),
    constraint dns_record_class_is_valid check (octet_length(class) <= 255),
    constraint dns_record_ttl_is_valid check (ttl between 0 and 4294967295),
    constraint dns_record_data_is_valid check (octet_length(data) <= 61440),
    constraint dns_record_data_truncated_is_valid check (data_truncated is not false)
) partition by range (ingested_at);
comment on table  re_dpi.dns_record is 'dpi.dns records: every record of the first response, in wire order';
comment on column re_dpi.dns_record.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.dns_record.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.dns_record.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.dns_record.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.dns_record.position              is 'Place in the list, from 0';
comment on column re_dpi.dns_record.section               is 'Section of the message';
comment on column re_dpi.dns_record.name                  is 'Owner name, pct-text, case kept';
comment on column re_dpi.dns_record.type                  is 'IANA mnemonic or TYPEn';
comment on column re_dpi.dns_record.class                 is 'IANA mnemonic or CLASSn';
comment on column re_dpi.dns_record.ttl                   is 'Time to live in seconds';
comment on column re_dpi.dns_record.data                  is 'Presentation form; unknown types as RFC 3597';
comment on column re_dpi.dns_record.data_truncated        is 'data was cut';
create table re_dpi.dns_edns_option (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    position              smallint not null,
    code                  int not null,
    data                  text not null,
    constraint dns_edns_option_pk primary key (ingested_at, component_instance_id, seq, position),
    constraint dns_edns_option_position_is_valid check (position >= 0),
    constraint dns_edns_option_code_is_valid check (code between 0 and 65535),
    constraint dns_edns_option_data_is_valid check (data ~ '^([0-9a-f]{2})*$')
) partition by range (ingested_at);
comment on table  re_dpi.dns_edns_option is 'dpi.dns edns.options: EDNS options in wire order';
comment on column re_dpi.dns_edns_option.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.dns_edns_option.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.dns_edns_option.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.dns_edns_option.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.dns_edns_option.position              is 'Place in the list, from 0';
comment on column re_dpi.dns_edns_option.code                  is 'EDNS option code';
comment on column re_dpi.dns_edns_option.data                  is 'Option data, hex';
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
create table re_dpi.dns_anomaly (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    anomaly               text not null,
    constraint dns_anomaly_pk primary key (ingested_at, component_instance_id, seq, anomaly),
    constraint dns_anomaly_anomaly_is_valid check (octet_length(anomaly) between 1 and 128)
) partition by range (ingested_at);
comment on table  re_dpi.dns_anomaly is 'dpi.dns anomalies: what the parser found odd';
comment on column re_dpi.dns_anomaly.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.dns_anomaly.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.dns_anomaly.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.dns_anomaly.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.dns_anomaly.anomaly               is 'Name of the anomaly';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Heartbeats. No count is trusted without its losses: ledger_closes says whether every offered packet is accounted for, events_close
-- whether every event is.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_dpi.heartbeat (
    ingested_at               timestamptz not null default now(),
    component_instance_id     uuid not null,
    seq                       bigint not null,
    tenant_id                 uuid not null,
    machine_id                uuid not null,
    observed_at               timestamptz not null,
    observed_at_ns            smallint not null,
    heartbeat_number          bigint not null,
    interval_ms               bigint not null,
    previous_seq              bigint,
    state                     text not null,
    run_id                    uuid not null,
    uptime_ms                 bigint not null,
    probe_version             text not null,
    ndpi_version              text not null,
    libpcap_version           text,
    openssl_version           text,
    kernel_version            text,
    build_sha256              bytea,
    ndpi_library_sha256       bytea,
    config_sha256             bytea not null,
    schema_sha256             bytea not null,
    clock_offset_us           bigint,
    clock_max_error_us        bigint,
    clock_synced              boolean,
    clock_steps               bigint not null,
    packets_offered           bigint not null,
    bytes_offered             bigint not null,
    packets_decoded           bigint not null,
    packets_filtered          bigint not null,
    packets_malformed         bigint not null,
    packets_not_ip            bigint not null,
    packets_dropped_kernel    bigint not null,
    packets_dropped_nic       bigint not null,
    packets_dropped_no_buffer bigint not null,
    packets_shed              bigint not null,
    packets_truncated         bigint not null,
    packets_duplicate         bigint not null,
    time_backward_steps       bigint not null,
    flows_active              bigint not null,
    flows_started             bigint not null,
    flow_records              bigint not null,
    flows_evicted             bigint not null,
    dns_transactions          bigint not null,
    dns_messages              bigint not null,
    tcp_acks                  bigint not null,
    gap_events                bigint not null,
    acked_bytes               bigint not null,
    gap_bytes                 bigint not null,
    tcp_flows                 bigint not null,
    one_way_flows             bigint not null,
    midstream_flows           bigint not null,
    dns_orphans               bigint not null,
    retransmits               bigint not null,
    out_of_order              bigint not null,
    vlan_one_sided_flows      bigint not null,
    truncated_datagrams       bigint not null,
    checksum_bad              bigint,
    work_batches_waiting_max  bigint,
    work_batches_capacity     bigint,
    fact_batches_waiting_max  bigint,
    fact_batches_capacity     bigint,
    recorder_lag_us           bigint,
    commits                   bigint,
    commit_errors             bigint,
    commit_p50_us             bigint,
    commit_p99_us             bigint,
    commit_max_us             bigint,
    spool_bytes               bigint,
    spool_cap_bytes           bigint,
    spool_unacked_events      bigint,
    spool_oldest_unacked_ms   bigint,
    spool_quarantined         bigint,
    db_connected              boolean,
    db_lag_events             bigint,
    db_last_ack_at            timestamptz,
    db_last_ack_at_ns         smallint,
    db_retries                bigint,
    db_errors                 bigint,
    db_refused                bigint,
    events_produced           bigint not null,
    events_sealed             bigint not null,
    events_shed               bigint not null,
    tree_size_signed          bigint not null,
    unsigned_events           bigint not null,
    unsigned_ms               bigint,
    key_id                    bytea not null,
    workers                   bigint,
    worker_restarts           bigint,
    canary_number             bigint,
    canary_flow_lag_us        bigint,
    canary_dns_lag_us         bigint,
    canary_stage              text,
    last_packet_at            timestamptz,
    last_packet_at_ns         smallint,
    ledger_closes             boolean not null generated always as (packets_offered = packets_decoded + packets_filtered + packets_malformed
        + packets_not_ip + packets_dropped_kernel + packets_dropped_nic + packets_dropped_no_buffer + packets_shed) stored,
    events_close              boolean not null generated always as (events_produced = events_sealed + events_shed) stored,
    constraint heartbeat_pk primary key (ingested_at, component_instance_id, seq),
    constraint heartbeat_state_is_valid check (state in ('healthy', 'degraded')),
    constraint heartbeat_config_sha256_is_valid check (octet_length(config_sha256) = 32),
    constraint heartbeat_schema_sha256_is_valid check (octet_length(schema_sha256) = 32),
    constraint heartbeat_build_sha256_is_valid check (octet_length(build_sha256) = 32),
    constraint heartbeat_ndpi_library_sha256_is_valid check (octet_length(ndpi_library_sha256) = 32),
    constraint heartbeat_key_id_is_valid check (octet_length(key_id) = 32),
    constraint heartbeat_clock_offset_us_is_valid check (clock_offset_us between -9007199254740991 and 9007199254740991),
    constraint heartbeat_canary_stage_is_valid check (canary_stage in ('decode', 'flow', 'classify', 'seal', 'spool', 'commit')),
    constraint heartbeat_canary_is_whole check (case
        when canary_number is null then num_nonnulls(canary_flow_lag_us, canary_dns_lag_us, canary_stage) = 0
        else (canary_stage is null) = (num_nonnulls(canary_flow_lag_us, canary_dns_lag_us) = 2) end),
    constraint heartbeat_queues_are_whole check (num_nulls(work_batches_waiting_max, work_batches_capacity, fact_batches_waiting_max, fact_batches_capacity) in (0, 4)),
    constraint heartbeat_commits_are_whole check (num_nulls(commits, commit_errors) in (0, 2) and num_nulls(commit_p50_us, commit_p99_us, commit_max_us) in (0, 3)),
    constraint heartbeat_spool_is_whole check (num_nulls(spool_bytes, spool_cap_bytes, spool_unacked_events, spool_quarantined) in (0, 4)),
    constraint heartbeat_database_is_whole check (num_nulls(db_connected, db_lag_events, db_retries, db_errors, db_refused) in (0, 5)),
    constraint heartbeat_names_are_short check (
        octet_length(probe_version) <= 255 and octet_length(ndpi_version) <= 255 and octet_length(libpcap_version) <= 255 and
        octet_length(openssl_version) <= 255 and octet_length(kernel_version) <= 255),
    constraint heartbeat_counters_are_in_range check (
        least(
            heartbeat_number, interval_ms, previous_seq, uptime_ms, clock_max_error_us, clock_steps, packets_offered, bytes_offered,
            packets_decoded, packets_filtered, packets_malformed, packets_not_ip, packets_dropped_kernel, packets_dropped_nic,
            packets_dropped_no_buffer, packets_shed, packets_truncated, packets_duplicate, time_backward_steps, flows_active,
            flows_started, flow_records, flows_evicted, dns_transactions, dns_messages, tcp_acks, gap_events, acked_bytes,
            gap_bytes, tcp_flows, one_way_flows, midstream_flows, dns_orphans, retransmits, out_of_order, vlan_one_sided_flows,
            truncated_datagrams, checksum_bad, work_batches_waiting_max, work_batches_capacity, fact_batches_waiting_max,
            fact_batches_capacity, recorder_lag_us, commits, commit_errors, commit_p50_us, commit_p99_us, commit_max_us,
            spool_bytes, spool_cap_bytes, spool_unacked_events, spool_oldest_unacked_ms, spool_quarantined, db_lag_events,
            db_retries, db_errors, db_refused, events_produced, events_sealed, events_shed, tree_size_signed, unsigned_events, unsigned_ms,
            workers, worker_restarts, canary_number, canary_flow_lag_us, canary_dns_lag_us) >= 0
        and greatest(
            heartbeat_number, interval_ms, previous_seq, uptime_ms, clock_max_error_us, clock_steps, packets_offered, bytes_offered,
            packets_decoded, packets_filtered, packets_malformed, packets_not_ip, packets_dropped_kernel, packets_dropped_nic,
            packets_dropped_no_buffer, packets_shed, packets_truncated, packets_duplicate, time_backward_steps, flows_active,
            flows_started, flow_records, flows_evicted, dns_transactions, dns_messages, tcp_acks, gap_events, acked_bytes,
            gap_bytes, tcp_flows, one_way_flows, midstream_flows, dns_orphans, retransmits, out_of_order, vlan_one_sided_flows,
            truncated_datagrams, checksum_bad, work_batches_waiting_max, work_batches_capacity, fact_batches_waiting_max,
            fact_batches_capacity, recorder_lag_us, commits, commit_errors, commit_p50_us, commit_p99_us, commit_max_us,
            spool_bytes, spool_cap_bytes, spool_unacked_events, spool_oldest_unacked_ms, spool_quarantined, db_lag_events,
            db_retries, db_errors, db_refused, events_produced, events_sealed, events_shed, tree_size_signed, unsigned_events, unsigned_ms,
            workers, worker_restarts, canary_number, canary_flow_lag_us, canary_dns_lag_us) <= 9007199254740991),
    constraint heartbeat_nanoseconds_are_in_range check (least(observed_at_ns, db_last_ack_at_ns, last_packet_at_ns) >= 0 and greatest(observed_at_ns, db_last_ack_at_ns, last_packet_at_ns) <= 999),
    constraint heartbeat_nanoseconds_have_their_time check ((db_last_ack_at is null) = (db_last_ack_at_ns is null) and (last_packet_at is null) = (last_packet_at_ns is null))
) partition by range (ingested_at);
comment on table  re_dpi.heartbeat is 'health.heartbeat v1: counters of a probe, cumulative since its chain began, so a lost heartbeat loses no count';
comment on column re_dpi.heartbeat.ingested_at               is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.heartbeat.component_instance_id     is 'Chain of the raw event';
comment on column re_dpi.heartbeat.seq                       is 'Sequence number of the raw event';
comment on column re_dpi.heartbeat.tenant_id                 is 'Tenant, for row-level security';
comment on column re_dpi.heartbeat.machine_id                is 'Machine that reports';
comment on column re_dpi.heartbeat.observed_at               is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.heartbeat.observed_at_ns            is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.heartbeat.heartbeat_number          is 'From 0, over the whole chain';
comment on column re_dpi.heartbeat.interval_ms               is 'Milliseconds since the heartbeat before; in replay packet time';
comment on column re_dpi.heartbeat.previous_seq              is 'Sequence number of the heartbeat before';
comment on column re_dpi.heartbeat.state                     is 'The probe''s own view; re_view.probe_status computes its own';
comment on column re_dpi.heartbeat.run_id                    is 'Random per process start';
comment on column re_dpi.heartbeat.uptime_ms                 is 'Milliseconds since process start';
comment on column re_dpi.heartbeat.probe_version             is 'Version of the probe';
comment on column re_dpi.heartbeat.ndpi_version              is 'Version of nDPI';
comment on column re_dpi.heartbeat.libpcap_version           is 'Version of libpcap; absent in replay';
comment on column re_dpi.heartbeat.openssl_version           is 'Version of OpenSSL; absent in replay';
comment on column re_dpi.heartbeat.kernel_version            is 'Release of the running kernel; absent in replay';
comment on column re_dpi.heartbeat.build_sha256              is 'SHA-256 of the executable that runs; absent in replay and where it cannot be read';
comment on column re_dpi.heartbeat.ndpi_library_sha256       is 'SHA-256 of the nDPI library that is loaded; absent in replay and where it cannot be read';
comment on column re_dpi.heartbeat.config_sha256             is 'Digest of the effective configuration';
comment on column re_dpi.heartbeat.schema_sha256             is 'Hash of the schema bundle that the probe knows';
comment on column re_dpi.heartbeat.clock_offset_us           is 'Microseconds that the clock is ahead of its reference, signed';
comment on column re_dpi.heartbeat.clock_max_error_us        is 'Largest error of the clock in microseconds, as the kernel estimates it';
comment on column re_dpi.heartbeat.clock_synced              is 'Whether the kernel calls its clock synchronised';
comment on column re_dpi.heartbeat.clock_steps               is 'Steps of the clock that were seen; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_offered           is 'Packets that the sources delivered or report as dropped; cumulative over the chain';
comment on column re_dpi.heartbeat.bytes_offered             is 'Their bytes on the wire; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_decoded           is 'Ledger: packets decoded; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_filtered          is 'Ledger: packets that the filter left out; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_malformed         is 'Ledger: packets refused by the decoder; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_not_ip            is 'Ledger: packets without IP; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_dropped_kernel    is 'Ledger: packets dropped by the kernel; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_dropped_nic       is 'Ledger: packets dropped by the network card; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_dropped_no_buffer is 'Ledger: packets for which the capture had no buffer; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_shed              is 'Ledger: packets shed under overload; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_truncated         is 'Packets cut by the snap length; within the ledger''s buckets; cumulative over the chain';
comment on column re_dpi.heartbeat.packets_duplicate         is 'Mirrored copies; within the ledger''s buckets; cumulative over the chain';
comment on column re_dpi.heartbeat.time_backward_steps       is 'Packets older than the one before; cumulative over the chain';
comment on column re_dpi.heartbeat.flows_active              is 'Flows in the table now';
comment on column re_dpi.heartbeat.flows_started             is 'Flows begun; cumulative over the chain';
comment on column re_dpi.heartbeat.flow_records              is 'Flow records sealed; cumulative over the chain';
comment on column re_dpi.heartbeat.flows_evicted             is 'Flows evicted for room; cumulative over the chain';
comment on column re_dpi.heartbeat.dns_transactions          is 'DNS transactions; cumulative over the chain';
comment on column re_dpi.heartbeat.dns_messages              is 'DNS messages; cumulative over the chain';
comment on column re_dpi.heartbeat.tcp_acks                  is 'Loss inference: TCP acknowledgments seen in flows whose handshake was seen; cumulative over the chain';
comment on column re_dpi.heartbeat.gap_events                is 'Loss inference: those that acknowledge bytes never seen; cumulative over the chain';
comment on column re_dpi.heartbeat.acked_bytes               is 'Loss inference: bytes acknowledged in those flows; cumulative over the chain';
comment on column re_dpi.heartbeat.gap_bytes                 is 'Loss inference: bytes acknowledged and never seen; cumulative over the chain';
comment on column re_dpi.heartbeat.tcp_flows                 is 'Loss inference: TCP flows ended; cumulative over the chain';
comment on column re_dpi.heartbeat.one_way_flows             is 'Loss inference: of those, seen in one direction only; cumulative over the chain';
comment on column re_dpi.heartbeat.midstream_flows           is 'Loss inference: of those, seen without their handshake; cumulative over the chain';
comment on column re_dpi.heartbeat.dns_orphans               is 'Loss inference: DNS responses without a query; cumulative over the chain';
comment on column re_dpi.heartbeat.retransmits               is 'Retransmitted TCP packets; cumulative over the chain';
comment on column re_dpi.heartbeat.out_of_order              is 'TCP packets out of order; cumulative over the chain';
comment on column re_dpi.heartbeat.vlan_one_sided_flows      is 'Flows whose two directions carry different VLANs; cumulative over the chain';
comment on column re_dpi.heartbeat.truncated_datagrams       is 'Datagrams longer than their frame, though the frame is whole: cut before the probe; cumulative over the chain';
comment on column re_dpi.heartbeat.checksum_bad              is 'Packets with a wrong checksum, where checksums are looked at; cumulative over the chain';
comment on column re_dpi.heartbeat.work_batches_waiting_max  is 'Most packet batches waiting for one worker since the heartbeat before; absent in replay';
comment on column re_dpi.heartbeat.work_batches_capacity     is 'Packet batches that can wait for one worker';
comment on column re_dpi.heartbeat.fact_batches_waiting_max  is 'Most fact batches waiting for the recorder since the heartbeat before; absent in replay';
comment on column re_dpi.heartbeat.fact_batches_capacity     is 'Fact batches that can wait for the recorder';
comment on column re_dpi.heartbeat.recorder_lag_us           is 'Microseconds that what the recorder seals is behind the newest packet; absent in replay';
comment on column re_dpi.heartbeat.commits                   is 'Durable commits of the spool; cumulative over the chain';
comment on column re_dpi.heartbeat.commit_errors             is 'Commits that failed; cumulative over the chain';
comment on column re_dpi.heartbeat.commit_p50_us             is 'Median time of a commit since the heartbeat before, microseconds';
comment on column re_dpi.heartbeat.commit_p99_us             is '99th percentile of it';
comment on column re_dpi.heartbeat.commit_max_us             is 'Largest of it';
comment on column re_dpi.heartbeat.spool_bytes               is 'Bytes in the spool';
comment on column re_dpi.heartbeat.spool_cap_bytes           is 'Bytes that it may hold';
comment on column re_dpi.heartbeat.spool_unacked_events      is 'Events that the database has not acknowledged';
comment on column re_dpi.heartbeat.spool_oldest_unacked_ms   is 'Age of the oldest of them in milliseconds; absent when there is none';
comment on column re_dpi.heartbeat.spool_quarantined         is 'Segments set aside as unreadable or orphaned';
comment on column re_dpi.heartbeat.db_connected              is 'Whether the probe has a connection to the database';
comment on column re_dpi.heartbeat.db_lag_events             is 'Events sealed and not yet acknowledged by the database';
comment on column re_dpi.heartbeat.db_last_ack_at            is 'When the database last acknowledged a batch, UTC';
comment on column re_dpi.heartbeat.db_last_ack_at_ns         is 'Nanoseconds below the microsecond of db_last_ack_at, 0 to 999';
comment on column re_dpi.heartbeat.db_retries                is 'Attempts to send a batch after one that failed; cumulative over the chain';
comment on column re_dpi.heartbeat.db_errors                 is 'Attempts that failed, for want of a connection or refused; cumulative over the chain';
comment on column re_dpi.heartbeat.db_refused                is 'Of those, refused by a database that was there; cumulative over the chain';
comment on column re_dpi.heartbeat.events_produced           is 'Events made before this one: sealed and shed; cumulative over the chain';
comment on column re_dpi.heartbeat.events_sealed             is 'Events sealed before this one; cumulative over the chain';
comment on column re_dpi.heartbeat.events_shed               is 'Events shed before sealing; cumulative over the chain';
comment on column re_dpi.heartbeat.tree_size_signed          is 'Tree size of the last checkpoint';
comment on column re_dpi.heartbeat.unsigned_events           is 'Events sealed and not yet covered by a checkpoint';
comment on column re_dpi.heartbeat.unsigned_ms               is 'Age of the oldest of them in milliseconds; absent when there is none, and in replay';
comment on column re_dpi.heartbeat.key_id                    is 'Key that signs the checkpoints';
comment on column re_dpi.heartbeat.workers                   is 'Worker threads; absent in replay';
comment on column re_dpi.heartbeat.worker_restarts           is 'Workers started again after a crash; cumulative over the chain';
comment on column re_dpi.heartbeat.canary_number             is 'Canary that this heartbeat reports, from 0; absent when none is sent';
comment on column re_dpi.heartbeat.canary_flow_lag_us        is 'Microseconds from its injection to the durable commit of its flow';
comment on column re_dpi.heartbeat.canary_dns_lag_us         is 'The same of its DNS exchange';
comment on column re_dpi.heartbeat.canary_stage              is 'Stage where it stopped; absent when it arrived';
comment on column re_dpi.heartbeat.last_packet_at            is 'Time of the last packet, UTC';
comment on column re_dpi.heartbeat.last_packet_at_ns         is 'Nanoseconds below the microsecond of last_packet_at, 0 to 999';
comment on column re_dpi.heartbeat.ledger_closes             is 'Computed: the eight buckets add up to packets_offered';
comment on column re_dpi.heartbeat.events_close              is 'Computed: every event made is sealed or shed';
create table re_dpi.heartbeat_reason (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    reason                text not null,
    constraint heartbeat_reason_pk primary key (ingested_at, component_instance_id, seq, reason),
    constraint heartbeat_reason_reason_is_valid check (reason ~ '^[a-z][a-z0-9_]{0,63}$')
) partition by range (ingested_at);
comment on table  re_dpi.heartbeat_reason is 'health.heartbeat reasons: why the probe calls itself degraded';
comment on column re_dpi.heartbeat_reason.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.heartbeat_reason.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.heartbeat_reason.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.heartbeat_reason.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.heartbeat_reason.reason                is 'Name of the reason; docs/operations.md says what to do';
create table re_dpi.heartbeat_anomaly (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    name                  text not null,
    count                 bigint not null,
    constraint heartbeat_anomaly_pk primary key (ingested_at, component_instance_id, seq, name),
    constraint heartbeat_anomaly_name_is_valid check (octet_length(name) between 1 and 128),
    constraint heartbeat_anomaly_count_is_valid check (count between 0 and 9007199254740991)
) partition by range (ingested_at);
comment on table  re_dpi.heartbeat_anomaly is 'health.heartbeat anomalies: counts by name';
comment on column re_dpi.heartbeat_anomaly.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.heartbeat_anomaly.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.heartbeat_anomaly.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.heartbeat_anomaly.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.heartbeat_anomaly.name                  is 'Name of the anomaly';
comment on column re_dpi.heartbeat_anomaly.count                 is 'How often, cumulative over the chain';
create table re_dpi.heartbeat_interface (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    name                  text not null,
    kind                  text not null,
    link_up               boolean,
    promiscuous           boolean,
    packets               bigint not null,
    bytes                 bigint not null,
    dropped_kernel        bigint not null,
    dropped_nic           bigint not null,
    dropped_no_buffer     bigint not null,
    ring_freezes          bigint not null,
    coalesced             bigint not null,
    checksum_partial      bigint not null,
    reopened              bigint not null,
    malformed             bigint not null,
    truncated             bigint not null,
    last_packet_at        timestamptz,
    last_packet_at_ns     smallint,
    constraint heartbeat_interface_pk primary key (ingested_at, component_instance_id, seq, name),
    constraint heartbeat_interface_name_is_pct_text check (octet_length(name) between 1 and 255 and name !~ '[^!-~]'),
    constraint heartbeat_interface_kind_is_valid check (kind in ('file', 'af_packet', 'dpdk')),
    constraint heartbeat_interface_counters_are_in_range check (
        least(
            packets, bytes, dropped_kernel, dropped_nic, dropped_no_buffer, ring_freezes, coalesced, checksum_partial, reopened,
            malformed, truncated) >= 0
        and greatest(
            packets, bytes, dropped_kernel, dropped_nic, dropped_no_buffer, ring_freezes, coalesced, checksum_partial, reopened,
            malformed, truncated) <= 9007199254740991),
    constraint heartbeat_interface_nanoseconds_are_in_range check (last_packet_at_ns between 0 and 999),
    constraint heartbeat_interface_nanoseconds_have_their_time check ((last_packet_at is null) = (last_packet_at_ns is null))
) partition by range (ingested_at);
comment on table  re_dpi.heartbeat_interface is 'health.heartbeat interfaces: what each capture source delivered and dropped';
comment on column re_dpi.heartbeat_interface.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.heartbeat_interface.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.heartbeat_interface.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.heartbeat_interface.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.heartbeat_interface.name                  is 'Name of the interface, pct-text';
comment on column re_dpi.heartbeat_interface.kind                  is 'How it is captured';
comment on column re_dpi.heartbeat_interface.link_up               is 'Whether the link is up; absent where nobody knows';
comment on column re_dpi.heartbeat_interface.promiscuous           is 'Whether frames to other stations are taken too; absent where nobody knows';
comment on column re_dpi.heartbeat_interface.packets               is 'Packets delivered; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.bytes                 is 'Their bytes on the wire; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.dropped_kernel        is 'Packets dropped by the kernel; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.dropped_nic           is 'Packets dropped by the network card; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.dropped_no_buffer     is 'Packets for which there was no buffer; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.ring_freezes          is 'Times that the capture ring was full and stood still; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.coalesced             is 'Frames that the host had merged from several; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.checksum_partial      is 'Frames whose checksum was left to the card; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.reopened              is 'Times that the source was opened again; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.malformed             is 'Of its packets, refused by the decoder; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.truncated             is 'Of its packets, cut by the snap length; cumulative over the chain';
comment on column re_dpi.heartbeat_interface.last_packet_at        is 'Time of its last packet, UTC';
comment on column re_dpi.heartbeat_interface.last_packet_at_ns     is 'Nanoseconds below the microsecond of last_packet_at, 0 to 999';
create table re_dpi.heartbeat_event (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    event_type            text not null,
    sealed                bigint not null,
    shed                  bigint not null,
    constraint heartbeat_event_pk primary key (ingested_at, component_instance_id, seq, event_type),
    constraint heartbeat_event_event_type_is_plain check (octet_length(event_type) <= 64 and event_type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
    constraint heartbeat_event_counters_are_in_range check (least(sealed, shed) >= 0 and greatest(sealed, shed) <= 9007199254740991)
) partition by range (ingested_at);
comment on table  re_dpi.heartbeat_event is 'health.heartbeat events: sealed and shed by type';
comment on column re_dpi.heartbeat_event.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.heartbeat_event.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.heartbeat_event.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.heartbeat_event.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.heartbeat_event.event_type            is 'Envelope: event_type';
comment on column re_dpi.heartbeat_event.sealed                is 'Events sealed; cumulative over the chain';
comment on column re_dpi.heartbeat_event.shed                  is 'Events shed before sealing; cumulative over the chain';
create table re_dpi.heartbeat_loss (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    cause                 text not null,
    packets               bigint not null,
    bytes                 bigint not null,
    events                bigint not null,
    constraint heartbeat_loss_pk primary key (ingested_at, component_instance_id, seq, cause),
    constraint heartbeat_loss_cause_is_valid check (cause in ('nic', 'kernel', 'no_buffer', 'worker_ring', 'sealer_ring', 'spool_full', 'disk_error', 'worker_crash')),
    constraint heartbeat_loss_counters_are_in_range check (least(packets, bytes, events) >= 0 and greatest(packets, bytes, events) <= 9007199254740991)
) partition by range (ingested_at);
comment on table  re_dpi.heartbeat_loss is 'health.heartbeat losses: the loss ledger by cause';
comment on column re_dpi.heartbeat_loss.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.heartbeat_loss.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.heartbeat_loss.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.heartbeat_loss.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.heartbeat_loss.cause                 is 'What lost them';
comment on column re_dpi.heartbeat_loss.packets               is 'Packets lost; cumulative over the chain';
comment on column re_dpi.heartbeat_loss.bytes                 is 'Their bytes on the wire, as far as known; cumulative over the chain';
comment on column re_dpi.heartbeat_loss.events                is 'Events lost; cumulative over the chain';

-- ---------------------------------------------------------------------------------------------------------------------------
-- The probe's own life. Few rows; what status and an investigation ask for: what was lost and why, when the clock stepped, when the probe
-- began and ended. chain.start, key.rotate and witness.observed stay raw: the registry of keys and the chain itself carry what they say.
-- ---------------------------------------------------------------------------------------------------------------------------
create table re_dpi.loss_report (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    interval_start        timestamptz not null,
    interval_start_ns     smallint not null,
    interval_end          timestamptz not null,
    interval_end_ns       smallint not null,
    cause                 text not null,
    packets               bigint not null,
    bytes                 bigint not null,
    policy                text not null,
    constraint loss_report_pk primary key (ingested_at, component_instance_id, seq),
    constraint loss_report_cause_is_valid check (cause in ('nic', 'kernel', 'no_buffer', 'worker_ring', 'sealer_ring', 'spool_full', 'disk_error', 'worker_crash')),
    constraint loss_report_policy_is_valid check (policy ~ '^[a-z][a-z0-9_]{0,63}$'),
    constraint loss_report_interval_is_ordered check (interval_end >= interval_start),
    constraint loss_report_counters_are_in_range check (least(packets, bytes) >= 0 and greatest(packets, bytes) <= 9007199254740991),
    constraint loss_report_nanoseconds_are_in_range check (least(observed_at_ns, interval_start_ns, interval_end_ns) >= 0 and greatest(observed_at_ns, interval_start_ns, interval_end_ns) <= 999)
) partition by range (ingested_at);
comment on table  re_dpi.loss_report is 'loss.report v1: what was lost in an interval and why; of this interval alone, so sums are true';
comment on column re_dpi.loss_report.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.loss_report.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.loss_report.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.loss_report.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.loss_report.machine_id            is 'Machine that reports';
comment on column re_dpi.loss_report.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.loss_report.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.loss_report.interval_start        is 'Beginning of the interval, UTC';
comment on column re_dpi.loss_report.interval_start_ns     is 'Nanoseconds below the microsecond of interval_start, 0 to 999';
comment on column re_dpi.loss_report.interval_end          is 'End of the interval, UTC';
comment on column re_dpi.loss_report.interval_end_ns       is 'Nanoseconds below the microsecond of interval_end, 0 to 999';
comment on column re_dpi.loss_report.cause                 is 'What lost them';
comment on column re_dpi.loss_report.packets               is 'Packets lost in the interval';
comment on column re_dpi.loss_report.bytes                 is 'Their bytes on the wire, as far as known';
comment on column re_dpi.loss_report.policy                is 'Name of the rule that chose what to lose';
create table re_dpi.loss_report_event (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    event_type            text not null,
    count                 bigint not null,
    constraint loss_report_event_pk primary key (ingested_at, component_instance_id, seq, event_type),
    constraint loss_report_event_event_type_is_plain check (octet_length(event_type) <= 64 and event_type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
    constraint loss_report_event_count_is_valid check (count between 0 and 9007199254740991)
) partition by range (ingested_at);
comment on table  re_dpi.loss_report_event is 'loss.report events: events lost by type';
comment on column re_dpi.loss_report_event.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.loss_report_event.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.loss_report_event.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.loss_report_event.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.loss_report_event.event_type            is 'Envelope: event_type';
comment on column re_dpi.loss_report_event.count                 is 'Events of the type lost in the interval';
create table re_dpi.clock_step (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    delta_us              bigint not null,
    source                text not null,
    synced_after          boolean not null,
    constraint clock_step_pk primary key (ingested_at, component_instance_id, seq),
    constraint clock_step_delta_us_is_valid check (delta_us between -9007199254740991 and 9007199254740991),
    constraint clock_step_source_is_valid check (source in ('step', 'ntp', 'resume')),
    constraint clock_step_nanoseconds_are_in_range check (observed_at_ns between 0 and 999)
) partition by range (ingested_at);
comment on table  re_dpi.clock_step is 'clock.step v1: the wall clock moved against the monotonic one';
comment on column re_dpi.clock_step.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.clock_step.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.clock_step.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.clock_step.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.clock_step.machine_id            is 'Machine that reports';
comment on column re_dpi.clock_step.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.clock_step.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.clock_step.delta_us              is 'Microseconds that the clock moved, signed';
comment on column re_dpi.clock_step.source                is 'What moved it';
comment on column re_dpi.clock_step.synced_after          is 'Whether the kernel called its clock synchronised after it';
create table re_dpi.probe_start (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    run_id                uuid not null,
    clean_shutdown        boolean not null,
    recovered_bytes_cut   bigint not null,
    pid_start_mono_us     bigint not null,
    config_sha256         bytea not null,
    head_tree_size        bigint not null,
    head_last_hash        bytea not null,
    probe_version         text not null,
    ndpi_version          text not null,
    schema_sha256         bytea not null,
    libpcap_version       text,
    openssl_version       text,
    kernel_version        text,
    build_sha256          bytea,
    ndpi_library_sha256   bytea,
    loss_window_from      timestamptz,
    loss_window_from_ns   smallint,
    loss_window_to        timestamptz,
    loss_window_to_ns     smallint,
    constraint probe_start_pk primary key (ingested_at, component_instance_id, seq),
    constraint probe_start_config_sha256_is_valid check (octet_length(config_sha256) = 32),
    constraint probe_start_head_last_hash_is_valid check (octet_length(head_last_hash) = 32),
    constraint probe_start_schema_sha256_is_valid check (octet_length(schema_sha256) = 32),
    constraint probe_start_build_sha256_is_valid check (octet_length(build_sha256) = 32),
    constraint probe_start_ndpi_library_sha256_is_valid check (octet_length(ndpi_library_sha256) = 32),
    constraint probe_start_names_are_short check (
        octet_length(probe_version) <= 255 and octet_length(ndpi_version) <= 255 and octet_length(libpcap_version) <= 255 and
        octet_length(openssl_version) <= 255 and octet_length(kernel_version) <= 255),
    constraint probe_start_loss_window_is_whole check ((loss_window_from is null) = (loss_window_to is null)),
    constraint probe_start_counters_are_in_range check (least(recovered_bytes_cut, pid_start_mono_us, head_tree_size) >= 0 and greatest(recovered_bytes_cut, pid_start_mono_us, head_tree_size) <= 9007199254740991),
    constraint probe_start_nanoseconds_are_in_range check (least(observed_at_ns, loss_window_from_ns, loss_window_to_ns) >= 0 and greatest(observed_at_ns, loss_window_from_ns, loss_window_to_ns) <= 999),
    constraint probe_start_nanoseconds_have_their_time check ((loss_window_from is null) = (loss_window_from_ns is null) and (loss_window_to is null) = (loss_window_to_ns is null))
) partition by range (ingested_at);
comment on table  re_dpi.probe_start is 'probe.start v1: a probe began to run';
comment on column re_dpi.probe_start.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.probe_start.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.probe_start.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.probe_start.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.probe_start.machine_id            is 'Machine that reports';
comment on column re_dpi.probe_start.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.probe_start.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.probe_start.run_id                is 'Random per process start';
comment on column re_dpi.probe_start.clean_shutdown        is 'Whether the run before ended by itself';
comment on column re_dpi.probe_start.recovered_bytes_cut   is 'Bytes of unfinished writes that recovery cut off the spool';
comment on column re_dpi.probe_start.pid_start_mono_us     is 'Microseconds of CLOCK_BOOTTIME when the process began';
comment on column re_dpi.probe_start.config_sha256         is 'Digest of the effective configuration';
comment on column re_dpi.probe_start.head_tree_size        is 'Events in the chain before (payload: head_before.tree_size)';
comment on column re_dpi.probe_start.head_last_hash        is 'Its last envelope_hash, zeros when there was none (payload: head_before.last_hash)';
comment on column re_dpi.probe_start.probe_version         is 'Version of the probe (payload: versions.probe)';
comment on column re_dpi.probe_start.ndpi_version          is 'Version of nDPI (payload: versions.ndpi)';
comment on column re_dpi.probe_start.schema_sha256         is 'Hash of the schema bundle that the probe knows (payload: versions.schema_sha256)';
comment on column re_dpi.probe_start.libpcap_version       is 'Version of libpcap (payload: versions.libpcap)';
comment on column re_dpi.probe_start.openssl_version       is 'Version of OpenSSL (payload: versions.openssl)';
comment on column re_dpi.probe_start.kernel_version        is 'Release of the running kernel (payload: versions.kernel)';
comment on column re_dpi.probe_start.build_sha256          is 'SHA-256 of the executable (payload: versions.build_sha256)';
comment on column re_dpi.probe_start.ndpi_library_sha256   is 'SHA-256 of the nDPI library that is loaded (payload: versions.ndpi_library_sha256)';
comment on column re_dpi.probe_start.loss_window_from      is 'Last durable emitted_at before an unclean end (payload: loss_window.from)';
comment on column re_dpi.probe_start.loss_window_from_ns   is 'Nanoseconds below the microsecond of loss_window_from, 0 to 999';
comment on column re_dpi.probe_start.loss_window_to        is 'Beginning of this run after an unclean end (payload: loss_window.to)';
comment on column re_dpi.probe_start.loss_window_to_ns     is 'Nanoseconds below the microsecond of loss_window_to, 0 to 999';
create table re_dpi.probe_stop (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    run_id                uuid not null,
    reason                text not null,
    events_sealed         bigint not null,
    packets_offered       bigint not null,
    flow_records          bigint not null,
    dns_transactions      bigint not null,
    constraint probe_stop_pk primary key (ingested_at, component_instance_id, seq),
    constraint probe_stop_reason_is_valid check (reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    constraint probe_stop_counters_are_in_range check (
        least(
            events_sealed, packets_offered, flow_records, dns_transactions) >= 0
        and greatest(
            events_sealed, packets_offered, flow_records, dns_transactions) <= 9007199254740991),
    constraint probe_stop_nanoseconds_are_in_range check (observed_at_ns between 0 and 999)
) partition by range (ingested_at);
comment on table  re_dpi.probe_stop is 'probe.stop v1: a probe ended by itself';
comment on column re_dpi.probe_stop.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.probe_stop.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.probe_stop.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.probe_stop.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.probe_stop.machine_id            is 'Machine that reports';
comment on column re_dpi.probe_stop.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.probe_stop.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.probe_stop.run_id                is 'Random per process start';
comment on column re_dpi.probe_stop.reason                is 'Why it stopped';
comment on column re_dpi.probe_stop.events_sealed         is 'Events sealed over the chain (payload: totals.events_sealed)';
comment on column re_dpi.probe_stop.packets_offered       is 'Packets offered over the chain (payload: totals.packets_offered)';
comment on column re_dpi.probe_stop.flow_records          is 'Flow records over the chain (payload: totals.flow_records)';
comment on column re_dpi.probe_stop.dns_transactions      is 'DNS transactions over the chain (payload: totals.dns_transactions)';
create table re_dpi.config_change (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    old_sha256            bytea not null,
    new_sha256            bytea not null,
    constraint config_change_pk primary key (ingested_at, component_instance_id, seq),
    constraint config_change_digests_are_32_bytes check (octet_length(old_sha256) = 32 and octet_length(new_sha256) = 32),
    constraint config_change_nanoseconds_are_in_range check (observed_at_ns between 0 and 999)
) partition by range (ingested_at);
comment on table  re_dpi.config_change is 'config.change v1: the effective configuration changed while running';
comment on column re_dpi.config_change.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.config_change.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.config_change.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.config_change.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.config_change.machine_id            is 'Machine that reports';
comment on column re_dpi.config_change.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.config_change.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.config_change.old_sha256            is 'Digest of the configuration before';
comment on column re_dpi.config_change.new_sha256            is 'Digest of the configuration in force';
create table re_dpi.config_change_member (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    member                text not null,
    constraint config_change_member_pk primary key (ingested_at, component_instance_id, seq, member),
    constraint config_change_member_member_is_valid check (octet_length(member) between 1 and 128)
) partition by range (ingested_at);
comment on table  re_dpi.config_change_member is 'config.change members: the keys that changed';
comment on column re_dpi.config_change_member.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.config_change_member.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.config_change_member.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.config_change_member.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.config_change_member.member                is 'Name of a key that changed, section.key';
create table re_dpi.worker_crash (
    ingested_at           timestamptz not null default now(),
    component_instance_id uuid not null,
    seq                   bigint not null,
    tenant_id             uuid not null,
    machine_id            uuid not null,
    observed_at           timestamptz not null,
    observed_at_ns        smallint not null,
    worker                bigint not null,
    signal                bigint not null,
    uptime_ms             bigint not null,
    flow_key_hash         bytea not null,
    quarantine_sha256     bytea,
    constraint worker_crash_pk primary key (ingested_at, component_instance_id, seq),
    constraint worker_crash_signal_is_valid check (signal between 0 and 255),
    constraint worker_crash_flow_key_hash_is_valid check (octet_length(flow_key_hash) = 8),
    constraint worker_crash_quarantine_sha256_is_valid check (octet_length(quarantine_sha256) = 32),
    constraint worker_crash_counters_are_in_range check (least(worker, signal, uptime_ms) >= 0 and greatest(worker, signal, uptime_ms) <= 9007199254740991),
    constraint worker_crash_nanoseconds_are_in_range check (observed_at_ns between 0 and 999)
) partition by range (ingested_at);
comment on table  re_dpi.worker_crash is 'worker.crash v1: a worker ended without being told to';
comment on column re_dpi.worker_crash.ingested_at           is 'Database clock of the batch; that of the raw event; chooses the partition';
comment on column re_dpi.worker_crash.component_instance_id is 'Chain of the raw event';
comment on column re_dpi.worker_crash.seq                   is 'Sequence number of the raw event';
comment on column re_dpi.worker_crash.tenant_id             is 'Tenant, for row-level security';
comment on column re_dpi.worker_crash.machine_id            is 'Machine that reports';
comment on column re_dpi.worker_crash.observed_at           is 'Envelope: when, UTC, cut to microseconds';
comment on column re_dpi.worker_crash.observed_at_ns        is 'Nanoseconds below the microsecond of observed_at, 0 to 999';
comment on column re_dpi.worker_crash.worker                is 'Number of the worker, from 0';
comment on column re_dpi.worker_crash.signal                is 'Signal that ended it';
comment on column re_dpi.worker_crash.uptime_ms             is 'Milliseconds since the worker began';
comment on column re_dpi.worker_crash.flow_key_hash         is 'Hash of the key of the flow it worked on, zeros when none';
comment on column re_dpi.worker_crash.quarantine_sha256     is 'Digest of the packets that were set aside';
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

-- ---------------------------------------------------------------------------------------------------------------------------
-- From payload to rows. One statement per type and batch: payloads are turned to records once, parents and children are written from
-- them. Two counts over the payload's text close the schema cheaply: members (an unknown, repeated or null one is one too many, a
-- missing one violates NOT NULL) and quotation marks (a number where a string belongs, or the reverse, does not add up).
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_dpi.store_flow(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_dns(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_heartbeat(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_loss_report(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_clock_step(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_probe_start(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_probe_stop(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_config_change(p_batch re_raw.event_batch) returns void
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

create function re_dpi.store_worker_crash(p_batch re_raw.event_batch) returns void
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
    ('dpi_probe', 'dpi.flow', 1, 're_dpi', 'store_flow'),
    ('dpi_probe', 'dpi.dns', 1, 're_dpi', 'store_dns'),
    ('dpi_probe', 'health.heartbeat', 1, 're_dpi', 'store_heartbeat'),
    ('dpi_probe', 'loss.report', 1, 're_dpi', 'store_loss_report'),
    ('dpi_probe', 'clock.step', 1, 're_dpi', 'store_clock_step'),
    ('dpi_probe', 'probe.start', 1, 're_dpi', 'store_probe_start'),
    ('dpi_probe', 'probe.stop', 1, 're_dpi', 'store_probe_stop'),
    ('dpi_probe', 'config.change', 1, 're_dpi', 'store_config_change'),
    ('dpi_probe', 'worker.crash', 1, 're_dpi', 'store_worker_crash'),
    ('dpi_probe', 'dpi.scan', 1, 're_dpi', 'store_scan');

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only, row-level security, grants
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t), re_core.protect_by_tenant(t) from unnest(array[
    're_dpi.flow', 're_dpi.flow_vlan', 're_dpi.flow_encapsulation', 're_dpi.flow_risk', 're_dpi.flow_packet',
    're_dpi.flow_anomaly', 're_dpi.dns', 're_dpi.dns_question', 're_dpi.dns_record', 're_dpi.dns_edns_option', 're_dpi.dns_query_edns_option',
    're_dpi.dns_anomaly', 're_dpi.heartbeat', 're_dpi.heartbeat_reason', 're_dpi.heartbeat_anomaly', 're_dpi.heartbeat_interface',
    're_dpi.heartbeat_event', 're_dpi.heartbeat_loss', 're_dpi.loss_report', 're_dpi.loss_report_event', 're_dpi.clock_step',
    're_dpi.probe_start', 're_dpi.probe_stop', 're_dpi.config_change', 're_dpi.config_change_member', 're_dpi.worker_crash',
    're_dpi.scan', 're_dpi.scan_sample']::regclass[]) t;

grant usage on schema re_dpi to re_viewer, re_correlation, re_ai_writer;
grant select on all tables in schema re_dpi to re_auditor, re_viewer, re_correlation, re_ai_writer;

reset role;
