# Sourced by the scripts of test/root, which are called as root with the directory to work in; PG_CONFIG names a private copy of
# PostgreSQL. Sets dir, user (who owns it and runs servers), top, bin.
dir=$1
user=${PITR_TEST_USER:-pitr_test}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$("$PG_CONFIG" --bindir)
as_user() { "$top/scripts/as-user.sh" "$@"; }
# [psql's options]: runs the SQL of its input, with the extension, on a new server in dir/cluster, stopped then as an operator would.
cluster_of() {
  as_user mkdir "$dir/cluster"
  { echo 'CREATE EXTENSION pg_pitr;'; cat; } |
    as_user "$top/test/lib/with-cluster.sh" "$dir/cluster" psql -X -q -v ON_ERROR_STOP=1 "$@"
}
# What is said is looked for in whole lines.
export COLUMNS=100000
fail() { echo "${0##*/}: $*" >&2; exit 1; }

mkdir -p "$dir"
chown "$user:" "$dir"
