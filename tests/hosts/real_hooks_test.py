#!/usr/bin/env python3
"""Hooks in the real `claude` and `codex`, without a network.

    real_hooks_test.py SELFTUNE SELFTUNE_HOOK claude|codex FOLDER

Installs the hooks, runs a session in which a skill is used, finds the events that
the hooks brought before any transcript was read, takes the hooks out and compares
the settings byte for byte. Exit 77 (skipped) when npm cannot fetch the agent or
the kernel refuses the namespace; both are said.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import npm_agent  # noqa: E402
import real_claude_test  # noqa: E402
import real_codex_test  # noqa: E402

AGENTS = {"claude": real_claude_test.CLAUDE, "codex": real_codex_test.CODEX}
TOOLS = HERE.parent / "tools"
SKILL = "tide-table"
PROMPT = "when is high water tomorrow in Cuxhaven"
SESSION = "11111111-2222-4333-8444-555555555555"
SETTINGS = '{\n  "model": "claude-opus-5-5",\n  "hooks": { "Stop": [ { "hooks": [\n    {"type": "command", "command": "true"} ] } ] }\n}'
SCRIPT = {
    "models": ["claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5", "gpt-5.5"],
    "fallback": {"text": "OK."},
    "rules": [
        {"name": "skill", "when": {"prompt": "^" + PROMPT, "tools": ["Skill"]},
         "steps": [{"tool": "Skill", "input": {"skill": SKILL}}, {"text": "At ten."}]},
        {"name": "plain", "when": {"prompt": "^" + PROMPT}, "steps": [{"text": "At ten."}]},
    ],
}


class Session(unittest.TestCase):
    """`arguments`: of this file, behind --inside."""

    def setUp(self):
        self.selftune, self.hook, self.agent, self.agents = self.arguments
        self.scratch = Path(tempfile.mkdtemp(prefix="selftune-hooks-"))
        self.addCleanup(shutil.rmtree, self.scratch, True)
        self.home = self.scratch / "home"
        self.work = self.home / "work"
        self.work.mkdir(parents=True)
        self.bin = self.scratch / "bin"
        self.bin.mkdir()
        (self.bin / self.agent).symlink_to(Path(self.agents) / self.agent)
        self.start_model()

    def start_model(self):
        script, port = self.scratch / "script.json", self.scratch / "port"
        script.write_text(json.dumps(SCRIPT))
        model = subprocess.Popen(["node", str(TOOLS / "stubmodel.mjs"), "--script", str(script), "--port-file",
                                  str(port), "--log", str(self.scratch / "model.jsonl"), "--quiet"])
        self.addCleanup(model.wait, 10)
        self.addCleanup(model.terminate)
        deadline = time.monotonic() + 30
        while not port.exists() or not port.read_text().strip():
            if time.monotonic() > deadline or model.poll() is not None:
                self.fail("the stub model server did not start")
            time.sleep(0.05)
        self.port = port.read_text().strip()

    def env(self):
        node = Path(shutil.which("node")).parent
        return {"HOME": str(self.home), "PATH": f"{self.bin}:{node}:/usr/bin:/bin", "LANG": "C.UTF-8",
                "ANTHROPIC_API_KEY": "sk-ant-stub", "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}",
                "STUB_API_KEY": "sk-stub", "CLAUDE_CODE_MAX_RETRIES": "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
                "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1"}

    def cli(self, *argv):
        done = subprocess.run([self.selftune, *argv, "--json"], capture_output=True, text=True, env=self.env(),
                              cwd=self.work, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, f"{argv}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def run_agent(self, *argv):
        done = subprocess.run([str(self.bin / self.agent), *argv], capture_output=True, text=True, env=self.env(),
                              cwd=self.work, check=False, timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{argv}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def skill(self, folder):
        path = self.home / folder / "skills" / SKILL / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text(f"---\nname: {SKILL}\ndescription: High and low water.\n---\n\n# Tides\n")

    def events(self):
        """What hooks left, before any transcript is read."""
        out = []
        for file in sorted((self.home / ".selftune" / "spool").glob("*.jsonl")):
            out += [json.loads(line) for line in file.read_text().splitlines() if line]
        return out

    def words(self):
        return [json.dumps(event) for event in self.events()]


class Claude(Session):
    def test_a_session_with_a_skill_is_heard(self):
        settings = self.home / ".claude" / "settings.json"
        self.skill(".claude")
        settings.write_text(SETTINGS)
        self.cli("hooks", "install", "claude")
        self.assertEqual(self.cli("hooks", "status", "claude")["data"]["platforms"][0]["state"], "installed")
        self.run_agent("-p", PROMPT, "--session-id", SESSION, "--allowedTools", "Skill",
                       "--output-format", "json")
        words = self.words()
        for expected in ("prompt_submit", "post_tool_use", "session_end"):
            self.assertTrue(any(expected in w and SESSION in w for w in words), (expected, words))
        self.assertTrue(any(PROMPT in w for w in words), words)
        self.assertTrue(any(f'"skill\\": \\"{SKILL}' in w or f'"skill": "{SKILL}"' in w
                            or f'"skill\\":\\"{SKILL}' in w for w in words), words)
        # With the transcript it is one prompt and one use, not two.
        self.cli("sync")
        reply = self.cli("query", "SELECT (SELECT count(*) FROM prompts WHERE is_actionable=1) AS prompts, "
                                  "(SELECT count(*) FROM skill_invocations WHERE outcome='triggered') AS uses")
        self.assertEqual(reply["data"]["rows"], [[1, 1]])
        self.cli("hooks", "uninstall", "claude")
        self.assertEqual(settings.read_text(), SETTINGS)


class Codex(Session):
    def test_hooks_run_once_they_are_approved(self):
        self.skill(".codex")
        config = self.home / ".codex" / "config.toml"
        config.write_text(real_codex_test.CONFIG.format(model=real_codex_test.MODEL, port=self.port))
        hooks = self.home / ".codex" / "hooks.json"
        before = SETTINGS.replace('"model"', '"description"')  # a key it does not know turns off every hook
        hooks.write_text(before)
        self.cli("hooks", "install", "codex")
        self.assertEqual(self.cli("hooks", "status", "codex")["data"]["platforms"][0]["state"], "unapproved")
        flags = ("--skip-git-repo-check", "--json")
        self.run_agent("exec", *flags, PROMPT)
        self.assertEqual(self.events(), [])
        self.run_agent("exec", "--dangerously-bypass-hook-trust", *flags, PROMPT)
        words = self.words()
        self.assertTrue(any("prompt_submit" in w and PROMPT in w for w in words), words)
        self.assertTrue(any("turn_end" in w for w in words), words)
        self.cli("sync")
        reply = self.cli("query", "SELECT count(*) AS prompts FROM prompts WHERE is_actionable=1")
        self.assertEqual(reply["data"]["rows"], [[2]])
        self.cli("hooks", "uninstall", "codex")
        self.assertEqual(hooks.read_text(), before)


def inside(selftune, hook, agent, agents):
    npm_agent.raise_loopback()
    Session.arguments = (selftune, hook, agent, agents)
    case = {"claude": Claude, "codex": Codex}[agent]
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1


def main():
    if sys.argv[1] == "--inside":
        selftune, agents, hook, agent = sys.argv[2:6]
        return inside(selftune, hook, agent, agents)
    selftune, hook, agent, folder = sys.argv[1:5]
    return AGENTS[agent].run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(),
                                    str(Path(hook).resolve()), agent)


if __name__ == "__main__":
    sys.exit(main())
