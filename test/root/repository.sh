#!/usr/bin/env bash
# usage: repository.sh DIR      (as root; PG_CONFIG names a private copy of PostgreSQL)
# Root works in a repository of the server's user. It follows none of the links that this user puts there: what they lead to is
# neither read, nor written to, nor removed, nor given away. Parts of a repository on another file system are found by a check.
# Any server version will do.
set -eu
[ "${2:-}" = inside ] || exec unshare -m --propagation private "$0" "$1" inside
. "$(dirname "$0")/../lib/root.sh"
cluster_of <<'SQL'
SELECT pitr_backup();
SELECT pitr_backup();
CREATE TABLE t ();
SQL
repository=$dir/cluster/repository
config=$dir/cluster/pg_pitr.conf
pitr() { "$bin/pg_pitr" "$1" --config "$config" "${@:2}" 2>&1; }

install -d -m 700 -o root -g root "$dir/roots" "$dir/roots/sub"
for file in "$dir/roots/a" "$dir/roots/sub/b"; do echo "root's" >"$file"; touch -d '9 days ago' "$file"; done
before=$(cd "$dir/roots" && find . -printf '%p %u %m %s %T@\n' | sort)
named() { # LINK SAID
  grep -qF "\"$repository/$1\" is a symbolic link" <<<"$2" && grep -qF "It leads to \"$(readlink "$repository/$1")\"" <<<"$2"
}
refuses() { # LINK VERB
  local said
  said=$(pitr "$2") && fail "pg_pitr $2: root passed by the link $1"
  named "$1" "$said" || fail "pg_pitr $2: refused otherwise: $said"
}
for link in probe wal/00000002 backup/other; do
  as_user ln -s "$dir/roots" "$repository/$link"
  refuses $link expire
  rm "$repository/$link"
done
# A number for the new timeline is no condition of a restore.
as_user ln -s "$dir/roots" "$repository/number"
said=$(pitr restore --as-copy -D "$dir/copy" --no-progress) || fail "restore: $said"
named number "$said" || fail "restore does not tell of the link: $said"
rm "$repository/number"
after=$(cd "$dir/roots" && find . -printf '%p %u %m %s %T@\n' | sort)
[ "$before" = "$after" ] || fail "root touched what a link led to: $after"
as_user ln -s . "$repository/backup/x"
as_user ln -s . "$repository/backup/y"
refuses backup/x info
rm "$repository/backup/x" "$repository/backup/y"

# The repository itself may be a link.
mv "$repository" "$dir/moved"
as_user ln -s "$dir/moved" "$repository"
said=$(pitr expire) || fail "a repository behind a link: $said"
find "$dir/moved" \( ! -user "$user" -o ! -group "$user" \) -ls | grep . && fail "these of the repository are not $user's"
rm "$repository"
mv "$dir/moved" "$repository"

# A part of it on another file system, or mounted from the same one by itself: archiver or backup could store nothing there.
check_fails() { # DIRECTORY
  local said
  said=$(pitr check) && fail "pg_pitr check: all is well with $1 mounted by itself"
  grep -qF "\"$repository/$1\" is on another file system than \"$repository\"" <<<"$said" || fail "pg_pitr check fails otherwise: $said"
}
pitr check >/dev/null || fail "pg_pitr check: $(pitr check)"
for part in data wal/00000001 .tmp~; do
  mount --bind "$repository/$part" "$repository/$part"
  check_fails $part
  umount "$repository/$part"
done
mount -t tmpfs -o mode=755,uid="$(id -u "$user")" tmpfs "$repository/wal"
check_fails wal
said=$(pitr wal-push "$dir/cluster/data/pg_wal/$(ls "$dir/cluster/data/pg_wal" | grep -E '^[0-9A-F]{24}$' | head -n 1)") && fail "stored across file systems"
grep -qF "\"$repository/wal\" is on another file system" <<<"$said" || fail "pg_pitr wal-push fails otherwise: $said"
umount "$repository/wal"
pitr check >/dev/null || fail "pg_pitr check, afterwards: $(pitr check)"

# The file system is full to the last block and the last inode, and another writer takes what becomes free: an expiry still frees it.
full=$dir/full
mkdir "$full"
mount -t tmpfs -o size=30M,mode=755,uid="$(id -u "$user")" tmpfs "$full"
cp -a "$repository" "$full/repository"
sed "s|^pg_pitr.repository = .*|pg_pitr.repository = 'file://$full/repository'|" "$config" >"$dir/full.conf"
printf '%s\n' "pg_pitr.retention_full = 1" "pg_pitr.retry_timeout = '1s'" >>"$dir/full.conf"
config=$dir/full.conf
reserve=$full/repository/.tmp~/reserve
backups() { find "$full/repository/backup" -name manifest | wc -l; }
pieces() { find "$reserve" -type f -size 32k -user "$user" -group "$user" 2>/dev/null | wc -l; }
fill() { dd if=/dev/zero bs=4k oflag=append conv=notrunc of="$full/fill" 2>/dev/null || true; }
[ "$(backups) $(pieces)" = '2 32' ] || fail "backups and pieces of the reserve: $(backups) $(pieces)"
fill
mount -o "remount,nr_inodes=$(($(df --output=iused "$full" | tail -n 1) + 20))" "$full"
i=0
while touch "$full/fill.$((i += 1))" 2>/dev/null; do :; done
pitr expire --dry-run >/dev/null || fail "a dry run on a full file system"
[ "$(pieces)" = 32 ] || fail "a dry run takes of the reserve"
# What else would write is told within seconds, however long other failures are tried again.
sed "s/^pg_pitr.retry_timeout = .*/pg_pitr.retry_timeout = '5min'/" "$config" >"$dir/patient.conf"
label=$(ls "$full/repository/backup" | head -n 1)
said=$(timeout 60 "$bin/pg_pitr" pin "$label" --config "$dir/patient.conf" 2>&1) && fail "what was written into a full file system?"
grep -q "gave up after .* No space left on device" <<<"$said" || fail "a full disk is told otherwise: $said"
(while [ ! -e "$dir/enough" ]; do fill; done) &
competitor=$!
said=$(pitr expire) || { touch "$dir/enough"; wait $competitor; fail "a full repository cannot be expired: $said"; }
touch "$dir/enough"
wait $competitor
[ "$(backups)" = 1 ] || fail "$(backups) backups are left: $said"
rm "$full"/fill*
said=$(pitr expire) || fail "with room again: $said"
[ "$(pieces)" = 32 ] || fail "$(pieces) pieces are in the reserve afterwards"

# Without a reserve it is said what to do, and the reserve is there afterwards.
rm -r "$reserve"
fill
said=$(pitr expire) && fail "what was written into a full file system?"
grep -qF "free 1 MB by hand" <<<"$said" || fail "it is not said what to do: $said"
mount -o remount,size=31M,nr_inodes=10000 "$full"
said=$(pitr expire) || fail "with 1 MB: $said"
