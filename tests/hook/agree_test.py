#!/usr/bin/env python3
"""The recorded hook events of Codex, Gemini CLI, Cline and Copilot CLI, played against their recorded sessions.

    agree_test.py HOOK SELFTUNE DATA_DIR

With hooks the store says what it says without them, whoever came first; what it
says more is what no session file was ever written for.
"""

import json
import subprocess
import sys
import tempfile
import unittest
import shutil
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402

HOOK, SELFTUNE, DATA = (Path(a).resolve() for a in sys.argv[1:4])
HOMES = {"codex": "codex/home", "gemini": "gemini/0.61.0/home/dev", "cline": "cline/3.0.65/home/dev",
         "copilot": "copilot/1.0.102/home/dev"}
# Copilot's payloads do not say which event they are of: its settings name the handler.
HANDLERS = {"userPromptSubmitted": "prompt-log", "preToolUse": "guard", "postToolUse": "commit-track",
            "agentStop": "session-stop", "errorOccurred": "session-stop", "subagentStop": "subagent-stop",
            "sessionEnd": "session-end"}
# Sessions without a file: an ephemeral one, one that failed at its first answer.
ONLY_HOOKS = {"codex": {"count the files"}, "gemini": {"Deploy it to staging"}, "cline": set(), "copilot": set()}
PROMPTS = "SELECT session_id, prompt_text FROM prompts WHERE is_actionable=1 ORDER BY 1, 2"
USES = ("SELECT session_id, skill_name, outcome, invocation_mode FROM skill_invocations "
        "WHERE outcome='triggered' ORDER BY 1, 2, 3, 4")


class Agree(unittest.TestCase):
    def said(self, host, order):
        """Prompts and uses; `order` of what comes in: "hooks", "sync"."""
        with tempfile.TemporaryDirectory() as folder:
            home = harness.Home(Path(folder) / "home", HOOK, SELFTUNE)
            shutil.copytree(DATA / "hosts" / HOMES[host], home.path, symlinks=True, dirs_exist_ok=True)
            subprocess.run(["chmod", "-R", "u+w", str(home.path)], check=True)
            for step in order:
                if step == "sync":
                    home.selftune("sync")
                    continue
                for line in (DATA / "hooks" / host / "payloads.jsonl").read_text().splitlines():
                    payload = json.loads(line)
                    if "payload" not in payload:
                        self.assertEqual(home.hook(payload, host=host), (0, b"", b""))
                    elif payload["event"] in HANDLERS:
                        self.assertEqual(home.hook(payload["payload"], HANDLERS[payload["event"]], host=host), (0, b"", b""))
            home.selftune("sync")
            self.assertEqual(home.bad_lines(), [])
            return home.sql(PROMPTS), home.sql(USES)

    def test_hooks_add_only_what_no_file_has(self):
        for host in HOMES:
            prompts, uses = self.said(host, [])
            self.assertGreater(len(prompts), 5)
            self.assertGreater(len(uses), 2)
            for order in (["hooks"], ["sync", "hooks"]):
                with self.subTest(host=host, order=order):
                    more, same = self.said(host, order)
                    self.assertEqual(same, uses)
                    self.assertEqual({text for _, text in more if (_, text) not in prompts}, ONLY_HOOKS[host])
                    self.assertEqual([row for row in more if row[1] not in ONLY_HOOKS[host]], prompts)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
