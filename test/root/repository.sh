#!/usr/bin/env bash
# usage: repository.sh DIR      (as root; PG_CONFIG names a private copy of PostgreSQL)
# Root works in a repository of the server's user. It follows none of the links that this user puts there: what they lead to is
# neither read, nor written to, nor removed, nor given away.
# Any server version will do.
set -eu
[ "${2:-}" = inside ] || exec unshare -m --propagation private "$0" "$1" inside
. "$(dirname "$0")/../lib/root.sh"
as_user mkdir "$dir/cluster"
as_user "$top/test/lib/with-cluster.sh" "$dir/cluster" psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE EXTENSION pg_pitr;
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
