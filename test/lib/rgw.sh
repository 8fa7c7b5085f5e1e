#!/usr/bin/env bash
# A real S3 server for tests: Ceph's RADOS gateway with one monitor and one disk in memory, all on loopback.
# usage: rgw.sh start DIR           starts it; DIR/env then holds the PITR_TEST_S3_* variables to source
#        rgw.sh stop DIR            stops it and removes DIR
#        rgw.sh run -- COMMAND...   starts one, runs the command with the variables set, always stops it
# Every port is a free one, so several can run side by side; works as root or as any user. Needs the Debian packages radosgw,
# ceph-mon, ceph-osd, ceph-mgr, ceph-common, openssl and curl. RGW_MEMORY_GB (default 8) is how much it may store.
set -euo pipefail

die() { echo "rgw.sh: $*" >&2; exit 1; }

bucket=pitr-test
access_key=pitr-test-access-key
secret_key=pitr-test-secret-key

as=()
[ "$(id -u)" != 0 ] || as=(--setuser root --setgroup root)

# --- ports ------------------------------------------------------------------------------------------------------

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the ports the kernel hands out by itself. Prints one that is free and not reserved by another instance: the
# reservation is a directory, held until its owner has bound the port or died.
reserve_port() {
  local port lock
  for _ in $(seq 200); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    lock=/tmp/.pg_pitr-port-$port
    # Not kill -0: that also fails for a living owner that is another user's.
    if [ -e "$lock" ] && [ ! -d "/proc/$(cat "$lock" 2>/dev/null || echo none)" ]; then rm -f "$lock" 2>/dev/null || continue; fi
    port_is_free "$port" || continue
    (set -C; echo $$ > "$lock") 2>/dev/null || continue
    echo "$port"
    return
  done
  die "found no free port"
}

reserved=()
release_ports() {
  local port
  for port in "${reserved[@]}"; do rm -f "/tmp/.pg_pitr-port-$port"; done
}

# --- certificates -----------------------------------------------------------------------------------------------

# make_ca NAME: an own authority in NAME.pem and NAME.key.
make_ca() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=pg_pitr test $1" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

