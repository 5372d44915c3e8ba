#!/usr/bin/env python3
"""Plays the superuser of the database: see superuser.sh, which makes the cluster."""
import argparse
import glob
import os
import random
import re
import subprocess
import sys
import time

import payloads

KEY = "ingested_at, component_instance_id, seq"
PROBE, AGENT = "10000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000002"
MACHINE = {PROBE: "a0000000-0000-8000-8000-000000000001", AGENT: "a0000000-0000-8000-8000-000000000002"}
OTHER = "fee1dead-0000-4000-8000-000000000000"


class Cluster:
    def __init__(self, options):
        self.o = options

    def conninfo(self, db):
        return re.sub(r"dbname=\S+", "dbname=" + db, self.o.admin)

    def sql(self, db, text, fatal=True):
        r = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-1", "-f", "-", self.conninfo(db)], input=text, capture_output=True, text=True)
        if r.returncode and fatal:
            sys.exit("psql in %s: %s\n%s" % (db, r.stderr.strip()[:2000], text[:2000]))
        if r.returncode:
            print("not made: %s\n%s" % (r.stderr.strip()[:500], text[:500]))
        return r.stdout.strip()

    def copy(self, source, to):
        self.drop(to)
        subprocess.run(["psql", "-Xq", self.conninfo("template1"), "-c", 'create database "%s" template "%s"' % (to, source)], check=True)

    def drop(self, db):
        subprocess.run(["psql", "-Xq", self.conninfo("template1"), "-c", "set client_min_messages = error", "-c",
                        'drop database if exists "%s" with (force)' % db], check=True)

    def verify(self, db, *more):
        r = subprocess.run([self.o.probe, "verify", "postgres:" + self.conninfo(db), *more], capture_output=True, text=True, errors="replace")
        return r.returncode, r.stdout + r.stderr

    def chain(self, db, instance, component, story):
        r = subprocess.run([self.o.make_chain, instance, MACHINE[instance], component, "probe1"], input=story, capture_output=True, text=True, check=True)
        # Each batch in a transaction of its own, as senders do.
        p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.conninfo(db)], input=r.stdout, capture_output=True, text=True)
        refused = [l for l in p.stdout.splitlines() if not l.startswith(("stored", "(enrolled", "(rotated"))]
        if p.returncode or refused:
            sys.exit("chain of %s: %s %s" % (component, p.stderr[:2000], refused))


OPEN = """
set session_replication_role = replica;
do $$ declare x record; begin
    for x in select g.tgname, g.tgrelid::regclass as rel from pg_trigger g join pg_class c on c.oid = g.tgrelid
             where not g.tgisinternal and c.relnamespace::regnamespace::text ~ '^re_' loop
        execute format('drop trigger %I on %s', x.tgname, x.rel);
    end loop;
    for x in select k.conname, k.conrelid::regclass as rel from pg_constraint k join pg_class c on c.oid = k.conrelid
             where c.relnamespace::regnamespace::text ~ '^re_' and k.contype in ('f', 'c', 'u') and k.coninhcount = 0 and k.conparentid = 0
             order by k.contype = 'f' desc loop
        execute format('alter table %s drop constraint if exists %I cascade', x.rel, x.conname);
    end loop;
    for x in select a.attname, c.oid::regclass as rel, a.attgenerated from pg_attribute a join pg_class c on c.oid = a.attrelid
             where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace::regnamespace::text ~ '^re_(raw|dpi|agent|core|ops)'
               and a.attnum > 0 and not a.attisdropped
               and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)) loop
        if x.attgenerated <> '' then execute format('alter table %s alter column %I drop expression', x.rel, x.attname); end if;
        execute format('alter table %s alter column %I drop not null', x.rel, x.attname);
    end loop;
end $$;
"""


def one(table, where="true", order="seq"):
    return "(%s) = (select %s from %s where %s order by %s limit 1)" % (KEY, KEY, table, where, order)


def edit(table, change, where="true"):
    return "update %s set %s where %s" % (table, change, one(table, where))


P = "component_instance_id = '%s'" % PROBE
A = "component_instance_id = '%s'" % AGENT
PI, AI = PROBE, AGENT
CHILD = "re_dpi.flow_risk"


