#!/usr/bin/env python3
"""Hooks that are in their places and do not run: who keeps them from it, and what ends that.

    silent_test.py SELFTUNE SELFTUNE_HOOK

What the agents honour was tried with the real ones: tests/hosts/real_hooks_test.py.
"""

import json
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import HOOK, Place  # noqa: E402

# Agent -> file in the home that switches hooks off, what is in it, and what is in it then.
SWITCHES = (
    ("claude_code", ".claude/settings.json", '{"x": {"disableAllHooks": true},\n "disableAllHooks": true}',
     '{"x": {"disableAllHooks": true},\n "disableAllHooks": false}'),
    ("qwen", ".qwen/settings.json", '{ // mine\n  "disableAllHooks" : true\n}', '{ // mine\n  "disableAllHooks" : false\n}'),
    ("gemini", ".gemini/settings.json", '{"a": {"enabled": false}, "hooksConfig": {"enabled": false} /* mine */}',
     '{"a": {"enabled": false}, "hooksConfig": {"enabled": true} /* mine */}'),
    ("copilot", ".copilot/settings.json", '{ // mine\n  "disableAllHooks": true}', '{ // mine\n  "disableAllHooks": false}'),
)


class Silent(Place):
    def checks(self, host):
        done = self.run_cli("doctor", "--only", f"hooks.{host}*", "--exit-zero")
        return [c for c in json.loads(done.stdout)["data"]["checks"] if not c["name"].endswith(".alive")]

    def findings(self, host):
        """Name -> check of what is not as it should be."""
        return {c["name"]: c for c in self.checks(host) if c["status"] != "pass"}

    def status(self, host):
        return self.good("hooks", "status", host)["data"]["platforms"][0]

    def put(self, path, text):
        file = self.home.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


