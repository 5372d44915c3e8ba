#!/usr/bin/env bash
# The bundle uses nothing that came after PostgreSQL 14. Debian 12 has no 14 to run it on, so its text is searched for what 15, 16, 17 and 18
# brought: syntax and functions (a function's body is resolved only when it runs, and then by the newer server here). Comments do not count.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
functions='regexp_count regexp_instr regexp_like regexp_substr range_agg range_intersect_agg xmltext to_regtypemod has_parameter_privilege
    any_value array_sample array_shuffle random_normal date_add date_subtract pg_input_is_valid pg_input_error_info system_user erf erfc
    json_array json_arrayagg json_objectagg json_scalar json_serialize json_exists json_query json_value json_table
    uuid_extract_timestamp uuid_extract_version to_bin to_oct unicode_assigned pg_basetype uuidv4 uuidv7 array_sort array_reverse casefold crc32 crc32c gamma lgamma'
syntax='\bmerge\s+into\b
\bnulls\s+(not\s+)?distinct\b
\bsecurity_invoker\b
\bon\s+delete\s+set\s+(null|default)\s*\(
\b(grant|revoke)\s+(set|alter\s+system)\s+on\s+parameter\b
\bpg_(checkpoint|use_reserved_connections|create_subscription|maintain|signal_autovacuum_worker)\b
\bgrant\b.*\bwith\s+(inherit|set)\b
\bmaintain\s+on\b
\bis\s+(not\s+)?json\b
\bat\s+local\b
\b[0-9]+_[0-9]+\b(?!['"'"'"])
\b0[xob][0-9a-f_]+\b
\bnumeric\s*\(\s*[0-9]+\s*,\s*-
\bstorage\s+(plain|external|extended|main|default)\b
\breturning\s+(with\s*\(|old\.|new\.|merge_action)
\bnot\s+enforced\b
\bwithout\s+overlaps\b
\b(locale_provider|icu_rules|builtin_locale)\b
\bset\s+access\s+method\b
\bon_error\b
\bheader\s+match\b
\bset\s+expression\b
\bsplit\s+partition\b'
# Prints file:line: what
search() {
    perl -e '
        my ($functions, $syntax, @files) = @ARGV;
        my @rules = map { qr/$_/i } grep { length } split /\n/, $syntax;
        push @rules, qr/(?<![.\w])(?:pg_catalog\.)?(?:@{[join "|", split " ", $functions]})\s*\(/i, qr/(?<![.\w])system_user\b/i;
        for my $file (@files) {
            open my $in, "<", $file or die "$file: $!";
            my ($generated, $stored) = (0, 0);     # a generated column that is not stored came with 18
            while (my $line = <$in>) {
                $line =~ s/--.*//;
                next if $line =~ /^comment on /i;
                $generated++ while $line =~ /\bgenerated\s+always\s+as\s*\(/gi;
                $stored++ while $line =~ /\)\s*stored\b/gi;
                for my $rule (@rules) { print "$file:$.: $&\n" if $line =~ $rule; }
            }
            print "$file: $generated generated columns, $stored stored\n" if $generated != $stored;
        }' "$functions" "$syntax" "$@"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# The search finds what it is for ...
while IFS= read -r sample; do
    printf '%s\n' "$sample" >"$work/sample"
    [ -n "$(search "$work/sample")" ] || { echo "not found: $sample"; failed=1; }
done <<'SQL'
merge into t using s on true when matched then delete;
create unique index i on t (a) nulls not distinct;
create view v with (security_invoker = true) as select 1;
select regexp_count('a', 'a');
select Regexp_Like ('a', 'a');
foreign key (a, b) references t on delete set null (b)
grant set on parameter work_mem to r;
select x is json object;
select now() at local;
select 1_000;
select 0xff;
select any_value(x) from t;
select pg_catalog.json_array(1);
update t set a = 1 returning old.a;
select uuidv7();
create table t (a int generated always as (b + 1));
create table t (a text storage main);
select system_user;
SQL
# ... and nothing that 14 has.
cat >"$work/sample" <<'SQL'
select string_to_table('a', 'b'), date_bin('1 s', now(), now()), bit_count('\x01'), re_x.any_value(1), json_build_array(1), p_array_sort, 'x_1', col_12 from t;   -- merge into
create function f() returns int language sql return 1;
alter table t alter a set storage external_x;
create table t (a int not null generated always as (b - 1) stored);
SQL
[ -z "$(search "$work/sample")" ] || { echo "found in what 14 has: $(search "$work/sample")"; failed=1; }
found=$(search "$root"/schemas/0*.sql)
[ -z "$found" ] || { printf 'newer than PostgreSQL 14:\n%s\n' "$found"; failed=1; }
exit $failed
