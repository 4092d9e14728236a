#!/usr/bin/env python3
"""Memory of a sync does not follow the size or number of what it reads; an import holds few copies of a text.

    memory_test.py SELFTUNE OPTIMIZATION
"""

import json
import platform
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

from homes import TESTS, Home  # noqa: E402

sys.path.insert(0, str(TESTS / "data" / "upstream"))
import reference  # noqa: E402

SELFTUNE = Path(sys.argv[1]).resolve()
MIB = 1024 * 1024
LIMIT = 64 * MIB  # performance.md 3.1, at any size


class Memory(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-memory-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def peak(self, name, fill):
        home = Home(self.folder / name, SELFTUNE)
        fill(home)
        peak = home.peak("sync")
        print(f"{name}: {peak / MIB:.1f} MiB")
        self.assertLess(peak, LIMIT)
        return peak

    @unittest.skipUnless(platform.libc_ver()[0] == "glibc", "keeps little by itself")
    def test_the_c_library_is_told_how_much_to_keep(self):
        """Left to itself it takes a quarter more on thousands of files, which no home here has."""
        self.assertIn(b"\0mallopt\0", SELFTUNE.read_bytes())

    def test_one_large_session(self):
        """A session twenty times as long takes as much."""
        small = self.peak("a session of 1 MB", lambda home: home.session(1, turns=25, size=40_000))
        large = self.peak("a session of 20 MB", lambda home: home.session(1, turns=500, size=40_000))
        self.assertLess(large, small + 8 * MIB)

    def test_long_lines(self):
        """Lines that are longer than any buffer grow one, not several."""
        def fill(home):
            home.session(1, turns=2, size=30 * MIB)
            home.session(2, turns=2)
        self.peak("lines of 30 MiB", fill)

    def test_lines_that_are_no_records(self):
        """Neither garbage nor text without a break is held until its end comes."""
        kinds = {"words": (b"", b"x", b""), "no object": (b"{", b"x", b"}"),
                 "escapes": (b'{"type":"user","uuid":"u","message":{"role":"user","content":"', b"\\n", b'"}}')}
        for name, (begin, middle, end) in kinds.items():
            with self.subTest(name):
                home = Home(self.folder / name, SELFTUNE)
                home.session(1, turns=1)
                with open(home.file(1), "ab") as out:
                    out.write(begin)
                    for _ in range(62):
                        out.write(middle * (MIB // len(middle)))
                    out.write(end + b"\n")
                home.session(1, turns=1, first=1)
                peak = home.peak("sync")
                print(f"62 MiB of {name}: {peak / MIB:.1f} MiB")
                self.assertLess(peak, LIMIT / 2)
                reply, _ = home.run("query", "SELECT (SELECT count(*) FROM bad_lines), count(*) FROM prompts")
                self.assertEqual(reply["data"]["rows"][0], [0, 3] if name == "escapes" else [1, 2])

    def test_line_above_the_limit(self):
        """What is too long for a record is a bad line; those around it count."""
        home = Home(self.folder / "too long", SELFTUNE)
        home.session(1, turns=1)
        with open(home.file(1), "ab") as out:
            out.write(b'{"type":"user","message":"')
            for _ in range(70):
                out.write(b"x" * MIB)
            out.write(b'"}\n')
        home.session(1, turns=1, first=1)
        self.assertLess(home.peak("sync"), LIMIT)
        reply, _ = home.run("query", "SELECT count(*) FROM prompts")
        self.assertEqual(reply["data"]["rows"], [[2]])
        reply, _ = home.run("query", "SELECT reason FROM bad_lines")
        self.assertEqual(reply["data"]["rows"], [["too_long"]])


    def test_many_files(self):
        """What is remembered of a file that waits to be read is little."""
        def files(count):
            def fill(home):
                for number in range(count):
                    home.session(number, turns=1, size=100)
            return fill
        few = self.peak("300 files", files(300))
        many = self.peak("3,300 files", files(3_300))
        print(f"a file more: {(many - few) / 3_000:.0f} bytes")
        self.assertLess(many - few, 3_000 * 1_400)


class Import(unittest.TestCase):
    """Of the TypeScript selftune's texts. SQLite itself holds a value that is read, and one that is written."""

    SIZE = 15 * MIB  # longer lines of a log lose their middles
    # What is long, and how often its longest text may lie in memory.
    COPIES = {"a prompt": 3.5, "two prompts of a session": 4.5, "a row without a place": 4.2, "a line of a log": 5}

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-memory-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def fill(self, folder, kind, text):
        """Writes what is to be imported; the arguments that name it."""
        if kind == "a line of a log":
            line = {"timestamp": reference.at(0), "session_id": "s", "query": text}
            (folder / "all_queries_log.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
            return "--logs", str(folder)
        db = sqlite3.connect(folder / "old.db")
        for name, columns in reference.TABLES.items():
            db.execute(f"CREATE TABLE {name}({columns})")
        if kind == "a row without a place":
            db.execute("INSERT INTO unit_test_files VALUES('pdf', ?, ?)", (reference.at(0), text))
        else:
            db.execute("INSERT INTO sessions(session_id, platform) VALUES('s', 'claude_code')")
            for number in range(2 if kind.startswith("two") else 1):
                db.execute("INSERT INTO prompts(prompt_id, session_id, occurred_at, prompt_kind, is_actionable,"
                           " prompt_index, prompt_text) VALUES(?, 's', ?, 'user', 1, ?, ?)",
                           (f"s:p{number}", reference.at(number), number, f"{number} {text}"))
        db.commit()
        db.close()
        return "--db", str(folder / "old.db")

    def fill_session(self, folder, texts, words):
        """A session whose every text lies there four times, as the reference wrote it."""
        db = sqlite3.connect(folder / "old.db")
        for name, columns in reference.TABLES.items():
            db.execute(f"CREATE TABLE {name}({columns})")
        db.execute("INSERT INTO sessions(session_id, platform) VALUES('s', 'claude_code')")
        for number in range(texts):
            text, at = f"{number} {words}", reference.at(number)
            db.execute("INSERT INTO prompts(prompt_id, session_id, occurred_at, prompt_kind, is_actionable,"
                       " prompt_index, prompt_text) VALUES(?, 's', ?, 'user', 1, ?, ?)", (f"s:p{number}", at, number, text))
            db.execute("INSERT INTO queries(timestamp, session_id, query) VALUES(?, 's', ?)", (at, text))
            db.execute("INSERT INTO skill_usage(timestamp, session_id, skill_name, skill_path, query, triggered)"
                       " VALUES(?, 's', 'pdf', '', ?, 1)", (at, text))
            db.execute("INSERT INTO skill_invocations(skill_invocation_id, session_id, occurred_at, skill_name, query,"
                       " matched_prompt_id, triggered) VALUES(?, 's', ?, 'pdf', ?, ?, 1)",
                       (f"s:s{number}", at, text, f"s:p{number}"))
        db.commit()
        db.close()

    def test_sessions_of_any_size(self):
        """Of a session that is imported no more than a row is held, and where the others are."""
        def peak(name, texts, size):
            home, folder = Home(self.folder / name, SELFTUNE), self.folder / (name + ", old")
            folder.mkdir()
            self.fill_session(folder, texts, "w" * size)
            peak = home.peak("import", "upstream", "--db", str(folder / "old.db"))
            print(f"import of a session of {name}: {peak / MIB:.1f} MiB")
            reply, _ = home.run("query", "SELECT count(*) FROM prompts")
            self.assertEqual(reply["data"]["rows"], [[texts]])
            return peak

        short = peak("one word", 1, 1)
        self.assertLess(peak("30 texts of 1 MiB", 30, MIB), short + 24 * MIB)
        self.assertLess(peak("4,000 short texts", 4_000, 100), short + 24 * MIB)

    def peak(self, name, kind, text):
        home = Home(self.folder / name, SELFTUNE)
        folder = self.folder / (name + ", old")
        folder.mkdir()
        return home.peak("import", "upstream", *self.fill(folder, kind, text))

    def test_long_texts(self):
        for kind, copies in self.COPIES.items():
            with self.subTest(kind):
                short = self.peak(kind + ", short", kind, "a few words")
                long = self.peak(kind, kind, ("words, " * (self.SIZE // 7 + 1))[:self.SIZE])
                print(f"import of {kind}, 15 MiB: {(long - short) / self.SIZE:.2f} times that, limit {copies:g}")
                self.assertLess(long - short, copies * self.SIZE)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
