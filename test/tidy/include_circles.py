"""Circles of includes. A header and the source of the same name count as one: what needs each other to be understood is one thing, or a value that
two of them share wants a header of its own."""
import os
import re

from tree import cpp, read

INCLUDE = re.compile(r'#\s*include\s*"([^"]+)"')

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
    for circle in circles():
        yield "a circle of includes: " + ", ".join(sorted(circle))
