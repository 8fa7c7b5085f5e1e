# Sourced by the scripts of test/root, which are called as root with the directory to work in; PG_CONFIG names a private copy of
# PostgreSQL. Sets dir, user (who owns it and runs servers), top, bin.
dir=$1
user=${PITR_TEST_USER:-pitr_test}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$("$PG_CONFIG" --bindir)
as_user() { "$top/scripts/as-user.sh" "$@"; }
fail() { echo "${0##*/}: $*" >&2; exit 1; }

mkdir -p "$dir"
chown "$user:" "$dir"
