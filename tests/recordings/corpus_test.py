#!/usr/bin/env python3
"""Made-up homes of 12 MB whose exact totals are known.

    corpus_test.py SELFTUNE SEED...

For each seed: a first sync, a second, a forced one, growth, and a store made
anew from the grown home must all agree with the manifest.
"""

import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "perf"))
sys.path.insert(0, str(TESTS / "recordings"))

import corpora  # noqa: E402
import recordings_test as recordings  # noqa: E402
import subject as programs  # noqa: E402


class Case:
    def __init__(self):
        self.passed = self.failed = 0

    def step(self, title, function):
        try:
            function()
            self.passed += 1
        except (corpora.WrongResult, RuntimeError) as error:
            print(f"{title}: {error}")
            self.failed += 1


def same(database, digest, what):
    if programs.evidence_digest(database) != digest:
        raise RuntimeError(f"{what} changed the evidence")


def one_seed(case, selftune, seed, scratch):
    corpus = corpora.make(scratch, "S", seed)
    home = corpus.home
    database = recordings.sync(selftune, home)
    case.step(f"seed {seed}: first sync", lambda: corpora.check(database, corpus))
    digest = programs.evidence_digest(database)
    recordings.sync(selftune, home)
    case.step(f"seed {seed}: second sync", lambda: same(database, digest, "a second sync"))
    recordings.sync(selftune, home, "--force")
    case.step(f"seed {seed}: forced sync", lambda: same(database, digest, "a forced sync"))
    for turn in range(3):
        corpus.grow()
        recordings.sync(selftune, home)
        case.step(f"seed {seed}: growth {turn + 1}", lambda: corpora.check(database, corpus))
    grown = programs.evidence_digest(database)
    for file in database.parent.glob("selftune.db*"):
        file.unlink()
    recordings.sync(selftune, home)
    case.step(f"seed {seed}: anew", lambda: corpora.check(database, corpus))
    case.step(f"seed {seed}: anew and grown agree",
              lambda: same(database, grown, "building the store anew"))


def main():
    selftune = Path(sys.argv[1]).resolve()
    case = Case()
    for seed in sys.argv[2:]:
        with tempfile.TemporaryDirectory(prefix="selftune-corpus-") as scratch:
            try:
                one_seed(case, selftune, seed, scratch)
            except RuntimeError as error:
                print(f"seed {seed}: {error}")
                case.failed += 1
    print(f"{case.passed} passed, {case.failed} failed")
    return 1 if case.failed else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
