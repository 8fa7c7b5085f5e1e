#!/usr/bin/env bash
# usage: walk.sh   (make test-walk)
# Plays README and the runbook, command block by command block, on a machine of its own: this machine's files below an overlay that is
# kept in memory, with a network, processes and PostgreSQL clusters of its own. So the documents' own paths, names and ports can be used,
# no cluster of this machine is seen or touched, the checkout and the installed PostgreSQL stay as they are, and nothing outlives the
# walk: its processes and mounts go with it, whatever ends it. Needs root, and what `scripts/install-deps.sh build s3 walk-test` installs.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo "walk: needs root, for a machine of its own (namespaces, an overlay)" >&2; exit 1; }
  # unshare takes no notice of signals; when it is gone, so is everything.
  setpriv --pdeathsig KILL unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc "$0" inside &
  machine=$!
  trap 'kill -KILL $machine 2>/dev/null; exit 130' INT
  trap 'kill -KILL $machine 2>/dev/null; exit 143' TERM HUP
  wait $machine
  exit
fi

ip link set lo up
mount -t tmpfs -o mode=755 walk /mnt
mkdir /mnt/root /mnt/upper /mnt/work
mount -t overlay walk -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
root=/mnt/root
# An overlay ends where another file system is mounted: the checkout may be on one.
if [ ! -e "$root$top/Makefile" ]; then
  mkdir -p /mnt/upper-top /mnt/work-top "$root$top"
  mount -t overlay walk -o "lowerdir=$top,upperdir=/mnt/upper-top,workdir=/mnt/work-top" "$root$top"
fi
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 walk "$root/tmp"
mount -t tmpfs -o mode=755 walk "$root/run"
# The clusters of this machine, if any, are not there.
for place in etc/postgresql var/lib/postgresql var/log/postgresql run/postgresql; do
  mkdir -p "$root/$place"
  [ "${place%%/*}" = run ] || mount -t tmpfs -o mode=755 walk "$root/$place"
  chown postgres:postgres "$root/$place"
done
chmod 2775 "$root/run/postgresql"
unset PG_CONFIG MAKEFLAGS MAKELEVEL MFLAGS
cd /
# Process numbers are small here, and Ceph takes them for identities otherwise.
exec chroot "$root" env -C "$top" TMPDIR=/tmp CEPH_USE_RANDOM_NONCE=1 "$top/test/lib/rgw.sh" run -- "$top/test/walk/walk.py"
