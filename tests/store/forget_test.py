#!/usr/bin/env python3
"""What is forgotten is gone from the file, stays gone, and leaves the figures true.

    forget_test.py SELFTUNE
"""

import json
import re
import sqlite3
import sys
import time
import unittest
from pathlib import Path

import scene
from scene import StoreTest, dump, tree

StoreTest.program = Path(sys.argv[1]).resolve()
SECRET = "xylophone-4711-secret"


def line(kind, text, session, n, cwd, at):
    message = {"role": kind, "content": text if kind == "user" else [{"type": "text", "text": text}]}
    if kind == "assistant":
        message.update(id=f"msg_{session}_{n}", model="m", type="message",
                       usage={"input_tokens": 3, "output_tokens": 5})
    return {"type": kind, "message": message, "uuid": f"{session}-{n}", "parentUuid": None,
            "sessionId": session, "cwd": cwd, "timestamp": at, "version": "2.1.330", "gitBranch": "main",
            "isSidechain": False, "userType": "external"}


class Claude:
    """Transcripts of Claude Code, made up."""

    def __init__(self, home):
        self.folder = home.path / ".claude" / "projects"

    def file(self, session, cwd):
        return self.folder / re.sub(r"[^A-Za-z0-9]", "-", cwd) / f"{session}.jsonl"

    def say(self, session, cwd, *texts, day="2026-03-05", skill=None):
        file = self.file(session, cwd)
        file.parent.mkdir(parents=True, exist_ok=True)
        have = len(file.read_text().splitlines()) if file.exists() else 0
        with file.open("a") as out:
            for i, text in enumerate(texts):
                n = have * 100 + 10 * i
                at = f"{day}T10:{n % 60:02d}:00.000Z"
                out.write(json.dumps(line("user", text, session, n, cwd, at)) + "\n")
                answer = line("assistant", "Done.", session, n + 1, cwd, at)
                if skill is not None:
                    answer["message"]["content"] = [
                        {"type": "tool_use", "id": f"toolu_{session}_{n}", "name": "Skill",
                         "input": {"skill": skill, "args": f"args of {text}"}}]
                out.write(json.dumps(answer) + "\n")
                if skill is not None:
                    result = line("user", "", session, n + 2, cwd, at)
                    result["message"]["content"] = [
                        {"type": "tool_result", "tool_use_id": f"toolu_{session}_{n}",
                         "content": f"Launching skill: {skill}"}]
                    result["toolUseResult"] = {"success": True, "commandName": skill}
                    out.write(json.dumps(result) + "\n")