class Switched(Silent):
    def test_a_setting_that_ends_all_hooks_is_named_with_the_command_that_takes_it_back(self):
        for host, path, off, on in SWITCHES:
            with self.subTest(host):
                file = self.put(path, off)
                installed = self.good("hooks", "install", host)["data"]["platforms"][0]
                name = "hooksConfig.enabled" if host == "gemini" else "disableAllHooks"
                self.assertTrue(any(name in need for need in installed["needs"]), installed)
                self.assertEqual(self.status(host)["state"], "installed")
                self.assertIn(f"{name} out of {file}", self.status(host)["needs"])
                check = self.findings(host)[f"hooks.{host}"]
                self.assertEqual(check["status"], "warn")
                self.assertIn(f"no hook runs: {name} is ", check["message"])
                self.assertIn(str(file), check["message"])
                before = file.read_text()
                subprocess.run(shlex.split(check["guidance"]["command"]), check=True)
                self.assertEqual(file.with_name(file.name + ".bak").read_text(), before)
                self.assertEqual(self.findings(host), {})
                self.assertIsNone(self.status(host)["needs"])
                self.good("hooks", "uninstall", host)
                self.assertEqual(file.read_text(), on)

    def test_a_copy_of_before_that_a_person_has_stays(self):
        for host, path, off, on in SWITCHES:
            with self.subTest(host):
                file = self.put(path, off)
                self.put(path + ".bak", "a person's")
                self.good("hooks", "install", host)
                before = file.read_text()
                command = self.findings(host)[f"hooks.{host}"]["guidance"]["command"]
                subprocess.run(shlex.split(command), check=True)
                self.assertEqual(file.with_name(file.name + ".bak").read_text(), "a person's")
                self.assertEqual(file.with_name(file.name + ".bak.2").read_text(), before)
                self.assertEqual(self.findings(host), {})

    def test_where_no_line_can_be_told_the_file_is(self):
        for text in ('{"hooksConfig": {"enabled":\n false}}', '{"hooksConfig": {"enabled":\tfalse}}'):
            with self.subTest(text):
                self.write(text, "gemini")
                self.good("hooks", "install", "gemini")
                check = self.findings("gemini")["hooks.gemini"]
                self.assertIn(f"hooksConfig.enabled out of {self.settings('gemini')}", check["guidance"]["text"])
                self.assertEqual(check["guidance"]["command"], "selftune hooks status gemini")

    def test_the_file_behind_a_link_is_changed_not_the_link(self):
        file = self.put("dotfiles/settings.json", '{"disableAllHooks": true}')
        link = self.settings()
        link.parent.mkdir(parents=True)
        link.symlink_to(file)
        self.good("hooks", "install", "claude")
        command = self.findings("claude_code")["hooks.claude_code"]["guidance"]["command"]
        subprocess.run(shlex.split(command), check=True)
        self.assertTrue(link.is_symlink())
        self.assertFalse(json.loads(file.read_text())["disableAllHooks"])

    def in_project(self, host, project):
        """Name -> check of what is not as it should be, told in a folder of a project."""
        done = self.run_cli("doctor", "--only", f"hooks.{host}*", "--exit-zero", cwd=project)
        data = json.loads(done.stdout)["data"]  # none where no such check is made
        return {c["name"]: c for c in (data["checks"] if data else []) if c["status"] != "pass" and not c["name"].endswith(".alive")}

    def test_a_projects_settings_are_looked_at_where_it_is_asked(self):
        project = self.home.path / "work/shop"
        (project / ".git").mkdir(parents=True)
        (project / "src").mkdir()
        cases = (("claude_code", ".claude/settings.json", "project"), ("claude_code", ".claude/settings.local.json", "local"),
                 ("qwen", ".qwen/settings.json", "project"), ("gemini", ".gemini/settings.json", "project"))
        for host, path, scope in cases:
            with self.subTest(path=path):
                self.good("hooks", "install", host)
                text = '{"hooksConfig": {"enabled": false}}' if host == "gemini" else '{"disableAllHooks": true}'
                file = self.put("work/shop/" + path, text)
                self.assertEqual(self.in_project(host, self.home.path), {})
                found = self.in_project(host, project / "src")
                self.assertEqual(list(found), [f"hooks.{host}.{scope}"])
                check, = found.values()
                self.assertEqual((check["status"], check["path"]), ("warn", str(file)))
                self.assertRegex(check["message"], f"^in this project no hook runs: .* in {file}$")
                subprocess.run(shlex.split(check["guidance"]["command"]), check=True)
                self.assertEqual(self.in_project(host, project), {})
                self.good("hooks", "uninstall", host)
                # Where no hook of ours is, there is nothing to say of it.
                file.write_text(text)
                self.assertEqual({n for n in self.in_project(host, project) if n.endswith(scope)}, set())
                file.unlink()

    def test_of_a_projects_files_the_one_that_counts_is_heard(self):
        project = self.home.path / "work"
        (project / ".git").mkdir(parents=True)
        self.good("hooks", "install", "claude")
        for shared, own, found in ((True, False, []), (True, True, ["local"]), (False, True, ["local"]), (True, None, ["project"]),
                                   (True, "no", ["project"])):
            with self.subTest(shared=shared, own=own):
                self.put("work/.claude/settings.json", json.dumps({"disableAllHooks": shared}))
                self.put("work/.claude/settings.local.json", json.dumps({"disableAllHooks": own}))
                self.assertEqual(list(self.in_project("claude_code", project)), [f"hooks.claude_code.{scope}" for scope in found])
        # Of a file that the agent cannot read nothing counts.
        self.put("work/.claude/settings.local.json", '{"disableAllHooks": false,}')
        self.assertEqual(list(self.in_project("claude_code", project)), ["hooks.claude_code.project"])

    def test_a_home_that_is_a_project_has_the_persons_settings_once(self):
        (self.home.path / ".git").mkdir()
        self.put(".claude/settings.json", '{"disableAllHooks": true}')
        self.good("hooks", "install", "claude")
        self.assertEqual(list(self.in_project("claude_code", self.home.path)), ["hooks.claude_code"])

    def test_settings_of_the_machine_are_looked_at(self):
        for host, variable, text in (("gemini", "GEMINI_CLI_SYSTEM_SETTINGS_PATH", '{"hooksConfig": {"enabled": false}}'),
                                     ("qwen", "QWEN_CODE_SYSTEM_SETTINGS_PATH", '{"disableAllHooks": true}')):
            with self.subTest(host):
                self.good("hooks", "install", host)
                file = self.put("etc/settings.json", text)
                done = self.run_cli("doctor", "--only", f"hooks.{host}*", "--exit-zero", env=self.env(**{variable: str(file)}))
                found = {c["name"]: c for c in json.loads(done.stdout)["data"]["checks"] if c["status"] != "pass"}
                check = found[f"hooks.{host}.machine"]
                self.assertRegex(check["message"], f"^no hook runs: .* in {file}$")

    def test_what_only_looks_like_it_is_no_finding(self):
        for host, text in (("claude_code", '{"disableAllHooks": false}'), ("claude_code", '{"disableAllHooks": "true"}'),
                           ("claude_code", '{"x": {"disableAllHooks": true}}'),
                           ("qwen", '{"hooksConfig": {"enabled": false}}'), ("gemini", '{"disableAllHooks": true}'),
                           ("gemini", '{"hooksConfig": {"enabled": true, "disabled": ["theirs"]}}'),
                           ("gemini", '{"hooks": {"Notification": []}, "enabled": false}')):
            with self.subTest(host=host, text=text):
                self.write(text, host)
                self.good("hooks", "install", host)
                self.assertEqual(self.findings(host), {})

    def test_gemini_has_a_list_of_hooks_that_do_not_run(self):
        self.write('{"hooksConfig": {"disabled": ["theirs", "selftune"]}}', "gemini")
        self.good("hooks", "install", "gemini")
        check = self.findings("gemini")["hooks.gemini"]
        self.assertIn("hooksConfig.disabled", check["message"])
        self.assertIn("/hooks enable selftune", check["guidance"]["text"])
        self.assertEqual(check["guidance"]["command"], "gemini")

    def test_copilots_own_switch_of_a_file_is_seen_in_ours(self):
        (self.home.path / ".copilot").mkdir()
        self.good("hooks", "install", "copilot")
        file = self.settings("copilot")
        file.write_text(json.dumps({**json.loads(file.read_text()), "disableAllHooks": True}))
        check = self.findings("copilot")["hooks.copilot"]
        self.assertIn(f"disableAllHooks is true in {file}", check["message"])


