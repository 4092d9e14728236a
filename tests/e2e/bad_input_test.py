#!/usr/bin/env python3
"""What is wrong in the world is said, with what to do next, and loses nothing.

    bad_input_test.py SELFTUNE
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import loop_test  # noqa: E402
from claude_home import Home  # noqa: E402

SELFTUNE = Path(sys.argv[1]).resolve()
SKILL, TEXT = loop_test.SKILL, loop_test.OLD
WHEN = datetime.now(timezone.utc) - timedelta(days=3)
MIB = 1 << 20
NOBODY = 65534


class BadInput(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="selftune-bad-"))
        self.addCleanup(shutil.rmtree, self.scratch, True)
        self.home = Home(self.scratch / "home")
        self.home.root.mkdir()
        self.bin = self.scratch / "bin"
        self.bin.mkdir()
        self.store = self.home.root / ".selftune" / "selftune.db"

    def run_selftune(self, *arguments, user=None):
        env = {"HOME": str(self.home.root), "PATH": f"{self.bin}:/usr/bin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run([str(SELFTUNE), *arguments], capture_output=True, check=False,
                              env=env, timeout=300, user=user)
        return done.returncode, json.loads(done.stdout)

    def good(self, *arguments):
        code, reply = self.run_selftune(*arguments)
        self.assertEqual((code, reply["error"]), (0, None), arguments)
        return reply

    def refused(self, error, *arguments):
        """The call fails with that code and names a command that exists."""
        code, reply = self.run_selftune(*arguments)
        self.assertEqual(reply["error"]["code"], error, reply)
        self.assertEqual(code, reply["error"]["exit_code"])
        self.assertNotEqual(code, 0)
        self.assertIsNotNone(reply["next"], reply["error"])
        self.assertEqual(reply["next"]["argv"][0], "selftune")
        self.assert_is_command(reply["next"]["argv"][1:])
        return reply

    def warned(self, code, reply):
        """The reply carries that warning, once, with a command that exists."""
        warnings = [w for w in reply["warnings"] if w["code"] == code]
        self.assertEqual(len(warnings), 1, reply["warnings"])
        argv = warnings[0]["next"]["argv"]
        self.assertEqual(argv[0], "selftune")
        self.assert_is_command(argv[1:])
        return warnings[0]

    def assert_is_command(self, words):
        known = {c["path"] for c in self.good("help", "--all")["data"]["commands"]}
        self.assertTrue({words[0], " ".join(words[:2])} & known, f"no command: {words}")

    def transcript(self, content):
        session = self.home.session(WHEN, {SKILL: TEXT})
        session.path.write_bytes(content)
        return session.path

    def line(self, text):
        """The bytes of one typed prompt."""
        session = self.home.session(WHEN, None)
        session.ask(text)
        content = session.path.read_bytes().splitlines(keepends=True)[0]
        session.path.unlink()
        return content

    def prompts(self):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as db:
            return [r[0] for r in db.execute("SELECT prompt_text FROM prompts ORDER BY source_offset")]

    def bad_lines(self):
        return [(row["reason"], row["offset"])
                for row in self.good("evidence", "--bad-lines")["data"]["items"]]

    # Transcripts.

    def test_a_damaged_line_is_kept_with_its_offset_and_the_others_are_read(self):
        first, second = self.line("first question"), self.line("second question")
        for name, damage, reason in (
                ("cut json", b'{"type":"user","message":\n', "not_json"),
                ("no object", b"[1,2]\n", None),
                ("text", b"Segmentation fault\n", None),
                ("not utf-8", b'{"type":"user","x":"\xff\xfe"}\n', "not_utf8"),
                ("zeros", b"\0" * 512 + b"\n", None)):
            with self.subTest(name):
                self.setUp()
                self.transcript(first + damage + second)
                reply = self.good("sync")
                self.assertEqual(reply["data"]["sources"]["claude_code"]["bad_lines"], 1)
                warning = self.warned("BAD_LINES", reply)
                self.assertEqual(warning["next"]["argv"], ["selftune", "evidence", "--bad-lines"])
                self.assertEqual(self.prompts(), ["first question", "second question"])
                rows = self.bad_lines()
                self.assertEqual([offset for _, offset in rows], [len(first)])
                if reason:
                    self.assertEqual(rows[0][0], reason)

    def test_wrong_types_are_no_failure_and_hide_nothing(self):
        odd = b"".join(json.dumps(r).encode() + b"\n" for r in (
            {"type": 5, "uuid": [], "sessionId": {}},
            {"type": "user", "message": 7, "uuid": {}, "timestamp": []},
            {"type": "assistant", "message": {"content": 3, "usage": "much"}},
            {"type": "attachment", "attachment": {"type": "skill_listing", "content": {}}}))
        self.transcript(self.line("before") + odd + self.line("after"))
        reply = self.good("sync")
        self.assertIn("2 lines", self.warned("BAD_LINES", reply)["message"])
        self.assertEqual(self.prompts(), ["before", "after"])

    def test_a_line_of_64_mib_is_passed_and_the_next_one_is_read(self):
        huge = b'{"type":"user","message":{"content":"' + b"a" * (64 * MIB) + b'"}}\n'
        path = self.transcript(self.line("before") + huge + self.line("after"))
        reply = self.good("sync")
        self.assertEqual(reply["data"]["sources"]["claude_code"]["bytes_read"], path.stat().st_size)
        self.assertIn("1 lines", self.warned("BAD_LINES", reply)["message"])
        found = self.prompts()
        self.assertEqual((found[0], found[-1]), ("before", "after"))

    def test_a_half_written_line_waits_for_its_end(self):
        first, second = self.line("first question"), self.line("second question")
        for cut in (1, len(second) // 2, len(second) - 1):
            with self.subTest(cut=cut):
                self.setUp()
                path = self.transcript(first + second[:cut])
                self.good("sync")
                self.assertEqual(self.prompts(), ["first question"])
                self.assertEqual(self.bad_lines(), [])
                with open(path, "ab") as out:
                    out.write(second[cut:])
                self.good("sync")
                self.assertEqual(self.prompts(), ["first question", "second question"])

    def test_a_source_that_cannot_be_opened_is_named_and_the_others_are_read(self):
        path = self.transcript(self.line("a question"))
        loop = path.with_name("loop.jsonl")
        loop.symlink_to(loop)
        for arguments in (["sync", "--dry-run"], ["sync"]):
            with self.subTest(arguments):
                reply = self.good(*arguments)
                warning = self.warned("SOURCE_UNREADABLE", reply)
                self.assertIn("loop.jsonl", warning["message"])
                self.assertEqual(warning["next"]["argv"],
                                 ["selftune", "evidence", "--sources", "--platform", "claude_code"])
                self.assertEqual(len(reply["data"]["sources"]["claude_code"]["warnings"]), 1)
        self.assertEqual(self.prompts(), ["a question"])

    def test_a_transcript_that_may_not_be_read_is_named_and_read_later(self):
        path = self.transcript(self.line("a question"))
        path.chmod(0)
        reply = self.as_another_user("sync")
        self.assertIn(path.name, self.warned("SOURCE_UNREADABLE", reply[1])["message"])
        path.chmod(0o600)
        reply = self.as_another_user("sync")
        self.assertEqual(reply[1]["warnings"], [])
        self.assertEqual(self.prompts(), ["a question"])

    def as_another_user(self, *arguments):
        """For root nothing is forbidden."""
        if os.geteuid() != 0:
            return self.run_selftune(*arguments)
        for folder, folders, files in os.walk(self.scratch):
            for name in (".", *folders, *files):
                os.chown(Path(folder) / name, NOBODY, NOBODY, follow_symlinks=False)
        try:
            return self.run_selftune(*arguments, user=NOBODY)
        except PermissionError:
            self.skipTest("the program lies where only root may read")

    # The store.

    def test_another_programs_database_is_left_alone(self):
        self.store.parent.mkdir()
        with sqlite3.connect(self.store) as db:
            db.execute("CREATE TABLE t(x)")
        db.close()
        before = self.store.read_bytes()
        for command in ("sync", "status"):
            self.refused("STORE_FOREIGN", command)
        self.assertEqual(self.store.read_bytes(), before)

    def test_a_change_that_its_program_did_not_end_is_left_to_it(self):
        self.store.parent.mkdir()
        # Killed within a change, part of which is in the file already.
        killed = subprocess.run([sys.executable, "-c", f"""
