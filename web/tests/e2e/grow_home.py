#!/usr/bin/env python3
"""Adds a session to a home, as an agent would.

    grow_home.py HOME use SKILL          the model loads the skill
    grow_home.py HOME miss SKILL PROMPT  the person complains that it did not
"""

import sys
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import demo_home  # noqa: E402


def main(argv):
    root, what, skill = Path(argv[0]), argv[1], argv[2]
    home = demo_home.Home(root)
    if not (root / ".claude" / "skills" / skill).exists():
        home.add_skill(skill, demo_home.SKILLS[skill])
    # Ids are counted: go on after what is there.
    home.count = 1_000 + len(list((root / ".claude" / "projects").rglob("*.jsonl")))
    session = home.session(datetime.now(timezone.utc), demo_home.listing(cut=False))
    if what == "use":
        session.ask_with_skill("draft the notes", skill)
    else:
        session.ask(argv[3]).ask(f"why didn't you use the {skill} skill?")


if __name__ == "__main__":
    main(sys.argv[1:])
