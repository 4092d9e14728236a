#!/usr/bin/env python3
"""`import upstream`: commits that the reference saw a session make become those of the session here.

    commits_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import import_case  # noqa: E402
from import_case import ImportCase, dump, reference  # noqa: E402
from reference import commit, session  # noqa: E402

COMMITS = "SELECT session_id,commit_sha,commit_title,branch,repo_remote,timestamp,capture FROM commit_tracking ORDER BY timestamp,commit_sha"
LONG = "abc1234" + "0" * 33


class Commits(ImportCase):
    def take_these(self, *statements):
        return self.take_old(reference.script([*reference.tables(), *statements]))

    def ours(self, sha, title, seen_by, session="s"):
        """A commit of this store, seen by a hook or told by the repository's log alone."""
        self.envelope("sync")
        with sqlite3.connect(self.store) as db:
            pk, = db.execute("INSERT INTO session(platform,session_id,root_pk,updated_ms) VALUES('claude_code',?,0,0) RETURNING session_pk", (session,)).fetchone()
            db.execute("UPDATE session SET root_pk=session_pk")
            db.execute("UPDATE counter SET value=value+1 WHERE name='sessions'")
            db.execute("INSERT INTO vcs_commit VALUES(?,?,?,NULL,NULL,1772359500000)", (pk, sha, title))
            if seen_by == "batch":
                db.execute("INSERT INTO commit_logged VALUES(?,?)", (sha, pk))
        db.close()

    def verdicts(self):
        return {row[0]: row[1] for row in self.q("SELECT src_id,verdict FROM import_map WHERE tbl='commit_tracking'")}

    def test_a_commit_is_a_row_of_its_session(self):
        self.take_these(session("s"), commit("s", "abc1234", 5, commit_title="Fix it", branch="main", repo_remote="git@example.org:u/a.git"),
                        commit("s", "DEF56789", 6))
        self.assertEqual(self.q(COMMITS), [("s", "abc1234", "Fix it", "main", "git@example.org:u/a.git", reference.at(5), "hook"),
                                           ("s", "def56789", None, None, None, reference.at(6), "hook")])
        self.assertEqual(self.note("commit_tracking", "1"), {"left": {"created_at": "2026-03-01 10:05:00"}})
        self.assertEqual(self.note("commit_tracking", "2")["left"]["commit_sha"], "DEF56789")
        self.assert_sound()

    def test_a_session_that_nothing_else_knows_is_one(self):
        self.take_these(commit("alone", "abc1234", 5))
        self.assertEqual(self.q("SELECT session_id,platform,started_at,ended_at FROM sessions"),
                         [("alone", "unknown", reference.at(5), reference.at(5))])
        self.assertEqual([row[:2] for row in self.q(COMMITS)], [("alone", "abc1234")])
        self.assert_sound()

    def test_rows_that_are_no_commits_are_rejected_with_the_reason(self):
        loose = [sql.replace(" NOT NULL", "") for sql in reference.tables()]
        data = self.take_old(reference.script([
            *loose, session("s"), session("bad", "Bad Host"), commit("s", "abc1234", 5), commit("s", None, 5), commit("s", "", 5), commit("s", "HEAD", 5),
            commit("s", "abc", 5), commit("s", "a" * 65, 5), commit(None, "abc1235", 5), commit("bad", "abc1236", 5),
            reference.insert("commit_tracking", session_id="s", commit_sha="abc1237", timestamp="soon", created_at="later"),
            reference.insert("commit_tracking", session_id="s", commit_sha="abc1238", timestamp="soon", created_at="2026-03-01 10:07:00")]))
        self.assertEqual(sorted(row["reason"] for row in data["rejected"] if row["table"] == "commit_tracking"), sorted([
            "commit_sha is missing", "commit_sha is missing", "commit_sha is HEAD", "commit_sha is abc", "commit_sha is " + "a" * 65,
            "session_id is missing", "its session was rejected: platform is Bad Host", "timestamp is soon"]))
        # A time that says nothing: when the row was written is near enough.
        self.assertEqual([(row[1], row[5]) for row in self.q(COMMITS)], [("abc1234", reference.at(5)), ("abc1238", reference.at(7))])
        self.assertEqual(self.q("SELECT count(*) FROM imported_rows WHERE table_name='commit_tracking' AND verdict='rejected' AND row_json IS NOT NULL"), [(8,)])

    def test_a_second_import_changes_nothing(self):
        self.take_these(session("s"), commit("s", "abc1234", 5, commit_title="Fix it"), commit("t", "abc1235", 6))
        before = dump(self.store)
        self.assertFalse(self.take("--db", str(self.old))["changed"])
        self.assertEqual(dump(self.store), before)

    def test_what_was_kept_when_there_was_no_place_comes_now(self):
        self.take_these(session("s"), commit("s", "abc1234", 5, commit_title="Fix it"), reference.eval_set("pdf", 5, {"query": "fill", "should_trigger": True}))
        with sqlite3.connect(self.store) as db:  # as an earlier version left it
            db.executescript("DELETE FROM vcs_commit; DELETE FROM eval_entry;"
                             "UPDATE import_map SET verdict='kept', dst_pk=NULL WHERE tbl IN('commit_tracking','canonical_eval_sets')")
        db.close()
        doc = self.take("--db", str(self.old))
        self.assertTrue(doc["changed"])
        self.assertIsNotNone(doc["data"]["receipt"]["undo"])
        self.assertEqual([row[:3] for row in self.q(COMMITS)], [("s", "abc1234", "Fix it")])
        self.assertEqual(self.q("SELECT count(*) FROM eval_entry"), [(1,)])
        self.assert_reconciled(self.old)
        self.assertFalse(self.take("--db", str(self.old))["changed"])

    def test_what_our_hook_saw_stays_and_learns_what_it_did_not_know(self):
        for name, sha, title, want in (("the same name", "abc1234", None, "Fix it"), ("a whole name", LONG, "Ours", "Ours"), ("a shorter one", "abc1234", "Ours", "Ours")):
            with self.subTest(name):
                self.setUp()
                self.ours(sha, title, "hook")
                self.take_these(commit("s", LONG if name == "a shorter one" else "abc1234", 5, commit_title="Fix it", branch="main"))
                self.assertEqual([row[:4] + row[6:] for row in self.q(COMMITS)], [("s", sha, want, "main", "hook")])
                self.assertEqual(self.verdicts(), {"1": "merged"})
                self.assertEqual(self.note("commit_tracking", "1")["row"]["commit_title"], "Fix it")
                self.assert_sound()

    def test_what_only_the_log_told_yields_to_what_was_seen(self):
        for name, teller, verdict in (("of the same session", "s", "merged"), ("of another one", "other", "imported")):
            with self.subTest(name):
                self.setUp()
                self.ours(LONG, "Fix it", "batch", session=teller)
                self.take_these(commit("s", "abc1234", 5, commit_title="Fix it", branch="main"))
                # The log knows the whole name.
                self.assertEqual([row[:4] + row[6:] for row in self.q(COMMITS)], [("s", LONG, "Fix it", "main", "hook")])
                self.assertEqual(self.q("SELECT count(*) FROM commit_logged"), [(0,)])
                self.assertEqual(self.verdicts(), {"1": verdict})
                self.assert_sound()

    def test_a_commit_belongs_to_the_session_that_was_seen_to_make_it_first(self):
        self.ours("abc1234", "Fix it", "hook", session="first")
        self.take_these(commit("s", "abc1234", 5, commit_title="Fix it"))
        self.assertEqual([row[:2] for row in self.q(COMMITS)], [("first", "abc1234")])
        self.assertEqual(self.q("SELECT verdict,s.session_id FROM import_map m JOIN session s ON s.session_pk=m.dst_pk WHERE m.tbl='commit_tracking'"),
                         [("merged", "first")])

    def test_one_name_is_one_commit_whatever_its_title(self):
        """An amended title, or one with a number behind it: nothing of the second row is lost."""
        self.take_these(session("a"), session("b"), commit("a", "abc1234", 5, commit_title="Fix it"),
                        commit("b", "abc1234", 6, commit_title="Fix it (#12)", branch="main", repo_remote="git@example.org:u/a.git"))
        self.assertEqual([row[:5] for row in self.q(COMMITS)], [("a", "abc1234", "Fix it", "main", "git@example.org:u/a.git")])
        self.assertEqual(self.verdicts(), {"1": "imported", "2": "merged"})
        self.assertEqual(self.note("commit_tracking", "2")["row"]["commit_title"], "Fix it (#12)")
        self.assert_sound()
        self.setUp()
        self.ours("abc1234", "Told by the log", "batch", session="other")
        self.take_these(commit("s", "abc1234", 5, commit_title="Fix it"))
        self.assertEqual([row[:3] for row in self.q(COMMITS)], [("s", "abc1234", "Fix it")])
        self.assert_sound()

    def test_names_that_begin_alike_in_two_sessions_are_one_commit_only_with_one_title(self):
        self.ours(LONG, "Something else", "hook", session="first")
        self.take_these(commit("s", "abc1234", 6, commit_title="Fix it"))
        self.assertEqual([row[:3] for row in self.q(COMMITS)], [("first", LONG, "Something else"), ("s", "abc1234", "Fix it")])

    def test_of_a_session_that_was_forgotten_no_title_comes(self):
        self.take_these(session("s"), reference.prompt("s", 0, "hello", 1))
        self.envelope("forget", "--session", "s", "--yes")
        self.take_more(reference.script([*reference.tables(), session("s"), reference.prompt("s", 0, "hello", 1),
                                         commit("s", "abc1234", 5, commit_title="the secret")]))
        self.assertEqual([row[:3] for row in self.q(COMMITS)], [("s", "abc1234", None)])
        self.assertEqual([name for name, lines in dump(self.store).items() if any("the secret" in line for line in lines)], [])


if __name__ == "__main__":
    import_case.main(sys.argv)
