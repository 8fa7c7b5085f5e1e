"""A story: steps in words, one a line, that can be printed, read back and played again.

    1: table a            a number, a colon, a verb, words, options (name=value or a flag)
    2: write a n=3
    3: backup full
    4: recover time@2     a target names the step whose moment is meant
"""
from dataclasses import dataclass, field


@dataclass
class Step:
    label: int
    verb: str
    words: list = field(default_factory=list)
    options: dict = field(default_factory=dict)

    def __str__(self):
        options = [name if value is True else f"{name}={value}" for name, value in self.options.items()]
        return f"{self.label}: {' '.join([self.verb, *self.words, *options])}"

    def word(self, at, default=None):
        return self.words[at] if at < len(self.words) else default


class StoryError(Exception):
    pass


FLAGS = {"exclusive", "archives", "as-copy", "map", "crashed", "pause", "split", "named", "allow-gap", "take-over", "backs-up"}


def parse_step(text):
    number, colon, rest = text.partition(":")
    words = rest.split()
    if not colon or not number.strip().isdigit() or not words:
        raise StoryError(f"not a step: {text!r}")
    step = Step(int(number), words[0])
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals:
            step.options[name] = value
        elif word in FLAGS:
            step.options[word] = True
        else:
            step.words.append(word)
    return step


def parse(text):
    """Steps of lines, or of one line in which ';' parts them; '#' begins a comment."""
    steps = []
    for line in text.replace(";", "\n").splitlines():
        line = line.partition("#")[0].strip()
        if line:
            steps.append(parse_step(line))
    return steps


def text_of(steps):
    return "\n".join(str(step) for step in steps)


def line_of(steps):
    return "; ".join(str(step) for step in steps)


@dataclass
class Target:
    """Where a recovery is to go: a kind, and the step whose moment, transaction, position or name is meant."""
    kind: str
    label: int = 0
    exclusive: bool = False
    timeline: int = 0  # step whose branch is asked for; 0: not said
    allow_gap: bool = False

    def __str__(self):
        text = f"{self.kind}@{self.label}" if self.label else self.kind
        return text + (" exclusive" if self.exclusive else "") + (f" on the branch of step {self.timeline}" if self.timeline else "")


def target_of(step):
    kind, _, label = step.word(0, "latest").partition("@")
    return Target(kind, int(label or 0), bool(step.options.get("exclusive")), int(str(step.options.get("tl", "0")).lstrip("@")),
                  bool(step.options.get("allow-gap")))
