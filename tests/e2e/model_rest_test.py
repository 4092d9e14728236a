#!/usr/bin/env python3
"""An agent that does not answer is not asked again and again by runs that nobody started.

    model_rest_test.py SELFTUNE
"""

import json
import os
import shutil
import sqlite3
import sys
import time
import unittest
from pathlib import Path

from loop_test import HERE, SELFTUNE, SKILL, World

HALF_AN_HOUR = 1800
FAILS = '{"type":"result","subtype":"success","is_error":true,"result":"Invalid API key, please run /login"}'


def mark(path):
    of = path.stat()
    return f"{of.st_ino} {of.st_size} {of.st_mtime_ns}"


class Unanswered(World):
    path = None  # more folders, before the others

    def setUp(self):
        self.state = self.home.root / ".selftune"
        self.logged_in = self.scratch / "logged_in"
        self.logged_in.unlink(missing_ok=True)
        self.asked = self.scratch / "asked"
        self.asked.unlink(missing_ok=True)
        self.agent("")
        self.configure({})
        self.selftune("sync")
        self.forget_rest()

    def agent(self, more, folder=None):
        """Whether it is logged in shows when it is asked."""
        program = (folder or self.bin) / "claude"
        program.write_text(f"""#!/bin/sh
# {more}
case "$*" in *--help*|*--version*) ;; *)
  echo >> '{self.asked}'
  [ -e '{self.logged_in}' ] && [ "$(wc -l < '{self.asked}')" -le "$(cat '{self.logged_in}')" ] || {{ echo '{FAILS}'; exit 1; }} ;;
esac
exec {sys.executable} {HERE / "fake_claude.py"} "$@"
""")
        program.chmod(0o755)

    def answers(self, times):
        """So often, counted from now on."""
        self.asked.unlink(missing_ok=True)
        self.logged_in.write_text(str(times))

    def configure(self, more):
        self.state.mkdir(mode=0o700, exist_ok=True)
        (self.state / "config.json").write_text(json.dumps({"cli_path": str(SELFTUNE), "autonomy": "propose", **more}))

    def change(self, sql):
        with sqlite3.connect(self.database) as db:
            db.execute(sql)
        db.close()

    def forget_rest(self):
        """And that a run reacted lately."""
        self.change("DELETE FROM meta WHERE key='runs_rest'")
        self.change("DELETE FROM skill_rest")
        self.let_half_an_hour_pass()

    def let_half_an_hour_pass(self):
        self.change("UPDATE job_run SET started_ms=started_ms-3600000")

    def let_pass(self):
        """The time of the rest is over."""
        self.change("UPDATE meta SET value=json_set(value,'$.until_ms',json_extract(value,'$.until_ms')-100000000,"
                    "'$.since_ms',json_extract(value,'$.since_ms')-100000000) WHERE key='runs_rest'")
        self.change("UPDATE meta SET value=json_set(value,'$.until_ms',CAST(strftime('%s','now') AS INTEGER)*1000-1) WHERE key='runs_rest'")

    def calls(self):
        return self.query("SELECT count(*) FROM llm_call")[0][0]

    def asks(self, *how, code=8):
        """A run that asks the agent, and is not answered."""
        before = self.calls()
        reply = self.selftune("orchestrate", *how, exit_code=code)
        mine = [d for d in reply["data"]["decisions"] if d["skill"] == SKILL and d["action"] == "evolve"]
        self.assertEqual(len(mine), 1)
        self.assertGreater(self.calls(), before)
        return reply

    def environment(self):
        found = super().environment()
        return found if self.path is None else {**found, "PATH": f"{self.path}:{found['PATH']}"}

    def rests(self, seconds, program=None):
        """Says so everywhere; a run that begins by itself asks nobody."""
        before = self.calls()
        reply = self.selftune("orchestrate", "--scheduled")
        self.assertEqual((reply["data"]["status"], reply["data"]["decisions"]), ("nothing_to_do", []))
        self.assertEqual(self.calls(), before)
        told = [w for w in self.selftune("status")["warnings"] if w["code"] == "ON_HOLD"]
        self.assertIn([w["message"] for w in told][0], [w["message"] for w in reply["warnings"]])
        self.assertIn("claude gave no answer (AUTH_MISSING)", told[0]["message"])
        self.assertEqual(told[0]["next"]["argv"] if isinstance(told[0]["next"], dict) else told[0]["next"], ["selftune", "orchestrate"])
        check, = self.selftune("doctor", "--only", "runs.rest")["data"]["checks"]
        self.assertEqual((check["status"], check["message"], check["guidance"]["command"]), ("warn", told[0]["message"], "selftune orchestrate"))
        rest = json.loads((self.state / "hooks/notes.json").read_text())["rest"]
        self.assertAlmostEqual(rest["until_ms"] / 1000, time.time() + seconds, delta=120)
        self.assertEqual([rest[name] for name in ("config", "agents", "program")],
                         [mark(self.state / "config.json"), "claude\ncodex\n", mark(program or self.bin / "claude")])

    def no_rest(self):
        self.assertEqual([w for w in self.selftune("status")["warnings"] if w["code"] == "ON_HOLD"], [])
        self.selftune("doctor", "--only", "runs.rest", exit_code=64)  # no such check ran

    def test_twice_as_long_each_time(self):
        self.asks("--reactive")
        self.rests(HALF_AN_HOUR)
        self.let_pass()
        self.no_rest()
        self.asks("--scheduled")
        self.rests(2 * HALF_AN_HOUR)

    def test_another_configuration_or_agent_is_tried_at_once(self):
        for name, change in (("configuration", lambda: self.configure({"suggestions": "off"})), ("agent", lambda: self.agent("newer"))):
            with self.subTest(name):
                self.setUp()
                self.asks("--scheduled")
                self.rests(HALF_AN_HOUR)
                change()
                self.no_rest()
                self.asks("--scheduled")
                self.rests(HALF_AN_HOUR)

    def test_another_one_that_comes_first_on_the_path_is_asked_at_once(self):
        """Whoever looks sees the same: a run that begins by itself, a readout and, by its notes, the hook."""
        self.asks("--scheduled")
        self.rests(HALF_AN_HOUR)
        first = self.scratch / "first"
        first.mkdir()
        self.addCleanup(shutil.rmtree, first)
        (first / "claude").symlink_to(self.bin / "claude")
        self.path = f"{first}:{self.bin}"
        self.addCleanup(setattr, self, "path", None)
        self.rests(HALF_AN_HOUR)  # a link to the same one
        (first / "claude").unlink()
        self.agent("installed beside it", first)
        self.no_rest()
        self.asks("--scheduled")

    def test_of_a_rest_that_names_nobody_the_hook_is_not_told(self):
        """Whether there is a key, or an agent, by now is seen by a run alone."""
        self.asks("--scheduled")
        self.rests(HALF_AN_HOUR)
        self.change("UPDATE meta SET value=json_set(value,'$.agent','','$.inode',0,'$.bytes',0,'$.mtime_ns',0) WHERE key='runs_rest'")
        (self.bin / "claude").unlink()
        before = self.calls()
        told = self.selftune("orchestrate", "--scheduled")["warnings"]
        self.assertEqual(([w["code"] for w in told], self.calls()), (["ON_HOLD"], before))
        self.assertNotIn("rest", json.loads((self.state / "hooks/notes.json").read_text()))

    def test_a_path_of_any_bytes(self):
        odd = os.fsdecode(os.fsencode(self.scratch) + b"/caf\xe9")
        os.mkdir(odd)
        self.addCleanup(shutil.rmtree, odd)
        self.agent("elsewhere", Path(odd))
        self.path = f"{odd}:{self.bin}"
        self.addCleanup(setattr, self, "path", None)
        self.asks("--scheduled")
        self.rests(HALF_AN_HOUR, Path(odd) / "claude")
        self.let_pass()
        self.asks("--scheduled")
        self.rests(2 * HALF_AN_HOUR, Path(odd) / "claude")

    def test_a_model_that_answered_before_it_failed_lets_one_skill_rest_and_no_other(self):
        self.answers(1)
        self.asks("--reactive")
        self.no_rest()
        self.assertNotIn("rest", json.loads((self.state / "hooks/notes.json").read_text()))
        self.assertEqual(self.query("SELECT k.name, r.reason FROM skill_rest r JOIN skill k USING(skill_id)"
                                    f" WHERE k.name='{SKILL}'"), [(SKILL, "AUTH_MISSING")])
        before = self.calls()
        self.let_half_an_hour_pass()
        self.assertEqual(self.selftune("orchestrate", "--reactive")["data"]["decisions"], [])
        self.assertEqual(self.calls(), before)

    def test_who_asks_by_hand_is_not_kept_from_it_and_ends_it_when_it_is_answered(self):
        self.asks("--scheduled")
        self.asks()
        self.rests(HALF_AN_HOUR)
        self.answers(10_000)
        self.selftune("evolve", "--skill", SKILL, "--review-required")
        self.no_rest()
        self.assertNotIn("rest", json.loads((self.state / "hooks/notes.json").read_text()))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
