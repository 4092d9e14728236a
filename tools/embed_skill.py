#!/usr/bin/env python3
"""Makes skill.inc from skill/: the files that `selftune init` installs, as C++ string literals.

  tools/embed_skill.py           writes the file
  tools/embed_skill.py --check   fails when it is not up to date
"""

import re
import sys

import generated
from generated import ROOT

PARTS = ("SKILL.md", "workflows/*.md", "references/*.md", "agents/*.md")


# What a specialist may use, as each host names it. The shell is in all of them: specialists
# ask selftune, and only Claude Code and OpenCode can be told which commands that may be.
OPENCODE = {"Read": "read", "Grep": "grep", "Glob": "glob"}
GEMINI = {"Bash": "run_shell_command", "Read": "read_file", "Grep": "grep_search", "Glob": "glob"}
QWEN = GEMINI
CLINE = {"Bash": "run_commands", "Read": "read_files", "Grep": "search_codebase", "Glob": "search_codebase"}
COPILOT = {"Bash": "bash", "Read": "view", "Grep": "grep", "Glob": "glob"}


def parts(text):
    """Fields and body of a specialist. Each tool is (name, None), a command of the shell ("Bash", it)."""
    _, head, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert set(fields) == {"name", "description", "tools", "model"}, fields
    tools = []
    for tool in fields["tools"].split(", "):
        command = re.fullmatch(r"Bash\((selftune [^()*]*?)(:\*)?\)", tool)
        tools.append((tool, None) if command is None else ("Bash", command[1] + (" *" if command[2] else "")))
    return fields, tools, body


def for_opencode(text):
    """It has no `tools`, but permissions, the last that fits wins."""
    fields, tools, body = parts(text)
    out = [f"description: {fields['description']}", "mode: subagent", "permission:", '  "*": deny']
    out += [f"  {OPENCODE[tool]}: allow" for tool, command in tools if command is None]
    out += ["  bash:", '    "*": deny', *(f'    "{command}": allow' for _, command in tools if command)]
    return "\n".join(["---", *out, "---\n"]) + body


def with_tools(names):
    """A host that is told the names of tools and nothing finer; the model is its session's."""
    def form(text):
        fields, tools, body = parts(text)
        own = dict.fromkeys(names[tool] for tool, _ in tools)
        out = [f"name: {fields['name']}", f"description: {fields['description']}", "tools:"]
        return "\n".join(["---", *out, *(f"  - {name}" for name in own), "---\n"]) + body
    return form


# Hosts that want specialists in a form of their own: how it is made, how its files end;
# hosts/registry.h names the folders.
FORMS = {
    "forms/opencode": (for_opencode, ".md"),
    "forms/gemini": (with_tools(GEMINI), ".md"),
    "forms/qwen": (with_tools(QWEN), ".md"),
    "forms/cline": (with_tools(CLINE), ".yaml"),
    "forms/copilot": (with_tools(COPILOT), ".agent.md"),
}


def files():
    skill = ROOT / "skill"
    for pattern in PARTS:
        for path in sorted(skill.glob(pattern)):
            yield path.relative_to(skill).as_posix(), path.read_text(encoding="utf-8")
    for folder, (form, ending) in FORMS.items():
        for path in sorted(skill.glob("agents/*.md")):
            yield f"{folder}/{path.stem}{ending}", form(path.read_text(encoding="utf-8"))


def render():
    out = ["// Made by tools/embed_skill.py from skill/; do not edit.",
           "constexpr SkillFile kSkillFiles[] = {"]
    for path, text in files():
        assert ')skill"' not in text, path
        out.append('{"%s", R"skill(%s)skill"},' % (path, text))
    return "\n".join(out) + "\n};\n"


def main():
    args = generated.parser(__doc__).parse_args()
    return generated.update({ROOT / "libselftune/src/install/skill.inc": render()}, args.check)


if __name__ == "__main__":
    sys.exit(main())
