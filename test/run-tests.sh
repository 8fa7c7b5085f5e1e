#!/usr/bin/env bash
# usage: run-tests.sh [STAGE...]   (default: every stage but `unit`, whose tests `asan` and `tsan` run)
# Runs the stages one after the other; a failing stage hides no other. Every test is one row "pass|fail|skip id reason" in the
# work directory's results/, from which the counts at the end are made. A skip whose id is not in test/allowed-skips.txt counts as a failure.
# The last line is "N passed, N failed, N skipped"; the exit status is 0 only when nothing failed.
# What the sanitizer stages need is built while the stages before them wait for servers, with what those leave of the processors.
#
# Servers run as an ordinary user on a private copy of PostgreSQL (scripts/private-install.sh) in a temporary directory, which is
# removed at the end unless PITR_KEEP is set. TESTS names the TAP files to run (default: all), TEST_JOBS how many at a time (default: one
# more than there are processors, for they wait much).
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 2
all_stages="tidy build exports plain faults store regress pgtap tap root asan fuzz tsan"
stages=${*:-$all_stages}
jobs=$(nproc 2>/dev/null || echo 2)
export TEST_JOBS=${TEST_JOBS:-$((jobs + 1))} PITR_TOP=$top
ulimit -c 0

work=$(mktemp -d "${TMPDIR:-/tmp}/pg_pitr-test.XXXXXX")
chmod 755 "$work"
results=$work/results
mkdir -p "$results" "$work/log"
fast=         # where most TAP files put their clusters: test/lib/fast-dir.sh
src=$work/src # what the ordinary user reads; the checkout itself may be closed to it

clean_up() {
  local pidfile pid
  # Servers that a killed test left behind, each by the process id in its own data directory.
  for pidfile in $(find "$work" $fast -name postmaster.pid 2>/dev/null); do
    pid=$(head -n 1 "$pidfile")
    [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" != "$(dirname "$pidfile")" ] || kill -QUIT "$pid" 2>/dev/null
  done
  [ -z "$building_ahead" ] || { kill -TERM -- "-$building_ahead"; wait "$building_ahead"; } 2>/dev/null
  if [ -n "${PITR_KEEP:-}" ]; then echo "kept: $work $fast"; else rm -rf "$work" ${fast:+"$fast"}; fi
}
building_ahead=
trap clean_up EXIT
trap 'exit 130' INT TERM

heading() { printf '\n=== %s\n' "$*"; }
row() { printf '%s\t%s\t%s\n' "$2" "$3" "${4:-}" >>"$results/$1.tsv"; } # STAGE pass|fail|skip ID [REASON]
as_user() { "$top/scripts/as-user.sh" "$@"; }
has_rows() { [ -s "$results/$1.tsv" ]; }

# Runs a command as one test: its output is shown only when it fails.
check() { # STAGE ID COMMAND...
  local stage=$1 id=$2 log
  shift 2
  log=$work/log/$stage-${id//[^A-Za-z0-9_.-]/_}.log
  if "$@" >"$log" 2>&1; then row "$stage" pass "$id"; else
    row "$stage" fail "$id" "exit status $?"
    echo "--- $id failed:"
    tail -n 60 "$log"
    return 1
  fi
}

# What scripts/matrix.sh built once for several servers is not built again.
make=(make ${PITR_CORE_BUILT:+CORE_BUILT=1})
stage_build() { check build make "${make[@]}" -j "$jobs" && ls -l pg_pitr.so build/cmake/pg_pitr; }
stage_exports() { check exports check-exports "${make[@]}" -s check-exports; }

stage_tidy() {
  test/tidy/tidy.py --rows >>"$results/tidy.tsv" 2>"$work/log/tidy" || true
  cat "$work/log/tidy"
  scripts/format.sh check >"$work/log/format" 2>&1
  case $? in
    0) row tidy pass tidy:format ;;
    77) row tidy skip tidy:format "clang-format 14 is not installed" ;;
    *) row tidy fail tidy:format; grep -oE "^[a-z][^: ]*" "$work/log/format" | sort | uniq -c ;;
  esac
}

# One CMake build per flavour. Without a sanitizer the tests are linked with what is installed.
build_tests() { # FLAVOUR SANITIZER TARGET...
  local dir=build/$1 sanitizer=$2 options=(-DPITR_TESTS=ON)
  shift 2
  ! command -v ninja >/dev/null || options+=(-G Ninja)
  # Little debug information: what a sanitizer needs, in less compile time. How much is optimized, CMakeLists.txt says.
  [ -z "$sanitizer" ] || options+=(-DPITR_SANITIZE="$sanitizer" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-g1 -DCMAKE_CXX_COMPILER="$(scripts/sanitizer-compiler.sh)")
  cmake -S . -B "$dir" "${options[@]}" >/dev/null && cmake --build "$dir" -j "$jobs" --target "$@"
}

