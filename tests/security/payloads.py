"""Payloads of every event type that captures do not give, with every optional member: what make_chain seals."""
import json

T = "2026-01-02T03:04:05.000000%03dZ"
SHA = "%064x"


def flow(**over):
    p = {"community_id": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "record": 0, "final": True, "start_at": T % 1, "end_at": T % 2, "ip_version": 4,
         "protocol": 6, "src_ip": "10.0.0.2", "src_port": 33375, "dst_ip": "198.51.100.15", "dst_port": 443, "orientation": "syn",
         "vlan_ids": [7, 8], "encapsulations": ["vlan"], "packets_src": 12, "packets_dst": 71, "ip_bytes_src": 1834, "ip_bytes_dst": 91823,
         "payload_bytes_src": 1000, "payload_bytes_dst": 88000, "end_reason": "fin", "app_master": "TLS", "app": "Google", "app_category": "Web",
         "app_confidence": "DPI", "app_packets": 4, "risk_score": 10, "risks": ["a_risk", "b_risk", "c_risk"], "server_name": "www.example.com",
         "tcp_flags_src": 27, "tcp_flags_dst": 27, "rtt_dst_us": 12000}
    p.update(over)
    return "dpi.flow", {k: v for k, v in p.items() if v is not None}


def heartbeat(**over):
    numbers = """heartbeat_number interval_ms previous_seq uptime_ms clock_steps packets_offered bytes_offered packets_decoded packets_filtered
        packets_malformed packets_not_ip packets_dropped_kernel packets_dropped_nic packets_dropped_no_buffer packets_shed packets_truncated
        packets_duplicate time_backward_steps flows_active flows_started flow_records flows_evicted dns_transactions dns_messages tcp_acks
        gap_events acked_bytes gap_bytes tcp_flows one_way_flows midstream_flows dns_orphans retransmits out_of_order vlan_one_sided_flows
        truncated_datagrams checksum_bad work_batches_waiting_max work_batches_capacity fact_batches_waiting_max fact_batches_capacity
        recorder_lag_us commits commit_errors commit_p50_us commit_p99_us commit_max_us spool_bytes spool_cap_bytes spool_unacked_events
        spool_oldest_unacked_ms spool_quarantined db_lag_events db_retries db_errors db_refused events_produced events_sealed events_shed
        tree_size_signed unsigned_events unsigned_ms workers worker_restarts canary_number canary_flow_lag_us canary_dns_lag_us""".split()
    p = {name: 0 for name in numbers}
    p.update(interval_ms=10000, packets_offered=7, packets_decoded=7, bytes_offered=700, events_produced=5, events_sealed=5, uptime_ms=12345,
             commit_p50_us=3, commit_p99_us=3, commit_max_us=3, workers=1, work_batches_capacity=8, fact_batches_capacity=8,
             spool_cap_bytes=1000000)
    p.update(state="healthy", run_id="00000000-0000-8000-8000-000000000001", probe_version="1.0", ndpi_version="4.2", libpcap_version="1.10",
             openssl_version="3.0", kernel_version="6.1", build_sha256=SHA % 1, ndpi_library_sha256=SHA % 2, config_sha256=SHA % 3,
             schema_sha256=SHA % 4, key_id=SHA % 5, clock_offset_us=-3, clock_max_error_us=9, clock_synced=True, db_connected=True,
             db_last_ack_at=T % 6, last_packet_at=T % 7, reasons=[], anomalies=[{"name": "bad_checksum", "count": 3}],
             interfaces=[{"name": "eth0", "kind": "af_packet", "link_up": True, "promiscuous": True, "packets": 7, "bytes": 700,
                          "dropped_kernel": 0, "dropped_nic": 0, "dropped_no_buffer": 0, "ring_freezes": 0, "coalesced": 0,
                          "checksum_partial": 0, "reopened": 0, "malformed": 0, "truncated": 0, "last_packet_at": T % 8}],
             events=[{"event_type": "dpi.flow", "sealed": 5, "shed": 0}],
             losses=[{"cause": "kernel", "packets": 0, "bytes": 0, "events": 0}])
    p.update(over)
    return "health.heartbeat", {k: v for k, v in p.items() if v is not None}


