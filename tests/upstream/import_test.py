#!/usr/bin/env python3
"""`import upstream`: databases of the reference become rows of ours, nothing is lost.

    import_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import pathlib
import shutil
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import import_case  # noqa: E402
from import_case import ImportCase, KEPT, dump, reference, tree  # noqa: E402


class Newest(ImportCase):
    def setUp(self):
        super().setUp()
        self.data = self.take_old(reference.newest())

    def test_every_table_is_accounted_for_and_what_has_no_place_is_kept_whole(self):
        self.assertTrue(self.data["reconciled"])
        self.assertEqual(sum(row["rejected"] for row in self.counts.values()), 0)
        for name in KEPT:
            row = self.counts[name]
            self.assertGreater(row["source"], 0)
            self.assertEqual((row["imported"], row["merged"], row["kept"]), (0, 0, row["source"]), name)
        said = next(w["message"] for w in self.take("--db", str(self.old))["warnings"] if w["code"] == "KEPT_UNSEEN")
        for name in KEPT:
            self.assertIn(name, said)
        for name in set(reference.TABLES) - set(KEPT):
            self.assertGreater(self.counts[name]["imported"] + self.counts[name]["merged"], 0, name)
        self.assertIn("imported_rows", said)
        self.assertEqual(self.note("grading_results", "gr_0123456789abcdef")["row"]["pass_rate"], 0.5)
        self.assert_sound()

    def test_gradings_and_all_that_was_kept_can_be_asked_for(self):
        (grading,) = self.q("SELECT session_id,platform,skill_name,status,pass_rate,passed_count,failed_count,total_count,undetermined_count,graded_at"
                            " FROM grading_results WHERE grading_id='gr_0123456789abcdef'")
        with sqlite3.connect(self.old) as db:
            there, = db.execute("SELECT session_id,skill_name,pass_rate,passed_count,failed_count,total_count,graded_at FROM grading_results")
        db.close()
        self.assertEqual(grading, (there[0], "claude_code", there[1], "graded", there[2], there[3], there[4], there[5],
                                   there[5] - there[3] - there[4], there[6]))
        # The same database at another place has the same grading once.
        other = self.home / "elsewhere" / "selftune.db"
        other.parent.mkdir()
        shutil.copyfile(self.old, other)
        self.take("--db", str(other))
        self.assertEqual(self.q("SELECT count(*) FROM grading_results"), [(1,)])
        for name in KEPT:
            found = self.q("SELECT json_valid(row_json) FROM imported_rows WHERE table_name=? AND verdict='kept'", name)
            self.assertEqual(set(found), {(1,)}, name)
        asked = self.envelope("query", "SELECT json_extract(row_json,'$.skill_name') FROM imported_rows WHERE table_name='unit_test_files'")
        self.assertTrue(asked["data"]["rows"][0][0])

    def test_a_store_without_the_map_gets_it(self):
        with sqlite3.connect(self.store) as db:
            db.execute("DROP TABLE import_map")
        db.close()
        self.envelope("sync")
        self.assertEqual(self.q("SELECT count(*) FROM grading_results"), [(0,)])
        self.assertEqual(self.q("SELECT name FROM sqlite_schema WHERE name IN('import_map','import_kept') ORDER BY 1"), [("import_kept",), ("import_map",)])

    def test_no_value_is_lost(self):
        """Each value of each row is in a view under its name or in the map."""
        self.assertEqual(self.note("sessions", "a")["left"]["raw_source_ref"], '{"path": "/home/u/.claude/projects/a.jsonl"}')
        left = self.note("session_telemetry", "a")["row"]
        self.assertEqual((left["bash_commands_json"], left["agent_summary"]), ('["ls -l"]', "did it"))
        with sqlite3.connect(self.old) as db:
            db.row_factory = sqlite3.Row
            for table, view, key in (("sessions", "sessions", "session_id"), ("prompts", "prompts", "prompt_id")):
                for row in db.execute("SELECT * FROM " + table):
                    note = self.note(table, row[key]).get("left", {})
                    got = dict(zip([c for c in row.keys() if c not in note],
                                   self.q("SELECT %s FROM %s WHERE %s=?" % (",".join(c for c in row.keys() if c not in note), view, key),
                                          row[key])[0])) if set(row.keys()) - set(note) else {}
                    for column in row.keys():
                        if row[column] is not None:
                            self.assertIn(row[column], (note.get(column), got.get(column)), (table, row[key], column))
        db.close()

    def test_sessions_and_prompts_are_shown_under_the_names_of_the_reference(self):
        self.assertEqual(self.q("SELECT session_id,platform,model,completion_status,agent_cli,workspace_path,repo_remote,branch,started_at,ended_at"
                                " FROM sessions WHERE session_id='a'"),
                         [("a", "claude_code", "opus", "completed", "claude", "/home/u/a", "git@example.org:u/a.git", "main",
                           reference.at(0), reference.at(9))])
        self.assertEqual(self.q("SELECT session_id,platform FROM sessions ORDER BY 1"),
                         [("a", "claude_code"), ("b", "claude_code"), ("c", "claude_code"), ("d", "codex"), ("e", "unknown"), ("f", "opencode")])
        # The query that had no prompt is one, at its place in time; the prompt that no person typed does not count.
        self.assertEqual(self.q("SELECT prompt_index,prompt_kind,prompt_text FROM prompts WHERE session_id='a' ORDER BY 1"),
                         [(0, "user", "hello there"), (1, "user", "fill this form"), (2, "user", "fill this form"),
                          (3, "meta", "<command-name>/clear</command-name>"), (4, "user", "now commit it's work")])
        self.assertEqual((self.counts["queries"]["imported"], self.counts["queries"]["merged"]), (2, 3))

    def test_decisions_keep_what_is_right_and_lose_what_is_known_to_be_wrong(self):
        found = self.q("SELECT session_id,skill_name,outcome,invocation_mode,level,confidence,matched_prompt_id,query,source FROM skill_invocations"
                       " ORDER BY session_id,occurred_at,skill_name")
        self.assertEqual(found, [
            ("a", "pdf", "triggered", "explicit", "tool", 1.0, "a:p1", "fill this form", "legacy"),
            ("a", "pdf", "triggered", "explicit", "tool", 1.0, "a:p2", "fill this form", "legacy"),
            ("a", "notes", "read_only", "contextual", "read", 0.5, "a:p4", "now commit it's work", "legacy"),
            # Replay gave both to the last prompt: the words stay, the link does not.
            ("b", "pdf", "triggered", "explicit", "tool", 1.0, None, "thanks", "legacy"),
            ("b", "commit", "triggered", "explicit", "tool", 1.0, None, "thanks", "legacy"),
            # The repaired row stands for its old one.
            ("c", "pdf", "triggered", "repaired", "tool", 0.9, "c:p0", "merge the files", "repair"),
            ("c", "notes", "read_only", "repaired", "read", 0.9, "c:p0", "merge the files", "repair"),
            # Its query is in the old table alone; lint is there alone.
            ("d", "deploy", "triggered", "explicit", "tool", 1.0, "d:p0", "deploy it", "legacy"),
            ("d", "lint", "triggered", "inferred", "tool", 1.0, "d:p0", "deploy it", "legacy")])
        self.assertEqual(self.q("SELECT extra,o.capture_rank FROM observation o JOIN session s USING(session_pk) WHERE session_id='b'"),
                         [('{"attribution":"session_last_prompt"}', 0)] * 2)
        self.assertEqual((self.counts["skill_invocations"]["imported"], self.counts["skill_invocations"]["merged"]), (8, 1))
        self.assertEqual((self.counts["skill_usage"]["imported"], self.counts["skill_usage"]["merged"]), (1, 2))

    def test_figures_are_the_greatest_not_the_sum(self):
        self.assertEqual(self.q("SELECT tool_calls_json,total_tool_calls,assistant_turns,errors_encountered,input_tokens,output_tokens,cost_usd,"
                                "files_changed,lines_added,session_type FROM execution_facts WHERE session_id='a'"),
                         [('{"Bash":5,"Skill":2}', 7, 6, 1, 3000, 1500, 0.25, 3, 10, "dev")])
        # Two calls without a name; of the input, 200 tokens came from the cache.
        self.assertEqual(self.q("SELECT tool_calls_json,total_tool_calls,input_tokens,input_uncached_tokens,cached_input_tokens,reasoning_output_tokens"
                                " FROM execution_facts WHERE session_id='d'"), [('{"shell":4,"unknown":2}', 6, 500, 300, 200, 40)])
        row = self.counts["execution_facts"]
        self.assertEqual((row["source"], row["imported"], row["merged"]), (4, 2, 2))

    def test_signals_runs_and_proposals_are_there(self):
        self.assertEqual(self.q("SELECT session_id,query,signal_type,mentioned_skill,state,consumed_at,consumed_by_run FROM improvement_signals ORDER BY 3"),
                         [("a", "now commit it's work", "correction", "commit", "consumed", reference.at(30), "run_1772359200000_abc123"),
                          ("a", "fill this form", "explicit_request", "pdf", "pending", None, None)])
        run, = self.q("SELECT run_id,timestamp,elapsed_ms,approval_mode,total_skills,deployed,skill_actions_json FROM orchestrate_runs")
        self.assertEqual(run[:6], ("run_1772359200000_abc123", reference.at(30), 1200, "auto", 3, 1))
        self.assertEqual([a["skill"] for a in json.loads(run[6])], ["pdf", "notes"])
        self.assertEqual(self.q("SELECT job,status FROM job_run ORDER BY 1"), [("cron:orchestrate", "error"), ("cron:sync", "ok"), ("orchestrate", "ok")])
        self.assertEqual(self.q("SELECT proposal_id,skill_name,action,target,iterations_used FROM evolution_audit ORDER BY 1,id"),
                         [("evo-body-git-flow-1772445600001", "git-flow", "created", "body", None), ("evo-body-git-flow-1772445600001", "git-flow", "superseded", "body", None),
                          ("evo-notes-1772445600002", "notes", "rejected", "routing", None), ("evo-pdf-1772445600000", "pdf", "created", "description", None),
                          ("evo-pdf-1772445600000", "pdf", "validated", "description", 2), ("evo-pdf-1772445600000", "pdf", "deployed", "description", None)])
        self.assertEqual(self.q("SELECT original_text,proposed_text,rationale,confidence,validation_json FROM evolution_evidence WHERE stage='validated'"),
                         [("Old words.", "New words.", "people say form", 0.8, '{"improved": true, "net_change": 0.2}')])
        self.assertEqual(self.q("SELECT proposal_id,state FROM proposal ORDER BY 1"),
                         [("evo-body-git-flow-1772445600001", "superseded"), ("evo-notes-1772445600002", "rejected"), ("evo-pdf-1772445600000", "deployed")])
        self.assertEqual(self.q("SELECT phase,entry_no,triggered,passed FROM replay_result ORDER BY 1,2"),
                         [("after", 3, 1, 1), ("after", 4, 1, 1), ("before", 1, 1, 1), ("before", 2, 0, 0)])

    def test_a_second_time_changes_nothing_and_makes_no_backup(self):
        before, clock = dump(self.store), self.q("SELECT version FROM change_clock")
        doc = self.take("--db", str(self.old))
        self.assertFalse(doc["changed"])
        self.assertIsNone(doc["data"]["receipt"])
        self.assertEqual(dump(self.store), before)
        self.assertEqual(self.q("SELECT version FROM change_clock"), clock)
        self.assertEqual(list(self.state.glob("backups/*")), [])

    def test_what_was_added_or_changed_there_meanwhile_comes_after_and_is_backed_up_before(self):
        with sqlite3.connect(self.old) as db:
            db.executescript(reference.script([
                reference.prompt("a", 5, "one more", 8), reference.fact("a", 8, {"Bash": 9}, 9, 4000),
                "UPDATE sessions SET model='sonnet' WHERE session_id='d'", "UPDATE improvement_signals SET consumed=1, consumed_by_run='r2' WHERE id=2"]))
        db.close()
        doc = self.take("--db", str(self.old))
        self.assert_reconciled(self.old)
        self.assertTrue(doc["changed"])
        self.assertEqual(self.q("SELECT prompt_text FROM prompts WHERE prompt_id='a:p5'"), [("one more",)])
        self.assertEqual(self.q("SELECT assistant_turns,input_tokens FROM execution_facts WHERE session_id='a'"), [(9, 4000)])
        self.assertEqual(self.q("SELECT model FROM sessions WHERE session_id='d'"), [("sonnet",)])
        self.assertEqual(self.q("SELECT state,consumed_by_run FROM improvement_signals WHERE signal_type='explicit_request'"), [("consumed", "r2")])
        self.assertEqual(self.q("SELECT count(*) FROM prompts WHERE session_id='a'"), [(6,)])
        undo = doc["data"]["receipt"]["undo"]["argv"]
        self.assertEqual(undo[:3], ["selftune", "backup", "restore"])
        self.envelope(*undo[1:])
        self.assertEqual(self.q("SELECT count(*) FROM prompts WHERE session_id='a'"), [(5,)])

    def test_a_row_that_says_something_else_under_its_old_name_is_not_lost(self):
        with sqlite3.connect(self.old) as db:
            db.executescript("UPDATE prompts SET prompt_text='totally new words' WHERE prompt_id='a:p4';"
                             "UPDATE skill_invocations SET triggered=0, query='other q', skill_name='zip' WHERE skill_invocation_id='a:s:pdf:0';"
                             "UPDATE sessions SET model='another', branch='b2' WHERE session_id='a';"
                             "UPDATE evolution_audit SET details='rewritten' WHERE id=1; UPDATE skill_usage SET skill_name='mint' WHERE skill_name='lint';"
                             "UPDATE replay_entry_results SET evidence='unseen' WHERE id=1; UPDATE orchestrate_runs SET elapsed_ms=77")
        db.close()
        self.take("--db", str(self.old))
        self.assert_reconciled(self.old)
        self.assertEqual(self.q("SELECT count(*) FROM prompts WHERE prompt_text IN('totally new words','now commit it''s work')"), [(2,)])
        self.assertEqual(self.q("SELECT skill_name,outcome,query FROM skill_invocations WHERE session_id IN('a','d') ORDER BY 1"),
                         [("deploy", "triggered", "deploy it"), ("mint", "triggered", "deploy it"), ("notes", "read_only", "now commit it's work"),
                          ("pdf", "triggered", "fill this form"), ("zip", "read_only", "fill this form")])
        for table, key, column, value in (("skill_invocations", "a:s:pdf:0", "query", "other q"), ("sessions", "a", "model", "another"), ("evolution_audit", "1", "details", "rewritten"),
                                          ("replay_entry_results", "1", "evidence", "unseen"), ("orchestrate_runs", "run_1772359200000_abc123", "elapsed_ms", 77)):
            self.assertEqual(self.note(table, key)["row"][column], value)
        self.assert_sound()
        before = dump(self.store)
        self.assertFalse(self.take("--db", str(self.old))["changed"])
        self.assertEqual(dump(self.store), before)

    def test_folders_of_others_beside_the_store_stay(self):
        mine = [self.state / name for name in ("importing-photos", ".selftune-import-abcdef", ".selftune-import-photos-of-mine")]
        for folder in mine:
            folder.mkdir()
            (folder / "a.jpg").write_text("x")
        (self.state / ".selftune-import-link01").symlink_to(self.old.parent)
        left = self.state / ".selftune-import-000000"
        left.mkdir()
        (left / "copy-0.db").write_text("x")
        self.take("--db", str(self.old))
        self.assertTrue(all((folder / "a.jpg").exists() for folder in mine))
        self.assertTrue((self.state / ".selftune-import-link01").is_symlink() and self.old.exists())
        self.assertFalse(left.exists())

    def test_a_command_that_reads_shows_the_imported(self):
        self.assertEqual(self.envelope("skills", "show", "pdf")["data"]["name"], "pdf")
        self.assertIn("pdf", [row["name"] for row in self.envelope("skills", "list")["data"]["items"]])
        self.assertNotIn("not ours", json.dumps(self.envelope("doctor", "--exit-zero")["data"]))

    def test_doctor_names_tables_that_the_reference_puts_into_our_store(self):
        with sqlite3.connect(self.store) as db:
            db.execute("CREATE TABLE canonical_eval_sets(x)")
        db.close()
        checks = {c["name"]: c for c in self.envelope("doctor", "--exit-zero")["data"]["checks"]}
        self.assertEqual(checks["db.schema"]["status"], "warn")
        self.assertIn("canonical_eval_sets", checks["db.schema"]["message"])


class Others(ImportCase):
    def test_a_database_from_before_the_alters(self):
        self.take_old(reference.old())
        self.assertEqual(self.q("SELECT session_id,platform,workspace_path FROM sessions ORDER BY 1"),
                         [("o", "claude_code", None), ("p", "claude_code", "/home/u/p")])
        self.assertEqual(self.q("SELECT session_id,skill_name,query,matched_prompt_id FROM skill_invocations ORDER BY 1"),
                         [("o", "pdf", "read it", "o:p0"), ("p", "pdf", "open it", "p:p0")])
        self.assertEqual(self.q("SELECT total_tool_calls,errors_encountered FROM execution_facts WHERE session_id='p'"), [(2, 2)])
        self.assertEqual(self.q("SELECT skill_name,action FROM evolution_audit"), [("pdf", "deployed")])
        self.assert_sound()

    def test_rows_that_break_a_rule_are_kept_with_the_reason_and_the_rest_comes(self):
        data = self.take_old(reference.violations())
        self.assertTrue(data["reconciled"])
        reasons = {(r["table"], r["reason"]) for r in data["rejected"]}
        for want in (("sessions", "platform is Bad Host"), ("prompts", "its session was rejected: platform is Bad Host"),
                     ("sessions", "session_id is missing"), ("prompts", "session_id is missing"), ("prompts", "prompt_text is missing"),
                     ("skill_invocations", "skill_name is missing"), ("skill_invocations", "confidence is 1.7, not from 0 to 1"),
                     ("skill_invocations", "triggered is 7"), ("execution_facts", "assistant_turns is -3, not a count"),
                     ("skill_usage", "skill_name is missing"), ("queries", "query is missing"), ("improvement_signals", "signal_type is mood"),
                     ("evolution_audit", "pondered is no step"), ("evolution_audit", "timestamp is never"), ("evolution_audit", "no skill is named"),
                     ("evolution_audit", "proposal_id is missing"), ("replay_entry_results", "phase is during"),
                     ("orchestrate_runs", "timestamp is ?"), ("cron_runs", "status is maybe"), ("commit_tracking", "commit_sha is HEAD"),
                     ("canonical_eval_sets", "eval_set_json is no JSON array")):
            self.assertIn(want, reasons)
        self.assertEqual(sum(row["rejected"] for row in self.counts.values()), len(data["rejected"]))
        self.assertEqual(self.note("skill_invocations", "ok:2")["row"]["confidence"], 1.7)
        self.assertEqual(self.q("SELECT count(*) FROM import_map WHERE verdict='rejected' AND (reason IS NULL OR note IS NULL OR dst_pk IS NOT NULL)"), [(0,)])
        self.assertEqual(self.q("SELECT prompt_text FROM prompts ORDER BY 1"), [("fine",), ("odd time",), ("without an id",)])
        self.assertEqual(self.note("prompts", "ok:p10")["left"]["occurred_at"], "yesterday")
        self.assertEqual(self.note("skill_invocations", "ok:4")["left"]["invocation_mode"], "psychic")
        self.assertEqual(self.q("SELECT total_tool_calls,errors_encountered FROM execution_facts WHERE session_id='ok'"), [(1, 1)])
        self.assert_sound()

    def test_tables_and_columns_that_nobody_knows_are_kept(self):
        self.take_old(reference.unknown())
        self.assertEqual(self.note("sessions", "u")["left"]["mood"], "fine")
        self.assertEqual(self.note("prompts", "u:p0")["left"]["weight"], 0.5)
        self.assertEqual(self.note("keyed", '["k","2"]')["row"], {"x": "k", "y": 2, "z": "v"})
        self.assertEqual(sorted(r[0] for r in self.q("SELECT note FROM import_map WHERE tbl='anything'")),
                         sorted('{"row":{"x":%s,"y":%s}}' % pair for pair in (("1", "1"), ('"1"', "2"), ('{"$hex":"31"}', "3"), ('"rowid 1"', "4"), ("null", "5"))))
        self.assertEqual(self.note('strange "table', "rowid 1")["row"], {"a": 1, "b": {"$hex": "00ff"}})
        self.assertEqual(self.note('strange "table', "rowid 3")["row"]["a"], 9223372036854775807)
        self.assertEqual(self.counts["keyed"]["kept"], 2)  # with the row of its trigger

    def test_an_empty_database_is_imported_in_no_time(self):
        data = self.take_old(reference.empty())
        self.assertTrue(data["reconciled"])
        self.assertEqual({row["source"] for row in data["tables"]}, {0})

    def test_what_is_no_database_of_the_reference_is_refused(self):
        self.assertEqual(self.take(code=6)["error"]["code"], "NOT_FOUND")
        for content in (b"", b"SQLite format 3\0" + b"x" * 100, b"some text"):
            self.old.write_bytes(content)
            doc = self.take("--db", str(self.old), code=1 if content[:6] == b"SQLite" else 4)
            self.assertIn(doc["error"]["code"], ("STORE_FOREIGN", "STORE_CORRUPT"))
        for flag in ("--db", "--logs"):
            doc = self.take(flag, str(self.home / "nowhere"), code=1)
            self.assertEqual(doc["error"]["code"], "FILE_NOT_FOUND")
            self.assertEqual(doc["next"]["argv"], ["selftune", "help", "import", "upstream"])
        self.old.unlink()
        with sqlite3.connect(self.old) as db:
            db.execute("CREATE TABLE notes(x)")
        db.close()
        self.assertEqual(self.take("--db", str(self.old), code=4)["error"]["code"], "STORE_FOREIGN")
        self.envelope("sync")
        self.assertEqual(self.take("--db", str(self.store), code=4)["error"]["code"], "STORE_FOREIGN")

    def test_a_dry_run_says_the_same_and_changes_nothing(self):
        self.build(reference.newest())
        for prepared in (False, True):
            if prepared:
                self.envelope("sync")
            before = tree(self.home)
            doc = self.take("--db", str(self.old), "--dry-run", env=self.env(TMPDIR=str(self.home)))
            self.assertTrue(doc["dry_run"])
            self.assertFalse(doc["changed"])
            dry = doc["data"]["tables"]
            self.assertEqual(tree(self.home), before)
        self.assertEqual(self.take("--db", str(self.old))["data"]["tables"], dry)

    def test_on_a_terminal_it_is_a_table(self):
        self.build(reference.violations())
        code, shown = self.on_terminal("import", "upstream", "--db", str(self.old), "--color", "never")
        self.assertEqual(code, 0)
        self.assertRegex(shown, r"skill_invocations +4 +1 +0 +0 +3")
        self.assertIn("Every row is accounted for.", shown)

    def test_leftovers_are_named_and_none_of_them_is_touched(self):
        self.build(reference.empty())
        claude = self.home / ".claude"
        claude.mkdir()
        (claude / "settings.json").write_text(json.dumps({"hooks": {
            "Stop": [{"hooks": [{"type": "command", "command": "node /n/bin/run-hook.cjs /n/cli/selftune/hooks/session-stop.ts"},
                                {"type": "command", "command": "/usr/bin/selftune-hook claude"}]}]}}))
        units = self.home / ".config/systemd/user"
        units.mkdir(parents=True)
        (units / "selftune-sync.timer").write_text("[Timer]\nOnCalendar=*:0/30\n")
        (units / "selftune-run.timer").write_text("# managed by selftune, hash 00\n")
        self.state.mkdir(mode=0o700)
        (self.state / "config.json").write_text(json.dumps({"agent_type": "claude_code", "alpha": {"api_key": "secret-key"}}))
        before = tree(claude), tree(units)
        doc = self.take("--db", str(self.old))
        self.assertEqual([(x["kind"], pathlib.Path(x["path"]).name) for x in doc["data"]["leftovers"]],
                         [("hook", "settings.json"), ("timer", "selftune-sync.timer"), ("config", "config.json")])
        self.assertIn("REFERENCE_STILL_RUNS", [w["code"] for w in doc["warnings"]])
        self.assertNotIn("secret-key", json.dumps(doc))
        self.assertEqual((tree(claude), tree(units)), before)
        self.envelope("config", "validate")


    def test_what_was_forgotten_does_not_come_back_with_a_source_that_grew(self):
        def secrets():
            return [text for text in ("hunter2", "hunter3", "hunter4") if any(text in line for lines in dump(self.store).values() for line in lines)]
        self.take_old(reference.script(reference.tables() + [
            reference.session("s"), reference.prompt("s", 0, "my password is hunter2", 1), reference.session("t"), reference.prompt("t", 0, "hello", 1),
            reference.insert("session_telemetry", session_id="s", timestamp=reference.at(1), last_user_query="my password is hunter2"),
            reference.insert("queries", timestamp=reference.at(1), session_id="s", query="my password is hunter2", source="hook")]))
        self.envelope("forget", "--session", "s", "--yes")
        self.assertEqual(secrets(), [])
        with sqlite3.connect(self.old) as db:
            db.executescript(reference.script([
                reference.prompt("s", 1, "it was hunter3", 2), reference.use("s:s:pdf:0", "s", "pdf", 2, query="it was hunter3"),
                reference.insert("skill_usage", timestamp=reference.at(3), session_id="s", skill_name="zip", query="not hunter4", triggered=1),
                reference.insert("improvement_signals", timestamp=reference.at(2), session_id="s", query="my password is hunter2", signal_type="correction", mentioned_skill="pdf"),
                reference.insert("grading_results", grading_id="g", session_id="s", skill_name="pdf", graded_at=reference.at(4), claims_json="they said hunter3"),
                "UPDATE session_telemetry SET assistant_turns=4", reference.prompt("t", 1, "hello again", 2)]))
        db.close()
        self.take("--db", str(self.old))
        self.assert_reconciled(self.old)
        self.assertEqual(secrets(), [])
        self.assertEqual(self.q("SELECT session_id,prompt_index,prompt_text FROM prompts ORDER BY 1,2"),
                         [("s", 0, None), ("s", 1, None), ("t", 0, "hello"), ("t", 1, "hello again")])
        self.assertEqual(self.q("SELECT skill_name,query FROM skill_invocations ORDER BY 1"), [("pdf", None), ("zip", None)])
        self.assert_sound()

    def test_what_is_older_than_is_kept_is_not_kept_of_an_import_either(self):
        self.envelope("sync")
        self.envelope("forget", "--before", "2026-03-02", "--yes")
        self.take_old(reference.script(reference.tables() + [
            reference.session("s"), reference.prompt("s", 0, "old words", 1),
            reference.insert("queries", timestamp=reference.at(1), session_id="s", query="old words", source="hook"),
            reference.insert("session_telemetry", session_id="s", timestamp=reference.at(1), last_user_query="old words"),
            reference.insert("prompts", prompt_id="s:p1", session_id="s", occurred_at=reference.at(1, day=3), prompt_kind="user", is_actionable=1,
                             prompt_index=1, prompt_text="new words", platform="claude_code")]))
        self.assertEqual([name for name, lines in dump(self.store).items() if any("old words" in line for line in lines)], [])
        self.assertEqual(self.q("SELECT prompt_text FROM prompts ORDER BY prompt_index"), [(None,), ("new words",)])

    def test_rows_without_an_id_are_not_one_row(self):
        self.take_old(reference.script(reference.tables() + [reference.session("s")] + [
            reference.use(None, "s", skill, minute, tool_name="Skill") for skill, minute in (("pdf", 1), ("zip", 1), ("pdf", 2))]))
        self.assertEqual(self.q("SELECT skill_name,count(*) FROM skill_invocations GROUP BY 1"), [("pdf", 2), ("zip", 1)])

    def test_of_prompts_within_moments_a_query_is_the_one_with_its_words(self):
        self.take_old(reference.script(reference.tables() + [
            reference.session("s"), reference.prompt("s", 0, "yes, and test it", 1), reference.prompt("s", 1, "yes", 1),
            reference.insert("queries", timestamp=reference.at(1, 1), session_id="s", query="yes", source="hook"),
            reference.insert("queries", timestamp=reference.at(1, 1), session_id="s", query="and test it", source="hook")]))
        self.assertEqual((self.counts["queries"]["imported"], self.counts["queries"]["merged"]), (0, 2))
        self.assertEqual(self.q("SELECT p.prompt_index FROM import_map m JOIN prompts p ON p.prompt_id=(SELECT prompt_id FROM prompt WHERE prompt_pk=m.dst_pk)"
                                " WHERE m.tbl='queries' ORDER BY m.src_id"), [(1,), (0,)])

    def test_a_thousand_uses_of_one_skill_in_a_session_take_no_minute(self):
        self.take_old(reference.script(reference.tables() + [reference.session("s")] + [
            reference.use("s:s:pdf:%d" % i, "s", "pdf", i % 60, tool_name="Skill", query="q%d" % i) for i in range(1500)]))
        self.assertEqual(self.q("SELECT count(*) FROM skill_invocations"), [(1500,)])

    def test_times_in_all_the_forms_there_are(self):
        forms = {"1772359200000": "2026-03-01T10:00:00.000Z", "1772359200": "2026-03-01T10:00:00.000Z", 1772359200: "2026-03-01T10:00:00.000Z",
                 "1772359200.5": "2026-03-01T10:00:00.500Z", "2026-03-01": "2026-03-01T00:00:00.000Z", "2026-03-01T10:00Z": "2026-03-01T10:00:00.000Z",
                 "2026-03-01 10:00": "2026-03-01T10:00:00.000Z", "2026-03-01 10:00:01": "2026-03-01T10:00:01.000Z", "12": None, "2026": None, "soon": None}
        tables = reference.tables() + [reference.session("s")]
        for i, form in enumerate(forms):
            tables.append(reference.insert("prompts", prompt_id="s:p%d" % i, session_id="s", occurred_at=form, prompt_kind="user", is_actionable=1,
                                           prompt_index=i, prompt_text="no. %d" % i, platform="claude_code"))
            tables.append(reference.insert("cron_runs", job_name="sync%d" % i, started_at=form, elapsed_ms=1, status="success"))
        self.take_old(reference.script(tables))
        self.assertEqual(dict(self.q("SELECT prompt_index,occurred_at FROM prompts")), dict(enumerate(forms.values())))
        self.assertEqual(self.counts["cron_runs"]["rejected"], 3)

    def test_what_replay_gave_to_the_last_prompt(self):
        def replayed(session, skill, minute, query, prompt):
            return reference.use("%s:s:%s:0" % (session, skill), session, skill, minute, capture="replay", query=query, tool_name="Skill",
                                 matched_prompt_id=prompt)
        self.take_old(reference.script(reference.tables() + [
            # Nothing to confuse; no words, and the last prompt; no words, and not the last.
            reference.session("one"), reference.prompt("one", 0, "do both", 1), replayed("one", "pdf", 2, "do both", "one:p0"),
            replayed("one", "zip", 3, "do both", "one:p0"),
            reference.session("two"), reference.prompt("two", 0, "first", 1), reference.prompt("two", 1, "last", 2),
            replayed("two", "pdf", 2, None, "two:p1"), replayed("two", "zip", 3, None, "two:p1"),
            reference.session("three"), reference.prompt("three", 0, "first", 1), reference.prompt("three", 1, "last", 2),
            replayed("three", "pdf", 2, None, "three:p0")]))
        self.assertEqual(self.q("SELECT session_id,skill_name,matched_prompt_id,query FROM skill_invocations ORDER BY 1,2"),
                         [("one", "pdf", "one:p0", "do both"), ("one", "zip", "one:p0", "do both"), ("three", "pdf", "three:p0", "first"),
                          ("two", "pdf", None, None), ("two", "zip", None, None)])

    def test_a_damaged_database_is_named_as_the_person_knows_it(self):
        self.build(reference.newest())
        with self.old.open("r+b") as file:
            file.seek(3 * 4096)
            file.write(b"\xff" * 8192)
        doc = self.take("--db", str(self.old), code=1)
        self.assertEqual(doc["error"]["code"], "STORE_CORRUPT")
        self.assertIn(str(self.old), doc["error"]["message"])
        self.assertNotIn("copy-0", doc["error"]["message"])
        self.assertEqual(doc["next"]["argv"], ["selftune", "help", "import", "upstream"])

    def test_two_databases_say_together_what_each_says(self):
        self.take_old(reference.script(reference.tables() + [
            reference.session("1", "codex"), reference.use("1:s:pdf:0", "1", "pdf", 1, platform="codex"), reference.fact("1", 1, {"Bash": 1}, 2, 10)]))
        self.take_more(reference.script(reference.tables() + [
            reference.session("1", "codex"), reference.use("1:s:pdf:0", "1", "pdf", 1, platform="codex"), reference.fact("1", 1, {"Bash": 5}, 9, 90),
            reference.session("2", "codex"), reference.prompt("2", 0, "x", 1)]))
        self.assertEqual(self.q("SELECT assistant_turns FROM execution_facts WHERE session_id='1'"), [(9,)])
        self.old = self.build(reference.old(), self.home / "third" / "selftune.db")
        self.take_more(reference.script(reference.tables() + [reference.session("1", "opencode"), reference.use("1:s:pdf:0", "1", "pdf", 1, platform="opencode")]))
        self.assertEqual(self.q("SELECT platform,skill_name FROM skill_invocations ORDER BY 1"), [("codex", "pdf"), ("opencode", "pdf")])

    def test_a_database_in_utf16_and_ids_that_only_read_alike(self):
        self.take_old("PRAGMA encoding='UTF-16le';" + reference.script(reference.tables() + [reference.session("s\u00e9"), reference.prompt("s\u00e9", 0, "\u00e4\u00f6", 1)]))
        self.assertEqual(self.q("SELECT session_id,prompt_text FROM prompts"), [("s\u00e9", "\u00e4\u00f6")])
        self.take_more(reference.script(reference.tables() + [
            "CREATE TABLE numbered(rowid, v)", "INSERT INTO numbered VALUES(7,'a'),(7,'b')",
            reference.insert("evolution_audit", timestamp=reference.at(1), proposal_id="evo-pdf-1", action="created"),
            "INSERT INTO evolution_audit(timestamp,proposal_id,action) VALUES('%s', CAST('evo-pdf-1' AS BLOB), 'created')" % reference.at(1)]))
        self.assertEqual(self.counts["evolution_audit"]["imported"] + self.counts["evolution_audit"]["merged"], 2)
        self.assertEqual(self.counts["numbered"]["kept"], 2)


if __name__ == "__main__":
    import_case.main(sys.argv)