def mutations():
    """(kind, SQL, what must be said); those of one part are made in one copy, several at a time, for each is named on its own."""
    out = []
    part = None

    def add(kind, sql, *says):
        out.append((kind, sql, says, part))

    # Every kind of column.
    part = "columns"
    for table, column, to in [
            ("flow", "packets_src", "packets_src + 1"), ("flow", "src_ip", "'192.0.2.99'"), ("flow", "dst_port", "dst_port + 1"), ("flow", "app", "'Other'"),
            ("flow", "server_name", "null"), ("flow", "final", "not final"), ("flow", "start_at", "start_at - interval '1 microsecond'"),
            ("flow", "start_at_ns", "start_at_ns + 1"), ("flow", "protocol", "17"), ("flow", "canary", "true"), ("flow", "observed_at", "observed_at + interval '1 day'"),
            ("flow", "tenant_id", "'%s'" % OTHER), ("flow", "machine_id", "'%s'" % OTHER), ("flow", "community_id", "'1:AAAA'"), ("flow", "risk_score", "0"),
            ("heartbeat", "state", "'degraded'"), ("heartbeat", "packets_dropped_kernel", "5"), ("heartbeat", "ledger_closes", "not ledger_closes"),
            ("heartbeat", "events_close", "null"), ("heartbeat", "config_sha256", "sha256('x')"), ("heartbeat", "run_id", "'%s'" % OTHER),
            ("heartbeat", "clock_offset_us", "0"), ("heartbeat", "db_last_ack_at", "null"),
            ("probe_start", "head_tree_size", "0"), ("probe_start", "loss_window_from", "null"), ("probe_start", "clean_shutdown", "true"),
            ("probe_start", "schema_sha256", "sha256('x')"), ("probe_stop", "flow_records", "0"), ("probe_stop", "reason", "'upgrade'"), ("loss_report", "packets", "0"),
            ("loss_report", "cause", "'nic'"), ("clock_step", "delta_us", "0"), ("config_change", "new_sha256", "old_sha256"), ("worker_crash", "signal", "6"),
            ("scan", "flows", "0"), ("scan", "src_ip", "'10.0.0.67'")]:
        where = P + (" and server_name is not null" if column == "server_name" else " and canary is null" if column == "canary" else "")
        add("%s.%s edited" % (table, column), edit("re_dpi." + table, "%s = %s" % (column, to), where), r"sequence \d+: re_dpi\.%s: .*\b%s is " % (table, column))
    for table, column, to in [("process_activity", "command_line", "'true'"), ("file_activity", "file_sha256", "sha256('x')"),
                              ("persistence_activity", "location", "'/x'"), ("network_intent", "remote_ip", "'::1'"), ("deception_event", "actor_ip", "null"),
                              ("component_health", "state", "'degraded'")]:
        add("%s.%s edited" % (table, column), edit("re_agent." + table, "%s = %s" % (column, to)), r"%s sequence \d+: re_agent\.%s: .*\b%s is " % (AI, table, column))
    # Children.
    for table, column, to in [("flow_vlan", "vlan_id", "99"), ("flow_encapsulation", "encapsulation", "'gre'"), ("flow_risk", "risk", "'none'"),
                              ("heartbeat_anomaly", "count", "0"), ("heartbeat_interface", "link_up", "false"), ("heartbeat_event", "shed", "1"),
                              ("heartbeat_loss", "packets", "1"), ("loss_report_event", "count", "9"), ("config_change_member", "member", "'x'"),
                              ("scan_sample", "port", "23")]:
        add("%s.%s edited" % (table, column), "update re_dpi.%s set %s = %s where ctid = (select min(ctid) from re_dpi.%s where %s) and %s"
            % (table, column, to, table, one("re_dpi." + table, P), one("re_dpi." + table, P)), r"sequence \d+: re_dpi\.%s .*\b%s is " % (table, column))
    part = None
    for table in ["flow_vlan", "flow_risk", "heartbeat_interface", "config_change_member"]:
        add("%s row missing" % table, "delete from re_dpi.%s where ctid = (select min(ctid) from re_dpi.%s where %s) and %s"
            % (table, table, one("re_dpi." + table, P), one("re_dpi." + table, P)), r"sequence \d+: re_dpi\.%s: the row .*is missing" % table)
    add("children missing", "delete from re_dpi.flow_risk where " + one("re_dpi.flow_risk", P), r"re_dpi\.flow_risk: the row \(risk '.*'\) is missing")
    add("child added", "insert into re_dpi.flow_risk select ingested_at, component_instance_id, seq, tenant_id, 'invented' from re_dpi.flow where " + one("re_dpi.flow", P),
        r"re_dpi\.flow_risk: a row \(risk 'invented'\) was added")
    add("children reordered", "alter table re_dpi.flow_vlan drop constraint flow_vlan_pk cascade; update re_dpi.flow_vlan set position = 1 - position where " + one("re_dpi.flow_vlan", P), r"re_dpi\.flow_vlan \(position 0\): .*vlan_id is 8 instead of 7")
    add("child doubled", "alter table re_dpi.flow_risk drop constraint flow_risk_pk cascade; insert into re_dpi.flow_risk select * from re_dpi.flow_risk where "
        + one("re_dpi.flow_risk", P), r"re_dpi\.flow_risk: a row \(risk '.*'\) was added")
    add("child moved to another tenant", edit("re_dpi.flow_vlan", "tenant_id = '%s'" % OTHER, P), r"re_dpi\.flow_vlan .*tenant_id is fee1dead")
    # Rows as a whole.
    for table in ["flow", "heartbeat", "clock_step", "loss_report", "probe_start"]:
        add("%s row missing" % table, "delete from re_dpi.%s where %s" % (table, one("re_dpi." + table, P)), r"sequence \d+: re_dpi\.%s: the row is missing" % table)
    add("all rows of a table missing", "truncate re_dpi.worker_crash", r"re_dpi\.worker_crash: the row is missing")
    add("row added", "insert into re_dpi.clock_step select f.ingested_at, f.component_instance_id, f.seq, f.tenant_id, f.machine_id, f.observed_at, f.observed_at_ns, 1, 'ntp', true "
        "from re_dpi.flow f where " + one("re_dpi.flow", P), r"re_dpi\.clock_step: a row was added: the event has no such row")
    add("row of no event", "insert into re_dpi.clock_step select f.ingested_at, f.component_instance_id, f.seq + 100000, f.tenant_id, f.machine_id, f.observed_at, f.observed_at_ns, 1, "
        "'ntp', true from re_dpi.flow f where " + one("re_dpi.flow", P), r"sequence 1\d+: re_dpi\.clock_step: a row was added: no event")
    add("row of an unknown instance", "insert into re_dpi.clock_step select f.ingested_at, '%s', 5, f.tenant_id, f.machine_id, f.observed_at, f.observed_at_ns, 1, 'ntp', true "
        "from re_dpi.flow f where %s" % (OTHER, one("re_dpi.flow", P)), r"fee1dead\S+ sequence 5: re_dpi\.clock_step: a row was added")
    add("row doubled", "alter table re_dpi.flow drop constraint flow_pk cascade; insert into re_dpi.flow select * from re_dpi.flow where " + one("re_dpi.flow", P), r"re_dpi\.flow: a row was added")
    add("rows swapped", "with two as (select array_agg(seq) s from (select seq from re_dpi.flow where %s order by seq limit 2) x) update re_dpi.flow set seq = case seq when s[1] "
        "then 9000000 else s[1] end from two where seq = any (s) and %s; update re_dpi.flow set seq = (select max(seq) from re_dpi.flow where %s and seq < (select min(seq) from "
        "re_dpi.flow where %s and seq > (select min(seq) from re_dpi.flow where %s))) + 1 where seq = 9000000" % (P, P, P, P, P), r"re_dpi\.flow: .*src_port is ")
    add("row moved in time", "update re_dpi.flow set ingested_at = ingested_at + interval '1 microsecond' where " + one("re_dpi.flow", P),
        r"re_dpi\.flow: the row is missing", r"re_dpi\.flow: a row was added: no event is stored at ingested_at")
    add("row given to another instance", "update re_dpi.flow set component_instance_id = '%s' where %s" % (AI, one("re_dpi.flow", P)), r"re_dpi\.flow: the row is missing")
    add("escape sequence in a row", edit("re_dpi.flow", "server_name = e'\\x1b]0;owned\\x07\\x1b[2J'", P), r"server_name is '\\x1b\]0;owned\\x07\\x1b\[2J'")
    # Raw events.
    part = "raw"
    for column, to, says in [("hostname", "'other'", "hostname is 'other'"), ("version", "'9'", "version is '9'"), ("boot_id", "'%s'" % OTHER, "boot_id is"), ("mono_us", "mono_us + 1", "mono_us is"),
                             ("observed_at", "observed_at - interval '1 hour'", "observed_at is"), ("arrival", "'late'", "arrival is 'late'"), ("mode", "'replay'", "mode is 'replay'"),
                             ("tenant_id", "'%s'" % OTHER, "tenant_id is fee1dead"), ("machine_id", "'%s'" % OTHER, "machine_id is fee1dead"), ("event_type", "'dpi.dns'", "event_type is 'dpi.dns'"),
                             ("event_id", "'%s'" % OTHER, "event_id is"), ("payload_sha256", "sha256('x')", "payload_sha256 is"), ("prev_hash", "sha256('x')", "prev_hash is"),
                             ("envelope_hash", "sha256('x')", "envelope_hash is"), ("payload_bytes", "1", "payload_bytes is 1"), ("emitted_at_ns", "(emitted_at_ns + 1) % 1000", "emitted_at_ns is"),
                             ("event_version", "2", "event_version is 2"), ("component", "'linux_agent'", "component is 'linux_agent'")]:
        add("raw_event.%s edited" % column, edit("re_raw.raw_event", "%s = %s" % (column, to), P + " and seq > 20"), r"re_raw\.raw_event: .*" + says)
    part = None
    add("payload edited", edit("re_raw.raw_event", "payload = overlay(payload placing '9'::bytea from 40 for 1)", P + " and seq > 20"), r"re_raw\.raw_event\.payload: .*payload", "chain: ")
    add("payload and row edited together", edit("re_raw.raw_event", "payload = convert_to(replace(convert_from(payload, 'UTF8'), '10.0.0.2', '10.0.0.3'), 'UTF8')", P + " and event_type = 'dpi.flow'")
        + "; " + edit("re_dpi.flow", "src_ip = '10.0.0.3'", P), r"re_raw\.raw_event\.payload")
    add("envelope edited", edit("re_raw.raw_event", "envelope = overlay(envelope placing 'x'::bytea from 1 for 1)", P + " and seq > 20"), r"re_raw\.raw_event\.envelope: it is no envelope")
    add("event removed", "delete from re_raw.raw_event where " + one("re_raw.raw_event", P + " and seq > 20"), r"%s: chain: sequence \d+ stands where" % PI)
    add("event and rows removed", "do $$ begin delete from re_dpi.flow where {0} and seq = 40; delete from re_raw.raw_event where {0} and seq = 40; end $$".format(P), "chain: sequence 41 stands where 40")
    add("last events removed", "delete from re_raw.raw_event where %s and seq >= (select max(seq) - 1 from re_raw.raw_event where %s)" % (P, P), r"chain: sequence \d+ to \d+ are missing")
    add("event doubled elsewhere", "insert into re_raw.raw_event select ingested_at + interval '1 second', component_instance_id, seq, tenant_id, machine_id, event_id, boot_id, observed_at, emitted_at, "
        "mono_us, payload_bytes, event_version, observed_at_ns, emitted_at_ns, component, event_type, mode, hostname, version, arrival, payload_sha256, prev_hash, envelope_hash, envelope, payload "
        "from re_raw.raw_event where " + one("re_raw.raw_event", P + " and seq > 20"), r"re_raw\.raw_event: .*ingested_at is")
    add("event moved in time with its rows", "update re_raw.raw_event set ingested_at = ingested_at - interval '1 millisecond' where {0} and seq = 40; "
        "update re_dpi.flow set ingested_at = ingested_at - interval '1 millisecond' where {0} and seq = 40".format(P), r"re_raw\.raw_event: .*ingested_at is")
    add("machine and tenant of everything moved", "".join("update %s set tenant_id = '%s' where %s;" % (t, OTHER, P) for t in ["re_raw.raw_event", "re_dpi.flow", "re_dpi.flow_vlan"]),
        r"re_raw\.raw_event: .*tenant_id is", r"re_dpi\.flow: .*tenant_id is")
    # Ledger, heads, checkpoints.
    add("batch removed", "delete from re_raw.ingest_segment where {0} and first_seq = (select min(first_seq) from re_raw.ingest_segment where {0} and first_seq > 0)".format(P),
        r"re_raw\.ingest_segment: no batch of the ledger holds this event", r"re_raw\.ingest_segment \(first_seq \d+\): .*prev_last_seq is")
    for column, to in [("last_hash", "sha256('x')"), ("first_prev_hash", "sha256('x')"), ("prev_last_hash", "sha256('x')"), ("prev_last_seq", "0"), ("last_seq", "last_seq + 1"),
                       ("tenant_id", "'%s'" % OTHER), ("gap_last", "77")]:
        add("ingest_segment.%s edited" % column, "update re_raw.ingest_segment set {2} = {1} where {0} and first_seq = (select max(first_seq) from re_raw.ingest_segment where {0} and first_seq < 30)"
            .format(P, to, column), r"re_raw\.ingest_segment \(first_seq \d+\): .*%s is " % column)
    add("batch moved in time", "update re_raw.ingest_segment set ingested_at = ingested_at - interval '1 hour' where {0} and first_seq = (select max(first_seq) from re_raw.ingest_segment where {0})".format(P),
        r"re_raw\.raw_event: .*ingested_at is")
    add("head moved", "update re_raw.chain_head set next_seq = next_seq - 1 where " + P, r"re_raw\.chain_head: next_seq is")
    add("head's hash", "update re_raw.chain_head set last_hash = sha256('x') where " + P, r"re_raw\.chain_head: last_hash is")
    add("head's time", "update re_raw.chain_head set last_emitted_at = last_emitted_at + interval '1 s' where " + P, r"re_raw\.chain_head: last_emitted_at is")
    add("head removed", "delete from re_raw.chain_head where " + P, r"%s: re_raw\.chain_head: the row is missing" % PI)
    add("last checkpoint removed", "delete from re_raw.checkpoint where %s and tree_size = (select max(tree_size) from re_raw.checkpoint where %s)" % (P, P), r"chain: \d+ events after the last checkpoint")
    add("checkpoint edited", "update re_raw.checkpoint set note = replace(note, e'\\n\\n', e'\\nx\\n\\n') where %s and tree_size = (select max(tree_size) from re_raw.checkpoint where %s)" % (P, P),
        r"re_raw\.checkpoint \(tree_size \d+\): note is", "chain: ")
    add("checkpoint's root edited", "update re_raw.checkpoint set root = sha256('x') where %s and tree_size = (select max(tree_size) from re_raw.checkpoint where %s)" % (P, P), r"re_raw\.checkpoint .*root is")
    add("checkpoint's hash edited", "update re_raw.checkpoint set last_hash = sha256('x') where %s" % P, r"re_raw\.checkpoint .*last_hash is")
    add("gap removed", "delete from re_raw.chain_gap_fill where {0}; delete from re_raw.chain_gap where {0}".format(P), r"its gap is missing from re_raw\.chain_gap")
    add("gap invented", "insert into re_raw.chain_gap select component_instance_id, 3, 5, tenant_id, last_hash, last_hash, ingested_at, 'x' from re_raw.ingest_segment where {0} and first_seq = 0".format(P),
        r"re_raw\.chain_gap \(first_missing 3\): the row was added")
    add("gap edited", "update re_raw.chain_gap set known_hash = sha256('x') where " + P, r"re_raw\.chain_gap .*known_hash is not")
    add("history cut and head moved back", "delete from re_raw.checkpoint where {0} and tree_size > 20; delete from re_raw.ingest_segment where {0} and first_seq > 20; "
        "update re_raw.chain_head set next_seq = 1, last_hash = sha256('x') where {0}".format(P), r"no batch of the ledger holds this event")
    # Registry.
    add("instance hidden from the registry", "delete from re_core.component_instance where " + P, r"%s.*re_core\.component_instance: the instance is not enrolled" % PI)
    add("instance invented", "insert into re_core.component_instance select '%s', machine_id, tenant_id, component, mode, db_role, registered_at, registered_by, note from re_core.component_instance where %s" % (OTHER, P),
        r"fee1dead\S+: re_core\.component_instance_status: the row is missing")
    add("machine of an instance", "update re_core.component_instance set machine_id = '%s' where %s" % (MACHINE[AI], P), r"re_core\.component_instance: machine_id")
    add("tenant of an instance", "insert into re_core.tenant (tenant_id, slug) values ('%s', 'x'); update re_core.component_instance set tenant_id = '%s' where %s" % (OTHER, OTHER, P),
        r"re_core\.component_instance: tenant_id is", r"re_raw\.raw_event: tenant_id is")
    add("key replaced", "update re_core.signing_key set key_id = sha256(spki || 'x'), spki = spki where " + P, r"re_core\.signing_key")
    add("key removed", "delete from re_core.signing_key_status where {0}; delete from re_core.signing_key where {0}".format(P), r"re_core\.signing_key: the row of key [0-9a-f]+ is missing")
    add("key added", "insert into re_core.signing_key select component_instance_id, sha256('\\x302a300506032b6570032100'::bytea || sha256('x')), tenant_id, mode, algorithm, "
        "'\\x302a300506032b6570032100'::bytea || sha256('x'), storage, registered_at, registered_by, note from re_core.signing_key where {0} limit 1; insert into re_core.signing_key_status "
        "select component_instance_id, key_id, 1, tenant_id, 'active', 0, 'enrolled', registered_at, registered_by from re_core.signing_key where spki = '\\x302a300506032b6570032100'::bytea || sha256('x')".format(P),
        r"re_core\.signing_key \(key_id [0-9a-f]+\): the chain announces no such key")
    add("revocation removed", "delete from re_core.signing_key_status where %s and status_no = 2 and status = 'superseded'" % P, r"re_core\.signing_key_status .*status_no is 3: it follows 1")
    add("key registered from elsewhere", "update re_core.signing_key_status set effective_seq = effective_seq + 1 where %s and status = 'active' and effective_seq > 0" % P,
        r"re_core\.signing_key_status \(key_id [0-9a-f]+\): registered from sequence \d+ on; the chain says")
    add("key superseded elsewhere", "update re_core.signing_key_status set effective_seq = effective_seq + 1 where %s and status = 'superseded'" % P,
        r"re_core\.signing_key_status \(key_id [0-9a-f]+\): superseded from sequence \d+ on; the chain says")
    add("retirement removed", "delete from re_core.component_instance_status where %s and status_no = 1" % P, r"re_core\.component_instance_status: the row is missing")
    add("approval removed", "delete from re_core.approved_version where approval_no = 1", r"re_core\.approved_version .*approval_no is 2: it follows 0")
    add("identity edited", "update re_core.component_identity_history set hostname = 'other' where %s and first_seq = 0" % P, r"re_core\.component_identity_history \(first_seq 0\): hostname is not")
    add("identity removed", "delete from re_core.component_identity_history where %s and first_seq > 0" % P, r"re_core\.component_identity_history .*the row is missing")
    add("identity added", "insert into re_core.component_identity_history select component_instance_id, 5, tenant_id, boot_id, 'x', version, emitted_at, ingested_at from re_core.component_identity_history "
        "where %s and first_seq = 0" % P, r"re_core\.component_identity_history \(first_seq 5\): the row was added")
    # Refusals, quarantine, retention.
    add("refusal removed", "delete from re_raw.chain_violation", r"re_raw\.violation_counter .*recorded is \d+: re_raw\.chain_violation has 0")
    add("refusal edited", "update re_raw.chain_violation set writer = 'somebody'", r"re_raw\.chain_violation .*refusal_sha256")
    add("refusal counter removed", "delete from re_raw.violation_counter", r"re_raw\.violation_counter: the row of kind '?\w+'? and writer \w+ is missing")
    add("event hidden in quarantine", "insert into re_raw.quarantine select ingested_at, component_instance_id, seq, tenant_id, event_type, event_version, '23514', 'flow_risk_score_is_valid', 'x', now() "
        "from re_raw.raw_event where {0} and seq = 40; delete from re_dpi.flow where {0} and seq = 40; delete from re_dpi.flow_vlan where {0} and seq = 40; delete from re_dpi.flow_risk where {0} and seq = 40; "
        "delete from re_dpi.flow_encapsulation where {0} and seq = 40".format(P), r"sequence 40: re_raw\.quarantine: a row was added: the payload breaks no rule")
    add("quarantine removed", "delete from re_raw.quarantine", r"re_raw\.quarantine: the row is missing")
    add("quarantine edited", edit("re_raw.quarantine", "rule = 'x'"), r"re_raw\.quarantine: ")
    add("quarantine mended by hand", "insert into re_raw.quarantine_mended select ingested_at, component_instance_id, seq, tenant_id, now(), 'x' from re_raw.quarantine", r"re_dpi\.flow: the row is missing|re_raw\.quarantine")
    add("retention entry removed", "delete from re_ops.retention_ledger where ledger_no = 7", r"re_ops\.retention_ledger \(ledger_no 8\)")
    add("retention entry edited", "update re_ops.retention_ledger set actor = 'somebody' where ledger_no = 7", r"re_ops\.retention_ledger \(ledger_no 7\): entry_hash")
    add("partition dropped", "do $$ begin execute format('drop table re_dpi.clock_step_p%s cascade', to_char(now() at time zone 'UTC', 'YYYYMMDD')); end $$",
        r"re_dpi\.clock_step_p\d+: the partition is gone", r"re_dpi\.clock_step: the row is missing")
    add("partition detached", "do $$ begin execute format('alter table re_dpi.clock_step detach partition re_dpi.clock_step_p%s', to_char(now() at time zone 'UTC', 'YYYYMMDD')); end $$",
        r"the partition is detached", r"re_dpi\.clock_step: the row is missing")
    add("event type removed", "delete from re_raw.event_type where event_type = 'dpi.dns'", r"re_raw\.event_type: the row 'dpi_probe dpi\.dns v1 re_dpi\.store_dns' is missing")
    add("bundle's hash", "update re_core.schema_bundle set ddl_sha256 = sha256('x')", r"re_core\.schema_bundle .*ddl_sha256 is")
    add("table replaced by a view", "alter table re_dpi.worker_crash rename to hidden; create view re_dpi.worker_crash as select * from re_dpi.hidden", r"re_dpi\.worker_crash: it is not the table")
    add("column type changed", "alter table re_dpi.worker_crash alter uptime_ms type numeric", r"re_dpi\.worker_crash: column uptime_ms is of type numeric")
    return out


