#!/usr/bin/env bash
# usage: format.sh fix|check   Formats the C++ sources, or shows what would change. Exit status 77: clang-format 14 is not there
# (other versions lay some lines out differently).
set -u
cd "$(dirname "$0")/.." || exit 2
tool=$(command -v clang-format-14 || true)
if [ -z "$tool" ] && clang-format --version 2>/dev/null | grep -q 'version 14\.'; then tool=clang-format; fi
[ -n "$tool" ] || { echo "clang-format 14 is not installed" >&2; exit 77; }
mapfile -t files < <(find src test bench -name '*.cpp' -o -name '*.h' | sort)
case ${1:-} in
  fix) "$tool" -i "${files[@]}" ;;
  check) "$tool" --dry-run --Werror "${files[@]}" ;;
  *) echo "usage: format.sh fix|check" >&2; exit 2 ;;
esac