make_certificates() {
  make_ca ca
  make_ca wrong-ca
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
  # The bucket by its whole name: a wildcard directly below "localhost" is not accepted.
  printf '%s\n' "subjectAltName=DNS:localhost,DNS:$bucket.localhost,IP:127.0.0.1" 'extendedKeyUsage=serverAuth' > server.ext
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.pem 2>/dev/null
  cat server.key server.pem ca.pem > server-all.pem
  chmod 600 server-all.pem ./*.key
  chmod 644 ca.pem wrong-ca.pem
}

# --- the daemons ------------------------------------------------------------------------------------------------

write_conf() {  # DIR MON_PORT HTTP_PORT HTTPS_PORT
  cat > "$1/ceph.conf" <<X
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v1:127.0.0.1:$2]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = $1/mon
mgr data = $1/mgr
osd data = $1/osd
osd objectstore = memstore
memstore device bytes = $((${RGW_MEMORY_GB:-8} << 30))
mgr initial modules =
run dir = $1/run
pid file = $1/run/\$name.pid
log file = $1/log/\$name.log
admin socket =
crash dir = $1/log
[mon]
mon data avail warn = 1
mon data avail crit = 0
[client.rgw]
admin socket = $1/run/rgw.asok
rgw frontends = beast endpoint=127.0.0.1:$3 ssl_endpoint=127.0.0.1:$4 ssl_certificate=$1/server-all.pem
rgw thread pool size = 64
rgw dns name = localhost
rgw s3 auth use sts = true
rgw sts key = pitr-test-sts-16
X
}

# step NAME COMMAND...: quiet unless it fails.
step() {
  local name=$1
  shift
  timeout -k 1 "${STEP_SECONDS:-60}" "$@" >> log/steps.log 2>&1 || { tail -n 20 log/steps.log >&2; die "$name failed"; }
}

wait_until() {  # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || die "$what did not come up"
    sleep 0.1
  done
}

# Signed the old way, which needs no more than openssl.
create_bucket() {  # PORT
  local date signature
  date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
  signature=$(printf 'PUT\n\n\n%s\n/%s' "$date" "$bucket" | openssl dgst -sha1 -hmac "$secret_key" -binary | openssl base64)
  curl -sS --fail --noproxy '*' -X PUT -H "Date: $date" -H "Authorization: AWS $access_key:$signature" "http://127.0.0.1:$1/$bucket"
}

start_in() {  # DIR, which is empty; the working directory becomes DIR
  local dir=$1 mon http https program
  for program in ceph-mon ceph-osd radosgw radosgw-admin monmaptool ceph openssl curl; do
    command -v "$program" >/dev/null || die "$program is not installed (packages: radosgw ceph-mon ceph-osd ceph-mgr ceph-common openssl curl)"
  done
  cd "$dir"
  mkdir mon osd mgr run log
  mon=$(reserve_port) http=$(reserve_port) https=$(reserve_port)
  reserved=("$mon" "$http" "$https")
  make_certificates
  write_conf "$dir" "$mon" "$http" "$https"
  export CEPH_CONF="$dir/ceph.conf"
  local fsid id
  fsid=$(sed -n 's/^fsid = //p' ceph.conf) id=$(cat /proc/sys/kernel/random/uuid)
  step "monitor map" monmaptool --create --addv a "[v1:127.0.0.1:$mon]" --fsid "$fsid" monmap
  step "monitor set-up" ceph-mon -c "$CEPH_CONF" --mkfs -i a --monmap monmap "${as[@]}"
  step "monitor" ceph-mon -c "$CEPH_CONF" -i a "${as[@]}"
  step "disk registration" ceph -c "$CEPH_CONF" --connect-timeout 20 osd new "$id"
  step "disk set-up" ceph-osd -c "$CEPH_CONF" -i 0 --mkfs --osd-uuid "$id" "${as[@]}"
  # The first one has been refused ("wrong fsid") by a monitor that had just come up, on a busy machine; the next one is not.
  (step "disk" ceph-osd -c "$CEPH_CONF" -i 0 "${as[@]}") 2>/dev/null || step "disk" ceph-osd -c "$CEPH_CONF" -i 0 "${as[@]}"
  step "gateway" radosgw -c "$CEPH_CONF" -n client.rgw "${as[@]}"
  step "user" radosgw-admin -c "$CEPH_CONF" user create --uid=pitr --display-name=pitr --access-key="$access_key" --secret-key="$secret_key" \
    --caps="roles=*"
  wait_until 30 "the gateway's HTTP port" curl -sS --noproxy '*' "http://127.0.0.1:$http/"
  wait_until 10 "the gateway's HTTPS port" curl -sS --noproxy '*' --cacert ca.pem "https://127.0.0.1:$https/"
  wait_until 10 "the bucket" create_bucket "$http"
  release_ports
  cat > env <<X
export PITR_TEST_S3_HTTP=http://127.0.0.1:$http
export PITR_TEST_S3_HTTPS=https://127.0.0.1:$https
export PITR_TEST_S3_CA=$dir/ca.pem
export PITR_TEST_S3_WRONG_CA=$dir/wrong-ca.pem
export PITR_TEST_S3_ACCESS_KEY=$access_key
export PITR_TEST_S3_SECRET_KEY=$secret_key
export PITR_TEST_S3_BUCKET=$bucket
export PITR_TEST_S3_REGION=us-east-1
export PITR_TEST_S3_ADMIN=$dir/run/rgw.asok
X
}

# True for a process of ours: process numbers are reused.
is_ours() { { tr '\0' ' ' < "/proc/$1/cmdline"; } 2>/dev/null | grep -qF -- "$2/ceph.conf"; }

stop_in() {
  local dir=$1 name pid
  release_ports
  [ -f "$dir/ceph.conf" ] || die "$dir holds no server of mine"
  for name in client.rgw osd.0 mgr.x mon.a; do
    pid=$(cat "$dir/run/$name.pid" 2>/dev/null) || continue
    is_ours "$pid" "$dir" || continue
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 30); do
      is_ours "$pid" "$dir" || break
      sleep 0.1
    done
    # Nothing in memory is worth waiting for.
    if is_ours "$pid" "$dir"; then kill -KILL "$pid" 2>/dev/null || true; fi
  done
  rm -rf "$dir"
}

# The daemons of two instances that start at the same moment have met on one port in spite of the reservations, and a machine under
# load may let a step run into its limit: then everything begins anew, with other ports.
start_with_retry() {  # DIR, which is empty
  local dir=$1 attempt
  for attempt in 1 2 3; do
    if (trap release_ports EXIT; start_in "$dir"); then return; fi
    if [ -f "$dir/ceph.conf" ]; then stop_in "$dir"; fi
    rm -rf "$dir"
    mkdir "$dir"
    chmod 755 "$dir"
    echo "rgw.sh: attempt $attempt failed" >&2
  done
  die "no S3 server could be started"
}

make_dir() {
  mkdir -p "$1"
  [ -z "$(ls -A "$1")" ] || die "$1 is not empty"
  chmod 755 "$1"
}

run() {
  local dir status=0
  dir=$(mktemp -d "${TMPDIR:-/tmp}/pg_pitr-rgw.XXXXXX")
  chmod 755 "$dir"
  trap 'if [ -f "$dir/ceph.conf" ]; then stop_in "$dir"; else rm -rf "$dir"; fi' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  start_with_retry "$dir"
  # shellcheck disable=SC1091
  . "$dir/env"
  unset CEPH_CONF
  "$@" || status=$?
  exit "$status"
}

case "${1:-}" in
  start)
    [ $# = 2 ] || die "usage: rgw.sh start DIR"
    make_dir "$2"
    dir=$(cd "$2" && pwd)
    trap 'status=$?; if [ $status != 0 ] && [ -f "$dir/ceph.conf" ]; then stop_in "$dir"; fi' EXIT
    start_with_retry "$dir"
    cat "$dir/env"
    ;;
  stop)
    [ $# = 2 ] || die "usage: rgw.sh stop DIR"
    stop_in "$(cd "$2" && pwd)"
    ;;
  run)
    [ "${2:-}" = -- ] && [ $# -ge 3 ] || die "usage: rgw.sh run -- COMMAND..."
    shift 2
    run "$@"
    ;;
  *) die "usage: rgw.sh start DIR | stop DIR | run -- COMMAND..." ;;
esac