def definitions():
    """Changes of functions, views, triggers, rights: found by the comparison with the bundle, rows as they are."""
    return [(kind, sql, (says,), "definitions") for kind, sql, says in [
        ("function body", "create or replace function re_ops.verify_ledger() returns table (ledger_no bigint, finding text) language sql as 'select 1::bigint, ''x'' where false'", r"re_ops\.verify_ledger\(\): definition"),
        ("store function", "do $$ begin execute replace(pg_get_functiondef('re_dpi.store_clock_step'::regproc), 'p.delta_us, p.source', '0, p.source'); end $$", r"re_dpi\.store_clock_step\(re_raw\.event_batch\): definition"),
        ("view", "create or replace view re_raw.stored_range as select s.component_instance_id, s.first_seq, s.last_seq, s.ingested_at, s.tenant_id from re_raw.ingest_segment s where false", r"re_raw\.stored_range: rule _RETURN"),
        ("trigger dropped", "drop trigger refuse_change on re_raw.raw_event", r"re_raw\.raw_event: trigger refuse_change is missing"),
        ("trigger disabled", "alter table re_dpi.flow disable trigger refuse_change", r"re_dpi\.flow: trigger refuse_change"),
        ("trigger added", "create function public.f() returns trigger language plpgsql as 'begin return null; end'; create trigger t before insert on re_core.tenant for each row execute function public.f()", r"re_core\.tenant: trigger t is not of the bundle"),
        ("grant added", "grant update on re_dpi.flow to re_soc", r"re_dpi\.flow: right of re_soc to update is not of the bundle"),
        ("owner's role given away", "grant re_owner to probe1", r"role re_owner: member probe1"),
        ("policy changed", "alter policy tenant_reads on re_dpi.flow using (true)", r"re_dpi\.flow: policy tenant_reads"),
        ("row-level security off", "alter table re_raw.raw_event disable row level security", r"re_raw\.raw_event: row-level security"),
        ("constraint dropped", "alter table re_dpi.flow drop constraint flow_ends_after_it_starts", r"re_dpi\.flow: constraint flow_ends_after_it_starts is missing"),
        ("retention policy shortened", "alter table re_ops.retention_policy disable trigger all; update re_ops.retention_policy set warm = '1 day', hot = '1 h' where table_name = 'flow'; "
         "alter table re_ops.retention_policy enable trigger all; alter table re_ops.retention_policy enable always trigger refuse_change", r"re_ops\.retention_policy: row re_dpi\.flow"),
        ("rule added", "create rule quiet as on insert to re_core.tenant do instead nothing", r"re_core\.tenant: rule quiet is not of the bundle"),
        ("default changed", "alter table re_core.machine alter first_seen_at set default '2020-01-01'", r"re_core\.machine: column first_seen_at"),
    ]]


