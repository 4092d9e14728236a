#!/usr/bin/env python3
"""The files of our skill that `selftune init` installs: renewed, kept, taken out.

    skill_files_test.py SELFTUNE SELFTUNE_HOOK
"""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import CLI, Place  # noqa: E402


class SkillFiles(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        self.write('{\n  "model": "opus"\n}\n')

    def test_a_skill_of_that_name_is_not_replaced(self):
        path = self.home.path / ".claude/skills/selftune/SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text("mine")
        reply = self.good("init")
        self.assertEqual(path.read_text(), "mine")
        self.assertEqual(list(path.parent.iterdir()), [path])
        self.assertIn("yours", next(s for s in reply["data"]["steps"] if s["id"] == "skill")["detail"])
        self.good("uninstall", "--yes")
        self.assertEqual(path.read_text(), "mine")

    def own_skill(self):
        return self.good("doctor", "--only", "skill.selftune", "--exit-zero")["data"]["checks"][0]

    def test_files_of_an_older_version_are_renewed_or_taken_out_and_edited_ones_kept(self):
        self.good("init", "--no-sync")
        skill = self.home.path / ".claude/skills/selftune"
        dropped, mine = skill / "workflows/dropped.md", skill / "workflows/dropped-too.md"
        agent = self.home.path / ".claude/agents/selftune-former.md"
        with sqlite3.connect(self.home.database) as db:
            for path, kind in ((dropped, "skill"), (mine, "skill"), (agent, "agent")):
                path.write_text("of an older version")
                db.execute("INSERT INTO install(path,kind,platform,sha256,created_file,version,installed_ms) "
                           "SELECT ?,?,platform,?,1,version,installed_ms FROM install WHERE kind='skill' LIMIT 1",
                           (str(path), kind, hashlib.sha256(path.read_bytes()).digest()))
            db.execute("UPDATE install SET version='0.0.1'")
        db.close()
        mine.write_text("edited")
        theirs = self.home.path / ".claude/agents/theirs.md"
        theirs.write_text("theirs")
        self.assertEqual(self.own_skill()["status"], "warn")
        plan = self.good("init", "--no-sync", "--dry-run")
        self.assertTrue(dropped.exists())
        self.assertIn("taken out", next(s for s in plan["data"]["steps"] if s["id"] == "skill")["detail"])
        reply = self.good("init", "--no-sync")
        self.assertEqual((dropped.exists(), agent.exists()), (False, False))
        self.assertEqual((mine.read_text(), theirs.read_text()), ("edited", "theirs"))
        self.assertIn("dropped-too.md was edited", str(reply["data"]["steps"]))
        check = self.own_skill()
        self.assertEqual(check["status"], "info", check)
        mine.unlink()
        self.assertEqual(self.own_skill()["status"], "warn")
        self.good("init", "--no-sync")
        self.assertEqual(self.own_skill()["status"], "pass")
        self.assertFalse(self.good("init", "--no-sync")["changed"])

    def older(self, *names):
        """Files that a former version of selftune installed, as it left them."""
        with sqlite3.connect(self.home.database) as db:
            for name in names:
                path = self.home.path / name
                path.write_text("of an older version")
                db.execute("UPDATE install SET version='0.0.1', sha256=? WHERE path=?",
                           (hashlib.sha256(path.read_bytes()).digest(), str(path)))
        db.close()

    def skill_step(self, *argv):
        steps = self.good("init", "--no-sync", *argv)["data"]["steps"]
        return next(step for step in steps if step["id"] == "skill")

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_a_renewal_that_was_killed_is_gone_on_with(self):
        name = ".claude/skills/selftune/SKILL.md"
        self.good("init", "--no-sync")
        fresh = (self.home.path / name).read_bytes()
        for verb in ("init", "uninstall"):
            self.older(name)
            # Between the row that says what will be there and the file.
            log = self.root / "trace"
            subprocess.run(["strace", "-f", "-qq", "-o", str(log),
                            "-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=1",
                            str(CLI), "init", "--no-sync", "--no-hooks", "--json"],
                           env=self.env(ASAN_OPTIONS="detect_leaks=0"), stdout=subprocess.DEVNULL, check=False, timeout=120)
            self.assertIn("killed by SIGKILL", log.read_text())
            self.assertEqual((self.home.path / name).read_text(), "of an older version")
            self.assertIn("another version", self.own_skill()["message"])
            if verb == "init":
                self.assertNotIn("yours", self.skill_step()["detail"])
                self.assertEqual((self.home.path / name).read_bytes(), fresh)
                self.assertEqual(self.own_skill()["status"], "pass")
            else:
                self.good("uninstall", "--yes")
                self.assertFalse((self.home.path / name).exists())

    def test_one_folder_under_two_names_is_renewed_and_taken_out(self):
        shared = self.home.path / ".agents/skills"
        shared.mkdir(parents=True)
        (self.home.path / ".claude").mkdir(exist_ok=True)
        (self.home.path / ".claude/skills").symlink_to(shared)
        (self.home.path / ".gemini").mkdir()
        self.good("init", "--no-sync")
        self.older(".claude/skills/selftune/SKILL.md", ".agents/skills/selftune/SKILL.md")
        self.good("init", "--no-sync")
        self.assertEqual(self.own_skill()["status"], "pass", self.own_skill())
        drift = {item["drift"] for item in self.good("hooks", "list")["data"]["items"]}
        self.assertEqual(drift, {"none"})

    def test_where_an_agent_is_gone_its_skill_is_renewed_while_it_is_there(self):
        (self.home.path / ".gemini").mkdir()
        self.good("init", "--no-sync")
        shutil.rmtree(self.home.path / ".gemini")
        self.older(".agents/skills/selftune/SKILL.md", ".claude/agents/selftune-pattern-analyst.md")
        self.assertEqual(self.own_skill()["status"], "warn")
        self.good("init", "--no-sync", "--agent", "claude")
        self.assertEqual(self.own_skill()["status"], "pass", self.own_skill())
        self.assertFalse(self.good("init", "--no-sync")["changed"])
        # Nobody wants it back in a folder that a person removed with its agent.
        shutil.rmtree(self.home.path / ".agents")
        self.good("init", "--no-sync")
        self.assertFalse((self.home.path / ".agents").exists())
        self.assertEqual(self.own_skill()["status"], "pass", self.own_skill())

    def test_what_a_link_leads_to_is_not_taken_out(self):
        """Some keep such files elsewhere, and put links in their places."""
        self.good("init", "--no-sync")
        path, moved = self.home.path / ".claude/skills/selftune/SKILL.md", self.root / "dotfiles.md"
        text = path.read_bytes()
        path.rename(moved)
        path.symlink_to(moved)
        needs = str(self.good("uninstall", "--yes")["data"])
        self.assertEqual((moved.read_bytes(), path.readlink()), (text, moved))
        self.assertIn(f"{path} is a link to {moved}", needs)

    def test_what_took_the_place_of_a_file_no_longer_needed_is_kept(self):
        self.good("init", "--no-sync")
        dropped = self.home.path / ".claude/skills/selftune/workflows/dropped.md"
        with sqlite3.connect(self.home.database) as db:
            db.execute("INSERT INTO install(path,kind,sha256,created_file,version,installed_ms) "
                       "SELECT ?,kind,sha256,1,version,installed_ms FROM install WHERE kind='skill' LIMIT 1", (str(dropped),))
        db.close()
        for put in (dropped.mkdir, lambda: os.mkfifo(dropped), lambda: dropped.symlink_to("nowhere")):
            put()
            self.assertIn("dropped.md", self.skill_step()["detail"])
            self.assertIn("cannot be read", self.own_skill()["message"])
            self.assertTrue(os.path.lexists(dropped))
            dropped.rmdir() if dropped.is_dir() else dropped.unlink()
        os.mkfifo(dropped)
        self.good("uninstall", "--yes")
        self.assertTrue(os.path.lexists(dropped))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
