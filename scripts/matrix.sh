#!/usr/bin/env bash
# usage: matrix.sh [VERSION...]   (default: 17 18 19)
# Builds the module and the binary, and runs the server-side tests (exports, pg_regress, pgTAP, TAP), on other PostgreSQL versions, each in
# a throw-away Debian chroot made by debootstrap and removed at the end. Needs root. Prints the counts of each version, then the total as the last line.
#
# The core library and the programs know no PostgreSQL and are the same for all: they are built once, outside, and only linked in the chroots;
# in the newest suite alone they are compiled too, where a new compiler or a library's new version shows.
# While one version is tested the next chroots are made, and the module is built in them, with what the tests leave of the processors.
# A TAP file that says "# Any server version will do." runs on one version only, in turn.
#
# Packages come from where this machine's own apt gets them. An S3 server for the TAP tests runs on this machine, and is reached over loopback, because
# the chroots share its network. MATRIX_STAGES names other stages, TESTS the TAP files; with MATRIX_BENCH, the options of bench/bench.py, that runs
# instead, against the suite's pgBackRest.
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
unset PG_CONFIG
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 2
versions=${*:-17 18 19}
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "matrix: needs root, for debootstrap and chroot" >&2; exit 1; }
  exec sudo -- "$0" $versions
fi

# A chroot that shares the S3 server with the host: start it once, around all versions.
if [ -z "${PITR_TEST_S3_HTTP:-}" ]; then
  scripts/install-deps.sh s3 chroot || exit 1
  exec test/lib/rgw.sh run -- scripts/matrix.sh $versions
fi

suite_of() { # the Debian suite that carries a PostgreSQL version, and a second one to take only PostgreSQL from
  case $1 in
    15) echo bookworm ;;
    17) echo trixie ;;
    18) echo forky ;;
    19) echo sid experimental ;;
    *) return 1 ;;
  esac
}

# The first Debian archive of this machine's apt sources, of either format.
mirror() {
  apt-get indextargets --format '$(SITE) $(RELEASE)' 2>/dev/null |
    awk '$1 ~ /\/debian\/?$/ && !found {print $1; found = 1}'
}
# The keyring that those sources are signed with, where they say so.
keyring() { cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v site="$1" 'BEGIN {RS = ""} index($0, site "\n") && match($0, /Signed-By: *\/[^ \n]*/) {
    key = substr($0, RSTART, RLENGTH); sub(/Signed-By: */, "", key); print key; exit}'; }
