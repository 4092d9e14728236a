#!/usr/bin/env python3
"""Test cases are counted from what the runners print; nothing failed is lost."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "dev"))
sys.dont_write_bytecode = True

from suites import Count, count_result  # noqa: E402

DOCTEST = ("[doctest] test cases:  12 |  {} passed | {} failed | 0 skipped\n"
           "[doctest] assertions: 140 | 139 passed | 1 failed |\n")


class CountingTest(unittest.TestCase):
    def test_doctest_cases(self):
        self.assertEqual(count_result("OK", DOCTEST.format(12, 0)), Count(12, 0))
        self.assertEqual(count_result("FAIL", DOCTEST.format(11, 1)), Count(11, 1))

    def test_colours_do_not_matter(self):
        text = DOCTEST.format("\x1b[32m12", "\x1b[0m0").replace("12 passed", "12 passed\x1b[0m")
        self.assertEqual(count_result("OK", text), Count(12, 0))

    def test_unittest_cases(self):
        self.assertEqual(count_result("OK", "Ran 19 tests in 0.2s\n\nOK\n"), Count(19, 0))
        failed = "Ran 19 tests in 0.2s\n\nFAILED (failures=2, errors=1)\n"
        self.assertEqual(count_result("FAIL", failed), Count(16, 3))

    def test_skipped_cases_are_not_passed(self):
        self.assertEqual(count_result("OK", "Ran 6 tests in 0.2s\n\nOK (skipped=6)\n"), Count(0, 0, 6))
        mixed = "Ran 9 tests in 0.2s\n\nFAILED (failures=1, errors=1, skipped=3)\n"
        self.assertEqual(count_result("FAIL", mixed), Count(4, 2, 3))

    def test_plain_closing_lines(self):
        self.assertEqual(count_result("OK", "codex: 9 facts\n40 passed, 0 failed\n"), Count(40, 0))

    def test_a_program_without_counts_is_one_case(self):
        self.assertEqual(count_result("OK", "fine\n"), Count(1, 0))
        self.assertEqual(count_result("FAIL", "broken\n"), Count(0, 1))

    def test_a_crash_after_good_cases_still_fails(self):
        self.assertEqual(count_result("FAIL", DOCTEST.format(12, 0)), Count(12, 1))
        self.assertEqual(count_result("TIMEOUT", ""), Count(0, 1))

    def test_a_skipped_program_is_one_case(self):
        self.assertEqual(count_result("SKIP", ""), Count(0, 0, 1))


if __name__ == "__main__":
    unittest.main()
