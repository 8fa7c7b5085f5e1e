"""What pg_pitr promises: its plan, as the binary and as SQL give it, held against the model."""
import json
import re

from cluster import Failure, SqlError, lsn_of, run

POSITION = re.compile(r"\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b")
ENDS_WITHOUT_CHANGE = ("abort", "rollback-prepared")


class Promise:
    """Where a recovery will end: timeline, position, whether the record there is replayed, the last transaction."""

    def __init__(self, timeline, lsn, applied, what, last_xid=None, backup=""):
        self.timeline, self.lsn, self.applied, self.what, self.last_xid, self.backup = timeline, lsn, applied, what, last_xid, backup

    def __eq__(self, other):
        return (self.timeline, self.lsn, self.applied) == (other.timeline, other.lsn, other.applied)

    def __str__(self):
        return f"timeline {self.timeline}, {'after' if self.applied else 'before'} {self.lsn >> 32:X}/{self.lsn & 0xffffffff:X}"

    @staticmethod
    def of_json(plan):
        stop = plan["stop"]
        # The end of the archive and of a backup are positions, not records.
        applied = bool(stop["applied"]) and plan["target"]["kind"] not in ("latest", "immediate")
        return Promise(plan["timeline"], lsn_of(stop["lsn"]), applied, stop["what"], plan["last_transaction"]["xid"], plan["backup"])

    @staticmethod
    def of_rows(lines):
        items = dict(line.partition("|")[::2] for line in lines if "|" in line)
        stops = items["replay stops"]
        what = "position" if "the record at" in stops else "transaction"
        return Promise(int(re.match(r"\d+", items["timeline"]).group()), lsn_of(POSITION.findall(stops)[0]), stops.startswith("after ") and "everything" not in stops, what)

    def place(self, history):
        """(branch, count of events) that the promise comes to; None when no branch has that timeline."""
        for branch in history.of_timeline(self.timeline):
            return branch, branch.count_until(self.lsn, lambda event: self.applied and (self.what != "position" or event.is_one_record()))
        return None


class Answer:
    """A promise or a refusal with its words."""

    def __init__(self, promise, words):
        self.promise, self.words = promise, words

    def __str__(self):
        return str(self.promise) if self.promise else "refused: " + " ".join(self.words.split())


def plan_by_binary(settings, options, log):
    status, out, err = run(["pg_pitr", "plan", "--config", settings, "--json", *options], log)
    if status == 0:
        return Answer(Promise.of_json(json.loads(out)), err)
    if status not in (1, 2):  # 2: the words do not say which branch
        raise Failure(f"BROKEN: pg_pitr plan {' '.join(options)} ended with {status}: {err}")
    return Answer(None, err)


SQL_ARGUMENTS = {"time": "target_time => '%s'", "xid": "target_xid => '%s'", "name": "target_name => '%s'", "lsn": "target_lsn => '%s'",
                 "immediate": "immediate => true"}


def plan_by_sql(server, asked):
    arguments = [SQL_ARGUMENTS[asked.kind] % asked.value if "%" in SQL_ARGUMENTS[asked.kind] else SQL_ARGUMENTS[asked.kind]] \
        if asked.kind in SQL_ARGUMENTS else []
    if asked.exclusive:
        arguments.append("inclusive => false")
    if asked.branch:
        arguments.append(f"timeline => '{asked.branch.timeline}'")
    try:
        lines = server.sql(f"SELECT item, value FROM pitr_restore_plan({', '.join(arguments)})")
    except SqlError as error:
        return Answer(None, str(error))
    return Answer(Promise.of_rows(lines), "")


def judge(asked, meaning, answer, history, who):
    """Raises Failure unless the answer is what was meant."""
    words = f"{who} of --target-{asked.kind} {asked.value or ''}{' exclusive' if asked.exclusive else ''}" + \
        (f" on timeline {asked.branch.timeline}" if asked.branch else "")
    if answer.promise is None:
        if meaning.must:
            raise Failure(f"REFUSED: {words} could be reached: {answer}")
        for timeline in meaning.timelines:
            if not re.search(rf"\b{timeline}\b", answer.words):
                raise Failure(f"UNHELPFUL: {words} does not name timeline {timeline}: {answer}")
        return
    place = answer.promise.place(history)
    if place is None:
        raise Failure(f"WRONG PLAN: {words}: {answer} is on no branch")
    branch, count = place
    # What was prepared and not committed is no answer to where.
    if branch.state_at(count).rows() not in [state.rows() for state in meaning.states()]:
        raise Failure(f"WRONG PLAN: {words}: {answer} has the rows of branch {branch.number} (timeline {branch.timeline}) after {count} events, "
                      f"{branch.state_at(count).rows()}; meant: {describe(meaning)}")
    committed = [event.xid for event in branch.path()[:count] if event.xid and event.kind not in ENDS_WITHOUT_CHANGE]
    following = branch.path()[count:count + 1]
    if answer.promise.applied and answer.promise.what == "position" and following and following[0].before <= answer.promise.lsn:
        return  # whether the record there is the end of a transaction the model does not know
    if answer.promise.last_xid and committed and answer.promise.last_xid != committed[-1]:
        raise Failure(f"WRONG PLAN: {words}: the last transaction is said to be {answer.promise.last_xid}, and is {committed[-1]}")


def describe(meaning):
    if not meaning.points:
        return "a refusal (" + meaning.why + ")"
    return " or ".join(f"branch {branch.number} (timeline {branch.timeline}) after {count} events, {branch.state_at(count).rows()}"
                       for branch, count in meaning.points)
