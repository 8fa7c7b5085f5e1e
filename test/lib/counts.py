#!/usr/bin/env python3
"""usage: counts.py --stage NAME FILE | --summary FILE...
Counts rows of "pass|fail|skip<TAB>id<TAB>reason"; rows "time<TAB>id<TAB>seconds" say what took long. A skip must match a line "id reason" of test/allowed-skips.txt (the id may hold
shell wildcards), else it counts as failed. --summary prints the ten slowest, one line per file and, last, the plain total."""
import fnmatch
import os
import sys

SLOWEST = 10
ALLOWED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "allowed-skips.txt")


def allowed_ids():
    with open(ALLOWED, encoding="utf-8") as file:
        lines = [line.split(None, 1) for line in file if line.strip() and not line.startswith("#")]
    for line in lines:
        if len(line) < 2:
            sys.exit(f"{ALLOWED}: {line[0]} has no reason")
    return [line[0] for line in lines]


def read_rows(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            rows = [line.rstrip("\n").split("\t") for line in file if line.strip()]
    except FileNotFoundError:
        rows = [["fail", os.path.basename(path), "no result"]]
    return [(row + ["", ""])[:3] for row in rows]


def read(path, allowed):
    """Counts (passed, failed, skipped) and the lines worth showing."""
    counts, notes = {"pass": 0, "fail": 0, "skip": 0}, []
    for verdict, name, reason in read_rows(path):
        if verdict == "time":
            continue
        if verdict == "skip" and not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed):
            verdict, reason = "fail", f"skipped ({reason}), and not listed in test/allowed-skips.txt"
        counts[verdict] += 1
        if verdict != "pass":
            notes.append(f"    {verdict.upper()}  {name}" + (f": {reason}" if reason else ""))
    return counts, notes


def text(counts):
    return f"{counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped"


def slowest(paths):
    times = [(float(seconds), name) for path in paths for verdict, name, seconds in read_rows(path) if verdict == "time"]
    return [f"    {seconds:7.1f} s  {name}" for seconds, name in sorted(times, reverse=True)[:SLOWEST]]


def main():
    allowed = allowed_ids()
    if sys.argv[1] == "--stage":
        counts, notes = read(sys.argv[3], allowed)
        print("\n".join(notes + [f"{sys.argv[2]}: {text(counts)}"]))
        sys.exit(1 if counts["fail"] else 0)
    total = {"pass": 0, "fail": 0, "skip": 0}
    print("\n".join(["slowest:"] + slowest(sys.argv[2:])))
    for path in sys.argv[2:]:
        counts, notes = read(path, allowed)
        for note in notes:
            if "FAIL" in note:
                print(note)
        print(f"{os.path.basename(path).removesuffix('.tsv')}: {text(counts)}")
        for key in total:
            total[key] += counts[key]
    print(text(total))
    sys.exit(1 if total["fail"] or not total["pass"] else 0)


main()
