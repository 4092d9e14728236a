#!/usr/bin/env python3
"""Our skill in a real agent command line, without a network.

    real_skill_test.py SELFTUNE COMMAND FOLDER

`selftune init` on a machine that has the agent; then the agent itself offers the skill
to its model, and hands over its text when the model asks for it. For Claude Code also
the plugin that the folder skill/ is. How each agent is run: ways.py. Exit 77 as in
real_hooks_test.py.
"""

import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import World, files_below  # noqa: E402

ROOT = HERE.parents[1]
TEXT = "You operate the `selftune` command for the user"  # of the body
QUESTION = "good morning, which of my skills never run"


def script(way, home):
    return {"models": ["claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"], "fallback": way.answer("OK."),
            "rules": [{"name": "skill", "when": {"prompt": QUESTION, **way.offers(way.call[0])},
                       "steps": [way.load(home / way.common / "selftune"), way.answer("None.")]}]}


def tools_of(request):
    """Names of the tools that a model is offered."""
    return [tool["function"]["name"] for tool in request.get("tools", [])]


class Skill(World):
    script = staticmethod(script)

    def setUp(self):
        super().setUp()
        self.way.prepare()

    def shown(self):
        """Numbers of the requests in which the listing stands, and of those with the skill's text."""
        texts = self.bodies()
        return [[i for i, text in enumerate(texts) if words in text] for words in (self.way.offered, TEXT)]

    def test_init_puts_it_where_the_agent_looks(self):
        reply = self.cli("init", "--autonomy", "off", "--no-hooks")
        self.assertEqual(reply["agent_type"], self.way.platform)
        folder = self.home / self.way.common / "selftune"
        self.assertTrue((folder / "SKILL.md").is_file(), reply["steps"])
        self.way.first(QUESTION)
        offered, loaded = self.shown()
        # First the model is offered it, then it gets what it asked for.
        self.assertTrue(offered and loaded, (offered, loaded))
        self.assertLess(min(offered), min(loaded))
        self.way.stop()
        self.cli("sync")
        self.assertEqual(self.query("SELECT platform, skill_name, outcome FROM skill_invocations "
                                    "WHERE skill_name='selftune' AND outcome='triggered'"),
                         [[self.way.platform, "selftune", "triggered"]])


class Specialists(Skill):
    """OpenCode reads ours as agents of its own, which may look and nothing else."""

    def test_init_puts_it_where_the_agent_looks(self):
        self.cli("init", "--autonomy", "off", "--no-hooks")
        listed = re.split(r"(?m)^(\S+) \((\w+)\)\n", self.agent("agent", "list"))
        agents = {name: (mode, json.loads(rules)) for name, mode, rules in zip(*(listed[i::3] for i in (1, 2, 3)))}
        for file in sorted((ROOT / "skill" / "agents").glob("*.md")):
            mode, rules = agents[file.stem]
            self.assertEqual(mode, "subagent")
            ours = rules[max(i for i, r in enumerate(rules) if (r["permission"], r["pattern"], r["action"]) == ("*", "*", "deny")):]
            allowed = {(r["permission"], r["pattern"]) for r in ours if r["action"] == "allow" and r["permission"] != "external_directory"}
            self.assertEqual({p for p, _ in allowed}, {"read", "bash"}, file.stem)
            for permission, pattern in allowed:
                self.assertTrue(permission == "read" or pattern.startswith("selftune "), pattern)


FIRST = sorted((ROOT / "skill" / "agents").glob("*.md"))[0].stem
TASK = "say which cause it has"


def handing(way, home):
    """Hands a task to a specialist of ours."""
    tool, make = way.hand_over
    return {"models": ["stub-large"], "fallback": {"text": "OK."}, "rules": [
        {"name": "task", "when": {"prompt": TASK}, "steps": [{"text": "LISTING"}]},
        {"name": "main", "when": {"prompt": QUESTION, "tools": [tool]},
         "steps": [{"tool": tool, "input": make(FIRST, TASK)}, {"text": "None."}]}]}


class Subagents(Skill):
    """Those that can be told the names of tools only: ours have the shell and read files."""

    script = staticmethod(handing)

    def test_init_puts_it_where_the_agent_looks(self):
        self.cli("init", "--autonomy", "off", "--no-hooks")
        self.way.first(QUESTION)
        texts = self.bodies()
        for file in sorted((ROOT / "skill" / "agents").glob("*.md")):
            self.assertIn(file.stem, texts[0])
        body = (ROOT / "skill" / "agents" / f"{FIRST}.md").read_text().split("---\n", 2)[2].splitlines()[3]
        asked = [json.loads(text)["body"] for text in texts if json.dumps(body)[1:-1] in text]
        self.assertTrue(asked, "no request has the words of the specialist")
        for request in asked:
            self.assertEqual(set(tools_of(request)), set(self.way.specialist_tools))


class Plugin(World):
    """skill/ as a plugin of Claude Code."""

    script = staticmethod(lambda way, home: {**script(way, home), "rules": [
        {"name": "skill", "when": {"prompt": QUESTION, "tools": ["Skill"]},
         "steps": [{"tool": "Skill", "input": {"skill": "selftune:selftune"}}, {"text": "None."}]}]})

    def setUp(self):
        super().setUp()
        self.way.prepare()
        # What its hooks look for on PATH.
        (self.bin / "selftune-hook").symlink_to(Path(self.selftune).parents[1] / "hook" / "selftune-hook")

    def ask(self, *flags):
        self.agent(*flags, "-p", QUESTION, "--allowedTools", "Skill", "--output-format", "json")

    def check_session(self):
        texts = self.bodies()
        self.assertIn(self.way.offered, texts[0])
        self.assertIn(TEXT, texts[1])
        for agent in sorted((ROOT / "skill" / "agents").glob("*.md")):
            self.assertIn(f"selftune:{agent.stem}", texts[0])
        heard = [(event["type"], event.get("skill", "")) for event in self.events()]
        for event in (("prompt_submit", ""), ("post_tool_use", "selftune:selftune"), ("session_end", "")):
            self.assertIn(event, heard)

    def test_the_program_finds_nothing_wrong_with_it(self):
        for folder in (ROOT / "skill", ROOT):
            self.assertIn("Validation passed", self.agent("plugin", "validate", folder))

    def test_from_its_folder(self):
        self.ask("--plugin-dir", ROOT / "skill")
        self.check_session()

    def test_installed_from_the_marketplace_and_taken_out(self):
        before = files_below(self.home, self.work)[".claude/settings.json"]
        self.agent("plugin", "marketplace", "add", ROOT)
        self.agent("plugin", "install", "selftune@selftune")
        self.ask()
        self.check_session()
        self.agent("plugin", "uninstall", "selftune@selftune")
        self.agent("plugin", "marketplace", "remove", "selftune")
        asked = len(self.bodies())
        self.ask()
        self.assertNotIn(self.way.offered, "".join(self.bodies()[asked:]))
        self.assertEqual(json.loads(before)["hooks"],
                         json.loads((self.home / ".claude" / "settings.json").read_text())["hooks"])


def main():
    if sys.argv[1] == "--inside":
        more = {"claude": [Plugin], "opencode": [Specialists],
                **dict.fromkeys(("gemini", "qwen", "copilot", "cline"), [Subagents])}
        return ways.run_tests(sys.argv[2:5], Skill, *more.get(sys.argv[4], []))
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
