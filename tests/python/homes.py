"""Homes with evidence: the recordings, and a made-up history beside them."""

import random
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))

from claude_home import Home  # noqa: E402

SKILLS = {
    "ledger-export": "Works with office documents.",
    "release-notes": "Writes the notes of a release from the commits since the last tag.",
    "query-tuner": "Tunes slow database statements: plans, indexes, locks.",
}
ASKED = {
    "ledger-export": ["sum up the invoices of {m}", "which receipts of {m} are missing",
                      "write the ledger rows for {m} to a sheet", "list refunds since {m}"],
    "release-notes": ["write release notes for {m}", "what changed since the tag of {m}",
                      "draft the announcement of the {m} release"],
    "query-tuner": ["the report of {m} takes nine seconds, make it faster",
                    "explain the plan of the {m} job", "add an index for orders of {m}"],
}
# How often the model loads the skill when it is needed.
FIRES = {"ledger-export": 0.35, "release-notes": 0.85, "query-tuner": 0.7}
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september"]


def copy_recordings(home):
    """The recorded homes of all hosts, as one."""
    recordings = sorted((TESTS / "data/hosts").glob("*/home"))
    assert recordings, "tests/data/hosts has no recorded home"
    for recording in recordings:
        shutil.copytree(recording, home, dirs_exist_ok=True, symlinks=True)


def add_history(root, sessions=230, seed=7):
    """Weeks of asking for three skills, often by name; a miss is followed by a
    complaint."""
    home = Home(root)
    for name, text in SKILLS.items():
        home.add_skill(name, text)
    rng = random.Random(seed)
    when = datetime(2026, 10, 12, 8, tzinfo=timezone.utc)
    for number in range(sessions):
        when += timedelta(hours=rng.choice([2, 4, 7]))
        skill = rng.choice(list(SKILLS))
        text = rng.choice(ASKED[skill]).format(m=rng.choice(MONTHS)) + f", part {number}"
        # One session in nine was started with the skill switched off.
        listing = dict(SKILLS)
        if number % 9 == 0:
            del listing[skill]
        session = home.session(when, listing)
        if number % 9 and rng.random() < FIRES[skill]:
            named = rng.random() < 0.6
            session.ask_with_skill(f"use the {skill} skill: {text}" if named else text, skill)
        else:
            session.ask(text).ask(f"why didn't you use the {skill} skill?")