OWN = [
    ("probe.start", {"run_id": "00000000-0000-8000-8000-000000000002", "clean_shutdown": False, "recovered_bytes_cut": 5, "pid_start_mono_us": 9,
                     "config_sha256": SHA % 6, "head_before": {"tree_size": 4, "last_hash": SHA % 7},
                     "versions": {"probe": "1.0", "ndpi": "4.2", "schema_sha256": SHA % 8, "libpcap": "1.10", "openssl": "3.0", "kernel": "6.1",
                                  "build_sha256": SHA % 9, "ndpi_library_sha256": SHA % 10},
                     "loss_window": {"from": T % 11, "to": T % 12}}),
    ("loss.report", {"interval_start": T % 1, "interval_end": T % 2, "cause": "kernel", "packets": 3, "bytes": 300, "policy": "oldest_first",
                     "events": [{"event_type": "dpi.flow", "count": 2}]}),
    ("dpi.scan", {"kind": "source", "protocol": 6, "src_ip": "10.0.0.66", "first_at": T % 1, "last_at": T % 2, "flows": 5000, "ip_bytes": 200000,
                  "samples": [{"ip": "10.0.0.2", "port": 22}, {"ip": "10.0.0.3", "port": 22}]}),
    ("dpi.scan", {"kind": "any", "protocol": 17, "first_at": T % 1, "last_at": T % 2, "flows": 7, "ip_bytes": 420,
                  "samples": [{"ip": "2001:db8::2", "port": 0}]}),
    ("clock.step", {"delta_us": -5000000, "source": "ntp", "synced_after": True}),
    ("config.change", {"old_sha256": SHA % 1, "new_sha256": SHA % 2, "members": ["capture.snaplen", "flow.idle_seconds"]}),
    ("worker.crash", {"worker": 0, "signal": 11, "uptime_ms": 5, "flow_key_hash": "00000000000000ff", "quarantine_sha256": SHA % 3}),
    ("probe.stop", {"run_id": "00000000-0000-8000-8000-000000000002", "reason": "signal",
                    "totals": {"events_sealed": 9, "packets_offered": 7, "flow_records": 3, "dns_transactions": 1}}),
]
AGENT = [
    ("agent.process", {"action": "exec", "pid": 17, "process_start_at": T % 1, "parent_pid": 1, "parent_start_at": T % 2, "account": "root",
                       "image_path": "/bin/sh", "image_path_truncated": True, "command_line": "sh", "command_line_truncated": True,
                       "exit_code": -1, "integrity_level": "high", "image_sha256": SHA % 1}),
    ("agent.file", {"action": "rename", "path": "/tmp/a", "old_path": "/tmp/b", "path_truncated": True, "old_path_truncated": True,
                    "size_before": 1, "size_after": 2, "entropy_before_milli": 3000, "entropy_after_milli": 7999, "pid": 17,
                    "process_start_at": T % 3, "file_mode": 33188, "file_sha256": SHA % 2}),
    ("agent.persistence", {"mechanism": "cron", "action": "create", "location": "/etc/cron.d/x", "target_path": "/tmp/a", "pid": 17,
                           "process_start_at": T % 4, "target_sha256": SHA % 3, "location_truncated": True, "target_path_truncated": True}),
    ("agent.network_intent", {"action": "connect", "pid": 17, "process_start_at": T % 5, "local_ip": "10.0.0.1", "local_port": 40000,
                              "remote_ip": "2001:db8::1", "remote_port": 443, "protocol": 6, "remote_name": "www.example.com"}),
    ("agent.deception", {"decoy_id": "d-1", "decoy_type": "file", "action": "open", "actor_ip": "10.0.0.9", "pid": 17, "process_start_at": T % 6,
                         "credential_ref": "vault:1"}),
    ("agent.health", {"state": "healthy", "uptime_ms": 1, "policy_version": 1, "spool_events": 0, "spool_bytes": 0, "spool_oldest_at": T % 7,
                      "send_errors": 0, "clock_offset_us": -5, "cpu_permille": 3, "rss_bytes": 4, "disk_free_bytes": 5, "config_sha256": SHA % 4}),
]
# Stored, and without rows: an unknown type, an unknown member, a broken CHECK, a key that stands twice.
REFUSED = [("dpi.surprise", {"a": 1}), flow(surprise=1), flow(risk_score=-1), flow(risks=["a_risk", "a_risk"]), flow(src_ip="10.0.0.300")]


def line(event):
    return "event %s %s\n" % (event[0], json.dumps(event[1], sort_keys=True, separators=(",", ":")))


def probe_story(refused=REFUSED, own=OWN):
    """A restart, a gap that is filled, a gap that is not the point here, a rotation, quarantine, heartbeats."""
    flows = "".join(line(flow(src_port=1000 + i, canary=True if i % 50 == 7 else None)) for i in range(300))
    return ("batch\n" + "".join(map(line, own)) + line(heartbeat()) + "batch\n" + flows + "batch\nboot\n" + line(heartbeat(heartbeat_number=1))
            + "lose\n" + line(flow(src_port=7)) + "batch\nfill\n" + "".join(map(line, refused)) + line(flow()) + "batch\nrotate\n"
            + line(heartbeat(heartbeat_number=2)) + "batch\n" + line(flow(src_port=8)) + "batch\n")


def agent_story():
    """A restart, and a gap that is never filled: what is behind it is bound by its links."""
    lost = "batch\n" + line(AGENT[0]) + "lose\n"
    return "batch\n" + "".join(map(line, AGENT)) + lost + "boot\n" + "".join(map(line, AGENT)) + "batch\n"