# What the sanitizer stages need, in the background and a process group of its own. What fails is tried again by the stage, which shows it.
flavours_of() { # STAGE...
  local targets=
  case " $* " in *" asan "*) targets=unit_tests ;; esac
  case " $* " in *" fuzz "*) targets+=" fuzz_targets" ;; esac
  [ -z "$targets" ] || echo "tests-asan address $targets"
  case " $* " in *" tsan "*) echo "tests-tsan thread unit_tests" ;; esac
}
build_ahead() { # STAGE...
  set -m
  (
    renice -n 19 -p "$BASHPID"
    while read -r flavour sanitizer targets; do
      build_tests "$flavour" "$sanitizer" $targets </dev/null
      : >"$work/$flavour.built"
    done < <(flavours_of "$@")
  ) >"$work/log/ahead" 2>&1 &
  building_ahead=$!
  set +m
}
wait_built() { while kill -0 "$building_ahead" && [ ! -e "$work/$1.built" ]; do sleep 0.5; done 2>/dev/null; } # FLAVOUR

# Runs the program SHARDS times at once, each with its share of the tests.
gtest_stage() { # STAGE FLAVOUR SANITIZER TARGET SHARDS [COMMAND PREFIX...]
  local stage=$1 flavour=$2 sanitizer=$3 target=$4 shards=$5 log=$work/log/$1 shard pids=()
  shift 5
  [ -z "$sanitizer" ] || wait_built "$flavour"
  if ! build_tests "$flavour" "$sanitizer" "$target" >"$log-build.log" 2>&1; then
    row "$stage" fail "$stage:build"
    grep -E -A6 'error|FAILED|undefined reference' "$log-build.log" | head -n 60
    return
  fi
  for ((shard = 0; shard < shards; shard++)); do
    ASAN_OPTIONS=detect_leaks=1:halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=halt_on_error=1 \
      GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard GTEST_OUTPUT="json:$log-$shard.json" \
      timeout -k 10 1500 env ${sanitizer:+TMPDIR="$(test/lib/fast-dir.sh)"} "$@" "build/$flavour/$target" >"$log-$shard.log" 2>&1 &
    pids+=($!)
  done
  for ((shard = 0; shard < shards; shard++)); do
    wait "${pids[shard]}"
    gtest_result "$stage" "$log-$shard" $?
  done
}
gtest_result() { # STAGE LOG STATUS
  local stage=$1 log=$2 status=$3
  test/lib/gtest-rows.py "$stage" "$log.json" >>"$results/$stage.tsv"
  [ "$status" -ne 0 ] || return 0
  grep -E -B12 '^\[  FAILED  \]|ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer|LeakSanitizer' "$log.log" | head -n 150
  [ -s "$log.json" ] || { row "$stage" fail "$stage:run" "exit status $status before the end"; tail -n 30 "$log.log"; }
  grep -q '^fail' "$results/$stage.tsv" || row "$stage" fail "$stage:exit" "exit status $status"
}
stage_unit() { gtest_stage unit cmake "" unit_tests "$jobs"; }
# Those of the unit tests that measure memory, which a sanitizer would, and those that have fewer rounds with one.
stage_plain() { GTEST_FILTER='*Memory*:ExpireProperty.*:PlanTargetTest.EveryTime*' gtest_stage plain cmake "" plain_tests "$jobs"; }
stage_asan() { gtest_stage asan tests-asan address unit_tests "$jobs"; }
# FAULTS random ones (SEED says which) on each kind of store; by default the same few. Each line of what they print is a round.
stage_faults() {
  local store log=$work/log/faults pids=()
  if ! build_tests cmake "" pitr_faults benchmarks >"$log-build.log" 2>&1; then
    row faults fail faults:build
    grep -E -A6 'error|FAILED|undefined reference' "$log-build.log" | head -n 60
    return
  fi
  for store in directory s3; do
    timeout -k 10 $((120 + ${FAULTS:-30} * 10)) build/cmake/pitr_faults --layer build/cmake/fault_layer.so --store "$store" --rounds "${FAULTS:-30}" \
      --seed "${SEED:-7}" >"$log-$store.log" 2>&1 &
    pids+=($!)
  done
  for store in directory s3; do
    if wait "${pids[0]}"; then row faults pass "faults:$store"; else
      row faults fail "faults:$store" "$(head -n 1 "$log-$store.log")"
      head -n 1 "$log-$store.log"
    fi
    tail -n "$([ "$(tail -c 6 "$log-$store.log")" = stuck ] && echo 1 || echo 30)" "$log-$store.log"
    pids=("${pids[@]:1}")
  done
}
# Every parser of untrusted bytes for a moment, on the library that the stage before has built.
stage_fuzz() {
  local target log=$work/log/fuzz
  wait_built tests-asan
  if ! build_tests tests-asan address fuzz_targets >"$log-build.log" 2>&1; then
    row fuzz fail fuzz:build
    grep -E -A6 'error|FAILED|undefined reference' "$log-build.log" | head -n 60
    return
  fi
  mkdir -p "$log"
  build/tests-asan/fuzz_targets --list | ASAN_OPTIONS=detect_leaks=1:halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    xargs -P "$jobs" -I TARGET bash -c 'timeout -k 5 60 build/tests-asan/fuzz_targets --seconds 2 TARGET >"$0/TARGET" 2>&1; echo $? >>"$0/TARGET"' "$log"
  for target in "$log"/*; do
    if [ "$(tail -n 1 "$target")" = 0 ]; then row fuzz pass "fuzz:${target##*/}"; else
      row fuzz fail "fuzz:${target##*/}" "exit status $(tail -n 1 "$target")"
      tail -n 60 "$target"
    fi
  done
}
stage_tsan() { gtest_stage tsan tests-tsan thread unit_tests "$jobs"; }
# Once without a server (memory, directory, scripted), then with a real S3 server, which the suite finds in its environment.
stage_store() { gtest_stage store cmake "" store_suite 1 test/lib/rgw.sh run --; }

