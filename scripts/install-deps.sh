#!/usr/bin/env bash
# usage: install-deps.sh GROUP...   (build, test, server-test, walk-test, s3, tidy, sanitize, bench, chroot)
# Installs the Debian packages that building, testing or the demo need, and only those that are missing. Needs root or sudo
# for that; with nothing missing it needs neither. PG_MAJOR chooses the server version; the default is that of PG_CONFIG, if it has
# server headers, else the newest one that the suite offers.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

command -v apt-get >/dev/null || { echo "install-deps: no apt-get here; install the packages named in $0 by other means" >&2; exit 0; }
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -- "$@"; else
    echo "install-deps: missing packages, and neither root nor sudo: $*" >&2
    exit 1
  fi
}
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o APT::Install-Recommends=false "$@"; }
installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
missing() { for package in "$@"; do installed "$package" || echo "$package"; done; }
updated=
update_once() {
  [ -n "$updated" ] || apt update >/dev/null || echo "install-deps: apt-get update failed; trying with the lists at hand" >&2
  updated=1
}

server_major() {
  local config=${PG_CONFIG:-pg_config} pgxs
  [ -z "${PG_MAJOR:-}" ] || { echo "$PG_MAJOR"; return; }
  pgxs=$("$config" --pgxs 2>/dev/null || true)
  if [ -n "$pgxs" ] && [ -e "$pgxs" ]; then
    "$config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
    return
  fi
  apt-cache pkgnames postgresql-server-dev- | sed -n 's/^postgresql-server-dev-\([0-9]*\)$/\1/p' | sort -n | tail -n 1
}

# Clang and its sanitizers, which are packages of a version; GCC's serve where the suite has none.
packages_of_clang() {
  [ "$("${0%/*}/sanitizer-compiler.sh")" != clang++ ] || return 0
  apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]*\)$/clang libclang-rt-\1-dev/p' | head -n 1
}

packages_of() {
  case $1 in
    build) echo g++ make cmake ninja-build pkg-config binutils libcurl4-openssl-dev libssl-dev libzstd-dev libxxhash-dev libpugixml-dev \
             nlohmann-json3-dev libcli11-dev postgresql-server-dev-"$major" ;;
    server-test) echo postgresql-"$major" libipc-run-perl perl util-linux python3 python3-jsonschema openssl procps curl zsh fish ;;
    test) echo "$(packages_of server-test)" postgresql-"$major"-pgtap libgtest-dev libgmock-dev ;;
    s3) echo radosgw ceph-mon ceph-osd ceph-mgr ceph-common openssl curl ;;
    tidy) echo clang-format-14 git python3 ;;
    sanitize) packages_of_clang ;;
    walk-test) echo "$(packages_of server-test)" postgresql-"$major"-cron postgresql-common sudo iproute2 ;;
    bench) echo libbenchmark-dev zstd time pgbackrest ;;
    chroot) echo debootstrap debian-archive-keyring mount ;;
    *) echo "install-deps: no group $1" >&2; return 1 ;;
  esac
}

# A new server package would create and start a cluster of its own, which nobody asked for. (The other daemons of Debian
# packages stay down as well: this is about libraries and programs, not services.)
install() {
  local quiet=/etc/postgresql-common/createcluster.d/zz-pg-pitr-install.conf log
  as_root mkdir -p "${quiet%/*}"
  echo 'create_main_cluster = false' | as_root tee "$quiet" >/dev/null
  log=$(mktemp)
  if ! apt install -y "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    as_root rm -f "$quiet"
    return 1
  fi
  rm -f "$log"
  as_root rm -f "$quiet"
}

major=
for group in "$@"; do
  case $group in build | *test) [ -n "$major" ] || major=$(server_major) ;; esac
done
if [ -z "$major" ]; then
  case " $* " in *" build "* | *"test "*)
    update_once
    major=$(server_major)
    [ -n "$major" ] || { echo "install-deps: this system offers no postgresql-server-dev package" >&2; exit 1; } ;;
  esac
fi

case " $* " in *" sanitize "*) [ -n "$(apt-cache pkgnames clang)" ] || update_once ;; esac
wanted=
for group in "$@"; do wanted="$wanted $(packages_of "$group")"; done
lacking=$(missing $wanted)
if [ -n "$lacking" ]; then
  echo "installing:" $lacking
  update_once
  install $lacking
fi
