#!/usr/bin/env python3
"""`selftune hooks`: settings that others own come out of it as they went in.

    hooks_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import place  # noqa: E402
from place import FILE_HOSTS, HOOK, PLAIN, Place, SETTINGS_HOSTS, ours, random_settings, rng  # noqa: E402


class Settings(Place):
    def test_any_settings_come_back_byte_for_byte(self):
        for seed in range(25):
            with self.subTest(seed=seed):
                text = random_settings(rng(seed)).encode()
                path = self.write(text, mode=0o644 if seed % 2 else 0o600)
                mode = path.stat().st_mode
                self.assertTrue(self.good("hooks", "install", "claude")["changed"])
                self.assertGreater(len(ours(path.read_text("utf-8-sig"))), 3)
                self.assertTrue(self.good("hooks", "uninstall", "claude")["changed"])
                self.assertEqual(path.read_bytes(), text)
                self.assertEqual(path.stat().st_mode, mode)

    def test_on_every_host_a_machine_is_as_before(self):
        for host in SETTINGS_HOSTS:
            self.write(PLAIN, host)
        for host in FILE_HOSTS:
            (self.home.path / {"copilot": ".copilot", "opencode": ".config/opencode",
                               "cline": ".cline", "pi": ".pi/agent"}[host]).mkdir(parents=True)
        before = self.tree()
        reply = self.good("hooks", "install")
        self.assertEqual(sorted(p["id"] for p in reply["data"]["platforms"]),
                         sorted(SETTINGS_HOSTS + FILE_HOSTS))
        self.assertTrue(all(p["action"] == "installed" for p in reply["data"]["platforms"]), reply)
        installed = self.tree()
        self.assertNotEqual(installed, before)
        again = self.good("hooks", "install")
        self.assertFalse(again["changed"])
        self.assertIsNone(again["data"]["receipt"])
        self.assertEqual(self.tree(), installed)
        items = self.good("hooks", "list")["data"]["items"]
        self.assertEqual({i["drift"] for i in items}, {"none"})
        self.assertEqual(len(items), 13)  # Cline has six
        self.assertEqual(reply["data"]["receipt"]["undo"]["argv"][:3], ["selftune", "hooks", "uninstall"])
        self.good(*reply["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.good("hooks", "list")["data"]["items"], [])
        self.assertFalse(self.good("hooks", "uninstall")["changed"])

    def test_files_and_folders_that_were_made_go_again(self):
        before = self.tree()
        for host in SETTINGS_HOSTS + FILE_HOSTS:
            self.good("hooks", "install", host)
            self.assertTrue(self.settings(host).exists())
        self.good("hooks", "uninstall")
        self.assertEqual(self.tree(), before)

    def test_a_dry_run_writes_nothing_and_shows_the_lines(self):
        self.write(PLAIN)
        reply = self.good("hooks", "install", "claude", "--dry-run")
        self.assertFalse(reply["changed"])
        file = reply["data"]["platforms"][0]["files"][0]
        self.assertIn('+  "hooks": {', file["diff"])
        self.assertEqual(self.settings().read_text(), PLAIN)
        self.assertFalse(self.home.state.exists())
        self.good("hooks", "install", "claude")
        text = self.settings().read_bytes()
        self.assertFalse(self.good("hooks", "uninstall", "--dry-run")["changed"])
        self.assertEqual(self.settings().read_bytes(), text)

    def test_comments_stay_where_the_host_reads_them(self):
        text = '{\n  // mine\n  "a": 1 /* one */ // last\n}\n'
        path = self.write(text, "gemini")
        self.good("hooks", "install", "gemini")
        for comment in ("// mine", "/* one */", "// last"):
            self.assertIn(comment, path.read_text())
        self.good("hooks", "uninstall", "gemini")
        self.assertEqual(path.read_text(), text)

    def test_what_a_person_changed_since_stays(self):
        path = self.write(PLAIN)
        self.good("hooks", "install", "claude")
        document = json.loads(path.read_text())
        document["model"] = "haiku"
        document["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "say done"}]})
        path.write_text(json.dumps(document, indent=2))
        self.assertFalse(self.good("hooks", "install", "claude")["changed"])
        self.good("hooks", "uninstall", "claude")
        left = json.loads(path.read_text())
        self.assertEqual(left, {"model": "haiku", "permissions": {"allow": ["Bash(git *)"]},
                                "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}})

    def test_a_link_stays_a_link(self):
        real = self.home.path / "dotfiles" / "claude.json"
        real.parent.mkdir(parents=True)
        real.write_text(PLAIN)
        self.settings().parent.mkdir(parents=True)
        self.settings().symlink_to(real)
        before = self.tree()
        self.good("hooks", "install", "claude")
        self.assertTrue(self.settings().is_symlink())
        self.assertGreater(len(ours(real.read_text())), 3)
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(self.tree(), before)
        # One that we made and a person moved: its link still leads somewhere.
        self.settings().unlink()
        self.good("hooks", "install", "claude")
        real.unlink()
        os.replace(self.settings(), real)
        self.settings().symlink_to(real)
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(json.loads(self.settings().read_text()), {})
        real.unlink()
        self.bad("FILE_UNREADABLE", "hooks", "install", "claude")

    def test_the_references_hooks_are_replaced_and_do_not_come_back(self):
        handler = {"type": "command", "command": "node /x/bin/run-hook.cjs /x/cli/selftune/hooks/prompt-log.ts"}
        mine = {"type": "command", "command": "echo mine"}
        path = self.write(json.dumps({"hooks": {
            "UserPromptSubmit": [{"hooks": [handler, mine]}],
            "Notification": [{"matcher": "Write|Edit", "hooks": [handler]}]}}))
        self.good("hooks", "install", "claude")
        self.assertNotIn("run-hook", path.read_text())
        self.assertNotIn("Notification", path.read_text())
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(json.loads(path.read_text()), {"hooks": {"UserPromptSubmit": [{"hooks": [mine]}]}})

    def test_a_moved_program_is_updated_in_its_place(self):
        path = self.write('{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}}', "codex")
        self.good("hooks", "install", "codex")
        other = self.root / "other" / "selftune-hook"
        other.parent.mkdir()
        shutil.copy(HOOK, other)
        self.assertEqual(self.good("hooks", "status", "codex")["data"]["platforms"][0]["state"], "unapproved")
        self.assertTrue(self.good("hooks", "install", "codex", "--hook-program", str(other))["changed"])
        commands = {h["command"] for _, _, h in ours(path.read_text())}
        self.assertEqual(commands, {f"'{other}' codex"})
        self.good("hooks", "uninstall", "codex")
        self.assertEqual(json.loads(path.read_text()),
                         {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}})

    def test_a_folder_that_is_not_followed_is_named(self):
        self.write(PLAIN)
        done = subprocess.run([place.CLI, "hooks", "install", "claude", "--json"], capture_output=True, text=True,
                              env=self.env(CLAUDE_CONFIG_DIR=str(self.root)), check=False)
        self.assertIn("HOST_FOLDER_IGNORED", done.stdout)

    def test_the_program_of_hooks_is_known_by_its_name(self):
        self.write(PLAIN)
        other = self.root / "my-hook"
        shutil.copy(HOOK, other)
        self.bad("INVALID_REQUEST", "hooks", "install", "claude", "--hook-program", str(other))
        self.bad("FILE_NOT_FOUND", "hooks", "install", "claude", "--hook-program", str(self.root))
        self.assertEqual(self.settings().read_text(), PLAIN)

    def test_a_host_without_hooks_and_no_host_at_all(self):
        self.bad("UNSUPPORTED_TYPE", "hooks", "install", "openclaw")
        self.bad("NOT_FOUND", "hooks", "install")
        self.agent("codex")
        self.assertEqual([p["id"] for p in self.good("hooks", "install")["data"]["platforms"]], ["codex"])


class Codex(Place):
    def state(self):
        return self.good("hooks", "status", "codex")["data"]["platforms"][0]["state"]

    def test_installed_is_not_approved(self):
        config = self.write('model = "x"\n', "codex").with_name("config.toml")
        self.settings("codex").rename(config)
        self.assertEqual(self.state(), "absent")
        reply = self.good("hooks", "install", "codex")
        self.assertIn("approve", reply["data"]["platforms"][0]["needs"][0])
        self.assertEqual(self.state(), "unapproved")
        self.approve_in_codex()
        self.assertEqual(self.state(), "installed")
        self.assertEqual(self.good("hooks", "install", "codex")["data"]["platforms"][0]["needs"], [])
        self.good("hooks", "uninstall", "codex")
        self.assertEqual(config.read_text(), 'model = "x"\n')
        self.assertFalse(self.settings("codex").exists())

    def test_the_place_of_a_foreign_hook_is_kept(self):
        theirs = {"hooks": [{"type": "command", "command": "theirs"}]}
        path = self.write(json.dumps({"hooks": {"Stop": [theirs]}}), "codex")
        self.good("hooks", "install", "codex")
        groups = json.loads(path.read_text())["hooks"]["Stop"]
        self.assertEqual(groups[0], theirs)
        late = {"hooks": [{"type": "command", "command": "late"}]}
        document = json.loads(path.read_text())
        document["hooks"]["Stop"].append(late)
        path.write_text(json.dumps(document))
        self.good("hooks", "uninstall", "codex")
        self.assertEqual(json.loads(path.read_text())["hooks"]["Stop"], [theirs, {"hooks": []}, late])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
