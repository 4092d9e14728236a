#!/usr/bin/env python3
"""Where a real agent command line looks for the skills of a project, without a network.

    real_roots_test.py SELFTUNE COMMAND FOLDER

A session in a folder of a repository, with a skill in each folder of skills that any agent
has, there and in the root of the repository: its model is offered those that the table of
docs/hosts.md says. How each agent is run: ways.py. Exit 77 as in real_hooks_test.py.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import World  # noqa: E402

TITLES = {"claude_code": "Claude Code", "codex": "Codex CLI", "opencode": "OpenCode", "gemini": "Gemini CLI",
          "qwen": "Qwen Code", "copilot": "GitHub Copilot CLI", "pi": "Pi", "cline": "Cline"}
FOLDERS = (".agents", ".claude", ".cline", ".clinerules", ".codex", ".gemini", ".github", ".opencode", ".pi", ".qwen")
# What a way of writing means for a session in a folder below the root.
PLACES = {".": ("root", "here"), "<here>": ("here",), "<repository>": ("root",)}


def table(title):
    """(folder, place) of the row of an agent."""
    page = (HERE.parents[1] / "docs" / "hosts.md").read_text(encoding="utf-8")
    page = page[page.index("## Where skills are looked for"):]
    row = re.search(rf"(?m)^\| {re.escape(title)} \| (.*?) \|", page).group(1)
    found = re.findall(r"`(\.|<here>|<repository>)/(\.\w+)/skills`", row)
    return {(folder, place) for way, folder in found for place in PLACES[way]}


class Roots(World):
    script = staticmethod(lambda way, home: {
        "models": ["claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"],
        "fallback": way.answer("OK."), "rules": []})

    def setUp(self):
        super().setUp()
        root = self.home / "work" / "repo"
        self.work = root / "src"
        self.work.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", root], check=True, env=self.env())
        for place, where in (("root", root), ("here", self.work)):
            for folder in FOLDERS:
                name = f"zz-{folder[1:]}-{place}"
                skill = where / folder / "skills" / name
                skill.mkdir(parents=True)
                (skill / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Tells of {name}.\n---\nx\n")
        self.way.prepare()

    def test_it_looks_where_the_table_says(self):
        expected = table(TITLES[self.way.platform])
        self.assertTrue(expected)
        self.way.first("good morning")
        self.way.stop()
        # A name alone may come from a listing of the folder.
        listing = r"Tells of [\w-]+" if self.way.describes else r"Available skills: [^\"\\]*"
        shown = {match for text in self.bodies() for words in re.findall(listing, text)
                 for match in re.findall(r"zz-(\w+)-(root|here)", words)}
        self.assertEqual({("." + folder, place) for folder, place in shown}, expected)


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests(sys.argv[2:5], Roots)
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