# Tables whose cells are changed at random, and the columns that nothing signed or derived says (docs/superuser-mutations.md).
UNPROVEN = {"re_raw.ingest_segment": {"writer"}, "re_raw.checkpoint": {"writer", "ingested_at"}, "re_raw.chain_gap_fill": {"writer"},
            "re_raw.quarantine": {"quarantined_at", "detail", "sqlstate", "rule"}, "re_raw.chain_head": set(), "re_raw.chain_gap": set(),
            "re_core.component_identity_history": set(), "re_ops.retention_ledger": set()}
BIT = {
    "bigint": "{c} # (1::bigint << {b} % 40)", "integer": "{c} # (1 << {b} % 30)", "smallint": "({c}::int # (1 << {b} % 14))::smallint", "boolean": "not {c}",
    "bytea": "set_bit({c}, {b} % (8 * octet_length({c})), 1 - get_bit({c}, {b} % (8 * octet_length({c}))))",
    "text": "overlay({c} placing chr(case when (ascii(substr({c}, 1 + {b} % length({c}), 1)) # (1 << {b} % 5)) in (0, 39) then 66 else ascii(substr({c}, 1 + {b} % length({c}), 1)) # (1 << {b} % 5) end) "
            "from 1 + {b} % length({c}) for 1)",
    "uuid": "encode(set_bit(uuid_send({c}), {b} % 128, 1 - get_bit(uuid_send({c}), {b} % 128)), 'hex')::uuid",
    "inet": "{c} + (1::bigint << {b} % 20)",
    "timestamp with time zone": "{c} + (1::bigint << {b} % 20) * interval '1 microsecond'",
}
BIT["name"] = "({t})::name".format(t=BIT["text"].replace("{c}", "{c}::text"))


