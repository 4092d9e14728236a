#!/usr/bin/env python3
"""Hosts that were updated, and write what nobody reads yet: each time somebody is told.

    not_understood_test.py SELFTUNE DATA_DIR
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import surroundings  # noqa: E402

SELFTUNE, DATA = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()


def words(pattern, every, *pairs):
    """In every so many files of a pattern other bytes."""
    def change(home):
        files = [p for p in sorted(home.rglob(pattern)) if p.is_file() and ".selftune" not in p.parts]
        changed = 0
        for path in files[::every]:
            before = after = path.read_bytes()
            for old, new in pairs:
                after = after.replace(old, new)
            changed += after != before
            path.write_bytes(after)
        assert changed, pattern
    return change


def rows(name, *statements):
    def change(home):
        path = next(home.rglob(name))
        db = sqlite3.connect(path)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()
    return change


def contents(name, make):
    def change(home):
        path = next(home.rglob(name))
        path.write_bytes(make(path.read_bytes()))
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)
    return change


OPENCODE, OPENCLAW = "opencode.db", "openclaw-agent.sqlite"
ROLES = (b'"type":"user"', b'"type":"human_turn"'), (b'"type":"assistant"', b'"type":"model_turn"')
# Recording, what its next version does, what doctor says of the host.
UPDATES = [
    ("claude-code", "prompts and answers have other names", words("*.jsonl", 1, *ROLES), "fail"),
    ("claude-code", "the same in every second file", words("*.jsonl", 2, *ROLES), "warn"),
    ("codex", "what a line holds has another name", words("rollout-*.jsonl", 1, (b'"payload"', b'"body"')), "fail"),
    ("pi/0.87.1", "messages have another name", words("*.jsonl", 1, (b'"type":"message"', b'"type":"turn"')), "fail"),
    ("copilot/1.0.102", "messages have other names", words(
        "events.jsonl", 1, (b'"user.message"', b'"user.turn"'), (b'"assistant.message"', b'"assistant.answer"')),
     "fail"),
    ("copilot/1.0.102", "answers alone have another name", words(
        "events.jsonl", 1, (b'"assistant.message"', b'"assistant.answer"')), "warn"),
    ("gemini/0.61.0", "messages have other names", words(
        "session-*.jsonl", 1, (b'"type":"user"', b'"type":"person"'), (b'"type":"gemini"', b'"type":"model"')), "fail"),
    ("gemini/0.61.0", "the same in every second file", words(
        "session-*.jsonl", 2, (b'"type":"user"', b'"type":"person"'), (b'"type":"gemini"', b'"type":"model"')), "warn"),
    ("qwen/0.24.4", "messages have other names", words("*.jsonl", 1, *ROLES), "fail"),
    ("cline/2.18.0-tasks", "roles have another name", words(
        "api_conversation_history.json", 1, (b'"role"', b'"sender"')), "warn"),
    ("cline/3.0.65", "roles have another name", words("*.messages.json", 1, (b'"role"', b'"sender"')), "fail"),
    ("opencode/1.18.33", "roles have another name", rows(
        OPENCODE, "UPDATE message SET data=replace(data,'\"role\"','\"sender\"')"), "fail"),
    ("opencode/1.18.33", "parts have another name", rows(
        OPENCODE, "UPDATE part SET data=replace(data,'\"type\"','\"kind\"')"), "fail"),
    ("opencode/1.1.34-json-storage", "roles have another name", words("msg_*.json", 1, (b'"role"', b'"sender"')), "fail"),
    ("opencode/1.18.33", "the database is cut", contents(OPENCODE, lambda old: old[:200_000]), "fail"),
    ("opencode/1.18.33", "the file is no database", contents(OPENCODE, lambda old: b"\x07" * 5_000), "fail"),
    ("openclaw/2026.9.6", "the file is no database", contents(OPENCLAW, lambda old: b"\x07" * 5_000), "fail"),
    ("openclaw/2026.9.6", "a table has another name", rows(
        OPENCLAW, "ALTER TABLE session_nodes RENAME TO session_knots"), "warn"),
    ("openclaw/2026.6.11-jsonl", "messages have another name", words(
        "*.jsonl", 1, (b'"type":"message"', b'"type":"turn"')), "fail"),
]


class NotUnderstood(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-unknown-")
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name) / "home"

    def reply(self, *words_):
        done = subprocess.run([str(SELFTUNE), *words_, "--json"], env=surroundings.environment(self.home),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout), done.returncode

    def take(self, recording):
        """A copy that may be written; which host it is of."""
        shutil.rmtree(self.home, ignore_errors=True)
        home = DATA / recording / "home"
        shutil.copytree(home / "dev" if (home / "dev").is_dir() else home, self.home, symlinks=True)
        for path in [self.home, *self.home.rglob("*")]:
            if not path.is_symlink():
                os.chmod(path, path.stat().st_mode | 0o200)
        return {"claude-code": "claude_code"}.get(recording.split("/")[0], recording.split("/")[0])

    def finding(self, platform):
        report, code = self.reply("doctor", "--only", "evidence.*")
        found = [c for c in report["data"]["checks"] if c["name"] == f"evidence.{platform}"]
        return max((c for c in found), key=lambda c: ("pass", "info", "warn", "fail").index(c["status"])), code

    def test_each_recording_as_it_is(self):
        for recording in sorted({update[0] for update in UPDATES}):
            with self.subTest(recording):
                platform = self.take(recording)
                reply, _ = self.reply("sync")
                self.assertEqual([w for w in reply["warnings"] if w["code"] == "RECORDS_UNKNOWN"], [])
                self.assertEqual(self.finding(platform)[0]["status"], "pass")

    def test_updates(self):
        for recording, what, change, expected in UPDATES:
            with self.subTest(f"{recording}: {what}"):
                platform = self.take(recording)
                change(self.home)
                reply, _ = self.reply("sync")
                self.assertTrue(reply["warnings"], "a sync says so")
                finding, code = self.finding(platform)
                self.assertEqual(finding["status"], expected, finding)
                self.assertEqual(code != 0, expected == "fail")
                self.assertIn("selftune evidence --sources", finding["guidance"]["command"])

    def test_status_does_not_call_a_dead_store_healthy(self):
        self.take("opencode/1.18.33")
        contents(OPENCODE, lambda old: b"\x07" * 5_000)(self.home)
        self.reply("sync")
        reply, _ = self.reply("status")
        self.assertFalse(reply["data"]["system"]["healthy"])
        sources, _ = self.reply("evidence", "--sources")
        self.assertEqual(sources["data"]["sources"][0]["size_bytes"], 5_000)
        done = subprocess.run([str(SELFTUNE), "evidence", "--sources", "--text"],
                              env=surroundings.environment(self.home), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(sources["data"]["sources"][0]["last_error"], done.stdout)


if __name__ == "__main__":
    unittest.main("__main__", argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