class Forget(StoreTest):
    def setUp(self):
        super().setUp()
        self.person = self.home()
        self.claude = Claude(self.person)
        self.claude.say("s-1", "/w/client", f"please {SECRET} now", "run the tests", skill="pdf")
        self.claude.say("s-2", "/w/client/sub", "fix the build", f"and {SECRET.upper()} too", day="2026-03-06")
        self.claude.say("s-3", "/w/other", "run the tests", "write the notes", day="2026-07-01", skill="notes")
        self.claude.say("s-4", "/w/client-two", "another client", day="2026-07-02")
        self.person.good("sync")

    def texts(self, *sessions):
        marks = ",".join("?" * len(sessions))
        return [row[0] for row in self.person.sql(
            f"SELECT prompt_text FROM prompts WHERE session_id IN ({marks}) ORDER BY session_id, prompt_index",
            *sessions)]

    def bytes_of_store(self):
        return b"".join(f.read_bytes() for f in sorted(self.person.state.glob("selftune.db*")))

    def forget(self, *options):
        before = self.figures()
        reply = self.person.good("forget", *options, "--yes")
        self.assertEqual(self.figures(), before)
        self.assert_sound(self.person)
        return reply["data"]

    def figures(self):
        return (self.person.sql("SELECT * FROM skill_day ORDER BY 1,2"),
                self.person.sql("SELECT * FROM skill_total ORDER BY 1"),
                self.person.sql("SELECT name,value FROM counter ORDER BY 1"),
                self.person.sql("SELECT count(*) FROM prompt"),
                self.person.sql("SELECT session_id,prompt_index,is_actionable FROM prompts ORDER BY 1,2"))

    def read_everything_again(self):
        self.person.good("sync")
        self.person.good("sync", "--force")
        self.person.good("request", json.dumps({"op": "sync.run", "params": {"repair_only": True}}))
        self.assert_sound(self.person)

    def test_what_an_import_could_not_place_is_forgotten_with_its_session(self):
        notes = {"s-1:x": f'{{"row":{{"session_id":"s-1","said":"{SECRET}"}}}}',
                 "named": '{"row":{"session_id":"s-1","query":"no secret"}}',
                 "quoted": f'{{"left":{{"query":"{SECRET.upper()}","session_id":"s-3"}}}}',
                 "other": '{"row":{"session_id":"s-3"}}'}
        with self.person.connect() as db:
            db.executemany("INSERT INTO import_map(origin,tbl,src_id,verdict,digest,note) "
                           "VALUES('o','grading_results',?,'kept',zeroblob(16),?)", notes.items())
        db.close()
        self.forget("--session", "s-1")
        kept = "SELECT src_id FROM import_map WHERE note IS NOT NULL ORDER BY src_id"
        self.assertEqual(self.person.sql(kept), [("other",), ("quoted",)])
        self.forget("--match", SECRET)
        self.assertEqual(self.person.sql(kept), [("other",), ("quoted",)])
        self.assertEqual(self.person.sql("SELECT note FROM import_map WHERE src_id='quoted'"),
                         [('{"left":{"query":"[forgotten]","session_id":"s-3"}}',)])

    def test_a_session_is_forgotten_and_does_not_come_back(self):
        self.assertEqual(self.texts("s-1"), [f"please {SECRET} now", "run the tests"])
        data = self.forget("--session", "s-1")
        self.assertEqual((data["sessions"], data["prompts"], data["arguments"]), (1, 2, 2))
        self.assertEqual(data["bodies_erased"], 1)  # "run the tests" was said elsewhere, too
        self.assertEqual(self.texts("s-1"), [None, None])
        self.assertEqual(self.texts("s-3"), ["run the tests", "write the notes"])
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())
        self.assertNotIn(f"args of please {SECRET}".encode(), self.bytes_of_store())
        self.read_everything_again()
        self.assertEqual(self.texts("s-1"), [None, None])
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())
        # It goes on, and stays forgotten; others do not.
        self.claude.say("s-1", "/w/client", f"again {SECRET}", "fix the build")
        self.claude.say("s-3", "/w/other", "third")
        self.person.good("sync")
        self.assertEqual(self.texts("s-1"), [None] * 4)
        self.assertEqual(self.texts("s-3"), ["run the tests", "write the notes", "third"])
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())
        # Nor in a store that is made anew of this one.
        self.person.good("recover", "--yes")
        self.read_everything_again()
        self.assertEqual(self.texts("s-1"), [None] * 4)
        # Nor after it was exported and taken back.
        archive, other = self.scratch / "archive", self.home("other")
        self.person.good("export", archive)
        other.good("import", archive)
        other.path.joinpath(".claude").symlink_to(self.person.path / ".claude")
        other.good("sync", "--force")
        self.assertEqual(other.sql("SELECT count(*) FROM prompts WHERE session_id='s-1' AND prompt_text IS NOT NULL"),
                         [(0,)])

    def test_a_folder_and_what_is_below_it(self):
        data = self.forget("--workspace", "/w/client")
        self.assertEqual((data["sessions"], data["prompts"]), (2, 4))
        self.assertEqual(self.texts("s-1", "s-2"), [None] * 4)
        self.assertEqual(self.texts("s-4"), ["another client"])
        self.read_everything_again()
        self.assertEqual(self.texts("s-1", "s-2"), [None] * 4)

    def test_prompts_of_a_skill(self):
        data = self.forget("--skill", "PDF")
        self.assertEqual(data["prompts"], 2)
        self.assertEqual(self.texts("s-1"), [None, None])
        self.assertEqual(self.texts("s-2", "s-3"),
                         ["fix the build", f"and {SECRET.upper()} too", "run the tests", "write the notes"])
        self.read_everything_again()
        self.assertEqual(self.texts("s-1"), [None, None])
        # The session was not forgotten: what is new stays.
        self.claude.say("s-1", "/w/client", "something new")
        self.person.good("sync")
        self.assertEqual(self.texts("s-1"), [None, None, "something new"])

    def test_words_in_any_case(self):
        data = self.forget("--match", SECRET)
        self.assertEqual((data["sessions"], data["prompts"]), (2, 2))
        self.assertEqual(self.texts("s-1", "s-2"), [None, "run the tests", "fix the build", None])
        content = self.bytes_of_store().lower()
        self.assertNotIn(SECRET.encode(), content)
        self.read_everything_again()
        self.assertEqual(self.texts("s-1", "s-2"), [None, "run the tests", "fix the build", None])

    def test_before_a_date_also_what_is_read_later(self):
        data = self.forget("--before", "2026-06-01")
        self.assertEqual(data["prompts"], 4)
        self.assertEqual(self.texts("s-1", "s-2"), [None] * 4)
        self.claude.say("s-old", "/w/other", f"old {SECRET}", day="2026-04-01")
        self.claude.say("s-new", "/w/other", "newer", day="2026-08-01")
        self.read_everything_again()
        self.assertEqual(self.texts("s-old", "s-new"), ["newer", None] if "s-new" < "s-old" else None)
        self.assertEqual(self.texts("s-1", "s-2"), [None] * 4)
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())

    def test_a_backup_brings_nothing_back(self):
        everyone = ("s-1", "s-2", "s-3", "s-4")
        for options in (["--match", SECRET], ["--session", "s-2"], ["--before", "2026-06-01"]):
            with self.subTest(options):
                backup = self.person.good("backup", "create")["data"]["id"]
                self.forget(*options)
                want = self.texts(*everyone)
                reply = self.person.good("backup", "restore", backup, "--yes")
                self.assertEqual(self.texts(*everyone), want)
                self.assertIn("FORGOTTEN_AGAIN", [w["code"] for w in reply["warnings"]])
                self.assertNotIn(SECRET.encode(), self.bytes_of_store().lower())
                self.read_everything_again()
                self.assertEqual(self.texts(*everyone), want)

    def test_the_same_words_before_and_after(self):
        self.claude.say("s-5", "/w/other", "same", "same", day="2026-03-01")
        self.claude.say("s-5", "/w/other", "same", "other", "same", day="2026-08-01")
        self.person.good("sync")
        self.forget("--before", "2026-06-01")
        self.claude.say("s-5", "/w/other", "same", "same", day="2026-08-02")
        self.read_everything_again()
        self.assertEqual(self.texts("s-5"), [None, None, "same", "other", "same", "same", "same"])
        self.forget("--session", "s-5")
        self.claude.say("s-5", "/w/other", "same", day="2026-08-03")
        self.read_everything_again()
        self.assertEqual(self.texts("s-5"), [None] * 8)

    def test_a_store_from_before_there_was_forgetting(self):
        db = self.person.connect()
        db.execute("DROP TABLE forgotten")
        db.commit()
        db.close()
        self.claude.say("s-3", "/w/other", "third")
        self.person.good("status")
        self.person.good("sync", "--force")
        self.assertEqual(self.texts("s-3"), ["run the tests", "write the notes", "third"])
        self.forget("--session", "s-1")
        self.assert_sound(self.person)

    def test_a_reader_that_holds_the_log_is_told(self):
        db = self.person.connect()
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM prompt").fetchone()
        reply = self.person.good("forget", "--match", SECRET, "--yes")
        db.close()
        self.assertIn(f"{self.person.database}-wal", reply["data"]["still_in"])
        self.person.good("forget", "--session", "s-3", "--yes")
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())

    def test_conditions_go_together(self):
        data = self.forget("--workspace", "/w", "--before", "2026-03-06")
        self.assertEqual(data["prompts"], 2)
        self.assertEqual(self.texts("s-1"), [None, None])
        self.assertEqual(len([t for t in self.texts("s-2", "s-3", "s-4") if t]), 5)

    def test_what_was_made_of_it_goes_too(self):
        scene.add_decisions(self.person.database)
        db = self.person.connect()
        secret, = db.execute("SELECT body_id FROM body WHERE text LIKE '%' || ? || '%'", (SECRET,)).fetchone()
        db.execute("UPDATE eval_entry SET query_body=? WHERE entry_id='e0'", (secret,))
        db.commit()
        db.close()
        data = self.forget("--match", SECRET)
        self.assertEqual((data["eval_entries"], data["cached_replies"]), (1, 1))
        self.assertEqual(self.person.sql("SELECT active FROM eval_entry WHERE entry_id='e0'"), [(0,)])
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())

    # Columns that hold no words of a person: of names, places, kinds and versions, and keys.
    NO_WORDS = {
        "skill": "*", "host": "*", "skill_location": "*", "workspace": "*", "source_file": "path kind parser state host_schema foreign_cursor platform",
        "session": "*", "spawn": "*", "prompt": "prompt_id kind native_id command_name source_record capture",
        "observation": "skill_text tool_name tool_call_id agent_type location scope source_record route",
        "session_metric": "session_type", "session_tool": "*", "part_tool": "*", "listing_entry": "*", "exposure": "source_record",
        "improvement_signal": "run_id", "vcs_commit": "sha branch repo_remote", "commit_logged": "*", "label": "source run_id",
        "eval_entry": "entry_id source cluster", "holdout_look": "proposal_id", "proposal": "proposal_id target location reason_code",
        "evolution_event": "*",  # hashed: a test of its own
        "replay_result": "proposal_id run_id phase validation_mode", "deploy": "deploy_id proposal_id undoes", "deploy_target": "*",
        "watch": "deploy_id", "watch_observation": "*", "llm_call": "*", "llm_cache": "purpose model usage", "budget": "*", "capability": "*",
        "job_run": "run_id job trigger idempotency_key log_path approval_mode metrics", "job_action": "run_id action",
        "skill_total": "last_scope", "skill_rest": "*", "counter": "*", "import_map": "origin tbl src_id", "import_untold": "origin tbl src_id",
        "install": "*", "meta": "*", "bad_line": "reason", "skill_state": "", "body": ""}

    def test_words_go_from_every_column_of_every_table_that_may_have_them(self):
        scene.add_decisions(self.person.database)
        scene.add_rest(self.person.database)
        said = json.dumps({"said": f"they want {SECRET} here"})
        places = []
        db = self.person.connect()
        tables = [t for t, in db.execute("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'")]
        session, source = db.execute("SELECT session_pk, source_id FROM session WHERE source_id IS NOT NULL").fetchone()
        db.execute("INSERT OR IGNORE INTO bad_line VALUES(?,1,999999,1,'r','x',1)", (source,))
        db.execute("INSERT OR IGNORE INTO session_event VALUES(?,?,999999,'tool_error',0,1,'x')", (session, source))
        db.execute("INSERT OR IGNORE INTO improvement_signal(session_pk,prompt_pk,mention,kind,resolved,occurred_ms) "
                   "SELECT session_pk,prompt_pk,'x','correction',0,5 FROM prompt LIMIT 1")
        for table in tables:
            free = self.NO_WORDS.get(table, "")
            for name, kind in db.execute("SELECT name,type FROM pragma_table_info(?)", (table,)).fetchall():
                if kind != "TEXT" or free == "*" or name in free.split() or (table, name) == ("body", "text"):
                    continue
                try:
                    changed = db.execute(f'UPDATE OR IGNORE "{table}" SET "{name}"=?', (said,)).rowcount
                except sqlite3.IntegrityError:
                    continue  # a list of words says what may be in it
                if changed > 0:
                    places.append(f"{table}.{name}")
        db.commit()
        db.close()
        for place in ("improvement_signal.mention", "job_action.reason", "job_run.params", "label.detail", "observation.args", "session_event.detail",
                      "vcs_commit.title", "bad_line.excerpt", "import_map.note", "llm_cache.reply", "eval_entry.extra", "watch.reason"):
            self.assertIn(place, places)
        self.person.good("forget", "--match", SECRET, "--yes")
        left = []
        for table in tables:
            for name, kind in self.person.sql("SELECT name,type FROM pragma_table_info(?)", table):
                (found,), = self.person.sql(f'SELECT count(*) FROM "{table}" WHERE instr(lower(CAST("{name}" AS TEXT)),?)>0', SECRET)
                if found:
                    left.append(f"{table}.{name}")
        self.assertEqual(left, [])
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())

    def test_what_a_signal_names_goes_with_its_prompt(self):
        self.claude.say("s-5", "/w/client", f"why did you not use the {SECRET} skill?", day="2026-07-03")
        self.person.good("sync")
        with self.person.connect() as db:
            db.execute("INSERT OR IGNORE INTO improvement_signal(session_pk,prompt_pk,mention,kind,resolved,occurred_ms) "
                       "SELECT session_pk,prompt_pk,?,'correction',0,5 FROM prompt JOIN session USING(session_pk) WHERE session_id='s-5'", (SECRET,))
            db.execute("INSERT OR IGNORE INTO improvement_signal(session_pk,prompt_pk,mention,kind,resolved,occurred_ms) "
                       "SELECT session_pk,prompt_pk,?,'correction',0,5 FROM prompt JOIN session USING(session_pk) WHERE session_id='s-5'", (SECRET + " two",))
        db.close()
        signals = "SELECT count(*) FROM improvement_signal"
        there = self.person.sql(signals)
        self.forget("--session", "s-5")
        self.assertEqual(self.person.sql(signals), there)
        self.assertNotIn(SECRET, json.dumps(self.person.sql("SELECT mention FROM improvement_signal g JOIN session s USING(session_pk) WHERE s.session_id='s-5'")))
        self.assertEqual(self.person.sql("SELECT mentioned_skill FROM improvement_signals WHERE session_id='s-5' AND mentioned_skill NOT LIKE '[forgotten%' AND mentioned_skill LIKE ?", f"%{SECRET}%"), [])

    def test_quotes_in_the_audit_go_and_the_chain_stays_whole(self):
        scene.add_decisions(self.person.database)
        said = f"please {SECRET} now"
        quoting = {"details": f"misses: “{said[:24]}…”", "validation": json.dumps({"misses": [{"query": said, "n": 3}]}),
                   "eval_set": json.dumps(["run the tests", "keep me"]), "snapshot": json.dumps({"passed": 3})}
        db = self.person.connect()
        trigger, = db.execute("SELECT sql FROM sqlite_schema WHERE name='evolution_no_update'").fetchone()
        db.execute("DROP TRIGGER evolution_no_update")
        previous = b""
        for pk, in db.execute("SELECT event_pk FROM evolution_event ORDER BY event_pk").fetchall():
            row = dict(zip(("event_id", "proposal_id", "skill_id", "action", "occurred_ms", "details", "sha256_before", "sha256_after", "texts"),
                           db.execute("SELECT event_id,proposal_id,skill_id,action,occurred_ms,details,sha256_before,sha256_after,evidence_ref"
                                      " FROM evolution_event WHERE event_pk=?", (pk,)).fetchone()))
            more = quoting if row["event_id"] == "ev-2" else {}
            digest = scene.hashed_event(previous, {**row, **more})
            db.execute("UPDATE evolution_event SET details=?, validation=?, eval_set=?, snapshot=?, prev_hash=?, hash=? WHERE event_pk=?",
                       (more.get("details", row["details"]), more.get("validation"), more.get("eval_set"), more.get("snapshot"),
                        previous or None, digest, pk))
            previous = digest
        db.execute("INSERT OR REPLACE INTO meta VALUES('evolution_chain',?)", (f"5 {previous.hex()}",))
        db.execute(trigger)
        db.execute("UPDATE proposal SET rationale=?, evidence=?", (f"people say {said}", json.dumps({"examples": [said, "other"]})))
        db.execute("UPDATE replay_result SET evidence=? WHERE rep=1", (json.dumps({"prompt": said}),))
        db.commit()
        db.close()
        self.person.good("db", "check", "--deep")
        data = self.forget("--session", "s-1")  # with a deep check
        self.assertEqual(data["audit_steps"], 1)
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())
        step, = self.person.sql("SELECT details,validation,eval_set,snapshot FROM evolution_event WHERE event_id='ev-2'")
        self.assertEqual(step, ("[forgotten]", '{"misses":[{"query":"[forgotten]","n":3}]}',
                                '["[forgotten]","keep me"]', '{"passed": 3}'))
        self.assertEqual(self.person.sql("SELECT rationale,evidence FROM proposal"), [("[forgotten]", '{"examples":["[forgotten]","other"]}')])
        self.assertEqual(self.person.sql("SELECT evidence FROM replay_result ORDER BY rep"), [('{"prompt":"[forgotten]"}',), ("{}",)])
        self.assertEqual(self.person.sql("SELECT sql FROM sqlite_schema WHERE name='evolution_no_update'"), [(trigger,)])
        self.assertEqual(self.person.good("forget", "--session", "s-1", "--yes")["data"]["audit_steps"], 0)
        # Words that only the audit has.
        reply = self.person.good("forget", "--match", "Keep Me", "--yes")
        self.assertEqual((reply["changed"], reply["data"]["prompts"], reply["data"]["audit_steps"]), (True, 0, 1))
        self.assertEqual(self.person.sql("SELECT eval_set FROM evolution_event WHERE event_id='ev-2'"), [('["[forgotten]","[forgotten]"]',)])
        self.assert_sound(self.person)

    def test_it_goes_on_where_it_was_cut_off(self):
        """Many prompts in transactions of bounded size; a kill in between; the same command again."""
        self.claude.say("m-0", "/w/many", f"{SECRET} first")
        file = self.claude.file("m-0", "/w/many")
        with file.open("a") as out:
            for n in range(5000):
                out.write(json.dumps(line("user", f"{SECRET} no. {n}", "m-0", 1000 + n, "/w/many", "2026-03-07T10:00:00.000Z")) + "\n")
        self.person.good("sync")
        figures = self.figures()
        said = "SELECT count(*) FROM prompts WHERE prompt_text IS NOT NULL"
        there, = self.person.sql(said)[0]
        # Stopped when some batches are done.
        db = self.person.connect()
        process = self.person.start("forget", "--match", SECRET, "--yes")
        for _ in range(2000):
            now, = db.execute(said).fetchone()
            if now < there:
                process.kill()
                break
            time.sleep(0.002)
        process.communicate()
        db.close()
        left, = self.person.sql(said)[0]
        self.assertLess(left, there)
        self.assertEqual(self.figures(), figures)
        self.forget("--match", SECRET)
        self.assertNotIn(SECRET.encode(), self.bytes_of_store().lower())
        self.assertEqual(self.person.sql("SELECT count(*) FROM meta WHERE key='forget_unfinished'"), [(0,)])
        self.assertEqual(self.person.sql("SELECT count(*) FROM body WHERE text IS NOT NULL AND erased_ms IS NOT NULL"), [(0,)])
        self.read_everything_again()
        self.assertNotIn(SECRET.encode(), self.bytes_of_store().lower())

    def test_what_is_chosen_is_asked_for_first(self):
        for options in ((), ("--yes",), ("--dry-run",)):
            status, reply = self.person.run("forget", *options)
            self.assertEqual((status, reply["error"]["code"]), (64, "INVALID_REQUEST"), options)
            self.assertIn("session", reply["error"]["message"])

    def test_a_dry_run_says_the_same_and_changes_nothing(self):
        before = tree(self.person.path)
        plan = self.person.good("forget", "--workspace", "/w/client", "--dry-run")
        self.assertFalse(plan["changed"])
        self.assertEqual({k: v for k, v in tree(self.person.path).items() if not k.endswith("-shm")},
                         {k: v for k, v in before.items() if not k.endswith("-shm")})
        done = self.forget("--workspace", "/w/client")
        for key in ("sessions", "prompts", "arguments", "bodies_erased"):
            self.assertEqual(plan["data"][key], done[key], key)

    def test_twice_is_nothing_and_nonsense_is_refused(self):
        self.forget("--session", "s-1")
        rows = dump(self.person.database)
        reply = self.person.good("forget", "--session", "s-1", "--yes")
        self.assertFalse(reply["changed"])
        self.assertIsNone(reply["data"]["receipt"])
        self.assert_same_rows(rows, dump(self.person.database), ("change_clock",))
        for options, code in (((), "INVALID_REQUEST"), (("--session", "nobody"), "SESSION_NOT_FOUND"),
                              (("--skill", "nothing"), "SKILL_NOT_FOUND"),
                              (("--before", "yesterday"), "INVALID_REQUEST")):
            status, reply = self.person.run("forget", *options, "--yes")
            self.assertNotEqual(status, 0)
            self.assertEqual(reply["error"]["code"], code, options)
        status, reply = self.person.run("forget", "--session", "s-3")
        self.assertEqual((status, reply["error"]["code"]), (2, "CONFIRMATION_REQUIRED"))

    def test_other_copies_are_named(self):
        backup = self.person.good("backup", "create")["data"]["path"]
        reference = self.person.state / "selftune.db.reference"
        reference.write_bytes(b"x")
        reply = self.person.good("forget", "--match", SECRET, "--yes")
        self.assertIn(backup, reply["data"]["still_in"])
        self.assertIn(str(reference), reply["data"]["still_in"])
        self.assertEqual([w["code"] for w in reply["warnings"]], ["STILL_IN_FILES"])

    def test_hooks_bring_nothing_back(self):
        spool = self.person.state / "spool"
        spool.mkdir(exist_ok=True)
        self.forget("--session", "s-1")
        record = {"v": 1, "id": "00000000-0000-4000-8000-000000000001", "kind": "hook",
                  "at_ms": 1_772_700_000_000,
                  "payload": {"type": "prompt_submit", "platform": "claude_code", "session_id": "s-1",
                              "cwd": "/w/client", "prompt": f"hooked {SECRET}"}}
        (spool / "2026-03-05.jsonl").write_text(json.dumps(record, separators=(",", ":")) + "\n")
        self.person.good("sync")
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())

    def test_retention_by_the_settings(self):
        self.person.good("config", "set", "retention.texts_days", "30")
        for wrong in ("0", "-1", "soon", "1.5"):
            status, _ = self.person.run("config", "set", "retention.texts_days", wrong)
            self.assertNotEqual(status, 0, wrong)
        before = self.figures()
        # The sessions above are of March and July 2026: `now` decides what is old.
        reply = self.person.good("sync")
        erased = reply["data"]["retention"]["prompts_erased"]
        left = [t for t in self.texts("s-1", "s-2", "s-3", "s-4") if t is not None]
        self.assertEqual(erased + len(left), 7)
        self.assertGreaterEqual(erased, 4)
        self.assertEqual(self.figures(), before)
        self.assert_sound(self.person)
        self.assertEqual(self.person.good("sync", "--force")["data"]["retention"]["prompts_erased"], 0)
        self.assertEqual([t for t in self.texts("s-1", "s-2", "s-3", "s-4") if t is not None], left)
        self.assertNotIn(SECRET.encode(), self.bytes_of_store())
        values = {v["key"]: v["value"] for v in self.person.good("config", "list")["data"]["values"]}
        self.assertEqual(values["retention.texts_days"], "30")


if __name__ == "__main__":
    scene.main(2)
