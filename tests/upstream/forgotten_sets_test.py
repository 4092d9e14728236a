#!/usr/bin/env python3
"""`import upstream` after `forget`: eval sets do not bring back what was forgotten, nor lose what was not.

    forgotten_sets_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import import_case  # noqa: E402
from eval_set_case import QUERIES, EvalSetCase, entry  # noqa: E402
from import_case import dump, reference  # noqa: E402
from reference import eval_set  # noqa: E402


class ForgottenSets(EvalSetCase):
    def tables_that_say(self, words):
        return sorted(name for name, lines in dump(self.store).items() if any(words in line for line in lines))

    def test_what_was_forgotten_does_not_come_back_and_goes_with_what_was_kept(self):
        there = [reference.session("s"), reference.prompt("s", 0, "my word is hunter2", 1)]
        self.take_old(self.these(*there, eval_set("pdf", 5, entry("my word is hunter2"), entry("fill"))))
        self.assertEqual(self.tables_that_say("hunter2"), ["body", "import_map"])
        self.envelope("forget", "--session", "s", "--yes")
        self.assertEqual(self.tables_that_say("hunter2"), [])
        self.assertEqual(self.q(QUERIES), [(None, 0), ("fill", 1)])
        self.take_more(self.these(*there, eval_set("pdf", 6, entry("my word is hunter2"), entry("fill"), entry("split")),
                                  eval_set("zip", 6, entry("my word is hunter2"))))
        self.assertEqual(self.tables_that_say("hunter2"), [])
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
                self.assertNotEqual(self.tables_that_say("hunter2"), [])
                self.envelope("forget", "--session", "s", "--yes")
                self.assertEqual(self.tables_that_say("hunter2"), [])
                if len(queries) > 1:
                    self.assertIn(("fill", 1), self.q(QUERIES))

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
        self.assertEqual(self.tables_that_say("old words"), [])


if __name__ == "__main__":
    import_case.main(sys.argv)
