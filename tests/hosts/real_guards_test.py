#!/usr/bin/env python3
"""Guards and commits in a real agent command line, without a network.

    real_guards_test.py SELFTUNE COMMAND FOLDER

The model commits, then writes into the SKILL.md of a skill that is being watched, with
its tool for files and through the shell, where guards are to block. How each agent is
run: ways.py. Exit 77 as in real_hooks_test.py.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import SKILL, SKILL_FILE, World  # noqa: E402

QUESTION = "commit what is there and make the tides better"
TITLE = "Add the tides of may"
REFUSAL = "is being watched; another change now would spoil the comparison"


def script(way, home):
    skill = home / "work" / ".agents" / "skills" / SKILL / "SKILL.md"
    steps = [way.shell(f"cd {home}/work && git add notes.txt && git commit -m '{TITLE}'"), way.writes(skill)]
    steps.append(way.shell(f"echo spoiled >> {skill}"))
    steps.append({"text": "Done."})
    return {"models": ["claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"], "fallback": {"text": "OK."},
            "rules": [{"name": "work", "when": {"prompt": re.escape(QUESTION), "tools": [steps[0]["tool"]]}, "steps": steps}]}


class Guards(World):
    script = staticmethod(script)

    def git(self, *argv):
        old = {"GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z"}  # not of this session
        subprocess.run(["git", "-C", self.work, *argv], check=True, env={**self.env(), **old}, capture_output=True)

    def setUp(self):
        super().setUp()
        self.way.prepare()
        self.write("work/README", "here\n")
        self.git("init", "-q", "-b", "main")
        for key, value in (("name", "Dev"), ("email", "dev@localhost")):
            self.git("config", f"user.{key}", value)  # some hosts hide the person's own file
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "first")
        self.skill = self.work / ".agents" / "skills" / SKILL / "SKILL.md"
        self.write(str(self.skill.relative_to(self.home)), SKILL_FILE)
        self.write("work/notes.txt", "may\n")

    def test_a_commit_is_known_and_a_watched_skill_stays(self):
        self.cli("hooks", "install", self.way.command)
        until = int(time.time() * 1000) + 3_600_000
        (self.state / "hooks").mkdir(exist_ok=True)
        (self.state / "hooks" / "notes.json").write_text(json.dumps({"v": 1, "guards": {
            str(self.skill.resolve()): {"skill": SKILL, "mode": "block", "until_ms": until}}}))
        session = self.way.first(QUESTION)
        sha = subprocess.run(["git", "-C", self.work, "log", "-1", "--format=%H %s"], check=True, env=self.env(),
                             capture_output=True, text=True).stdout.strip()
        self.assertTrue(sha.endswith(TITLE), sha)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not any("commits" in e for e in self.events()):
            time.sleep(0.1)
        self.way.stop()
        rows = self.query("SELECT session_id, commit_sha, commit_title, branch FROM commit_tracking")
        self.assertEqual(rows, [[session, sha.split()[0], TITLE, "main"]])
        self.assertEqual(self.skill.read_text(), SKILL_FILE)
        if self.way.goes_on:
            self.assertEqual(self.bodies()[-1].count(REFUSAL), 2)
        self.cli("sync")
        self.assertEqual(len(self.query("SELECT 1 FROM commit_tracking")), 1)
        self.assertEqual(self.query("SELECT count(*) FROM sessions WHERE kind='main'"), [[1]])


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests(sys.argv[2:5], Guards)
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
