"""Random stories."""
import random

from story import Step

TABLES = ["a", "b"]
DATABASES = ["shop", "crm"]
SPACES = ["fast"]


class Teller:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.steps, self.moments, self.points, self.recoveries = [], [], [], 0
        self.named = self.dice.random() < 0.5  # whoever asks in this story always says which branch

    def add(self, verb, *words, **options):
        options = {name.replace("_", "-"): value for name, value in options.items() if value not in (None, False)}
        self.steps.append(Step(len(self.steps) + 1, verb, list(words), options))
        return self.steps[-1].label

    def table(self):
        name = self.dice.choice(TABLES)
        return f"{self.dice.choice(DATABASES)}.{name}" if self.dice.random() < 0.25 else name

    def chance(self, probability):
        return self.dice.random() < probability

    def write(self):
        """One event, of any kind."""
        verb = self.dice.choices(
            ["write", "abort", "delete", "truncate", "drop", "table", "database", "drop-database", "space", "drop-space", "move-database",
             "point", "prepare", "commit-prepared", "rollback-prepared", "quiet", "vacuum", "wal"],
            [10, 2, 2, 1, 2, 3, 2, 2, 1, 0.5, 0.5, 3, 1, 1, 0.5, 1, 1, 1])[0]
        if verb in ("database", "drop-database"):
            options = {"space": self.dice.choice(SPACES)} if verb == "database" and self.chance(0.2) else {}
            if verb == "database" and self.chance(0.2):
                options["strategy"] = "file_copy"
            label = self.add(verb, self.dice.choice(DATABASES), **options)
            if verb == "database":
                self.add("table", f"{self.steps[-1].word(0)}.a")
        elif verb in ("space", "drop-space"):
            label = self.add(verb, self.dice.choice(SPACES))
        elif verb == "move-database":
            label = self.add(verb, self.dice.choice(DATABASES), self.dice.choice(SPACES))
        elif verb == "table":
            label = self.add(verb, self.table(), space=self.dice.choice(SPACES) if self.chance(0.3) else None)
        elif verb == "point":
            label = self.add(verb, f"p{len(self.steps) + 1}")
            self.points.append(label)
        elif verb in ("commit-prepared", "rollback-prepared"):
            label = self.add(verb)
        elif verb == "quiet":
            label = self.add(verb, *(["checkpoint"] if self.chance(0.5) else []))
        elif verb == "wal":
            label = self.add(verb, n=self.dice.randint(1, 4))
        elif verb == "write":
            label = self.add(verb, self.table(), n=self.dice.choice([1, 1, 1, 3, 50]))
        else:
            label = self.add(verb, self.table())
        self.moments.append(label)

    def target(self):
        """(words, options)"""
        kind = self.dice.choices(["time", "xid", "lsn", "name", "latest", "immediate"], [6, 3, 2, 2, 3, 1])[0]
        if kind == "name" and not self.points:
            kind = "time"
        options = {}
        label = self.dice.choice(self.points if kind == "name" else self.moments)
        if kind in ("latest", "immediate"):
            word, label = kind, self.moments[-1]
        else:
            word = f"{kind}@{label}"
            options["exclusive"] = kind == "xid" and self.chance(0.3)
        if self.named:
            options["tl"] = f"@{label}"
        elif self.recoveries and self.chance(0.3):
            options["tl"] = f"@{self.dice.choice(self.moments)}"
        options["pause"] = self.chance(0.15)
        options["allow_gap"] = kind == "latest" and self.chance(0.3)
        return word, options

    def server(self):
        """Something that happens to the server."""
        verb = self.dice.choices(["backup", "crash", "restart", "switch", "conf", "lose", "expire", "ask"], [5, 1, 1, 3, 1, 0.4, 0.6, 2])[0]
        if verb == "backup":
            self.moments.append(self.add(verb, self.dice.choices(["full", "incr", "diff"], [3, 2, 1])[0]))
        elif verb == "conf":
            self.add(verb, self.dice.choice(["max_connections", "max_worker_processes", "max_locks_per_transaction"]), str(self.dice.randint(30, 120)))
        elif verb == "lose":
            self.add("switch")
            self.add(verb, f"@{self.dice.choice(self.moments)}")
        elif verb == "expire":
            self.add(verb, full=self.dice.randint(1, 2))
        else:
            self.add(verb, named=verb == "ask" and self.named)

    def recovery(self):
        verb = self.dice.choices(["recover", "copy", "standby", "failover"], [5, 3, 1, 1])[0]
        if verb == "failover":
            if not any(step.verb == "standby" for step in self.steps):
                self.add("standby")
                self.write()
            split = self.chance(0.25)
            self.add(verb, split=split, backs_up=split and self.chance(0.5))
            self.recoveries += 1
        elif verb == "standby":
            self.add(verb)
        else:
            word, options = self.target()
            if verb == "copy":
                archives = self.chance(0.2)
                options.update({"map": self.chance(0.5), "archives": archives, "as_copy": not archives and self.chance(0.5), "take_over": self.chance(0.5)})
            else:
                options["crashed"] = self.chance(0.2)
            label = self.add(verb, word, **options)
            self.recoveries += 1
            if options.get("archives") and self.chance(0.5):
                self.write()
                self.add("set-aside", f"@{label}")

    def tell(self):
        self.moments.append(self.add("table", "a"))
        for _ in range(self.dice.randint(0, 3)):
            self.write()
        self.moments.append(self.add("backup", "full"))
        for _ in range(self.dice.randint(1, 3)):
            for _ in range(self.dice.randint(2, 5)):
                self.write()
                if self.chance(0.3):
                    self.server()
            if self.chance(0.6):
                self.add("switch")
            self.recovery()
        for _ in range(self.dice.randint(1, 3)):
            self.write()
        self.add("ask", n=12, named=self.named)
        word, options = self.target()
        self.add("recover", word, **options)
        return self.steps


def make(seed, named=None):
    teller = Teller(seed)
    teller.named = teller.named if named is None else named
    return teller.tell()
