#!/usr/bin/env bash
# usage: as-user.sh COMMAND...
# Runs a command as an ordinary user, because PostgreSQL refuses to run as root: as root, through a system user of its own
# (pitr_test, made when missing); otherwise as whoever calls. HOME is a private directory that is removed afterwards.
set -eu
user=${PITR_TEST_USER:-pitr_test}
if [ "$(id -u)" != 0 ]; then exec "$@"; fi
id "$user" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /bin/sh "$user"
home=$(mktemp -d "${TMPDIR:-/tmp}/pitr-home.XXXXXX")
trap 'rm -rf "$home"' EXIT
chown "$user:" "$home"
env HOME="$home" USER="$user" LOGNAME="$user" setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
