#!/usr/bin/env python3
"""A person's file that ours replaced: it comes back, or it is said where it is.

    replaced_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import shutil
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import Place  # noqa: E402

SKILL = ".claude/skills/selftune"
MAIN = SKILL + "/SKILL.md"
THEIRS = b"MY OWN WORDS\r\n"


class Replaced(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        (self.home.path / ".claude").mkdir(parents=True)
        self.main = self.home.path / MAIN

    def replace(self):
        """A person's own skill of our name, for which ours was put; the tree as it was."""
        self.main.parent.mkdir(parents=True)
        self.main.write_bytes(THEIRS)
        self.main.chmod(0o640)
        before = self.tree()
        self.good("skill", "install", "--replace")
        self.assertNotEqual(self.main.read_bytes(), THEIRS)
        return before

    def copies(self):
        """Where the person's words are."""
        return [p for p in self.home.path.rglob("*") if p.is_file() and p.read_bytes() == THEIRS]

    def told(self, data):
        """The only copy, which a sentence about our edited file names."""
        sentence, = [s for s in data if str(self.main) in s]
        copy, = self.copies()
        self.assertIn(str(copy), sentence)
        return copy


class Edited(Replaced):
    """Ours was edited: it stays, and so does what it replaced."""

    def edit(self):
        with self.main.open("a") as file:
            file.write("x\n")
        return self.main.read_bytes()

    def test_a_purge_leaves_the_only_copy_and_names_it(self):
        self.replace()
        edited = self.edit()
        planned = self.good("uninstall", "--purge-evidence", "--dry-run")["data"]
        copy = self.told(planned["manual"])
        self.assertNotIn(str(copy), next(s["detail"] for s in planned["steps"] if s["id"] == "evidence"))
        data = self.good("uninstall", "--yes", "--purge-evidence")["data"]
        self.assertEqual(self.told(data["manual"]), copy)
        self.assertEqual(self.main.read_bytes(), edited)
        self.assertEqual([p for p in self.home.state.rglob("*") if p.is_file() and "/spool/" not in str(p)], [copy])
        # Nor does one of a later installation, which knows nothing of it.
        self.good("init", "--no-sync")
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual(self.copies(), [copy])

    def test_so_it_is_with_the_skill_of_the_reference(self):
        reference = self.skill_of_the_reference().read_bytes()
        self.good("init", "--no-sync")
        self.edit()
        manual = self.good("uninstall", "--yes", "--purge-evidence")["data"]["manual"]
        copy, = [p for p in self.home.state.rglob("*") if p.is_file() and p.read_bytes() == reference]
        self.assertIn(str(copy), json.dumps(manual))

    def test_whoever_takes_ours_out_is_told_where_theirs_is(self):
        self.replace()
        self.edit()
        for argv, key in ((["skill", "uninstall"], "needs"), (["uninstall", "--yes"], "manual")):
            with self.subTest(argv):
                self.told(self.good(*argv)["data"][key])

    def test_what_is_in_the_place_of_ours_changes_nothing(self):
        self.replace()
        for name, make in (("a folder", lambda p: p.mkdir()), ("a link", lambda p: p.symlink_to("/etc/hostname")),
                           ("a link to nowhere", lambda p: p.symlink_to("/nowhere"))):
            with self.subTest(name):
                self.main.rmdir() if self.main.is_dir() else self.main.unlink()
                make(self.main)
                self.told(self.good("uninstall", "--dry-run", "--purge-evidence")["data"]["manual"])

    def test_what_was_put_back_leaves_no_copy_in_our_folder(self):
        before = self.replace()
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.copies(), [self.main])
        self.assertFalse((self.home.state / "backups").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
