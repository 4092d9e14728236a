#!/usr/bin/env python3
"""`import upstream` where the reference's database lies at our place, beside transcripts, and killed.

    places_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import import_case  # noqa: E402
from import_case import ImportCase, TESTS, cli_case, dump, reference, rows, sha, tree  # noqa: E402
from reference import eval_set  # noqa: E402


class InPlace(ImportCase):
    """The reference's database lies where our store belongs."""

    def setUp(self):
        super().setUp()
        self.state.mkdir(mode=0o700)
        self.build(reference.newest(), self.store)
        self.aside = self.state / "selftune.db.reference"

    def files(self):
        return {p.name: sha(p) for p in self.state.iterdir() if p.name.startswith("selftune.db") and not p.name.endswith("-shm")}

    def test_it_is_moved_aside_byte_by_byte_and_found_there_again(self):
        before = self.files()
        doc = self.take()
        self.assertEqual(doc["data"]["moved_aside"], str(self.aside))
        self.assertEqual(sha(self.aside), before["selftune.db"])
        self.assertEqual(self.q("SELECT count(*) FROM sessions"), [(6,)])
        self.assertEqual({p.name for p in self.state.iterdir() if "import" in p.name}, set())
        self.assertEqual(self.store.stat().st_mode & 0o777, 0o600)
        self.assert_sound()
        kept = dump(self.store)
        doc = self.take()
        self.assertEqual(doc["data"]["databases"], [str(self.aside)])
        self.assertFalse(doc["changed"])
        self.assertEqual(dump(self.store), kept)

    def test_other_commands_say_what_to_do(self):
        doc = self.envelope("sync", code=4)
        self.assertEqual(doc["error"]["code"], "STORE_FOREIGN")
        self.assertEqual(doc["next"]["argv"], ["selftune", "import", "upstream"])

    def start_writer(self, path):
        """The reference runs: its last rows are in the -wal alone."""
        child = subprocess.Popen([sys.executable, "-B", "-c", """
import sqlite3, sys, time
sys.path.insert(0, %r)
import reference
db = sqlite3.connect(%r)
db.execute("PRAGMA wal_autocheckpoint=0")
db.executescript(reference.script([reference.session("live"), reference.prompt("live", 0, "from the log", 1)]))
print("ready", flush=True)
sys.stdin.readline()
""" % (str(TESTS / "data" / "upstream"), str(path))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stdin.close)
        self.addCleanup(lambda: child.poll() is None and (child.kill(), child.wait()))
        return child

    def test_a_log_that_was_not_folded_in_counts_and_moves_along(self):
        child = self.start_writer(self.store)
        before = self.files()
        self.assertIn("selftune.db-wal", before)
        # While it has the file open, it would remove our log at its end.
        self.assertEqual(self.take(code=7)["error"]["code"], "STORE_BUSY")
        self.assertEqual({n: s for n, s in self.files().items() if "importing" not in n}, before)
        child.kill()
        child.communicate()
        self.take()
        after = self.files()
        self.assertEqual((after["selftune.db.reference"], after["selftune.db.reference-wal"]), (before["selftune.db"], before["selftune.db-wal"]))
        self.assertEqual(self.q("SELECT prompt_text FROM prompts WHERE session_id='live'"), [("from the log",)])
        self.assertEqual(rows(self.aside, "SELECT count(*) FROM prompts WHERE session_id='live'"), [(1,)])

    def test_what_an_import_that_got_no_place_could_not_say_the_next_one_says(self):
        self.store.unlink()
        self.build(reference.script([*reference.tables(), eval_set("pdf", 5, {}, {"query": "fill", "should_trigger": True})]), self.store)
        child = self.start_writer(self.store)
        self.assertEqual(self.take(code=7)["error"]["code"], "STORE_BUSY")
        child.kill()
        child.communicate()
        with sqlite3.connect(self.store) as db:
            db.executescript(reference.session("more"))
        db.close()
        # Somebody looks at the new store, so that its log cannot be folded in at the end.
        reader = sqlite3.connect(str(self.store) + ".importing", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM import_map").fetchone()
        self.assertIn("somebody reads it", self.take(code=7)["error"]["message"])
        reader.close()

        def partly():
            return [w["message"] for w in self.take()["warnings"] if w["code"] == "PARTLY_TAKEN"]
        self.assertEqual(partly(), ["not all of it, or not as it was: canonical_eval_sets pdf (1 of 2 entries left out: number 1 has no query)"])

    def test_elsewhere_it_may_run(self):
        self.store.rename(self.old)
        child = self.start_writer(self.old)
        before = {p.name: sha(p) for p in self.old.parent.iterdir()}
        self.take("--db", str(self.old))
        self.assertEqual({p.name: sha(p) for p in self.old.parent.iterdir()}, before)
        self.assertEqual(self.q("SELECT prompt_text FROM prompts WHERE session_id='live'"), [("from the log",)])
        child.communicate(b"\n")
        self.assertFalse(self.take("--db", str(self.old))["changed"])

    def test_half_way_through_the_change_of_places_nobody_opens_it_and_the_import_goes_on(self):
        """All of a small database may lie in its log, which has another name for a moment."""
        child = self.start_writer(self.store)
        child.kill()
        child.communicate()
        origin = self.files()
        os.link(self.store, self.aside)
        os.rename(str(self.store) + "-wal", str(self.aside) + "-wal")
        for end in ("-shm",):
            pathlib.Path(str(self.store) + end).unlink(missing_ok=True)
        (self.state / "selftune.db.importing").write_bytes(b"")
        for command in (("sync",), ("status",), ("db", "check")):
            self.assertEqual(self.envelope(*command, code=4)["error"]["code"], "STORE_FOREIGN")
        pathlib.Path(str(self.store) + "-wal").write_bytes(b"")  # as a program that looked at it leaves
        self.take("--dry-run", env=self.env(TMPDIR=str(self.home)))
        self.take()
        self.assertEqual((sha(self.aside), sha(str(self.aside) + "-wal")), (origin["selftune.db"], origin["selftune.db-wal"]))
        self.assertEqual(self.q("SELECT prompt_text FROM prompts WHERE session_id='live'"), [("from the log",)])

    def test_the_dry_run_moves_nothing(self):
        before = tree(self.home)
        self.take("--dry-run", env=self.env(TMPDIR=str(self.home)))
        self.assertEqual(tree(self.home), before)

    def test_killed_at_any_step_the_next_import_ends_the_same(self):
        if shutil.which("strace") is None:
            self.skipTest("no strace")
        fresh = self.home / "fresh"
        shutil.copytree(self.state, fresh)
        origin = sha(self.store)
        log = self.home / "calls"
        calls = ("link", "rename", "unlink", "unlinkat", "fsync", "fdatasync", "renameat2", "linkat", "mkdir")

        env = self.env()
        # Leak detection does not work in a traced process.
        env["ASAN_OPTIONS"] = ":".join(filter(None, (env.get("ASAN_OPTIONS"), "detect_leaks=0")))

        def start(*inject):
            return subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", "trace=" + ",".join(calls), *inject,
                                   cli_case.SELFTUNE, "import", "upstream"], capture_output=True, env=env, cwd=self.home, timeout=120)

        self.assertEqual(start().returncode, 0)
        want = dump(self.store)
        seen = []
        for line in log.read_text().splitlines():
            name = line.split("(")[0].split()[-1]
            if name in calls:
                seen.append((name, 1 + sum(n == name for n, _ in seen)))
        names = [name for name, _ in seen]
        swap = names.index("link")
        self.assertIn("rename", names[swap:])
        # Each step of the change of places, some of those before.
        steps, killed = seen[:swap:7] + seen[max(swap - 2, 0):], 0
        for name, i in steps:
            step = "%s %d" % (name, i)
            shutil.rmtree(self.state)
            shutil.copytree(fresh, self.state)
            # Calls are counted by thread: now and then the last of them is another one's.
            killed += start("-e", "inject=%s:signal=SIGKILL:when=%d" % (name, i)).returncode != 0
            self.assertTrue(self.store.exists(), "%s: no file at its place" % step)
            self.take()
            self.assertEqual(sha(self.aside), origin, step)
            self.assertEqual(dump(self.store), want, step)
            self.assertEqual([p.name for p in self.state.iterdir() if "import" in p.name], [], step)
        self.assertGreater(killed, 0.7 * len(steps))

    def test_a_second_database_of_the_reference_gets_another_name(self):
        self.take()
        self.store.unlink()
        for end in ("-wal", "-shm"):
            pathlib.Path(str(self.store) + end).unlink(missing_ok=True)
        self.build(reference.old(), self.store)
        doc = self.take()
        self.assertEqual(doc["data"]["moved_aside"], str(self.aside) + "-2")
        self.assertEqual(self.q("SELECT count(*) FROM sessions"), [(8,)])


