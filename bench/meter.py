"""Wall time, CPU and peak memory of what happens while a block runs.

CPU is the whole machine's busy time less that of the S3 server's processes, so that work done by the server, by its children and by
daemonised helpers counts alike for every tool. The machine must be otherwise idle. Peak memory is the largest sum, over samples 100 ms
apart, of the anonymous resident memory of the processes that belong to the tool (their names are given), counted in full also where a forked
process still shares it with its parent; shared buffers are nobody's. Sampling is kept cheap, because what the meter takes the tools have not.

Memory is touched and given back before the clock starts: a virtual machine whose host takes idle memory away would else charge the tool that is measured
for getting it back, page by page, which costs several times what writing to the page cache does.
"""
import json
import mmap
import os
import socket
import struct
import threading
import time

S3_SERVER = {"radosgw", "ceph-osd", "ceph-mon", "ceph-mgr"}
TICK = os.sysconf("SC_CLK_TCK")


def busy_seconds():
    with open("/proc/stat") as stat:
        fields = [int(n) for n in stat.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / TICK


def processes():
    """(pid, name, command line) of every process that can be read."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                yield int(pid), comm.read().strip(), cmdline.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def cpu_of(names):
    total = 0.0
    for pid, name, _ in processes():
        if name in names:
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / TICK
            except OSError:
                continue
    return total


def s3_requests():
    """How many requests the S3 server has had, from the counters that Ceph tells on its administration socket; 0 without a server."""
    path = os.environ.get("PITR_TEST_S3_ADMIN", "")
    if not path:
        return 0
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(b'{"prefix": "perf dump", "logger": "rgw"}\0')
        stream = peer.makefile("rb")
        (size,) = struct.unpack(">I", stream.read(4))
        return json.loads(stream.read(size))["rgw"]["req"]


def put_apart():
    """Gives the S3 server the last core and this process, with all it will start, the others: as if the store were another machine."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("--apart needs two cores")
    for pid, name, _ in processes():
        if name in S3_SERVER:
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), cores[-1:])
    os.sched_setaffinity(0, cores[:-1])


def private_bytes(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return sum(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))
    except OSError:
        return 0


def touch_memory(size):
    if size:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


class Meter:
    """with Meter(match) as m: ...   then m.wall, m.cpu, m.s3_cpu (seconds), m.peak (bytes) and m.requests (to the S3 server). match(name, command line) picks the tool's processes."""

    touched_bytes = 0  # set once for all

    def __init__(self, match):
        self.match = match
        self.peak = 0
        self.stop = threading.Event()

    def sample(self):
        while not self.stop.wait(0.1):
            total = sum(private_bytes(pid) for pid, name, line in processes() if self.match(name, line))
            self.peak = max(self.peak, total)

    def __enter__(self):
        touch_memory(self.touched_bytes)
        self.cpu0, self.s3_0 = busy_seconds(), cpu_of(S3_SERVER)
        self.requests0 = s3_requests()
        self.start = time.monotonic()
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self.start
        self.s3_cpu = cpu_of(S3_SERVER) - self.s3_0
        self.cpu = busy_seconds() - self.cpu0 - self.s3_cpu
        self.requests = s3_requests() - self.requests0
        self.stop.set()
        self.thread.join()
