#!/usr/bin/env python3
"""Stores of every schema version so far open, and every read-out works on them.

    golden_test.py SELFTUNE

tests/data/store/v<N>.sql is a store of version N as text, with rows in every
table. SELFTUNE_ACCEPT=1 writes the one of this version anew: versions that were
released never change.
"""

import hashlib
import math
import os
import re
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path

import scene
from scene import Home, StoreTest, dump, tree

StoreTest.program = Path(sys.argv[1]).resolve()
FOLDER = scene.TESTS / "data" / "store"
SCHEMA = (scene.TESTS.parent / "libselftune" / "src" / "store" / "schema.sql").read_text(encoding="utf-8")
THIS = 1
MARK = 0x5354554E
READ_OUTS = (["status"], ["last"], ["doctor", "--exit-zero"], ["skills", "list"], ["evidence"],
             ["evidence", "--sessions"], ["evidence", "--sources"], ["evidence", "--bad-lines"],
             ["evidence", "--signals"], ["proposals", "list"], ["db", "stats"], ["db", "check", "--deep", "--exit-zero"],
             ["llm", "usage"], ["query", "SELECT count(*) FROM skill_invocations"], ["budget"])
WRITERS = (["sync"], ["db", "vacuum"], ["db", "migrate"], ["forget", "--before", "1d", "--yes"],
           ["recover", "--yes"], ["import", "."])


def digest():
    return hashlib.sha256(SCHEMA.encode()).hexdigest()


def stated(text):
    return re.search(r"-- schema ([0-9a-f]+)", text).group(1)


def tables_of(db):
    return [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'"
                                     " ORDER BY 1")]


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, float):
        return "9e999" if math.isinf(value) else repr(value)
    if isinstance(value, str) and not value.isprintable():
        return f"CAST(X'{value.encode().hex()}' AS TEXT)"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def write_golden(home, path):
    """The schema's digest, then rows with their columns by name."""
    db = sqlite3.connect(home.database)
    out = [f"-- selftune.db, schema version {THIS}; made by tests/store/golden_test.py",
           f"-- schema {digest()}"]
    for table in tables_of(db):
        columns = ",".join(f'"{c[1]}"' for c in db.execute(f'PRAGMA table_info("{table}")'))
        for row in db.execute(f'SELECT {columns} FROM "{table}"'):
            row = [v.replace(str(home.path), "/home/dev") if isinstance(v, str) else v for v in row]
            out.append(f'INSERT INTO "{table}"({columns}) VALUES({",".join(map(literal, row))});')
    db.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


def load_golden(path, database, schema):
    database.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(schema)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type='trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f'DROP TRIGGER "{name}"')
    db.execute("BEGIN")
    for table in tables_of(db):
        db.execute(f'DELETE FROM "{table}"')
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("INSERT"):
            db.execute(line)
    # The views are those of the program that opens it.
    db.execute("DELETE FROM meta WHERE key='views_sha256'")
    for _, sql in triggers:
        db.execute(sql)
    db.execute("COMMIT")
    db.execute(f"PRAGMA application_id={MARK}")
    db.execute(f"PRAGMA user_version={re.search(r'v([0-9]+)', path.stem).group(1)}")
    db.close()
    database.chmod(0o600)


class Golden(StoreTest):
    @classmethod
    def setUpClass(cls):
        if os.environ.get("SELFTUNE_ACCEPT") != "1":
            return
        with tempfile.TemporaryDirectory(prefix="selftune-golden-") as folder:
            home = Home(Path(folder) / "home", cls.program)
            scene.all_recordings(home.path, {"pi"})
            home.good("sync")
            scene.add_decisions(home.database)
            home.good("forget", "--session", home.sql("SELECT max(session_id) FROM session")[0][0], "--yes")
            scene.add_rest(home.database)
            write_golden(home, FOLDER / f"v{THIS}.sql")

    def test_every_version_opens(self):
        files = sorted(FOLDER.glob("v*.sql"))
        self.assertIn(f"v{THIS}.sql", [f.name for f in files])
        for file in files:
            with self.subTest(file.stem):
                home = self.home(file.stem)
                load_golden(file, home.database, SCHEMA)
                self.read_out(home, file)

    def read_out(self, home, file):
        empty = {t for t, rows in dump(home.database).items() if not rows}
        text = file.read_text(encoding="utf-8")
        later = {t for t in empty if f'INSERT INTO "{t}"' not in text} if stated(text) != digest() else set()
        # What waits inside a transaction is all that may be empty.
        self.assertEqual(empty - later - {"rollup_dirty"}, set())
        home.good("db", "migrate")
        home.good("sync", "--only", "pi")  # a writer, which makes the views
        before = dump(home.database)
        for command in READ_OUTS:
            with self.subTest(" ".join(command)):
                home.good(*command)
        for view, in home.sql("SELECT name FROM sqlite_schema WHERE type='view'"):
            home.good("query", f"SELECT * FROM {view}", "--limit", "5")
        session = home.sql("SELECT session_id FROM sessions ORDER BY 1 LIMIT 1")[0][0]
        home.good("evidence", "--session", session)
        self.assert_same_rows(before, dump(home.database), ("change_clock",))
        self.assert_sound(home)
        self.assertGreater(home.sql("SELECT count(*) FROM prompts")[0][0], 20)

    def test_this_version_is_the_golden_one(self):
        """Until 0.1.0 the schema may change in place; then ./dev accept makes the file anew."""
        file = FOLDER / f"v{THIS}.sql"
        if stated(file.read_text(encoding="utf-8")) != digest():
            print(f"{file.name} has another schema than schema.sql: ./dev accept makes it anew", file=sys.stderr)

    def test_a_newer_store_is_read_if_it_allows_that_and_never_written(self):
        home = self.home()
        load_golden(FOLDER / f"v{THIS}.sql", home.database, SCHEMA)
        home.good("sync", "--only", "pi")
        home.good("db", "vacuum")
        db = home.connect()
        db.execute(f"PRAGMA user_version={THIS + 1}")
        db.execute("UPDATE meta SET value='1' WHERE key='min_reader'")
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        home.good("status")
        home.good("query", "SELECT count(*) FROM prompts")
        before = tree(home.path)

        def kept():
            return {k: v for k, v in tree(home.path).items() if not k.endswith(("-shm", "-wal")) and "locks" not in k}

        for command in WRITERS:
            with self.subTest(" ".join(command)):
                code, reply = home.run(*command)
                if command[0] == "import":  # there is no archive
                    self.assertNotEqual(code, 0)
                    continue
                if command == ["db", "migrate"] and code == 0:
                    self.assertFalse(reply["changed"])
                    continue
                self.assertEqual((code, reply["error"]["code"]), (5, "SCHEMA_NEWER"), reply["error"])
        self.assertEqual(kept(), {k: v for k, v in before.items()
                                  if not k.endswith(("-shm", "-wal")) and "locks" not in k})
        db = home.connect()
        db.execute(f"UPDATE meta SET value='{THIS + 1}' WHERE key='min_reader'")
        db.commit()
        db.close()
        code, reply = home.run("status")
        self.assertEqual((code, reply["error"]["code"]), (5, "SCHEMA_NEWER"))


if __name__ == "__main__":
    scene.main(2)
