"""Circles of includes. A header and the source of the same name count as one: what needs each other to be understood is one thing, or a value that
two of them share wants a header of its own."""
import os
import re

from tree import cpp, read

INCLUDE = re.compile(r'#\s*include\s*"([^"]+)"')
# Those that are left; none may come, and one that is gone goes from here.
KNOWN = [
    {"core/repo/keyring", "core/repo/manifest", "core/repo/manifest_reader", "core/repo/recovery_kit", "core/repo/repository", "core/repo/stored_identity"},
    {"core/repo/object_codec", "core/repo/object_header"},
    {"core/repo/partial_segment", "core/repo/wal_compare", "core/repo/wal_fetch"},
    {"core/repo/wal_catalog", "core/repo/wal_seal"},
    {"core/restore/branch_search", "core/restore/content_notes", "core/restore/plan", "core/restore/plan_objects", "core/restore/plan_target",
     "core/restore/replay_effects"},
    {"core/restore/cluster_tree", "core/restore/wal_place"},
    {"core/restore/copy_guard", "core/restore/directory_home"},
    {"core/restore/cut_off_recovery", "core/restore/recovery_end"},
    {"core/restore/place_note", "core/restore/tablespace_user"},
    {"core/store/credentials", "core/store/credentials_file", "core/store/credentials_remote"},
]


def unit(name):
    return os.path.splitext(name)[0]


def includes():
    """What each unit of src includes, by names below src without endings."""
    names = [name.removeprefix("src/") for name in cpp("src")]
    units = {unit(name): set() for name in names}
    for name in names:
        wanted = {unit(each) for each in INCLUDE.findall(read("src/" + name))}
        units[unit(name)] |= (wanted & units.keys()) - {unit(name)}
    return units


def reached(units, start):
    """Every unit that is included from `start`, directly or not."""
    found, waiting = set(), [start]
    while waiting:
        for each in units[waiting.pop()] - found:
            found.add(each)
            waiting.append(each)
    return found


def circles():
    units = includes()
    below = {name: reached(units, name) for name in units}
    seen = set()
    for name in sorted(units):
        if name in below[name] and name not in seen:
            circle = {other for other in below[name] if name in below[other]}
            seen |= circle
            yield circle


def rule_include_circles():
    found = list(circles())
    for circle in found:
        if circle not in KNOWN:
            yield "a circle of includes: " + ", ".join(sorted(circle))
    for circle in KNOWN:
        if circle not in found:
            yield "no circle any more, to be taken from include_circles.py: " + ", ".join(sorted(circle))
