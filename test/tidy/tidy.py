#!/usr/bin/env python3
"""The rules of the house, checked over the tree. usage: tidy.py [--rows]

Every rule is one test: with --rows one row "pass|fail<TAB>tidy:rule<TAB>first finding" each; findings go to stderr. Exit status 1 (without
--rows) when a rule is broken.
"""
import os
import re
import sys

import document_rules
import include_circles
from tree import cpp, read, tracked, without_comments

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
BANNED_NAMES = re.compile(r"(^|[/_])(utils?|common|helpers?|managers?|new)([_.]|$)", re.IGNORECASE)
MARKERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
INCLUDE = re.compile(r'#\s*include\s*[<"]([^>"]+)[>"]')
SERVER_HEADERS = re.compile(
    r"(postgres|postgres_ext|postgres_fe|fmgr|miscadmin|pgstat|funcapi|varatt|pg_config|c)\.h$|"
    r"(access|archive|backup|catalog|commands|common|executor|lib|libpq|nodes|optimizer|parser|port|postmaster|replication|storage|tcop|utils)/"
)
# Standard names and the headers that have them. What one compiler's library drags in by itself, the next one does not.
STANDARD_NAMES = [
    (r"\bu?int(8|16|32|64)_t\b|\bSIZE_MAX\b|\bU?INT(8|16|32|64)_M(AX|IN)\b", ["cstdint"]),
    (r"\bstd::(sort|stable_sort|find|find_if|clamp|all_of|any_of|none_of|search|reverse|remove_if|lower_bound|"
     r"upper_bound|transform|count_if|count|max_element|min_element|unique|mismatch|ranges)\b", ["algorithm"]),
    (r"\bstd::(unique_ptr|shared_ptr|weak_ptr|make_unique|make_shared)\b", ["memory"]),
    (r"\bstd::function\b", ["functional"]),
    (r"\bstd::(optional|nullopt)\b", ["optional"]),
    (r"\bstd::atomic\b", ["atomic"]),
    (r"\bstd::(mutex|lock_guard|unique_lock|scoped_lock)\b", ["mutex"]),
    (r"\bstd::condition_variable\b", ["condition_variable"]),
    (r"\bstd::thread\b", ["thread"]),
    (r"\bstd::array\b", ["array"]),
    (r"\bstd::(map|multimap)\b", ["map"]),
    (r"\bstd::(set|multiset)\b", ["set"]),
    (r"\bstd::unordered_map\b", ["unordered_map"]),
    (r"\bstd::deque\b", ["deque"]),
    (r"\bstd::vector\b", ["vector"]),
    (r"\bstd::variant\b", ["variant"]),
    (r"\bstd::span\b", ["span"]),
    (r"\bstd::string_view\b", ["string_view", "string"]),
    (r"\bstd::string\b", ["string"]),
    (r"\bstd::(to_chars|from_chars)\b", ["charconv"]),
    (r"\bstd::numeric_limits\b", ["limits"]),
    (r"\bstd::bad_alloc\b", ["new"]),
    (r"\bstd::filesystem\b", ["filesystem"]),
    (r"\bstd::chrono\b", ["chrono", "thread"]),
    (r"\b(std::)?(memcpy|memcmp|memset|memmove|strlen|strerror|strcmp)\s*\(", ["cstring", "string.h"]),
    (r"\b(std::)?(snprintf|printf|fprintf|fputs|fopen)\s*\(", ["cstdio", "stdio.h"]),
    (r"\berrno\b", ["cerrno", "errno.h"]),
]


def functions(text):
    """Yields (first line, number of lines) of every block that starts like a function and is not inside another."""
    lines = without_comments(text).split("\n")
    depth, start, base = 0, None, 0
    for number, line in enumerate(lines, 1):
        for column, char in enumerate(line):
            if char == "{":
                head = line[:column].strip() or (lines[number - 2].strip() if number > 1 else "")
                if start is None and re.search(r"\)[^;=]*$", head):
                    start, base = number, depth
                depth += 1
            elif char == "}":
                depth -= 1
                if start is not None and depth == base:
                    yield start, number - start + 1
                    start = None


def rule_file_size():
    for name in cpp("src", "test"):
        lines = read(name).count("\n")
        if lines > MAX_FILE_LINES:
            yield f"{name}: {lines} lines; at most {MAX_FILE_LINES}"


