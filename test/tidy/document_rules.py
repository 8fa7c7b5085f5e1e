"""The rules of the house about documents: what they say of the code is so."""
import os
import re
import subprocess
import sys

from tree import cpp, documents, literals, read, tracked

ARCHITECTURE = "docs/architecture.md"


def rooms_of_core():
    """Room of core -> rooms that it may include, as the table of rooms has them, from the ground up."""
    rows = re.findall(r"^\| `src/core/(\w+)` \|[^|]*\|([^|]*)\|$", read(ARCHITECTURE), re.MULTILINE)
    return {room: [] if others.strip() == "nothing of ours" else others.replace(",", " ").split() for room, others in rows}


def subjects_of_core():
    """Room -> subject -> subjects of the same room that it may include, as the table of subjects has them, from the ground up. What lies in the
    room's own directory is the subject that is called like the room. Rooms without subjects are not in it."""
    subjects = {}
    for room, subject, others in re.findall(r"^\| `(\w+)/(\w*)` \|[^|]*\|([^|]*)\|$", read(ARCHITECTURE), re.MULTILINE):
        if room in rooms_of_core():
            subjects.setdefault(room, {})[subject or room] = [] if others.strip() == "nothing" else others.replace(",", " ").split()
    return subjects


def place_in_core(path):
    """(room, subject) of a path below src/core; the subject of what lies in the room's own directory is called like the room."""
    room, *within = path.split("/")
    return room, "/".join(within[:-1]) or room


def stands_on(what, table, included):
    """What is wrong with rows of a table that says who may include whom: each stands above all that it includes, and may do no more than it does."""
    below = []
    for name, others in table.items():
        for other in others:
            if other not in below:
                yield f"{ARCHITECTURE}: {what}{name} may include {other}, which does not stand below it"
            elif other not in included[name]:
                yield f"{ARCHITECTURE}: {what}{name} may include {other}, and does not"
        below.append(name)


def rule_table_of_rooms():
    """Each room and each subject of one stands above all that it includes, and nothing in the tables is more than the code needs."""
    rooms, subjects = rooms_of_core(), subjects_of_core()
    included = {room: set() for room in rooms}
    included_within = {room: {subject: set() for subject in of_room} for room, of_room in subjects.items()}
    for name in cpp("src/core"):
        room, subject = place_in_core(name.removeprefix("src/core/"))
        for other_room, other_subject in map(place_in_core, re.findall(r'#include "core/(\w+/[^"]+)"', read(name))):
            if other_room != room:
                included.setdefault(room, set()).add(other_room)
            elif other_subject != subject:
                included_within.setdefault(room, {}).setdefault(subject, set()).add(other_subject)
    for room in rooms:
        if not included[room] and room != "base":
            yield f"{ARCHITECTURE}: {room} includes nothing, or is not there"
    yield from stands_on("", rooms, included)
    for room, of_room in subjects.items():
        for subject in of_room:
            if not any(place_in_core(name.removeprefix("src/core/")) == (room, subject) for name in cpp("src/core/" + room)):
                yield f"{ARCHITECTURE}: {room}/ has no subject {subject}"
        yield from stands_on(f"{room}/: ", of_room, included_within[room])


def rule_cited_rules():
    """A rule that a comment or document cites by name is one of docs/architecture.md; a number names none."""
    known = set(re.findall(r"^- \*\*([^*]+)\*\*:", read(ARCHITECTURE), re.MULTILINE))
    for name in [*cpp("src"), *documents(), "Makefile", "CMakeLists.txt"]:
        text = re.sub(r"\n *(//|#) *", " ", read(name))
        for cited in re.findall(r'\brules? ((?:"[^"\n]+"(?:, | and )?)+)', text):
            for rule in re.findall(r'"([^"]+)"', cited):
                if rule not in known:
                    yield f'{name}: cites the rule "{rule}", which {ARCHITECTURE} does not have'
        for number in re.findall(r"\brules? (R?\d+)\b|\((R\d+)\)", text):
            yield f"{name}: cites the rule {''.join(number)} by a number; rules have names"


