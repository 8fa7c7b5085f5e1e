#!/usr/bin/env bash
# usage: with-private-install.sh COMMAND...
# Builds, installs into a private copy of PostgreSQL in a temporary directory, and runs the command (a path in this checkout) there as an
# ordinary user, with PG_CONFIG and PATH pointing to the copy. Everything is removed at the end.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/pg_pitr-run.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
echo "building..."
if ! make -j "$(nproc)" >"$work/build.log" 2>&1 || ! PG_CONFIG=$(scripts/private-install.sh "$work/root" 2>>"$work/build.log"); then
  tail -n 40 "$work/build.log"
  exit 1
fi
export PG_CONFIG
PATH=$("$PG_CONFIG" --bindir):$PATH
top=$PWD
mkdir "$work/src"
cp -a scripts test bench "$work/src"
cd "$work/src"
"$top/scripts/as-user.sh" "$@"
