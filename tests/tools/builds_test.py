#!/usr/bin/env python3
"""./dev install puts everything below the prefix that was asked for; suites have
the names that contributors are told."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "dev"))

import builds  # noqa: E402
import lint  # noqa: E402
import main  # noqa: E402
import suites  # noqa: E402

PROJECT = """project('small', 'c', version: '1')
library = library('small', 'small.c', install: true)
import('pkgconfig').generate(library, name: 'small', description: 'small')
"""


class Install(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="selftune-builds-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        (self.root / "meson.build").write_text(PROJECT, encoding="utf-8")
        (self.root / "small.c").write_text("int small(void) { return 1; }\n", encoding="utf-8")
        self.build = self.root / "build"
        subprocess.run(["meson", "setup", self.build, self.root], check=True, capture_output=True)

    def test_every_prefix_gets_its_own_files(self):
        for name in ("first", "second"):
            prefix = self.root / name
            builds.install(self.build, prefix, dict(os.environ))
            files = [p for p in prefix.rglob("*") if p.is_file()]
            self.assertEqual(sorted(p.name for p in files), ["libsmall.so", "small.pc"])
            description = next(p for p in files if p.name == "small.pc").read_text(encoding="utf-8")
            self.assertIn(f"prefix={prefix}\n", description)


class Stages(unittest.TestCase):
    """What CI builds is gone when nothing needs it: a disk that held one build was full in the second."""

    def run_stages(self, first):
        with tempfile.TemporaryDirectory(prefix="selftune-stages-") as folder:
            root = Path(folder)

            def built(name, count):
                (root / name / "tests").mkdir(parents=True)
                return count

            with contextlib.redirect_stdout(io.StringIO()) as printed:
                total = main.run_stages([("one", lambda: built("build-one", first), ()),
                                         ("two", lambda: built("build-two", suites.Count(passed=1)),
                                          ("build-one", "build-two"))], root)
            return total, sorted(p.name for p in root.iterdir()), printed.getvalue()

    def test_a_build_goes_when_all_that_need_it_passed(self):
        total, left, printed = self.run_stages(suites.Count(passed=2))
        self.assertEqual((str(total), left), ("3 passed, 0 failed", []))
        self.assertRegex(printed, r"== two: ok, 0 s, \d+\.\d GB of the disk are free")

    def test_after_a_failure_all_stay_to_be_looked_at(self):
        total, left, _ = self.run_stages(suites.Count(passed=1, failed=1))
        self.assertEqual((str(total), left), ("2 passed, 1 failed", ["build-one", "build-two"]))


class Suites(unittest.TestCase):
    def test_contributors_are_told_the_suites_there_are(self):
        there = {word for build in sorted((lint.ROOT / "tests").rglob("meson.build"))
                 for words in re.findall(r"suite: (?:\w.* \? )?(\[[^\]]*\]|'\w+')", build.read_text(encoding="utf-8"))
                 for word in re.findall(r"'(\w+)'", words)}
        told = re.search(r"the suites named: `([^`]*)`", (lint.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
        self.assertEqual(set(told.group(1).split()), there - {"golden", "threads"})  # marks

    def test_whatever_has_threads_is_for_tsan(self):
        units = lint.ROOT / "tests" / "unit"
        table = re.search(r"^threads_meet_in = \{(.*?)^\}", (units / "meson.build").read_text(encoding="utf-8"),
                          re.M | re.S).group(1)
        marked = {module: re.findall(r"'([\w*]+)'", files)
                  for module, files in re.findall(r"'(\w+)': \[([^\]]*)\]", table)}
        threads = re.compile(r"std::j?thread\b|std::async|absl::Mutex\b|pthread_create")

        def with_threads(folder):
            return {path.relative_to(folder) for path in folder.rglob("*.*")
                    if path.suffix in (".cc", ".h") and threads.search(path.read_text(encoding="utf-8"))}

        sources = {path.parts[0] for path in with_threads(lint.ROOT / "libselftune" / "src")}
        self.assertTrue({"sync", "jobs"} <= sources, sources)
        self.assertEqual(set(), {m for m in sources if (units / m).is_dir()} - set(marked))
        read = {path for module, files in marked.items() for file in files or ["*"]
                for path in (units / module).glob(f"{file}_test.cc")}
        for module, files in marked.items():
            for file in files:
                self.assertTrue(any((units / module).glob(f"{file}_test.cc")), f"{module}: {file}")
        tests = {units / path for path in with_threads(units)}
        self.assertGreater(len(tests), 5)
        self.assertEqual(set(), tests - read)


if __name__ == "__main__":
    unittest.main()
