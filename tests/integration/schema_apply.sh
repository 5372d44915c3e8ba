#!/usr/bin/env bash
# `schema apply` makes the bundle in an empty database and takes a database of every released one to it, over all versions between, in one
# transaction; what comes out is the bundle, object by object.
source "$(dirname "$0")/lib.sh"
cd "$work"; database
run 0 "$probe" schema apply -d "$admin"; says "nothing to do"
tried=0
for released in "$root"/tests/schema/released/*/; do
  version=$(basename "$released"); db=${admin/dbname=postgres/dbname=of_$tried}
  sql "create database of_$tried template template0 encoding 'UTF8'" >/dev/null
  cat "$released"/0*.sql | psql -Xq -1 -v ON_ERROR_STOP=1 "$db" >/dev/null
  hash=$(cat "$released"/0*.sql | sha256sum | cut -d' ' -f1)
  psql -Xq "$db" -c "select re_core.register_bundle('$version', '\\x$hash')" >/dev/null
  run 0 "$probe" schema plan -d "$db"; says "bundle $version would become"
  steps=$(grep -c '\.sql$' out)
  run 0 "$probe" schema apply -d "$db"; says "bundle $version migrated to"
  [ "$(psql -XqAt "$db" -c "select count(*) from re_core.schema_bundle")" = $((steps + 1)) ] || fail "$version: a version between is not registered"
  run 0 "$probe" schema check -d "$db"; says "every object is as the bundle makes it"
  run 0 "$probe" schema apply -d "$db"; says "nothing to do"
  tried=$((tried + 1))
done
[ $tried -ge 2 ] || fail "only $tried released bundles"
echo "$tried released bundles become this one"
