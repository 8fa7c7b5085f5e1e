#!/usr/bin/env bash
# usage: restore.sh DIR      (as root; PG_CONFIG names a private copy of PostgreSQL)
# Root restores into directories of the server's user, over and over with umasks of its own, as an operator does in an emergency: what
# arrives must belong to that user, with the modes it had, and the server must start from it.
set -eu
. "$(dirname "$0")/../lib/root.sh"
# A cluster with a tablespace, a backup, and a row that only WAL has. Its last segment is archived as it stops.
as_user mkdir "$dir/space" "$dir/sockets"
cluster_of -v space="$dir/space" <<'SQL'
CREATE TABLESPACE elsewhere LOCATION :'space';
CREATE TABLE here AS SELECT g AS n FROM generate_series(1, 1000) g;
CREATE TABLE there (n int) TABLESPACE elsewhere;
INSERT INTO there SELECT * FROM here;
SELECT pitr_backup();
INSERT INTO there VALUES (1001);
SQL

# Everything below a directory: path, mode, owner and group; without what a restore writes itself and what the server made since.
listing() { # DIR
  (cd "$1" && find -L . -regextype egrep \( -regex './(pg_wal.before-restore-.*|(pg_wal|pg_stat|pg_logical|pg_subtrans|pg_notify)/.*)' -prune \) -o -printf '%P %m %u %g\n') |
    grep -vE '^(postmaster\.(pid|opts)|backup_label(\.old)?|tablespace_map(\.old)?|recovery\.signal|postgresql\.auto\.conf|pg_pitr\.(restored|archived|kit|directory)|.*pg_internal\.init) ' | sort
}

restore() { # NAME UMASK OPTION...
  local name=$1 mask=$2
  shift 2
  (umask "$mask" && "$bin/pg_pitr" restore --config "$dir/cluster/pg_pitr.conf" -D "$dir/$name" --tablespace "$dir/space=$dir/$name-space" \
    --target-latest --no-progress "$@") || fail "pg_pitr restore into $name"
  find "$dir/$name" "$dir/$name-space" \( ! -user "$user" -o ! -group "$user" \) -ls | grep . && fail "$name: these are not $user's"
  find "$dir/$name" "$dir/$name-space" ! -type l -perm /077 -ls | grep . && fail "$name: others may touch these"
  diff <(listing "$dir/cluster/data") <(listing "$dir/$name") || fail "$name: owners or modes differ from the original's"
}

starts() { # NAME
  as_user sh -c "printf '%s\n' \"unix_socket_directories = '$dir/sockets'\" 'archive_mode = off' >> '$dir/$1/postgresql.conf'"
  as_user "$bin/pg_ctl" -D "$dir/$1" -l "$dir/cluster/$1.log" -w -t 120 start >/dev/null || { cat "$dir/cluster/$1.log"; fail "$1: the server does not start"; }
  local rows
  rows=$(as_user "$bin/psql" -X -At -h "$dir/sockets" -U pitr_admin -d postgres -v ON_ERROR_STOP=1 <<'SQL'
SET statement_timeout = '60s';
DO $$ BEGIN WHILE pg_is_in_recovery() LOOP PERFORM pg_sleep(0.05); END LOOP; END $$;
CREATE TABLE afterwards (n int) TABLESPACE elsewhere;
SELECT (SELECT count(*) FROM here) || ' ' || (SELECT count(*) FROM there);
SQL
  ) || true
  as_user "$bin/pg_ctl" -D "$dir/$1" -m fast -w -t 60 stop >/dev/null
  [ "$(tail -n 1 <<<"$rows")" = '1000 1001' ] || fail "$1: rows are \"$rows\""
}

# Into an empty directory of the user's; the tablespace's is made.
install -d -m 700 -o "$user" -g "$user" "$dir/one"
restore one 000
starts one

# Over it with --delta, and into a tablespace that root had prepared.
restore one 077 --delta
starts one
install -d -m 700 -o "$user" -g "$user" "$dir/two"
install -d -m 700 -o root -g root "$dir/two-space"
restore two 022
starts two

# A directory that root makes is root's, and the operator is told how to give it away.
said=$("$bin/pg_pitr" restore --config "$dir/cluster/pg_pitr.conf" -D "$dir/three" --tablespace "$dir/space=$dir/three-space" --target-latest --no-progress)
grep -qF "chown -R postgres $dir/three $dir/three-space" <<<"$said" || fail "the report does not say whose the directory is: $said"
chown -R "$user:" "$dir/three" "$dir/three-space"
starts three

# What root wrote into the repository, the holds, belongs to the server's user, who can read it.
repository=$(sed -n "s|^pg_pitr.repository = 'file://\(.*\)'|\1|p" "$dir/cluster/pg_pitr.conf")
find "$repository" \( ! -user "$user" -o ! -group "$user" \) -ls | grep . && fail "these of the repository are not $user's"
as_user "$bin/pg_pitr" info --config "$dir/cluster/pg_pitr.conf" | grep -qF "held for a restore until" || fail "the server's user sees no hold"

# What a link of the server's user in pg_tblspc leads to is set aside when it is that user's only.
version=$(basename "$dir"/one-space/PG_*)
install -d -m 700 -o nobody "$dir/others" "$dir/others/$version"
echo rows >"$dir/others/$version/file"
as_user ln -s "$dir/others" "$dir/one/pg_tblspc/88888"
said=$("$bin/pg_pitr" restore --config "$dir/cluster/pg_pitr.conf" -D "$dir/one" --tablespace "$dir/space=$dir/one-space" --target-latest --no-progress --delta 2>&1) ||
  fail "root does not restore over a link to another's directory: $said"
grep -qF "\"$dir/others\", to which a link of tablespace 88888 led, was not touched" <<<"$said" || fail "not said: $said"
[ "$(ls "$dir/others")" = "$version" ] || fail "another user's directory was renamed"

# Where a link of the server's user leads on the way, and what that user's pg_wal leads to, root neither follows nor gives away.
as_user ln -s "$dir" "$dir/sly"
said=$("$bin/pg_pitr" restore --config "$dir/cluster/pg_pitr.conf" -D "$dir/four" --tablespace "$dir/space=$dir/sly/four-space" --target-latest --no-progress 2>&1) &&
  fail "root followed a link of the server's user"
grep -qF "over the symbolic link \"$dir/sly\"" <<<"$said" || fail "refused otherwise: $said"
install -d -m 755 -o root -g root "$dir/roots"
echo keep >"$dir/roots/file"
as_user sh -c "rm -r '$dir/one/pg_wal' && ln -s '$dir/roots' '$dir/one/pg_wal'"
said=$("$bin/pg_pitr" restore --config "$dir/cluster/pg_pitr.conf" -D "$dir/one" --tablespace "$dir/space=$dir/one-space" --target-latest --no-progress --delta 2>&1) &&
  fail "root gave a directory away"
grep -qF "\"$dir/roots\" belongs to another user and is not empty" <<<"$said" || fail "refused otherwise: $said"
[ -e "$dir/one/global/pg_control" ] && [ "$(stat -c %U "$dir/roots")" = root ] || fail "something was touched"