# --- stages that need a server -------------------------------------------------------------------------------------
# Installs into the work directory and copies what the tests read; once.
prepared=
prepare() {
  [ -z "$prepared" ] || { [ "$prepared" = yes ]; return; }
  prepared=no
  if ! PG_CONFIG_PRIVATE=$(scripts/private-install.sh "$work/root" 2>"$work/log/install.log"); then
    tail -n 30 "$work/log/install.log"
    return 1
  fi
  install_test_modules >"$work/log/modules.log" 2>&1 || { cat "$work/log/modules.log"; return 1; }
  [ -z "${PITR_SERVER_PRELOAD:-}" ] || preload_into_server
  mkdir -p "$src"
  cp -a test sql "$src/" && { [ ! -d expected ] || cp -a expected "$src/"; }
  PG_CONFIG=$PG_CONFIG_PRIVATE
  PATH=$("$PG_CONFIG" --bindir):$PATH
  PITR_PGXS=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
  export PG_CONFIG PATH PITR_PGXS
  mkdir -p "$work/run"
  fast=$(mktemp -d "$(test/lib/fast-dir.sh)/pg_pitr-test.XXXXXX") && chmod 755 "$fast" || return
  [ "$(id -u)" != 0 ] || { as_user true && chown -R "${PITR_TEST_USER:-pitr_test}:" "$work/run" "$src" "$fast"; }
  prepared=yes
}

# Libraries that only tests load into a server; headers are with the server's own installation, not with the copy.
install_test_modules() {
  local module headers
  headers=$("${PG_CONFIG:-pg_config}" --includedir-server)
  for module in test/modules/*.c; do
    cc -O1 -Wall -fPIC -shared -I"$headers" -o "$("$PG_CONFIG_PRIVATE" --pkglibdir)/$(basename "$module" .c).so" "$module" || return
  done
}

# Libraries that must be there before any other (scripts/server-san.sh), for the server alone: not for the programs of the tests.
preload_into_server() {
  local bin
  bin=$("$PG_CONFIG_PRIVATE" --bindir)
  mv "$bin/postgres" "$bin/postgres.real"
  printf '#!/bin/bash\nLD_PRELOAD="%s" exec -a "$0" "%s/postgres.real" "$@"\n' "$PITR_SERVER_PRELOAD" "$bin" >"$bin/postgres"
  chmod 755 "$bin/postgres"
}

stage_regress() {
  local tests=() file
  for file in "$src"/expected/*.out; do [ ! -e "$file" ] || tests+=("$(basename "$file" .out)"); done
  [ ${#tests[@]} -gt 0 ] || { row regress fail regress:none "no test in expected/"; return; }
  mkdir -p "$work/run/regress" && chmod 777 "$work/run/regress"
  (cd "$src" && as_user test/lib/with-cluster.sh "$work/run/regress" "$PITR_PGXS/src/test/regress/pg_regress" --inputdir="$src" \
    --outputdir="$work/run/regress" --bindir="$("$PG_CONFIG" --bindir)" --dbname=contrib_regression "${tests[@]}") >"$work/log/regress" 2>&1
  local status=$?
  # "test name ... ok" up to PostgreSQL 15, TAP since 16.
  sed -nE 's/^test ([A-Za-z0-9_]+) +\.\.\. (ok|FAILED).*/\2 \1/p; s/^(ok|not ok) [0-9]+ +[-+] ([A-Za-z0-9_]+) .*/\1 \2/p' "$work/log/regress" |
    sed -E 's/^(not ok|FAILED) (.*)/fail\tregress:\2/; s/^ok (.*)/pass\tregress:\1/' >>"$results/regress.tsv"
  if [ $status -ne 0 ]; then
    tail -n 20 "$work/log/regress"
    head -n 200 "$work/run/regress/regression.diffs" 2>/dev/null
    grep -q '^fail' "$results/regress.tsv" || row regress fail regress:run "exit status $status"
  fi
}

