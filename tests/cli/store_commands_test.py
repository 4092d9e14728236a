#!/usr/bin/env python3
"""Commands about the database file, also while another process holds it.

    store_commands_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import fcntl
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402


class Store(cli_case.CliTest):
    def test_without_a_store_the_next_step_is_sync(self):
        doc = self.envelope("db", "stats", code=4)
        self.assertEqual(doc["error"]["code"], "STORE_MISSING")
        self.assertEqual(doc["next"]["argv"], ["selftune", "sync"])

    def test_home_and_selftune_home_decide_where_it_is(self):
        self.make_store()
        self.assertTrue((self.home / ".selftune" / "selftune.db").exists())
        doc = self.envelope("db", "stats")
        self.assertEqual(doc["data"]["path"], str(self.home / ".selftune" / "selftune.db"))
        other = self.home / "other"
        self.envelope("sync", env=self.env(SELFTUNE_HOME=str(other)))
        self.assertTrue((other / "selftune.db").exists())
        self.envelope("db", "stats", "--home", str(other))
        self.envelope("db", "stats", "--db", str(other / "selftune.db"))

    def test_queries_read_the_public_views_only(self):
        self.make_store()
        doc = self.envelope("query", "SELECT count(*) AS n FROM sessions")
        self.assertEqual((doc["data"]["columns"], doc["data"]["rows"]), (["n"], [[0]]))
        doc = self.envelope("request", json.dumps({"op": "store.query", "params": {
            "sql": "SELECT ?1, ?2, ?3, ?4", "args": ["a", 1, 2.5, None]}}))
        self.assertEqual(doc["data"]["rows"], [["a", 1, 2.5, None]])
        for sql in ("DELETE FROM sessions", "SELECT * FROM sqlite_master", "PRAGMA user_version", "SELEC 1",
                    "SELECT 1; SELECT 2", "ATTACH '/tmp/x' AS y", ""):
            with self.subTest(sql=sql):
                doc = self.envelope("request", json.dumps({"op": "store.query", "params": {"sql": sql}}), code=64)
                self.assertEqual(doc["error"]["code"], "QUERY_REFUSED")

    def test_backups_are_made_checked_and_restored(self):
        self.make_store()
        doc = self.envelope("backup", "create", "--dry-run")
        self.assertIsNone(doc["data"]["id"])
        self.assertIsNone(doc["data"]["receipt"])
        doc = self.envelope("backup", "create")
        made = doc["data"]["id"]
        self.assertEqual(doc["data"]["receipt"]["targets"], [doc["data"]["path"]])
        self.assertEqual([b["id"] for b in self.envelope("backup", "list")["data"]["backups"]], [made])
        self.assertTrue(self.envelope("backup", "verify", made)["data"]["backups"][0]["ok"])
        doc = self.envelope("backup", "restore", made, code=2)
        self.assertEqual(doc["error"]["code"], "CONFIRMATION_REQUIRED")
        self.assertEqual(doc["next"]["argv"], ["selftune", "backup", "restore", made, "--yes"])
        self.assertFalse(self.envelope("backup", "restore", made, "--dry-run")["changed"])
        doc = self.envelope("backup", "restore", made, "--yes")
        self.assertTrue(doc["changed"])
        self.assertEqual(doc["data"]["receipt"]["backup_path"], doc["data"]["moved_aside"])
        self.assertIsNone(self.envelope("db", "migrate")["data"]["receipt"], "it is of this version")
        self.assertEqual(self.envelope("db", "vacuum")["data"]["receipt"]["operation"], "store.vacuum")
        self.assertTrue(self.envelope("db", "check")["data"]["quick_check"])
        self.envelope("backup", "verify", "20000101T000000000Z", code=6)

    def test_check_migrate_and_vacuum(self):
        self.make_store()
        self.assertEqual(self.envelope("db", "check", "--deep")["data"]["problems"], [])
        doc = self.envelope("db", "migrate")
        self.assertEqual(doc["data"]["from"], doc["data"]["to"])
        self.assertFalse(doc["changed"])
        self.assertFalse(self.envelope("db", "vacuum", "-n")["changed"])
        self.envelope("db", "vacuum")

    def test_evidence_is_sessions_signals_sources_or_one_session(self):
        self.make_store()
        for flag, schema in (("--sessions", "session.list"), ("--signals", "signals.list"),
                             ("--sources", "source.list"), ("--bad-lines", "source.bad_lines")):
            with self.subTest(flag=flag):
                self.assertEqual(self.envelope("evidence", flag)["schema"], "selftune/%s@1" % schema)
        self.assertEqual(self.envelope("evidence", "--session", "x", code=6)["error"]["code"], "SESSION_NOT_FOUND")
        self.assertIn("--outcome", self.envelope("evidence", "--sources", "--outcome", "missed", code=64)["error"]["message"])

    def wait_until_caught(self, child, number):
        """Until the program has a handler: a slow one would be ended by the signal itself."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", pathlib.Path(f"/proc/{child.pid}/status").read_text(), re.M)
            if int(caught.group(1), 16) >> (number - 1) & 1:
                return
            time.sleep(0.02)
        self.fail(f"{signal.Signals(number).name} is not caught")

    def test_a_signal_ends_a_long_operation(self):
        self.make_store()
        for number, code in ((signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=number):
                child = subprocess.Popen([cli_case.SELFTUNE, "query", cli_case.ENDLESS], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, env=self.env(), cwd=self.home)
                self.wait_until_caught(child, number)
                child.send_signal(number)
                out, _ = child.communicate(timeout=60)
                self.assertEqual(child.returncode, code)
                doc = json.loads(out)
                self.assertEqual((doc["error"]["code"], doc["error"]["exit_code"]), ("CANCELLED", code))

    def test_a_timeout_ends_it_too(self):
        self.make_store()
        doc = self.envelope("query", cli_case.ENDLESS, "--timeout", "200ms", code=1)
        self.assertEqual(doc["error"]["code"], "DEADLINE")


class Busy(cli_case.CliTest):
    """Another process writes the store, or is at work."""

    def setUp(self):
        super().setUp()
        self.make_store()
        (self.home / ".claude" / "projects").mkdir(parents=True)
        self.writer = sqlite3.connect(self.home / ".selftune" / "selftune.db", isolation_level=None)
        self.addCleanup(self.writer.close)

    def test_a_cancelled_job_leaves_the_wait(self):
        self.writer.execute("BEGIN IMMEDIATE")
        for number, code in ((signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=number):
                child = subprocess.Popen([cli_case.SELFTUNE, "sync"], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, env=self.env(), cwd=self.home)
                time.sleep(1)
                self.assertIsNone(child.poll(), "it should wait for the writer")
                child.send_signal(number)
                begin = time.monotonic()
                out, _ = child.communicate(timeout=60)
                self.assertLess(time.monotonic() - begin, 5)
                self.assertEqual((child.returncode, json.loads(out)["error"]["code"]), (code, "CANCELLED"))

    def test_a_deadline_ends_the_wait(self):
        self.writer.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()
        self.assertEqual(self.envelope("sync", "--timeout", "300ms", code=1)["error"]["code"], "DEADLINE")
        self.assertLess(time.monotonic() - begin, 5)

    def test_who_holds_a_lock_is_said_with_what_to_do(self):
        locks = self.home / ".selftune" / "locks"
        locks.mkdir(exist_ok=True)
        for name, command in (("orchestrate", ("orchestrate",)), ("config", ("config", "set", "guards", "off"))):
            with self.subTest(name), open(locks / (name + ".lock"), "w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                held.write('{"pid":4711,"what":"a test","started_at":"2026-01-02T03:04:05.000Z"}')
                held.flush()
                doc = self.envelope(*command, code=7)
                self.assertEqual((doc["error"]["code"], doc["error"]["retryable"]), ("LOCK_HELD", True))
                self.assertIn("process 4711 (a test), since 2026-01-02", doc["error"]["message"])
                self.assertEqual(doc["next"]["argv"], ["selftune", "doctor", "--only", "lock*"])
                checks = self.envelope(*doc["next"]["argv"][1:])["data"]["checks"]
                found = [c for c in checks if c["path"] == str(locks / (name + ".lock"))]
                self.assertIn("process 4711", found[0]["message"])

if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=1)
