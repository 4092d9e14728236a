#!/usr/bin/env python3
"""Writes a home with ninety days of made-up Claude Code sessions.

    demo_home.py HOME [--now 2026-11-26T10:00:00Z]

The same HOME and time give the same bytes. Skills of every state are in it, so
that the pages have something to show: one that is missed because of what its
description says, healthy ones, one that was cut off the list, silent ones.
"""

import argparse
import random
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "e2e"))

from claude_home import Home  # noqa: E402

SKILLS = {
    "invoice-export": "Works with office documents.",
    "release-notes": "Use when a release is being prepared: collects merged changes since the last tag "
                     "and writes release notes grouped by what users notice.",
    "sql-tuning": "Use when a query is slow: reads the plan, proposes indexes and rewrites, measures again.",
    "db-migrate": "Helps with the database.",
    "flaky-test-hunter": "Use when a test fails only sometimes: reruns it under load and finds the race.",
    "terraform-review": "Use for infrastructure changes: reads a terraform plan and names what would be destroyed.",
    "api-contract": "Use when an HTTP interface changes: compares it with the published OpenAPI document.",
    "accessibility-audit": "Use to check a page against WCAG 2.2 with a keyboard and a screen reader.",
    "i18n-strings": "Use when user-visible text is added: moves it into the message catalogue.",
}

WANTED = {  # prompts for which the skill is right
    "invoice-export": ["sum up the invoices of march for the tax office", "which receipts are missing for Oslo",
                       "overdue invoices sorted by age", "close the ledger of october",
                       "billing overview for the new client", "match each receipt to a card transaction"],
    "release-notes": ["write the notes for 2.4", "what changed since the last tag, for users",
                      "prepare the announcement of the release", "draft what we tell customers about 2.5"],
    "sql-tuning": ["this select takes nine seconds", "the orders page is slow, look at the query",
                   "explain why the nightly job got slower", "which index would help the search by city"],
    "db-migrate": ["add a nullable column for the VAT id", "rename customers.mail to email without downtime",
                   "backfill the new status column", "drop the old audit table"],
    "flaky-test-hunter": ["checkout_test fails every tenth run", "CI is red again but green on retry",
                          "find out why the upload test is flaky"],
    "terraform-review": ["is this plan safe to apply", "what would the staging change destroy",
                         "review the network module change"],
    "api-contract": ["I renamed a field in the orders reply", "does the new endpoint break old clients"],
}

# skill: sessions in 90 days, share that goes well, share of the others that is a miss
MIX = {
    "invoice-export": (52, 0.30, 1.0), "release-notes": (40, 0.97, 1.0), "sql-tuning": (64, 0.92, 1.0),
    "db-migrate": (34, 0.55, 1.0), "flaky-test-hunter": (26, 0.85, 1.0),
    "terraform-review": (18, 0.9, 1.0), "api-contract": (4, 0.75, 1.0),
}


def sessions(now, random_source):
    """(when, skill, prompt, goes well), oldest first."""
    out = []
    for skill, (count, good, _) in MIX.items():
        for _ in range(count):
            age = random_source.random() ** 1.3 * 88
            when = now - timedelta(days=age, minutes=random_source.random() * 300)
            if when.weekday() >= 5:
                when -= timedelta(days=2)
            prompt = random_source.choice(WANTED[skill])
            out.append((when, skill, prompt, random_source.random() < good))
    return sorted(out)


def listing(cut):
    """What the model was shown; `cut` leaves the end of the list away."""
    shown = dict(SKILLS)
    if cut:
        for name in ("terraform-review", "i18n-strings"):
            shown.pop(name)
    return shown


def write(root, now):
    home = Home(root)
    for name, text in SKILLS.items():
        home.add_skill(name, text)
    source = random.Random(7)
    for when, skill, prompt, good in sessions(now, source):
        cut = skill == "terraform-review" and not good
        session = home.session(when, listing(cut))
        if good:
            named = source.random() < 0.4  # asked for by name: a judgement that it was right
            session.ask_with_skill(f"use the {skill} skill: {prompt}" if named else prompt, skill)
            if source.random() < 0.7:
                session.slash(skill, source.choice(["and the same for last week", "once more, shorter", "go on"]))
        else:
            session.ask(prompt)
            session.ask(source.choice([f"why didn't you use the {skill} skill?", f"you should have used {skill} here",
                                       f"use the {skill} skill for this"]))
    return home


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--now", default=None, help="RFC 3339; the current time if left out")
    args = parser.parse_args()
    now = (datetime.fromisoformat(args.now.replace("Z", "+00:00")) if args.now
           else datetime.now(timezone.utc))
    write(args.home, now)


if __name__ == "__main__":
    main()
