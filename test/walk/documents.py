"""The command blocks of a document, as they stand in it."""
import re

MARK = re.compile(r"<!-- not walked: (.+?) -->\s*$")
HEADING = re.compile(r"#+ (?P<heading>.+)|\*\*(?P<step>\d+\. .+?)\.?\*\*")


class Block:
    """`place`: document, section and number in it. `why_not`: why the document says that it cannot be run as it is."""

    def __init__(self, document, section, number, line, language, why_not):
        self.document, self.section, self.number, self.line = document, section, number, line
        self.language, self.why_not, self.text = language, why_not, ""

    @property
    def place(self):
        return (self.document, self.section, self.number)

    def __str__(self):
        return f"{self.document}:{self.line} ({self.section}, block {self.number})"


class Document:
    def __init__(self, top, name):
        self.name = name
        with open(f"{top}/{name}", encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.blocks = list(self._blocks())

    def _blocks(self):
        section, number, block, indent, why_not = "", 0, None, "", None
        for at, line in enumerate(self.lines, 1):
            fence = re.match(r"( *)```(\w*)\s*$", line)
            if block is not None:
                if fence:
                    yield block
                    block = None
                else:
                    block.text += line.removeprefix(indent) + "\n"
                continue
            if fence:
                number += 1
                indent = fence[1]
                block = Block(self.name, section, number, at, fence[2], why_not)
            elif heading := HEADING.match(line):
                section, number = heading["heading"] or heading["step"], 0
            mark = MARK.search(line)
            why_not = mark[1] if mark else why_not if not line.strip() else None
        if block is not None:
            raise SystemExit(f"{block}: the block does not end")

    def inline(self, beginning):
        """The one command within a line of text that begins so: `like this`."""
        found = {span for line in self.lines for span in re.findall(r"`([^`]+)`", line) if span.startswith(beginning)}
        if len(found) != 1:
            raise AssertionError(f"{self.name} has {len(found)} commands within text that begin with {beginning!r}, not one")
        return found.pop()