def parts_of(changes):
    """Lists of changes that are made together: at most ten, so that a row's line still shows all its columns."""
    out = []
    for change in changes:
        if change[3] and out and out[-1][0][3] == change[3] and len(out[-1]) < 10:
            out[-1].append(change)
        else:
            out.append([change])
    return out


def random_changes(cluster, number, rng):
    """Batches of cells, each in a row of its own, in one copy; every one must be named."""
    missed, done = [], 0
    columns = {}
    for row in cluster.sql("opened", "select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, null) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                           "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped where (n.nspname in ('re_dpi', 're_agent') or n.nspname || '.' || c.relname = "
                           "any (array['re_raw.raw_event', %s])) and c.relkind in ('r', 'p') and not c.relispartition" % ", ".join("'%s'" % t for t in UNPROVEN)).splitlines():
        table, column, kind = row.split("|")
        if column not in UNPROVEN.get(table, set()):
            columns.setdefault(table, []).append((column, kind))
    rows = {t: int(cluster.sql("opened", "select count(*) from %s" % t)) for t in columns}
    tables = [t for t in columns if rows[t]]
    while done < number:
        cluster.copy("opened", "m")
        used, script, wanted = set(), [], []
        # A changed batch is said of all its events: a few at a time, apart from the facts.
        ledgers = rng.random() < 0.2
        choice = [t for t in tables if (t in UNPROVEN) == ledgers]
        for _ in range(min(8 if ledgers else 250, number - done)):
            table = rng.choice(choice if ledgers or rng.random() < 0.5 else ["re_raw.raw_event", "re_dpi.flow", "re_dpi.heartbeat"])
            column, kind = rng.choice(columns[table])
            n = rng.randrange(rows[table])
            if (table, n) in used:
                continue
            used.add((table, n))
            wanted.append((table, column, n))
            value = BIT[kind].format(c=column, b=rng.randrange(1 << 20))
            # Of empty texts and NULLs there is no bit: they become something.
            empty = {"text": "'x'", "name": "'x'", "bytea": "'\\x01'::bytea"}.get(kind)
            if empty:
                value = "case when length(%s) = 0 then %s else %s end" % (column + ("::text" if kind == "name" else ""), empty, value)
            something = {"bigint": "1", "integer": "1", "smallint": "1", "boolean": "true", "text": "'x'", "name": "'x'", "bytea": "'\\x01'::bytea", "uuid": "'%s'::uuid" % OTHER,
                         "inet": "'192.0.2.1'::inet", "timestamp with time zone": "now()"}[kind]
            has_seq = table.startswith(("re_dpi", "re_agent")) or table in ("re_raw.raw_event", "re_raw.quarantine")
            script.append("select pg_temp.change('%s', '%s', %d, $q$coalesce(%s, %s)$q$, %s);"
                          % (table, column, n, value, something, "true" if has_seq else "false"))
        prelude = "set session_replication_role = replica; set search_path = pg_temp, pg_catalog;\n" + "".join(
            "create temp table \"%s\" as select row_number() over (order by tableoid, ctid) - 1 as n, tableoid as t, ctid as c from %s;\n" % (t, t) for t in {w[0] for w in wanted}) + """
create function pg_temp.change(tab text, col text, n bigint, expression text, has_seq boolean) returns text language plpgsql as $$
declare place record; seq text;
begin
    execute format('select t, c from pg_temp.%I where n = $1', tab) into place using n;
    if has_seq then execute format('select component_instance_id || '' '' || seq from %s where tableoid = $1 and ctid = $2', tab) into seq using place.t, place.c; end if;
    execute format('update %s set %I = %s where tableoid = $1 and ctid = $2', tab, col, expression) using place.t, place.c;
    return coalesce(seq, '-');
exception when others then return 'undone ' || sqlerrm;
end $$;
"""
        answers = cluster.sql("m", prelude + "\n".join(script)).splitlines()
        code, said = cluster.verify("m", "--no-schema")
        lines = said.splitlines()
        for (table, column, n), answer in zip(wanted, answers):
            if answer.startswith("undone"):
                continue
            done += 1
            own = table.startswith(("re_dpi", "re_agent"))
            if answer != "-":
                instance, seq = answer.split(" ")
                about = [l for l in lines if re.search(r"%s sequence %s: (%s|re_raw\.raw_event|re_core\.component_instance)\b" % (instance, seq, re.escape(table)), l)]
                # What is in the key makes another row of it: then the row that was is missing.
                named = [l for l in about if re.search(r"\b%s\b" % column, l)] or [l for l in about if re.search("is missing|was added|no batch|envelope|payload", l)]
            else:
                # A batch's time is that of its events.
                named = [l for l in lines if table in l or (column == "ingested_at" and re.search(r"re_raw\.raw_event: .*\bingested_at is", l))]
            if not named or code != 5:
                missed.append("%s.%s (row %d, %s)" % (table, column, n, answer))
        print("random changes: %d, not found: %d" % (done, len(missed)), flush=True)
    return missed


def honest(cluster, o, bad):
    def quiet(name, db, *more, wanted=0):
        code, said = cluster.verify(db, *more)
        if code != wanted:
            bad.append(name)
            print("ALARM without cause: %s (exit %d)\n%s" % (name, code, said[:3000]), flush=True)
        else:
            print("quiet: " + name, flush=True)

    quiet("restarts, a filled gap, a rotation, quarantine, agents, replays", "postgres")
    # A login that may read and no more.
    cluster.sql("postgres", "create role verifier login bypassrls; grant re_auditor to verifier; create role blind login; grant re_auditor to blind")
    for login, wanted in (("verifier", 0), ("blind", 2)):
        r = subprocess.run([o.probe, "verify", "postgres:" + cluster.conninfo("postgres").replace("user=postgres", "user=" + login), "--reference", cluster.conninfo("postgres")],
                           capture_output=True, text=True)
        if r.returncode != wanted:
            bad.append("login " + login)
            print("login %s: exit %d\n%s" % (login, r.returncode, (r.stdout + r.stderr)[:2000]))
    # From the first released bundle.
    subprocess.run(["psql", "-Xq", cluster.conninfo("template1"), "-c", "create database migrated template template0 encoding 'UTF8'"], check=True)
    for released in sorted(glob.glob(o.root + "/tests/schema/released/*"))[:1]:
        files = sorted(glob.glob(released + "/0*.sql"))
        text = "".join(open(f).read() for f in files)
        import hashlib
        cluster.sql("migrated", text)
        cluster.sql("migrated", "select re_core.register_bundle('%s', '\\x%s')" % (os.path.basename(released), hashlib.sha256(text.encode()).hexdigest()))
        # That one knew neither quarantine nor scans.
        cluster.chain("migrated", PROBE, "dpi_probe", payloads.probe_story([], [e for e in payloads.OWN if e[0] != "dpi.scan"]))
        subprocess.run([o.probe, "schema", "apply", "-d", cluster.conninfo("migrated")], check=True, stdout=subprocess.DEVNULL)
        cluster.sql("migrated", "select re_raw.rederive('%s')" % PROBE)
        quiet("migrated from " + os.path.basename(released), "migrated")
    retention(cluster, o, quiet)


def retention(cluster, o, quiet):
    """A clock that is a setting: three days long ago, the first one sealed, archived and dropped."""
    subprocess.run(["psql", "-Xq", cluster.conninfo("template1"), "-c", "create database aged template template0 encoding 'UTF8'"], check=True)
    clock = ("create schema test_clock; create function test_clock.now() returns timestamptz language plpgsql stable as $$ begin return coalesce(nullif(current_setting('test.now', true), ''), "
             "transaction_timestamp()::text)::timestamptz; end $$; grant usage on schema test_clock to public;")
    text = "".join(open(f).read() for f in sorted(glob.glob(o.root + "/schemas/0*.sql")))
    text = re.sub(r"\b(now|clock_timestamp)\(\)", "test_clock.now()", text)
    cluster.sql("aged", clock + text)
    cluster.sql("aged", "select re_core.create_tenant('default')")
    sha = subprocess.run([o.probe, "schema", "hash"], capture_output=True, text=True, check=True).stdout.strip()
    version = cluster.sql("postgres", "select version from re_core.bundle()")
    cluster.sql("aged", "select re_core.register_bundle('%s', '\\x%s')" % (version, sha))
    days = ["2020-03-01 12:00+00", "2020-03-02 12:00+00", "2020-03-03 12:00+00"]
    flows = lambda a, b: "".join(payloads.line(payloads.flow(src_port=1000 + i)) for i in range(a, b)) + "batch\n"
    r = subprocess.run([o.make_chain, PROBE, MACHINE[PROBE], "dpi_probe", "probe1"], input="batch\n" + flows(0, 300) + flows(300, 700) + "boot\n" + flows(700, 900), capture_output=True, text=True, check=True)
    statements = r.stdout.splitlines()
    script = "set test.now = '%s';\n" % days[0] + "\n".join(statements[:3]) + "\nset test.now = '%s';\n%s\nset test.now = '%s';\n%s\n" % (days[1], statements[3], days[2], statements[4])
    p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", cluster.conninfo("aged")], input=script, capture_output=True, text=True)
    if p.returncode:
        sys.exit("aged: " + p.stderr[:2000])
    quiet("three days", "aged", "--no-schema")
    key = subprocess.run(["psql", "-XqAt", cluster.conninfo("aged"), "-c", "select encode(spki, 'base64') from re_core.signing_key"], capture_output=True, text=True).stdout.strip()
    open("trust.pem", "w").write("-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % key)
    seal = "set test.now = '2026-01-01 00:00+00';" + "".join(
        "select re_ops.seal_partition(c.oid::regclass) from pg_class c where c.relname ~ '_p2020030[12]$' and c.relkind = 'r' and c.relnamespace::regnamespace::text ~ '^re_(raw|dpi|agent)' order by c.relname;")
    cluster.sql("aged", seal)
    quiet("two days sealed", "aged", "--no-schema")
    # Children leave before their parents.
    cluster.sql("aged", "set test.now = '2040-01-01 00:00+00'; do $$ declare x record; begin for n in 1 .. 4 loop for x in select c.oid::regclass as rel from pg_class c where c.relname ~ '_p20200301$' "
                "and c.relkind = 'r' and c.relnamespace::regnamespace::text ~ '^re_(raw|dpi|agent)' loop begin perform re_ops.retire_partition(x.rel, 'old'); exception when sqlstate 'RE002' then null; end; "
                "end loop; end loop; end $$")
    if cluster.sql("aged", "select to_regclass('re_raw.raw_event_p20200301') is null") != "t":
        sys.exit("aged: the first day is still there")
    quiet("the first day archived and dropped", "aged", "--no-schema", "--trust", "trust.pem")
    # The same without a ledger that says so.
    cluster.copy("aged", "m")
    cluster.sql("m", OPEN + "delete from re_ops.retention_ledger where action in ('detached', 'dropped')")
    quiet("the same, with no entry that says so", "m", "--no-schema", "--trust", "trust.pem", wanted=5)


def main():
    p = argparse.ArgumentParser()
    for name in ("probe", "make-chain", "admin", "root"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--random", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", help="kinds of changes with this in their name, or: random")
    o = p.parse_args()
    cluster = Cluster(o)
    bad = []

    for recipe in ["demo", "dns/edns", "dns/record_types", "encapsulation/vlan", "tcp/handshake"]:
        source = "%s/pcaps-spec/%s.toml" % (o.root, recipe)
        if os.path.exists(source):
            subprocess.run([o.probe, "spec", "build", source, "--to", "captures"], check=True, capture_output=True)
    writer = o.admin.replace("user=postgres", "user=probe1")
    for capture in sorted(glob.glob("captures/*.pcap*"))[:12]:
        subprocess.run([o.probe, "replay", capture, "--out", "postgres:" + writer], capture_output=True)
    cluster.chain("postgres", PROBE, "dpi_probe", payloads.probe_story())
    cluster.chain("postgres", AGENT, "linux_agent", payloads.agent_story())
    cluster.sql("postgres", "select re_core.revoke_key('{0}', key_id, 900, false, 'test') from re_core.signing_key_status where component_instance_id = '{0}' and status = 'superseded'; "
                "select re_core.approve_version('{1}', null, null, null, '1.0', 'first'); select re_core.approve_version('{1}', null, null, null, '1.1', 'second'); "
                "select re_raw.ingest('{0}', 5, array['x'::bytea], array['{{}}'::bytea], null); select re_raw.ingest('{2}', 5, array['x'::bytea], array['{{}}'::bytea], null)"
                .format(PROBE, MACHINE[PROBE], OTHER))
    begun = time.time()
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        subprocess.run(["psql", "-Xq", o.admin, "-c", "alter system set %s = off" % setting], check=True)
    cluster.sql("postgres", "select pg_reload_conf()")
    if not o.only:
        honest(cluster, o, bad)

    cluster.copy("postgres", "opened")
    cluster.sql("opened", OPEN)
    code, said = cluster.verify("opened", "--no-schema")
    if code:
        sys.exit("without constraints: exit %d\n%s" % (code, said[:3000]))
    kinds = 0
    for source, more, changes in (("opened", ["--no-schema"], mutations()), ("postgres", [], definitions())):
        for part in parts_of([c for c in changes if not o.only or o.only in c[0]]):
            cluster.copy(source, "m")
            for kind, sql, _, _ in part:
                cluster.sql("m", ("set session_replication_role = replica;" if source == "opened" else "") + sql, fatal=False)
            code, said = cluster.verify("m", *more)
            for kind, sql, says, _ in part:
                kinds += 1
                missing = [w for w in says if not re.search(w, said)]
                if code != 5 or missing or "\x1b" in said:
                    bad.append(kind)
                    print("NOT FOUND: %s (exit %d), nobody says %s\n%s" % (kind, code, missing, "\n".join(l[:300] for l in said.splitlines()[:8])), flush=True)
    print("kinds of changes: %d in %d s" % (kinds, time.time() - begun), flush=True)
    if o.only in (None, "random"):
        missed = random_changes(cluster, o.random, random.Random(o.seed))
        for m in missed[:40]:
            print("NOT FOUND: " + m)
        bad += missed
    if bad:
        sys.exit("%d not as it should be" % len(bad))
    print("all found, no false alarm")


main()
