"""The tools that are compared, each with the same verbs: configure archiving, back up, restore."""
import json
import os
import re
import shutil
import subprocess


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def pgbackrest_version():
    return tuple(int(n) for n in re.findall(r"\d+", run("pgbackrest", "version"))[:2])


class S3:
    """Where the S3 server for the benchmark is, from the environment that test/lib/rgw.sh sets."""

    def __init__(self):
        get = os.environ.get
        self.https, self.ca, self.bucket = get("PITR_TEST_S3_HTTPS"), get("PITR_TEST_S3_CA"), get("PITR_TEST_S3_BUCKET")
        self.key, self.secret = get("PITR_TEST_S3_ACCESS_KEY"), get("PITR_TEST_S3_SECRET_KEY")

    @property
    def present(self):
        return bool(self.https)


class PgPitr:
    name = "pg_pitr"

    def __init__(self, work, store, jobs, level, s3, serial):
        self.work, self.store, self.jobs = work, store, jobs
        self.conf = f"{work}/pg_pitr.{store}.{serial}.conf"
        self.directory = f"{work}/repo.pg_pitr.{serial}"
        lines = [f"pg_pitr.compression_level = {level}", f"pg_pitr.backup_jobs = {jobs}", f"pg_pitr.restore_jobs = {jobs}",
                 f"pg_pitr.archive_jobs = {jobs}"]
        if store == "s3":
            key = f"{work}/s3.key"
            with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(f"access_key_id = {s3.key}\nsecret_access_key = {s3.secret}\n")
            lines += [f"pg_pitr.repository = 's3://{s3.bucket}/bench{os.getpid()}-{serial}'", f"pg_pitr.s3_endpoint = '{s3.https}'",
                      f"pg_pitr.s3_ca_file = '{s3.ca}'", f"pg_pitr.s3_credentials_file = '{key}'"]
        else:
            os.makedirs(self.directory)
            lines.append(f"pg_pitr.repository = 'file://{self.directory}'")
        with open(self.conf, "w") as out:
            out.write("\n".join(lines) + "\n")

    @staticmethod
    def match(name, line):
        return name == "pg_pitr" or line.startswith(("postgres: pg_pitr", "postgres: archiver"))

    def prepare(self, cluster):
        pass

    def archive_settings(self):
        return f"archive_library = 'pg_pitr'\ninclude '{self.conf}'\n"

    def first(self, cluster):
        cluster.sql("CREATE EXTENSION IF NOT EXISTS pg_pitr")

    def backup(self, cluster, kind="full"):
        cluster.sql(f"SELECT pitr_backup('{kind}', jobs => {self.jobs})")

    def newest_stored(self, cluster):
        """Bytes that the newest backup added to the repository."""
        return int(cluster.sql("SELECT stored_size FROM pitr_info() ORDER BY stop_time DESC LIMIT 1"))

    def restore(self, cluster, directory):
        run(cluster.tool("pg_pitr"), "restore", "--config", self.conf, "--pgdata", directory, "--target-latest", "--jobs", str(self.jobs),
            "--no-progress")

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class PgBackRest:
    name = "pgbackrest"

    def __init__(self, work, store, jobs, level, s3, serial):
        self.store, self.jobs = store, jobs
        self.conf = f"{work}/pgbackrest.{store}.{serial}.conf"
        self.directory = f"{work}/repo.pgbackrest.{serial}"
        self.spool = f"{work}/spool.{serial}"
        os.makedirs(self.spool)
        self.lines = ["[global]", "compress-type=zst", f"compress-level={level}", f"process-max={jobs}", "start-fast=y", "repo1-bundle=y",
                      *(["repo1-block=y"] if pgbackrest_version() >= (2, 46) else []), "archive-async=y", f"spool-path={self.spool}", f"lock-path={self.spool}", "log-level-file=off",
                      "log-level-console=error", "repo1-retention-full=9"]
        if store == "s3":
            # pgBackRest before 2.50 does not find an address in a certificate's alternative names.
            self.lines += ["repo1-type=s3", f"repo1-s3-endpoint={s3.https.removeprefix('https://').replace('127.0.0.1', 'localhost')}", f"repo1-s3-bucket={s3.bucket}",
                           "repo1-s3-region=us-east-1", f"repo1-s3-key={s3.key}", f"repo1-s3-key-secret={s3.secret}",
                           f"repo1-path=/backrest{os.getpid()}-{serial}", "repo1-s3-uri-style=path", f"repo1-storage-ca-file={s3.ca}"]
        else:
            os.makedirs(self.directory)
            self.lines.append(f"repo1-path={self.directory}")

    @staticmethod
    def match(name, line):
        return name.startswith("pgbackrest")

    def command(self, *arguments, pgdata):
        run("pgbackrest", f"--config={self.conf}", "--stanza=bench", f"--pg1-path={pgdata}", *arguments)

    def prepare(self, cluster):
        with open(self.conf, "w") as out:
            out.write("\n".join(self.lines + ["[bench]", f"pg1-path={cluster.data}", f"pg1-port={cluster.port}",
                                              f"pg1-socket-path={cluster.work}", "pg1-user=bench"]) + "\n")
        self.command("stanza-create", pgdata=cluster.data)

    def archive_settings(self):
        return f"archive_command = 'pgbackrest --config={self.conf} --stanza=bench archive-push %p'\n"

    def first(self, cluster):
        pass

    def backup(self, cluster, kind="full"):
        self.command("backup", f"--type={kind}", pgdata=cluster.data)

    def newest_stored(self, cluster):
        info = json.loads(run("pgbackrest", f"--config={self.conf}", "--stanza=bench", "--output=json", "info"))
        return info[0]["backup"][-1]["info"]["repository"]["delta"]

    def restore(self, cluster, directory):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self.command("restore", "--archive-mode=off", pgdata=directory)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self.spool, ignore_errors=True)
