#!/usr/bin/env python3
"""`import upstream`: the reference's canonical eval sets become entries of ours, and yield to a set of ours.

    eval_sets_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import pathlib
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import import_case  # noqa: E402
from eval_set_case import QUERIES, EvalSetCase, entry  # noqa: E402
from import_case import cli_case, dump, reference  # noqa: E402
from reference import eval_set  # noqa: E402

ENTRIES = ("SELECT k.name,b.text,e.should_trigger,e.invocation_type,e.source,e.label_confidence,e.active FROM eval_entry e"
           " JOIN skill k USING(skill_id) JOIN body b ON b.body_id=e.query_body ORDER BY 1,2")


class EvalSets(EvalSetCase):
    def test_each_query_is_an_entry_with_what_its_label_is_worth(self):
        self.take_old(self.these(eval_set("pdf", 5, entry("use the pdf skill", source="log", created_at=reference.at(3)),
                                          entry("fill this form", source="log", invocation_type="contextual"),
                                          entry("write a poem", False, source="log", invocation_type="negative"),
                                          entry("merge two files", source="synthetic"), entry("split it", source="blended"),
                                          entry("by hand", False))))
        self.assertEqual(self.q(ENTRIES), [
            ("pdf", "by hand", 0, "negative", "unknown", 0.5, 1), ("pdf", "fill this form", 1, "contextual", "log", 0.95, 1),
            ("pdf", "merge two files", 1, "implicit", "synthetic", 0.5, 1), ("pdf", "split it", 1, "implicit", "blended", 0.5, 1),
            ("pdf", "use the pdf skill", 1, "explicit", "log", 0.95, 1),
            # That nothing triggered is no negative of much weight.
            ("pdf", "write a poem", 0, "negative", "log", 0.6, 1)])
        self.assertEqual(self.fate(), ("imported", None))
        self.assertEqual(self.q("SELECT first_ms FROM eval_entry JOIN body ON body_id=query_body WHERE text='use the pdf skill'"), [(1772359380000,)])
        self.assertEqual({json.loads(extra)["reason"] for (extra,) in self.q("SELECT extra FROM eval_entry")}, {"imported"})
        self.assert_sound()

    def test_near_duplicates_are_on_one_side_and_stay_there(self):
        first = [entry("please fill in the form number %d of the tax office" % n) for n in range(4)]
        self.take_old(self.these(eval_set("pdf", 5, *first)))
        side, = {row[0] for row in self.q("SELECT split FROM eval_entry")}
        self.take_more(self.these(eval_set("pdf", 6, *first, entry("please fill in the form number 9 of the tax office now"))))
        self.assertEqual(self.q("SELECT split,count(*) FROM eval_entry GROUP BY 1"), [(side, 5)])

    def test_rows_and_entries_that_are_none(self):
        loose = [sql.replace(" NOT NULL", "") for sql in reference.tables()]
        whole = json.dumps([entry("x" * 9_000_000)])
        data = self.take_old(reference.script([
            *loose, eval_set("cut", 5, eval_set_json='[{"query": "cut o'), eval_set("object", 5, eval_set_json={"query": "a"}),
            eval_set("null", 5, eval_set_json=None), eval_set("", 5, entry("a")), eval_set("never", 5, entry("a"), stored_at="never"),
            eval_set("none", 5, {"query": "a"}, 7), eval_set("large", 5, eval_set_json=whole), eval_set("many", 5, *[entry("a")] * 5001),
            eval_set("empty", 5),
            eval_set("some", 5, entry("good"), {"query": "no label"}, entry(" "), entry("GOOD", False), entry("good "), entry("label", "yes"))]))
        self.assertEqual(sorted(row["reason"] for row in data["rejected"]), sorted([
            "eval_set_json is no JSON array", "eval_set_json is no JSON array", "eval_set_json is no JSON array", "skill_name is missing",
            "stored_at is never", "no entry is one: number 1 has no should_trigger", "eval_set_json has %d bytes, at most 8388608 are read" % len(whole),
            "5001 entries, at most 5000 are read"]))
        self.assertEqual([row[:3] for row in self.q(ENTRIES)], [("some", "good", 1)])
        self.assertEqual(self.fate("some"), ("imported", "4 of 6 entries left out: number 2 has no should_trigger"))
        self.assertEqual(len(json.loads(self.note("canonical_eval_sets", "some")["row"]["eval_set_json"])), 6)
        self.assertEqual(self.fate("empty"), ("merged", None))

    def test_a_second_import_changes_nothing(self):
        self.take_old(self.these(eval_set("pdf", 5, entry("fill"), entry("poem", False)), eval_set("zip", 5, entry("pack"), {})))
        before = dump(self.store)
        self.assertFalse(self.take("--db", str(self.old))["changed"])
        self.assertEqual(dump(self.store), before)

    def test_a_newer_set_takes_the_place_of_the_older_but_an_empty_one_of_none(self):
        self.take_old(self.these(eval_set("pdf", 5, entry("fill"), entry("merge"))))
        self.take_more(self.these(eval_set("pdf", 6, entry("merge"), entry("split"))))
        self.assertEqual(self.q(QUERIES), [("fill", 0), ("merge", 1), ("split", 1)])
        self.take_more(self.these(eval_set("pdf", 7)))
        self.assertEqual(self.q(QUERIES), [("fill", 0), ("merge", 1), ("split", 1)])
        self.take_more(self.these(eval_set("pdf", 8, entry("fill"))))
        self.assertEqual(self.q(QUERIES), [("fill", 1), ("merge", 0), ("split", 0)])

    def test_a_set_of_ours_stays_the_active_one_and_its_labels_stay(self):
        self.envelope("sync")
        with sqlite3.connect(self.store) as db:
            db.executescript("INSERT INTO skill(name,name_key) VALUES('pdf','pdf'); INSERT INTO body(sha256,bytes,text) VALUES(zeroblob(32),4,'ours')")
            # Its id is the one that the import will make of the words.
            db.execute("INSERT INTO eval_entry VALUES(1,?,1,0,'negative','log',0.95,'test',NULL,1,5,6,'{\"reason\":\"label_should_not\"}')", (self.id_of("pdf", "fill"),))
        db.close()
        self.take_old(self.these(eval_set("pdf", 5, entry("fill"), entry("merge"))))
        self.assertEqual(self.q("SELECT should_trigger,split,active,extra FROM eval_entry WHERE active=1"), [(0, "test", 1, '{"reason":"label_should_not"}')])
        self.assertEqual(self.q(QUERIES), [("merge", 0), ("ours", 1)])
        self.assertEqual(self.fate()[0], "imported")
        self.take_more(self.these(eval_set("pdf", 6, entry("fill"))))
        self.assertEqual(self.q(QUERIES), [("merge", 0), ("ours", 1)])

    def test_the_set_that_was_stored_last_is_the_active_one_whatever_the_order(self):
        for name, there in (
                ("one database, two spellings of the name", [eval_set("PDF", 8, entry("merge", False), entry("new")), eval_set("pdf", 5, entry("merge"), entry("old"))]),
                ("the same in the other order", [eval_set("PDF", 5, entry("merge"), entry("old")), eval_set("pdf", 8, entry("merge", False), entry("new"))])):
            with self.subTest(name):
                self.setUp()
                self.take_old(self.these(*there))
                self.assertEqual(self.q("SELECT b.text,e.should_trigger,e.active FROM eval_entry e JOIN body b ON b.body_id=e.query_body ORDER BY 1"),
                                 [("merge", 0, 1), ("new", 1, 1), ("old", 1, 0)])
                self.assert_sound()
        with self.subTest("another database, later"):
            self.setUp()
            self.take_old(self.these(eval_set("pdf", 8, entry("merge", False), entry("new"))))
            other = self.build(self.these(eval_set("pdf", 5, entry("merge"), entry("old"))), self.home / "older" / "selftune.db")
            doc = self.take("--db", str(other))
            self.assertEqual(self.q(QUERIES), [("merge", 1), ("new", 1), ("old", 0)])
            self.assertEqual(self.told(doc), {"TAKEN_NOT_USED": "taken over, and not in use: canonical_eval_sets pdf (inactive: a newer one was imported)"})
            for again, said in ((other, self.told(doc)), (self.old, {})):
                self.assertEqual(self.told(self.take("--db", str(again))), said)

    def test_a_set_that_another_database_puts_out_of_use_is_said_to_be_so(self):
        self.take_old(self.these(eval_set("pdf", 5, {}, entry("old"))))
        partly = "not all of it, or not as it was: canonical_eval_sets pdf (1 of 2 entries left out: number 1 has no query)"
        behind = "taken over, and not in use: canonical_eval_sets pdf (inactive: a newer one of another database was imported)"
        other = self.build(self.these(eval_set("pdf", 8, entry("new"))), self.home / "newer" / "selftune.db")
        self.assertEqual(self.told(self.take("--db", str(other))), {"TAKEN_NOT_USED": behind})
        self.assertEqual(self.q(QUERIES), [("new", 1), ("old", 0)])
        # Nothing is new in it; of the other one it is so still.
        again = self.take("--db", str(other))
        self.assertEqual((self.told(again), again["changed"]), ({}, False))
        again = self.take("--db", str(self.old))
        self.assertEqual((self.told(again), again["changed"]), ({"PARTLY_TAKEN": partly, "TAKEN_NOT_USED": behind}, False))
        # A newer one of its own is in use, and puts that of the other one out of it.
        self.old.unlink()
        self.build(self.these(eval_set("pdf", 9, entry("newest"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), {"TAKEN_NOT_USED": behind})
        self.assertEqual(self.told(self.take("--db", str(self.old))), {})
        self.assertEqual(self.told(self.take("--db", str(other))), {"TAKEN_NOT_USED": behind})

    def test_of_a_row_that_its_source_has_no_more_nothing_is_told(self):
        why = "1 of 2 entries left out: number 1 has no query"
        said = {"PARTLY_TAKEN": "not all of it, or not as it was: canonical_eval_sets pdf (%s)" % why}
        zip_set = eval_set("zip", 5, entry("pack"))
        self.build(self.these(zip_set, eval_set("pdf", 5, {}, entry("fill"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), said)
        self.old.unlink()
        self.build(self.these(zip_set))
        dry = self.take("--db", str(self.old), "--dry-run")
        self.assertEqual((self.told(dry), self.fate()), ({}, ("imported", why)))
        gone = self.take("--db", str(self.old))
        self.assertEqual((self.told(gone), gone["changed"]), ({}, True))
        self.assertEqual(self.fate(), ("imported", "gone at the source; was: " + why))
        self.assertEqual(self.q(QUERIES), [("fill", 1), ("pack", 1)])  # what was taken is ours
        again = self.take("--db", str(self.old))
        self.assertEqual((self.told(again), again["changed"]), ({}, False))
        # It is there again.
        self.old.unlink()
        self.build(self.these(zip_set, eval_set("pdf", 5, {}, entry("fill"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), said)
        self.assertEqual(self.fate(), ("imported", why))
        self.assertFalse(self.take("--db", str(self.old))["changed"])

    def test_what_an_older_version_told_once_is_told_again(self):
        """It forgot what it had told, and the ledger has it."""
        self.envelope("sync")
        with sqlite3.connect(self.store) as db:
            db.executescript("INSERT INTO skill(name,name_key) VALUES('pdf','pdf'); INSERT INTO body(sha256,bytes,text) VALUES(zeroblob(32),4,'ours');"
                             "INSERT INTO eval_entry VALUES(1,'e',1,0,'negative','log',0.95,'test',NULL,1,5,6,NULL)")
        db.close()
        self.build(self.these(eval_set("pdf", 5, {}, entry("fill")), eval_set("zip", 5, {}, entry("pack"))))
        said = self.told(self.take("--db", str(self.old)))
        self.assertEqual(sorted(said), ["PARTLY_TAKEN", "TAKEN_NOT_USED"])
        with sqlite3.connect(self.store) as db:
            db.execute("DELETE FROM import_untold")
        db.close()
        self.assertEqual(self.told(self.take("--db", str(self.old))), said)
        self.assertFalse(self.take("--db", str(self.old))["changed"])

    def test_queries_have_the_ids_that_sets_of_ours_give_them(self):
        self.envelope("sync")
        with sqlite3.connect(self.store) as db:
            db.execute("INSERT INTO skill(name,name_key) VALUES('Pdf','pdf')")
        db.close()
        self.take_old(self.these(eval_set("PDF", 5, entry("fill"))))
        self.assertEqual(self.q("SELECT k.name,e.entry_id FROM eval_entry e JOIN skill k USING(skill_id)"), [("Pdf", self.id_of("Pdf", "fill"))])

    def test_a_query_that_was_cut_through_a_character_does_not_spoil_its_set(self):
        self.take_old(self.these(eval_set("pdf", 5, eval_set_json='[{"query":"cut \\ud83d","should_trigger":true}]')))
        self.assertEqual(self.q(QUERIES), [("cut \ufffd", 1)])

    def test_entries_that_an_old_set_of_ours_has_are_of_the_imported_set_unless_it_says_the_contrary(self):
        self.envelope("sync")
        extra = '{"reason":"label_should"}'
        with sqlite3.connect(self.store) as db:
            db.execute("INSERT INTO skill(name,name_key) VALUES('pdf','pdf')")
            for n, (query, should) in enumerate([("fill", 1), ("merge", 0), ("ours", 1)], 1):
                db.execute("INSERT INTO body(sha256,bytes,text) VALUES(?,?,?)", (import_case.hashlib.sha256(query.encode()).digest(), len(query), query))
                db.execute("INSERT INTO eval_entry VALUES(1,?,?,?,?,'log',0.95,'test',NULL,0,5,6,?)",
                           (self.id_of("pdf", query), n, should, "implicit" if should else "negative", extra))
        db.close()
        self.build(self.these(eval_set("pdf", 5, entry("fill", source="synthetic"), entry("merge"), entry("split"))))
        doc = self.take("--db", str(self.old))
        self.assertEqual(self.q(QUERIES), [("fill", 1), ("merge", 0), ("ours", 0), ("split", 1)])
        said = "1 of 3 entries inactive: what is known here says the contrary"
        self.assertEqual(self.told(doc), {"PARTLY_TAKEN": "not all of it, or not as it was: canonical_eval_sets pdf (%s)" % said})
        self.assertEqual(self.fate(), ("imported", said))
        # Its label is ours still.
        self.assertEqual(self.q("SELECT source,label_confidence,split,json_extract(extra,'$.reason') FROM eval_entry WHERE entry_id=?", self.id_of("pdf", "fill")),
                         [("log", 0.95, "test", "label_should")])
        # It is no set of ours for that: a newer one of the reference takes its place.
        self.take_more(self.these(eval_set("pdf", 6, entry("split"))))
        self.assertEqual(self.q(QUERIES), [("fill", 0), ("merge", 0), ("ours", 0), ("split", 1)])

    def test_others_write_while_a_large_set_is_imported_and_forgotten(self):
        self.envelope("sync")
        words = ["word%d" % (n * n % 997) for n in range(28000)]
        self.build(self.these(eval_set("pdf", 5, *[entry("query %d " % n + " ".join(words[6 * n:6 * n + 90])) for n in range(4500)])))
        refused = self.refused(lambda: self.take("--db", str(self.old)))
        self.assertEqual(self.q("SELECT count(*) FROM eval_entry WHERE active=1"), [(4500,)])
        self.assertLess(refused, 1.5)
        refused = self.refused(lambda: self.envelope("forget", "--before", "2026-03-02", "--yes"))
        self.assertEqual(self.q("SELECT count(*) FROM eval_entry WHERE active=1"), [(0,)])
        self.assertLess(refused, 0.2)

    @staticmethod
    def told(doc):
        return {w["code"]: w["message"] for w in doc["warnings"] if w["code"] in ("PARTLY_TAKEN", "TAKEN_NOT_USED")}

    def test_what_was_not_taken_is_said_by_each_import_as_long_as_it_is_so(self):
        left = "not all of it, or not as it was: canonical_eval_sets pdf (%d of %d entries left out: number 1 has no query)"
        self.build(self.these(eval_set("pdf", 5, {}, entry("fill"))))
        dry = self.take("--db", str(self.old), "--dry-run")
        self.assertEqual(self.told(dry), {"PARTLY_TAKEN": left % (1, 2)})
        # Nobody could read it, of which the library knows nothing.
        with open("/dev/full", "w", encoding="utf-8") as full:
            lost = subprocess.run([cli_case.SELFTUNE, "import", "upstream", "--db", str(self.old)], stdout=full, stderr=subprocess.PIPE,
                                  env=self.env(), cwd=self.home, check=False)
        self.assertEqual(lost.returncode, 1)
        self.assertIn(b"WRITE_FAILED", lost.stderr)
        self.assertEqual(self.told(self.take("--db", str(self.old))), {"PARTLY_TAKEN": left % (1, 2)})
        # Another set changed, and this one did not.
        self.old.unlink()
        self.build(self.these(eval_set("pdf", 5, {}, entry("fill")), eval_set("zip", 5, entry("pack"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), {"PARTLY_TAKEN": left % (1, 2)})
        self.old.unlink()
        self.build(self.these(eval_set("pdf", 6, {}, {}, entry("fill"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), {"PARTLY_TAKEN": left % (2, 3)})
        # Not of what is imported now.
        other = self.home / "other.db"
        self.build(self.these(eval_set("zip", 5, entry("pack"))), other)
        self.assertEqual(self.told(self.take("--db", str(other))), {})
        self.old.unlink()
        self.build(self.these(eval_set("pdf", 7, entry("fill"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), {})

    def warning(self, doc, code):
        return next(w for w in doc["warnings"] if w["code"] == code)

    def listed(self, warning):
        """What the command that a warning names prints."""
        argv = warning["next"]["argv"] if isinstance(warning["next"], dict) else warning["next"]
        self.assertEqual(argv[:2], ["selftune", "query"])
        return self.envelope(*argv[1:])["data"]["rows"]

    def test_of_many_rows_the_first_are_named_and_a_command_lists_all(self):
        self.build(self.these(*(eval_set("skill-%03d" % n, 5, {}, entry("fill")) for n in range(60)),
                              *(eval_set("wrong-%03d" % n, 5) for n in range(51)),
                              *("UPDATE canonical_eval_sets SET eval_set_json='no list' WHERE skill_name LIKE 'wrong-%'",)))
        doc = self.take("--db", str(self.old))
        partly = self.warning(doc, "PARTLY_TAKEN")
        self.assertEqual(partly["message"].count("number 1 has no query"), 50)
        self.assertRegex(partly["message"], ", and 10 more$")
        self.assertEqual([row[1] for row in self.listed(partly)], ["skill-%03d" % n for n in range(60)])
        self.assertEqual(len(doc["data"]["rejected"]), 50)
        rejected = self.warning(doc, "MORE_REJECTED")
        self.assertEqual(rejected["message"], "51 rows were rejected; the first 50 of them are named")
        self.assertEqual([row[1] for row in self.listed(rejected)], ["wrong-%03d" % n for n in range(51)])

    def test_what_an_import_that_was_cut_off_could_not_say_the_next_one_says(self):
        self.envelope("sync")
        with sqlite3.connect(self.store) as db:  # in the midst of it, behind the sets
            db.execute("CREATE TRIGGER cut BEFORE INSERT ON import_map WHEN new.tbl='grading_results' BEGIN SELECT RAISE(FAIL,'cut off'); END")
        db.close()
        self.build(self.these(eval_set("pdf", 5, {}, entry("fill")), reference.insert("grading_results", grading_id="g", session_id="s", skill_name="pdf", graded_at=reference.at(1))))
        self.envelope("import", "upstream", "--db", str(self.old), code=70)
        self.assertEqual(self.fate()[0], "imported")
        with sqlite3.connect(self.store) as db:
            db.execute("DROP TRIGGER cut")
        db.close()
        said = {"PARTLY_TAKEN": "not all of it, or not as it was: canonical_eval_sets pdf (1 of 2 entries left out: number 1 has no query)"}
        self.assertEqual(self.told(self.take("--db", str(self.old), "--dry-run")), said)
        self.assertEqual(self.told(self.take("--db", str(self.old))), said)

    def test_a_set_behind_ours_that_lacks_entries_says_both(self):
        self.envelope("sync")
        with sqlite3.connect(self.store) as db:
            db.executescript("INSERT INTO skill(name,name_key) VALUES('pdf','pdf'); INSERT INTO body(sha256,bytes,text) VALUES(zeroblob(32),4,'ours');"
                             "INSERT INTO eval_entry VALUES(1,'e',1,0,'negative','log',0.95,'test',NULL,1,5,6,NULL)")
        db.close()
        self.build(self.these(eval_set("pdf", 5, {}, entry("fill"))))
        self.assertEqual(self.told(self.take("--db", str(self.old))), {
            "PARTLY_TAKEN": "not all of it, or not as it was: canonical_eval_sets pdf (1 of 2 entries left out: number 1 has no query)",
            "TAKEN_NOT_USED": "taken over, and not in use: canonical_eval_sets pdf (inactive: a set of ours is the active one)"})
        self.assertEqual(self.fate()[1], "1 of 2 entries left out: number 1 has no query; inactive: a set of ours is the active one")


if __name__ == "__main__":
    import_case.main(sys.argv)