tap_stage() { # STAGE FILE...
  local stage=$1
  shift
  [ $# -gt 0 ] && [ -e "$src/$1" ] || { row "$stage" fail "$stage:none" "no test found"; return; }
  mkdir -p "$work/run/$stage/rows" && chmod 777 "$work/run/$stage" "$work/run/$stage/rows"
  (cd "$src" && printf '%s\n' "$@" | as_user "${tap_wrapper[@]}" xargs -d '\n' -n 1 -P "$tap_jobs" perl test/lib/tap-one.pl "$stage" "$work/run/$stage" "$fast") ||
    row "$stage" fail "$stage:around" "exit status $? of ${tap_wrapper[0]:-xargs}"
  cat "$work/run/$stage/rows/"* >>"$results/$stage.tsv" 2>/dev/null
  local file
  for file in "$@"; do
    [ -e "$work/run/$stage/rows/$(basename "$file")" ] || row "$stage" fail "$stage:$(basename "$file")" "no result"
  done
}
stage_pgtap() {
  mkdir -p "$work/run/pgtap" && chmod 777 "$work/run/pgtap"
  tap_wrapper=(test/lib/with-cluster.sh "$work/run/pgtap") tap_jobs=1
  tap_stage pgtap $(cd "$src" && ls test/pgtap/*.sql 2>/dev/null)
}
stage_tap() {
  tap_wrapper=() tap_jobs=$TEST_JOBS
  # Tests compare these programs with pg_waldump and with a server.
  if [ -n "${PITR_CORE_BUILT:-}" ] || "${make[@]}" dumps >"$work/log/dumps" 2>&1; then
    cp build/cmake/pitr_wal_dump build/cmake/pitr_change_dump build/cmake/pitr_time_dump "$src/test/lib/"
  else
    row tap fail tap:pitr_wal_dump "it could not be built"
    tail -n 20 "$work/log/dumps"
  fi
  # The S3 server, unless somebody passes one in, is the ordinary user's too, and lives as long as the stage.
  [ -n "${PITR_TEST_S3_HTTP:-}" ] || tap_wrapper=(test/lib/rgw.sh run --)
  tap_stage tap $(cd "$src" && longest_first ${TESTS:-test/t/*.pl})
}
# A file that takes much longer than others says so: "# About N s.".
longest_first() { # FILE...
  local file seconds
  for file; do
    seconds=$(sed -n 's/^# About \([0-9]*\) s\.$/\1/p' "$file")
    printf '%s\t%s\n' "${seconds:-0}" "$file"
  done | sort -k1,1nr -k2,2r | cut -f 2
}

# What only root does: each script of test/root is one test.
stage_root() {
  local file
  for file in test/root/*.sh; do
    if [ "$(id -u)" = 0 ]; then check root "root:$(basename "$file" .sh)" timeout -k 10 300 "$file" "$work/run/root-$(basename "$file" .sh)"
    else row root skip "root:$(basename "$file" .sh)" "not run by root"; fi
  done
}

for stage in $stages; do
  heading "$stage"
  began=$SECONDS
  case $stage in
    tidy | build | exports) ;;
    *) [ -n "$building_ahead" ] || build_ahead $stages ;;
  esac
  case $stage in
    regress | pgtap | tap | root)
      if prepare; then "stage_$stage"; else row "$stage" fail "$stage:install" "the module could not be installed"; fi ;;
    build | exports | tidy | unit | plain | faults | asan | fuzz | tsan | store) "stage_$stage" ;;
    *) echo "run-tests: no stage $stage" >&2; exit 2 ;;
  esac
  has_rows "$stage" || row "$stage" fail "$stage:none" "the stage reported no test"
  test/lib/counts.py --stage "$stage" "$results/$stage.tsv"
  echo "    $((SECONDS - began)) s"
done

heading "summary"
test/lib/counts.py --summary $(for stage in $stages; do echo "$results/$stage.tsv"; done)
