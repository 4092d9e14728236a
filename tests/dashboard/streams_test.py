#!/usr/bin/env python3
"""A thousand idle listeners at once.

    streams_test.py SELFTUNE SELFTUNE_DASHBOARD COMMIT [unittest arguments]
"""

import os
import pathlib
import resource
import selectors
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS, ServerTest  # noqa: E402

CLIENTS = 1000


class Thousand(ServerTest):
    flags = ("--max-streams", str(CLIENTS))

    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        super().setUpClass()

    def cpu(self):
        stat = pathlib.Path(f"/proc/{self.server.pid}/stat").read_text(encoding="ascii")
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_until(self, socks, mark, seconds=harness.PATIENCE):
        """Reads from all until each has said `mark`; how many did."""
        seen = dict.fromkeys(socks, b"")
        waiting = selectors.DefaultSelector()
        for sock in socks:
            waiting.register(sock, selectors.EVENT_READ)
        left, end = len(socks), time.monotonic() + seconds
        while left and time.monotonic() < end:
            for key, _ in waiting.select(0.2):
                data = key.fileobj.recv(65536)
                self.assertTrue(data, "a stream was ended")
                seen[key.fileobj] += data
                if mark in seen[key.fileobj]:
                    waiting.unregister(key.fileobj)
                    left -= 1
        waiting.close()
        return len(socks) - left

    def test_a_thousand_idle_listeners(self):
        for _ in range(20):
            self.server.get("/api/v3/skills")  # what a working server needs anyway
        before = self.server.memory()
        request = self.server.head("GET", "/api/v3/events",
                                   [("Authorization", f"Bearer {self.server.token}")])
        socks = []
        self.addCleanup(lambda: [sock.close() for sock in socks])
        for _ in range(CLIENTS):
            socks.append(self.server.connect())
            socks[-1].sendall(request)
        self.assertEqual(self.read_until(socks, b"event: hello"), CLIENTS)
        self.assertEqual(self.server.get("/api/v3/instance").json()["clients"], CLIENTS)

        per_client = (self.server.memory() - before) / CLIENTS
        if not harness.SANITIZED:
            self.assertLess(per_client, 12 << 10)
        begin = self.cpu()
        time.sleep(2)
        self.assertLess(self.cpu() - begin, 1 if harness.SANITIZED else 0.2, "idle listeners cost no CPU")

        # Others are answered as before, and all hear of a change.
        times = []
        for _ in range(20):
            start = time.monotonic()
            self.assertEqual(self.server.get("/api/v3/summary").status, 200)
            times.append(time.monotonic() - start)
        self.assertLess(sorted(times)[10], 0.5)
        subprocess.run([PROGRAMS["commit"], str(self.home.state / "selftune.db"), "1", "0"],
                       check=True, stdout=subprocess.DEVNULL, timeout=harness.PATIENCE,
                       env=harness.environment(self.home.path))
        self.assertEqual(self.read_until(socks, b"event: change"), CLIENTS)
        for sock in socks:
            sock.close()
        self.assertTrue(harness.wait_until(
            lambda: self.server.get("/api/v3/instance").json()["clients"] == 0))


if __name__ == "__main__":
    harness.main("cli", "dashboard", "commit")
