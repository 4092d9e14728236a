#!/usr/bin/env python3
"""Whatever page of the store is gone, its sources tell it again: figures, not only soundness.

    recover_pages_test.py SELFTUNE [--all]

Without --all: one leaf of each table, of what the loop decided only gone as a whole.
"""

import shutil
import sqlite3
import sys
from pathlib import Path

import scene
from scene import StoreTest, dump

StoreTest.program = Path(sys.argv[1]).resolve()
ALL = "--all" in sys.argv
PAGE = 4096
# What of a page is overwritten, and with what.
DAMAGES = {"gone": (0, PAGE, b"\0"), "at its end": (PAGE - 700, 700, b"\xa5"), "in part": (1500, 1500, b"\xa5")}
# Records of our own that nothing tells again: they stay unless they were hit.
OWN = ("deploy", "deploy_target", "eval_entry", "evolution_event", "forgotten", "holdout_look",
       "install", "job_action", "job_run", "llm_call", "proposal", "replay_result",
       "skill_state", "watch", "watch_observation")
LABELS = """SELECT p.prompt_id, k.name, l.label, l.source, l.weight, l.at_ms, l.detail FROM label l
    JOIN prompt p USING(prompt_pk) JOIN skill k USING(skill_id) WHERE l.reason<>'signal' ORDER BY 1, 2, 4"""
# With a row of these go the rows of our own that name it and cannot stand alone.
NAMED = {"deploy": {"deploy_target", "watch", "watch_observation"}, "job_run": {"job_action"},
         "watch": {"watch_observation"}, "watch_observation": {"watch"}, "session": {"watch_observation", "watch"},
         "body": {"eval_entry", "proposal", "replay_result"}, "prompt": {"label"}}
HOSTS = {"claude-code", "codex"}


