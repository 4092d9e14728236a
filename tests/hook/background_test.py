#!/usr/bin/env python3
"""The run that the end of a session starts: whose child it is, and what it has of its agent.

    background_test.py HOOK SELFTUNE

A program that writes down what it was started with stands in for selftune.
"""

import json
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402

HOOK, SELFTUNE = (Path(a).resolve() for a in sys.argv[1:3])
END = {"session_id": "s-1", "hook_event_name": "SessionEnd", "reason": "other"}
MEBIBYTE = 1 << 20

# What it sees, whole or not at all.
NOTER = """#!/usr/bin/env python3
import json, os, sys
seen = {"argv": sys.argv[1:], "cwd": os.getcwd(), "nice": os.nice(0),
        "session": os.getsid(0), "leader": os.getsid(0) == os.getpid(), "env": dict(os.environ),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
        "outputs": [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3)],
        "ignored": open("/proc/self/status").read().split("SigIgn:")[1].split()[0]}
print("to its output", flush=True)
print("to its errors", file=sys.stderr, flush=True)
with open(sys.argv[0] + ".part", "w") as out:
    json.dump(seen, out)
os.rename(sys.argv[0] + ".part", sys.argv[0] + ".seen")
"""


class Background(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        self.addCleanup(scratch.cleanup)
        self.home = harness.Home(Path(scratch.name) / "home", HOOK, SELFTUNE)
        self.program = Path(scratch.name) / "noter"
        self.program.write_text(NOTER.replace("#!/usr/bin/env python3", f"#!{sys.executable}"))
        self.program.chmod(0o755)
        self.log = self.home.state / "logs/reactive.log"

    def allow(self, **more):
        notes = self.home.state / "hooks/notes.json"
        notes.parent.mkdir(parents=True, exist_ok=True)
        notes.write_text(json.dumps({"reactive": str(self.program), **more}))

    def end(self, **options):
        self.assertEqual(self.home.hook(END, host="claude", **options), (0, b"", b""))

    def seen(self):
        return self.wait(Path(f"{self.program}.seen"))

    def wait(self, path):
        deadline = time.monotonic() + 60
        while not path.exists():
            self.assertLess(time.monotonic(), deadline, "nothing was started")
            time.sleep(0.02)
        return json.loads(path.read_text())

    def test_it_has_nothing_of_the_agent_but_its_variables(self):
        self.allow()
        # What an agent may hand down: an open pipe, signals it ignores.
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.end(pass_fds=[write], env=self.home.env(OWN="kept"), cwd="/",
                 preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        os.close(write)
        seen = self.seen()
        self.assertEqual(seen["argv"], ["orchestrate", "--reactive", "--max-skills", "2", "--json"])
        self.assertEqual(seen["cwd"], os.path.realpath(self.home.state))
        self.assertEqual(seen["nice"], min(19, os.nice(0) + 10))
        self.assertEqual(seen["env"]["SELFTUNE_INTERNAL"], "1")
        self.assertEqual(seen["env"]["OWN"], "kept")
        # A session of its own, in which no terminal can become its own.
        self.assertNotEqual(seen["session"], os.getsid(0))
        self.assertFalse(seen["leader"])
        # Whatever it was started with is closed; the list itself takes one.
        self.assertEqual(len(seen["fds"]), 4)
        self.assertEqual(seen["outputs"], ["/dev/null", str(self.log.resolve()), str(self.log.resolve())])
        self.assertEqual(int(seen["ignored"], 16) & (1 << (signal.SIGHUP - 1)), 0)
        self.assertEqual(os.read(read, 1), b"")  # nobody else holds the pipe

    def test_its_output_is_kept(self):
        self.allow()
        self.end()
        self.seen()
        self.assertEqual(self.log.read_text(), "to its output\nto its errors\n")
        self.assertEqual(self.log.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.log.parent.stat().st_mode & 0o777, 0o700)

    def test_five_logs_of_a_mebibyte_are_kept(self):
        self.allow()
        self.log.parent.mkdir(parents=True)
        for end, letter in ("", "a"), (".1", "b"), (".2", "c"), (".3", "d"), (".4", "e"):
            Path(f"{self.log}{end}").write_text(letter * MEBIBYTE)
        self.end()
        self.seen()
        first = {path.name: path.read_text()[0] for path in self.log.parent.iterdir()}
        self.assertEqual(first, {"reactive.log": "t", "reactive.log.1": "a", "reactive.log.2": "b",
                                 "reactive.log.3": "c", "reactive.log.4": "d"})

    def test_one_that_is_shorter_is_added_to(self):
        self.allow()
        self.log.parent.mkdir(parents=True)
        self.log.write_text("a" * (MEBIBYTE - 1))
        self.end()
        self.seen()
        self.assertEqual([path.name for path in self.log.parent.iterdir()], ["reactive.log"])
        self.assertEqual(self.log.stat().st_size, MEBIBYTE - 1 + len("to its output\nto its errors\n"))

    def test_without_a_log_it_runs_all_the_same(self):
        self.allow()
        (self.home.state / "logs").write_text("in the way")
        self.end()
        self.assertEqual(self.seen()["outputs"], ["/dev/null"] * 3)

    def test_where_runs_only_propose_it_asks_for_a_review(self):
        self.allow(review=True)
        self.end()
        self.assertEqual(self.seen()["argv"][-1], "--review-required")

    def test_nothing_starts_in_a_ci_job_or_in_an_agent_of_ours(self):
        self.allow()
        for name in "CI", "GITHUB_ACTIONS", "SELFTUNE_INTERNAL":
            self.end(env=self.home.env(**{name: "true"}))
        self.assertFalse((self.home.state / "hooks/told").exists())
        self.assertFalse(Path(f"{self.program}.seen").exists())
        self.end(env=self.home.env(CI="false"))
        self.seen()

    def test_a_program_that_is_gone_disturbs_nobody(self):
        self.allow()
        self.program.unlink()
        self.end()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
