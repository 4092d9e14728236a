#!/usr/bin/env python3
"""`selftune uninstall --restore-skills`: a person's skills as they were before selftune.

    restore_test.py SELFTUNE SELFTUNE_HOOK DEPLOY_CHILD
"""

import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import Place  # noqa: E402

CHILD = str(Path(sys.argv[3]).resolve())
OLD = b"---\nname: pdf\ndescription: Old words.\n---\n\n# PDF\n"
NEW = b"---\nname: pdf\ndescription: New words about forms.\n---\n\n# PDF\n"


class Restore(Place):
    def setUp(self):
        super().setUp()
        self.skill = self.home.path / ".claude/skills/pdf/SKILL.md"
        self.skill.parent.mkdir(parents=True)
        self.skill.write_bytes(OLD)
        (self.root / "new").write_bytes(NEW)
        (self.root / "plan").write_text(f"{self.skill}\t{self.root / 'new'}\n")
        self.home.state.mkdir(mode=0o700)
        subprocess.run([CHILD, str(self.home.state), str(self.root / "plan"), "prepare", "deploy"], check=True,
                       capture_output=True, env=self.env())
        self.assertEqual(self.skill.read_bytes(), NEW)

    def steps(self, reply):
        return {s["id"]: s["status"] for s in reply["data"]["steps"]}

    def test_what_was_deployed_is_taken_back_when_asked(self):
        self.good("init", "--no-sync")
        self.assertEqual(self.steps(self.good("uninstall", "--restore-skills", "--dry-run"))["restore.pdf"], "done")
        self.assertEqual(self.skill.read_bytes(), NEW)
        reply = self.good("uninstall", "--restore-skills", "--yes")
        self.assertEqual(self.steps(reply)["restore.pdf"], "done")
        self.assertEqual(self.skill.read_bytes(), OLD)
        self.assertEqual(self.home.sql("SELECT kind, state FROM deploy ORDER BY started_ms, kind"),
                         [("deploy", "rolled_back"), ("rollback", "deployed")])
        again = self.good("uninstall", "--restore-skills", "--yes")
        self.assertEqual(self.steps(again)["restore"], "skipped")

    def test_without_the_word_it_stays(self):
        self.good("uninstall", "--yes")
        self.assertEqual(self.skill.read_bytes(), NEW)

    def test_what_a_person_wrote_below_since_stays(self):
        self.skill.write_bytes(NEW + b"\nmine\n")
        self.good("uninstall", "--restore-skills", "--yes")
        self.assertEqual(self.skill.read_bytes(), OLD + b"\nmine\n")

    def test_who_edited_the_description_since_keeps_it_and_is_told(self):
        edited = NEW.replace(b"New words", b"My own words")
        self.skill.write_bytes(edited)
        reply, status = self.bad("CONFLICTED", "uninstall", "--restore-skills", "--yes", "--purge-evidence")
        self.assertEqual(status, 2)
        self.assertEqual(self.steps(reply)["restore.pdf"], "failed")
        self.assertEqual(self.skill.read_bytes(), edited)
        # What can still be taken back is not purged.
        self.assertEqual(self.home.sql("SELECT count(*) FROM deploy WHERE state='deployed'"), [(1,)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