import os, signal, sqlite3
db = sqlite3.connect({str(self.store)!r}, isolation_level=None)
db.execute("PRAGMA cache_size=2")
db.execute("CREATE TABLE t(x)")
for _ in range(200):
    db.execute("INSERT INTO t VALUES(randomblob(2000))")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE t SET x=randomblob(1999)")
os.kill(os.getpid(), signal.SIGKILL)
"""], check=False)
        self.assertEqual(killed.returncode, -signal.SIGKILL)
        journal = self.store.with_name("selftune.db-journal")
        before = self.store.read_bytes(), journal.read_bytes()
        for command in ("sync", "status", "doctor"):
            self.refused("UNHEALTHY" if command == "doctor" else "STORE_FOREIGN", command)
        self.assertEqual((self.store.read_bytes(), journal.read_bytes()), before)

    def test_a_file_that_is_no_database_is_left_alone(self):
        self.store.parent.mkdir()
        self.store.write_bytes(b"no database\n" * 1000)
        before = self.store.read_bytes()
        self.refused("STORE_CORRUPT", "status")
        self.assertEqual(self.store.read_bytes(), before)

    def test_the_store_of_a_newer_version_is_not_written(self):
        self.transcript(self.line("a question"))
        self.good("sync")
        with sqlite3.connect(self.store) as db:
            db.execute("PRAGMA user_version=99")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        before = self.store.read_bytes()
        self.refused("SCHEMA_NEWER", "sync")
        _, doctor = self.run_selftune("doctor")
        check = next(c for c in doctor["data"]["checks"] if c["name"] == "db.schema")
        self.assertEqual((check["status"], check["guidance"]["command"]), ("fail", "selftune version"))
        self.assertEqual(self.good("status")["next"]["argv"], ["selftune", "version"])
        self.assertEqual(self.store.read_bytes(), before)

    def test_a_store_that_may_not_be_written_is_found_by_doctor_with_what_helps(self):
        self.transcript(self.line("a question"))
        self.as_another_user("sync")
        state = self.store.parent
        # In a folder that is there whole, the store itself can still be written.
        for path, mode, error in ((state, 0o500, None), (self.store, 0o400, "STORE_READ_ONLY")):
            with self.subTest(path=path.name):
                path.chmod(mode)
                self.transcript(self.line("another question"))
                reply = self.as_another_user("sync")[1]
                self.assertEqual(error, reply["error"] and reply["error"]["code"], reply)
                step = ["selftune", "doctor", "--only", "db.*"]
                if error:
                    self.assertEqual(reply["next"]["argv"], step)
                code, doctor = self.as_another_user(*step[1:])
                self.assertEqual((code, doctor["error"]["code"]), (3, "UNHEALTHY"))
                check = next(c for c in doctor["data"]["checks"] if c["name"] == "db.write")
                self.assertEqual((check["status"], check["path"]), ("fail", str(path)))
                # What it says is what helps.
                self.assertEqual(doctor["next"]["argv"][0], "chmod")
                subprocess.run(doctor["next"]["argv"], check=True)
                self.assertEqual(self.as_another_user("sync")[1]["error"], None)
                self.assertEqual(self.as_another_user(*step[1:])[0], 0)

    def test_the_store_that_was_named_stays_named_in_the_next_command(self):
        named = self.scratch / "s.txt"
        named.write_bytes(b"no database\n" * 1000)
        for words, db in ((["status"], named), (["status"], self.scratch / "none.db")):
            reply = self.run_selftune("--db", str(db), *words)[1]
            self.assertEqual(reply["next"]["argv"][-2:], ["--db", str(db)], reply)
        self.assertFalse(self.store.exists())

    def test_a_store_where_no_folder_can_be_made_says_so(self):
        reply = self.refused("FILE_NOT_FOUND", "--db", "/proc/x/y", "sync")
        self.assertEqual(reply["next"]["argv"], ["selftune", "doctor", "--only", "db.*", "--db", "/proc/x/y"])

    def test_a_store_that_is_no_plain_file_hangs_nobody(self):
        self.store.parent.mkdir()
        os.mkfifo(self.store)
        self.refused("STORE_CORRUPT", "status")
        self.refused("STORE_CORRUPT", "sync")

    # The agent.

    def evidence(self):
        """Enough misses and uses for an evolution to begin."""
        skill_file = self.home.add_skill(loop_test.SKILL, loop_test.OLD)
        loop_test.history(self.home, datetime.now(timezone.utc))
        self.good("sync")
        return skill_file

    def agent(self, script):
        """A `claude` that does what the shell script says with each question."""
        path = self.bin / "claude"
        path.write_text("#!/bin/sh\ncase \"$*\" in\n*--help*) echo '-p --print --output-format "
                        "--no-session-persistence --tools --settings --strict-mcp-config "
                        "--disable-slash-commands --system-prompt --model'; exit 0;;\n"
                        "*--version*) echo '2.1.330 (Claude Code)'; exit 0;;\nesac\n" + script)
        path.chmod(0o755)

    def assert_unchanged(self, skill_file, before):
        self.assertEqual(skill_file.read_bytes(), before)
        self.assertEqual(os.listdir(skill_file.parent), ["SKILL.md"])

    def test_a_missing_agent_is_said_before_anything_is_done(self):
        skill_file = self.evidence()
        before = skill_file.read_bytes()
        self.refused("AGENT_NOT_FOUND", "evolve", "--skill", SKILL)
        self.assert_unchanged(skill_file, before)

    def test_a_reply_that_is_not_json_changes_nothing_and_is_counted(self):
        skill_file = self.evidence()
        before = skill_file.read_bytes()
        for name, script in (("text", "cat >/dev/null; echo 'I cannot help with that.'\n"),
                             ("nothing", "cat >/dev/null\n"),
                             ("failure", "cat >/dev/null; echo 'usage limit' >&2; exit 1\n")):
            with self.subTest(name):
                self.agent(script)
                code, reply = self.run_selftune("evolve", "--skill", SKILL)
                self.assertNotEqual(code, 0, reply)
                self.assertFalse(reply["ok"])
                self.assertIsNotNone(reply["next"], reply["error"])
                self.assert_is_command(reply["next"]["argv"][1:])
                self.assert_unchanged(skill_file, before)
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as db:
            self.assertGreater(db.execute("SELECT count(*) FROM llm_call").fetchone()[0], 2)


class EditedMeanwhile(loop_test.World):
    """Somebody edits the SKILL.md while the agent thinks about it."""

    def test_the_edit_stays_and_the_deploy_is_refused(self):
        self.selftune("sync")
        agent = self.bin / "claude"
        agent.rename(self.bin / "real")
        agent.write_text("#!/bin/sh\ncase \"$*\" in *--help*|*--version*) ;; *)\n"
                         f"echo 'One more step.' >> '{self.home.skill_file}' ;; esac\n"
                         f"exec '{self.bin}/real' \"$@\"\n")
        agent.chmod(0o755)
        done = subprocess.run([str(SELFTUNE), "evolve", "--skill", SKILL], capture_output=True,
                              env=self.environment(), check=False, timeout=300)
        reply = json.loads(done.stdout)
        self.assertFalse(reply["ok"], reply)
        self.assertEqual(reply["error"]["code"], "FILE_CHANGED")
        self.assertIsNotNone(reply["next"])
        text = self.home.skill_file.read_bytes()
        self.assertTrue(text.startswith(self.original))
        self.assertEqual(set(text[len(self.original):].splitlines()), {b"One more step."})
        self.assertEqual(os.listdir(self.home.skill_file.parent), ["SKILL.md"])
        self.assertEqual(self.query("SELECT count(*) FROM evolution_audit WHERE action='deployed'"),
                         [(0,)])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
