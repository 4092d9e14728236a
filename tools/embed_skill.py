#!/usr/bin/env python3
"""Makes skill.inc from skill/SKILL.md: what `selftune init` installs, as a C++ string literal.

  tools/embed_skill.py           writes the file
  tools/embed_skill.py --check   fails when it is not up to date
"""

import sys

import generated
from generated import ROOT


def render():
    text = (ROOT / "skill/SKILL.md").read_text(encoding="utf-8")
    assert ')skill"' not in text
    return ("// Made by tools/embed_skill.py from skill/SKILL.md; do not edit.\n"
            'constexpr char kSkillText[] = R"skill(%s)skill";\n' % text)


def main():
    args = generated.parser(__doc__).parse_args()
    return generated.update({ROOT / "libselftune/src/install/skill.inc": render()}, args.check)


if __name__ == "__main__":
    sys.exit(main())
