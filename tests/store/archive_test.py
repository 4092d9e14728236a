#!/usr/bin/env python3
"""What export wrote comes back: every row, into a new store or one that has them.

    archive_test.py SELFTUNE
"""

import json
import os
import random
import shutil
import sqlite3
import sys
import unittest
from pathlib import Path

import scene
from scene import FullStore, StoreTest, dump, tree

StoreTest.program = Path(sys.argv[1]).resolve()
# The change clock and what is noted at each command.
MOVES = ("change_clock", "meta")


class Archive(StoreTest):
    @classmethod
    def tearDownClass(cls):
        FullStore.drop()

    def setUp(self):
        super().setUp()
        self.full = FullStore.get(self.program)
        self.archive = self.scratch / "archive"

    def export(self, *options, home=None):
        return (home or self.full).good("export", self.archive, *options)["data"]

    def test_every_table_has_rows_here(self):
        rows = dump(self.full.database)
        golden = (scene.TESTS / "data" / "store" / "v1.sql").read_text(encoding="utf-8")
        filled = {t for t in rows if f'INSERT INTO "{t}"' in golden}
        self.assertGreater(len(filled), 45)
        # Only what needs damage, a file read twice, or a wish.
        self.assertLessEqual({t for t in filled if not rows[t]},
                             {"bad_line", "part_metric", "part_tool", "session_part", "forgotten"})

    def test_a_round_trip_gives_the_same_rows(self):
        for form in ("jsonl", "sqlite"):
            with self.subTest(form):
                shutil.rmtree(self.archive, ignore_errors=True)
                self.export("--format", form)
                other = self.home(f"other-{form}")
                reply = other.good("import", self.archive)
                self.assertTrue(reply["changed"])
                self.assertTrue(reply["data"]["replaced"] and reply["data"]["reconciled"])
                # Right after it, nothing has been opened for writing.
                self.assert_same_rows(dump(self.full.database), dump(other.database))
                self.assert_sound(other)
                self.assertEqual(other.good("status")["data"]["totals"] if "totals" in
                                 other.good("status")["data"] else None,
                                 self.full.good("status")["data"].get("totals"))
                self.assertEqual(oct(other.database.stat().st_mode & 0o777), "0o600")
                again = self.scratch / f"again-{form}"
                other.good("export", again)
                if form == "jsonl":
                    for file in sorted(self.archive.glob("*.jsonl")):
                        if file.stem not in MOVES:
                            self.assertEqual(file.read_bytes(), (again / file.name).read_bytes(), file.name)

    def test_files_are_for_the_owner_only_and_the_manifest_counts_them(self):
        data = self.export()
        manifest = json.loads((self.archive / "manifest.json").read_text())
        self.assertEqual(manifest, data["manifest"])
        self.assertEqual((manifest["format_version"], manifest["schema_version"]), (1, 1))
        tables = {f["table"]: f for f in manifest["files"]}
        self.assertEqual(set(tables), set(dump(self.full.database)))
        for table, rows in dump(self.full.database).items():
            self.assertEqual(tables[table]["rows"], len(rows), table)
        for file in self.archive.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)
        self.assertEqual(self.archive.stat().st_mode & 0o777, 0o700)

    def test_importing_twice_changes_nothing(self):
        self.export()
        other = self.home("other")
        other.good("import", self.archive)
        before = dump(other.database)
        reply = other.good("import", self.archive)
        self.assertFalse(reply["changed"])
        self.assertEqual(sum(t["imported"] for t in reply["data"]["tables"]), 0)
        self.assertIsNone(reply["data"]["receipt"])
        self.assert_same_rows(before, dump(other.database))
        # Nor into the store it came from.
        self.assertFalse(self.full.good("import", self.archive)["changed"])

    def test_a_store_that_only_knows_installed_skills_is_replaced(self):
        self.export()
        other = self.home("other")
        skill = other.path / ".claude" / "skills" / "mine"
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text("---\nname: mine\ndescription: Mine.\n---\n\n# Mine\n")
        other.good("sync")
        reply = other.good("import", self.archive)
        self.assertTrue(reply["data"]["replaced"])
        self.assert_same_rows(dump(self.full.database), dump(other.database))
        undo = reply["data"]["receipt"]["undo"]["argv"]
        other.good(*undo[1:])
        self.assertEqual(other.sql("SELECT count(*) FROM session"), [(0,)])
        self.assertEqual(other.sql("SELECT name FROM skill WHERE name='mine'"), [("mine",)])

    def test_missing_rows_are_added_and_figures_stay_true(self):
        self.export()
        other = self.copy_of(self.full, "other")
        db = other.connect()
        db.execute("PRAGMA foreign_keys=ON")
        gone = [r[0] for r in db.execute(
            "SELECT session_pk FROM session WHERE session_pk NOT IN (SELECT session_pk FROM watch_observation)"
            " AND root_pk=session_pk AND session_pk NOT IN (SELECT root_pk FROM session WHERE root_pk<>session_pk)"
            " AND session_pk IN (SELECT session_pk FROM observation WHERE effective=1) LIMIT 5")]
        self.assertEqual(len(gone), 5)
        for pk in gone:
            actionable, = db.execute("SELECT count(*) FROM prompt WHERE session_pk=? AND actionable=1", (pk,)).fetchone()
            metrics, = db.execute("SELECT count(*) FROM session_metric WHERE session_pk=?", (pk,)).fetchone()
            db.execute("DELETE FROM observation WHERE session_pk=?", (pk,))
            db.execute("DELETE FROM session WHERE session_pk=?", (pk,))
            db.execute("UPDATE counter SET value=value-1 WHERE name='sessions'")
            db.execute("UPDATE counter SET value=value-? WHERE name='prompts'", (actionable,))
            db.execute("UPDATE counter SET value=value-? WHERE name='telemetry'", (metrics,))
        db.commit()
        db.close()
        planned = other.good("import", self.archive, "--dry-run")
        self.assertFalse(planned["changed"])
        reply = other.good("import", self.archive)
        self.assertEqual(planned["data"]["tables"], reply["data"]["tables"])
        self.assertFalse(reply["data"]["replaced"])
        added = {t["name"]: t["imported"] for t in reply["data"]["tables"]}
        self.assertEqual(added["session"], 5)
        self.assert_same_rows(dump(self.full.database), dump(other.database),
                              (*MOVES, "skill_total", "skill_day"))
        self.assert_sound(other)
        other.good(*reply["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(other.sql("SELECT count(*) FROM session WHERE session_pk IN (%s)"
                                   % ",".join(map(str, gone))), [(0,)])

    def test_a_row_with_another_content_refuses_the_archive(self):
        self.export()
        other = self.copy_of(self.full, "other")
        db = other.connect()
        pk, = db.execute("SELECT max(prompt_pk) FROM prompt").fetchone()
        db.execute("UPDATE prompt SET native_id='changed' WHERE prompt_pk=?", (pk,))
        db.execute("DELETE FROM llm_call WHERE call_id='c3'")  # comes before it
        db.commit()
        db.close()
        before = dump(other.database)
        for options in ([], ["--dry-run"]):
            code, reply = other.run("import", self.archive, *options)
            self.assertEqual((code, reply["error"]["code"]), (2, "CONFLICTED"))
            self.assertIn(f"prompt {pk} ", reply["error"]["message"])
            self.assertEqual(reply["next"]["argv"], ["selftune", "import", str(self.archive), "--home", f"{self.archive}-home"])
        self.assert_same_rows(before, dump(other.database))

    def test_the_archive_of_another_machine_is_refused_with_the_way_out(self):
        self.export()
        other = self.home("other")
        scene.all_recordings(other.path, {"pi"})
        other.good("sync")
        before = dump(other.database)
        code, reply = other.run("import", self.archive)
        self.assertEqual((code, reply["error"]["code"]), (2, "CONFLICTED"))
        self.assertIn("of another store", reply["error"]["message"])
        self.assert_same_rows(before, dump(other.database))
        code, reply = other.run(*reply["next"]["argv"][1:])
        self.assertEqual(code, 0, reply["error"])

    def test_rows_that_are_not_what_was_written_are_refused(self):
        """The digests of the files are right: somebody changed rows before the export."""
        forged = self.copy_of(self.full, "forged")
        for sql, what in (("UPDATE evolution_event SET details='another' WHERE event_id='ev-2'", "does not continue the chain"),
                          ("UPDATE meta SET value='4 '||substr(value,3) WHERE key='evolution_chain'", "steps were written"),
                          ("UPDATE proposal SET state='approved'", "its last step is"),
                          ("UPDATE body SET text=text||'!' WHERE body_id=(SELECT min(body_id) FROM body WHERE text IS NOT NULL)", "digest")):
            shutil.rmtree(forged.state)
            shutil.copytree(self.full.state, forged.state)
            db = forged.connect()
            trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name='evolution_no_update'").fetchone()[0]
            db.execute("DROP TRIGGER evolution_no_update")
            db.execute(sql)
            db.execute(trigger)
            db.commit()
            db.close()
            shutil.rmtree(self.archive, ignore_errors=True)
            self.export(home=forged)
            for home in (self.home("empty"), self.copy_of(self.full, "whole-" + what.split()[0])):
                before = dump(home.database) if home.database.exists() else None
                code, reply = home.run("import", self.archive)
                self.assertEqual((code, reply["error"]["code"]), (1, "STORE_CORRUPT"), sql)
                self.assertIn(what, reply["error"]["message"])
                if before is not None:
                    self.assert_same_rows(before, dump(home.database))

    def test_a_dry_run_changes_nothing(self):
        self.export()
        for home in (self.home("empty"), self.copy_of(self.full, "other")):
            before = tree(home.path)
            reply = home.good("import", self.archive, "--dry-run")
            self.assertFalse(reply["changed"])
            self.assertIsNone(reply["data"]["receipt"])
            after = tree(home.path)
            self.assertEqual({k: v for k, v in after.items() if not k.endswith("-shm")},
                             {k: v for k, v in before.items() if not k.endswith("-shm")})

    def refused(self, home, code="STORE_CORRUPT"):
        before = tree(home.path)
        status, reply = home.run("import", self.archive)
        self.assertNotEqual(status, 0)
        self.assertEqual(reply["error"]["code"], code, reply["error"])
        self.assertEqual(tree(home.path), before)
        return reply["error"]["message"]

    def test_a_damaged_archive_names_the_row_and_changes_nothing(self):
        self.export()
        whole = self.scratch / "whole"
        shutil.copytree(self.archive, whole)
        home = self.home("other")
        dice = random.Random(5)
        files = [f for f in sorted(whole.glob("*.jsonl")) if f.stat().st_size > 0]
        for file in dice.sample(files, 3 if scene.SANITIZED else 8):
            with self.subTest(file.name):
                lines = file.read_bytes().splitlines(keepends=True)
                at = dice.randrange(len(lines))
                line = bytearray(lines[at])
                place = dice.randrange(len(line) - 1)
                line[place] ^= 1
                lines[at] = bytes(line)
                (self.archive / file.name).write_bytes(b"".join(lines))
                self.assertIn(f"{file.name} line {at + 1} ", self.refused(home))
                shutil.copy(file, self.archive / file.name)
        target = self.archive / "prompt.jsonl"
        content = target.read_bytes()
        lines = content.splitlines(keepends=True)
        for what, damaged, line in (("cut off", content[:-20], len(lines)),
                                    ("a row is gone", b"".join(lines[:3] + lines[4:]), 4),
                                    ("a row too many", content + lines[0], len(lines) + 1),
                                    ("empty", b"", 1)):
            with self.subTest(what):
                target.write_bytes(damaged)
                self.assertIn(f"prompt.jsonl line {line} ", self.refused(home))
        target.unlink()
        self.assertIn("prompt.jsonl is gone", self.refused(home))

    def rewrite(self, table, change):
        """An archive whose sums are right and whose rows are not."""
        import hashlib
        manifest = json.loads((self.archive / "manifest.json").read_text())
        file = self.archive / f"{table}.jsonl"
        rows = [json.loads(l) for l in file.read_text(encoding="utf-8").split("\n") if l]
        change(rows)
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
        file.write_text(text)
        for entry in manifest["files"]:
            if entry["table"] == table:
                entry["sha256"] = hashlib.sha256(text.encode()).hexdigest()
                entry["rows"] = len(rows)
        (self.archive / "manifest.json").write_text(json.dumps(manifest))

    def test_rows_that_do_not_fit_are_named(self):
        self.export()
        whole = self.scratch / "whole"
        shutil.copytree(self.archive, whole)
        home = self.home("other")

        def twice(rows):
            rows.append(dict(rows[0]))

        cases = (("prompt", lambda rows: rows[2].update(seq="x"), "prompt.jsonl line 3"),
                 ("prompt", lambda rows: rows[2].pop("seq"), "prompt.jsonl line 3"),
                 ("prompt", lambda rows: rows[2].update(more=1), "prompt.jsonl line 3"),
                 ("label", lambda rows: rows[1].update(label="perhaps"), "label.jsonl line 2"),
                 ("session", twice, "session.jsonl line "),
                 ("prompt", lambda rows: rows[4].update(session_pk=999_999), "no parent in session"),
                 ("body", lambda rows: rows[0].update(sha256={"hex": "zz"}), "body.jsonl line 1"))
        for table, change, words in cases:
            with self.subTest(words):
                self.rewrite(table, change)
                self.assertIn(words, self.refused(home))
                shutil.rmtree(self.archive)
                shutil.copytree(whole, self.archive)

    def test_figures_that_do_not_follow_from_the_rows_are_made_anew(self):
        self.export()

        def lie(rows):
            for row in rows:
                for name in ("value", "triggered", "checks"):
                    if name in row:
                        row[name] += 3

        for table in ("counter", "skill_total", "skill_day"):
            self.rewrite(table, lie)
        home = self.home("other")
        home.good("import", self.archive)
        self.assert_sound(home)
        self.assert_same_rows(dump(self.full.database), dump(home.database), MOVES)

    def test_a_database_in_an_archive_is_what_the_manifest_says(self):
        self.export("--format", "sqlite")
        home = self.home("other")
        file = self.archive / "selftune.db"
        (self.archive / "selftune.db-wal").write_bytes(b"x" * 100)
        self.assertIn("selftune.db-wal does not belong there", self.refused(home))
        (self.archive / "selftune.db-wal").unlink()
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        self.assertIn("selftune.db is not as it was written", self.refused(home))
        file.write_bytes(content)
        manifest = self.archive / "manifest.json"
        text = manifest.read_text()
        manifest.write_text(text.replace('"rows":', '"rows":1'))
        self.assertIn("its manifest says", self.refused(home))
        manifest.write_text(text)
        before = {f.name: f.read_bytes() for f in self.archive.iterdir()}
        home.good("import", self.archive)
        self.assertEqual({f.name: f.read_bytes() for f in self.archive.iterdir()}, before)
        file.unlink()
        file.symlink_to("/etc/passwd")
        self.refused(self.home("third"), "FILE_UNREADABLE")

    def test_what_is_no_whole_archive_is_refused(self):
        home = self.home("other")
        self.archive.mkdir()
        self.refused(home, "NOT_FOUND")
        (self.archive / "manifest.json").write_text("{]")
        self.refused(home, "INVALID_REQUEST")
        shutil.rmtree(self.archive)
        self.export("--tables", "prompt,session")
        self.assertIn("lacks tables", self.refused(home, "INVALID_REQUEST"))
        shutil.rmtree(self.archive)
        self.export("--since", "2020-01-01")
        self.refused(home, "INVALID_REQUEST")
        shutil.rmtree(self.archive)
        self.export()
        manifest = json.loads((self.archive / "manifest.json").read_text())
        for change, code in ((("schema_version", 2), "SCHEMA_NEWER"), (("format_version", 9), "SCHEMA_NEWER"),
                             (("format", "csv"), "INVALID_REQUEST")):
            (self.archive / "manifest.json").write_text(json.dumps({**manifest, change[0]: change[1]}))
            self.refused(home, code)
        bad = json.loads(json.dumps(manifest))
        bad["files"][0]["path"] = "../../../etc/passwd"
        (self.archive / "manifest.json").write_text(json.dumps(bad))
        self.refused(home, "INVALID_REQUEST")
        # A foreign database in the place of the store is left alone.
        (self.archive / "manifest.json").write_text(json.dumps(manifest))
        home.state.mkdir(exist_ok=True)
        db = sqlite3.connect(home.database)
        db.execute("CREATE TABLE t(x)")
        db.commit()
        db.close()
        self.refused(home, "STORE_FOREIGN")

    def test_memory_does_not_grow_with_the_archive(self):
        home = self.copy_of(self.full, "big")
        db = home.connect()
        for i in range(5 if scene.SANITIZED else 60):
            text = os.urandom(300_000).hex()
            scene.body(db, f"{i} {text}")
        db.commit()
        db.close()
        self.export(home=home)
        size = sum(f.stat().st_size for f in self.archive.iterdir())
        self.assertGreater(size, (3 if scene.SANITIZED else 30) << 20)
        process = self.home("other").start("import", self.archive)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(process.returncode, 0)
        if not scene.SANITIZED:
            self.assertLess(usage.ru_maxrss, 64 << 10)  # KiB


if __name__ == "__main__":
    scene.main(2)
