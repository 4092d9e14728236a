#!/usr/bin/env python3
"""The live protocol of the dashboard.

    events_test.py SELFTUNE SELFTUNE_DASHBOARD COMMIT [unittest arguments]

COMMIT is the test program that commits to a store and says when.
"""

import re
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS, ServerTest, Stream  # noqa: E402


class Live(ServerTest):
    def stream(self, *args, **kwargs):
        stream = Stream(self.server, *args, **kwargs)
        self.addCleanup(stream.close)
        return stream

    def commit(self, count=1, pause_ms=0):
        """Commits by another process; the times (monotonic, seconds) when each was done."""
        done = subprocess.run([PROGRAMS["commit"], str(self.home.state / "selftune.db"), str(count),
                               str(pause_ms)], capture_output=True, text=True, check=True,
                              timeout=harness.PATIENCE, env=harness.environment(self.home.path))
        return [int(line) / 1e9 for line in done.stdout.split()]

    def test_hello_comes_first(self):
        stream = self.stream()
        self.assertEqual(stream.reply.status, 200)
        self.assertEqual(stream.reply.headers["content-type"], "text/event-stream")
        self.assertEqual(stream.reply.headers["cache-control"], "no-store")
        hello = stream.next()
        self.assertEqual(hello["event"], "hello")
        self.assertRegex(hello["id"], r"^[0-9a-f]{8}-\d+$")
        instance = self.server.get("/api/v3/instance").json()
        self.assertEqual(hello["data"]["instance"], instance["instance"])
        self.assertEqual(hello["data"]["version"], instance["version"])
        self.assertEqual(hello["data"]["build"], instance["build"])
        self.assertTrue(harness.wait_until(lambda: self.stream().next()["data"]["clock"] ==
                                           self.server.get("/api/v3/summary").json()["clock"]))

    def test_retry_is_told(self):
        stream = self.stream()
        stream.next()
        raw = Stream(self.server)
        self.addCleanup(raw.close)
        while b"\n\n" not in raw.pending:
            raw.pending += raw.sock.recv(4096)
        self.assertTrue(raw.pending.startswith(b"retry: 2000\n\n"))

    def test_the_first_change_is_sent_at_once(self):
        stream = self.stream()
        stream.next()
        delays = []
        for _ in range(8):
            time.sleep(0.4)  # so that each is a first one
            committed = self.commit()[0]
            event = stream.next()
            delays.append(time.clock_gettime(time.CLOCK_MONOTONIC) - committed)
            self.assertEqual(event["event"], "change")
            self.assertEqual(event["data"]["skills"], "many")
            self.assertIn("evidence", event["data"]["topics"])
            self.assertEqual(event["data"]["clock"],
                             self.server.get("/api/v3/summary").json()["clock"])
        delays.sort()
        # The median: one of them may meet a busy machine.
        self.assertLess(delays[len(delays) // 2], 1 if harness.SANITIZED else 0.1, delays)

    def test_many_changes_are_few_events(self):
        stream = self.stream()
        stream.next()
        time.sleep(0.4)
        begin = time.monotonic()
        self.commit(count=100, pause_ms=10)
        last = self.server.get("/api/v3/summary").json()["clock"]
        clocks, times = [], []
        while not clocks or clocks[-1] < last:
            event = stream.next()
            clocks.append(event["data"]["clock"])
            times.append(time.monotonic())
        self.assertEqual(clocks, sorted(set(clocks)))
        self.assertLessEqual(len(clocks), 4 * (times[-1] - begin) + 2)
        self.assertTrue(stream.silent(0.5))

    def test_a_touched_file_is_no_change(self):
        time.sleep(0.4)  # what an earlier test changed was told
        stream = self.stream()
        stream.next()
        for name in ("selftune.db", "selftune.db-wal"):
            path = self.home.state / name
            if path.exists():
                path.touch()
        self.home.cli("status")
        self.assertTrue(stream.silent(0.6))

    def test_a_client_that_comes_back_misses_nothing(self):
        first = self.stream()
        last_id = first.next()["id"]
        first.close()
        want = []
        watcher = self.stream()
        watcher.next()
        for _ in range(3):
            time.sleep(0.3)
            self.commit()
            want.append(watcher.next())
        for again in (self.stream(last_id), self.stream(query="?last_event_id=" + last_id)):
            hello = again.next()
            self.assertEqual((hello["event"], hello["id"]), ("hello", last_id))
            self.assertEqual([again.next() for _ in want], want)
        middle = self.stream(want[0]["id"])
        middle.next()
        self.assertEqual([middle.next(), middle.next()], want[1:])

    def test_what_is_not_remembered_is_said(self):
        epoch, _, number = self.stream().next()["id"].partition("-")
        for last_id, reason in ((f"00000000-{number}", "restarted"), ("nonsense", "restarted"),
                                (f"{epoch}-{int(number) + 5}", "gone"), (f"{epoch}-x", "gone"),
                                (f"{epoch}-", "gone"),
                                (f"{epoch}-99999999999999999999999", "gone")):
            stream = self.stream(last_id)
            self.assertEqual(stream.next()["event"], "hello")
            reset = stream.next()
            self.assertEqual((reset["event"], reset["data"]["reason"]), ("reset", reason), last_id)
            self.assertEqual(reset["id"], f"{epoch}-{number}")

    def test_ids_never_go_back(self):
        stream = self.stream()
        seen = [int(re.search(r"-(\d+)$", stream.next()["id"]).group(1))]
        for _ in range(3):
            time.sleep(0.3)
            self.commit()
            seen.append(int(re.search(r"-(\d+)$", stream.next()["id"]).group(1)))
        self.assertEqual(seen, list(range(seen[0], seen[0] + 4)))


class End(unittest.TestCase):
    def test_the_end_is_told(self):
        home = harness.Home()
        self.addCleanup(home.clean)
        server = harness.Server(home)
        stream = Stream(server)
        self.addCleanup(stream.close)
        stream.next()
        self.assertEqual(server.post("/api/v2/shutdown", {}).status, 202)
        bye = stream.next()
        self.assertEqual((bye["event"], bye["data"]), ("bye", {"reason": "shutdown"}))
        self.assertEqual(server.stop()[0], 0)

    def test_it_still_speaks_when_nothing_happens(self):
        home = harness.Home()
        self.addCleanup(home.clean)
        server = harness.Server(home)
        self.addCleanup(server.stop)
        stream = Stream(server)
        self.addCleanup(stream.close)
        stream.next()
        stream.sock.settimeout(harness.PATIENCE)
        begin = time.monotonic()
        while b": still here\n\n" not in stream.pending:
            stream.pending += stream.sock.recv(4096)
        self.assertLess(time.monotonic() - begin, 17)


if __name__ == "__main__":
    harness.main("cli", "dashboard", "commit")
