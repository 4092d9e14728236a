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
from import_case import ImportCase, cli_case, dump, reference  # noqa: E402
from reference import eval_set  # noqa: E402

ENTRIES = ("SELECT k.name,b.text,e.should_trigger,e.invocation_type,e.source,e.label_confidence,e.active FROM eval_entry e"
           " JOIN skill k USING(skill_id) JOIN body b ON b.body_id=e.query_body ORDER BY 1,2")
QUERIES = "SELECT b.text,e.active FROM eval_entry e JOIN body b ON b.body_id=e.query_body ORDER BY 1"


def entry(query, should=True, **more):
    return {"query": query, "should_trigger": should, **more}


class EvalSets(ImportCase):
    def these(self, *statements):
        return reference.script([*reference.tables(), *statements])

    def fate(self, skill="pdf"):
        return self.q("SELECT verdict,reason FROM imported_rows WHERE table_name='canonical_eval_sets' AND row_id=?", skill)[0]

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

    @staticmethod
    def id_of(skill, query):
        return import_case.hashlib.sha256(b"%s\x1f%s" % (skill.encode(), query.encode())).hexdigest()[:12]

    def test_what_was_forgotten_does_not_come_back_and_goes_with_what_was_kept(self):
        def said(words):
            return sorted(name for name, lines in dump(self.store).items() if any(words in line for line in lines))
        there = [reference.session("s"), reference.prompt("s", 0, "my word is hunter2", 1)]
        self.take_old(self.these(*there, eval_set("pdf", 5, entry("my word is hunter2"), entry("fill"))))
        self.assertEqual(said("hunter2"), ["body", "import_map"])
        self.envelope("forget", "--session", "s", "--yes")
        self.assertEqual(said("hunter2"), [])
        self.assertEqual(self.q(QUERIES), [(None, 0), ("fill", 1)])
        self.take_more(self.these(*there, eval_set("pdf", 6, entry("my word is hunter2"), entry("fill"), entry("split")),
                                  eval_set("zip", 6, entry("my word is hunter2"))))
        self.assertEqual(said("hunter2"), [])
        self.assertEqual(self.q(QUERIES), [(None, 0), ("fill", 1), ("split", 1)])

    def test_forgotten_words_go_from_queries_that_were_cut_and_from_what_was_left_out(self):
        long = ("my word is hunter2 " + "and more of it " * 40).strip()
        for name, typed, queries in (
                ("longer than a query", long, [entry(long), entry("fill")]),
                ("with blanks around it", " my word is hunter2\n", [entry("my word is hunter2"), entry("fill")]),
                ("of an entry that was left out", "my word is hunter2", [{"query": "my word is hunter2"}, entry("fill")]),
                ("of a set without a sound entry", "my word is hunter2", [{"query": "my word is hunter2"}])):
            with self.subTest(name):
                self.setUp()
                self.take_old(self.these(reference.session("s"), reference.prompt("s", 0, typed, 1), eval_set("pdf", 5, *queries)))
                said = lambda: [table for table, lines in dump(self.store).items() if any("hunter2" in line for line in lines)]  # noqa: E731
                self.assertNotEqual(said(), [])
                self.envelope("forget", "--session", "s", "--yes")
                self.assertEqual(said(), [])
                if len(queries) > 1:
                    self.assertIn(("fill", 1), self.q(QUERIES))

    def tables_that_say(self, words):
        return sorted(name for name, lines in dump(self.store).items() if any(words in line for line in lines))

    def test_words_that_were_forgotten_before_a_set_with_them_comes_stay_forgotten(self):
        long = ("my word is hunter2 " + "and more of it " * 40).strip()
        pairs = "my word is hunter2 " + "\U0001f600" * 300  # the reference cuts in units of UTF-16
        half = pairs[:19 + 240]
        for name, typed, sets, taken in (
                ("as it was typed", "my word is hunter2", [eval_set("pdf", 5, entry("my word is hunter2"), entry("fill"))], [("fill", 1)]),
                ("whole, longer than a query", long, [eval_set("pdf", 5, entry(long), entry("fill"))], [("fill", 1)]),
                ("cut as we do it", long, [eval_set("pdf", 5, entry(long[:500]), entry("fill"))], [("fill", 1)]),
                ("cut as the reference does it", pairs, [eval_set("pdf", 5, eval_set_json=json.dumps([entry(half)])[:-len('", "should_trigger": true}]')] + '\\ud83d","should_trigger":true}]')], []),
                ("with blanks around it when it was typed", " my word is hunter2\n", [eval_set("pdf", 5, entry("my word is hunter2"), entry("fill"))], [("fill", 1)]),
                ("with blanks around it in the set", "my word is hunter2", [eval_set("pdf", 5, entry(" my word is hunter2\n"), entry("fill"))], [("fill", 1)]),
                ("of an entry that is left out", "my word is hunter2", [eval_set("pdf", 5, {"query": "my word is hunter2"}, entry("fill"))], [("fill", 1)]),
                ("of a set that is no set", "my word is hunter2", [eval_set("pdf", 5, eval_set_json='[{"query":"my word is hunter2"')], [])):
            with self.subTest(name):
                self.setUp()
                there = [reference.session("s"), reference.prompt("s", 0, typed, 1)]
                self.take_old(self.these(*there))
                self.assertNotEqual(self.tables_that_say("hunter2"), [])
                self.envelope("forget", "--session", "s", "--yes")
                self.take_more(self.these(*there, *sets))
                self.assertEqual(self.tables_that_say("hunter2"), [])
                self.assertEqual(self.q(QUERIES), taken)
                self.assert_sound()

    def test_what_somebody_else_said_too_is_not_forgotten(self):
        there = [reference.session("s"), reference.prompt("s", 0, "fill it", 1), reference.session("z"), reference.prompt("z", 0, "fill it", 2)]
        self.take_old(self.these(*there))
        self.envelope("forget", "--session", "s", "--yes")
        self.take_more(self.these(*there, eval_set("pdf", 5, entry("fill it"))))
        self.assertEqual(self.q(QUERIES), [("fill it", 1)])

    def test_an_entry_that_lost_its_words_is_as_a_new_one_when_somebody_says_them_again(self):
        there = [reference.session("s"), reference.prompt("s", 0, "fill it", 1)]
        self.take_old(self.these(*there, eval_set("pdf", 5, entry("fill it"), entry("merge"))))
        side = self.q("SELECT split FROM eval_entry WHERE entry_id=?", self.id_of("pdf", "fill it"))
        self.envelope("forget", "--session", "s", "--yes")
        self.assertEqual(self.q(QUERIES), [(None, 0), ("merge", 1)])
        # Not by the set that said them then, and neither by a newer one that nobody's words go with.
        self.take_more(self.these(*there, eval_set("pdf", 6, entry("fill it", False), entry("merge"))))
        self.assertEqual(self.q(QUERIES), [(None, 0), ("merge", 1)])
        again = [*there, reference.session("z"), reference.prompt("z", 0, "fill it", 30)]
        self.take_more(self.these(*again, eval_set("pdf", 7, entry("fill it", False, source="log"), entry("merge"))))
        self.assertEqual(self.q(QUERIES), [("fill it", 1), ("merge", 1)])
        self.assertEqual(self.q("SELECT should_trigger,source,label_confidence,split,json_extract(extra,'$.reason') FROM eval_entry WHERE entry_id=?",
                                self.id_of("pdf", "fill it")), [(0, "log", 0.6, side[0][0], "imported")])
        self.assertEqual(self.fate(), ("imported", None))
        # An older one does not say otherwise.
        other = self.build(self.these(eval_set("pdf", 4, entry("fill it"), entry("merge"))), self.home / "other.db")
        self.take("--db", str(other))
        self.assertEqual(self.q("SELECT should_trigger,active FROM eval_entry WHERE entry_id=?", self.id_of("pdf", "fill it")), [(0, 1)])
        self.assert_sound()

    def test_entries_that_lost_the_code_by_which_they_are_known_as_imported_follow_a_newer_set(self):
        self.take_old(self.these(eval_set("pdf", 5, entry("fill"), entry("merge"))))
        with sqlite3.connect(self.store) as db:  # as `forget --match port` of before left them
            db.execute("UPDATE eval_entry SET extra=json_set(extra,'$.reason','[forgotten]')")
        db.close()
        self.take_more(self.these(eval_set("pdf", 6, entry("fill", False, source="log"), entry("merge"))))
        self.assertEqual(self.fate(), ("imported", None))
        self.assertEqual(self.q("SELECT should_trigger,source,active,json_extract(extra,'$.reason') FROM eval_entry WHERE entry_id=?", self.id_of("pdf", "fill")),
                         [(0, "log", 1, "imported")])

    def test_words_of_a_prompt_that_came_when_its_session_was_forgotten(self):
        long = ("my word is hunter2 " + "and more of it " * 40).strip()
        self.take_old(self.these(reference.session("s")))
        self.envelope("forget", "--session", "s", "--yes")
        self.take_more(self.these(reference.session("s"), reference.prompt("s", 0, long, 1), eval_set("pdf", 5, entry(long[:500]), entry("fill"))))
        self.assertEqual(self.tables_that_say("hunter2"), [])
        self.assertEqual(self.q(QUERIES), [("fill", 1)])

    def test_entries_from_before_what_is_kept_go_and_do_not_come_in_a_younger_set(self):
        young = reference.at(1, day=3)
        sets = [eval_set("pdf", 5, entry("old words", created_at=reference.at(1)), entry("new words", created_at=young), stored_at=young),
                eval_set("zip", 5, eval_set_json='[{"query":"old words"', stored_at=young)]
        with self.subTest("forgotten before they come"):
            self.envelope("sync")
            self.envelope("forget", "--before", "2026-03-02", "--yes")
            self.take_old(self.these(*sets))
            self.assertEqual(self.q(QUERIES), [("new words", 1)])
            self.assertEqual(self.fate(), ("imported", "1 of 2 entries not taken: older than what is kept"))
            self.assertEqual(self.tables_that_say("old words"), [])
        with self.subTest("forgotten when they are there"):
            self.setUp()
            self.take_old(self.these(*sets))
            self.envelope("forget", "--before", "2026-03-02", "--yes")
            self.assertEqual(self.q(QUERIES), [(None, 0), ("new words", 1)])
            self.assertEqual(self.tables_that_say("old words"), [])
            self.take_more(self.these(*sets, eval_set("new", 5, entry("old words", created_at=young), stored_at=young)))
            self.assertEqual(self.tables_that_say("old words"), [])
        with self.subTest("by their words"):
            self.setUp()
            self.take_old(self.these(*sets))
            self.envelope("forget", "--match", "OLD words", "--yes")
            self.assertEqual(self.q(QUERIES), [(None, 0), ("new words", 1)])
            self.assertEqual(self.tables_that_say("old words"), [])

    def test_each_entry_that_does_not_come_has_its_own_reason(self):
        young = reference.at(1, day=3)
        there = [reference.session("s"), reference.prompt("s", 0, "my word is hunter2", 30)]
        self.take_old(self.these(*there))
        self.envelope("forget", "--before", "2026-03-02", "--yes")
        self.envelope("forget", "--session", "s", "--yes")
        self.take_more(self.these(*there, eval_set(
            "pdf", 5, entry("old words", created_at=reference.at(1)), entry("my word is hunter2", created_at=young),
            entry("fill", created_at=young), stored_at=young)))
        self.assertEqual(self.fate()[1], "1 of 3 entries not taken: forgotten; 1 of 3 entries not taken: older than what is kept")

    def test_a_backup_whose_inactive_entries_alone_go_again_says_so(self):
        self.take_old(self.these(eval_set("pdf", 5, entry("old words"), entry("fill"))))
        self.take_more(self.these(eval_set("pdf", 6, entry("fill"))))
        self.assertEqual(self.q(QUERIES), [("fill", 1), ("old words", 0)])
        full = self.envelope("backup", "create")["data"]["id"]
        self.envelope("forget", "--match", "old words", "--yes")
        restored = self.envelope("backup", "restore", full, "--yes")
        self.assertEqual([w["code"] for w in restored["warnings"]], ["FORGOTTEN_AGAIN"])
        self.assertEqual(self.tables_that_say("old words"), [])

    def test_quotes_of_a_forgotten_query_go_from_what_else_the_import_brought(self):
        """Of a row of another table that is kept whole."""
        there = [eval_set("pdf", 5, entry("my word is hunter2"), entry("fill")), 
                 reference.insert("grading_results", grading_id="g", session_id="z", skill_name="pdf", graded_at=reference.at(9),
                                  expectations_json=json.dumps([{"query": "my word is hunter2"}]))]
        for how in (("--match", "HUNTER2"), ("--before", "2026-03-02"), ("--before", "2026-03-02", "--skill", "pdf")):
            with self.subTest(how=how):
                self.setUp()
                self.take_old(self.these(*there))
                self.assertEqual(self.tables_that_say("hunter2"), ["body", "import_map"])
                self.envelope("forget", *how, "--yes")
                self.assertEqual(self.tables_that_say("hunter2"), [])
                self.assert_sound()

    def test_an_older_store_does_not_bring_back_what_no_prompt_said(self):
        self.envelope("sync")
        empty = self.envelope("backup", "create")["data"]["id"]
        self.take_old(self.these(eval_set("pdf", 5, entry("old words"), entry("fill"))))
        full = self.envelope("backup", "create")["data"]["id"]
        self.envelope("forget", "--match", "old words", "--yes")
        for backup, told in ((full, ["FORGOTTEN_AGAIN"]), (empty, [])):
            self.assertEqual([w["code"] for w in self.envelope("backup", "restore", backup, "--yes")["warnings"]], told)
            self.assertEqual(self.tables_that_say("old words"), [])
            self.take("--db", str(self.old))
            self.assertEqual(self.tables_that_say("old words"), [])
            self.assertIn(("fill", 1), self.q(QUERIES))

    def test_words_and_a_time_together_are_remembered(self):
        for more in (["--match", "old words"], ["--skill", "pdf"]):
            with self.subTest(more=more):
                self.setUp()
                self.take_old(self.these(eval_set("pdf", 5, entry("old words"), entry("fill"))))
                full = self.envelope("backup", "create")["data"]["id"]
                self.envelope("forget", "--before", "2026-03-02", *more, "--yes")
                self.assertEqual([], self.tables_that_say("old words"))
                restored = self.envelope("backup", "restore", full, "--yes")
                self.assertIn("FORGOTTEN_AGAIN", [w["code"] for w in restored["warnings"]])
                self.assertEqual([], self.tables_that_say("old words"))

    def test_the_words_of_a_forgotten_prompt_stay_forgotten_in_a_backup_that_never_had_them(self):
        self.envelope("sync")
        empty = self.envelope("backup", "create")["data"]["id"]
        self.take_old(self.these(reference.session("s"), reference.prompt("s", 0, "my word is hunter2", 1)))
        self.envelope("forget", "--match", "hunter2", "--yes")
        self.envelope("backup", "restore", empty, "--yes")
        other = self.build(self.these(eval_set("pdf", 5, entry("my word is hunter2"), entry("fill"))),
                           self.home / "other" / "selftune.db")
        self.take("--db", str(other))
        self.assertEqual([], self.tables_that_say("hunter2"))
        self.assertEqual([("fill",)], self.q("SELECT b.text FROM eval_entry e JOIN body b ON b.body_id=e.query_body"))

    def test_what_is_said_after_an_entry_of_the_same_words_was_forgotten_is_kept(self):
        self.take_old(self.these(eval_set("pdf", 5, entry("fix it now"), entry("fill"))))
        self.envelope("forget", "--before", "2026-03-01T10:20:00Z", "--yes")
        self.assertEqual([], self.tables_that_say("fix it now"))
        self.take_more(self.these(reference.session("z"), reference.prompt("z", 0, "fix it now", 30)))
        self.assertEqual([("fix it now",)], self.q("SELECT b.text FROM prompt p JOIN body b ON b.body_id=p.body_id"))

    def test_sets_from_before_what_is_kept_do_not_come(self):
        self.envelope("sync")
        self.envelope("forget", "--before", "2026-03-02", "--yes")
        self.take_old(self.these(eval_set("pdf", 5, entry("old words")), eval_set("zip", 5, entry("new words"), stored_at=reference.at(1, day=3))))
        self.assertEqual(self.q(QUERIES), [("new words", 1)])
        self.assertEqual(self.fate(), ("merged", "older than what is kept"))
        self.assertEqual([name for name, lines in dump(self.store).items() if any("old words" in line for line in lines)], [])


if __name__ == "__main__":
    import_case.main(sys.argv)
