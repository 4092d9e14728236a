#!/usr/bin/env python3
"""What config.json says of the agents: who has hooks and who is the primary one, whatever changes it.

    agents_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import Place  # noqa: E402


class Agents(Place):
    def setUp(self):
        super().setUp()
        for name in ("claude", "codex"):
            self.agent(name)
        self.path = self.home.state / "config.json"

    def config(self):
        return json.loads(self.path.read_text())

    def hooks(self):
        config = self.config()
        return config["hooks_installed"], {a["type"]: a["hooks"] for a in config["agents"]}

    def primary(self):
        return [a["type"] for a in self.config()["agents"] if a["primary"]]

    def test_hooks_that_come_and_go_are_followed(self):
        self.good("init", "--no-sync")
        for argv, claude, codex in ((("uninstall", "claude"), False, True), (("uninstall", "codex", "--dry-run"), False, True),
                                    (("uninstall",), False, False), (("install", "claude"), True, False),
                                    (("install",), True, True)):
            self.good("hooks", *argv)
            self.assertEqual(self.hooks(), (claude or codex, {"claude_code": claude, "codex": codex}), argv)
        self.good("uninstall", "--yes", "--keep-config")
        self.assertEqual(self.hooks(), (False, {"claude_code": False, "codex": False}))

    def test_settings_from_before_init_come_back_all_the_same(self):
        self.home.state.mkdir(mode=0o700)
        text = '{"guards":   "block"}'
        self.path.write_text(text)
        self.good("init", "--no-sync")
        self.good("hooks", "uninstall")
        self.good("uninstall", "--yes")
        self.assertEqual(self.path.read_text(), text)

    def test_a_config_that_is_not_ours_or_broken_is_not_written(self):
        self.good("hooks", "install")
        for text in ('{"hooks_installed": true, "agent_type": "claude_code"}', "{"):
            self.path.write_text(text)
            self.good("hooks", "uninstall")
            self.assertEqual(self.path.read_text(), text)

    def test_an_init_for_one_agent_keeps_what_is_known_of_the_others(self):
        self.good("init", "--no-sync", "--agent", "claude")
        self.good("init", "--no-sync", "--agent", "codex")
        self.assertEqual(self.hooks(), (True, {"codex": True, "claude_code": True}))
        self.assertEqual(self.primary(), ["claude_code"])
        self.good("hooks", "uninstall", "claude")
        (self.bin / "claude").unlink()
        for path in sorted((self.home.path / ".claude").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (self.home.path / ".claude").rmdir()
        self.good("init", "--no-sync")  # it is gone, and nothing of ours is in it
        self.assertEqual(self.hooks(), (True, {"codex": True}))

    def test_the_first_agent_that_is_found_is_the_primary_one(self):
        for name in ("claude", "codex"):
            (self.bin / name).unlink()
        self.good("init", "--no-sync")
        self.assertEqual((self.config()["agent_type"], self.primary()), ("unknown", []))
        self.agent("codex")
        self.good("init", "--no-sync")
        self.assertEqual((self.config()["agent_type"], self.primary()), ("codex", ["codex"]))

    def test_a_person_chooses_the_primary_one_and_goes_back(self):
        self.good("init", "--no-sync")
        for word, primary in (("codex", "codex"), ("claude", "claude_code"), ("claude-code", "claude_code")):
            reply = self.good("config", "set", "agent_type", word)
            self.assertEqual((reply["data"]["after"], self.primary()), (primary, [primary]))
            if reply["changed"]:
                back = reply["data"]["receipt"]["undo"]["argv"]
                before = self.config()
                self.good(*back[1:])
                self.assertNotEqual(self.primary(), [primary])
                self.good("config", "set", "agent_type", word)
                self.assertEqual(self.config(), before)
        self.bad("INVALID_REQUEST", "config", "set", "agent_type", "nobody")
        self.path.write_text(json.dumps({**self.config(), "agent_type": "nobody"}))
        reply, _ = self.bad("CHECK_FAILED", "config", "validate")
        self.assertEqual([p["key"] for p in reply["data"]["problems"]], ["agent_type"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
