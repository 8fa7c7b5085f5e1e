#!/usr/bin/env bash
# usage: mounts.sh DIR      (as root; PG_CONFIG names a private copy of PostgreSQL)
# File systems mounted inside a data directory: WAL stays on its own, nothing is renamed across, what could not be done is refused
# before pg_control is gone, and lost+found is nobody's business.
set -eu
[ "${2:-}" = inside ] || exec unshare -m --propagation private "$0" "$1" inside
. "$(dirname "$0")/../lib/root.sh"
cluster_of <<'SQL'
CREATE TABLE t AS SELECT g AS n FROM generate_series(1, 1000) g;
SELECT pitr_backup();
INSERT INTO t VALUES (1001);
SQL
data=$dir/data
cp -a "$dir/cluster/data" "$data"

disk() { # DIRECTORY: moves what it holds to a file system of its own, mounted there
  local m=$dir/mount.$RANDOM
  mkdir "$m"
  mount -t tmpfs -o mode=700,uid="$(id -u "$user")",gid="$(id -g "$user")" tmpfs "$m"
  mkdir -m 700 "$m/lost+found" # root's
  cp -a "$1/." "$m/"
  mount --move "$m" "$1"
}
restore() { # DIRECTORY OPTION...
  local into=$1
  shift
  as_user env "LIBMOUNT_FSTAB=$dir/fstab" "$bin/pg_pitr" restore --config "$dir/cluster/pg_pitr.conf" -D "$into" --target-latest --no-progress "$@" 2>&1
}
starts() { # DIRECTORY ROWS
  local rows
  as_user sh -c "printf '%s\n' \"unix_socket_directories = '$dir'\" 'archive_mode = off' >> '$1/postgresql.conf'"
  as_user "$bin/pg_ctl" -D "$1" -l "$1.log" -w -t 120 start >/dev/null || { cat "$1.log"; fail "$1: the server does not start"; }
  rows=$(as_user "$bin/psql" -X -At -h "$dir" -U pitr_admin -d postgres -c 'SELECT count(*) FROM t')
  as_user "$bin/pg_ctl" -D "$1" -m fast -w -t 60 stop >/dev/null
  [ "$rows" = "$2" ] || fail "$1: $rows rows instead of $2"
}

# pg_wal on a disk of its own, with WAL that is only there.
disk "$data/pg_wal"
as_user sh -c "echo 'only here' > '$data/pg_wal/000000090000000000000007'"
said=$(restore "$data" --delta) || fail "pg_wal on a disk of its own: $said"
grep -q 'does not have (.* to 000000090000000000000007) were set aside' <<<"$said" || fail "it is not said: $said"
[ "$(cat "$data"/pg_wal/*.before-restore-*/000000090000000000000007)" = 'only here' ] || fail "WAL is not set aside on its disk"
mountpoint -q "$data/pg_wal" && [ -d "$data/pg_wal/lost+found" ] || fail "pg_wal is not what it was"
starts "$data" 1001
said=$(restore "$data" --delta --waldir "$dir/elsewhere") && fail "a mount point became a link"
grep -q 'is a mount point' <<<"$said" && [ -e "$data/global/pg_control" ] || fail "refused otherwise: $said"

# base, and a stranger's file on it, which goes to another file system.
disk "$data/base"
as_user sh -c "echo notes > '$data/base/NOTES.txt'"
said=$(restore "$data" --delta) || fail "base on a disk of its own: $said"
[ "$(cat "$data"/*.before-restore-*/base/NOTES.txt)" = notes ] || fail "the stranger in base is not set aside"
starts "$data" 1001