def anchors(text):
    """The anchors of a document's headings, as they are made on its way to a browser."""
    seen = {}
    for heading in re.findall(r"^#{1,6} +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        seen[anchor] = seen.get(anchor, -1) + 1
        yield anchor if seen[anchor] == 0 else f"{anchor}-{seen[anchor]}"


def rule_document_links():
    for name in documents():
        for link in re.findall(r"\]\(([^)\s]+)\)", read(name)):
            path, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            if not os.path.exists(target):
                yield f"{name}: there is no {path}"
            elif anchor and (not target.endswith(".md") or anchor not in anchors(read(target))):
                yield f"{name}: {target} has no heading for #{anchor}"


def rule_document_paths():
    """Sources, scripts and tests that documents name are there, but for patterns with an X. Rooms may be named without src/ or src/core/."""
    for name in documents():
        for path in re.findall(r"`((?:src|core|server|cli|test|docs|bench|scripts|sql|%s)/[\w./-]+\.(?:h|cpp|md|py|sh|pl|sql|txt))`"
                               % "|".join(rooms_of_core()), read(name)):
            if not re.search(r"\bX\b|_X\b", path) and not any(os.path.exists(root + path) for root in ("", "src/", "src/core/")):
                yield f"{name}: there is no {path}"


def code_spans(text):
    """What a document sets as code: its blocks and what stands between backticks."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE))


def rule_document_settings():
    """What is called pg_pitr.NAME is a setting, or the code has a file or object of that name."""
    settings = set(re.findall(r'^ +\{"(\w+)",', read("src/core/config/settings.cpp"), re.MULTILINE))
    known = "\n".join(read(name) for name in [*cpp("src"), *tracked("test/walk", "test/t", "test/schema", "scripts", "*.control")])
    for name in documents():
        for setting in set(re.findall(r"\bpg_pitr\.([a-z_]\w*)", "\n".join(code_spans(read(name))))):
            if setting not in settings and not re.search(rf"\bpg_pitr\.{setting}\b", known):
                yield f"{name}: there is no setting pg_pitr.{setting}, nor a file of that name"


def rule_document_functions():
    """SQL functions, procedures and views, and programs of the tests, exist."""
    made = set(re.findall(r"^CREATE (?:FUNCTION|PROCEDURE|VIEW) (\w+)", "".join(map(read, tracked("sql/pg_pitr--*.sql"))), re.MULTILINE))
    made |= set(re.findall(r"\b(pitr_\w+)", read("CMakeLists.txt")))
    for name in documents():
        for function in set(re.findall(r"(?<![\w.])(pitr_[a-z]\w*)", read(name))):
            if function not in made:
                yield f"{name}: there is no {function}"


def verbs():
    """Verb -> the options that its source, and what all verbs share, has."""
    of_source = {name: set(re.findall(r"--[a-z][a-z-]*", "\n".join(literals(name)))) for name in cpp("src/cli")}
    shared = {"--help", *of_source["src/cli/command_line.cpp"]}
    for name, options in of_source.items():
        text = read(name)
        if '"cli/target_options.h"' in text:
            options = options | of_source["src/cli/target_options.cpp"]
        for verb in re.findall(r'add_subcommand\(\s*"([\w-]+)"', text):
            yield verb, options | shared


def rule_document_commands():
    """A command that a document shows is one: the verb is there, and has the options. Other options are somebody's."""
    known, words, named = dict(verbs()), set(), "\n".join(text for source in cpp("src") for text in literals(source))
    for name in tracked("src", "test", "bench", "scripts", ".ci", "Makefile"):
        if not name.startswith(("test/golden/", "test/fuzz/corpus/", "test/tidy/")):
            words |= set(re.findall(r"--[a-z][a-z-]*", read(name)))
    for name in documents():
        for span in code_spans(read(name)):
            for command in re.split(r"\n|\||;|&&|\bsudo\b", re.sub(r"\\\n", " ", span)):
                match = re.match(r"\W*(?:[a-z]+ (?:-\w+ )*)*pg_pitr ([a-z][\w-]*)((?: .*)?)$", command)
                if match and match.group(1) != "help":
                    verb, rest = match.groups()
                    if verb not in known and f"pg_pitr {verb}" not in named:  # a name of something else
                        yield f"{name}: pg_pitr has no verb {verb}"
                    for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", rest):
                        if option not in known.get(verb, words):
                            yield f"{name}: pg_pitr {verb} has no option {option}"
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span):
                if option not in words:
                    yield f"{name}: nothing has the option {option}"


# Parsers of bytes that a fuzz target reaches through another function, and through which.
FUZZED_THROUGH = {
    "DecodeFrameHeader": "DecodeObject",
    "DecodeObjectHeader": "DecodeObject",
    "DecodeWalRecord": "WalReader",
    "DecodeWalRecordBeginning": "WalReader",
    "ParseJsonObject": "DecodeKeySlot",
    "ParseLine": "ReadFileMap",
    "ParseRelationPath": "ReadFileMap",
    "ParseSize": "ExpectedBytes",
    "ParseTimeDistance": "ParseTarget",
}


def rule_fuzzed_parsers():
    """What docs/threat-model.md says of parsers: what is called Parse... or Decode... and takes text or bytes is fuzzed."""
    fuzzed = "\n".join(map(read, cpp("test/fuzz")))
    for name in cpp("src/core"):
        for parser, arguments in re.findall(r"\b((?:Parse|Decode)[A-Z]\w+)\(([^;{]*)\)[^;{]*;", read(name)) if name.endswith(".h") else ():
            if not re.search(r"string_view|ByteView", arguments):
                continue
            through = FUZZED_THROUGH.get(parser, parser)
            if not re.search(rf"\b{through}\b", fuzzed):
                yield f"{name}: no target in test/fuzz calls {through}"


def rule_threat_model():
    """A protection is worth what proves it: the tests that docs/threat-model.md names exist."""
    name = "docs/threat-model.md"
    for path, tests in re.findall(r"`((?:test|sql)/[\w/.]+\.\w+)`((?: \w+,?)*)", read(name)):
        if not os.path.isfile(path):
            yield f"{name}: there is no {path}"
        elif path.endswith(".cpp"):
            for test in re.findall(r"\b[A-Z]\w+\b", tests):
                if not re.search(rf"\b{test}\)", read(path)):
                    yield f"{name}: {path} has no test {test}"


def rule_runbook_messages():
    """People look for what they have read: the messages in the tables of the runbook, apart from `...`, N and URL, and part by part where a
    colon joins them, are the product's."""
    name = "docs/runbook.md"
    known = "\n".join(text for source in cpp("src") for text in literals(source))
    table = False
    for number, line in enumerate(read(name).split("\n"), 1):
        if not line.startswith("|"):
            table = False
        elif line.startswith("| message |"):
            table = True
        elif table:
            for quoted in re.findall(r"`([^`]+)`", line.split(" | ")[0]):
                for part in re.split(r"\.\.\.|\bN\b|\bURL\b|: ", quoted):
                    if part.strip() and part.strip(" \"',;:") not in known:
                        yield f"{name}:{number}: nothing in src says {part!r}"


def rule_json_page():
    """docs/json.md says what the schema says."""
    made = subprocess.run([sys.executable, "test/schema/page.py"], capture_output=True, check=True).stdout.decode()
    if made != read("docs/json.md"):
        yield "docs/json.md: is not what test/schema/page.py makes of the schema; page.py --write writes it"
