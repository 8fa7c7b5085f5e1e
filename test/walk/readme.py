"""README, from the settings file to the recovery."""
import os
import re

NAME = "README.md"
SETTINGS, SERVER = "1. One settings file", "2. The server"


class Readme:
    """A method for each block, by section and number, in the order of the document."""

    def __init__(self, machine, document):
        self.machine, self.document = machine, document
        m = machine
        m.run(f"pg_createcluster --start {m.major} main")
        self.scenes = {
            ("Install", 1): self.install,
            (SETTINGS, 1): self.directory,
            **{(SETTINGS, number): self.another_store for number in (2, 3, 5, 6)},
            (SETTINGS, 4): self.settings,
            (SETTINGS, 7): self.credentials,
            (SERVER, 1): self.server,
            ("3. Prove it, then take the first backup", 1): self.first_backup,
            ("4. Schedule", 1): self.cron_settings,
            ("4. Schedule", 2): self.cron_jobs,
            ("5. Watch", 1): self.watch,
            ("5. Watch", 2): self.watch,
            ("When it has happened", 1): self.recover,
        }

    def install(self, block):
        m = self.machine
        m.run(block.text)
        m.run(self.document.inline("sudo ln -s"))
        m.run("pg_pitr --version", user="postgres")

    def directory(self, block):
        """A store that is tried, and not used."""
        m = self.machine
        m.write("/etc/pg_pitr-directory.conf", block.text, mode=0o644)
        m.run("install -d /backup && " + self.document.inline("sudo install -d -o postgres -g postgres -m 700"))
        shown = m.run("pg_pitr check --config /etc/pg_pitr-directory.conf", user="postgres", status=1)
        assert "absent" in shown and "FAIL" not in shown, "the directory is not a store that will do"
        os.unlink("/etc/pg_pitr-directory.conf")

    def another_store(self, block):
        """Nothing is reached from here; that the settings are right is seen all the same."""
        m = self.machine
        text = "".join(line + "\n" for line in block.text.split("\n") if "_file" not in line)
        m.write("/etc/pg_pitr-other.conf", text + "pg_pitr.retry_timeout = '1s'\n", mode=0o644)
        shown = m.run("pg_pitr check --config /etc/pg_pitr-other.conf || test $? = 1 -o $? = 2", user="postgres")
        assert re.search(r"^settings +ok: repository s3://my-bucket/orders", shown, re.MULTILINE), "the settings are not understood"
        os.unlink("/etc/pg_pitr-other.conf")

    def settings(self, block):
        self.machine.write("/etc/pg_pitr.conf", self.machine.here(block.text), mode=0o644)

    def credentials(self, block):
        m = self.machine
        make = self.document.inline("sudo install -m 600 -o postgres /dev/null")
        m.run(make)
        key = block.text.replace("AKIA...", os.environ["PITR_TEST_S3_ACCESS_KEY"])
        m.write("/etc/pg_pitr.key", key.replace("= ...", "= " + os.environ["PITR_TEST_S3_SECRET_KEY"]))
        m.run(make.replace("pg_pitr.key", "pg_pitr.passphrase"))
        m.run(self.document.inline("openssl rand") + " > /etc/pg_pitr.passphrase")
        m.write("/etc/pg_pitr.conf", self.document.inline("pg_pitr.passphrase_file =") + "\n", append=True)
        shown = m.run(self.document.inline("sudo -u postgres pg_pitr check"), status=1)
        assert "absent" in shown, "check does not say that the repository is absent"

    def server(self, block):
        m = self.machine
        m.write(m.conf, m.here(block.text), append=True)
        m.service("restart")

    def first_backup(self, block):
        m = self.machine
        shown = m.psql(block.text)
        assert "ERROR" not in shown
        assert m.sql("SELECT count(*) FROM pitr_check() WHERE ok IS NOT TRUE") == "0", "pitr_check() is not green"
        assert m.sql("SELECT count(*) FROM pitr_info() WHERE status = 'ok' AND encrypted") == "1", "no good encrypted backup"

    def cron_settings(self, block):
        m = self.machine
        m.write(m.conf, m.here(block.text), append=True)
        m.service("restart")

    def cron_jobs(self, block):
        m = self.machine
        m.psql(block.text)
        # All of them in the next minute, as they meet in a night.
        jobs = m.sql("SELECT count(*) FROM cron.job")
        m.sql("SELECT cron.alter_job(jobid, schedule => '* * * * *') FROM cron.job")
        m.wait_for("both jobs to succeed", f"SELECT count(DISTINCT jobid) = {jobs} FROM cron.job_run_details WHERE status = 'succeeded'")
        m.sql("SELECT cron.unschedule(jobid) FROM cron.job")
        assert m.sql("SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'") == "0", "a job failed"
        m.wait_for("their backups to end", "SELECT count(*) = 0 FROM pitr_progress")

    def watch(self, block):
        assert "(0 rows)" in self.machine.psql(block.text), "a server that is well alerts"

    def recover(self, block):
        m = self.machine
        accident(m)
        m.run(block.text)
        m.wait_for("the recovered server to open", "SELECT NOT pg_is_in_recovery()")
        assert m.sql("SELECT count(*) FROM orders") == "100", "the rows are not back"
        m.psql("SELECT pitr_backup();")


def accident(machine):
    """Rows, the moment that the documents speak of, and a DELETE without WHERE after it."""
    machine.sql("DROP TABLE IF EXISTS orders; CREATE TABLE orders AS SELECT generate_series(1, 100) AS id")
    moment = machine.sql("SELECT clock_timestamp(), pg_sleep(0.05)").split("|")[0]
    machine.sql("DELETE FROM orders")
    machine.sql("SELECT pg_switch_wal()")
    machine.examples["2026-05-22 14:29:00+02"] = moment
    machine.wait_for("the accident to be archived", "SELECT backlog_segments = 0 FROM pitr_status")
