"""The runbook, on the server that README has left."""
import os
import shutil

from readme import accident

ROWS, GONE, HOLES = "1. Somebody deleted or changed the wrong rows", "2. The machine is gone", "6. After a failover: WAL is missing"
PASSPHRASE, MARKER = "7. The passphrase must be changed", "7a. The marker or the key slots of the repository are gone"


class Runbook:
    """A method for each block, by section and number, in the order of the document."""

    def __init__(self, machine, document):
        self.machine, self.document = machine, document
        self.scenes = {
            (ROWS, 1): self.plan,
            (ROWS, 2): self.pause,
            (ROWS, 3): self.copy,
            (ROWS, 4): self.set_aside,
            (GONE, 1): self.gone,
            (GONE, 2): self.configure,
            (GONE, 3): self.start,
            (HOLES, 1): self.look_for_gaps,
            (HOLES, 2): self.push,
            (PASSPHRASE, 1): self.add_key,
            (PASSPHRASE, 2): self.remove_key,
            (MARKER, 1): self.import_kit,
        }

    def dba(self, command, **how):
        return self.machine.run(command, user="postgres", **how)

    def plan(self, block):
        accident(self.machine)
        shown = self.dba(block.text)
        assert "pg_pitr restore" in shown, "the plan does not show the command"

    def pause(self, block):
        m = self.machine
        m.service("stop")
        self.dba(block.text)
        m.wait_for("recovery to pause", "SELECT pg_get_wal_replay_pause_state() = 'paused'")
        assert m.sql("SELECT count(*) FROM orders") == "100", "the rows are not there to look at"
        outcome = self.document.inline("pg_pitr outcome -D DIR").replace("DIR", m.data)
        assert "paused at" in self.dba(outcome), "the outcome does not say that it is paused"
        m.sql(self.document.inline("SELECT pg_wal_replay_resume()"))
        m.wait_for("the server to open", "SELECT NOT pg_is_in_recovery()")
        self.dba(outcome)
        m.psql(self.document.inline("SELECT pitr_backup();"))

    def copy(self, block):
        m = self.machine
        accident(m)
        m.run("install -d -o postgres -g postgres -m 700 /scratch")
        shown = self.dba(block.text)
        printed = m.here(block.text).strip().split("\n")[-1].replace("-l /scratch/log ", "")
        flat = " ".join(shown.replace("\\\n", " ").split())
        assert printed in flat, f"the restore prints another command than the runbook: {printed}"
        m.wait_for("the copy to open", "SELECT 1", "1")
        self.dba("until psql -p 5499 -Xc 'SHOW data_directory' -c 'SELECT count(*) AS rows FROM orders'; do sleep 0.5; done")
        self.dba("psql -p 5499 -XAtc 'SELECT count(*) = 100 AND current_setting($$archive_mode$$) = $$off$$ FROM orders' | grep -x t")
        self.dba(f"/usr/lib/postgresql/{m.major}/bin/pg_ctl stop -D /scratch/copy -m fast")
        assert m.sql("SHOW data_directory") == m.data, "production is not where it was"

    def set_aside(self, block):
        self.dba(block.text)
        assert self.machine.sql("SELECT count(*) FROM pitr_timelines() WHERE set_aside") == "0", "a timeline stays set aside"

    def gone(self, block):
        """Only the settings, the secrets and the programs are on the new machine, and what Debian's package makes."""
        m = self.machine
        m.sql("DROP TABLE IF EXISTS last; CREATE TABLE last AS SELECT 1 AS n; SELECT pg_switch_wal()")
        m.wait_for("the archive to have all", "SELECT backlog_segments = 0 FROM pitr_status")
        m.service("stop")
        m.run("install -d -o postgres /mnt/old && cp -a " + m.data + "/pg_wal /mnt/old/")
        m.run(f"pg_dropcluster {m.major} main && pg_createcluster --start {m.major} main")
        shown = self.dba(block.text)
        assert "archive_library = 'pg_pitr'" in " ".join(shown.replace("\\\n", " ").split()), "the restore does not say what the settings lack"
        self.dba(self.document.inline("sudo -u postgres pg_pitr wal-push /mnt/old/pg_wal"))

    def configure(self, block):
        m = self.machine
        m.write(f"/etc/postgresql/{m.major}/main/conf.d/restored.conf", m.here(block.text))

    def start(self, block):
        m = self.machine
        shown = self.dba(block.text)
        assert "(0 rows)" in shown, "pitr_check() is not green on the new machine"
        assert m.sql("SELECT n FROM last") == "1", "the last rows are not there"

    def look_for_gaps(self, block):
        shown = self.machine.psql(block.text)
        assert shown.count("(0 rows)") == 2, "a gap where none is"

    def push(self, block):
        """Two segments that the archive has already: they are recognized."""
        m = self.machine
        segments = sorted(name for name in os.listdir("/mnt/old/pg_wal") if len(name) == 24)[:2]
        assert len(segments) == 2, "the old pg_wal has no two segments"
        m.examples["000000010000000000000006"], m.examples["000000010000000000000007"] = segments
        self.dba(block.text)

    def add_key(self, block):
        m = self.machine
        m.run("install -m 600 -o postgres /dev/null /etc/pg_pitr.passphrase.new && openssl rand -base64 32 > /etc/pg_pitr.passphrase.new")
        self.dba(block.text)
        m.run("sed -i 's|/etc/pg_pitr.passphrase|&.new|' /etc/pg_pitr.conf")
        m.sql(self.document.inline("SELECT pg_reload_conf()"))
        self.dba("pg_pitr check")

    def remove_key(self, block):
        self.dba(block.text)
        m = self.machine
        m.run("install -d -o postgres /safe")
        self.dba(self.document.inline("pg_pitr key export"))

    def import_kit(self, block):
        m = self.machine
        # The server's own kit follows the change of the passphrase.
        m.wait_for("the archiver to renew its kit", "SELECT pg_logical_emit_message(false, 'walk', 'x') IS NOT NULL AND pg_switch_wal() IS NOT NULL "
                   "AND pg_read_file('pg_pitr.kit') = pg_read_file('/safe/pg_pitr.kit')", seconds=150, pause=5)
        marker = m.object_request("GET", "orders/pg_pitr.marker")
        m.object_request("DELETE", "orders/pg_pitr.marker")
        self.dba("pg_pitr info", status=1)
        self.dba(block.text)
        assert m.object_request("GET", "orders/pg_pitr.marker") == marker, "another marker than there was"
        m.sql("SELECT pg_switch_wal()")
        m.wait_for("archiving to go on", "SELECT archiver_state = 'idle' AND backlog_segments = 0 FROM pitr_status")
        shutil.rmtree("/mnt/old")
