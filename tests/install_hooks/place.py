"""What the suites of this folder share: a home with agents in it, and settings as people leave them."""

import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "hook"))

import harness  # noqa: E402

CLI, HOOK = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
SETTINGS_HOSTS = ("claude_code", "codex", "gemini", "qwen")
FILE_HOSTS = ("copilot", "opencode", "cline", "pi")
# In the shape that all versions of the TypeScript selftune's skill share.
SKILL_OF_THE_REFERENCE = """---
name: selftune
description: >
  Looks after skills. Use when skills are
  missed.
metadata:
  author: selftune-dev
  version: 0.2.28
---

# selftune

Without a configuration read `workflows/Initialize.md` first.
"""
PLAIN = '{\n  "model": "opus",\n  "permissions": { "allow": ["Bash(git *)"] }\n}\n'


class Place(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # A blank in the path: commands are quoted.
        self.root = Path(folder.name) / "a b"
        self.home = harness.Home(self.root / "home", HOOK, CLI)
        # No agent of the machine is found by its command.
        self.bin = self.root / "bin"
        self.bin.mkdir()

    def env(self, **more):
        return self.home.env(PATH=f"{self.bin}:/usr/bin:/bin", **more)

    def agent(self, name):
        program = self.bin / name
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)

    def run_cli(self, *argv, cwd=None, env=None):
        return subprocess.run([CLI, *argv, "--json"], capture_output=True, text=True, env=env or self.env(),
                              cwd=cwd or self.root, check=False, timeout=120)

    def good(self, *argv):
        done = self.run_cli(*argv)
        self.assertEqual(done.returncode, 0, f"{argv}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def bad(self, code, *argv):
        done = self.run_cli(*argv)
        reply = json.loads(done.stdout)
        self.assertEqual(reply["error"]["code"], code, done.stdout)
        self.assertNotEqual(done.returncode, 0)
        return reply, done.returncode

    def tree(self, but=(".selftune",)):
        """Path to kind, mode and bytes of everything in the home but our own folder."""
        out = {}
        for folder, dirs, files in os.walk(self.home.path):
            dirs[:] = [d for d in dirs if d not in but]
            for name in dirs + files:
                path = Path(folder) / name
                entry = os.readlink(path) if path.is_symlink() else (
                    hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "dir")
                out[str(path.relative_to(self.home.path))] = (path.lstat().st_mode, entry)
        return out

    def installation_of_the_reference(self):
        """What the TypeScript selftune leaves: a database, settings, its skill and its timers."""
        self.home.state.mkdir(parents=True, mode=0o700)
        with sqlite3.connect(self.home.database) as db:
            db.execute("CREATE TABLE sessions(session_id TEXT PRIMARY KEY, platform TEXT, started_at TEXT)")
            db.execute("INSERT INTO sessions VALUES('s-1','claude_code','2026-01-01T00:00:00Z')")
        db.close()
        (self.home.state / "config.json").write_text(json.dumps(
            {"agent_type": "claude_code", "cli_path": "/old", "llm_mode": "agent", "agent_cli": "claude",
             "hooks_installed": True, "initialized_at": "2026-01-01T00:00:00Z"}))

        self.skill_of_the_reference()
        self.timers_of_the_reference()

    def skill_of_the_reference(self, folder=".claude/skills/selftune"):
        folder = self.home.path / folder
        (folder / "workflows").mkdir(parents=True)
        (folder / "SKILL.md").write_text(SKILL_OF_THE_REFERENCE)
        (folder / "workflows/Initialize.md").write_text("# Set up\n")
        return folder / "SKILL.md"

    def timers_of_the_reference(self):
        units = self.home.path / ".config/systemd/user"
        units.mkdir(parents=True)
        for job in ("sync", "orchestrate"):
            (units / f"selftune-{job}.timer").write_text("[Timer]\nOnCalendar=*:0/30\n")
            (units / f"selftune-{job}.service").write_text(f"[Service]\nExecStart=/old/bin/selftune {job}\n")
        return units

    def settings(self, host="claude_code"):
        names = {"claude_code": ".claude/settings.json", "codex": ".codex/hooks.json",
                 "gemini": ".gemini/settings.json", "qwen": ".qwen/settings.json",
                 "copilot": ".copilot/hooks/selftune.json",
                 "opencode": ".config/opencode/plugins/selftune.js",
                 "cline": ".cline/hooks/PostToolUse",
                 "pi": ".pi/agent/extensions/selftune/index.ts"}
        return self.home.path / names[host]

    def write(self, text, host="claude_code", mode=0o640):
        path = self.settings(host)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path


    def approve_in_codex(self):
        """What codex writes when its person approves our hooks; the text of config.toml."""
        path = self.settings("codex")
        config = path.with_name("config.toml")
        text = config.read_text() if config.exists() else ""
        groups = json.loads(path.read_text())["hooks"]
        for event, group, handler in ours(path.read_text()):
            snake = "".join("_" + c.lower() if c.isupper() else c for c in event).lstrip("_")
            told = {"event_name": snake, "hooks": [{"async": False, **handler}],
                    **{key: value for key, value in groups[event][group].items() if key == "matcher"}}
            # As approvals_test.cc has it of the real program: the same JSON, its keys in order.
            digest = hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
            text += f'\n[hooks.state."{path}:{snake}:{group}:0"]\ntrusted_hash = "sha256:{digest}"\n'
        config.write_text(text)
        return text


def ours(text):
    """(event, group index, handler) of each handler of ours."""
    return [(event, g, handler)
            for event, groups in json.loads(text).get("hooks", {}).items()
            for g, group in enumerate(groups)
            for handler in group.get("hooks", [])
            if "selftune-hook" in handler.get("command", "")]


def random_settings(rng):
    """Settings with foreign hooks in every layout json.dumps knows, and some that it does not."""
    events = ["Stop", "PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionEnd"]
    document = {f"key{i}": rng.choice([1, None, True, "x", [], {}, {"a": [1, {"b": []}]}])
                for i in range(rng.randrange(4))}
    if rng.random() < 0.7:
        document["hooks"] = {
            event: [dict(**({"matcher": "Bash"} if rng.random() < 0.5 else {}),
                         hooks=[{"type": "command", "command": f"echo {rng.randrange(100)}"}
                                for _ in range(rng.randrange(3))])
                    for _ in range(rng.randrange(3))]
            for event in events if rng.random() < 0.4}
    items = list(document.items())
    rng.shuffle(items)
    text = json.dumps(dict(items), indent=rng.choice([None, 0, 2, 4, "\t"]),
                      separators=rng.choice([None, (",", ":"), (" , ", " : ")]))
    if rng.random() < 0.3:
        text = text.replace("[]", "[\n  ]").replace("{}", "{\n\n}")
    if rng.random() < 0.2:
        text = text.replace("\n", "\r\n")
    return (rng.choice(["", "\ufeff"]) if rng.random() < 0.2 else "") + text + rng.choice(["", "\n", "\n\n "])


def rng(seed):
    return random.Random(seed)
