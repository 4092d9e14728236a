#!/usr/bin/env python3
"""`selftune ingest wrap-codex`: who runs it sees codex and nothing else.

    wrap_codex_test.py SELFTUNE DATA_DIR

Codex is a program that plays what a test says; its rollout is a recorded one.
"""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import surroundings  # noqa: E402

# Whoever runs the tests may ignore them (nohup, a shell's &), and a command keeps that.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)

sys.dont_write_bytecode = True

CLI, DATA = (Path(a).resolve() for a in sys.argv[1:3])
ROLLOUTS = DATA / "hosts" / "codex" / "home" / "dev" / ".codex" / "sessions"
if not ROLLOUTS.exists():
    ROLLOUTS = next(p for p in (DATA / "hosts" / "codex" / "home").rglob("sessions") if p.is_dir())


class Wrap(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.home = self.root / "home"
        self.home.mkdir()
        self.bin = self.root / "bin"
        self.bin.mkdir()
        self.db = self.home / ".selftune" / "selftune.db"

    def codex(self, body):
        program = self.bin / "codex"
        program.write_text(f"#!{sys.executable} -B\nimport os, signal, sys, time, pathlib\n{body}\n")
        program.chmod(0o755)

    def env(self, **more):
        return surroundings.environment(self.home, PATH=f"{self.bin}:/usr/bin:/bin", **more)

    def start(self, *words, **options):
        options.setdefault("env", self.env())
        return subprocess.Popen([CLI, *options.pop("before", ()), "ingest", "wrap-codex", *words],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def run_wrapped(self, *words, stdin=b"", **options):
        process = self.start(*words, **options)
        out, err = process.communicate(stdin, timeout=60)
        return process.returncode, out, err

    def sessions(self):
        db = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        try:
            return [row[0] for row in db.execute("SELECT session_id FROM sessions WHERE platform='codex'")]
        finally:
            db.close()

    def test_output_input_errors_and_words_are_those_of_codex(self):
        self.codex("sys.stderr.write('working\\n'); data = sys.stdin.buffer.read()\n"
                   "os.write(1, repr(sys.argv[1:]).encode() + b'\\0\\xff\\r\\n' + data * 1000); sys.exit(3)")
        words = ["-m", "x", "--json", "--help", "--version", "it's \u00e9", ""]
        self.assertEqual(self.run_wrapped("--", *words, stdin=b"in\xff\n"),
                         (3, repr(["exec", "--json", *words]).encode() + b"\0\xff\r\n" + b"in\xff\n" * 1000, b"working\n"))
        self.assertEqual(self.run_wrapped("a", "--", "b")[1][:28], b"['exec', '--json', 'a', '--'")

    def test_megabytes_in_pieces_and_long_lines_come_through(self):
        self.codex("block = bytes(range(256)) * 999\nfor i in range(40): os.write(1, block); time.sleep(0.002)")
        self.assertEqual(self.run_wrapped()[1], bytes(range(256)) * 999 * 40)

    def test_how_codex_ends_is_how_it_ends(self):
        for status in (0, 1, 70, 255):
            self.codex(f"sys.exit({status})")
            self.assertEqual(self.run_wrapped()[0], status)
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            self.codex(f"os.kill(os.getpid(), {int(number)})")
            self.assertEqual(self.run_wrapped()[0], -number)

    def test_signals_reach_codex(self):
        self.codex("def end(n, f): os.write(1, b'got %d\\n' % n); os._exit(40 + n)\n"
                   "for n in (1, 2, 3, 15): signal.signal(n, end)\n"
                   "os.write(1, b'ready\\n')\nwhile True: time.sleep(1)")
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            process = self.start()
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, out, err), (40 + number, b"got %d\n" % number, b""))

    def test_who_reads_no_more_ends_codex_as_it_would_alone(self):
        self.codex("signal.signal(signal.SIGPIPE, signal.SIG_DFL)\nwhile True: os.write(1, b'x' * 4096)")
        process = self.start()
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=60), -signal.SIGPIPE)
        process.stderr.close()
        process.stdin.close()

    def rollout(self):
        """A codex that writes a recorded session and says its id."""
        for file in sorted(ROLLOUTS.rglob("rollout-*.jsonl")):
            meta = json.loads(file.read_text().splitlines()[0])["payload"]
            if meta.get("id") and not meta.get("forked_from_id") and not meta.get("parent_thread_id"):
                break
        place = self.home / ".codex" / "sessions" / "2026" / "11" / "22" / file.name
        place.parent.mkdir(parents=True)
        self.codex(f"import shutil\nshutil.copy({str(file)!r}, {str(place)!r})\n"
                   f"os.write(1, b'{{\"type\":\"thread.started\",')\ntime.sleep(0.05)\n"
                   f"os.write(1, b'\"thread_id\":\"{meta['id']}\"}}\\n{{\"type\":\"turn.completed\"}}\\n')")
        return meta["id"]

    def test_the_session_is_read_afterwards(self):
        name = self.rollout()
        status, out, err = self.run_wrapped("do it")
        self.assertEqual((status, out.count(b"\n"), err), (0, 2, b""))
        self.assertEqual(self.sessions(), [name])

    def test_where_selftune_fails_codex_does_not(self):
        name = self.rollout()
        shutil.rmtree(self.home / ".selftune", ignore_errors=True)
        (self.home / ".selftune").write_text("a file")
        status, out, err = self.run_wrapped()
        self.assertEqual((status, err), (0, b""))
        self.assertIn(name.encode(), out)
        status, _, err = self.run_wrapped(before=["--verbose"])
        self.assertEqual(status, 0)
        self.assertIn(b"selftune: ", err)
        (self.home / ".selftune").unlink()
        self.assertEqual(self.run_wrapped(env=self.env(SELFTUNE_INTERNAL="1"))[0], 0)
        self.assertFalse(self.db.exists())

    def test_another_sync_holds_nobody_up(self):
        self.rollout()
        self.assertEqual(self.run_wrapped()[0], 0)
        with open(self.home / ".selftune" / "locks" / "sync.lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            begin = time.monotonic()
            self.assertEqual(self.run_wrapped()[::2], (0, b""))
            self.assertLess(time.monotonic() - begin, 30)

    def test_nothing_waits_for_what_codex_left_behind(self):
        self.codex("if os.fork() == 0:\n    os.close(2)\n    time.sleep(30)\n    os._exit(0)\nos.write(1, b'done\\n')")
        begin = time.monotonic()
        self.assertEqual(self.run_wrapped()[:2], (0, b"done\n"))
        self.assertLess(time.monotonic() - begin, 20)

    def test_help_is_ours_and_starts_nothing(self):
        self.codex("pathlib.Path(os.environ['HOME'], 'started').touch()")
        for word in ("--help", "-h"):
            status, out, _ = self.run_wrapped(word)
            self.assertEqual(status, 0)
            self.assertIn(b"wrap-codex", out)
        self.assertFalse((self.home / "started").exists())

    def test_without_codex_it_says_so(self):
        status, out, err = self.run_wrapped("x")
        self.assertEqual(status, 5)
        self.assertEqual(json.loads(out)["error"]["code"], "AGENT_NOT_FOUND")
        self.assertIn(b"codex", err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
