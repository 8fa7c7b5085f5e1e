"""What the rules of the house look at: the files of the tree, and pieces of their text."""
import os
import re
import subprocess


def tracked(*patterns):
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return sorted(name for name in set(names.split("\0")) if name and os.path.isfile(name))


def read(name):
    with open(name, encoding="utf-8", errors="replace") as file:
        return file.read()


def cpp(*roots):
    return [name for name in tracked(*roots) if name.endswith((".cpp", ".h"))]


def documents():
    return tracked("*.md")


def without_comments(text):
    """The same text with comments and literals blanked, line numbers kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def literals(name):
    """The string literals of a source, those that follow each other without anything between as one."""
    joined = re.sub(r'(?<!\\)"\s*\n\s*"', "", read(name))
    return [text.replace('\\"', '"') for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined)]
