#!/usr/bin/env python3
"""docs/json.md from pg_pitr.json, so that what is documented is what is tested. usage: page.py [--write]: without it the page is printed."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "json.md")
HEAD = """# What `--json` prints

Every verb that a person or a script calls takes `--json`: one object on standard output instead of a page, whatever the width of the terminal. `wal-get` and `recovery-end`, which PostgreSQL calls, do not.
Warnings and errors go to standard error as always, and the exit codes are the same ([reference.md](reference.md#exit-codes)).

**On an error** the object has one field, `error`; where there is an answer all the same (`verify`, `outcome`, `wal-push`) it stands beside the others:

```
$ pg_pitr info --config /etc/none.conf --json 2>/dev/null
{
  "error": {
    "code": "invalid_argument",
    "message": "there is no settings file \\"/etc/none.conf\\"",
    "detail": null,
    "hint": "Give it with --config FILE, or name it in the variable PG_PITR_CONFIG. ..."
  }
}
```

Times are RFC 3339 in UTC, positions in WAL texts as PostgreSQL prints them, sizes bytes. A field is always there, and null where there is nothing to say, unless it is called optional. Fields may be added; those that are here stay and keep
their meaning. This page is made from `test/schema/pg_pitr.json`, a JSON schema that the tests hold all output against.
"""


def kind(field):
    if "enum" in field:
        return ", ".join("null" if value is None else f"`{value}`" for value in field["enum"])
    names = field.get("type", "object")
    names = [names] if isinstance(names, str) else names
    items = field.get("items", {})
    return " or ".join(f"{name} of {items['type']}s" if name == "array" and items.get("type") == "string" else name for name in names)


def rows(name, field):
    """(path, kind, meaning) of a field and of what is in it."""
    yield name, kind(field), field.get("description", "")
    inner, below = field, name
    if "items" in field:
        inner, below = field["items"], name + "[]"
    elif isinstance(field.get("additionalProperties"), dict) and "properties" in field["additionalProperties"]:
        inner, below = field["additionalProperties"], name + ".*"
    for key, value in inner.get("properties", {}).items():
        optional = " (optional)" if key not in inner["required"] else ""
        for path, what, meaning in rows(below + "." + key, value):
            yield path, what, meaning + optional if path == below + "." + key else meaning


def page(schema):
    text = HEAD
    for verb, object_ in schema["$defs"].items():
        text += f"\n## `{verb}`\n\n" if verb != "error" else "\n## On errors: `error`\n\n"
        if object_.get("description"):
            text += object_["description"] + "\n\n"
        text += "| field | type | |\n|---|---|---|\n"
        for key, value in object_["properties"].items():
            optional = " (optional)" if key not in object_["required"] else ""
            for path, what, meaning in rows(key, value):
                text += f"| `{path}` | {what} | {meaning + optional if path == key else meaning} |\n"
    return text


def main():
    with open(os.path.join(HERE, "pg_pitr.json"), encoding="utf-8") as file:
        made = page(json.load(file))
    if sys.argv[1:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(made)
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
