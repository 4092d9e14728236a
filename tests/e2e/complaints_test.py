#!/usr/bin/env python3
"""Complaints about a skill that no run can change start one, then none for a day or until it can be changed.

    complaints_test.py SELFTUNE
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))

import surroundings  # noqa: E402

SELFTUNE = str(Path(sys.argv[1]).resolve())
DESCRIPTION = "Fills in forms and merges files of that kind."


class Complaints(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="selftune-complaints-")
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name) / "home"
        self.state = self.home / ".selftune"
        self.state.mkdir(parents=True)
        self.configure({})
        self.file = self.skill("")
        self.lines = 0
        self.say("fill in this form")
        self.say("why didn't you use the pdf skill for that?")

    def skill(self, more):
        path = self.home / ".claude/skills/pdf/SKILL.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nname: pdf\ndescription: {DESCRIPTION}\n{more}---\n\nx\n")
        return path

    def configure(self, more):
        (self.state / "config.json").write_text(json.dumps({"cli_path": SELFTUNE, "autonomy": "deploy", **more}))

    def settings(self, more):
        (self.home / ".claude/settings.json").write_text(json.dumps(more))

    def say(self, text):
        log = self.home / ".claude/projects/-work/s-1.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as out:
            for kind, content in (("user", text), ("assistant", [{"type": "text", "text": "Done."}])):
                self.lines += 1
                message = {"role": kind, "content": content}
                if kind == "assistant":
                    message.update(id=f"msg_{self.lines}", model="m", type="message", usage={"input_tokens": 3, "output_tokens": 5})
                at = (datetime.now(timezone.utc) - timedelta(minutes=60 - self.lines)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                out.write(json.dumps({"type": kind, "message": message, "uuid": f"u-{self.lines}", "parentUuid": None, "sessionId": "s-1",
                                      "cwd": "/work", "timestamp": at, "version": "2.1.330", "isSidechain": False, "userType": "external"}) + "\n")

    def selftune(self, *argv):
        done = subprocess.run([SELFTUNE, *argv, "--json"], capture_output=True, text=True, cwd="/",
                              env=surroundings.environment(self.home), check=False)
        return json.loads(done.stdout)["data"]

    def notes(self):
        return json.loads((self.state / "hooks/notes.json").read_text())

    def pending(self):
        """What the hooks are told, and how many signals wait."""
        db = sqlite3.connect(f"file:{self.state}/selftune.db?mode=ro", uri=True)
        waiting, = db.execute("SELECT count(*) FROM improvement_signals WHERE state='pending'").fetchone()
        db.close()
        return self.notes()["pending"], waiting

    def rest(self, reason):
        """A run looks, can do nothing, and none begins by itself for the same reason."""
        self.assertEqual(self.pending(), (True, 1))
        before = time.time()
        run = self.selftune("orchestrate", "--reactive")
        self.assertEqual([(one["skill"], one["reason_code"]) for one in run["decisions"]], [("pdf", reason)])
        self.assertEqual(self.pending(), (False, 1))
        self.assertEqual(self.notes()["resting"], "\npdf\n")
        until = self.notes()["pending_from_ms"] / 1000
        self.assertTrue(before + 86400 <= until <= time.time() + 86400)
        run = self.selftune("orchestrate", "--reactive")
        self.assertEqual((run["status"], run["decisions"]), ("nothing_to_do", []))
        self.assertEqual(self.notes()["pending_from_ms"] / 1000, until)

    def test_it_rests_until_the_skill_may_be_changed(self):
        cases = {  # why nobody may change it: how it comes to that, how it is called, how it ends
            "locked in config.json": (lambda: self.configure({"skills": {"pdf": {"autonomy": "locked"}}}), "locked",
                                      lambda: self.configure({})),
            "its file says off": (lambda: self.skill("metadata:\n  selftune: off\n"), "locked", lambda: self.skill("")),
            "it is not there any more": (self.file_away, "skill_missing", lambda: self.skill("")),
        }
        for why, (begin, reason, end) in cases.items():
            with self.subTest(why):
                self.setUp()
                self.selftune("sync")
                begin()
                self.say("fill in another form")
                self.selftune("sync")
                self.rest(reason)
                end()
                self.say("fill in a third form")
                self.selftune("sync")
                self.assertEqual(self.pending(), (True, 1))
                run = self.selftune("orchestrate", "--reactive")
                self.assertEqual([one["skill"] for one in run["decisions"]], ["pdf"])

    def file_away(self):
        self.file.unlink()

    def test_what_only_the_disk_tells_is_looked_at_again_a_day_later(self):
        os.link(self.file, self.home / "copy.md")
        self.selftune("sync")
        self.rest("plugin_managed")

    def test_another_complaint_that_can_be_taken_up_is_enough(self):
        self.configure({"skills": {"pdf": {"autonomy": "locked"}}})
        self.selftune("sync")
        self.rest("locked")
        zip_file = self.home / ".claude/skills/zip/SKILL.md"
        zip_file.parent.mkdir()
        zip_file.write_text("---\nname: zip\ndescription: Packs files.\n---\n\nx\n")
        self.say("why didn't you use the zip skill?")
        self.selftune("sync")
        self.assertEqual(self.pending(), (True, 2))

    def test_a_setting_of_ours_is_heeded_at_once(self):
        self.selftune("sync")
        self.selftune("skills", "lock", "pdf")
        self.rest("locked")
        self.selftune("skills", "unlock", "pdf")
        self.assertEqual(self.pending(), (True, 1))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