class Codex(Silent):
    def setUp(self):
        super().setUp()
        self.good("hooks", "install", "codex")
        self.config = self.settings("codex").with_name("config.toml")

    def test_hooks_that_nobody_approved(self):
        check = self.findings("codex")["hooks.codex"]
        self.assertEqual((check["status"], check["guidance"]["command"]), ("warn", "codex"))
        self.assertIn("not approved", check["message"])
        self.assertIn("/hooks", check["guidance"]["text"])
        self.approve_in_codex()
        self.assertEqual(self.findings("codex"), {})

    def test_one_of_them_that_nobody_approved_is_named(self):
        text = self.approve_in_codex()
        at = text.index("[hooks.state.", text.index(":stop:"))
        self.config.write_text(text[:text.rindex("[hooks.state.", 0, text.index(":stop:"))] + text[at:])
        self.assertIn("not run: Stop;", self.findings("codex")["hooks.codex"]["message"])

    def test_a_command_that_changed_after_the_approval(self):
        self.approve_in_codex()
        other = self.root / "other" / "selftune-hook"
        other.parent.mkdir()
        shutil.copy(HOOK, other)
        moved = self.good("hooks", "install", "codex", "--hook-program", str(other))["data"]["platforms"][0]
        self.assertTrue(any("approve" in need for need in moved["needs"]), moved)
        self.assertEqual(self.status("codex")["state"], "unapproved")
        check = self.findings("codex")["hooks.codex"]
        self.assertIn("changed after they were approved", check["message"])
        self.assertIn("UserPromptSubmit", check["message"])
        self.assertIn(str(self.config), check["message"])
        self.assertEqual(check["guidance"]["command"], "codex")
        self.config.write_text("")
        self.approve_in_codex()
        self.assertEqual(self.findings("codex"), {})

    def test_hooks_switched_off_one_by_one(self):
        text = self.approve_in_codex()
        at = text.index("trusted_hash", text.index(":stop:"))
        self.config.write_text(text[:at] + "enabled = false\n" + text[at:])
        self.assertEqual(self.status("codex")["state"], "installed")
        self.assertIn("Stop", self.status("codex")["needs"])
        check = self.findings("codex")["hooks.codex"]
        self.assertIn("switched off, so not run: Stop;", check["message"])
        self.assertIn("enabled = false", check["message"])
        self.assertEqual(check["guidance"]["command"], "codex")

    def test_the_feature_is_off_however_it_is_written(self):
        text = self.approve_in_codex()
        for line in ("[features]\nhooks = false # for now\n", "features.hooks=false\n",
                     "features = { other = [true, { hooks = true }], hooks = false }\n",
                     "[features]\ncodex_hooks = false\n", '[ "features" ]\n\'hooks\' = false\n',
                     "[features]\nhooks = false\ncodex_hooks = true\n"):
            with self.subTest(line):
                self.config.write_text(line + text)
                check = self.findings("codex")["hooks.codex"]
                self.assertIn("no hook runs", check["message"])
                self.assertEqual(check["guidance"]["command"], "codex features enable hooks")
                self.assertIn("codex features enable hooks", self.status("codex")["needs"])
        for line in ("[features]\nhooks = true\ncodex_hooks = false\n", "[other]\nhooks = false\n",
                     'note = """\n[features]\nhooks = false\n"""\n', "# [features]\n# hooks = false\n"):
            with self.subTest(line):
                self.config.write_text(line + text)
                self.assertEqual(self.findings("codex"), {})

    def test_each_cause_is_a_finding_of_its_own(self):
        text = self.approve_in_codex()
        places = [text.index("trusted_hash", text.index(f":{name}:")) for name in ("stop", "interrupt")]
        text = "features.hooks = false\n" + text[:places[0]] + "enabled = false\n" + text[places[0]:places[1]] \
            + 'trusted_hash = "sha256:00"\n' + text[text.index("\n", places[1]) + 1:]
        self.config.write_text(text)
        found = self.findings("codex")
        self.assertEqual(sorted(found), ["hooks.codex", "hooks.codex.changed", "hooks.codex.disabled"])
        self.assertIn("features", found["hooks.codex"]["message"])
        self.assertIn("Interrupt", found["hooks.codex.changed"]["message"])
        self.assertIn("Stop", found["hooks.codex.disabled"]["message"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
