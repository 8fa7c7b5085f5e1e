#!/usr/bin/env bash
# usage: clang-tidy.sh [all]   Runs clang-tidy on the sources of core and the binary that differ from the main branch (or on all).
set -eu
cd "$(dirname "$0")/.."
cmake -S . -B build/tidy -DPITR_TESTS=OFF -DPITR_UNITY=OFF -DCMAKE_CXX_COMPILER=g++ >/dev/null
if [ "${1:-}" = all ]; then
  files=$(git ls-files 'src/core/*.cpp' 'src/cli/*.cpp')
else
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
  files=$(git diff --name-only --diff-filter=d "$base" -- 'src/core/*.cpp' 'src/cli/*.cpp')
fi
[ -n "$files" ] || { echo "clang-tidy: no changed file"; exit 0; }
printf '%s\n' $files | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy
