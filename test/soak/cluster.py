"""A PostgreSQL cluster in a directory, driven through its own programs. Nothing here knows the model."""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

LIMIT_S = 60
CRASH = re.compile(r"terminated by signal|PANIC:|TRAP:|Segmentation fault|AddressSanitizer|runtime error:|terminate called")


class Failure(Exception):
    """Something that must not happen, happened. The first word says what kind."""


class SqlError(Exception):
    pass


def run(command, log, text="", limit=LIMIT_S):
    """(exit status, standard output, standard error); all of it goes to the story's log."""
    began = time.time()
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace", timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"STUCK: {' '.join(command)} did not end within {limit} s") from error
    shown = (text.rstrip() + "\n" if text else "") + done.stdout + done.stderr
    log(f"$ {' '.join(command)}   [exit {done.returncode}, {time.time() - began:.1f} s]\n" + shown.rstrip())
    return done.returncode, done.stdout, done.stderr


def wait_for(what, condition, limit=LIMIT_S):
    end = time.time() + limit
    while time.time() < end:
        if condition():
            return
        time.sleep(0.02)
    raise Failure(f"STUCK: waited {limit} s for {what}")


class Cluster:
    def __init__(self, directory, port, home, log):
        self.directory, self.port, self.home, self.log = directory, port, home, log
        self.options = ""

    @property
    def name(self):
        return os.path.basename(self.directory)

    @property
    def server_log(self):
        return self.directory + ".log"

    def pg_ctl(self, *words):
        command = ["pg_ctl", "-D", self.directory, "-w", "-t", str(LIMIT_S), "-l", self.server_log, *words]
        # A server inherits what it is given, so it gets no pipe.
        with open(self.directory + ".ctl", "w+", encoding="utf-8") as out:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode
            out.seek(0)
            self.log(f"$ {' '.join(command)}   [exit {status}]")
        return status

    def start(self, options=None):
        """False when it does not start."""
        if options is not None:
            self.options = options
        return self.pg_ctl("-o", f"-p {self.port} {self.options}", "start") == 0

    def stop(self, mode="fast"):
        if self.running():
            self.pg_ctl("-m", mode, "stop")

    def running(self):
        return os.path.exists(os.path.join(self.directory, "postmaster.pid"))

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def sql(self, text, database="postgres", quiet=False):
        """Lines of the answer; SqlError with what psql said."""
        command = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.home, "-p", str(self.port), "-d", database]
        status, out, err = run(command, (lambda _: None) if quiet else self.log, text)
        if status != 0:
            raise SqlError(err.strip() or out.strip())
        return out.splitlines()

    def value(self, text, database="postgres", quiet=False):
        lines = self.sql(text, database, quiet)
        return lines[-1] if lines else ""

    def answers(self, text, wanted):
        try:
            return self.value(text, quiet=True) == wanted
        except SqlError:
            return False

    def wait_open(self, limit=LIMIT_S):
        wait_for(f"{self.name} to end recovery", lambda: self.answers("SELECT pg_is_in_recovery()", "f") or not self.running(), limit)
        if not self.running():
            raise Failure(f"BROKEN: {self.name} ended during recovery")

    def wait_archived(self, unless=lambda: False):
        """Everything written so far is in the repository, says the server; or `unless` became true."""
        self.sql("SELECT pg_create_restore_point('wait_archived')")
        last = self.value("SELECT pg_walfile_name(pg_switch_wal() - 1)")
        ready = os.path.join(self.directory, "pg_wal", "archive_status", last)
        segment = os.path.join(self.directory, "pg_wal", last)

        def stored():
            return not os.path.exists(ready + ".ready") and (os.path.exists(ready + ".done") or not os.path.exists(segment))
        try:
            wait_for(f"{last} to be archived", lambda: stored() or unless(), 30)
        except Failure as failure:
            self.log("pg_wal: " + " ".join(sorted(map(os.path.basename, glob.glob(ready[:-len(last)] + "*")))))
            raise Failure(f"ARCHIVING: {failure}; the server log ends: {self.log_end()}") from failure

    def settle(self):
        """Waits until what is to be archived is."""
        status = os.path.join(self.directory, "pg_wal", "archive_status")
        wait_for("archiving to catch up", lambda: not any(name.endswith(".ready") for name in os.listdir(status)), 30)

    def log_end(self, lines=12):
        try:
            with open(self.server_log, encoding="utf-8", errors="replace") as file:
                return "\n".join(file.read().splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"

    def check_log(self):
        with open(self.server_log, encoding="utf-8", errors="replace") as file:
            for line in file:
                if CRASH.search(line):
                    raise Failure(f"CRASH: {self.name}: {line.strip()}")

    def rows(self):
        """{database: {table: [rows]}} by a sequential scan, after it was compared with an index-only one."""
        content = {}
        for database in self.sql("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"):
            content[database] = self.rows_of(database)
        return content

    def rows_of(self, database):
        one = "SELECT 'SELECT ' || quote_literal(relname) || ', coalesce(string_agg(n::text, '','' ORDER BY n), '''') FROM (SELECT n FROM ' || " \
            "quote_ident(relname) || %s FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname \\gexec\n"
        text = "SET statement_timeout = '15s'; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;\n" + one % "') t'" \
            + "SELECT '--';\nRESET ALL; SET statement_timeout = '15s'; SET enable_seqscan = off; SET enable_bitmapscan = off;\n" + one % "' ORDER BY n) t'"
        try:
            lines = self.sql(text, database, quiet=True)
        except SqlError as error:
            raise Failure(f"BROKEN: {self.name}: database {database}: {error}") from error
        middle = lines.index("--")
        if lines[:middle] != lines[middle + 1:]:
            raise Failure(f"BROKEN: {self.name}: database {database}: sequential scans and index-only scans differ:\n" + "\n".join(lines))
        tables = {}
        for line in lines[:middle]:
            table, _, rows = line.partition("|")
            tables[table] = [int(row) for row in rows.split(",") if row]
        return tables

    def fork(self):
        """(timeline, position) at which this server left its parent, by its own history file."""
        timeline = int(self.value("SELECT pg_walfile_name(pg_current_wal_insert_lsn() - 1)")[:8], 16)
        with open(os.path.join(self.directory, "pg_wal", f"{timeline:08X}.history"), encoding="utf-8") as file:
            last = [line for line in file.read().splitlines() if line.strip() and not line.startswith("#")][-1]
        return timeline, lsn_of(last.split("\t")[1])


def lsn_of(text):
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(lsn):
    return f"{lsn >> 32:X}/{lsn & 0xffffffff:X}"


def digest_of(directory):
    """Every file below a directory with its content, in one text."""
    found = []
    for path in sorted(glob.glob(os.path.join(directory, "**"), recursive=True)):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found.append(f"{path} {hashlib.md5(file.read()).hexdigest()}")
    return "\n".join(found)


CONF = """
listen_addresses = ''
shared_buffers = 8MB
min_wal_size = 2MB
max_wal_size = 64MB
checkpoint_timeout = 1h
autovacuum = off
fsync = off
jit = off
max_connections = 20
max_prepared_transactions = 4
archive_mode = on
archive_library = 'pg_pitr'
shared_preload_libraries = 'pg_pitr'
"""


def make_template(directory, log):
    """A cluster with small segments and the extension, to be copied."""
    status, _, err = run(["initdb", "-D", directory, "-U", "postgres", "-A", "trust", "-N", "--data-checksums", "--no-locale", "-E", "UTF8",
                          "--wal-segsize=1", "--no-instructions"], log, limit=120)
    if status != 0:
        raise SystemExit(err)
    with open(os.path.join(directory, "postgresql.conf"), "a", encoding="utf-8") as file:
        file.write(CONF)
    home = os.path.dirname(directory)
    cluster = Cluster(directory, 6000, home, log)
    if not cluster.start(f"-k {home} -c archive_mode=off"):
        raise SystemExit("the template does not start:\n" + cluster.log_end())
    cluster.sql("CREATE EXTENSION pg_pitr")
    cluster.stop()
    os.unlink(cluster.server_log)


def copy_template(template, directory, settings, home, log):
    """A cluster of its own: with another system identifier, for stories are played side by side."""
    shutil.copytree(template, directory, symlinks=True)
    with open(os.path.join(directory, "global", "pg_control"), "r+b") as file:
        file.write((int(time.time()) << 32 | int.from_bytes(os.urandom(4), "little")).to_bytes(8, sys.byteorder))
    status, _, err = run(["pg_resetwal", "-f", "-D", directory], log)  # writes a right checksum, and WAL with the new identifier
    if status != 0:
        raise SystemExit(err)
    with open(os.path.join(directory, "postgresql.conf"), "a", encoding="utf-8") as file:
        file.write(f"unix_socket_directories = '{home}'\ninclude '{settings}'\n")