class WithTranscripts(ImportCase):
    """What is read from a transcript counts for more, whichever came first."""

    def setUp(self):
        super().setUp()
        folder = self.home / ".claude" / "projects" / "-home-u-a"
        folder.mkdir(parents=True)
        base = {"sessionId": "a", "cwd": "/home/u/a", "version": "2.1.0", "isSidechain": False, "userType": "external", "gitBranch": "main"}

        def user(n, text, minute):
            return {"type": "user", "uuid": "u%d" % n, "parentUuid": None, "timestamp": reference.at(minute),
                    "message": {"role": "user", "content": text}, **base}

        def answer(n, minute, *blocks):
            return {"type": "assistant", "uuid": "r%d" % n, "parentUuid": "u%d" % n, "timestamp": reference.at(minute),
                    "message": {"id": "m%d" % n, "role": "assistant", "model": "claude-opus-4-1", "content": list(blocks),
                                "usage": {"input_tokens": 10, "output_tokens": 5}}, **base}

        def result(n, call, minute):
            return {"type": "user", "uuid": "t%d" % n, "parentUuid": "r%d" % n, "timestamp": reference.at(minute),
                    "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": "Launching skill: pdf"}]},
                    "toolUseResult": {"success": True, "commandName": "pdf"}, **base}

        call = {"type": "tool_use", "id": "toolu_1", "name": "Skill", "input": {"skill": "pdf"}}
        lines = [user(1, "a prompt that its hook lost", 0), answer(1, 0, {"type": "text", "text": "ok"}),
                 user(2, "fill this form", 1), answer(2, 1, call), result(2, "toolu_1", 1), answer(3, 2, {"type": "text", "text": "done"}),
                 user(4, "thanks", 14), answer(4, 14, {"type": "text", "text": "bye"})]
        (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.sql = reference.script(reference.tables() + [
            reference.session("a", started_at=reference.at(1), model="an older word"),
            reference.prompt("a", 0, "fill this form", 1), reference.prompt("a", 1, "not in the transcript", 2), reference.prompt("a", 2, "thanks", 14),
            reference.use("a:s:pdf:0", "a", "PDF", 14, capture="replay", query="thanks"),
            reference.fact("a", 14, {"Skill": 5, "Bash": 50}, 40, 100000), reference.fact("a", 15, {"Skill": 5, "Bash": 60}, 50, 200000),
            reference.insert("queries", timestamp=reference.at(14), session_id="a", query="thanks", source="claude_code")])
        self.build(self.sql)

    VIEWS = {
        "sessions": "SELECT session_id,platform,model,started_at,ended_at,source_path FROM sessions",
        "prompts": "SELECT prompt_id,prompt_text,prompt_kind,source_offset FROM prompts WHERE is_actionable=1 ORDER BY 1",
        "uses": "SELECT session_id,skill_name,matched_prompt_id,query,source,level FROM skill_invocations ORDER BY 1",
        "facts": "SELECT tool_calls_json,assistant_turns,input_tokens,output_tokens FROM execution_facts",
        "totals": "SELECT name_key,triggered,sessions FROM skill_total JOIN skill USING(skill_id) ORDER BY 1",
        "counters": "SELECT name,value FROM counter WHERE name IN('sessions','prompts','telemetry') ORDER BY 1",
    }

    def seen(self):
        return {name: self.q(sql) for name, sql in self.VIEWS.items()}

    def fresh(self):
        shutil.rmtree(self.state, ignore_errors=True)

    def test_the_order_of_sync_and_import_does_not_matter(self):
        self.envelope("sync")
        alone = self.seen()
        self.assertEqual(alone["prompts"][0][1], "a prompt that its hook lost")
        for steps in (("import", "sync"), ("sync", "import"), ("import", "sync", "import", "sync"), ("import", "force"), ("sync", "import", "force")):
            self.fresh()
            for step in steps:
                if step == "import":
                    self.take("--db", str(self.old))
                    self.assert_reconciled(self.old)
                else:
                    self.envelope("sync", *(["--force"] if step == "force" else []))
            self.assertEqual(self.seen(), alone, steps)
            self.assertEqual(self.q("SELECT prompt_text,prompt_kind,is_active FROM prompts WHERE is_actionable=0"), [("not in the transcript", "unknown", 0)], steps)
            self.assert_sound()

    def test_without_the_transcript_the_imported_rows_stay(self):
        self.take("--db", str(self.old))
        shutil.rmtree(self.home / ".claude")
        self.envelope("sync")
        self.assertEqual(self.q("SELECT assistant_turns FROM execution_facts"), [(50,)])
        self.assertEqual(self.q("SELECT count(*) FROM prompts WHERE is_actionable=1"), [(3,)])

    def test_a_session_whose_host_was_not_known_is_adopted_by_its_transcript(self):
        self.old.unlink()
        self.build(self.sql.replace("'claude_code'", "'unknown'"))
        self.take("--db", str(self.old))
        self.assertEqual(self.q("SELECT platform FROM sessions"), [("unknown",)])
        self.envelope("sync")
        got = self.seen()
        self.fresh()
        self.envelope("sync")
        self.assertEqual(got, self.seen())


class WithRecordings(ImportCase):
    """What the reference made of the same transcripts, with its mistakes, spoils nothing."""

    def made_up(self):
        """Every second prompt is there, under other numbers; all uses of a session are of its last prompt;
        figures three times and too large; prompts and queries that nobody typed."""
        out = reference.tables()
        prompts = {}
        for sid, index, text, when in self.q("SELECT session_id,prompt_index,prompt_text,occurred_at FROM prompts WHERE is_actionable=1 OR prompt_kind='agent' ORDER BY 1,2"):
            prompts.setdefault(sid, []).append((index, text, when))
        for n, (sid, platform, started, kind) in enumerate(self.q("SELECT session_id,platform,started_at,kind FROM sessions")):
            if "-" in sid.split(":agent:")[-1] and ":agent:" in sid:
                continue  # told inside its parent's transcript: it makes no session of that
            out.append(reference.insert("sessions", session_id=self.of_reference(sid), platform="unknown" if n % 3 == 0 else platform, model="wrong",
                                        started_at=started, source_session_kind="replayed"))
            mine = prompts.get(sid, [])
            ours, sid = sid, self.of_reference(sid)
            for i, (index, text, when) in enumerate(mine):
                if i % 2 == 0:
                    out.append(reference.insert("prompts", prompt_id="%s:p%d" % (sid, i + 3), session_id=sid, prompt_index=i + 3, prompt_text=text,
                                                prompt_kind="user", is_actionable=1, occurred_at=when, platform=platform, capture_mode="replay"))
                if i % 3 == 0:
                    out.append(reference.insert("queries", timestamp=when or started or reference.at(1), session_id=sid, query=text, source=platform))
            out.append(reference.insert("prompts", prompt_id="%s:p0" % sid, session_id=sid, prompt_index=0, prompt_text="nobody typed this",
                                        prompt_kind="user", is_actionable=1, occurred_at=started, platform=platform, capture_mode="hook"))
            for k, (skill,) in enumerate(self.q("SELECT DISTINCT skill_name FROM skill_invocations WHERE session_id=? AND outcome='triggered'", ours)):
                out.append(reference.insert("skill_invocations", skill_invocation_id="%s:s:%s:%d" % (sid, skill, k), session_id=sid, skill_name=skill.upper(),
                                            triggered=1, invocation_mode="explicit", confidence=1.0, capture_mode="replay", occurred_at=started,
                                            query=mine[-1][1] if mine else "x", platform=platform))
            for n in (1, 2, 3):
                out.append(reference.insert("execution_facts", session_id=sid, occurred_at=started, tool_calls_json={"Bash": 100 * n}, total_tool_calls=100 * n,
                                            assistant_turns=50 * n, errors_encountered=n, input_tokens=10 ** 6, output_tokens=10 ** 5))
        return reference.script(out)

    @staticmethod
    def of_reference(sid):
        """It takes the transcript of a subagent for a session named after the file."""
        return "agent-" + sid.split(":agent:")[1] if ":agent:" in sid else sid

    def test_import_before_or_after_a_sync_of_recordings_changes_no_fact(self):
        for host in ("claude-code", "codex"):
            home = TESTS / "data" / "hosts" / host / json.loads((TESTS / "data" / "hosts" / host / "EXPECTED.json").read_text())["home"]
            shutil.rmtree(self.home)
            shutil.copytree(home, self.home, symlinks=True)
            self.envelope("sync")
            sql = self.made_up()
            self.build(sql)
            # Behind it ...
            self.take("--db", str(self.old))
            self.assert_reconciled(self.old)
            self.hosts_check(host)
            # ... and before it, from the place of our store.
            shutil.rmtree(self.state)
            self.build(sql, self.store)
            self.take()
            self.envelope("sync")
            self.hosts_check(host)
            self.envelope("db", "check", "--deep")


def size_of(path):
    """0 for one that went away meanwhile, as journals do."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Size(ImportCase):
    def test_many_rows_take_seconds_and_little_memory_and_a_kill_costs_nothing(self):
        if "-fsanitize" in os.environ.get("CXXFLAGS", "") or any(os.environ.get(n) for n in ("ASAN_OPTIONS", "TSAN_OPTIONS")):
            n = 1_000
        else:
            n = 8_000
        self.build(reference.big(n))
        begin = time.monotonic()
        child = subprocess.Popen([cli_case.SELFTUNE, "import", "upstream", "--db", str(self.old)], env=self.env(), cwd=self.home,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None and time.monotonic() - begin < 60:  # somewhere in the middle
            if sum(size_of(p) for p in self.state.glob("selftune.db*")) > 2_000_000:
                child.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        child.wait()
        self.take("--db", str(self.old))
        self.assert_reconciled(self.old)
        self.assertEqual(self.counts["prompts"]["imported"], n)
        self.assertEqual(self.q("SELECT count(*) FROM prompts"), [(n,)])
        self.assertEqual(self.q("SELECT count(*) FROM skill_invocations WHERE matched_prompt_id IS NOT NULL"), [(self.counts["skill_invocations"]["source"],)])
        self.assertEqual(sorted(p.name for p in self.state.iterdir() if "import" in p.name), [])


if __name__ == "__main__":
    import_case.main(sys.argv)
