"""The steps of a story in which something is recovered, and the questions that are asked about it."""
import datetime
import json
import os
import random

from archive import SEGMENT
from cluster import Failure, digest_of, lsn_of, lsn_text, run, wait_for
from history import Event
from meaning import Asked, Meanings
from promise import Promise, judge, plan_by_binary, plan_by_sql
from story import Target, target_of

QUESTIONS = 10


def time_text(micros):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f+00")


class Passed(Exception):
    """The step makes no sense where it stands."""


class Recoveries:
    # --- targets ---------------------------------------------------------------------------------------------------
    def asked(self, target):
        """(what is asked for, the moment that it stands for); None when the step that it names did not happen."""
        moment = value = None
        if target.kind not in ("latest", "immediate"):
            found = self.history.event(target.label)
            if not found:
                return None
            event = found[1]
            moment = {"time": event.time, "xid": event.xid, "lsn": event.after, "name": event.name if event.kind == "point" else ""}[target.kind]
            if not moment or (target.kind == "xid" and event.kind == "prepare"):
                return None
            value = {"time": time_text, "lsn": lsn_text}.get(target.kind, str)(moment)
        branch = None
        if target.timeline:
            found = self.history.event(target.timeline)
            branch = found[0] if found else self.branch_of_step.get(target.timeline)
            if branch is None or not branch.stored:
                return None
        return Asked(target.kind, value, target.exclusive, branch, target.allow_gap), moment

    def meaning(self, asked, moment, own=None):
        return Meanings(self.history, self.archive, self.now()).of(asked, moment, own)

    def targets(self, step):
        """Questions about every kind of target, the same ones for the same step."""
        dice = random.Random(step.label)
        labels = [event.label for branch in self.history.branches for event in branch.events]
        last = self.branch.path()[-1].label if step.options.get("named") and self.branch.events else 0
        wanted = [Target("latest", timeline=last), Target("immediate", timeline=last)]
        for _ in range(int(step.options.get("n", QUESTIONS))):
            kind = dice.choice(["time", "time", "xid", "lsn", "name"])
            label = dice.choice(labels)
            timeline = label if step.options.get("named") else dice.choice(labels) if dice.random() < 0.3 else 0
            wanted.append(Target(kind, label, kind == "xid" and dice.random() < 0.3, timeline))
        found = [self.asked(target) for target in wanted]
        return [item for item in found if item]

    def answers(self, step):
        return [plan_by_binary(self.settings, asked.options(), self.log) for asked, _ in self.targets(step)]

    def do_ask(self, step):
        """Plans, by the binary and by the running server, against the model."""
        self.check_window()
        for asked, moment in self.targets(step):
            by_binary = plan_by_binary(self.settings, asked.options(), self.log)
            judge(asked, self.meaning(asked, moment), by_binary, self.history, "the binary's plan")
            if not self.production.running():
                continue
            by_sql = plan_by_sql(self.production, asked)
            judge(asked, self.meaning(asked, moment, self.branch), by_sql, self.history, "the server's plan")
            if by_sql.promise and by_binary.promise and not Meanings(self.history, self.archive, 0).went_on_beside() and by_sql.promise != by_binary.promise:
                raise Failure(f"DISAGREE: {asked.options()}: the binary: {by_binary}; the server: {by_sql}")
            # The binary cannot know what the server has given numbers to and not archived.
            own = not asked.branch and Meanings(self.history, self.archive, 0).may_be_unarchived(self.branch, asked, moment)
            if by_binary.promise and not by_sql.promise and not own:
                raise Failure(f"DISAGREE: {asked.options()}: the binary: {by_binary}; the server: {by_sql}")

    def check_window(self):
        """The server's own window is that of its own branch."""
        if not self.production.running():
            return
        self.production.settle()
        possible, timeline = self.production.value("SELECT possible, latest_timeline FROM pitr_recovery_window()").split("|")
        if possible == "t" and int(timeline) != self.branch.timeline:
            raise Failure(f"WRONG WINDOW: pitr_recovery_window() is about timeline {timeline}; the server is on {self.branch.timeline}")

    # --- restoring -------------------------------------------------------------------------------------------------
    def restore(self, directory, asked, meaning, options, may_refuse):
        """Plan, then restore; None when both refuse and may, else the promise. `may_refuse`: the directory may be why."""
        action = [word for word in options if word in ("--target-action", "pause")]  # where it stops may depend on it
        plan = plan_by_binary(self.settings, asked.options() + action, self.log)
        judge(asked, meaning, plan, self.history, "the plan")
        command = ["pg_pitr", "restore", "--config", self.settings, "-D", directory, "--no-progress", "--json", *asked.options(), *options]
        status, out, err = run(command, self.log, limit=120)
        if (status == 0) != (plan.promise is not None) and not (status != 0 and may_refuse):
            raise Failure(f"DISAGREE: {' '.join(asked.options())}: the plan: {plan}; restore ended with {status}: {' '.join(err.split())}")
        if status != 0:
            return None
        promise = Promise.of_json(json.loads(out)["plan"])
        if promise != plan.promise or promise.backup != plan.promise.backup:
            raise Failure(f"DISAGREE: {' '.join(asked.options())}: the plan: {plan}; restore: {promise}")
        return promise

    def opened(self, cluster, promise, options, pause):
        """Starts a restored server and waits until it is open; holds what it has against the promise. Returns the branch it is on."""
        born = self.now()
        branch, count = promise.place(self.history)
        state, what = branch.state_at(count), f"{cluster.name}, recovered to {promise},"
        if not cluster.start(options):
            raise Failure(f"BROKEN: {cluster.name} does not start: {cluster.log_end()}")
        if pause:
            wait_for("recovery to pause", lambda: cluster.answers("SELECT pg_get_wal_replay_pause_state()", "paused") or not cluster.running())
            self.check_rows(cluster, state, what)
            cluster.sql("SELECT pg_wal_replay_resume()")
        cluster.wait_open()
        self.check_rows(cluster, state, what)
        timeline, lsn = cluster.fork()
        made = self.history.fork(branch, timeline, lsn, born)
        if made.state() != state:
            raise Failure(f"WRONG ROWS: {what} left timeline {branch.timeline} at {lsn_text(lsn)}, where the model has {made.state().rows()}")
        return made

    def target(self, step):
        found = self.asked(target_of(step))
        if not found:
            raise Passed("the target's step did not happen")
        return found

    def action(self, step, asked):
        pause = bool(step.options.get("pause")) and asked.kind != "latest"
        return pause, ["--target-action", "pause"] if pause else []

    def do_recover(self, step):
        """In place: the production server goes to the target, and on from there."""
        asked, moment = self.target(step)
        if step.options.get("crashed"):
            self.crash()
        else:
            self.production.stop()
        ended, before = self.now(), digest_of(self.production.directory)
        pause, options = self.action(step, asked)
        promise = self.restore(self.production.directory, asked, self.meaning(asked, moment), ["--delta", *options], False)
        if promise is None:
            if digest_of(self.production.directory) != before:
                raise Failure("TOUCHED: a refused restore changed the data directory")
            self.start_again()
            return
        self.branch.ended = ended
        self.branch = self.opened(self.production, promise, None, pause)
        self.branch_of_step[step.label] = self.branch
        self.production.wait_archived()

    def mapping(self, place):
        """Every tablespace that production has, into directories of the copy's own."""
        words = []
        for name in sorted(self.branch.state().spaces):
            words += ["--tablespace", f"{self.space_directory(name)}={place}/{name}"]
        return words

    def do_copy(self, step):
        """Beside: production runs on, and nothing of it is touched."""
        asked, moment = self.target(step)
        copy = self.cluster(f"copy{step.label}")
        spaces = any(event.state.spaces for branch in self.history.branches for event in branch.events)
        pause, options = self.action(step, asked)
        options += self.mapping(copy.directory + ".spaces") if step.options.get("map") else []
        archives = bool(step.options.get("archives"))
        meant = bool(step.options.get("as-copy")) and not archives
        options += ["--as-copy"] if meant else []
        self.check_rows(self.production, self.branch.state(), "production")
        self.production.sql("CHECKPOINT")
        spaces_before = digest_of(os.path.join(self.home, "spaces"))
        self.production.settle()
        promise = self.restore(copy.directory, asked, self.meaning(asked, moment), options, spaces)
        if promise:
            made = self.opened(copy, promise, "" if archives or meant else "-c archive_mode=off", pause)
            if meant and copy.value("SHOW archive_mode") != "off":
                raise Failure(f"TOUCHED: {copy.name}, made with --as-copy, archives")
            made.stray, made.stored = True, False
            self.write_in_copy(copy, made, step)
            if archives:
                self.archive_from_copy(copy, made, step)
            copy.stop()
            made.ended, made.stored = self.now(), self.archive.has_branch(made)
            self.branch_of_step[step.label] = made
        if digest_of(os.path.join(self.home, "spaces")) != spaces_before:
            raise Failure("TOUCHED: a copy changed files of production's tablespaces")
        copy.remove()
        self.check_rows(self.production, self.branch.state(), "production beside a copy")
        self.production.wait_archived()

    def write_in_copy(self, copy, made, step):
        """Something that production must never have."""
        state, made_state = made.state(), made.state()
        for database in state.names():
            for table, rows in state.tables(database).items():
                copy.sql(f"INSERT INTO {table} VALUES ({-step.label}); CHECKPOINT;", database)
                tables = made_state.tables(database)
                tables[table] = rows | {-step.label}
                made_state = made_state.with_tables(database, tables)
        lsn, micros, xmax = copy.value("SELECT pg_current_wal_insert_lsn(), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, "
                                       "pg_snapshot_xmax(pg_current_snapshot())").split("|")
        made.events.append(Event(-step.label, "written in a copy", made_state, made.fork_lsn, lsn_of(lsn), int(micros), int(xmax) - 1))

    def archive_from_copy(self, copy, made, step):
        """The mistake: it archives into production's repository. It has to be held back, as production lives, unless somebody insists."""
        def held():
            return copy.answers("SELECT archiver_state FROM pitr_status", "held")
        copy.wait_archived(held)
        if held() and step.options.get("take-over"):
            run(["pg_pitr", "take-over", "--force", "-D", copy.directory], self.log)
            made.took_over = True
            copy.wait_archived()

    def do_set_aside(self, step):
        """The branch that was made at a step is left out of every choice."""
        branch = self.branch_of_step.get(int(step.word(0, "@0").lstrip("@")))
        if branch is None or not branch.stored or branch in self.branch.lineage():
            raise Passed("no such branch, or production's own")
        status, _, err = run(["pg_pitr", "timeline", "set-aside", "--force", "--config", self.settings, str(branch.timeline), "--reason", "a test copy"], self.log)
        if status != 0:
            raise Failure(f"REFUSED: timeline {branch.timeline} could be set aside: {err}")
        branch.aside = True

    # --- standbys --------------------------------------------------------------------------------------------------
    def do_standby(self, step):
        if self.standby or self.branch.state().spaces:
            raise Passed("there is one, or there are tablespaces")
        self.production.wait_archived()
        if not self.meaning(Asked("latest", None, False, None), None).must:
            raise Passed("nothing to make it from")
        standby = self.cluster(f"standby{step.label}")
        status, _, err = run(["pg_pitr", "restore", "--config", self.settings, "-D", standby.directory, "--mode", "standby", "--no-progress"],
                             self.log, limit=120)
        if status != 0:
            raise Failure(f"REFUSED: a standby could be made: {' '.join(err.split())}")
        if not standby.start("-c hot_standby=on"):
            raise Failure(f"BROKEN: {standby.name} does not start: {standby.log_end()}")
        self.standby = standby
        self.wait_followed()

    def wait_followed(self):
        """The standby shows what production had when it archived last."""
        after = self.branch.path()[-1].after
        # Where nothing was written after a switch the position is behind the next segment's header.
        last = lsn_text(after - after % SEGMENT if after % SEGMENT <= 0x28 else after)
        try:
            wait_for(f"the standby to replay {last}", lambda: self.standby.answers(f"SELECT pg_last_wal_replay_lsn() >= '{last}'", "t"), 30)
        except Failure as failure:
            raise Failure(f"{failure}; its log ends: {self.standby.log_end()}") from failure
        self.check_rows(self.standby, self.branch.state(), "the standby")

    def do_failover(self, step):
        """The standby is promoted; the old primary ends before that, or (split) goes on for a while."""
        if not self.standby:
            raise Passed("there is no standby")
        old, old_branch, split = self.production, self.branch, bool(step.options.get("split"))
        if split:
            old.wait_archived()
        else:
            old.stop()
        old_branch.ended = self.now()
        self.wait_followed()
        born = self.now()
        self.standby.sql("SELECT pg_promote()")
        self.standby.wait_open()
        timeline, lsn = self.standby.fork()
        made = self.history.fork(old_branch, timeline, lsn, born)
        if made.state() != old_branch.state():
            raise Failure(f"WRONG ROWS: the promoted standby left at {lsn_text(lsn)}, where the model has {made.state().rows()}")
        if split:
            self.goes_on(step)
            old_branch.ended = self.now()
        old.remove()
        self.production, self.standby, self.branch = self.standby, None, made
        self.branch_of_step[step.label] = made
        self.check_rows(self.production, made.state(), "the promoted standby")
        self.production.wait_archived()

    def goes_on(self, step):
        """The old primary writes once more, takes a backup of its own (backs-up), archives it, and ends."""
        for database in self.branch.state().names():
            for table, rows in self.branch.state().tables(database).items():
                self.act(step, f"INSERT INTO {table} VALUES ({-step.label});", self.with_rows(database, table, rows | {-step.label}), database, "write")
        if step.options.get("backs-up"):
            self.do_backup(step)
        self.production.wait_archived()
        self.production.stop()
