#!/usr/bin/env python3
"""The symbol check names what was added, what is gone and what leaks."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True

import check_symbols  # noqa: E402

NM = """\
0000000000000000 A SELFTUNE_0
0000000000001120 T selftune_open@@SELFTUNE_0
0000000000001150 T selftune_close@@SELFTUNE_0
"""


class SymbolsTest(unittest.TestCase):
    def test_versions_and_version_nodes_are_not_names(self):
        self.assertEqual(check_symbols.parse_nm(NM), {"selftune_open", "selftune_close"})

    def test_equal_lists_have_no_difference(self):
        self.assertEqual(check_symbols.differences({"selftune_a"}, {"selftune_a"}), [])

    def test_additions_and_removals_are_named(self):
        found = check_symbols.differences({"selftune_a"}, {"selftune_b"})
        self.assertEqual(found, ["added, not in the list: selftune_a",
                                 "gone, still in the list: selftune_b"])

    def test_a_leaked_name_is_reported_even_when_listed(self):
        found = check_symbols.differences({"_ZN4absl1x"}, {"_ZN4absl1x"})
        self.assertEqual(found, ["not prefixed selftune_: _ZN4absl1x"])


if __name__ == "__main__":
    unittest.main()
