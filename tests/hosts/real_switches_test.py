#!/usr/bin/env python3
"""Which settings switch skills off and on in a real agent command line, without a network.

    real_switches_test.py SELFTUNE COMMAND FOLDER

A person has the skills zz-a and zz-b, and starts a session in the root of a repository. What its model is
offered is what each case says, and what `selftune skills list` makes of the same files. How each agent is
run: ways.py. Exit 77 as in real_hooks_test.py.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import World  # noqa: E402

NAMES = ("zz-a", "zz-b")
TRUSTED = '[projects."@WORK@"]\ntrust_level = "trusted"\n'
CLAUDE = (".claude/settings.json", "work/repo/.claude/settings.json", "work/repo/.claude/settings.local.json")
CODEX = (".codex/config.toml", "work/repo/.codex/config.toml")
COPILOT = (".copilot/settings.json", "work/repo/.github/copilot/settings.json")
GEMINI = (".gemini/settings.json", "work/repo/.gemini/settings.json")
OPENCODE = (".config/opencode/opencode.json", "work/repo/opencode.json", "work/repo/.opencode/opencode.json",
            ".opencode/opencode.json")
QWEN = (".qwen/settings.json", "work/repo/.qwen/settings.json")


def claude(**words):
    return {"skillOverrides": {name.replace("_", "-"): word for name, word in words.items()}}


def codex(enabled, more=""):
    return f'\n[[skills.config]]\nname = "zz-a"\nenabled = {enabled}\n{more}'


def skill(**words):
    """Of OpenCode: `all` stands for every name."""
    return {"permission": {"skill": {{"all": "*", "a": "zz-a", "b": "zz-b"}.get(k, k): v for k, v in words.items()}}}


# (what, what stands in the files of the agent, in their order, what the model is offered)
CASES = {
    "claude": (CLAUDE, (
        ("off", (claude(zz_a="off"),), "b"),
        ("on again in a project", (claude(zz_a="off"), claude(zz_a="on")), "ab"),
        ("by its local file", (None, claude(zz_a="off"), claude(zz_a="on")), "ab"),
        ("there are no patterns, and case matters", (claude(**{"*": "off", "zz-*": "off", "ZZ-A": "off"}),), "ab"))),
    "codex": (CODEX, (
        ("off", (codex("false"),), "b"),
        ("a project says nothing", (codex("false", TRUSTED), codex("true")), "b"),
        ("nor that one is off", ("\n" + TRUSTED, codex("false")), "ab"))),
    "copilot": (COPILOT, (
        ("off", ({"disabledSkills": ["zz-a"]},), "b"),
        ("case matters", ({"disabledSkills": ["ZZ-A"]},), "ab"),
        ("a project says nothing", ({"disabledSkills": ["zz-a"]}, {"disabledSkills": []}), "b"),
        ("nor that one is off", (None, {"disabledSkills": ["zz-a"]}), "ab"))),
    "gemini": (GEMINI, (
        ("lists are put together", ({"skills": {"disabled": ["ZZ-A"]}}, {"skills": {"disabled": []}}), "b"),
        ("all of them, in a project", (None, {"skills": {"enabled": False}}), ""),
        ("all of them, on again in a project",
         ({"skills": {"enabled": False, "disabled": ["zz-b"]}}, {"skills": {"enabled": True}}), "a"))),
    "opencode": (OPENCODE, (
        ("on again in a project", (skill(a="deny"), skill(a="allow")), "ab"),
        ("a key stays where it stood first", (skill(all="deny", b="allow"), skill(all="ask")), "ab"),
        ("and a new one behind all others", (skill(a="allow"), skill(all="deny")), ""),
        ("what stands behind it counts", (skill(all="allow", b="allow"), skill(all="deny")), "b"),
        ("a word takes the place of all of them", (skill(a="deny"), {"permission": {"skill": "ask"}}, skill(b="deny")), "a"),
        ("and they of a word", ({"permission": {"skill": "deny"}}, skill(a="deny")), "b"),
        ("a sign", (skill(**{"zz?a": "deny", "zz?": "deny"}),), "b"),
        ("a blank and a star at the end are nothing, too", (skill(**{"zz-a *": "deny"}),), "b"),
        ("case matters", (skill(**{"ZZ-A": "deny"}),), "ab"),
        ("old flags are put together, and stand before", ({"tools": {"skill": False}}, {"tools": {"skill": True}}), "ab"),
        ("the home's own folder comes last", (None, None, skill(a="allow"), skill(a="deny")), "b"))),
    "qwen": (QWEN, (
        ("off by default, on in a project", ({"skills": {"defaultDisabled": ["ZZ-A"]}}, {"skills": {"enabled": ["zz-a"]}}), "ab"),
        ("on, whatever a project has off by default",
         ({"skills": {"enabled": ["zz-a"]}}, {"skills": {"defaultDisabled": ["zz-a", "zz-b"]}}), "a"),
        ("off is off", ({"skills": {"disabled": ["zz-a"]}}, {"skills": {"disabled": [], "enabled": ["zz-a"]}}), "b"),
        ("a level is off", ({"skills": {"disabledLevels": ["user"]}},
                            {"skills": {"disabledLevels": [], "enabled": ["zz-a"]}}), ""))),
}


class Switches(World):
    script = staticmethod(lambda way, home: {
        "models": ["claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"],
        "fallback": way.answer("OK."), "rules": []})

    def start_over(self):
        self.doCleanups()
        self.setUp()

    def say(self, path, said):
        file = self.home / path
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        if isinstance(said, str):
            text = before + said.replace("@WORK@", str(self.work))
        else:
            plain = re.sub(r"(?m)//.*mine.*$", "", before)  # these agents let a person write more than JSON
            plain = re.sub(r",(\s*[}\]])", r"\1", plain)
            text = json.dumps({**json.loads(plain or "{}"), **said})
        self.write(path, text)

    def offered(self, files):
        """By the program: the skills that its model is told of."""
        self.work = self.home / "work" / "repo"
        self.work.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", self.work], check=True, env=self.env())
        for name in NAMES:
            self.write(f"{self.way.skills}/{name}/SKILL.md", f"---\nname: {name}\ndescription: Tells of {name}.\n---\nx\n")
        self.way.prepare()
        for path, said in files:
            if said is not None:
                self.say(path, said)
        self.way.first("good morning")
        self.way.stop()
        return set(re.findall(r"Tells of (zz-[ab])", "".join(self.bodies())))

    def told(self):
        """By selftune: those that are on in that project."""
        self.cli("sync")
        out = set()
        for item in self.cli("skills", "list")["items"]:
            def says(key, item=item):
                return {off["project_root"] for off in item[key] if off["platform"] == self.way.platform}
            self.assertEqual(item["settings_unknown"], [])
            here, off = str(self.work), says("switched_off")
            if here in says("switched_on") or not off & {None, here}:
                out.add(item["name"])
        return out & set(NAMES)

    def test_settings(self):
        files, cases = CASES[self.way.command]
        for i, (what, said, names) in enumerate(cases):
            with self.subTest(what):
                if i > 0:
                    self.start_over()
                expected = {f"zz-{name}" for name in names}
                self.assertEqual(self.offered(zip(files, said)), expected)
                self.assertEqual(self.told(), expected)


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests(sys.argv[2:5], Switches)
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
