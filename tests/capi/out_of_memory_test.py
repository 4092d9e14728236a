#!/usr/bin/env python3
"""Makes the homes that out_of_memory.cc works on and runs it.

    out_of_memory_test.py PROGRAM
"""

import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))

import loop_test  # noqa: E402
from claude_home import Home  # noqa: E402

NOW = datetime(2026, 11, 17, 12, tzinfo=timezone.utc)  # shortly before the program's clock


def small_home(root):
    home = Home(root)
    home.add_skill(loop_test.SKILL, loop_test.OLD)
    session = home.session(NOW, {loop_test.SKILL: loop_test.OLD})
    session.ask_with_skill("sum up the invoices of march", loop_test.SKILL)
    session.ask("and those of april").ask(f"why didn't you use the {loop_test.SKILL} skill?")
    home.session(NOW, {loop_test.SKILL: loop_test.OLD}).slash(loop_test.SKILL, "of may")
    rollouts = sorted((TESTS / "data/hosts/codex/home").rglob("rollout-*.jsonl"),
                      key=lambda path: path.stat().st_size)
    for rollout in rollouts[:2]:
        target = root / rollout.relative_to(TESTS / "data/hosts/codex/home")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(rollout, target)


def main():
    with tempfile.TemporaryDirectory(prefix="selftune-oom-") as scratch:
        root = Path(scratch)
        small_home(root / "small")
        loop_test.history(loop_test.free_home(root), NOW)
        done = subprocess.run([sys.argv[1], root / "small", root / "home", loop_test.SKILL, root],
                              check=False, timeout=900)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
