"""A PostgreSQL cluster for the benchmark, made and thrown away inside the work directory."""
import os
import re
import shutil
import subprocess
import time


class Cluster:
    def __init__(self, bindir, work, name, port):
        self.bindir, self.work, self.name, self.port = bindir, work, name, port
        self.data = f"{work}/{name}"
        self.log = f"{work}/{name}.log"

    def tool(self, name):
        return os.path.join(self.bindir, name)

    def run(self, *command, **options):
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options).stdout

    def init(self):
        self.run(self.tool("initdb"), "-D", self.data, "-U", "bench", "-A", "trust", "-N", "--data-checksums")
        self.configure("base", f"""
listen_addresses = ''
unix_socket_directories = '{self.work}'
port = {self.port}
shared_buffers = 256MB
max_wal_size = 8GB
wal_keep_size = 8GB
checkpoint_timeout = 1h
archive_mode = on
shared_preload_libraries = 'pg_pitr'
autovacuum = off
logging_collector = off
""")

    def configure(self, part, text):
        """Replaces the named part of the configuration; takes effect at the next start or reload."""
        directory = f"{self.data}/conf.d"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/{part}.conf", "w") as out:
            out.write(text)
        main = f"{self.data}/postgresql.conf"
        with open(main) as conf:
            present = "include_dir = 'conf.d'" in conf.read()
        if not present:
            with open(main, "a") as conf:
                conf.write("\ninclude_dir = 'conf.d'\n")

    def start(self):
        self.run(self.tool("pg_ctl"), "-D", self.data, "-l", self.log, "-w", "-t", "600", "start")

    def stop(self, mode="fast"):
        subprocess.run([self.tool("pg_ctl"), "-D", self.data, "-m", mode, "-w", "-t", "600", "stop"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def reload(self):
        self.run(self.tool("pg_ctl"), "-D", self.data, "reload")

    def sql(self, statement, database="postgres"):
        return self.run(self.tool("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.work, "-p", str(self.port), "-U", "bench",
                        "-d", database, "-c", statement).strip()

    def ready_count(self):
        return sum(name.endswith(".ready") for name in os.listdir(f"{self.data}/pg_wal/archive_status"))

    def hide_backlog(self):
        """Segments that wait to be archived wait unseen from now on; how many. The server is down."""
        os.makedirs(f"{self.data}/backlog")
        ready = [name for name in os.listdir(f"{self.data}/pg_wal/archive_status") if name.endswith(".ready")]
        for name in ready:
            os.rename(f"{self.data}/pg_wal/archive_status/{name}", f"{self.data}/backlog/{name}")
        return len(ready)

    def show_backlog(self):
        for name in os.listdir(f"{self.data}/backlog"):
            os.rename(f"{self.data}/backlog/{name}", f"{self.data}/pg_wal/archive_status/{name}")

    def switch_wal(self):
        """Completes a segment, which also wakes the archiver."""
        self.sql("SELECT pg_create_restore_point('bench')")
        self.sql("SELECT pg_switch_wal()")

    def wait_archived(self, limit=1800):
        end = time.monotonic() + limit
        while self.ready_count():
            if time.monotonic() > end:
                raise SystemExit(f"{self.name}: WAL was not archived within {limit} s; see {self.log}")
            time.sleep(0.02)

    def pgbench(self, *arguments):
        self.run(self.tool("pgbench"), "-h", self.work, "-p", str(self.port), "-U", "bench", *arguments, "postgres")

    def make_wal(self, segments):
        """Writes WAL, by updating every row of a table, until that many more segments are complete."""
        def position():
            return int(self.sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) // (16 << 20)
        goal = position() + segments
        while position() < goal:
            self.sql("UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % 10 = (random() * 9)::int")
        self.sql("SELECT pg_switch_wal()")

    def copy_to(self, name, port):
        other = Cluster(self.bindir, self.work, name, port)
        shutil.rmtree(other.data, ignore_errors=True)
        subprocess.run(["cp", "-a", self.data, other.data], check=True)
        base = f"{other.data}/conf.d/base.conf"
        with open(base) as conf:
            text = re.sub(r"port = \d+", f"port = {port}", conf.read())
        with open(base, "w") as conf:
            conf.write(text)
        return other

    def wait_open(self, limit=1800):
        end = time.monotonic() + limit
        while True:
            try:
                if self.sql("SELECT pg_is_in_recovery()") == "f":
                    return
            except subprocess.CalledProcessError:
                pass
            if time.monotonic() > end:
                raise SystemExit(f"{self.name}: recovery did not end within {limit} s; see {self.log}")
            time.sleep(0.05)

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.data, ignore_errors=True)
