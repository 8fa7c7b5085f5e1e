#!/usr/bin/env bash
# The accident, end to end, on a throw-away cluster: rows, a backup, more rows, a DELETE without WHERE, and the way back.
# usage: scripts/demo.sh [directory|s3]   as an unprivileged user, with pg_pitr installed (`make demo` does both)
# For s3 the environment names a running server (test/lib/rgw.sh run -- scripts/demo.sh s3).
set -euo pipefail

store=${1:-directory}
pg_config=${PG_CONFIG:-pg_config}
bin=$("$pg_config" --bindir)
pg_pitr=${PG_PITR:-$bin/pg_pitr}
work=$(mktemp -d "${TMPDIR:-/tmp}/pg_pitr_demo.XXXXXX")
data=$work/data
port=54329
export PGHOST=$work PGPORT=$port PGUSER=demo PGDATABASE=postgres PGTZ=UTC TZ=UTC LC_ALL=C

clean_up() {
  local status=$?
  "$bin/pg_ctl" -D "$data" -m immediate stop >/dev/null 2>&1 || true
  if [ "$status" -ne 0 ] && [ -f "$work/server.log" ]; then
    printf '\nThe demo failed (exit %s). The end of the server log:\n' "$status"
    tail -n 25 "$work/server.log"
  fi
  rm -rf "$work"
}
trap clean_up EXIT

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; else bold='' dim='' off=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$1" "$off"; }
say() { printf '   %s\n' "$1"; }
show() { printf '%s   $ %s%s\n' "$dim" "$1" "$off"; }
indent() { sed 's/^/   /'; }
sql() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }
ask() { sql -At -c "$1"; }
show_sql() { show "psql -c \"$1\""; sql -P border=1 -P footer=off -c "$1" 2>&1 | indent; }

write_settings() {
  if [ "$store" = s3 ]; then
    umask 077
    printf 'access_key_id = %s\nsecret_access_key = %s\n' "$PITR_TEST_S3_ACCESS_KEY" "$PITR_TEST_S3_SECRET_KEY" > "$work/s3.key"
    head -c 32 /dev/urandom | base64 > "$work/passphrase"
    umask 022
    cat > "$work/pg_pitr.conf" <<X
# The only settings file: included by the server, read by the pg_pitr binary.
pg_pitr.repository = 's3://$PITR_TEST_S3_BUCKET/demo-$$'
pg_pitr.s3_endpoint = '$PITR_TEST_S3_HTTPS'
pg_pitr.s3_ca_file = '$PITR_TEST_S3_CA'
pg_pitr.s3_credentials_file = '$work/s3.key'
pg_pitr.passphrase_file = '$work/passphrase'
pg_pitr.cluster_name = 'orders'
X
  else
    mkdir "$work/repository"
    cat > "$work/pg_pitr.conf" <<X
# The only settings file: included by the server, read by the pg_pitr binary.
pg_pitr.repository = 'file://$work/repository'
pg_pitr.cluster_name = 'orders'
X
  fi
}

start_server() { "$bin/pg_ctl" -D "$1" -l "$work/server.log" -w -t 120 start >/dev/null; }

wait_until_open() {  # recovery is over and the server takes writes
  local tries=0
  until [ "$(ask 'select pg_is_in_recovery()' 2>/dev/null)" = f ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "recovery did not end within 60 s"; exit 1; }
    sleep 0.1
  done
}

step "1. A PostgreSQL server that archives with pg_pitr"
"$bin/initdb" -D "$data" -U demo -A trust -N --data-checksums >/dev/null
write_settings
cat >> "$data/postgresql.conf" <<X
listen_addresses = ''
unix_socket_directories = '$work'
port = $port
archive_mode = on
archive_library = 'pg_pitr'
shared_preload_libraries = 'pg_pitr'
include '$work/pg_pitr.conf'
X
start_server "$data"
say "PostgreSQL $(ask 'SHOW server_version' | cut -d' ' -f1), settings in pg_pitr.conf:"
grep -v '^#' "$work/pg_pitr.conf" | sed "s|$work|...|g" | indent
sql -c 'CREATE EXTENSION pg_pitr'
show_sql "SELECT \"check\", ok, detail FROM pitr_check()"

step "2. Orders come in; a base backup is taken"
sql -c "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text, placed_at timestamptz DEFAULT clock_timestamp())"
sql -c "INSERT INTO orders (item) SELECT 'order ' || n FROM generate_series(1, 10000) n"
show_sql "SELECT pitr_backup()"
show_sql "SELECT label, type, status, pg_size_pretty(database_size) AS database, pg_size_pretty(stored_size) AS stored FROM pitr_info()"

step "3. More orders after the backup"
for _ in 1 2 3; do
  sql -c "INSERT INTO orders (item) SELECT 'late order ' || n FROM generate_series(1, 500) n"
done
before=$(ask 'SELECT count(*) FROM orders')
say "orders in the table: $before"

step "4. The accident: DELETE without WHERE"
good_time=$(ask 'SELECT clock_timestamp()')
sleep 1
show_sql "DELETE FROM orders"
say "orders in the table: $(ask 'SELECT count(*) FROM orders')"
sleep 1
sql -c "CREATE TABLE noise AS SELECT 1"   # life goes on for a moment before anybody notices
ask 'SELECT pg_switch_wal()' >/dev/null
tries=0
until [ "$(ask "SELECT backlog_segments = 0 FROM pitr_status")" = t ]; do
  tries=$((tries + 1)); [ "$tries" -lt 600 ] || { echo "WAL was not archived within 60 s"; exit 1; }
  sleep 0.1
done
say "the last moment known to be good: $good_time"

step "5. The plan: can we get back, from what, and how?"
show "psql -c \"SELECT * FROM pitr_restore_plan(target_time => '$good_time')\""
sql -At -F $'\t' -c "SELECT * FROM pitr_restore_plan(target_time => '$good_time')" | sed "s|$work|...|g" |
  awk -F '\t' '{ printf "   %-17s %s\n", $1, $2 }'

step "6. The restore, with the server stopped"
"$bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null
show "pg_pitr restore --config pg_pitr.conf --pgdata data --delta --target-time '$good_time'"
"$pg_pitr" restore --config "$work/pg_pitr.conf" --pgdata "$data" --delta --target-time "$good_time" 2>&1 | sed "s|$work|...|g" | indent
say "(The file moved aside was the segment being written: here it holds no more than the server's own shutdown.)"
start_server "$data"
wait_until_open
grep -E 'starting point-in-time|recovery stopping|selected new timeline|archive recovery complete' "$work/server.log" | sed 's/^.*LOG:  /LOG:  /' | indent

step "7. The proof"
after=$(ask 'SELECT count(*) FROM orders')
say "orders before the accident: $before"
say "orders after the restore:   $after"
[ "$before" = "$after" ] || { echo "the counts differ"; exit 1; }
[ "$(ask "SELECT count(*) FROM pg_class WHERE relname = 'noise'")" = 0 ] || { echo "something after the target is there"; exit 1; }
say "what came after the target (table noise) is not there, as asked"

step "8. A fresh full backup on the new timeline"
show_sql "SELECT pitr_backup()"
show "pg_pitr info --config pg_pitr.conf"
"$pg_pitr" info --config "$work/pg_pitr.conf" | sed "s|$work|...|g" | indent

step "Done"
say "Every row is back. The throw-away cluster and its repository are removed now."
