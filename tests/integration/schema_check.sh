#!/usr/bin/env bash
# `schema check` names what somebody changed in a live database by hand, and leaves nothing behind.
source "$(dirname "$0")/lib.sh"
demo; cd "$work"; database
run 0 "$probe" replay demo.pcap --out "postgres:$writer"
run 0 "$probe" schema check -d "$admin"; says "every object is as the bundle makes it"
run 0 "$probe" schema check -d "$writer"; says "takes a superuser"

# Yesterday's partitions, a sealed one among them, are no difference.
sql "select re_ops.ensure_partitions(now() - interval '3 days', now())" >/dev/null
leaf=$(sql "select format('re_dpi.flow_p%s', to_char(now() at time zone 'UTC' - interval '2 days', 'YYYYMMDD'))")
sql "select re_ops.seal_partition('$leaf')" >/dev/null
run 0 "$probe" schema check -d "$admin"

# differs WHAT HOW_IT_IS_SAID STATEMENT UNDO
differs() {
  sql "$3" >/dev/null
  run 5 "$probe" schema check -d "$admin"; says "$2"
  [ "$(grep -c . out)" -le "${5:-2}" ] || { cat out >&2; fail "$1: more is said than was changed"; }
  sql "$4" >/dev/null
}
differs "trigger dropped" "re_core.tenant: trigger refuse_change is missing" "drop trigger refuse_change on re_core.tenant" "select re_core.make_append_only('re_core.tenant')"
differs "trigger of a partition dropped" "^$leaf: trigger refuse_change is missing" "drop trigger refuse_change on $leaf" "select re_core.make_append_only('$leaf')"
differs "trigger disabled" "re_raw.checkpoint: trigger refuse_change is .*\(disabled\)' instead of .*\(enabled always\)'" "alter table re_raw.checkpoint disable trigger refuse_change" "alter table re_raw.checkpoint enable always trigger refuse_change"
differs "grant revoked" "re_view.flow: right of re_soc to select is missing" "revoke select on re_view.flow from re_soc" "grant select on re_view.flow to re_soc"
differs "grant given" "re_dpi.dns: right of re_probe to insert is not of the bundle" "grant insert on re_dpi.dns to re_probe" "revoke insert on re_dpi.dns from re_probe"
differs "grant to everybody" "re_raw.ingest.*: right of public to execute is not of the bundle" "grant execute on function re_raw.ingest to public" "revoke execute on function re_raw.ingest from public"
differs "column added" "re_core.machine: column note is not of the bundle" "alter table re_core.machine add column note text" "alter table re_core.machine drop column note"
differs "column type" "re_core.tenant: column created_by is 'text.*instead of 'name" "alter table re_core.tenant alter created_by type text" "alter table re_core.tenant alter created_by type name"
differs "constraint dropped" "re_dpi.flow: constraint flow_ends_after_it_starts is missing" "alter table re_dpi.flow drop constraint flow_ends_after_it_starts" "alter table re_dpi.flow add constraint flow_ends_after_it_starts check (end_at >= start_at)" 9
differs "foreign key not enforced" "re_core.tenant_member: disabled check of constraint" "alter table re_core.tenant_member disable trigger all" "alter table re_core.tenant_member enable trigger all; alter table re_core.tenant_member enable always trigger refuse_change" 4
differs "row-level security off" "re_raw.raw_event: row-level security is 'off.*' instead of 'on" "alter table re_raw.raw_event disable row level security" "alter table re_raw.raw_event enable row level security"
body=$(sql "select pg_get_functiondef('re_raw.may_write'::regproc)")
differs "function body" "re_raw.may_write\(re_core.component_instance\): definition" "create or replace function re_raw.may_write(p_instance re_core.component_instance) returns boolean language plpgsql stable set search_path = pg_catalog, pg_temp as \$\$ begin return true; end \$\$" "$body"
differs "owner" "re_core.tenant: owner is 'probe1' instead of 're_owner'" "alter table re_core.tenant owner to probe1" "alter table re_core.tenant owner to re_owner" 30
differs "table added" "re_raw.backdoor is not of the bundle" "create table re_raw.backdoor (x int)" "drop table re_raw.backdoor"
differs "event type forgotten" "re_raw.event_type: row dpi_probe dpi.dns v1 is missing" "alter table re_raw.event_type disable trigger refuse_change; delete from re_raw.event_type where event_type = 'dpi.dns'; alter table re_raw.event_type enable always trigger refuse_change" "insert into re_raw.event_type values ('dpi_probe', 'dpi.dns', 1, 're_dpi', 'store_dns')"
differs "login of a group" "role re_soc: login is not of the bundle" "alter role re_soc login" "alter role re_soc nologin"
run 0 "$probe" schema check -d "$admin"
[ "$(sql "select count(*) from pg_database where datname like 're_schema_check%'")" = 0 ] || fail "a scratch database was left behind"
echo "every change was named"
