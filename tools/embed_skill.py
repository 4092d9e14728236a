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


# What a specialist may use, as Claude Code and as OpenCode name it.
TOOLS = {"Read": "read", "Grep": "grep", "Glob": "glob"}


def for_opencode(text):
    """A specialist as OpenCode reads one: it has no `tools`, but permissions, the last that fits wins."""
    _, head, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert set(fields) == {"name", "description", "tools", "model"}, fields
    out = [f"description: {fields['description']}", "mode: subagent", "permission:", '  "*": deny']
    commands = []
    for tool in fields["tools"].split(", "):
        command = re.fullmatch(r"Bash\((selftune [^()*]*?)(:\*)?\)", tool)
        if command is None:
            out.append(f"  {TOOLS[tool]}: allow")
        else:
            commands.append(f'    "{command[1]}{" *" if command[2] else ""}": allow')
    return "\n".join(["---", *out, "  bash:", '    "*": deny', *commands, "---\n"]) + body


# Hosts that want specialists in a form of their own; hosts/registry.h names the folders.
FORMS = {"forms/opencode": for_opencode}


def files():
    skill = ROOT / "skill"
    for pattern in PARTS:
        for path in sorted(skill.glob(pattern)):
            yield path.relative_to(skill).as_posix(), path.read_text(encoding="utf-8")
    for folder, form in FORMS.items():
        for path in sorted(skill.glob("agents/*.md")):
            yield f"{folder}/{path.name}", form(path.read_text(encoding="utf-8"))


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
