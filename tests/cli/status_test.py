#!/usr/bin/env python3
"""status --wide and --watch: all there is, and again and again.

    status_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

LONG = "zeta-" + "check-" * 9 + "of-all"
PATIENCE = 30  # seconds; what is waited for comes at once


class StatusTest(cli_case.EvidenceHome):
    def start(self, *argv, columns=0, rows=24, **extra):
        """With stdout a pipe, or a terminal of so many columns; (child, where it is read)."""
        if columns:
            read, write = pty.openpty()
            fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        else:
            read, write = os.pipe()
        child = subprocess.Popen([cli_case.SELFTUNE, "status", *argv], stdin=subprocess.DEVNULL, stdout=write,
                                 stderr=subprocess.PIPE, env=self.env(**extra), cwd=self.home)
        os.close(write)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child, read

    def read_until(self, fd, enough):
        shown, end = b"", time.monotonic() + PATIENCE
        while not enough(shown):
            self.assertLess(time.monotonic(), end, shown)
            if select.select([fd], [], [], 0.1)[0]:
                shown += os.read(fd, 65536)
        return shown.decode().replace("\r\n", "\n")

    def lines(self, fd, count):
        return [json.loads(line) for line in self.read_until(fd, lambda s: s.count(b"\n") >= count).splitlines()]


class SwitchedOff(StatusTest):
    def setUp(self):
        super().setUp()
        self.settings = self.home / ".claude" / "settings.json"
        self.project = self.home / "proj" / ".claude" / "settings.json"

    def skill(self, name):
        return next(s for s in self.envelope("skills", "list")["data"]["items"] if s["name"] == name)

    def listed(self):
        """What a person reads, on one line."""
        return " ".join(self.on_terminal("skills", "list", "--color", "never", columns=120)[1].split())

    def silent(self):
        return [s["name"] for s in self.envelope("status")["data"]["silent_skills"]]

    def test_a_skill_that_settings_switch_off_is_told_with_the_file_and_is_not_called_silent(self):
        idle = self.home / ".claude" / "skills" / "idle" / "SKILL.md"
        idle.parent.mkdir()
        idle.write_text("---\nname: idle\ndescription: Waits.\n---\nx\n", encoding="utf-8")
        self.make_store()
        self.assertEqual((self.skill("idle")["flags"], self.skill("idle")["switched_off"]), (["silent"], []))
        self.assertIn("idle", self.silent())
        self.settings.write_text('{"skillOverrides":{"idle":"off"}}', encoding="utf-8")
        self.assertEqual(self.skill("idle")["flags"], ["disabled"])
        self.assertEqual(self.skill("idle")["switched_off"],
                         [{"platform": "claude_code", "path": str(idle), "settings": str(self.settings), "project_root": None}])
        self.assertNotIn("idle", self.silent())
        self.assertEqual(self.envelope("status")["data"]["disabled_total"], 1)
        only = self.envelope("skills", "list", "--status", "disabled")["data"]["items"]
        self.assertEqual([s["name"] for s in only], ["idle"])
        self.assertIn("idle is switched off in %s (claude_code)" % self.settings, self.listed())
        _, shown = self.on_terminal("status", "--color", "never", columns=100)
        self.assertIn("1: selftune skills list --status disabled", shown)

    def test_asked_of_one_agent_its_settings_decide(self):
        shared = self.home / ".agents" / "skills" / "idle" / "SKILL.md"
        shared.parent.mkdir(parents=True)
        shared.write_text("---\nname: idle\ndescription: Waits.\n---\nx\n", encoding="utf-8")
        for folder, name, text in ((".codex", "config.toml", '[[skills.config]]\nname = "idle"\nenabled = false\n'),
                                   (".gemini", "settings.json", "{}")):
            (self.home / folder).mkdir(exist_ok=True)
            (self.home / folder / name).write_text(text, encoding="utf-8")
        self.make_store()
        for platform, off in ((None, 0), ("codex", 1), ("gemini", 0)):
            with self.subTest(platform=platform):
                asked = ["--platform", platform] if platform else []
                self.assertEqual(self.envelope("status", *asked)["data"]["disabled_total"], off)
                listed = self.envelope("skills", "list", "--status", "disabled", *asked)["data"]["items"]
                self.assertEqual([s["name"] for s in listed], ["idle"] * off)
        _, shown = self.on_terminal("status", "--platform", "codex", "--color", "never", columns=100)
        self.assertIn("1: selftune skills list --platform codex --status disabled", shown)

    def test_a_project_speaks_for_sessions_in_it(self):
        self.project.write_text('{"skillOverrides":{"release-notes":"off","zeta-check":"off"}}', encoding="utf-8")
        notes, = self.skill("release-notes")["switched_off"]
        self.assertEqual((notes["settings"], notes["project_root"]), (str(self.project), str(self.home / "proj")))
        self.assertNotIn("disabled", self.skill("release-notes")["flags"])
        zeta = self.skill("zeta-check")  # seen in there alone
        self.assertIsNone(zeta["switched_off"][0]["project_root"])
        self.assertIn("disabled", zeta["flags"])
        self.assertIn("release-notes is switched off in %s for sessions in %s (claude_code)"
                      % (self.project, self.home / "proj"), self.listed())

    def test_what_a_project_switches_on_again_is_off_but_for_sessions_in_it(self):
        self.settings.write_text('{"skillOverrides":{"release-notes":"off"}}', encoding="utf-8")
        self.assertIn("disabled", self.skill("release-notes")["flags"])
        self.project.write_text('{"skillOverrides":{"release-notes":"on"}}', encoding="utf-8")
        notes = self.skill("release-notes")
        self.assertEqual([(off["settings"], off["project_root"]) for off in notes["switched_off"]], [(str(self.settings), None)])
        self.assertEqual([(on["settings"], on["project_root"]) for on in notes["switched_on"]],
                         [(str(self.project), str(self.home / "proj"))])
        self.assertNotIn("disabled", notes["flags"])
        told = self.listed()
        self.assertIn("release-notes is switched off in %s (claude_code)" % self.settings, told)
        self.assertIn("release-notes is switched on again in %s for sessions in %s (claude_code)"
                      % (self.project, self.home / "proj"), told)
        check, = self.envelope("doctor", "--only", "skills.disabled")["data"]["checks"]
        self.assertIn("release-notes (claude_code, but on in %s)" % (self.home / "proj"), check["message"])


class Wide(StatusTest):
    def use_long(self):
        path = self.home / ".claude" / "skills" / LONG / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text("---\nname: %s\ndescription: Does it.\n---\nx\n" % LONG, encoding="utf-8")
        self.PROMPTS = ("good morning", "/%s now" % LONG, "thanks")
        self.write("88888888-1111-4111-8111-111111111111")
        self.make_store()
        return path

    def test_nothing_is_shortened_and_there_are_more_columns(self):
        path = self.use_long()
        skill = next(s for s in self.envelope("status")["data"]["skills"] if s["name"] == LONG)
        _, narrow = self.on_terminal("status", "--color", "never", columns=80)
        self.assertNotIn("right uses", narrow)
        self.assertNotIn(LONG + "  ", narrow)
        _, wide = self.on_terminal("status", "--wide", "--color", "never", columns=80)
        head = next(line for line in wide.splitlines() if line.startswith("skill "))
        self.assertEqual(re.split(" {2,}", head), ["skill", "state", "recall (95 %)", "trend", "uses", "last use", "why", "right uses",
                                                  "good sessions", "proposals", "autonomy", "flags", "agents", "path"])
        row, = [line for line in wide.splitlines() if line.startswith(LONG + " ")]
        for text in (skill["state_reason"], skill["autonomy"], ", ".join(skill["platforms"]), str(path)):
            self.assertIn("  " + text, row)
        code, piped, _ = self.run_cli("status", "--wide", "--text")
        self.assertEqual((code, piped.splitlines()[2:]), (0, wide.splitlines()[2:]))

    def test_it_changes_nothing_of_what_programs_read(self):
        fields = ("--fields", "window,counts,skills.name,skills.state,skills.trigger,silent_skills,plan")
        self.assertEqual(self.envelope("status", "--wide", *fields)["data"], self.envelope("status", *fields)["data"])

    def test_all_that_are_not_used_are_named(self):
        for i in range(12):
            path = self.home / ".claude" / "skills" / ("spare-%d" % i) / "SKILL.md"
            path.parent.mkdir(parents=True)
            path.write_text("---\nname: spare-%d\ndescription: Does it.\n---\nx\n" % i, encoding="utf-8")
        self.make_store()
        self.assertIn(", …\n", self.run_cli("status", "--text")[1])
        wide = self.run_cli("status", "--wide", "--text")[1]
        self.assertNotIn("…", wide)
        for i in range(12):
            self.assertRegex(wide, r"spare-%d\b" % i)


class Watch(StatusTest):
    def test_a_program_gets_a_line_of_json_each_time_and_ends_it_by_reading_no_more(self):
        for argv in ((), ("--json",), ("--json-lines",)):
            with self.subTest(argv):
                child, fd = self.start("--watch", "1", *argv)
                docs = self.lines(fd, 2)
                for doc in docs:
                    self.assertEqual((doc["schema"], doc["ok"], doc["error"]), ("selftune/status@1", True, None))
                self.assertLess(docs[0]["generated_at"], docs[1]["generated_at"])
                os.close(fd)
                self.assertEqual((child.wait(timeout=PATIENCE), child.stderr.read()), (0, b""))

    def test_a_refresh_brings_what_came_meanwhile(self):
        child, fd = self.start("--watch", "1s", "--refresh", "--fields", "evidence.sessions")
        self.assertEqual(self.lines(fd, 1)[0]["data"], {"evidence": {"sessions": 1}})
        self.write("88888888-1111-4111-8111-111111111111")
        self.read_until(fd, lambda shown: b'"sessions":2' in shown)
        os.close(fd)
        child.wait(timeout=PATIENCE)

    def test_signals_end_it_with_their_codes(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            for columns in (0, 80):
                with self.subTest(number=number, columns=columns):
                    child, fd = self.start("--watch", "1h", columns=columns)
                    self.read_until(fd, lambda shown: b"release-notes" in shown)
                    child.send_signal(number)
                    self.assertEqual((child.wait(timeout=PATIENCE), child.stderr.read()), (code, b""))
                    os.close(fd)

    def test_a_terminal_is_drawn_anew_and_only_as_far_as_it_is_high(self):
        for argv, columns in (((), 60), (("--wide",), 40)):
            for rows in (8, 50):
                with self.subTest(argv=argv, rows=rows):
                    child, fd = self.start("--watch", "1", "--color", "never", *argv, columns=columns, rows=rows)
                    shown = self.read_until(fd, lambda s: s.count(b"\x1b[J") >= 3)
                    child.send_signal(signal.SIGINT)
                    child.wait(timeout=PATIENCE)
                    os.close(fd)
                    self.assertTrue(shown.startswith("\x1b[2J\x1b[H"))
                    frames = shown[len("\x1b[2J"):].split("\x1b[J")[:3]
                    for frame in frames:
                        self.assertTrue(frame.startswith("\x1b[H"))
                        lines = frame[len("\x1b[H"):].split("\n")
                        self.assertEqual(lines.pop(), "")
                        self.assertTrue(all(line.endswith("\x1b[K") for line in lines))
                        plain = [line[:-len("\x1b[K")] for line in lines]
                        self.assertRegex(plain[0], r"^selftune status, every 1 s, now \d\d:\d\d:\d\d UTC$")
                        taken = sum(max(1, -(-len(line) // columns)) for line in plain)
                        self.assertLessEqual(taken, rows - 1)
                        if rows == 8:
                            self.assertRegex(plain[-1], r"^… \d+ lines more$")
                        else:
                            self.assertTrue(any(line.startswith("system") for line in plain))
                    self.assertNotIn("\x1b[2J", shown[1:])

    def test_texts_follow_each_other_where_nothing_can_be_drawn(self):
        for extra in ({}, {"columns": 80, "TERM": "dumb"}):
            with self.subTest(extra):
                child, fd = self.start("--watch", "1", "--text", **extra)
                shown = self.read_until(fd, lambda s: s.count(b"window 30d") >= 2)
                child.send_signal(signal.SIGTERM)
                child.wait(timeout=PATIENCE)
                os.close(fd)
                self.assertNotIn("\x1b", shown)
                self.assertRegex(shown, r"\n\n\d+ of \d+ skills used")

    def test_a_time_limit_is_of_the_whole(self):
        code, out, err = self.run_cli("status", "--watch", "1", "--timeout", "1500ms")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([json.loads(line)["ok"] for line in out.splitlines()], [True, True])

    def test_what_will_not_pass_ends_it(self):
        for argv, code, name in ((("--skill", "no-such-skill"), 6, "SKILL_NOT_FOUND"), (("--window", "soon"), 64, "INVALID_REQUEST")):
            with self.subTest(argv):
                doc = self.envelope("status", "--watch", "1", *argv, code=code)
                self.assertEqual(doc["error"]["code"], name)

    def test_what_is_no_time_is_refused(self):
        for word in ("0", "-1", "soon", "999ms", "25h", ""):
            with self.subTest(word):
                doc = self.envelope("status", "--watch=" + word, code=64)
                self.assertEqual(doc["error"]["code"], "INVALID_FLAG")


class Why(cli_case.EvidenceHome):
    def ask(self, *argv, code=0):
        return self.envelope("why", "zeta-check", *argv, code=code)

    def test_a_question_without_a_session_is_about_the_folder_that_it_comes_from(self):
        text = ("--prompt", "check the zeta of this")
        (self.home / "to-proj").symlink_to("proj")
        # Only a folder that was named decides: whoever just stands elsewhere means the skill that there is.
        for argv, folder, cause, sees in ((text, self.home, "would_match", "no copy"),
                                          ((*text, "--project", "proj"), self.home / "proj", "would_match", "a copy"),
                                          ((*text, "--project", "to-proj"), self.home / "proj", "would_match", "a copy"),
                                          ((*text, "--project", "."), self.home, "not_installed", "no copy")):
            data = self.ask(*argv)["data"]
            self.assertEqual((data["cause"], data["project"]), (cause, str(folder)), argv)
            self.assertEqual([row["result"] for row in data["evidence"] if row["check"] == "here"],
                             ["asked from %s: a session there sees %s" % (folder, sees)])
        # In general its misses are the answer, wherever they were.
        data = self.ask()["data"]
        self.assertEqual((data["cause"], data["missed_cause"]), ("unknown", "unknown"))
        self.assertIn("Sessions in %s do not see it." % self.home, data["explanation"])
        self.assertNotIn("do not see it", self.ask("--project", "proj")["data"]["explanation"])

    def test_a_session_has_a_folder_of_its_own(self):
        self.assertIsNone(self.ask("--session", self.SESSION)["data"]["project"])
        for argv in (("--session", self.SESSION, "--project", "proj"), ("--project", "nowhere"), ("--project", "SKILL.md")):
            self.assertEqual(self.ask(*argv, code=64)["error"]["code"], "INVALID_REQUEST", argv)


if __name__ == "__main__":
    cli_case.SELFTUNE = str(pathlib.Path(sys.argv[1]).resolve())
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
