#!/usr/bin/env python3
"""Where a real agent command line looks for the skills of a project, without a network.

    real_roots_test.py SELFTUNE COMMAND FOLDER

A session in a folder of a repository, with a skill in each folder of skills that any agent
has, there and in the root of the repository: its model is offered those that the table of
docs/hosts.md says. And one in no repository, with skills above it. How each agent is run: ways.py. Exit 77 as in real_hooks_test.py.
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
# How far up a session in no repository looks for a folder that the table calls ".", below the home
# and elsewhere; the person's own folders are no part of it.
OUTSIDE = {("claude_code", ".claude"): (("here", "root"), ("here", "root", "top")),
           ("copilot", ".github"): (("here", "root", "home"), ("here", "root", "top")),
           ("copilot", ".agents"): (("here", "root"), ("here", "root", "top")),
           ("copilot", ".claude"): (("here", "root"), ("here", "root", "top")),
           ("opencode", ".opencode"): (("here", "root", "home", "top"), ("here", "root", "top")),
           ("opencode", ".claude"): (("here", "root", "top"), ("here", "root", "top")),
           ("opencode", ".agents"): (("here", "root", "top"), ("here", "root", "top")),
           ("pi", ".agents"): (("here", "root", "top"), ("here", "root", "top"))}
# What the person has for all sessions.
OWN = {"claude_code": (".claude",), "copilot": (".agents",), "opencode": (".claude", ".agents", ".opencode"), "pi": (".agents",)}


def table(title):
    """(folder, place) of the row of an agent."""
    page = (HERE.parents[1] / "docs" / "hosts.md").read_text(encoding="utf-8")
    page = page[page.index("## Where skills are looked for"):]
    row = re.search(rf"(?m)^\| {re.escape(title)} \| (.*?) \|", page).group(1)
    found = re.findall(r"`(\.|<here>|<repository>)/(\.\w+)/skills`", row)
    return {(folder, place) for way, folder in found for place in PLACES[way]}


class Places(World):
    script = staticmethod(lambda way, home: {
        "models": ["claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"],
        "fallback": way.answer("OK."), "rules": []})

    def fill(self, places):
        for place, where in places:
            for folder in FOLDERS:
                name = f"zz-{folder[1:]}-{place}"
                skill = where / folder / "skills" / name
                skill.mkdir(parents=True)
                (skill / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Tells of {name}.\n---\nx\n")
        self.way.prepare()

    def shown(self):
        """(folder, place) of the skills that the model is offered."""
        self.way.first("good morning")
        self.way.stop()
        # A name alone may come from a listing of the folder.
        listing = r"Tells of [\w-]+" if self.way.describes else r"Available skills: [^\"\\]*"
        found = {match for text in self.bodies() for words in re.findall(listing, text)
                 for match in re.findall(r"zz-(\w+)-(root|here|home|top)", words)}
        return {("." + folder, place) for folder, place in found}


class Roots(Places):
    def test_it_looks_where_the_table_says(self):
        root = self.home / "work" / "repo"
        self.work = root / "src"
        self.work.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", root], check=True, env=self.env())
        expected = table(TITLES[self.way.platform])
        self.assertTrue(expected)
        self.fill((("root", root), ("here", self.work)))
        self.assertEqual(self.shown(), expected)


class Outside(Places):
    def look(self, elsewhere):
        above = (self.home.parent / "srv") if elsewhere else self.home / "plain"
        self.work = above / "mid" / "src"
        self.work.mkdir(parents=True)
        expected = {(folder, "here") for folder, place in table(TITLES[self.way.platform]) if place == "here"}
        if self.way.platform == "cline":  # a repository's root is then where it runs
            expected = {(folder, "here") for folder, _ in table(TITLES["cline"])}
        for (platform, folder), places in OUTSIDE.items():
            if platform == self.way.platform:
                expected |= {(folder, place) for place in places[elsewhere]}
        self.fill((("here", self.work), ("root", above), ("home", self.home), ("top", self.home.parent)))
        own = {(folder, "home") for folder in FOLDERS if folder in OWN.get(self.way.platform, (folder,))}
        self.assertEqual(self.shown() - own, expected - own)

    def test_below_the_home(self):
        self.look(elsewhere=False)

    def test_elsewhere(self):
        self.look(elsewhere=True)


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests(sys.argv[2:5], Roots, Outside)
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
