#!/usr/bin/env python3
"""Our skill through the installer that many skills come by (`npx skills add`),
without a network.

    skill_installer_test.py SELFTUNE FOLDER

What it puts in place is what `selftune init` would: both may come first. Exit 77 as
in real_hooks_test.py.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import npm_agent  # noqa: E402
import surroundings  # noqa: E402

ROOT = HERE.parents[1]
INSTALLER = npm_agent.Agent("skills", "1.7.4", "skills", node=(22,))
AGENTS = ("claude-code", "codex")


class Installer(unittest.TestCase):
    def setUp(self):
        scratch = Path(tempfile.mkdtemp(prefix="selftune-skills-"))
        self.addCleanup(shutil.rmtree, scratch, True)
        self.home, self.work = scratch / "home", scratch / "work"
        for folder in (self.home / ".claude", self.home / ".codex", self.work):
            folder.mkdir(parents=True)
        self.places = [self.home / ".agents/skills/selftune", self.home / ".claude/skills/selftune"]

    def run_program(self, *argv):
        done = subprocess.run([str(word) for word in argv], cwd=self.work, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False, timeout=120,
                              env=surroundings.environment(self.home, CI="1", DO_NOT_TRACK="1"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def skills(self, *argv):
        return self.run_program(self.bin / "skills", *argv)

    def selftune(self, *argv):
        return json.loads(self.run_program(self.program, *argv, "--json").splitlines()[-1])["data"]

    def add(self, source):
        self.skills("add", source, "--global", "--yes", *(word for agent in AGENTS for word in ("--agent", agent)))

    @staticmethod
    def files(folder):
        return {str(path.relative_to(folder)): path.read_bytes()
                for path in sorted(folder.rglob("*")) if path.is_file()}

    def steps(self, reply):
        return {step["id"]: step["detail"] for step in reply["steps"]}

    def test_it_finds_one_skill_in_the_repository_and_in_its_folder(self):
        for source in (ROOT, ROOT / "skill"):
            self.assertIn("selftune", self.skills("add", source, "--list"))
            self.add(source)
            for place in self.places:
                self.assertIn("name: selftune", (place / "SKILL.md").read_text())
            self.skills("remove", "selftune", "--global", "--yes")
            self.assertEqual([place for place in self.places if place.exists()], [])

    def test_init_finds_its_skill_there_and_leaves_the_files_alone(self):
        self.add(ROOT / "skill")
        before = [self.files(place) for place in self.places]
        said = self.steps(self.selftune("init", "--autonomy", "off", "--no-hooks"))["skill"]
        self.assertEqual([self.files(place) for place in self.places], before)
        for place in {place.resolve() for place in self.places}:  # it links one to the other
            self.assertRegex(said, rf"{place}: 0 files installed, \d+ were there")
        (check,) = self.selftune("doctor", "--only", "skill.selftune")["checks"]
        self.assertEqual(check["status"], "pass", check)
        # What it did not install stays when it goes.
        self.selftune("uninstall", "--yes")
        self.assertEqual([self.files(place) for place in self.places], before)

    def test_it_brings_every_file_that_init_brings(self):
        self.selftune("init", "--autonomy", "off", "--no-hooks")
        ours = self.files(self.home / ".claude/skills/selftune")
        self.selftune("uninstall", "--yes")
        self.add(ROOT / "skill")
        theirs = self.files(self.home / ".claude/skills/selftune")
        self.assertTrue(ours)
        self.assertEqual({name: theirs.get(name) for name in ours}, ours)


def main():
    if sys.argv[1] == "--inside":
        Installer.program, Installer.bin = Path(sys.argv[2]), Path(sys.argv[3])
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Installer)
        return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1
    return INSTALLER.run_inside(__file__, Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())


if __name__ == "__main__":
    sys.exit(main())
