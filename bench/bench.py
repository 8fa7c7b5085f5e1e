#!/usr/bin/env python3
"""Measures pg_pitr against pgBackRest, pg_basebackup and zstd on the same cluster in the same run, and prints ratios.

usage: bench/bench.py [--gigabytes N] [--runs N] [--jobs N] [--level N] [--segments N] [--only directory|s3] [--apart] [--markdown FILE]
Run it through `make bench`, which installs what it needs, starts an S3 server on loopback and becomes an unprivileged user.
Ratios below 1 in the last columns mean that pg_pitr needs less than the other. The machine should be otherwise idle.
"""
import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from cluster import Cluster
from meter import Meter, put_apart
from tools import S3, PgBackRest, PgPitr, run

ROWS = []  # (line, tool, wall, cpu, cpu of the S3 server, requests to it, peak, rate)


def record(line, tool, meters, unit=None, note=""):
    wall = statistics.median(m.wall for m in meters)
    cpu = statistics.median(m.cpu for m in meters)
    peak = max(m.peak for m in meters)
    s3_cpu = statistics.median(m.s3_cpu for m in meters)
    requests = int(statistics.median(m.requests for m in meters))
    rate = f"{unit[0] / wall:.1f} {unit[1]}/s" if unit else note
    ROWS.append((line, tool, wall, cpu, s3_cpu, requests, peak, rate))
    print(f"  {line:34} {tool:14} {wall:8.2f} s wall {cpu:8.2f} s cpu {s3_cpu:8.2f} s S3 server's {requests:6} requests {peak / (1 << 20):7.0f} MiB  {rate}", flush=True)


@contextlib.contextmanager
def archiving(source, tool):
    """The cluster archives with the tool, into a repository that is made before and removed afterwards."""
    source.configure("archive", "archive_command = ''\n")
    source.reload()
    tool.prepare(source)
    source.configure("archive", tool.archive_settings())
    source.stop()
    source.start()
    tool.first(source)
    yield
    source.configure("archive", "archive_command = '/bin/true'\n")
    source.stop()
    source.start()
    tool.remove()


def checkpoint_and_archive(source):
    source.sql("CHECKPOINT")
    source.sql("SELECT pg_switch_wal()")
    source.wait_archived()


def full_backup_and_restore(args, source, s3, stores):
    for store in stores:
        pairs = [(kind, serial) for serial in range(args.runs) for kind in (PgPitr, PgBackRest)]
        backups, restores = {}, {}
        for kind, serial in pairs:
            tool = kind(args.work, store, args.jobs, args.level, s3, f"full{store}{serial}")
            with archiving(source, tool):
                checkpoint_and_archive(source)
                with Meter(tool.match) as meter:
                    tool.backup(source)
                backups.setdefault(kind.name, []).append(meter)
                target = f"{args.work}/restored"
                shutil.rmtree(target, ignore_errors=True)
                with Meter(tool.match) as meter:
                    tool.restore(source, target)
                restores.setdefault(kind.name, []).append(meter)
                shutil.rmtree(target, ignore_errors=True)
        for name, meters in backups.items():
            record(f"full backup, {store}", name, meters)
        for name, meters in restores.items():
            record(f"restore, {store}", name, meters)


def baselines(args, source):
    copies, limits = [], []
    for _ in range(args.runs):
        target = f"{args.work}/basebackup"
        with Meter(lambda name, line: name == "pg_basebackup") as meter:
            run(source.tool("pg_basebackup"), "-h", args.work, "-p", str(source.port), "-U", "bench", "-D", target, "-Ft", "-X", "none",
                "-c", "fast", f"--compress=server-zstd:level={args.level},workers={args.jobs}")
        copies.append(meter)
        shutil.rmtree(target, ignore_errors=True)
        with Meter(lambda name, line: name == "zstd") as meter:
            subprocess.run(f"tar -C {source.data} --exclude pg_wal -cf - . | zstd -q -{args.level} -T{args.jobs} > {args.work}/limit.zst",
                           shell=True, check=True)
        limits.append(meter)
        os.unlink(f"{args.work}/limit.zst")
    record("full backup, directory", "pg_basebackup", copies)
    record("full backup, directory", f"zstd -{args.level} -T{args.jobs}", limits)