# A mount point where a database was that is newer than the backup: refused, and nothing is touched.
as_user mkdir "$data/base/99999"
mount -t tmpfs tmpfs "$data/base/99999"
said=$(restore "$data" --delta) && fail "a mount point was removed"
grep -q 'base/99999" is a mount point' <<<"$said" || fail "refused otherwise: $said"
[ -e "$data/global/pg_control" ] || fail "pg_control is gone"
umount "$data/base/99999"
# A directory that is root's, a disk that is read-only.
install -d -o root -m 755 "$data/base/99999"
said=$(restore "$data" --delta) && fail "root's directory was removed"
grep -q 'base/99999" may not be written to' <<<"$said" && [ -e "$data/global/pg_control" ] || fail "refused otherwise: $said"
rmdir "$data/base/99999"
mount -o remount,ro "$data/base"
said=$(restore "$data" --delta) && fail "written to a read-only disk"
grep -q 'mounted read-only' <<<"$said" && [ -e "$data/global/pg_control" ] || fail "refused otherwise: $said"
mount -o remount,rw "$data/base"
# No room on one of the disks.
mount -o remount,size=60M "$data/base"
said=$(restore "$data" --delta) && fail "there was no room"
grep -q "not enough room for the backup in \"$data/base" <<<"$said" && [ -e "$data/global/pg_control" ] || fail "refused otherwise: $said"
umount "$data/base"

# A new directory with an empty disk mounted in it.
install -d -m 700 -o "$user" -g "$user" "$dir/new" "$dir/new/pg_wal"
echo "LABEL=wal $dir/new/pg_wal xfs defaults 0 2" >"$dir/fstab"
chmod 644 "$dir/fstab"
said=$(restore "$dir/new") && fail "the disk above a mount point was filled"
grep -q "nothing is mounted at \"$dir/new/pg_wal\", and $dir/fstab says" <<<"$said" || fail "refused otherwise: $said"
[ "$(find "$dir/new" | wc -l)" = 2 ] || fail "something was written: $(find "$dir/new")"
disk "$dir/new/pg_wal"
said=$(restore "$dir/new") || fail "a new directory with a disk for pg_wal: $said"
starts "$dir/new" 1001

# The disk fills up half-way, which no check beforehand saw: no file can be made any more. What is there cannot be started, nothing is
# lost, and the same command goes on when there is room.
inodes() { # DIRECTORY: how many are in use
  df --output=iused "$1" | tail -n 1
}
full=$dir/full
mkdir "$full"
mount -t tmpfs -o size=600M,nr_inodes=300 tmpfs "$full"
install -d -m 700 -o "$user" -g "$user" "$full/new"
said=$(restore "$full/new") && fail "a restore onto a full disk succeeds"
grep -q 'No space left on device' <<<"$said" && grep -q 'cannot be started. .* run the same command again' <<<"$said" || fail "a full disk: $said"
[ ! -e "$full/new/global/pg_control" ] || fail "a half-restored directory can be started"
mount -o remount,nr_inodes=100000 "$full"
said=$(restore "$full/new") || fail "the same command, with room: $said"
starts "$full/new" 1001
# Over the old directory, which has WAL that is nowhere else.
as_user sh -c "echo 'only here' > '$full/new/pg_wal/000000090000000000000008'; rm -r '$full/new'/base/*/[0-9]*"
mount -o "remount,nr_inodes=$(($(inodes "$full") + 20))" "$full"
said=$(restore "$full/new" --delta) && fail "a restore over a directory on a full disk succeeds"
grep -q 'No space left on device' <<<"$said" || fail "a full disk, --delta: $said"
[ ! -e "$full/new/global/pg_control" ] || fail "a half-restored directory can be started"
[ "$(cat "$full/new"/pg_wal/*.before-restore-*/000000090000000000000008)" = 'only here' ] || fail "WAL is lost on a full disk"
mount -o remount,nr_inodes=100000 "$full"
said=$(restore "$full/new" --delta) || fail "the same command, with room, --delta: $said"
grep -q '000000090000000000000008' <<<"$said" || fail "WAL that was set aside is not named again: $said"
[ "$(cat "$full/new"/pg_wal/*.before-restore-*/000000090000000000000008)" = 'only here' ] || fail "WAL is lost by going on"
starts "$full/new" 1001
