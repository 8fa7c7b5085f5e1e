#!/usr/bin/env python3
"""usage: gtest-rows.py PREFIX RESULT.json: one row "pass|fail|skip<TAB>PREFIX:Suite.Test<TAB>reason" per GoogleTest test,
and one "time<TAB>PREFIX:Suite<TAB>seconds" per suite."""
import json
import sys


def main():
    prefix, path = sys.argv[1:]
    try:
        with open(path, encoding="utf-8") as file:
            suites = json.load(file).get("testsuites", [])
    except (OSError, ValueError):
        return  # the caller sees the missing file and reports the crash
    for suite in suites:
        for test in suite.get("testsuite", []):
            name = f"{prefix}:{test['classname']}.{test['name']}"
            if test.get("failures"):
                verdict, reason = "fail", test["failures"][0].get("failure", "").split("\n")[0]
            elif test.get("result") == "SKIPPED" or test.get("status") == "NOTRUN":
                notes = test.get("skipped", [])
                verdict, reason = "skip", notes[0].get("message", "").strip().replace("\n", " ") if notes else ""
            else:
                verdict, reason = "pass", ""
            print(verdict, name, reason.replace("\t", " "), sep="\t")
        print("time", f"{prefix}:{suite['name']}", suite.get("time", "0s").removesuffix("s"), sep="\t")


main()
