#!/usr/bin/env bash
# usage: with-cluster.sh DIR COMMAND...
# Runs a command against a new cluster in DIR that archives with pg_pitr to a directory beside it. PGHOST, PGPORT and PGUSER point to it.
# The server is stopped at the end, and its log is searched for crashes.
set -u
dir=$1
shift
bin=$("${PG_CONFIG:-pg_config}" --bindir)
socket=$(mktemp -d "${TMPDIR:-/tmp}/pitr-sock.XXXXXX")
mkdir -p "$dir/repository"
export PGHOST=$socket PGPORT=5432 PGUSER=pitr_admin PGDATABASE=postgres PGTZ=UTC LC_ALL=C
stop() {
  "$bin/pg_ctl" -D "$dir/data" -m fast -w -t 60 stop >/dev/null 2>&1 || "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
  rm -rf "$socket"
}
trap stop EXIT
trap 'exit 130' INT TERM

"$bin/initdb" -D "$dir/data" -U "$PGUSER" -A trust -N --data-checksums --no-instructions >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log"; exit 1; }
cat >"$dir/pg_pitr.conf" <<C
pg_pitr.repository = 'file://$dir/repository'
pg_pitr.cluster_name = 'sql tests'
C
cat >>"$dir/data/postgresql.conf" <<C
listen_addresses = ''
unix_socket_directories = '$socket'
shared_preload_libraries = 'pg_pitr'
archive_mode = on
archive_library = 'pg_pitr'
fsync = off
jit = off
include '$dir/pg_pitr.conf'
C
"$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >/dev/null || { cat "$dir/server.log"; exit 1; }
"$@"
status=$?
"$bin/pg_ctl" -D "$dir/data" -m fast -w -t 60 stop >/dev/null || { echo "the server did not stop within 60 s"; status=1; }
if grep -nE 'terminated by signal|PANIC|TRAP:|Segmentation|AddressSanitizer|runtime error:|server process .* exited' "$dir/server.log"; then
  echo "the server log shows a crash"
  status=1
fi
exit $status
