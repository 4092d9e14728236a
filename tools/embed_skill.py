#!/usr/bin/env python3
"""Makes skill.inc from skill/: the files that `selftune init` installs, as C++ string literals.

  tools/embed_skill.py           writes the file
  tools/embed_skill.py --check   fails when it is not up to date
"""

import sys

import generated
from generated import ROOT

PARTS = ("SKILL.md", "workflows/*.md", "references/*.md", "agents/*.md")


def render():
    out = ["// Made by tools/embed_skill.py from skill/; do not edit.",
           "constexpr SkillFile kSkillFiles[] = {"]
    for pattern in PARTS:
        for path in sorted((ROOT / "skill").glob(pattern)):
            text = path.read_text(encoding="utf-8")
            assert ')skill"' not in text, path
            out.append('{"%s", R"skill(%s)skill"},' % (path.relative_to(ROOT / "skill").as_posix(), text))
    return "\n".join(out) + "\n};\n"


def main():
    args = generated.parser(__doc__).parse_args()
    return generated.update({ROOT / "libselftune/src/install/skill.inc": render()}, args.check)


if __name__ == "__main__":
    sys.exit(main())