def leaves(database):
    """{table: its leaf pages} of every table that has rows."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = db.execute("SELECT s.name, d.pageno FROM dbstat d JOIN sqlite_schema s ON s.name=d.name"
                      " WHERE s.type='table' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                      " AND d.pagetype='leaf' AND d.ncell>0 ORDER BY 1, 2").fetchall()
    db.close()
    out = {}
    for name, page in rows:
        out.setdefault(name, []).append(page)
    return out


class RecoverPages(StoreTest):
    def setUp(self):
        super().setUp()
        self.place = self.home()
        scene.all_recordings(self.place.path, HOSTS)
        self.place.good("sync")
        scene.add_decisions(self.place.database)
        self.place.good("sync")
        self.whole = self.scratch / "whole"
        self.save()

    def save(self):
        db = self.place.connect()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        shutil.rmtree(self.whole, ignore_errors=True)
        shutil.copytree(self.place.state, self.whole)
        self.digest = scene.programs.evidence_digest(self.place.database)
        self.rows = dump(self.place.database)
        self.labels = self.place.sql(LABELS)

    def put_back(self):
        shutil.rmtree(self.place.state)
        shutil.copytree(self.whole, self.place.state)

    def damage(self, page, kind):
        at, size, byte = DAMAGES[kind]
        with open(self.place.database, "r+b") as file:
            file.seek((page - 1) * PAGE + at)
            file.write(byte * size)

    def assert_as_before(self, hit):
        self.assertEqual(scene.programs.evidence_digest(self.place.database), self.digest)
        after = dump(self.place.database)
        gone = NAMED.get(hit, set()) | {hit}
        for table in set(OWN) - gone:
            self.assertEqual(after[table], self.rows[table], table)
        if "label" not in gone:
            self.assertEqual(self.place.sql(LABELS), self.labels)
        report = self.place.run("db", "check", "--deep")[1]["data"]
        self.assertEqual([p for p in report["problems"] if p["check"] != "hash_chain"], [])

    def recover(self):
        self.place.good("recover", "--yes")
        self.place.good("sync")

    def change(self, *statements):
        db = self.place.connect()
        for sql in statements:
            self.assertGreater(db.execute(sql).rowcount, 0, sql)
        db.commit()
        db.close()

    def problems(self):
        report = self.place.run("db", "check", "--deep")[1]["data"]
        return [f"{p['check']}: {p['message']}" for p in report["problems"]]

    def cases(self):
        for table, pages in leaves(self.place.database).items():
            if scene.SANITIZED and table not in ("source_file", "listing_entry", "session_metric"):
                continue
            for kind in list(DAMAGES)[:3 if ALL else 1 if table in OWN else 2]:
                for page in pages if ALL else pages[len(pages) // 2:][:1]:
                    yield table, kind, page

    def test_every_table_loses_a_page(self):
        for table, kind, page in self.cases():
            with self.subTest(table=table, page=page, damage=kind):
                self.put_back()
                self.damage(page, kind)
                self.recover()
                self.assert_as_before(table)

    def test_sums_whose_files_are_gone_stay_and_are_no_damage(self):
        away = self.scratch / "away"
        projects = self.place.path / ".claude" / "projects"
        projects.rename(away)
        self.place.good("sync")
        self.save()
        for page in leaves(self.place.database)["source_file"]:
            self.damage(page, "gone")
        sums = ("session_metric", "session_tool", "session_event", "listing_entry")
        self.recover()
        after = dump(self.place.database)
        self.assertEqual(self.place.sql("SELECT count(*) FROM session WHERE source_id IS NULL")[0][0],
                         self.place.sql("SELECT count(*) FROM session WHERE platform='claude_code'")[0][0])
        claude = "SELECT t.* FROM {} t JOIN session s USING(session_pk) WHERE s.platform='claude_code'"
        for table in sums[:3]:
            self.assertGreater(self.place.sql(f"SELECT count(*) FROM ({claude.format(table)})")[0][0], 0)
            self.assertEqual(len(after[table]), len(self.rows[table]), table)
        self.assertEqual(self.problems(), [])
        # Found again they are told by their files, once.
        away.rename(projects)
        self.place.good("sync")
        self.assertEqual(self.place.sql("SELECT count(*) FROM meta WHERE key LIKE 'lost_source.%'"), [(0,)])
        self.assert_as_before("source_file")

    def test_a_check_sees_what_reading_again_heals(self):
        one = "(SELECT listing_id FROM exposure WHERE inherited=0 LIMIT 1)"
        cases = {
            "a listing has not the entries it says": (
                "sync --force", f"DELETE FROM listing_entry WHERE listing_id={one}"),
            "invariant: a listing has not": (
                "sync --force", f"DELETE FROM listing_entry WHERE listing_id={one} AND ord=0"),
            "the sums of a session are those of a file that no row names": (
                "recover --yes", "UPDATE session SET source_id=NULL WHERE source_id=(SELECT min(source_id) FROM session)"),
            "text: listing_entry.location has a text that is no UTF-8": (
                "recover --yes", f"UPDATE listing_entry SET location=CAST(x'2f61a5a5a5a5a5' AS TEXT) WHERE listing_id={one}"),
        }
        for problem, (cure, damage) in cases.items():
            with self.subTest(problem):
                self.put_back()
                self.change(damage)
                self.assertIn(problem, "\n".join(self.problems()))
                self.place.good(*cure.split())
                self.assert_as_before(None)

    def test_a_path_in_an_old_encoding_is_no_damage(self):
        self.change("UPDATE skill_location SET path=CAST(x'2f686f6d652f6af67267' AS TEXT)"
                    " WHERE path=(SELECT min(path) FROM skill_location)")
        self.assertEqual(self.problems(), [])
        before = self.place.sql("SELECT count(*) FROM skill_location")
        self.place.good("recover", "--yes", "--no-read-again")
        self.assertEqual(self.place.sql("SELECT count(*) FROM skill_location"), before)


if __name__ == "__main__":
    scene.main(2)
