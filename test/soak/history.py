"""What the model knows: branches of history, what happened on each, and what the tables held after each event."""
from dataclasses import dataclass, field

FOREVER = 1 << 62


@dataclass(frozen=True)
class State:
    """Databases, their tables, their rows; and the tablespaces. Never changed, only replaced."""
    databases: tuple = (("postgres", ()),)  # ((database, ((table, rows), ...)), ...)
    spaces: frozenset = frozenset()
    prepared: tuple = ()  # (name, xid, database, table, row), prepared and not ended

    def tables(self, database):
        return dict(dict(self.databases).get(database, ()))

    def names(self):
        return [name for name, _ in self.databases]

    def rows(self):
        """{database: {table: [rows]}}, as a server shows it."""
        return {name: {table: sorted(rows) for table, rows in tables} for name, tables in self.databases}

    def with_tables(self, database, tables):
        databases = dict(self.databases)
        databases[database] = tuple(sorted(tables.items()))
        return State(tuple(sorted(databases.items())), self.spaces, self.prepared)

    def without(self, database):
        return State(tuple(item for item in self.databases if item[0] != database), self.spaces, self.prepared)

    def with_spaces(self, spaces):
        return State(self.databases, frozenset(spaces), self.prepared)

    def with_prepared(self, prepared):
        return State(self.databases, self.spaces, tuple(prepared))


@dataclass
class Event:
    label: int
    kind: str
    state: State      # after it
    before: int       # where WAL would have gone on before and after it
    after: int
    time: int         # a moment after it, before anything else: microseconds since 1970
    xid: int = 0      # the transaction that ended with it; 0: none
    name: str = ""    # of a restore point or backup
    backup_stop: int = 0

    def is_one_record(self):
        return self.kind in ("commit-prepared", "rollback-prepared", "point")


@dataclass
class Branch:
    number: int                # the model's own
    timeline: int              # PostgreSQL's
    parent: "Branch" = None
    fork: int = 0              # how many events of the parent's path belong to it
    fork_lsn: int = 0
    born: int = 0              # when the server that made it was started
    ended: int = FOREVER       # when the last server on it was stopped for good
    stray: bool = False        # made by a copy or by an old primary: not where production went
    took_over: bool = False    # somebody said that the copy continues the cluster
    stored: bool = True        # its history is in the repository
    aside: bool = False        # an operator left it out of what is chosen
    events: list = field(default_factory=list)

    def path(self):
        return (self.parent.path()[:self.fork] if self.parent else []) + self.events

    def lineage(self):
        return (self.parent.lineage() if self.parent else []) + [self]

    def state(self):
        path = self.path()
        return path[-1].state if path else State()

    def state_at(self, count):
        """After that many events of the path."""
        return self.path()[count - 1].state if count else State()

    def timeline_at(self, lsn):
        """The timeline that a recovery along this branch reads the segment of a position from."""
        return self.timeline if self.parent is None or lsn >= self.fork_lsn else self.parent.timeline_at(lsn)

    def count_until(self, lsn, ends_there=lambda event: False):
        """How many events of the path lie before a position; with the one in which it is, when that ends with the record there."""
        count = 0
        for number, event in enumerate(self.path(), 1):
            if event.after <= lsn or (event.before <= lsn and ends_there(event)):
                count = number
        return count


class History:
    def __init__(self):
        self.branches = [Branch(1, 1)]

    def fork(self, parent, timeline, lsn, born):
        """The branch that a server opened; what is on the parent's path up to the position belongs to it."""
        branch = Branch(len(self.branches) + 1, timeline, parent, parent.count_until(lsn), lsn, born)
        self.branches.append(branch)
        return branch

    def event(self, label):
        """(branch on which it happened, event) of a step; None when it did not happen."""
        for branch in self.branches:
            for event in branch.events:
                if event.label == label:
                    return branch, event
        return None

    def of_timeline(self, timeline):
        return [branch for branch in self.branches if branch.timeline == timeline and branch.stored]

    def point(self, branch, count):
        """A place in the tree, the same whichever branch's path it was found on: (branch that owns the event, its number)."""
        while branch.parent and count <= branch.fork:
            branch = branch.parent
        return branch.number, count
