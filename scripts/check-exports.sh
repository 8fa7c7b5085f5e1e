#!/usr/bin/env bash
# usage: check-exports.sh MODULE.so
# Fails if the module exports a symbol that exports.map does not mean to, lacks one of its own, or lacks a function that the extension's
# SQL names.
set -eu
module=$1
exported=$(nm -D --defined-only --format=posix "$module" | awk '{print $1}' | sort -u)
bad=$(grep -vE '^(Pg_magic_func|_PG_init|_PG_archive_module_init|pg_finfo_pitr_[a-z0-9_]+|pitr_[a-z0-9_]+)$' <<<"$exported" || true)
status=0
if [ -n "$bad" ]; then
  echo "$module exports what nobody needs:" $bad >&2
  status=1
fi
for symbol in Pg_magic_func _PG_init _PG_archive_module_init; do
  grep -qx "$symbol" <<<"$exported" || { echo "$module does not export $symbol" >&2; status=1; }
done
# What is linked late is the server's; a name of our own that is missing would stop the server when it loads the module.
missing=$(nm -D -C --undefined-only "$module" | sed -n 's/^ *U \(pitr::.*\)/\1/p')
[ -z "$missing" ] || { echo "$module lacks: $missing" >&2; status=1; }
# Every function of language C: AS 'MODULE_PATHNAME', 'symbol'.
named=$(cat sql/pg_pitr--*.sql | tr '\n' ' ' | grep -oE "'MODULE_PATHNAME' *, *'[a-z0-9_]+'" | sed "s/.*'\([a-z0-9_]*\)'/\1/" | sort -u)
[ -n "$named" ] || { echo "the extension's SQL names no function of $module" >&2; status=1; }
for symbol in $named; do
  for want in "$symbol" "pg_finfo_$symbol"; do
    grep -qx "$want" <<<"$exported" || { echo "the extension's SQL names $symbol, but $module does not export $want" >&2; status=1; }
  done
done
[ $status -ne 0 ] || echo "exports: $(wc -l <<<"$exported") symbols, $(wc -w <<<"$named") SQL functions, all as intended"
exit $status
