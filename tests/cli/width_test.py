#!/usr/bin/env python3
"""What a terminal of any width shows: no line is wider, and nothing that was to be told is gone.

    width_test.py SELFTUNE SCHEMA_DIR HOME_OF_A_RECORDING [unittest arguments]
"""

import pathlib
import re
import shutil
import sys
import unicodedata
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

RECORDING = pathlib.Path()
WIDTHS = (40, 47, 60, 79, 80, 120)
# Reading commands, with what each has to say at any width.
COMMANDS = (
    (("status",), "system"),
    (("last",), None),
    (("doctor", "--exit-zero"), "db.open"),
    (("skills", "list"), None),
    (("budget",), None),
    (("evidence", "--sources"), "claude_code"),
    (("evidence", "--sessions"), "claude_code"),
    (("db", "stats"), "schema"),
    (("db", "check"), None),
    (("backup", "list"), None),
    (("config", "list"), "autonomy"),
    (("hooks", "status"), None),
    (("hooks", "list"), None),
    (("cron", "list"), None),
    (("query", "SELECT * FROM sessions LIMIT 3"), "session_id"),
    (("query", "SELECT prompt_text FROM prompts LIMIT 3"), None),
    (("version",), "commit"),
    (("help",), "selftune help --all"),
    (("help", "exit-codes"), "not initialised"),
    (("sync", "--help"), "--since"),
    (("evolve", "--help"), "--review-required"),
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def width_of(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def may_be_wider(line):
    """One word that cannot be broken, behind a mark; or a command, which is there to be copied."""
    bare = line.strip().removeprefix("→").strip()
    return " " not in bare or bare.startswith("selftune ")


class Width(cli_case.CliTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(RECORDING, self.home, dirs_exist_ok=True, symlinks=True)
        for name in ("pdf", "a-skill-with-a-rather-long-name-that-fills-a-column"):
            path = self.home / ".claude/skills" / name / "SKILL.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("---\nname: %s\ndescription: %s\n---\n" % (name, "Fills forms, whatever they are. " * 9))
        self.make_store()

    def shown(self, columns, *argv, colour=False):
        code, text = self.on_terminal(*argv, env=self.env(NO_COLOR=None if colour else "1"), columns=columns)
        self.assertIn(code, (0, 6), argv)  # 6: there is nothing to show
        return text

    def test_no_line_is_wider_than_the_terminal(self):
        for argv, words in COMMANDS:
            for columns in WIDTHS:
                with self.subTest(argv=argv, columns=columns):
                    text = self.shown(columns, *argv)
                    wide = [line for line in text.splitlines() if width_of(line) > columns and not may_be_wider(line)]
                    self.assertEqual(wide, [])
                    if words is not None:
                        self.assertIn(words, " ".join(text.split()))

    def test_colours_take_no_room_and_change_no_word(self):
        for argv, _ in COMMANDS[:4]:
            for columns in (40, 60):
                with self.subTest(argv=argv, columns=columns):
                    coloured = self.shown(columns, *argv, colour=True)
                    self.assertIn("\x1b[", coloured)
                    wide = [line for line in COLOUR.sub("", coloured).splitlines()
                            if width_of(line) > columns and not may_be_wider(line)]
                    self.assertEqual(wide, [])

    def test_a_text_is_folded_and_nothing_of_it_is_lost(self):
        for argv in (("doctor", "--only", "db.*"), ("help",), ("sync", "--help"), ("help", "exit-codes")):
            whole = self.shown(200, *argv).split()
            for columns in WIDTHS:
                with self.subTest(argv=argv, columns=columns):
                    self.assertEqual(self.shown(columns, *argv).split(), whole)

    def test_help_is_written_for_the_width_there_is(self):
        for line in self.shown(40, "sync", "--help").splitlines():
            self.assertLess(len(line) - len(line.lstrip()), 24, line)  # of 40 columns some are for words

    def test_a_table_that_does_not_fit_becomes_a_list_of_its_rows(self):
        sql = "SELECT 'first' AS name, 1 AS one, 2 AS two, 3 AS three, 4 AS four, 5 AS five, 6 AS six"
        self.assertEqual(self.shown(80, "query", sql).splitlines()[0].split(),
                         ["name", "one", "two", "three", "four", "five", "six"])
        narrow = self.shown(24, "query", sql).splitlines()  # as 40 columns: no terminal is narrower
        self.assertEqual(narrow[0].split()[0], "name")
        more = sql + ", 7 AS seventeen_hundred, 8 AS eighteen_hundred"
        lines = [line.rstrip() for line in self.shown(40, "query", more).splitlines()]
        self.assertEqual(lines[0], "first")
        self.assertEqual(lines[1].split(), ["one", "1"])
        self.assertEqual(lines[-1].split()[-1], "8")

    def test_a_file_is_not_folded(self):
        for argv in (("schema", "selftune/status@1"), ("man", "selftune")):
            with self.subTest(argv=argv):
                self.assertEqual(self.shown(40, *argv), self.shown(120, *argv))


if __name__ == "__main__":
    cli_case.SELFTUNE = str(pathlib.Path(sys.argv[1]).resolve())
    cli_case.load_schemas(sys.argv[2])
    RECORDING = pathlib.Path(sys.argv[3]).resolve()
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
