#!/usr/bin/env python3
"""Hooks in a real agent command line, without a network.

    real_hooks_test.py SELFTUNE COMMAND FOLDER

Installs the hooks beside settings of a person, runs a session in which a skill is
used and the person objects, finds what the hooks brought before any transcript was
read, sees that the transcript does not count it again, takes the hooks out and
compares the settings byte for byte. How each agent is run: ways.py. Exit 77
(skipped) when npm cannot fetch the agent or the kernel refuses the namespace; both
are said.
"""

import shlex
import shutil
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ways  # noqa: E402
from real_world import CORRECTION, PROMPT, SKILL, World, files_below  # noqa: E402

PROMPTS = "SELECT session_id, prompt_text, seen_in_hook, seen_in_transcript FROM prompts ORDER BY occurred_at"
USES = ("SELECT session_id, skill_name, outcome, source, matched_prompt_id FROM skill_invocations "
        "WHERE outcome<>'missed'")
SIGNALS = "SELECT mentioned_skill, query FROM improvement_signals"
SESSIONS = "SELECT platform, source_path IS NOT NULL FROM sessions"


class Hooks(World):
    def setUp(self):
        super().setUp()
        self.add_skill()
        self.way.prepare()

    def tree(self):
        # Below .cache Copilot unpacks itself.
        return files_below(self.home, self.state, self.work, self.home / ".cache")

    def state_of_hooks(self):
        return self.cli("hooks", "status", self.way.command)["platforms"][0]["state"]

    def test_1_installed_twice_is_once_and_taken_out_it_was_never_there(self):
        before = self.tree()
        self.assertEqual(self.state_of_hooks(), "absent")
        self.cli("hooks", "install", self.way.command)
        self.assertEqual(self.state_of_hooks(), self.way.installed)
        once = self.tree()
        self.assertNotEqual(once, before)
        self.assertFalse(self.reply("hooks", "install", self.way.command)["changed"])
        self.assertEqual(self.tree(), once)
        self.cli("hooks", "uninstall", self.way.command)
        self.assertEqual(self.tree(), before)

    def test_2_a_session_is_heard_and_counted_once(self):
        way = self.way
        settings = {path: self.home.joinpath(path).read_bytes() for path in way.settings()}
        files = self.cli("hooks", "install", way.command)["platforms"][0]["files"]
        ours = {str(Path(file["path"]).relative_to(self.home)) for file in files}
        if way.installed == "unapproved":  # the host runs none of them until its person says so
            way.unapproved()
            self.assertEqual(self.events(), [])
            (self.home / ".codex" / "sessions").rename(self.scratch / "earlier")
        session = way.first(PROMPT)
        self.wait_for_events(self.kinds_until_the_correction())
        way.next(session, CORRECTION)
        self.wait_for_events(way.events)
        self.heard(session)
        self.read(session)
        self.taken_out(settings, ours)

    def finding(self):
        """Of the doctor about hooks that are there and do not run, None = they run."""
        checks = self.cli("doctor", "--only", f"hooks.{self.way.platform}", "--exit-zero")["checks"]
        return checks[0] if "no hook" in checks[0]["message"] else None

    def test_3_what_switches_hooks_off_is_found_and_its_command_switches_them_on(self):
        way = self.way
        if not way.switches:
            self.skipTest("nothing is known to switch them off")
        for path, text, instead in way.switches:
            with self.subTest(path=path, instead=instead):
                self.cli("hooks", "install", way.command)
                self.assertIsNone(self.finding())
                file = self.home / path
                before = file.read_text() if file.exists() else None
                file.write_text((before or "").replace(text, instead, 1))
                way.first(PROMPT)
                time.sleep(0.5)  # what a hook beside it would have told
                self.assertEqual(self.events(), [])
                command = shlex.split(self.finding()["guidance"]["command"])
                if command == [way.command]:  # there its person has to type something
                    file.write_text(before)
                else:
                    self.run_program(self.bin / command[0] if command[0] == way.command else command[0], *command[1:])
                self.assertIsNone(self.finding())
                way.first(PROMPT)
                self.wait_for("prompt_submit")
                shutil.rmtree(self.state / "spool")
                file.unlink() if before is None else file.write_text(before)

    def test_4_what_was_approved_runs_and_what_changed_afterwards_does_not(self):
        way = self.way
        if way.installed != "unapproved":
            self.skipTest("it runs every hook")
        self.cli("hooks", "install", way.command)
        way.approve()
        self.assertEqual(self.state_of_hooks(), "installed")
        way.unapproved()
        self.wait_for("prompt_submit")
        shutil.rmtree(self.state / "spool")
        program = self.cli("hooks", "status", way.command)["platforms"][0]["hook_program"]
        moved = shutil.copy(program, self.bin / "selftune-hook")
        self.cli("hooks", "install", way.command, "--hook-program", moved)
        check = self.cli("doctor", "--only", f"hooks.{way.platform}", "--exit-zero")["checks"][0]
        self.assertIn("changed after they were approved", check["message"])
        way.unapproved()
        self.assertEqual(self.events(), [])

    def kinds_until_the_correction(self):
        """The events of the first turn: all but those of the second."""
        events = self.way.events
        second = events[len(events) // 2 + len(events) % 2:]
        return events[:len(events) - len(second)]

    def heard(self, session):
        """Nothing but hooks has said anything yet."""
        way = self.way
        self.assertEqual({event["session_id"] for event in self.events()} - {session} == set(), way.resumes)
        self.assertEqual(self.query(PROMPTS),
                         [[session, text, 1, 0] for text in (PROMPT, CORRECTION)][:way.prompts])
        uses = self.query(USES)
        self.assertEqual([row[:4] for row in uses], [[session, SKILL, "triggered", "hook"]] * way.uses)
        if way.waits and uses:
            self.assertEqual(uses[0][4], f"{session}:p0" if way.prompts else None)
        self.assertEqual(self.query(SIGNALS), [[SKILL, CORRECTION]] if way.prompts else [])
        self.assertEqual(self.query(SESSIONS), [[way.platform, 0]] * bool(way.prompts or way.uses))

    def read(self, session):
        """With the transcript it is the same prompts, uses and signals, not twice as many."""
        way = self.way
        self.assertTrue(self.reply("sync")["changed"])
        prompts = self.query(PROMPTS)
        self.assertEqual([row[1:] for row in prompts],
                         [[text, int(way.prompts > 0), 1] for text in (PROMPT, CORRECTION)])
        self.assertEqual(len({row[0] for row in prompts}), 1 if way.resumes else 2)
        self.assertEqual(self.query(USES), [[session, SKILL, "triggered", "transcript", f"{session}:p0"]])
        self.assertEqual(self.query(SIGNALS), [[SKILL, CORRECTION]])
        self.assertEqual(self.query(SESSIONS), [[way.platform, 1]] * (1 if way.resumes else 2))
        self.assertFalse(self.reply("sync")["changed"])
        self.assertEqual(self.query("SELECT count(*) FROM bad_lines"), [[0]])

    def taken_out(self, settings, ours):
        """The settings are what they were, and nothing but our files was touched."""
        way = self.way
        self.assertEqual(self.state_of_hooks(), way.installed)
        way.stop()
        before = self.tree()
        self.cli("hooks", "uninstall", way.command)
        self.assertEqual(self.state_of_hooks(), "absent")
        after = self.tree()
        self.assertEqual({path: after.get(path) for path in settings}, settings)
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        self.assertEqual({path for path in changed if not path.startswith(way.busy)}, ours)


def main():
    if sys.argv[1] == "--inside":
        return ways.run_tests(sys.argv[2:5], Hooks)
    selftune, command, folder = sys.argv[1:4]
    return ways.WAYS[command].agent.run_inside(__file__, Path(selftune).resolve(), Path(folder).resolve(), command)


if __name__ == "__main__":
    sys.exit(main())