def wal_push(args, template, s3, stores):
    """Archiving works already when the backlog appears: making a repository or starting an archiver is not what is measured."""
    for store in stores:
        meters = {}
        for serial, kind in [(serial, kind) for serial in range(args.runs) for kind in (PgPitr, PgBackRest)]:
            cluster = template.copy_to("push", template.port + 1)
            backlog = cluster.hide_backlog()
            cluster.start()
            tool = kind(args.work, store, args.jobs, args.level, s3, f"push{store}{serial}")
            tool.prepare(cluster)
            cluster.configure("archive", tool.archive_settings())
            cluster.stop()
            cluster.start()
            cluster.switch_wal()
            cluster.wait_archived()
            with Meter(tool.match) as meter:
                cluster.show_backlog()
                cluster.switch_wal()
                cluster.wait_archived()
            meters.setdefault(kind.name, []).append(meter)
            cluster.remove()
            tool.remove()
        for name, runs in meters.items():
            record(f"push {backlog + 1} segments, {store}", name, runs, (backlog + 1, "segments"))


# What happens between two incremental backups. About 61 rows of pgbench_accounts are in a block.
CHANGES = [
    ("nothing", None),
    ("1 row in 3000", "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % 3000 = 7"),
    ("1 % of blocks", "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE ctid IN (SELECT min(ctid) FROM pgbench_accounts "
     "GROUP BY (ctid::text::point)[0] HAVING random() < 0.01)"),
    ("30 % of blocks", "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE ctid IN (SELECT min(ctid) FROM pgbench_accounts "
     "GROUP BY (ctid::text::point)[0] HAVING random() < 0.3)"),
]


def incremental(args, source, s3, stores):
    """A full backup, then one incremental backup after each kind of change; every tool starts from its own full backup."""
    for store in stores:
        meters, stored = {}, {}
        for serial, kind in [(serial, kind) for serial in range(args.runs) for kind in (PgPitr, PgBackRest)]:
            tool = kind(args.work, store, args.jobs, args.level, s3, f"incr{store}{serial}")
            with archiving(source, tool):
                tool.backup(source)
                for change, statement in CHANGES:
                    if statement:
                        source.sql(statement)
                    checkpoint_and_archive(source)
                    with Meter(tool.match) as meter:
                        tool.backup(source, "incr")
                    meters.setdefault((change, kind.name), []).append(meter)
                    stored.setdefault((change, kind.name), []).append(tool.newest_stored(source))
        for (change, name), runs in meters.items():
            size = statistics.median(stored[change, name])
            record(f"incremental, {change}, {store}", name, runs, note=f"{size / (1 << 20):.1f} MiB stored")


def replay(args, template, s3, stores):
    for store in stores:
        for kind in (PgPitr, PgBackRest):
            meters = []
            for serial in range(args.runs):
                cluster = template.copy_to("replay", template.port + 2)
                tool = kind(args.work, store, args.jobs, args.level, s3, f"replay{store}{serial}")
                shutil.rmtree(f"{cluster.data}/pg_wal/archive_status")
                os.mkdir(f"{cluster.data}/pg_wal/archive_status", 0o700)
                cluster.start()
                tool.prepare(cluster)
                cluster.configure("archive", tool.archive_settings())
                cluster.stop()
                cluster.start()
                tool.first(cluster)
                tool.backup(cluster)
                cluster.make_wal(args.segments)
                cluster.wait_archived()
                cluster.stop()
                restored = Cluster(cluster.bindir, args.work, "replayed", template.port + 3)
                shutil.rmtree(restored.data, ignore_errors=True)
                tool.restore(cluster, restored.data)
                restored.configure("zz_bench", f"port = {restored.port}\narchive_mode = off\nshared_preload_libraries = ''\n")
                with Meter(tool.match) as meter:
                    restored.start()
                    restored.wait_open()
                meters.append(meter)
                restored.remove()
                cluster.remove()
                tool.remove()
            record(f"replay {args.segments} segments, {store}", kind.name, meters, (args.segments, "segments"))


