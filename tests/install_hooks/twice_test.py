#!/usr/bin/env python3
"""Hooks of ours in two places, which tell each event twice: said in whatever order they came.

    twice_test.py SELFTUNE SELFTUNE_HOOK

That Claude Code, Gemini CLI and Qwen Code call both, and the same command once, was tried with the real ones.
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

import place  # noqa: E402
from place import Place  # noqa: E402


class Twice(Place):
    def setUp(self):
        super().setUp()
        self.project = self.root / "proj"
        (self.project / ".git").mkdir(parents=True)
        (self.project / "sub").mkdir()
        (self.home.path / ".claude").mkdir()
        (self.bin / "selftune").symlink_to(Path(place.CLI).resolve())

    def run_in(self, where, *argv):
        done = subprocess.run([place.CLI, *argv, "--json"], capture_output=True, text=True, env=self.env(),
                              cwd=where, check=False, timeout=120)
        return json.loads(done.stdout)

    def install(self, scope, host="claude", *more, where=None):
        return self.run_in(where or self.project, "hooks", "install", host, "--scope", scope, *more)

    def plugin(self, with_hooks=True):
        file = self.home.path / ".claude/plugins/installed_plugins.json"
        file.parent.mkdir(parents=True)
        folder = self.home.path / "plugin"
        file.write_text(json.dumps({"version": 2, "plugins": {"selftune@selftune": [{"installPath": str(folder)}]}}))
        hooks = folder / "hooks/hooks.json"
        if with_hooks:
            hooks.parent.mkdir(parents=True, exist_ok=True)
            hooks.write_text("{}")

    def commands(self, reply):
        """Those that take one of both out."""
        warned = [w for w in reply["warnings"] if w["code"] == "HOOKS_TWICE"]
        if not warned:
            return None
        command = reply["alternatives"][0]["command"] if "alternatives" in reply else reply["next"]["command"]
        self.assertIn(command, warned[0]["message"])
        return command

    def said(self, where, host="claude"):
        """What `hooks status` and `doctor` advise there; they agree."""
        status = self.commands(self.run_in(where, "hooks", "status", host))
        name = {"claude": "claude_code"}.get(host, host)
        checks = self.run_in(where, "doctor", "--only", f"hooks.{name}.twice", "--exit-zero")["data"]
        found = checks["checks"][0]["guidance"]["command"] if checks else None
        self.assertEqual(status, found)
        return status

    def test_one_place_is_no_news(self):
        for scope in ("user", "project", "local"):
            self.assertIsNone(self.commands(self.install(scope)))
            self.assertIsNone(self.said(self.project))
            self.run_in(self.project, "hooks", "uninstall", "claude", "--scope", scope)

    def test_the_persons_and_a_projects_in_any_order(self):
        for first, second in (("user", "project"), ("project", "user")):
            for host in ("claude", "gemini", "qwen"):
                with self.subTest(first=first, host=host):
                    self.assertIsNone(self.commands(self.install(first, host)))
                    planned = self.commands(self.install(second, host, "--dry-run"))
                    done = self.commands(self.install(second, host))
                    self.assertEqual(done, planned)
                    # Without the person's every other project would be silent.
                    self.assertTrue(done.endswith("--scope project"), done)
                    for where in (self.project, self.project / "sub"):
                        self.assertEqual(self.said(where, host), done)
                    self.assertEqual(self.commands(self.install(second, host)), done)
                    # Where the project is known from, too.
                    subprocess.run(shlex.split(self.said(self.root, host)), check=True, env=self.env(), cwd=self.root,
                                   capture_output=True)
                    for where in (self.project, self.root):
                        self.assertIsNone(self.said(where, host))
                        self.assertEqual(self.hooks_are_in("user", where, host), True)
                    self.assertFalse(self.hooks_are_in("project", self.project, host))
                    self.run_in(self.project, "hooks", "uninstall", host, "--scope", "user")

    def hooks_are_in(self, scope, where, host):
        status, = self.run_in(where, "hooks", "status", host, "--scope", scope)["data"]["platforms"]
        return status["state"] == "installed"

    def test_a_project_elsewhere_whose_name_has_a_blank(self):
        other = self.root / "my other; project"
        (other / ".git").mkdir(parents=True)
        self.install("user")
        self.install("project", where=other)
        command = self.said(self.root)
        done = subprocess.run(shlex.split(command), check=True, env=self.env(), cwd=self.root, capture_output=True)
        self.assertTrue(json.loads(done.stdout)["changed"], done.stdout)
        self.assertIsNone(self.said(self.root))
        self.assertIsNone(self.said(other))

    def test_the_same_command_is_called_once(self):
        self.install("user")
        self.assertIsNone(self.commands(self.install("local")))
        self.assertIsNone(self.said(self.project))

    def test_two_files_of_a_project(self):
        self.install("local")
        command = self.commands(self.install("project"))
        self.assertIn("--scope local", command)
        self.run_in(self.project, *command.split()[1:])
        self.assertIsNone(self.said(self.project))

    def test_two_projects_do_not_meet(self):
        other = self.root / "other"
        (other / ".git").mkdir(parents=True)
        self.install("project")
        self.assertIsNone(self.commands(self.install("local", where=other)))
        self.assertIsNone(self.said(other))

    def test_beside_our_plugin(self):
        for scope in ("user", "project"):
            with self.subTest(scope):
                self.install(scope)
                self.assertIsNone(self.said(self.project))
                self.plugin(with_hooks=False)  # its skill alone
                self.assertIsNone(self.said(self.project))
                shutil.rmtree(self.home.path / ".claude/plugins")
                self.plugin()
                # A project's are taken out in that project.
                self.assertEqual(self.said(self.root) is None, scope == "project")
                self.assertIn(f"--scope {scope}", self.said(self.project))
                self.assertIn(f"--scope {scope}", self.commands(self.install(scope)))
                self.run_in(self.project, *self.said(self.project).split()[1:])
                self.assertIsNone(self.said(self.project))
                shutil.rmtree(self.home.path / ".claude/plugins")
                shutil.rmtree(self.home.path / "plugin")

    def test_a_set_up_says_it_too(self):
        self.agent("claude")
        self.install("project")
        reply = self.run_in(self.root, "init", "--no-sync")
        self.assertIn("HOOKS_TWICE", [w["code"] for w in reply["warnings"]], reply)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
