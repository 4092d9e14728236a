#!/usr/bin/env python3
"""`selftune skill` where folders are links, or no folders.

    skill_links_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from own_skill_case import MAIN, SKILL, OwnSkill  # noqa: E402


class Links(OwnSkill):
    def test_a_folder_that_two_agents_share_by_a_link_is_one_place(self):
        shared = self.path(".agents/skills")
        shared.mkdir(parents=True)
        self.agent("codex")
        self.path(".codex").mkdir()
        self.path(".claude/skills").symlink_to(shared)
        before = self.tree()
        for _ in range(2):  # also once it is there
            places = [(p["kind"], p["platforms"]) for p in self.data("install")["places"]]
            self.assertEqual(places, [("skill", ["claude_code", "codex"]), ("agent", ["claude_code"])])
        self.assertEqual(len({row[0] for row in self.rows() if row[0].endswith("SKILL.md")}), 1)
        self.assertEqual(set(self.states().values()), {"current"})
        reply = self.good("uninstall", "--yes")
        self.assertNotIn("was kept", json.dumps(reply))
        self.assertEqual(self.tree(), before)

    def test_one_folder_has_the_name_it_was_installed_by(self):
        """A link that comes later is another name of it, and nothing is installed twice."""
        before = self.tree()
        self.agent("codex")
        self.data("install", "--agent", "codex")
        self.path(".claude/skills").symlink_to("../.agents/skills")
        folder = str(self.path(".agents/skills/selftune"))
        rows = self.rows()
        known = [(p["path"], p["scope"]) for p in self.data("status")["installed"] if p["kind"] == "skill"]
        self.assertEqual(known, [(folder, "user")])
        self.data("install", "--agent", "claude")
        self.assertEqual([row for row in self.rows() if "/.claude/agents/" not in row[0]], rows)
        self.path(MAIN).unlink()
        self.assertEqual(self.data("status")["drift"][0]["command"].split()[:3], ["selftune", "skill", "install"])
        self.good("init", "--no-hooks", "--no-sync")
        self.assertEqual(self.good("skill", "uninstall", "--scope", "user")["changed"], True)
        self.assertFalse(self.path(MAIN).exists())
        self.assertEqual([row for row in self.rows() if row[1] in ("skill", "agent")], [])
        self.path(".claude/skills").unlink()
        self.good("uninstall", "--yes")
        self.assertEqual(self.tree(), before)

    def test_what_is_no_folder_in_its_place_is_kept_and_told(self):
        aside = ".claude/selftune-skill.kept"  # not where agents look for skills
        self.path(aside).write_text("taken")
        ways = {"a link to nowhere": (SKILL, aside + ".2", lambda p: p.symlink_to(self.root / "nowhere")),
                "a file": (SKILL, SKILL + ".kept", lambda p: p.write_text("mine")),
                "a link to nowhere above it": (".claude/skills", ".claude/skills.kept", lambda p: p.symlink_to(self.root / "nowhere"))}
        for what, (name, kept, make) in ways.items():
            with self.subTest(what):
                path = self.path(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                make(path)
                reply = self.good("init", "--no-hooks", "--no-sync")
                told, = (w for w in reply["warnings"] if w["code"] == "SKILL_KEPT")
                self.assertIn(f"{path} is not as selftune has it", told["message"])
                self.assertEqual(told["next"]["argv"], ["mv", "-n", str(path), str(self.path(kept))])
                subprocess.run(told["next"]["argv"], check=True)
                self.good("skill", "install")
                self.assertTrue(self.path(MAIN).is_file())
                self.good("uninstall", "--yes")
                self.path(kept).unlink()
                shutil.rmtree(self.path(".claude/skills"), ignore_errors=True)

    def test_a_link_to_a_checkout_of_the_reference_is_left_alone(self):
        checkout = self.root / "src/selftune/skill"
        self.skill_of_the_reference(checkout)
        self.path(".claude/skills").mkdir()
        self.path(SKILL).symlink_to(checkout)
        before = sorted((p.name, p.read_bytes()) for p in checkout.rglob("*") if p.is_file())
        reply = self.good("init", "--no-hooks", "--no-sync")
        told, = (w for w in reply["warnings"] if w["code"] == "SKILL_KEPT")
        self.assertEqual(sorted((p.name, p.read_bytes()) for p in checkout.rglob("*") if p.is_file()), before)
        self.assertEqual(told["next"]["argv"], ["mv", "-n", str(self.path(SKILL)), str(self.path(".claude/selftune-skill.kept"))])
        subprocess.run(told["next"]["argv"], check=True)
        self.good("skill", "install")
        self.assertFalse(self.path(SKILL).is_symlink())

    def test_a_linked_folder_is_followed(self):
        dotfiles = self.root / "dotfiles"
        dotfiles.mkdir()
        self.path(".claude/skills").symlink_to(dotfiles)
        self.good("skill", "install")
        self.assertTrue((dotfiles / "selftune/SKILL.md").exists())
        self.good("skill", "uninstall")
        self.assertEqual((list(dotfiles.iterdir()), self.path(".claude/skills").is_symlink()), ([], True))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