def report(args):
    lines = ["| line | tool | wall s | CPU s | S3 server's CPU s | S3 requests | peak MiB | rate or size | wall of pg_pitr / this | CPU of pg_pitr / this |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    ours = {line: (wall, cpu) for line, tool, wall, cpu, *_ in ROWS if tool == PgPitr.name}
    for line, tool, wall, cpu, s3_cpu, requests, peak, rate in sorted(ROWS, key=lambda row: row[0]):
        ratio = ("", "") if tool == PgPitr.name or line not in ours else (
            f"{ours[line][0] / wall:.2f}", f"{ours[line][1] / cpu:.2f}" if cpu > 0 else "")
        lines.append(f"| {line} | {tool} | {wall:.2f} | {cpu:.2f} | {s3_cpu:.2f} | {requests} | {peak / (1 << 20):.0f} | {rate} | {ratio[0]} | {ratio[1]} |")
    text = "\n".join(lines)
    print("\n" + text)
    if args.markdown:
        with open(args.markdown, "w") as out:
            out.write(text + "\n")


def make_source(args, bindir, clusters):
    source = Cluster(bindir, args.work, "source", 54400)
    clusters.append(source)
    source.init()
    source.configure("archive", "archive_command = '/bin/true'\n")
    source.start()
    source.pgbench("-i", "-q", "-s", str(max(1, int(args.gigabytes * 1024 / 15))))
    return source


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--segments", type=int, default=100)
    parser.add_argument("--only", choices=["directory", "s3"])
    parser.add_argument("--apart", action="store_true", help="the S3 server has one core to itself and everything else the others")
    parser.add_argument("--lines", default="backup,incremental,push,replay", help="which of backup, incremental, push, replay")
    parser.add_argument("--markdown")
    args = parser.parse_args()
    s3 = S3()
    stores = [s for s in ("directory", "s3") if args.only in (None, s) and (s == "directory" or s3.present)]
    if "s3" not in stores and args.only != "directory":
        print("no S3 server in the environment: only the directory is measured", file=sys.stderr)
    if args.apart:
        put_apart()
    Meter.touched_bytes = int((args.gigabytes + 1) * (1 << 30))
    bindir = run(os.environ.get("PG_CONFIG", "pg_config"), "--bindir").strip()
    args.work = tempfile.mkdtemp(prefix="pg_pitr_bench.", dir=os.environ.get("TMPDIR", "/tmp"))
    print(run("pgbackrest", "version").strip(), "|", run(f"{bindir}/postgres", "--version").strip(), "|", f"jobs {args.jobs}, zstd {args.level}",
          *(["| S3 server on a core of its own"] if args.apart else []))
    clusters = []
    try:
        if "backup" in args.lines:
            source = make_source(args, bindir, clusters)
            print("data:", source.sql("SELECT pg_size_pretty(sum(pg_database_size(oid))) FROM pg_database"))
            baselines(args, source)
            full_backup_and_restore(args, source, s3, stores)
            source.remove()
        if "incremental" in args.lines:
            source = make_source(args, bindir, clusters)
            incremental(args, source, s3, stores)
            source.remove()
        if "push" in args.lines or "replay" in args.lines:
            template = Cluster(bindir, args.work, "wal", 54410)
            clusters.append(template)
            template.init()
            template.configure("archive", "archive_command = ''\n")
            template.start()
            template.pgbench("-i", "-q", "-s", "20")
            template.make_wal(args.segments)
            template.stop()
            if "push" in args.lines:
                wal_push(args, template, s3, stores)
            if "replay" in args.lines:
                replay(args, template, s3, stores)
        report(args)
    finally:
        for cluster in clusters:
            cluster.stop("immediate")
        shutil.rmtree(args.work, ignore_errors=True)


if __name__ == "__main__":
    main()
