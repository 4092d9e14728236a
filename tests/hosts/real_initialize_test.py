#!/usr/bin/env python3
"""From nothing to a first useful answer with the real `claude`, without a network.

    real_initialize_test.py SELFTUNE FOLDER

A home with sessions of Claude Code and our skill, copied as a newcomer has it; no
store, no hooks, no configuration. The stub model follows the skill: it loads it, reads
workflows/initialize.md, runs the commands that stand there and answers with what the
last one printed. Exit 77 as in real_hooks_test.py.
"""

import collections
import json
import re
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import World  # noqa: E402

SKILL = HERE.parents[1] / "skill"
RECORDED = HERE.parent / "data" / "hosts" / "claude-code"
QUESTION = "set selftune up here and tell me which of my skills are used"
# What the workflow offers instead of the step before it.
INSTEAD = "selftune quickstart --json"


def commands(name):
    """The command lines of a workflow's steps, in their order."""
    text = (SKILL / "workflows" / name).read_text().partition("\nAsk the user:")[0]
    return re.findall(r"`(selftune [a-z][^`]*--json[^`]*)`", text)


def plan():
    first = [line for line in commands("initialize.md") if line != INSTEAD]
    # "and continue with status.md": a longer window, for these sessions are old.
    longer = next(line for line in commands("status.md") if "--window 90d" in line and "skills" not in line)
    return [*first, longer.replace("90d", "3650d")]


def script(way, home):
    folder = home / way.skills / "selftune"
    steps = [{"tool": "Skill", "input": {"skill": "selftune"}},
             {"tool": "Read", "input": {"file_path": str(folder / "workflows" / "initialize.md")}}]
    steps += [{"tool": "Bash", "input": {"command": line, "description": "as the workflow says"}} for line in plan()]
    return {"models": ["claude-opus-5-5", "claude-haiku-4-5"], "fallback": {"text": "OK."},
            "rules": [{"name": "newcomer", "when": {"prompt": QUESTION, "tools": ["Skill"]},
                       "steps": [*steps, {"text": "{{last_tool_result}}"}]}]}


class Newcomer(World):
    script = staticmethod(script)

    def setUp(self):
        super().setUp()
        claude = self.home / ".claude"
        shutil.copytree(RECORDED / "home" / ".claude" / "projects", claude / "projects")
        shutil.copytree(SKILL, claude / "skills" / "selftune")

    def expected(self):
        return json.loads((RECORDED / "EXPECTED.json").read_text())

    def uses(self):
        """Skill -> uses, by what the recordings are known to hold."""
        return collections.Counter(use["name"] for session in self.expected()["sessions"]
                                   for use in session["skills"] if use["outcome"] == "triggered")

    def results(self):
        """What each Bash call printed, from the last request that the model got."""
        blocks = [block for message in json.loads(self.bodies()[-1])["body"]["messages"] if isinstance(message["content"], list)
                  for block in message["content"]]
        lines = {block["id"]: block["input"]["command"] for block in blocks
                 if block["type"] == "tool_use" and block["name"] == "Bash"}
        out = {}
        for block in blocks:
            if block["type"] == "tool_result" and block["tool_use_id"] in lines:
                content = block["content"]
                text = content if isinstance(content, str) else "".join(part["text"] for part in content)
                out[lines[block["tool_use_id"]]] = (bool(block.get("is_error")), text)
        return out

    def test_the_workflow_leads_to_an_answer_with_the_numbers_of_the_recordings(self):
        self.assertEqual(len(plan()), 6, plan())
        before = {path: path.read_bytes() for path in (self.home / ".claude").rglob("*") if path.is_file()}
        self.assertFalse(self.state.exists())
        said = json.loads(self.agent("-p", QUESTION, "--output-format", "json",
                                     "--allowedTools", "Skill,Read,Bash(selftune *)"))
        self.assertEqual(said["permission_denials"], [])

        replies = {}
        for line, (failed, text) in self.results().items():
            self.assertFalse(failed, (line, text))
            replies[line] = json.loads(text)
            self.assertTrue(replies[line]["ok"], (line, text))
        self.assertEqual(list(replies), plan())

        tried, done = (next(r for line, r in replies.items() if line.startswith(start))
                       for start in ("selftune init --dry-run", "selftune init --autonomy propose"))
        self.assertEqual([step["id"] for step in tried["data"]["steps"]], [s["id"] for s in done["data"]["steps"]])
        self.assertFalse(tried["changed"])
        self.assertEqual((done["data"]["agent_type"], done["data"]["agent_cli"], done["data"]["autonomy"]),
                         ("claude_code", "claude", "propose"))
        self.assertTrue(any(step["needs"] for step in done["data"]["steps"]), "sessions to restart")

        # The answer: what is known of the recordings, and this very session.
        answer = json.loads(said["result"])["data"]
        counted = {skill["name"]: skill["uses"] for skill in answer["skills"] if skill["uses"]}
        self.assertEqual(counted.pop("selftune"), 1)
        self.assertEqual(counted, dict(self.uses()))
        self.assertEqual(answer["evidence"]["prompts"], self.expected()["totals"]["prompts"] + 1)

        # What was there is what it was; the hooks came beside it.
        for path, data in before.items():
            self.assertEqual(path.read_bytes(), data, path)
        self.assertEqual(self.cli("hooks", "status", "claude")["platforms"][0]["state"], "installed")
        self.assertEqual(json.loads((self.state / "config.json").read_text())["autonomy"], "propose")


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests([*sys.argv[2:4], "claude"], Newcomer)
    selftune, folder = (Path(argument).resolve() for argument in sys.argv[1:3])
    return ways.Claude.agent.run_inside(__file__, selftune, folder)


if __name__ == "__main__":
    sys.exit(main())
