#!/usr/bin/env python3
"""An agent that does not answer is not asked again and again by runs that nobody started.

    model_rest_test.py SELFTUNE
"""

import json
import sqlite3
import sys
import time
import unittest

from loop_test import HERE, SELFTUNE, SKILL, World

HALF_AN_HOUR = 1800
FAILS = '{"type":"result","subtype":"success","is_error":true,"result":"Invalid API key, please run /login"}'


class Unanswered(World):
    def setUp(self):
        self.state = self.home.root / ".selftune"
        self.logged_in = self.scratch / "logged_in"
        self.logged_in.unlink(missing_ok=True)
        self.agent("")
        self.configure({})
        self.selftune("sync")
        self.forget_rest()

    def agent(self, more):
        """Whether it is logged in shows when it is asked."""
        program = self.bin / "claude"
        program.write_text(f"""#!/bin/sh
# {more}
case "$*" in *--help*|*--version*) ;; *) [ -e '{self.logged_in}' ] || {{ echo '{FAILS}'; exit 1; }} ;; esac
exec {sys.executable} {HERE / "fake_claude.py"} "$@"
""")
        program.chmod(0o755)

    def configure(self, more):
        self.state.mkdir(mode=0o700, exist_ok=True)
        (self.state / "config.json").write_text(json.dumps({"cli_path": str(SELFTUNE), "autonomy": "propose", **more}))

    def change(self, sql):
        with sqlite3.connect(self.database) as db:
            db.execute(sql)
        db.close()

    def forget_rest(self):
        self.change("DELETE FROM meta WHERE key='runs_rest'")

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

    def rests(self, seconds):
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
        self.assertEqual(sorted(rest["files"]), sorted([str(self.state / "config.json"), str(self.bin / "claude")]))

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

    def test_who_asks_by_hand_is_not_kept_from_it_and_ends_it_when_it_is_answered(self):
        self.asks("--scheduled")
        self.asks()
        self.rests(HALF_AN_HOUR)
        self.logged_in.touch()
        self.selftune("evolve", "--skill", SKILL, "--review-required")
        self.no_rest()
        self.assertNotIn("rest", json.loads((self.state / "hooks/notes.json").read_text()))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
