#!/usr/bin/env bash
# usage: server-san.sh [STAGE...]   (default: regress pgtap tap; TESTS names the TAP files)
# Builds the module and the binary with AddressSanitizer and UndefinedBehaviorSanitizer in build/server-san, a copy of the sources, and
# runs server tests against them. PostgreSQL itself is as the system has it: the sanitizer's library is loaded into it first
# (test/run-tests.sh does that for PITR_SERVER_PRELOAD), so its memory is watched as well. Any report ends the process, and fails a test.
set -eu
cd "$(dirname "$0")/.."
tree=build/server-san
# GCC warns of more that is not so when its sanitizers are on.
sanitize="-O1 -Wno-maybe-uninitialized -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
mkdir -p "$tree"
tar --exclude=./build --exclude=./.git --exclude='./*.so' -cf - . | tar -C "$tree" -xf -
cd "$tree"
cmake -S . -B build/cmake $(command -v ninja >/dev/null && echo -G Ninja) -DPITR_SANITIZE=address -DPITR_TESTS=OFF -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_CXX_FLAGS='-O1 -g1' >/dev/null
export SANITIZE=$sanitize
make -j "$(nproc)" >build/log 2>&1 || { grep -E -A6 'error:' build/log | head -n 60; exit 1; }
# The sanitizer begins with the first allocation, which another library makes while it holds the C library's lock on locales, looks for a function of
# this name, and waits for ever for that lock to word the error that there is none. So there is one.
echo 'char *swift_demangle(void) { return 0; }' | gcc -shared -fPIC -xc -o build/found.so -
export PITR_SERVER_PRELOAD="$(readlink -f "$(gcc -print-file-name=libasan.so)") $PWD/build/found.so"
# No leak check: PostgreSQL frees little before it exits. No own signal stack: PostgreSQL's signal handlers run on the normal one.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:halt_on_error=1:use_sigaltstack=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
[ $# -gt 0 ] || set -- regress pgtap tap
export TESTS=${TESTS:-test/t/001_archive.pl test/t/003_backup.pl test/t/013_archiver_error.pl}
exec test/run-tests.sh "$@"
