#!/usr/bin/env python3
"""Subagents and failures as a real agent command line tells its hooks of them, without a network.

    real_agents_test.py SELFTUNE COMMAND FOLDER

The model hands a task to a subagent; another time the model's server fails. What the
hooks bring before any transcript is read is about the same sessions as the transcript,
and no session is there twice afterwards. How each agent is run: ways.py. Exit 77 as in
real_hooks_test.py.
"""

import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import World  # noqa: E402

QUESTION = "have somebody else count the files here"
TASK = "count the files of this folder and say how many"
DOOMED = "say something that cannot be said"
AGENTS = "SELECT session_id, root_session_id FROM sessions WHERE source_session_kind='subagent'"


def script(way, home):
    tool, make = way.spawn
    error = {"status": 400, "message": "no", "type": "invalid_request_error"}
    return {"models": ["claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"], "fallback": {"text": "OK."},
            "rules": [{"name": "task", "when": {"prompt": TASK}, "steps": [{"text": "Three."}]},
                      {"name": "doomed", "when": {"prompt": DOOMED}, "steps": [{"http_error": error}]},
                      {"name": "spawn", "when": {"prompt": QUESTION, "tools": [tool]},
                       "steps": [{"tool": tool, "input": make(TASK)}, {"text": "Three, they say."}]}]}


class Agents(World):
    script = staticmethod(script)

    def setUp(self):
        super().setUp()
        self.way.prepare()
        self.cli("hooks", "install", self.way.command)

    def heard(self, kind):
        return [event for event in self.events() if event["type"] == kind]

    def test_a_subagent_is_heard_of_and_is_one_session(self):
        session = self.way.first(QUESTION)
        self.wait_for("agent_end")
        self.assertEqual({event["session_id"] for event in self.heard("agent_end")}, {session})
        self.assertTrue(all(event["agent_id"] for event in self.heard("agent_end")), self.events())
        told = self.query(AGENTS)  # takes in what the hooks left
        self.assertEqual(len(told), 1 if self.heard("agent_start") or self.way.tells_starts else 0)
        self.cli("sync")
        known = self.query(AGENTS)
        self.assertEqual([root for _, root in known], [session])
        if told:
            self.assertEqual(known, told)

    def test_a_turn_that_an_error_ends_is_heard_of(self):
        if not self.way.tells_errors:
            self.skipTest(f"{self.way.command} tells nothing of it in its one-shot mode, or not for certain")
        subprocess.run([self.bin / self.way.command, *self.way.one_shot(DOOMED)], env=self.env(), cwd=self.work,
                       capture_output=True, check=False, timeout=240, stdin=subprocess.DEVNULL)
        self.wait_for("turn_end")


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests(sys.argv[2:5], Agents)
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