mirror=$(mirror)
mirror=${mirror:-http://deb.debian.org/debian}
keyring=$(keyring "$mirror")
[ -e "${keyring:-}" ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg

base=$(mktemp -d "${PITR_MATRIX_DIR:-/var/tmp}/pg_pitr-matrix.XXXXXX")
chmod 755 "$base"
chroots=()
for version in $versions; do chroots+=("$base/$version"); done
preparing=
clean_up() {
  local root point
  [ -z "$preparing" ] || { kill -TERM -- "-$preparing"; wait "$preparing"; } 2>/dev/null
  for root in "${chroots[@]}"; do
    for point in dev/s3-admin dev/shm dev/pts dev sys proc; do
      ! mountpoint -q "$root/$point" || umount "$root/$point" || umount -l "$root/$point"
    done
  done
  # Never descend into something that is still mounted.
  if grep -q " $base/" /proc/self/mounts; then echo "matrix: $base is still in use, left behind" >&2; else rm -rf --one-file-system "$base"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# debootstrap, mounts, apt settings. Network names resolve as they do outside.
make_chroot() { # ROOT SUITE [SECOND SUITE] for VERSION
  local root=$1 version=$2 suite=$3 second=${4:-}
  debootstrap --variant=minbase --keyring="$keyring" "$suite" "$root" "$mirror" /usr/share/debootstrap/scripts/sid || return
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  mount -t proc proc "$root/proc" && mount -t sysfs -o ro sysfs "$root/sys" && mount -t tmpfs -o mode=755 tmpfs "$root/dev" || return
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" && mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" || return
  local device
  for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    set -- $device
    mknod -m 666 "$root/dev/$1" c "$2" "$3" || return
  done
  ln -s pts/ptmx "$root/dev/ptmx" && ln -s /proc/self/fd "$root/dev/fd" && ln -s fd/0 "$root/dev/stdin" && ln -s fd/1 "$root/dev/stdout" &&
    ln -s fd/2 "$root/dev/stderr"
  # Release files of a mirror that is a snapshot may be out of date.
  printf '%s\n' 'Acquire::Check-Valid-Until "false";' 'Acquire::Check-Date "false";' 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/90pg-pitr"
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/pg-pitr"
  printf 'path-exclude /usr/share/%s/*\n' doc man locale >>"$root/etc/dpkg/dpkg.cfg.d/pg-pitr"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  if [ -n "$second" ]; then
    echo "deb $mirror $second main" >"$root/etc/apt/sources.list.d/second.list"
    printf 'Package: libpq* postgresql-%s* postgresql-*-%s\nPin: release a=%s\nPin-Priority: 990\n' "$version" "$version" "$second" \
      >"$root/etc/apt/preferences.d/second"
  fi
}

# What the tests read of this machine: the checkout without what was built, and the S3 server's certificate authority.
copy_in() { # ROOT VERSION
  mkdir -p "$1/src" && git ls-files -z --cached --others --exclude-standard | xargs -0 -r ls -d 2>/dev/null | tar -cf - -T - | tar -C "$1/src" -xf - || return
  if core_built "$2"; then
    mkdir -p "$1/src/build/cmake" && (cd build/cmake && cp -a libpitr_core.a pg_pitr pg_pitr_wal_get pitr_wal_dump pitr_change_dump pitr_time_dump "$1/src/build/cmake/") || return
    # Header-only, and names its version in every symbol.
    mkdir "$1/src/build/cmake/include" && cp -aL /usr/include/nlohmann "$1/src/build/cmake/include/" || return
  fi
  local name
  for name in CA WRONG_CA; do
    name=PITR_TEST_S3_$name
    [ ! -r "${!name:-}" ] || install -m 644 "${!name}" "$1/src/$name.pem" || return
  done
}

# Whether this version takes what was built outside.
core_built() { [ "$1" != "$compiled_for" ] && [ -z "${MATRIX_BENCH:-}" ]; }

# pgTAP is plain SQL: where the suite has no package for this version yet, that of another version serves.
borrow_pgtap() { # ROOT VERSION
  local other
  other=$(chroot "$1" apt-cache pkgnames postgresql- | grep -E '^postgresql-[0-9]+-pgtap$' | sort | tail -n 1)
  [ -n "$other" ] || { echo "matrix: no pgTAP package to borrow" >&2; return 1; }
  chroot "$1" sh -c "cd /tmp && apt-get -qq download $other && dpkg -x $other*.deb pgtap && cp pgtap/usr/share/postgresql/*/extension/pgtap* \
    /usr/share/postgresql/$2/extension/"
}

prepare() { # VERSION: everything up to the tests, which build too, and then find it done or say what is wrong
  local version=$1 root=$base/$1
  make_chroot "$root" "$version" $(suite_of "$version") || return
  chroot "$root" apt-get -qq update || return
  copy_in "$root" "$version" || return
  chroot "$root" env -C /src PG_MAJOR="$version" scripts/install-deps.sh build server-test ${MATRIX_BENCH:+bench} || return
  if chroot "$root" apt-cache pkgnames "postgresql-$version-pgtap" | grep -q .; then
    chroot "$root" apt-get -qq install -y --no-install-recommends "postgresql-$version-pgtap" || return
  else
    borrow_pgtap "$root" "$version" || return
  fi
  [ -n "${MATRIX_BENCH:-}" ] || in_chroot "$version" test/run-tests.sh build || true
}

# The S3 server's socket for administration, which tells the benchmark how many requests there were.
share_s3_admin() { # ROOT
  : >"$1/dev/s3-admin" && mount --bind "$PITR_TEST_S3_ADMIN" "$1/dev/s3-admin" && chmod 666 "$1/dev/s3-admin"
}

# The TAP files for a version: all, but of those for which any version will do only its share.
tap_files() { # VERSION
  local file turn=0 all=($tested_versions) mine=0
  while [ "${all[mine]}" != "$1" ]; do mine=$((mine + 1)); done
  for file in test/t/*.pl; do
    if grep -qx '# Any server version will do\.' "$file"; then
      turn=$((turn + 1))
      [ $((turn % ${#all[@]})) -eq "$mine" ] || continue
    fi
    echo "$file"
  done
}

in_chroot() { # VERSION COMMAND...: with the settings of the tests, in the copy of the checkout
  local root=$base/$1 version=$1 name
  local settings=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM=dumb PG_CONFIG="/usr/lib/postgresql/$1/bin/pg_config")
  shift
  for name in CI PITR_SEED "${!PITR_TEST_S3_@}"; do settings+=("$name=${!name:-}"); done
  if core_built "$version"; then settings+=(PITR_CORE_BUILT=1); fi
  # Two more than there are processors: beside them only chroots are made, and tests wait most of their time.
  settings+=(TEST_JOBS="${TEST_JOBS:-$(($(nproc) + 2))}" TESTS="${TESTS:-$(tap_files "$version" | tr '\n' ' ')}")
  settings+=(PITR_TEST_S3_CA=/src/PITR_TEST_S3_CA.pem PITR_TEST_S3_WRONG_CA=/src/PITR_TEST_S3_WRONG_CA.pem)
  [ -n "${MATRIX_BENCH:-}" ] || settings+=(TMPDIR="$(chroot "$root" /src/test/lib/fast-dir.sh)")
  env -i "${settings[@]}" chroot "$root" env -C /src "$@"
}

run_tests() { # VERSION
  if [ -n "${MATRIX_BENCH:-}" ]; then
    share_s3_admin "$base/$1" || return
    in_chroot "$1" env PITR_TEST_S3_ADMIN=/dev/s3-admin scripts/with-private-install.sh bench/bench.py $MATRIX_BENCH && echo "1 passed, 0 failed, 0 skipped"
    return
  fi
  in_chroot "$1" test/run-tests.sh ${MATRIX_STAGES:-build exports regress pgtap tap}
}

# Makes the chroots one after the other in the background, in a process group of its own; logs and exit statuses lie beside them.
start_preparing() { # VERSION...
  set -m
  (
    renice -n 19 -p "$BASHPID" >/dev/null
    for version; do
      prepare "$version" >"$base/$version.log" 2>&1
      echo $? >"$base/$version.prepared"
    done
  ) </dev/null &
  preparing=$!
  set +m
}
wait_prepared() { until [ -s "$base/$1.prepared" ] || ! kill -0 "$preparing" 2>/dev/null; do sleep 0.5; done; } # VERSION

set -- $versions
compiled_for=${*: -1} # the newest suite
tested_versions=$versions
if [ $# -gt 1 ] && [ -z "${MATRIX_BENCH:-}" ]; then
  scripts/install-deps.sh build && make -s core dumps || exit 1
fi

summary=
passed=0 failed=0 skipped=0
start_preparing "$@"
while [ $# -gt 0 ]; do
  version=$1
  shift
  printf '\n##### PostgreSQL %s (Debian %s)\n' "$version" "$(suite_of "$version")"
  began=$SECONDS log=$base/$version.log
  wait_prepared "$version"
  if [ "$(cat "$base/$version.prepared" 2>/dev/null)" = 0 ]; then
    echo "chroot ready: $(chroot "$base/$version" "/usr/lib/postgresql/$version/bin/postgres" --version), $((SECONDS - began)) s"
    run_tests "$version" </dev/null 2>&1 | tee "$log"
    counts=$(tail -n 1 "$log")
    [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]] || counts="0 passed, 1 failed, 0 skipped"
  else
    echo "the chroot could not be made:"
    tail -n 40 "$log"
    counts="0 passed, 1 failed, 0 skipped"
  fi
  [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]
  passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
  summary+="PostgreSQL $version: $counts, $((SECONDS - began)) s"$'\n'
done

printf '\n##### matrix\n%s' "$summary"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
