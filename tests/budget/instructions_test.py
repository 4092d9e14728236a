#!/usr/bin/env python3
"""Instructions that commands may execute, counted by valgrind.

    instructions_test.py SELFTUNE OPTIMIZATION

They do not depend on the load of the machine. The limits are at most 15 % above
what was measured, so that growth is noticed; the slopes are what the design
promises: what a run costs follows what changed, not what is there.
"""

import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

from homes import TESTS, Home  # noqa: E402

sys.path.insert(0, str(TESTS / "data" / "upstream"))
import reference  # noqa: E402

SELFTUNE = Path(sys.argv[1]).resolve()
COMPILED = {"0": 0, "g": 1}.get(sys.argv[2], 2)
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no",
            "--cachegrind-out-file=/dev/null"]

MILLION = 1_000_000
# Files younger than that are looked into again: how many would depend on the machine.
YOUNG_SECONDS = 2.1
# In millions; by how the library was compiled: -O0, -Og, -O2.
LIMITS = {
    "status, 10,000 sessions": (27.9, 24, 22.7),
    "doctor, 10,000 sessions": (94, 76, 81),
    "sync, nothing new, 10 files": (29.2, 23.6, 22.9),
    "sync, nothing new, a file": (0.05, 0.016, 0.015),
    "sync, a new file": (2.25, 0.99, 0.97),
    "sync, a new MB": (81, 32, 26.3),
}


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Budget(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="selftune-budget-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = Path(cls.scratch.name)
        # Valgrind reads all debugging information first, which takes longer than the run.
        linked = subprocess.run(["ldd", str(SELFTUNE)], capture_output=True, text=True, check=True).stdout
        for file in [SELFTUNE, *re.findall(r"=> (\S*/libselftune\S*)", linked)]:
            subprocess.run(["strip", "-o", str(cls.folder / Path(file).name), str(file)], check=True)

    def home(self, name):
        home = Home(self.folder / name, self.folder / SELFTUNE.name)
        home.more_env["LD_LIBRARY_PATH"] = str(self.folder)
        return home

    def count(self, home, *argv, accept=(0,)):
        _, said = home.run(*argv, prefix=VALGRIND, accept=accept)
        refs = re.search(r"I\s+refs:\s+([\d,]+)", said)
        self.assertIsNotNone(refs, said)
        return int(refs.group(1).replace(",", "")) / MILLION

    def within(self, name, count):
        limit = LIMITS[name][COMPILED]
        print(f"{name}: {count:.3f} million instructions, limit {limit:g}")
        self.assertLess(count, limit)


class ReadOuts(Budget):
    def test_read_outs(self):
        home = self.home("read-outs")
        for number in range(100):
            home.session(number)
        home.run("sync")
        self.assertEqual(home.multiply(100), 10_000)
        self.within("status, 10,000 sessions", self.count(home, "status"))  # as of a hundred
        self.within("doctor, 10,000 sessions", self.count(home, "doctor", accept=(0, 5, 6)))


class Sync(Budget):
    def test_files(self):
        few, many = self.home("few"), self.home("many")
        cold, idle = [], []
        for home, files in ((few, 10), (many, 210)):
            for number in range(files):
                home.session(number)
        time.sleep(YOUNG_SECONDS)
        for home in (few, many):
            cold.append(self.count(home, "sync"))
            idle.append(min(self.count(home, "sync") for _ in range(2)))
        self.within("sync, nothing new, 10 files", idle[0])
        # Of two hundred: two runs over the same files differ by half a million.
        self.within("sync, nothing new, a file", (idle[1] - idle[0]) / 200)
        self.within("sync, a new file", (cold[1] - cold[0]) / 200)

    def test_bytes(self):
        small, large = self.home("small"), self.home("large")
        counts, sizes = [], []
        for home, turns in ((small, 5), (large, 45)):
            sizes.append(home.session(1, turns=turns, size=10_000))
            counts.append(self.count(home, "sync"))
        self.within("sync, a new MB", (counts[1] - counts[0]) / (sizes[1] - sizes[0]) * MILLION)


class Import(Budget):
    """A session of the reference may have thousands of prompts, most of them "go on"."""

    def test_a_prompt_costs_the_same_however_many_its_session_has(self):
        def told(first, behind):
            for i in range(first, behind):
                text, minute = ("go on" if i % 3 else f"do no. {i}"), i // 8  # eight of one moment
                at = f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z"
                yield reference.insert("prompts", prompt_id=f"s:p{i}", session_id="s", occurred_at=at, prompt_kind="user",
                                       is_actionable=1, prompt_index=i, prompt_text=text, platform="claude_code")
                yield reference.insert("queries", timestamp=at[:-5] + f".{i % 1000:03}Z", session_id="s", query=text, source="hook")
                yield reference.insert("skill_invocations", skill_invocation_id=f"s:s:pdf:{i}", session_id="s", occurred_at=at, skill_name="pdf",
                                       invocation_mode="implicit", triggered=1, confidence=1, query=text, capture_mode="hook")

        def costs(prompts):
            """Of an import, and of one more when another prompt has come."""
            home = self.home(f"import-{prompts}")
            source = home.path / "reference" / "selftune.db"
            source.parent.mkdir()
            reference.build(source, reference.script([*reference.tables(), reference.session("s"), *told(0, prompts)]))
            argv = ("import", "upstream", "--db", str(source))
            first = self.count(home, *argv)
            with sqlite3.connect(source) as db:
                db.executescript(reference.script(told(prompts, prompts + 1)))
            db.close()
            return first, self.count(home, *argv)

        few, many = costs(400), costs(2000)
        for name, one, five in zip(("the first time", "when one more has come"), few, many):
            print(f"import of a session of 400 prompts, {name}: {one:.0f} million instructions, of 2,000: {five:.0f}")
            self.assertLess(five, 5.5 * one)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
