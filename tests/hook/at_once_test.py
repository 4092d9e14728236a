#!/usr/bin/env python3
"""Twenty hooks at once, twenty rounds: nothing that was acknowledged is lost.

    at_once_test.py HOOK SELFTUNE

Also with SIGKILL among them, at any moment, with records of every size, and
with others taking in the spool meanwhile.
"""

import fcntl
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402
from harness import prompt, tool  # noqa: E402

HOOK, SELFTUNE = (Path(a).resolve() for a in sys.argv[1:3])
ROUNDS = AT_ONCE = 20


def session_of(number):
    return f"session-{number % 7}"


class AtOnce(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        self.addCleanup(scratch.cleanup)
        self.home = harness.Home(Path(scratch.name) / "home", HOOK, SELFTUNE)
        self.home.make_store()

    def behind(self, gate, content):
        """A hook that begins when `gate` closes, with its payload there already.

        A hook waits half a second for a payload, then it is counted as one that
        got none: on a busy machine twenty may take longer to start.
        """
        argv = ["/bin/sh", "-c", 'read _ <"$0"; exec "$@"', f"/dev/fd/{gate}", str(HOOK), "claude-code"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.home.env(), pass_fds=[gate])
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, 1 << 18)
        process.stdin.write(content)
        process.stdin.close()
        return process

    def rounds(self, payload, killed=lambda: None):
        """Numbers of the hooks that ended with 0, and of the others."""
        done, dead = set(), set()
        for turn in range(ROUNDS):
            gate, opens = os.pipe()
            running = {}
            for number in range(turn * AT_ONCE, (turn + 1) * AT_ONCE):
                running[number] = self.behind(gate, json.dumps(payload(number)).encode())
            os.close(gate)
            os.close(opens)  # now they go at once
            for process in running.values():
                delay = killed()
                if delay is not None:
                    time.sleep(delay)
                    process.send_signal(signal.SIGKILL)
            for number, process in running.items():
                (done if process.wait(timeout=60) == 0 else dead).add(number)
                for pipe in (process.stdout, process.stderr):
                    self.assertEqual(pipe.read(), b"")
                    pipe.close()
        return done, dead

    def numbers(self):
        rows = self.home.sql("SELECT prompt_text FROM prompts WHERE is_actionable=1")
        return sorted(int(row[0].split()[1]) for row in rows)

    def test_nothing_is_lost(self):
        done, dead = self.rounds(lambda n: prompt(f"prompt {n} " + "x" * (n % 50), session_of(n)))
        self.assertEqual((len(done), dead), (ROUNDS * AT_ONCE, set()))
        self.home.selftune("status")
        self.assertEqual(self.home.bad_lines(), [])
        self.assertEqual(self.numbers(), sorted(done))

    def test_nothing_acknowledged_is_lost_when_some_are_killed(self):
        dice = random.Random(11)

        def killed():
            return dice.random() * 0.0005 if dice.random() < 0.5 else None

        done, dead = self.rounds(
            lambda n: prompt(f"prompt {n} " + "y" * dice.choice([10, 3_000, 60_000, 200_000]), session_of(n)),
            killed)
        self.assertGreater(len(dead), 5)
        self.assertGreater(len(done), 150)
        # A torn last record waits a minute for its writer.
        for file in (self.home.state / "spool").glob("*.jsonl"):
            os.utime(file, (time.time() - 100, time.time() - 100))
        self.home.selftune("status")
        found = self.numbers()
        self.assertEqual(len(found), len(set(found)))  # none twice
        self.assertEqual(done - set(found), set())
        # Of the killed some had written; none of them spoiled another.
        self.assertLessEqual(set(found), done | dead)
        self.assertLessEqual(len(self.home.bad_lines()), len(dead))
        # What they left half written goes when surely nobody writes it any more.
        left = list((self.home.state / "spool").glob("*.tmp"))
        self.assertLessEqual(len(left), len(dead))
        before = len(self.home.bad_lines())
        for file in left:
            os.utime(file, (time.time() - 4000, time.time() - 4000))
        self.home.selftune("sync")
        self.assertEqual(list((self.home.state / "spool").glob("*.tmp")), [])
        self.assertEqual(len(self.home.bad_lines()), before + len(left))

    def test_others_take_in_the_spool_meanwhile(self):
        stop = threading.Event()
        failures = []

        def take_in():
            while not stop.is_set():
                for argv in (["status"], ["sync"]):
                    run = subprocess.run([str(SELFTUNE), *argv, "--json"], env=self.home.env(),
                                         capture_output=True, text=True, check=False)
                    if run.returncode != 0:
                        failures.append(run.stdout + run.stderr)

        threads = [threading.Thread(target=take_in) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            done, _ = self.rounds(lambda n: prompt(f"prompt {n}", session_of(n)) if n % 5 else
                                  tool("Skill", f"call-{n}", session_of(n), {"skill": "pdf"}))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(done), ROUNDS * AT_ONCE)
        self.home.selftune("status")
        self.assertEqual(self.numbers(), [n for n in range(ROUNDS * AT_ONCE) if n % 5])
        self.assertEqual(self.home.sql("SELECT count(*) FROM skill_invocations WHERE triggered"),
                         [(ROUNDS * AT_ONCE // 5,)])
        db = sqlite3.connect(self.home.database)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        db.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