def rule_function_length():
    for name in cpp("src"):
        for line, length in functions(read(name)):
            if length > MAX_FUNCTION_LINES:
                yield f"{name}:{line}: a function of {length} lines; at most {MAX_FUNCTION_LINES}"


def rule_include_direction():
    forbidden = {"src/core": ("server", "cli"), "src/cli": ("server",), "src/server": ("cli",)}
    for root, others in forbidden.items():
        for name in cpp(root):
            for include in INCLUDE.findall(read(name)):
                if include.split("/")[0] in others:
                    yield f"{name}: {root} includes {include}"


def rule_rooms_of_core():
    """The tables of rooms and of their subjects in docs/architecture.md say what a room or subject may include."""
    rooms, subjects = document_rules.rooms_of_core(), document_rules.subjects_of_core()
    for name in cpp("src/core"):
        room, subject = document_rules.place_in_core(name.removeprefix("src/core/"))
        of_room = subjects.get(room, {room: []})
        if room not in rooms:
            yield f"{name}: no such room; the table in {document_rules.ARCHITECTURE} lists them and what they may include"
            continue
        if subject not in of_room:
            yield f"{name}: {room}/ has no subject {subject}; the table in {document_rules.ARCHITECTURE} lists them and what they may include"
            continue
        for include in INCLUDE.findall(read(name)):
            if not re.match(r"core/\w+/", include):
                continue
            other_room, other_subject = document_rules.place_in_core(include.removeprefix("core/"))
            if other_room != room and other_room not in rooms[room]:
                yield f"{name}: {room}/ may not include {include}"
            if other_room == room and other_subject not in (subject, *of_room[subject]):
                yield f"{name}: {subject}, of {room}/, may not include {include}"


def rule_unit_tests_of_core():
    """Directories of unit tests are rooms and subjects of what they test, and a test that is called like a source lies where that lies."""
    homes, roots = {}, ("src/core/", "src/")
    for name in cpp("src/core", "src/cli"):
        homes.setdefault(re.sub(r"\.\w+$", "", os.path.basename(name)), set()).add(os.path.dirname(re.sub("^src/(core/)?", "", name)))
    for name in cpp("test/unit"):
        place = os.path.dirname(name.removeprefix("test/unit/"))
        if place and not any(os.path.isdir(root + place) for root in roots):
            yield f"{name}: src/core has no {place}"
        home = homes.get(re.sub(r"_test\.\w+$", "", os.path.basename(name)), {place})
        if place not in home:
            yield f"{name}: what it is called after is in {' and '.join(sorted(home))}"


def rule_server_headers():
    for name in cpp("src/core", "src/cli", "test/unit", "test/store_suite", "test/fuzz"):
        for include in INCLUDE.findall(read(name)):
            if SERVER_HEADERS.match(include) and not os.path.exists("test/" + include):
                yield f"{name}: {include} (PostgreSQL headers belong to src/server)"


def reached(name, seen):
    """Every header that a file includes, directly or through headers of the project."""
    for include in INCLUDE.findall(read(name)) if name not in seen else ():
        seen[name] = seen.get(name, set()) | {include}
        for root in ("src/", "test/"):
            if os.path.isfile(root + include):
                reached(root + include, seen)
    return set().union(*seen.values()) if seen else set()


def rule_standard_headers():
    for name in cpp("src/core", "src/cli", "test"):
        text = without_comments(read(name))
        headers = reached(name, {})
        for pattern, wanted in STANDARD_NAMES:
            match = re.search(pattern, text)
            if match and not headers & set(wanted):
                yield f"{name}: uses {match.group(0).strip(' (')} without <{wanted[0]}>"


def rule_curl():
    for name in cpp("src"):
        if not re.match(r"src/core/store/http[a-z_]*\.(h|cpp)$", name) and re.search(r"#\s*include\s*<curl/", read(name)):
            yield f"{name}: curl belongs to src/core/store/http*"


def rule_directory_store():
    """Whoever names a file by a path there may follow a link: core/store/directory_tree.h."""
    calls = r"(?<![\w.:>])(open|openat|openat2|l?stat|fstatat|l?chown|fchownat|chmod|fchmodat|mkdir|mkdirat|rmdir|unlink|unlinkat|rename|renameat2?|link|linkat|readlinkat)\("
    for name in cpp("src/core/store"):
        if re.match(r"src/core/store/directory(?!_tree)[a-z_]*\.(h|cpp)$", name):
            for call in re.findall(calls, without_comments(read(name))):
                yield f"{name}: {call}(); go through DirectoryTree, which follows no link"


