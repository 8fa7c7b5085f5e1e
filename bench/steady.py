#!/usr/bin/env python3
"""Measures whether archiving keeps up with a server that writes WAL at a steady rate: what waits, how many change maps are due, and the processor
time of the archiver for each segment.

usage: bench/steady.py [--seconds N] [--rate SEGMENTS_A_SECOND] [--store directory|s3]...
Run it through `make bench-steady`, which installs what it needs, starts an S3 server on loopback and becomes an unprivileged user.
WAL is made by updates of rows of 1.8 kB, full page images and all; the server that makes it and the S3 server use the same processors. When they cannot make as much as was asked for, the table says how much it was.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time

from cluster import Cluster
from meter import TICK
from tools import S3, PgPitr, run

SEGMENT = 16 << 20


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Status:
    def __init__(self, cluster):
        row = cluster.sql("SELECT backlog_segments, change_maps_due, archiver_pid, archived_count, stored_bytes, "
                          "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') FROM pitr_status")
        self.backlog, self.maps, self.pid, self.archived, self.stored, self.position = (int(float(n)) for n in row.split("|"))
        self.cpu = processor_seconds(self.pid)


class Writer:
    """Updates one part of the table after the other, a transaction each, so that after each checkpoint pages are written as a whole."""
    ROWS = 300000
    AT_ONCE = 3000  # some 10 MB of WAL

    def __init__(self, cluster):
        self.cluster, self.next = cluster, 0
        cluster.sql("DROP TABLE IF EXISTS filler; CREATE TABLE filler (id int, n int, text text) WITH (fillfactor = 50); ALTER TABLE filler ALTER text SET STORAGE PLAIN; "
                    f"INSERT INTO filler SELECT id, 0, repeat(md5(id::text), 50) || repeat('x', 200) FROM generate_series(1, {self.ROWS}) id; "
                    "CREATE INDEX ON filler (id)")
        cluster.sql("VACUUM ANALYZE filler")

    def until(self, position):
        while True:
            written = self.cluster.sql(f"UPDATE filler SET n = n + 1 WHERE id > {self.next} AND id <= {self.next + self.AT_ONCE}; "
                                       "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
            self.next = (self.next + self.AT_ONCE) % self.ROWS
            if int(float(written)) >= position:
                return


def measure(args, cluster, store, writer):
    first = Status(cluster)
    samples = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < args.seconds:
        writer.until(first.position + int(passed * args.rate * SEGMENT))
        samples.append(Status(cluster))
        time.sleep(0.1)
    written = (samples[-1].position - first.position) / SEGMENT
    stopped = time.monotonic()
    while (last := Status(cluster)).backlog or last.maps:
        if time.monotonic() - stopped > 600:
            raise SystemExit(f"{store}: {last.backlog} segments and {last.maps} change maps still wait after 600 s; see {cluster.log}")
        time.sleep(0.1)
    caught_up = time.monotonic() - stopped
    archived = last.archived - first.archived
    print(f"| {store} | {passed:.0f} | {written / passed:.2f} | {statistics.median(s.backlog for s in samples):.0f} / {max(s.backlog for s in samples)} | "
          f"{statistics.median(s.maps for s in samples):.0f} / {max(s.maps for s in samples)} | {caught_up:.1f} | {1000 * (last.cpu - first.cpu) / archived:.0f} | "
          f"{(last.stored - first.stored) / archived / (1 << 20):.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--store", action="append", choices=["directory", "s3"])
    args = parser.parse_args()
    s3 = S3()
    bindir = run(os.environ.get("PG_CONFIG", "pg_config"), "--bindir").strip()
    work = tempfile.mkdtemp(prefix="pg_pitr_steady.", dir=os.environ.get("TMPDIR", "/tmp"))
    stores = args.store or ["directory", *(["s3"] if s3.present else [])]
    # A cluster has one repository, and archives to no other unasked.
    clusters = {store: Cluster(bindir, work, f"steady_{store}", 54420) for store in stores}
    print("| store | s | segments/s | waiting, median / most | maps due, median / most | s to catch up | ms of processor a segment | MiB stored a segment |\n"
          "|---|---|---|---|---|---|---|---|")
    try:
        for store, cluster in clusters.items():
            cluster.init()
            cluster.configure("wal", "wal_keep_size = 0\nmax_wal_size = 1GB\ncheckpoint_timeout = 1min\n")
            tool = PgPitr(work, store, 2, 3, s3, f"steady{store}")
            cluster.configure("archive", tool.archive_settings() + "pg_pitr.change_map = 'on'\n")
            cluster.start()
            writer = Writer(cluster)
            tool.first(cluster)
            cluster.switch_wal()
            cluster.wait_archived()
            measure(args, cluster, store, writer)
            cluster.stop()
            tool.remove()
            shutil.rmtree(cluster.data)
    finally:
        for cluster in clusters.values():
            cluster.stop("immediate")
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
