#!/usr/bin/env python3
"""`selftune init` and the way back, watched: no network, and nothing written outside the home.

    init_traced_test.py SELFTUNE SELFTUNE_HOOK [--sanitized]
"""

import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import CLI, PLAIN, Place  # noqa: E402

SANITIZED = "--sanitized" in sys.argv
# Every call that makes, changes or removes something that has a name.
CHANGING = ("open openat openat2 creat mkdir mkdirat rmdir rename renameat renameat2 unlink unlinkat link linkat "
            "symlink symlinkat chmod fchmod fchmodat fchmodat2 chown fchown fchownat lchown truncate ftruncate "
            "mknod mknodat utime utimes utimensat futimesat setxattr fsetxattr removexattr").split()
READING = re.compile(r"\b(open|openat|openat2)\(")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")
NETWORK = ("socket", "connect", "bind", "sendto", "sendmsg", "listen", "accept", "accept4", "io_uring_setup")
# Whether the dashboard's port is free is asked by taking it, on this machine alone: nobody hears of it.
TAKES_PORT = re.compile(r"\b(?:socket\(AF_INET6?, SOCK_STREAM|"
                        r"bind\([^{]*\{sa_family=AF_INET6?, sin6?_port=htons\(3141\), .*\"(?:127\.0\.0\.1|::1)\")")
# A terminal that is not there, and what a program throws away.
NOWHERE = ("/dev/null", "/dev/tty")


def changes(log, cwd):
    """(call, path) of each change that came about, absolute; the path of a descriptor as strace knows it."""
    for line in log.splitlines():
        match = re.match(r"(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)\) += (-?\d+)", line)
        if not match or match.group(1) not in CHANGING or match.group(3).startswith("-"):
            continue
        call, arguments = match.group(1), match.group(2)
        if READING.search(line) and not WRITES.search(line):
            continue
        names = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
        for name in names or re.findall(r"^\d+<([^>]*)>", arguments):
            yield call, os.path.normpath(os.path.join(cwd, name))


@unittest.skipIf(shutil.which("strace") is None, "strace is missing")
@unittest.skipIf(SANITIZED, "its runtime makes calls of its own")
class Traced(Place):
    def setUp(self):
        super().setUp()
        for name in ("claude", "codex", "opencode"):
            self.agent(name)
        for name in (".gemini", ".qwen", ".pi/agent", ".copilot"):
            (self.home.path / name).mkdir(parents=True)
        self.write(PLAIN)
        self.temp = self.root / "temp"
        self.temp.mkdir()

    def traced(self, *argv):
        log = self.root / "trace"
        done = subprocess.run(["strace", "-f", "-qq", "-y", "-s", "4096", "-o", str(log),
                               "-e", "trace=" + ",".join(f"?{call}" for call in (*CHANGING, *NETWORK)),
                               str(CLI), *argv, "--json"],
                              env=self.env(TMPDIR=str(self.temp)), cwd=self.root, capture_output=True, text=True,
                              check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return log.read_text(errors="replace")

    def check(self, *argv, least, takes_port=False):
        log = self.traced(*argv)
        network = [line for line in log.splitlines() if re.search(rf"\b(?:{'|'.join(NETWORK)})\(", line)]
        taking = [line for line in network if TAKES_PORT.search(line)]
        self.assertEqual([line for line in network if line not in taking], [], argv)
        self.assertEqual(bool(taking), takes_port, argv)
        inside = 0
        for call, path in changes(log, self.root):
            if path in NOWHERE:
                continue
            self.assertTrue(path.startswith((f"{self.home.path}/", f"{self.temp}/")), f"{argv}: {call} {path}")
            inside += 1
        self.assertGreaterEqual(inside, least, argv)

    def test_nothing_but_the_home_is_written_and_nobody_is_called(self):
        # Each step changes so many names at least: the log says what there is to see.
        self.check("init", least=200)
        self.check("init", "--force", least=4)
        self.check("init", "--dry-run", least=0)
        self.check("doctor", "--exit-zero", least=0, takes_port=True)
        self.check("uninstall", "--yes", "--purge-evidence", least=100)
        self.assertEqual(list(self.temp.iterdir()), [])

    def test_the_watch_sees_what_is_done_elsewhere(self):
        log = ('1 openat(AT_FDCWD</w>, "/etc/x", O_WRONLY|O_CREAT, 0600) = 3</etc/x>\n'
               '1 openat(AT_FDCWD</w>, "/etc/y", O_RDONLY) = 3</etc/y>\n'
               '1 mkdir("up", 0700) = 0\n1 mkdir("/no", 0700) = -1 EACCES (Permission denied)\n'
               '1 rename("/a", "/b") = 0\n1 fchmod(4</etc/z>, 0600) = 0\n')
        self.assertEqual([path for _, path in changes(log, "/w")], ["/etc/x", "/w/up", "/a", "/b", "/etc/z"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