def rule_version_checks():
    for name in cpp("src/server"):
        if os.path.basename(name) not in ("compat.h", "compat.cpp") and re.search(r"^\s*#.*PG_VERSION_NUM", read(name), re.MULTILINE):
            yield f"{name}: differences between PostgreSQL versions belong to src/server/compat.h"


def rule_no_throw_in_core():
    for name in cpp("src/core", "src/cli"):
        for number, line in enumerate(without_comments(read(name)).split("\n"), 1):
            if re.search(r"\bthrow\b(?! std::bad_alloc\(\))", line):
                yield f"{name}:{number}: a throw; return a Status"


def rule_locale():
    """A server process has a locale, which must change nothing: core/base/ascii.h, core/base/letter_case.h, <charconv>."""
    calls = re.compile(r"(?<![\w.:>])(?:std::)?(is(?:alpha|alnum|digit|xdigit|lower|upper|space|punct|print|cntrl|graph)|to(?:lower|upper)|"
                       r"strn?casecmp|strcoll|strxfrm|setlocale|localeconv|strto(?:d|f|ld)|atof|sto(?:d|f|ld))\s*\(|\bstd::(?:locale|regex)\b")
    for name in cpp("src/core", "src/cli"):
        for number, line in enumerate(without_comments(read(name)).split("\n"), 1):
            if match := calls.search(line):
                yield f"{name}:{number}: {match.group(0).strip(' (')} goes by the locale; core/base/ascii.h, <charconv>"


def rule_elog():
    for name in cpp("src/server"):
        if not re.match(r"src/server/log[a-z_]*\.(h|cpp)$", name) and re.search(r"\belog\s*\(", without_comments(read(name))):
            yield f"{name}: elog(); use ereport with a code, or server/log"


def rule_banned_names():
    for name in tracked("src", "test", "scripts", "sql", "bench", "docs"):
        if BANNED_NAMES.search(name):
            yield f"{name}: a file named after nothing in particular"


def rule_markers():
    for name in tracked("src", "test", "sql", "docs", "scripts", "bench", "Makefile", "CMakeLists.txt", "README.md"):
        if name == "test/tidy/tidy.py":
            continue
        for number, line in enumerate(read(name).split("\n"), 1):
            # XXXXXX is a template of mktemp and no marker.
            if MARKERS.search(line):
                yield f"{name}:{number}: a left-over marker"


def rule_head_comments():
    for name in cpp("src"):
        if name.endswith(".cpp") and os.path.exists(name[:-4] + ".h"):
            continue  # its header says it
        if not read(name).startswith(("//", "/*")):
            yield f"{name}: no head comment (what it is, its invariant, threads)"


def rule_pragma_once():
    for name in cpp("src", "test"):
        if name.endswith(".h") and "#pragma once" not in read(name):
            yield f"{name}: no #pragma once"


def rule_white_space():
    for name in tracked("src", "test", "sql", "scripts", "bench", "docs", "Makefile", "CMakeLists.txt", ".ci", "*.md", "*.control", "*.map"):
        text = read(name)
        if name.startswith("test/golden/") or "\0" in text:
            continue
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{name}:{number}: white space at the end"
                break
            if "\t" in line and name.startswith(("src/", "sql/")):
                yield f"{name}:{number}: a tab"
                break


def rule_scripts_executable():
    for name in tracked("scripts", "test", ".ci", "bench"):
        if read(name).startswith("#!") and not os.access(name, os.X_OK):
            yield f"{name}: starts with #! and is not executable"


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    as_rows = sys.argv[1:] == ["--rows"]
    broken = 0
    for key, rule in sorted({**globals(), **vars(document_rules), **vars(include_circles)}.items()):
        if not key.startswith("rule_"):
            continue
        findings = list(rule())
        broken += bool(findings)
        for finding in findings:
            print(f"{key[5:]}: {finding}", file=sys.stderr)
        if as_rows:
            print("fail" if findings else "pass", "tidy:" + key[5:], findings[0] if findings else "", sep="\t")
    if not as_rows:
        print("tidy: " + (f"{broken} rules broken" if broken else "all rules hold"))
        sys.exit(1 if broken else 0)


main()
