"""Plays a story on real clusters, and the same story on the model. Steps that make no sense where they stand are passed over, so that a
story from which steps were taken out is still one."""
import os
import time

from archive import Archive
from cluster import Cluster, Failure, copy_template, lsn_of, run
from history import Event, History
from recoveries import Passed, Recoveries

BEFORE = "SELECT 'before', pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot());\n"
AFTER = "SELECT 'after', pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot()), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;\n"


class Player(Recoveries):
    def __init__(self, home, template):
        self.home = home
        os.makedirs(home, mode=0o700)
        self.log_file = open(os.path.join(home, "story.log"), "w", encoding="utf-8")  # closed by finish()
        self.settings = os.path.join(home, "pitr.conf")
        self.repository = os.path.join(home, "repository")
        os.mkdir(self.repository, 0o700)
        self.set_settings()
        self.archive, self.history = Archive(self.repository), History()
        self.branch = self.history.branches[0]
        self.branch_of_step, self.names, self.serial, self.ports = {}, {}, 0, 6001
        self.clusters, self.standby = [], None
        self.production = self.cluster("production")
        copy_template(template, self.production.directory, self.settings, home, self.log)
        if not self.production.start():
            raise Failure("BROKEN: production does not start")
        self.branch.born = 0

    def set_settings(self, **more):
        lines = {"repository": f"file://{self.repository}", "retry_timeout": "5s", "compression_level": "1", "expire_after_backup": "off",
                 "restore_hold": "0", **more}
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write("".join(f"pg_pitr.{name} = '{value}'\n" for name, value in lines.items()))

    def log(self, text):
        self.log_file.write(text + "\n")
        self.log_file.flush()

    def cluster(self, name):
        self.ports += 1
        cluster = Cluster(os.path.join(self.home, name), self.ports, self.home, self.log)
        self.clusters.append(cluster)
        return cluster

    def play(self, steps):
        for step in steps:
            self.log(f"==== {step}")
            method = getattr(self, "do_" + step.verb.replace("-", "_"), None)
            if method is None:
                raise SystemExit(f"no such step: {step}")
            try:
                method(step)
            except Passed as passed:
                self.log(f"(passed over: {passed})")
                continue
            self.branch_of_step.setdefault(step.label, self.branch)
        self.log("==== at the end")
        if self.production.running():
            self.check_rows(self.production, self.branch.state(), "production at the end")
            self.production.wait_archived()
        for cluster in self.clusters:
            if os.path.exists(cluster.server_log):
                cluster.check_log()

    def finish(self):
        for cluster in self.clusters:
            cluster.stop("immediate")
        self.log_file.close()

    # --- what happens on the production server ---------------------------------------------------------------------
    def act(self, step, text, state=None, database="postgres", kind=None, **more):
        """Runs SQL as one event of the branch."""
        lines = self.production.sql(BEFORE + text + "\n" + AFTER, database)
        before = next(line.split("|") for line in lines if line.startswith("before|"))
        after = next(line.split("|") for line in lines if line.startswith("after|"))
        xid = int(after[2]) - 1 if int(after[2]) > int(before[2]) else 0
        event = Event(step.label, kind or step.verb, state or self.branch.state(), lsn_of(before[1]), lsn_of(after[1]), int(after[3]), xid)
        for name, value in more.items():
            setattr(event, name, value)
        self.branch.events.append(event)
        return event

    def where(self, step):
        """(database, table, its rows) of a step that names a table; the table must be there."""
        database, table = self.at(step)
        tables = self.branch.state().tables(database)
        if table not in tables:
            raise Passed("no such table")
        return database, table, tables[table]

    def at(self, step):
        database, dot, table = step.word(0, "a").rpartition(".")
        database = database if dot else "postgres"
        if database not in self.branch.state().names():
            raise Passed("no such database")
        return database, table

    def new_rows(self, count):
        self.serial += count
        return range(self.serial - count + 1, self.serial + 1)

    def with_rows(self, database, table, rows):
        tables = self.branch.state().tables(database)
        tables[table] = frozenset(rows)
        return self.branch.state().with_tables(database, tables)

    def do_table(self, step):
        database, table = self.at(step)
        tables = self.branch.state().tables(database)
        space = step.options.get("space")
        if table in tables or (space and space not in self.branch.state().spaces):
            raise Passed("it is there, or its tablespace is not")
        tables[table] = frozenset()
        where = f" TABLESPACE {space}" if space else ""
        self.act(step, f"CREATE TABLE {table} (n int PRIMARY KEY{' USING INDEX' + where if space else ''}){where};",
                 self.branch.state().with_tables(database, tables), database)

    def do_drop(self, step):
        database, table, _ = self.where(step)
        if any(item[2:4] == (database, table) for item in self.branch.state().prepared):
            raise Passed("a prepared transaction holds it")
        tables = self.branch.state().tables(database)
        del tables[table]
        self.act(step, f"DROP TABLE {table};", self.branch.state().with_tables(database, tables), database)

    def do_write(self, step):
        database, table, rows = self.where(step)
        added = self.new_rows(int(step.options.get("n", 1)))
        self.act(step, f"INSERT INTO {table} SELECT generate_series({added[0]}, {added[-1]});", self.with_rows(database, table, rows | set(added)), database)

    def do_abort(self, step):
        database, table, _ = self.where(step)
        added = self.new_rows(1)
        self.act(step, f"BEGIN; INSERT INTO {table} VALUES ({added[0]}); ROLLBACK;", None, database)

    def do_delete(self, step):
        database, table, rows = self.where(step)
        gone = set(sorted(rows)[::2])
        if not gone or any(item[2:4] == (database, table) for item in self.branch.state().prepared):
            raise Passed("no rows, or prepared ones")
        self.act(step, f"DELETE FROM {table} WHERE n IN ({', '.join(map(str, gone))});", self.with_rows(database, table, rows - gone), database)

    def do_truncate(self, step):
        database, table, _ = self.where(step)
        if any(item[2:4] == (database, table) for item in self.branch.state().prepared):
            raise Passed("a prepared transaction holds it")
        self.act(step, f"TRUNCATE {table};", self.with_rows(database, table, ()), database)

    def do_vacuum(self, step):
        database, table, _ = self.where(step)
        self.act(step, f"VACUUM (FREEZE) {table};\nCHECKPOINT;", None, database)

    def do_wal(self, step):
        """WAL without rows, by megabytes."""
        count = int(step.options.get("n", 1))
        self.act(step, "BEGIN;\n" + "SELECT length(pg_logical_emit_message(true, 'wal', repeat('w', 524288))::text);\n" * (2 * count) +
                 "SELECT pg_current_xact_id(); COMMIT;")

    def do_prepare(self, step):
        database, table, _ = self.where(step)
        added, state = self.new_rows(1), self.branch.state()
        if len(state.prepared) >= 2:
            raise Passed("enough are prepared")
        name = f"p{step.label}"
        event = self.act(step, f"BEGIN; INSERT INTO {table} VALUES ({added[0]}); PREPARE TRANSACTION '{name}';", None, database)
        xid = int(self.production.value(f"SELECT transaction FROM pg_prepared_xacts WHERE gid = '{name}'"))
        event.state = state.with_prepared(state.prepared + ((name, xid, database, table, added[0]),))
        event.xid = 0

    def end_prepared(self, step, word, keep):
        state = self.branch.state()
        if not state.prepared:
            raise Passed("nothing is prepared")
        (name, xid, database, table, row), rest = state.prepared[0], state.prepared[1:]
        if keep:
            tables = state.tables(database)
            tables[table] = tables[table] | {row}
            state = state.with_tables(database, tables)
        self.act(step, f"{word} PREPARED '{name}';", state.with_prepared(rest), database).xid = xid

    def do_commit_prepared(self, step):
        self.end_prepared(step, "COMMIT", True)

    def do_rollback_prepared(self, step):
        self.end_prepared(step, "ROLLBACK", False)

    def do_point(self, step):
        name = step.word(0, f"point{step.label}")
        self.act(step, f"SELECT pg_create_restore_point('{name}');", name=name)

    def do_quiet(self, step):
        self.act(step, "CHECKPOINT;" if "checkpoint" in step.words else "SELECT 1;")

    # --- databases and tablespaces ---------------------------------------------------------------------------------
    def do_database(self, step):
        name, state, space = step.word(0), self.branch.state(), step.options.get("space")
        if name in state.names() or (space and space not in state.spaces):
            raise Passed("it is there, or its tablespace is not")
        strategy = f" STRATEGY {step.options['strategy']}" if "strategy" in step.options else ""
        self.act(step, f"CREATE DATABASE {name}{strategy}{' TABLESPACE ' + space if space else ''};", state.with_tables(name, {}))

    def do_drop_database(self, step):
        name, state = step.word(0), self.branch.state()
        if name not in state.names() or name == "postgres" or any(item[2] == name for item in state.prepared):
            raise Passed("no such database, or it is in use")
        self.act(step, f"DROP DATABASE {name};", state.without(name))

    def do_move_database(self, step):
        name, space, state = step.word(0), step.word(1), self.branch.state()
        if name not in state.names() or name == "postgres" or space not in state.spaces or any(item[2] == name for item in state.prepared) \
                or self.production.value(f"SELECT spcname FROM pg_database d JOIN pg_tablespace s ON s.oid = dattablespace WHERE datname = '{name}'") == space:
            raise Passed("no such database or tablespace, or it is there")
        self.act(step, f"ALTER DATABASE {name} SET TABLESPACE {space};")

    def space_directory(self, name):
        return os.path.join(self.home, "spaces", name)

    def do_space(self, step):
        name, state = step.word(0), self.branch.state()
        if name in state.spaces:
            raise Passed("it is there")
        if self.standby:
            raise Passed("the standby on this machine would use the same directory")
        os.makedirs(self.space_directory(name), mode=0o700, exist_ok=True)
        if os.listdir(self.space_directory(name)):
            raise Passed("its directory is not empty")
        self.act(step, f"CREATE TABLESPACE {name} LOCATION '{self.space_directory(name)}';", state.with_spaces(state.spaces | {name}))

    def do_drop_space(self, step):
        name, state = step.word(0), self.branch.state()
        used = name not in state.spaces or state.prepared or self.production.value(
            f"SELECT count(*) FROM pg_tablespace s, pg_tablespace_databases(s.oid) WHERE spcname = '{name}'") != "0"
        if used:
            raise Passed("no such tablespace, or it is in use")
        self.act(step, f"DROP TABLESPACE {name};", state.with_spaces(state.spaces - {name}))

    # --- backups and the server ------------------------------------------------------------------------------------
    def do_backup(self, step):
        label = f"b{step.label}"
        event = self.act(step, f"SELECT pitr_backup('{step.word(0, 'full')}', label => '{label}');", name=label, kind="backup")
        start, stop = self.production.value(f"SELECT start_lsn, stop_lsn FROM pitr_info() WHERE label = '{label}'").split("|")
        event.before, event.after, event.backup_stop = lsn_of(start), lsn_of(stop), lsn_of(stop)

    def do_switch(self, _step):
        self.production.wait_archived()

    def do_conf(self, step):
        self.production.sql(f"ALTER SYSTEM SET {step.word(0)} = '{step.word(1)}';")
        self.do_restart(step)

    def do_restart(self, _step):
        self.production.stop()
        self.start_again()

    def do_crash(self, _step):
        self.crash()
        self.start_again()

    def crash(self):
        """A restore point and a rollback are not flushed by themselves, and may be lost."""
        flushed = lsn_of(self.production.value("SELECT pg_current_wal_flush_lsn()"))
        self.production.stop("immediate")
        while self.branch.events and self.branch.events[-1].after > flushed and self.branch.events[-1].kind in ("point", "abort", "quiet"):
            self.branch.events.pop()

    def start_again(self):
        if not self.production.start():
            raise Failure("BROKEN: production does not start again: " + self.production.log_end())
        self.check_rows(self.production, self.branch.state(), "production after a restart")

    def do_lose(self, step):
        found = self.history.event(int(step.word(0, "@0").lstrip("@")))
        if not found:
            raise Passed("no such event")
        name = self.archive.lose(found[0], found[1].before)
        if not name:
            raise Passed("it is not in the archive")
        self.log(f"lost {name}")

    def do_expire(self, step):
        """A first expiry may delete what settings do not keep; a second one right after it nothing, and never what a plan said can be reached."""
        self.set_settings(retention_full=step.options.get("full", "1"))
        self.expire_once()
        listed = run(["pg_pitr", "info", "--config", self.settings, "--json"], self.log)[1]
        for branch in self.history.branches:
            for event in branch.events:
                if event.kind == "backup" and f'"{event.name}"' not in listed:
                    event.name = ""
        self.production.settle()
        first = self.answers(step)
        self.expire_once()
        for asked, answer, again in zip(self.targets(step), first, self.answers(step)):
            if answer.promise and (again.promise is None or answer.promise != again.promise):
                raise Failure(f"EXPIRED: {asked.options()} was {answer} and is now {again}")
        self.set_settings()

    def expire_once(self):
        status, _, err = run(["pg_pitr", "expire", "--config", self.settings], self.log)
        if status != 0:
            raise Failure(f"BROKEN: expire ended with {status}: {err}")

    def check_rows(self, cluster, state, what):
        """The cluster holds exactly the rows of the state."""
        held = cluster.rows()
        if held != state.rows():
            raise Failure(f"WRONG ROWS: {what} holds {held}; meant: {state.rows()}")

    @staticmethod
    def now():
        return int(time.time() * 1000000)

