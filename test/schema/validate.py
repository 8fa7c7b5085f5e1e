#!/usr/bin/env python3
"""Holds what pg_pitr printed with --json against pg_pitr.json. usage: validate.py FILE, whose lines are JSON objects {"verb", "status", "out"};
prints what is wrong, nothing when all is right."""
import json
import os
import sys

from jsonschema import Draft202012Validator

HERE = os.path.dirname(os.path.abspath(__file__))
# Their answers may say that something is wrong.
ANSWER_WITH_ERROR = {"outcome", "wal-push", "key import"}


def problems(schema, call):
    """What is wrong with one call's output."""
    try:
        out = json.loads(call["out"])
    except ValueError as error:
        return [f"no JSON: {error}"]
    definitions = {"$defs": schema["$defs"]}
    found = []
    if isinstance(out, dict) and "error" in out:
        if call["status"] == 0:
            found.append("an error, and exit code 0")
        wrong = out.pop("error")
        found += [error.message for error in Draft202012Validator({**definitions, "$ref": "#/$defs/error"}).iter_errors(wrong)]
        if call["verb"] == "verify" and out.pop("result", None) != "not checked":
            found.append("of verify it is not said that nothing was checked")
        if not out:
            return found
        if call["verb"] not in ANSWER_WITH_ERROR:
            found.append(f"more than an error: {sorted(out)}")
    name = call["verb"].replace("/", "~1")
    if call["verb"] not in schema["$defs"]:
        return found + ["no such verb in the schema"]
    checker = Draft202012Validator({**definitions, "$ref": "#/$defs/" + name.replace(" ", "%20")})
    return found + [f"{'/'.join(map(str, error.path))}: {error.message}" for error in checker.iter_errors(out)]


def main():
    with open(os.path.join(HERE, "pg_pitr.json"), encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    with open(sys.argv[1], encoding="utf-8") as calls:
        for line in calls:
            call = json.loads(line)
            for problem in problems(schema, call):
                print(f"{call['verb']}, exit code {call['status']}: {problem[:500]}")


if __name__ == "__main__":
    main()
