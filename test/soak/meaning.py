"""What a target means: the states that an answer may have, and whether a refusal would be right.

Written from what a person who asks means, not from what the product does:
- a time is a moment of the branch that was being written at that moment by the wall clock, never of one that was born later;
- a transaction, a position, a name, the end belong to the branches that hold them;
- where several branches with different rows answer, the person must be asked: a refusal that names them;
- where a branch is named, that one alone is meant.
"""
from dataclasses import dataclass, field

from archive import SEGMENT, segment_name
from history import FOREVER


@dataclass
class Meaning:
    points: list = field(default_factory=list)  # [(branch, count of events of its path)]: right answers
    must: bool = False                          # a refusal would be wrong
    why: str = ""                               # of a refusal that is right
    timelines: list = field(default_factory=list)  # that a refusal for several branches has to name

    def states(self):
        return [branch.state_at(count) for branch, count in self.points]


@dataclass
class Asked:
    """A target with the values that its step had when it was played."""
    kind: str
    value: object
    exclusive: bool
    branch: object  # asked for by its timeline; None: not said
    allow_gap: bool = False

    def options(self):
        words = ["--target-" + self.kind] + (["--allow-gap"] if self.allow_gap else [])
        if self.kind not in ("latest", "immediate"):
            words.append(str(self.value))
        if self.exclusive:
            words.append("--target-exclusive")
        if self.branch:
            words += ["--target-timeline", str(self.branch.timeline)]
        return words


def count_on(path, asked, moment):
    """How many events of a path are before the target; None when the target is not on it."""
    if asked.kind == "time":
        return sum(1 for event in path if event.time <= moment)
    if asked.kind == "lsn":
        return sum(1 for event in path if event.after <= moment)
    for number, event in enumerate(path, 1):
        if asked.kind == "xid" and event.xid == moment and event.kind != "prepare":
            return number - 1 if asked.exclusive else number
        if asked.kind == "name" and event.kind == "point" and event.name == moment:
            return number
    return None


