"""A stock Debian machine: its commands on a terminal of 80 columns, its cluster, what the documents' examples stand for here."""
import base64
import fcntl
import hashlib
import hmac
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import urllib.request

COLUMNS = 80
COMMAND_S = 300

# What a Debian machine has where systemd runs: postgresql.service is no more than this. --skip-systemctl-redirect: pg_ctlcluster would ask it.
SYSTEMCTL = """#!/bin/sh
[ "$2" = postgresql ] || { echo "systemctl: no service $2 here" >&2; exit 5; }
pg_lsclusters -h | while read -r version name port status rest; do
  case $1,$status in
    start,online* | stop,down*) ;;
    restart,down*) pg_ctlcluster --skip-systemctl-redirect "$version" "$name" start || exit 1 ;;
    *) pg_ctlcluster --skip-systemctl-redirect "$version" "$name" "$1" || exit 1 ;;
  esac
done
"""


class Machine:
    def __init__(self, top, log):
        self.top, self.log = top, log
        self.wide = {}  # commands whose tables a terminal of 80 columns breaks, and how many lines
        self.major = subprocess.run(["pg_config", "--version"], capture_output=True, text=True, check=True).stdout.split()[1].split(".")[0]
        self.data = f"/var/lib/postgresql/{self.major}/main"
        self.conf = f"/etc/postgresql/{self.major}/main/postgresql.conf"
        # Examples in the documents, and what they are here.
        self.examples = {"/postgresql/17/": f"/postgresql/{self.major}/", "postgresql-17": f"postgresql-{self.major}",
                         "s3://my-bucket/": f"s3://{os.environ['PITR_TEST_S3_BUCKET']}/",
                         "https://rgw.internal": os.environ["PITR_TEST_S3_HTTPS"]}
        self.write("/usr/bin/systemctl", SYSTEMCTL, mode=0o755)
        # Whoever reads the runbook at night may become root.
        self.write("/etc/sudoers.d/walk", "postgres ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
        self.write("/etc/ssl/rgw-ca.pem", open(os.environ["PITR_TEST_S3_CA"], encoding="ascii").read())

    @staticmethod
    def write(path, text, mode=None, append=False):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not append and os.path.exists(path) and mode is not None:
            os.unlink(path)
        with open(path, "a" if append else "w", encoding="utf-8") as file:
            file.write(text)
        if mode is not None:
            os.chmod(path, mode)

    def here(self, text):
        for example, real in self.examples.items():
            text = text.replace(example, real)
        return text

    def _terminal(self, arguments, cwd, typed):
        """Runs it on a terminal; its exit status and what it showed."""
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "xterm", "LANG": "C.UTF-8",
                       "PAGER": "cat", "HOME": "/root", "CC": os.environ.get("CC", "cc")}
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL if typed is None else side, stdout=side, stderr=side, cwd=cwd,
                                 env=environment, start_new_session=True, close_fds=True)
        os.close(side)
        shown, end = b"", time.time() + COMMAND_S
        while time.time() < end:
            if select.select([main], [], [], 0.2)[0]:
                try:
                    more = os.read(main, 65536)
                except OSError:  # nobody has the terminal open any more
                    break
                if not more:
                    break
                shown += more
            elif child.poll() is not None:
                break  # a daemon may keep it open
        else:
            child.kill()
        os.close(main)
        status = child.wait()
        return status, shown.decode("utf-8", "replace").replace("\r\n", "\n")

    def run(self, command, user="root", cwd=None, status=0):
        """A block of shell as `user` in one bash that ends with the first command that fails. `status`: what it has to end with."""
        command = self.here(command)
        arguments = ["bash", "-e", "-o", "pipefail", "-c", command]
        if user != "root":
            arguments = ["sudo", "-n", "-H", "-u", user, *arguments]
        self.log(f"\n{user}$ {command.strip()}\n")
        ended, shown = self._terminal(arguments, cwd or (self.top if user == "root" else "/var/lib/postgresql"), None)
        self.log(shown)
        if "pg_pitr" in command and (wide := wide_lines(shown)):
            self.wide[command.strip().split("\n")[0][:60]] = len(wide)
        if ended != status:
            raise AssertionError(f"exit status {ended} instead of {status} of: {command.strip()}")
        return shown

    def psql(self, script, database="postgres"):
        """A block of SQL in one session of psql, as the role postgres; the first error ends it."""
        self.write("/tmp/walk.sql", script, mode=0o644)
        return self.run(f"psql -X -v ON_ERROR_STOP=1 -a -d {database} -f /tmp/walk.sql", user="postgres")

    def sql(self, query):
        """The walk's own question: its answer, unaligned."""
        asked = subprocess.run(["sudo", "-n", "-u", "postgres", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", query],
                               capture_output=True, text=True, cwd="/", check=False)
        if asked.returncode != 0:
            raise AssertionError(f"{query}: {asked.stderr.strip()}")
        return asked.stdout.strip()

    def wait_for(self, what, query, expected="t", seconds=90, pause=0.3):
        end, seen = time.time() + seconds, None
        while time.time() < end:
            try:
                seen = self.sql(query)
            except AssertionError as error:
                seen = str(error)
            if seen == expected:
                return
            time.sleep(pause)
        raise AssertionError(f"{what}: not within {seconds} s; last seen: {seen}")

    @staticmethod
    def object_request(method, key):
        """What somebody with the store's keys can do by its own means; the answer. Signed the old way, which needs no more than openssl."""
        path = f"/{os.environ['PITR_TEST_S3_BUCKET']}/{key}"
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        to_sign = f"{method}\n\n\n{date}\n{path}".encode()
        digest = hmac.new(os.environ["PITR_TEST_S3_SECRET_KEY"].encode(), to_sign, hashlib.sha1).digest()
        signature = f"AWS {os.environ['PITR_TEST_S3_ACCESS_KEY']}:{base64.b64encode(digest).decode()}"
        request = urllib.request.Request(os.environ["PITR_TEST_S3_HTTP"] + path, method=method, headers={"Date": date, "Authorization": signature})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def service(self, action):
        self.run(f"sudo systemctl {action} postgresql", user="postgres")


def wide_lines(shown):
    """Lines of pg_pitr's tables (two gaps or more) that a terminal of 80 columns breaks, progress and colours aside."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)
    lines = (line.rsplit("\r", 1)[-1] for line in plain.split("\n"))
    return [line for line in lines if len(line) > COLUMNS and len(re.findall(r"\S  +(?=\S)", line)) > 1 and " | " not in line]
