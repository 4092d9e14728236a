#!/usr/bin/env python3
"""Settings that were moved or written anew since `selftune hooks install`: what was there before comes back.

    moved_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import place  # noqa: E402
from place import Place, ours  # noqa: E402

PLAIN = '{\n  "model": "opus",\n  "permissions": { "allow": ["Bash(git *)"] }\n}\n'


class Moved(Place):
    def project_cli(self, project, *argv):
        done = subprocess.run([place.CLI, *argv, "--json"], capture_output=True, text=True, env=self.env(), cwd=project,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_a_project_that_was_moved_is_left_as_it_was(self):
        # What was in the settings; None: there were none, and no folder for them.
        for text in (None, "", "{}", " {\n}\n", PLAIN, '{"hooks":{}}', '{"hooks":{"Stop":[]},"a":1}'):
            for again in (False, True):  # installed anew in the new place, too
                with self.subTest(text=text, again=again):
                    old, new = self.root / "old", self.root / "new"
                    (old / ".git").mkdir(parents=True)
                    settings = new / ".claude/settings.json"
                    if text is not None:
                        (old / ".claude").mkdir()
                        (old / ".claude/settings.json").write_text(text)
                    self.project_cli(old, "hooks", "install", "claude", "--scope", "project")
                    old.rename(new)
                    if again:
                        self.project_cli(new, "hooks", "install", "claude", "--scope", "project")
                        self.assertEqual([i["path"] for i in self.good("hooks", "list")["data"]["items"]],
                                         [str(settings)])
                    planned = self.project_cli(new, "hooks", "uninstall", "claude", "--scope", "project", "--dry-run")
                    self.assertGreater(len(ours(settings.read_text())), 3, planned)
                    self.project_cli(new, "hooks", "uninstall", "claude", "--scope", "project")
                    if text is None:
                        self.assertFalse(settings.parent.exists())
                    else:
                        self.assertEqual(settings.read_text(), text)
                    self.assertEqual(self.good("hooks", "list")["data"]["items"], [])
                    shutil.rmtree(new)

    def test_who_moved_is_not_guessed(self):
        # Two projects with the same settings of ours, one of which had an empty file before.
        for name, text in (("a", None), ("b", "{}\n")):
            (self.root / name / ".git").mkdir(parents=True)
            if text is not None:
                (self.root / name / ".claude").mkdir()
                (self.root / name / ".claude/settings.json").write_text(text)
            self.project_cli(self.root / name, "hooks", "install", "claude", "--scope", "project")
        texts = {(self.root / name / ".claude/settings.json").read_text() for name in "ab"}
        self.assertEqual(len(texts), 1)
        # A copy is a file of its own while the first one stands.
        shutil.copytree(self.root / "a", self.root / "copy")
        self.project_cli(self.root / "copy", "hooks", "uninstall", "claude", "--scope", "project")
        self.assertEqual(json.loads((self.root / "copy/.claude/settings.json").read_text()), {})
        (self.root / "a").rename(self.root / "moved")
        shutil.rmtree(self.root / "b")
        self.project_cli(self.root / "moved", "hooks", "uninstall", "claude", "--scope", "project")
        self.assertEqual(json.loads((self.root / "moved/.claude/settings.json").read_text()), {})

    def test_a_new_file_goes_however_its_host_wrote_it_since(self):
        for host, text, stays in (("claude_code", lambda d: json.dumps(d), None),
                                  ("claude_code", lambda d: json.dumps(d, indent=4) + "\n", None),
                                  ("claude_code", lambda d: "\n" + json.dumps(d, indent="\t").replace("\n", "\r\n"), None),
                                  ("gemini", lambda d: "// mine\n" + json.dumps(d, indent=2), "// mine\n{}"),
                                  ("gemini", lambda d: json.dumps(d, indent=2) + "\n/* mine */", "{}\n/* mine */")):
            with self.subTest(host=host, text=text({})):
                self.good("hooks", "install", host)
                path = self.settings(host)
                path.write_text(text(json.loads(path.read_text())), newline="")
                self.good("hooks", "uninstall", host)
                self.assertEqual(path.read_text() if path.exists() else None, stays)
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
