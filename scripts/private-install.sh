#!/usr/bin/env bash
# usage: private-install.sh DIR
# Copies the PostgreSQL that PG_CONFIG names to DIR and installs the module, the extension and the binary there; the system's
# own installation is not touched. PostgreSQL finds its files relative to its programs, so the copy works by itself. Prints the
# path of the copy's pg_config.
set -eu
dir=$1
config=${PG_CONFIG:-pg_config}
for what in bindir pkglibdir sharedir; do
  path=$("$config" --$what)
  mkdir -p "$dir${path%/*}"
  [ -d "$dir$path" ] || tar -C / --exclude=bitcode -cf - "${path#/}" | tar -C "$dir" -xf -
done
make -s ${PITR_CORE_BUILT:+CORE_BUILT=1} PG_CONFIG="$config" DESTDIR="$dir" install >&2
echo "$dir$("$config" --bindir)/pg_config"