class Meanings:
    def __init__(self, history, archive, now):
        self.history, self.archive, self.now = history, archive, now

    def of(self, asked, moment, own=None):
        """`own`: the branch of the running server that is asked; None for the binary."""
        if asked.kind in ("latest", "immediate"):
            return self.of_end(asked, own)
        branches = [asked.branch] if asked.branch else self.branches_of(asked, moment, own)
        found, reached = {}, []
        for branch in branches:
            count = count_on(branch.path(), asked, moment)
            if count is not None and self.is_stored(branch, count, asked, moment):
                reached.append(branch)
                found.setdefault(self.history.point(branch, count), (branch, count))
                following = branch.path()[count:count + 1]
                # What is replayed up to and with the position may be the end of what is being written there.
                if asked.kind == "lsn" and not asked.exclusive and following and (following[0].is_one_record() or following[0].before < moment):
                    found.setdefault(self.history.point(branch, count + 1), (branch, count + 1))
        lost = self.add_what_is_left(found, asked)
        meaning = Meaning(list(found.values()))
        if not found:
            meaning.why = "the target is on no branch"
        elif len({self.owner_of_next(branch, asked, moment) for branch in reached}) > 1:
            meaning.why = "what happened next at this position differs"
        elif len({branch.number for branch, _ in meaning.points}) > 1:
            meaning.why = "several branches lead there"
            meaning.timelines = sorted({branch.timeline for branch, _ in meaning.points})
        elif lost:
            meaning.why = "what was committed before the crash was not archived"
        elif asked.kind == "time" and not asked.branch and not own and self.went_on_beside(moment):
            meaning.why = "branches were written side by side, and one that is silent may be idle"
        elif asked.kind == "time" and not asked.branch and self.is_opening(moment):
            meaning.why = "a branch was being opened"
        else:
            meaning.why = self.why_not(*meaning.points[0], asked)
            meaning.must = not meaning.why
        if meaning.must and own and not asked.branch and self.may_be_unarchived(own, asked, moment):
            meaning.must, meaning.why = False, "the server may have one of that number or name itself, which is not archived"
        return meaning

    def add_what_is_left(self, found, asked):
        """A crash may take what was committed and not archived: then what is in the archive of it is all there can be. Whether it did."""
        lost = False
        for branch, count in list(found.values()) if asked.kind == "time" else []:
            ends = [self.archive.unbroken_until(branch, backup.before) for backup in self.backups_for(branch, count)]
            left = branch.count_until(max(ends, default=0))
            if ends and left < count:
                found.setdefault(self.history.point(branch, left), (branch, left))
                lost = True
        return lost

    def is_opening(self, moment):
        """Whether a branch may have begun in the second of the moment: PostgreSQL's first record of it has whole seconds."""
        return any(branch.parent and branch.stored and not branch.aside and branch.born - 1000000 <= moment <= branch.born + 3000000
                   and not any(event.time <= moment for event in branch.events) for branch in self.history.branches)

    def may_be_unarchived(self, own, asked, moment):
        """Whether the running server can have given the number itself: which it has is known to it alone."""
        if asked.kind == "xid":
            given = moment <= max((event.xid for event in own.path() if event.xid), default=0)
        else:
            given = asked.kind == "name" or asked.kind == "lsn" and moment >= own.fork_lsn
        count = count_on(own.path(), asked, moment)
        return given and (count is None or not self.is_stored(own, count, asked, moment))

    def end_of(self, branch):
        path = branch.path()
        return path[-1].after if path else 0

    def owner_of_next(self, branch, asked, moment):
        """The branch that owns what is named, when recovery stops before it: the same rows on both sides do not make it one."""
        if asked.kind == "lsn":
            return branch.timeline_at(moment)
        if asked.kind == "xid" and asked.exclusive:
            return self.history.point(branch, count_on(branch.path(), asked, moment) + 1)[0]
        return 0

    def is_stored(self, branch, count, asked, moment):
        """Whether the archive has what is named: who has only the archive cannot mean anything else."""
        if asked.kind == "time":
            return True
        starts = [backup.before for backup in self.backups_for(branch, len(branch.path()))]
        end = max((self.archive.unbroken_until(branch, start) for start in starts), default=0)
        if asked.kind == "lsn":
            return moment < end
        return branch.path()[count if asked.exclusive else count - 1].after <= end

    def branches_of(self, asked, moment, own):
        stored = [branch for branch in self.history.branches if branch.stored and not branch.aside]
        if asked.kind != "time":
            count = count_on(own.path(), asked, moment) if own else None
            # A server's own transaction is not another branch's of that number, be it archived or not.
            return [own] if count is not None and (asked.kind == "xid" or self.is_stored(own, count, asked, moment)) else stored
        alive = [branch for branch in stored if branch.born <= moment <= branch.ended]
        if not alive:  # a quiet time between one server's end and the next one's start: where it ended
            latest = max((branch.ended for branch in stored if branch.ended < moment), default=None)
            alive = [branch for branch in stored if branch.ended == latest]
        if own and len(alive) > 1:
            alive = [branch for branch in alive if branch in own.lineage()] or alive
        return alive

    def backups_for(self, branch, count):
        """Backups from which a recovery along the branch can reach that many events, newest last."""
        return [event for event in branch.path()[:count] if event.kind == "backup" and event.name]

    def why_not(self, branch, count, asked):
        """Why the product may say no; empty when it must find the way."""
        path = branch.path()
        if asked.kind == "xid" and asked.exclusive:
            needed = count + 1
        elif asked.kind in ("time", "lsn"):
            later = [number for number, event in enumerate(path, 1) if number > count and (event.xid or asked.kind == "lsn")]
            if not later:
                return "nothing later is known to be in the archive"
            needed = later[0]
        else:
            needed = count
        for backup in reversed(self.backups_for(branch, count)):
            if self.archive.unbroken_until(branch, backup.before) >= path[needed - 1].after:
                return ""
        return "no backup with unbroken WAL leads there"

    def is_unbroken(self, branch, ends):
        """Whether nothing is in the archive behind the first gap."""
        lsn = max(ends, default=0)
        return not any(self.archive.has(segment_name(branch.timeline_at(at + SEGMENT - 1), at))
                       for at in range(lsn, self.end_of(branch) + SEGMENT, SEGMENT))

    def went_on_beside(self, moment=FOREVER):
        """Whether a branch that was opened until then was opened while another went on: from the archive alone nobody can tell which is meant."""
        chosen = [branch for branch in self.history.branches if branch.stored and not branch.aside]
        return any(branch is not other and branch.parent and other.born <= branch.born < other.ended and branch.born - 1000000 <= moment
                   for branch in chosen for other in chosen)

    def of_end(self, asked, own):
        going = [branch for branch in self.history.branches
                 if branch.ended == FOREVER and not branch.stray or branch.took_over and branch.stored and not branch.aside]
        branches = [asked.branch] if asked.branch else ([own] if own else going)
        meaning = Meaning()
        for branch in branches:
            backups = self.backups_for(branch, len(branch.path()))
            if asked.kind == "immediate":
                meaning.points += [(branch, branch.count_until(backup.backup_stop)) for backup in backups]
            else:
                ends = {self.archive.unbroken_until(branch, backup.before) for backup in backups}
                meaning.points += [(branch, branch.count_until(end)) for end in sorted(ends)[-1:]]
                # What the server still had and the product could save is right as well.
                meaning.points += [(branch, count) for branch, count in meaning.points[-1:] for count in range(count, len(branch.path()) + 1)]
                if not asked.allow_gap and not self.is_unbroken(branch, ends):
                    meaning.points = []  # not without consent
            usable = [backup for backup in backups if self.archive.unbroken_until(branch, backup.before) > backup.backup_stop]
            meaning.must = bool(usable and meaning.points) and bool(asked.branch or own or not self.went_on_beside())
            meaning.why = "" if meaning.must else "branches were written side by side" if usable else "no backup, or a gap behind it"
        return meaning
