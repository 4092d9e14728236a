#!/usr/bin/env python3
"""A sync reads what is new, and nothing of the rest.

    reads_test.py SELFTUNE OPTIMIZATION
"""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

from homes import Home  # noqa: E402

SELFTUNE = Path(sys.argv[1]).resolve()
KIB = 1024


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class Reads(unittest.TestCase):
    def test_growth(self):
        with tempfile.TemporaryDirectory(prefix="selftune-reads-") as scratch:
            home = Home(Path(scratch) / "home", SELFTUNE)
            for number in range(12):
                home.session(number, turns=20, size=20_000)
            self.assertEqual(len(home.read("sync")), 12)
            self.assertEqual(home.read("sync"), {})
            grown = {home.file(number): home.session(number, turns=1 + number, size=5_000, first=20)
                     for number in range(4)}
            read = home.read("sync")
            self.assertEqual(set(read), set(grown))
            for file, appended in grown.items():
                print(f"{file.name}: {appended} bytes came, {read[file]} were read")
                self.assertGreaterEqual(read[file], appended)
                # The first and the last kilobyte that were read before, the last of now; performance.md allows 64.
                self.assertLessEqual(read[file], appended + 3 * KIB)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
