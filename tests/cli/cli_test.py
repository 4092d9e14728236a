#!/usr/bin/env python3
"""Runs the built command: argv to exit code, one envelope on stdout, no stray output.

    cli_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import os
import pathlib
import pty
import re
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402


class Output(cli_case.CliTest):
    def test_not_a_terminal_means_one_envelope(self):
        doc = self.envelope("version")
        self.assertEqual(doc["command"], "version")
        self.assertEqual(doc["schema"], "selftune/version@1")

    def test_a_terminal_means_text(self):
        code, text = self.on_terminal("version", "--color", "never")
        self.assertEqual(code, 0)
        self.assertRegex(text, r"selftune +\d+\.\d+\.\d+")
        self.assertNotIn("{", text)

    def test_json_and_text_decide(self):
        code, text = self.on_terminal("version", "--json")
        self.assertEqual(code, 0)
        json.loads(text)
        code, out, err = self.run_cli("version", "--text")
        self.assertEqual((code, err), (0, ""))
        self.assertTrue(out.startswith("selftune "))

    def test_fields_trim_data(self):
        doc = self.envelope("version", "--fields", "version,nothing")
        self.assertEqual(list(doc["data"]), ["version"])
        self.assertEqual([w["code"] for w in doc["warnings"]], ["UNKNOWN_FIELD"])
        doc = self.envelope("config", "list", "--fields", "values.key,values.nope,values.key.deep")
        self.assertEqual({tuple(row) for row in doc["data"]["values"]}, {("key",)})
        self.assertEqual([w["message"] for w in doc["warnings"]],
                         ["--fields: data has no values.key.deep", "--fields: data has no values.nope"])
        self.assertIsInstance(doc["data"]["values"][0]["key"], str)
        # The wider of two paths counts, and the flag may be given again.
        for argv in (("--fields", "values.key,values"), ("--fields", "values,values.key"),
                     ("--fields", "values", "--fields", "values.key")):
            self.assertIn("source", self.envelope("config", "list", *argv)["data"]["values"][0])

    def test_colours_only_where_wanted(self):
        path = str(self.skill_file())
        for argv, env, coloured in (
            ((), {}, True),
            ((), {"NO_COLOR": "1"}, False),
            ((), {"TERM": "dumb"}, False),
            (("--color", "never"), {}, False),
            (("--color=always",), {"NO_COLOR": "1"}, True),
        ):
            with self.subTest(argv=argv, env=env):
                _, text = self.on_terminal("skills", "parse", path, *argv, env=self.env(**env))
                self.assertEqual("\x1b[" in text, coloured)
        _, out, _ = self.run_cli("skills", "parse", path, "--text")
        self.assertNotIn("\x1b", out)
        _, out, _ = self.run_cli("skills", "parse", path, "--text", env=self.env(CLICOLOR_FORCE="1"))
        self.assertIn("\x1b[", out)

    def test_control_characters_of_files_do_not_reach_the_terminal(self):
        path = self.skill_file('---\nname: "a\\x1b[31mb"\ndescription: "x\\u202ey\\rz\\x9b"\n---\n')
        _, text = self.on_terminal("skills", "parse", str(path), "--color", "never")
        for bad in ("\x1b", "\u202e", "\r", "\x9b"):
            self.assertNotIn(bad, text)
        self.assertIn("a\\x1b[31mb", text)
        doc = self.envelope("skills", "parse", str(path))
        self.assertEqual(doc["data"]["name"], "a\x1b[31mb")

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([cli_case.SELFTUNE, "version"], stdout=full, stderr=subprocess.PIPE, env=self.env(),
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"WRITE_FAILED", done.stderr)

    def test_nothing_is_written_by_looking(self):
        for argv in (("version",), ("help",), ("schema", "--list")):
            self.envelope(*argv)
        self.assertEqual(list(self.home.iterdir()), [])


    def test_doctor_has_a_heading_once_and_a_command_for_each_finding(self):
        self.skill_file()
        self.make_store()
        checks = self.envelope("doctor", "--exit-zero")["data"]["checks"]
        findings = [check for check in checks if check["guidance"]]
        self.assertIn("info", {check["status"] for check in findings})
        lines = self.run_cli("doctor", "--text", "--exit-zero")[1].splitlines()
        headings = [line for line in lines if line and not line.startswith(" ")][:-1]
        self.assertEqual(headings, sorted(set(headings), key=headings.index))
        self.assertEqual(set(headings), {check["name"].partition(".")[0] for check in checks})
        for check in findings:
            at = next(i for i, line in enumerate(lines) if check["name"] in line.split() and check["message"] in line)
            with self.subTest(check=check["name"]):
                self.assertIn(check["guidance"]["command"], lines[at + 1])


class Usage(cli_case.CliTest):
    def test_unknown_commands_say_what_was_meant(self):
        for argv, meant in ((("vversion",), "version"), (("skill", "parse"), "skills parse"),
                            (("skills", "prase"), "skills parse"), (("skill", "statsu"), "skill status"),
                            (("skills", "install"), "skill install")):
            with self.subTest(argv=argv):
                doc = self.envelope(*argv, code=64)
                self.assertEqual(doc["error"]["code"], "UNKNOWN_COMMAND")
                self.assertIn("did you mean selftune " + meant, doc["error"]["suggestion"])
        self.envelope("a\x1b[31mb", code=64)

    def test_unknown_flags_are_errors_everywhere(self):
        doc = self.envelope("version", "--jsn", code=64)
        self.assertEqual(doc["error"]["code"], "INVALID_FLAG")
        self.assertIn("--json", doc["error"]["suggestion"])
        self.assertEqual(doc["next"]["argv"], ["selftune", "help", "version"])
        for command in self.commands():
            if command["path"] == "ingest wrap-codex":
                continue  # what is behind it is codex's
            with self.subTest(command=command["path"]):
                doc = self.envelope(*command["path"].split(), "--no-such-flag", code=64)
                self.assertEqual(doc["error"]["code"], "INVALID_FLAG")

    def test_long_words_are_not_said_back(self):
        long = "x" * 100000
        for argv in ((long,), ("version", "--" + long), ("version", long), ("version", "--color", long), ("help", long),
                     ("version", "--timeout", long), ("skills", long), ("man", long)):
            _, out, err = self.run_cli(*argv)
            self.assertLess(len(out) + len(err), 4000, argv[:1])

    def test_long_values_are_not_said_back_by_any_operation(self):
        self.make_store()
        long = "x" * 100000
        lines = [["--home", "/" + long, "status"], ["--db", "/" + long, "status"]]
        for command in self.commands():
            path = command["path"].split()
            if path[0] in ("mcp", "dashboard", "request", "hook", "query") or command["path"] == "ingest wrap-codex":
                continue  # they speak another protocol, or give a program what is typed
            dry = ["--dry-run"] if command["dry_run"] else []
            words = [long for each in command["positionals"] if each["required"]]
            if words:
                lines.append(path + words + dry)
            for flag in command["flags"]:
                if flag["type"] in ("text", "list") and not flag["choices"]:
                    lines.append(path + ["x"] * len(words) + ["--" + flag["name"], long] + dry)
        lines += [["config", "set", key, long] for key in ("autonomy", "agent_cli", "api.model", "api.base_url")]
        lines += [["config", "set", "hosts.codex.home", "/" + long], ["config", "set", "skills.%s.autonomy" % long, "auto"]]
        self.assertGreater(len(lines), 60)
        for argv in lines:
            with self.subTest(argv=[word[:20] for word in argv]):
                _, out, err = self.run_cli(*argv)
                self.assertLess(len(out) + len(err), 10000)

    def test_a_request_is_not_waited_for_on_a_terminal(self):
        master, slave = pty.openpty()
        done = subprocess.run([cli_case.SELFTUNE, "request", "-"], stdin=slave, capture_output=True, env=self.env(), timeout=60,
                              check=False)
        os.close(master)
        os.close(slave)
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["code"]), (64, "INVALID_REQUEST"))

    def test_a_pipe_that_does_not_block_is_waited_for(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        child = subprocess.Popen([cli_case.SELFTUNE, "man", "--all", "--text"], stdout=write, env=self.env())
        os.close(write)
        time.sleep(0.3)  # it fills the pipe, or the test shows nothing
        with open(read, "rb") as out:
            self.assertGreater(len(out.read()), 65536)
        self.assertEqual(child.wait(), 0)

    def test_bad_values_are_errors(self):
        for argv in (("version", "--color", "blue"), ("version", "--timeout", "soon"), ("version", "extra"),
                     ("version", "--home"), ("skills", "parse"), ("help", "nothing"), ("nothing",),
                     ("evidence", "--sources", "--outcome", "missed")):
            with self.subTest(argv=argv):
                self.assertEqual(self.envelope(*argv, code=64)["next"]["argv"][0], "selftune")
        self.make_store()
        for argv in (("status", "--window", "5x"), ("status", "--limit", "-1"), ("evidence", "--since", "yesterday"),
                     ("skills", "show", "x", "--since", "soon")):
            with self.subTest(argv=argv):
                path = argv[:2] if argv[0] == "skills" else argv[:1]
                self.assertEqual(self.envelope(*argv, code=64)["next"]["argv"], ["selftune", "help", *path])

    def test_what_a_command_needs_is_asked_for(self):
        needing = [command for command in self.commands()
                   if any(each["required"] for each in command["positionals"])]
        self.assertGreater(len(needing), 5)
        for command in needing:
            with self.subTest(command=command["path"]):
                doc = self.envelope(*command["path"].split(), code=64)
                self.assertEqual(doc["error"]["code"], "MISSING_FLAG")
                self.assertIn(f"{command['path']} needs <", doc["error"]["message"])
                self.assertEqual(doc["error"]["suggestion"], f"see selftune {command['path']} --help")
                self.assertEqual(doc["next"]["argv"], ["selftune", "help", *command["path"].split()])
        self.assertEqual(self.envelope("badge", code=64)["next"]["argv"], ["selftune", "help", "badge"])

    def test_a_dry_run_of_what_only_reads_is_no_error(self):
        self.make_store()
        self.assertEqual(self.envelope("watch", "--explain", "--dry-run")["schema"], "selftune/watch.status@1")

    def test_no_suggested_command_runs_what_a_skill_is_called(self):
        """A skill that somebody else wrote, or its folder, may have any name."""
        evil = "!'; touch %s; '"
        for folder, name, text in (("named", evil % "named", "description: Does things."),
                                   (evil % "folder", "broken", "description: [not, a, text")):
            path = self.home / ".claude" / "skills" / folder / "SKILL.md"
            path.parent.mkdir(parents=True)
            path.write_text('---\nname: "%s"\n%s\n---\n' % (name, text), encoding="utf-8")
        self.make_store()
        shim = self.home / "shim"
        shim.mkdir()
        (shim / "selftune").write_text("#!/bin/sh\nexit 0\n")
        (shim / "selftune").chmod(0o755)
        commands = set()

        def collect(value):
            for key, below in value.items() if isinstance(value, dict) else enumerate(value):
                if key == "command" and isinstance(below, str) and below.startswith("selftune "):
                    commands.add(below)
                elif isinstance(below, (dict, list)):
                    collect(below)

        for argv in (("doctor",), ("doctor", "--deep"), ("why", evil % "named"), ("why", evil % "named", "--prompt", "do things"),
                     ("status",), ("skills", "show", evil % "named"), ("budget",), ("evolve", "--skill", evil % "named", "--plan"),
                     ("why", evil % "nothing")):
            collect(json.loads(self.run_cli(*argv)[1]))
        self.assertGreater(sum("touch" in c for c in commands), 1, commands)
        doc = json.loads(self.run_cli("why", evil % "named", "--prompt", "zzz unrelated")[1])
        self.assertEqual(doc["next"]["argv"], ["selftune", "evolve", "--skill", evil % "named"])
        for command in commands:
            subprocess.run(["bash", "-c", command], env=self.env(PATH="%s:/usr/bin:/bin" % shim), cwd=self.home, check=False)
        for made in ("named", "folder", "nothing"):
            self.assertFalse((self.home / made).exists(), made)

    def test_what_could_not_be_done_is_not_asked_to_be_confirmed(self):
        self.make_store()
        self.assertEqual(self.envelope("forget", code=64)["error"]["code"], "INVALID_REQUEST")
        self.assertEqual(self.envelope("evolve", "rollback", "--skill", "none", code=6)["error"]["exit_code"], 6)
        doc = self.envelope("forget", "--before", "90d", code=2)
        self.assertEqual((doc["error"]["code"], doc["next"]["argv"][-1]), ("CONFIRMATION_REQUIRED", "--yes"))
        self.assertFalse(self.envelope(*doc["next"]["argv"][1:])["changed"])

    def test_looking_makes_no_store(self):
        for argv in (("watch",), ("watch", "--dry-run"), ("evolve", "rollback", "--skill", "x", "--yes"), ("status",),
                     ("proposals", "reject", "x"), ("proposals", "approve", "x")):
            self.assertEqual(self.envelope(*argv, code=4)["error"]["code"], "STORE_MISSING")
        self.assertEqual(list(self.home.iterdir()), [])

    def test_global_flags_may_stand_first(self):
        self.assertEqual(self.envelope("--json", "version")["command"], "version")
        home = self.home / "elsewhere"
        self.assertEqual(self.envelope("--home", str(home), "version")["command"], "version")
        self.assertEqual(self.envelope("--version")["command"], "version")
        self.assertEqual(self.envelope("--version", "doctor")["schema"], "selftune/version@1")
        for command in self.commands():
            if command["path"] == "ingest wrap-codex":
                continue
            with self.subTest(command=command["path"]):
                doc = self.envelope(*command["path"].split(), "--version")
                self.assertEqual(doc["schema"], "selftune/version@1")

    def commands(self):
        code, out, _ = self.run_cli("help", "--all", "--json")
        self.assertEqual(code, 0)
        return json.loads(out)["data"]["commands"]

    def test_help_is_shown_by_every_command_and_touches_nothing(self):
        for command in self.commands():
            with self.subTest(command=command["path"]):
                for flag in ("--help", "-h"):
                    doc = self.envelope(*command["path"].split(), flag)
                    self.assertIn("Usage: selftune " + command["path"], doc["data"]["text"])
                for flag in command["flags"]:
                    self.assertIn("--" + flag["name"], doc["data"]["text"])
                    self.assertIn("--" + (flag["also"] or flag["name"]), doc["data"]["text"])
        self.assertEqual(list(self.home.iterdir()), [])

    def test_help_names_what_there_is(self):
        for argv in (("--help",), ("help",), ("-h",), ("help", "--all"), ("help", "exit-codes"),
                     ("help", "skills"), ("skills", "--help"), ("help", "skills", "parse")):
            with self.subTest(argv=argv):
                self.assertTrue(self.envelope(*argv)["data"]["text"])
        self.envelope("help", "no such", code=64)
        _, text = self.on_terminal("help", "version")
        self.assertIn("Usage: selftune version", text)

    def test_exit_codes_and_names_stand_in_columns(self):
        lines = self.envelope("help", "exit-codes")["data"]["text"].splitlines()[1:]
        self.assertGreater(len(lines), 10)
        names = [re.fullmatch(r"  ([\d/]+  +)(\w[\w ]*?  +)\S.*", line) for line in lines]
        self.assertNotIn(None, names, lines)
        self.assertEqual(len({len(each[1]) for each in names}), 1)
        self.assertEqual(len({len(each[2]) for each in names}), 1)

    def test_every_flag_is_a_parameter_of_its_operation(self):
        for command in self.commands():
            if not command["ops"]:
                continue
            known = {n for op in command["ops"] for n in cli_case.SCHEMAS["selftune/%s.params@1" % op]["properties"]}
            names = [f["param"] for f in command["flags"] + command["positionals"]]
            with self.subTest(command=command["path"]):
                self.assertEqual([n for n in names if n is not None and n not in known], [])


class Request(cli_case.CliTest):
    def test_a_raw_operation(self):
        doc = self.envelope("request", '{"op":"about.version"}')
        self.assertEqual((doc["command"], doc["schema"]), ("request", "selftune/version@1"))
        if doc["data"]["commit"] is not None:  # null when not built from a clone
            self.assertRegex(doc["data"]["commit"], r"^[0-9a-f]{40}(-dirty)?$")
        doc = self.envelope("request", "-", stdin=b' {"op":"about.version","client":{"name":"n"}} ')
        self.assertEqual(doc["command"], "about.version")

    def test_prints_the_envelope_on_a_terminal_too(self):
        code, text = self.on_terminal("request", '{"op":"about.version"}')
        self.assertEqual(code, 0)
        self.assertTrue(json.loads(text)["ok"])

    def test_failures_are_envelopes(self):
        for text, code, exit_code in (
            ("", "INVALID_REQUEST", 64), ("{", "INVALID_REQUEST", 64), ("7", "INVALID_REQUEST", 64),
            ('{"op":"nothing.here"}', "UNKNOWN_OPERATION", 64),
            ('{"op":"skill.parse","params":{"path":"no/such/file"}}', "FILE_NOT_FOUND", 1),
            ('{"op":"skill.parse","params":{"path":"x","extra":1}}', "INVALID_REQUEST", 64),
        ):
            with self.subTest(text=text):
                doc = self.envelope("request", "-", stdin=text.encode(), code=exit_code)
                self.assertEqual(doc["error"]["code"], code)

    def test_refusals_name_their_reason(self):
        path = self.skill_file("---\nname: x\ndescription: a\ndescription: b\n---\n")
        request = {"op": "skill.replace_description", "params": {"path": str(path), "description": "c"}}
        doc = self.envelope("request", json.dumps(request), code=2)
        self.assertEqual(doc["error"]["code"], "INVALID_FRONTMATTER")
        self.assertEqual(doc["error"]["details"]["reason"], "duplicate_description")

    def test_a_written_file_has_a_receipt_and_is_not_written_twice(self):
        path = self.skill_file()
        target = self.home / "new.md"
        params = {"path": str(path), "description": "Merge files.", "output_path": str(target)}
        request = json.dumps({"op": "skill.replace_description", "params": {**params, "dry_run": True}})
        doc = self.envelope("request", request)
        self.assertTrue(doc["dry_run"] and not doc["changed"] and not target.exists())
        request = json.dumps({"op": "skill.replace_description", "params": params})
        doc = self.envelope("request", request)
        self.assertTrue(doc["changed"])
        self.assertEqual(doc["data"]["receipt"]["targets"], [str(target)])
        self.assertEqual(target.read_text(), cli_case.SKILL.replace("Fill forms.", "Merge files."))
        doc = self.envelope("request", request, code=2)
        self.assertEqual(doc["error"]["code"], "FILE_EXISTS")
        self.assertEqual(path.read_text(), cli_case.SKILL)

    def test_relative_paths_are_those_of_the_caller(self):
        self.skill_file()
        doc = self.envelope("request", '{"op":"skill.parse","params":{"path":"SKILL.md"}}')
        self.assertEqual(doc["data"]["description"], "Fill forms.")

    def test_events_come_as_lines_before_the_envelope(self):
        code, out, _ = self.run_cli("request", "--json-lines", '{"op":"about.version"}')
        self.assertEqual(code, 0)
        self.assertTrue(json.loads(out.splitlines()[-1])["ok"])


class Skills(cli_case.CliTest):
    def test_lint_says_what_is_wrong_and_where(self):
        path = self.skill_file("---\nname: Bad Name\ndescription: \"\"\n---\n")
        doc = self.envelope("skills", "lint", str(path), code=3)
        codes = {f["code"]: f for f in doc["data"]["findings"]}
        self.assertEqual(codes["empty_description"]["level"], "error")
        self.assertEqual(codes["empty_description"]["line"], 3)
        self.assertIsNone(codes["invalid_name"]["line"])
        self.envelope("skills", "lint", str(path), "--exit-zero")
        for params in ({}, {"path": str(path), "text": "x"}):
            self.envelope("request", json.dumps({"op": "skill.lint", "params": params}), code=64)

    def test_lint_knows_the_neighbours(self):
        text = "Use when somebody asks to merge, split or fill PDF forms and documents in a folder."
        for name in ("one", "two"):
            folder = self.home / ".claude" / "skills" / name
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_text("---\nname: %s\ndescription: %s\n---\n" % (name, text))
        path = str(self.home / ".claude" / "skills" / "one" / "SKILL.md")
        alone = self.envelope("skills", "lint", path)["data"]["findings"]
        beside = self.envelope("skills", "lint", path, "--platform", "claude")["data"]["findings"]
        self.assertNotIn("overlaps_other_skill", [f["code"] for f in alone])
        self.assertIn("overlaps_other_skill", [f["code"] for f in beside])


class Evidence(cli_case.EvidenceHome):
    def test_missed_means_the_same_everywhere(self):
        doc = self.envelope("status")
        for skill in doc["data"]["skills"]:
            rows = self.envelope("evidence", skill["name"], "--outcome", "missed")["data"]["items"]
            self.assertEqual(skill["trigger"]["missed"], len(rows), skill["name"])
        missed = {s["name"]: s["trigger"]["missed"] for s in doc["data"]["skills"]}
        self.assertEqual(missed, {"zeta-check": 1, "release-notes": 0})
        last = self.envelope("last")["data"]["sessions"][0]
        self.assertEqual([(m["skill"], m["index"]) for m in last["unmatched"]], [("zeta-check", 1)])

    def test_what_a_run_would_look_at_is_named_with_what_speaks_for_it(self):
        (self.home / "bin").mkdir()
        (self.home / "bin" / "claude").write_text("#!/bin/sh\nexit 1\n")
        (self.home / "bin" / "claude").chmod(0o755)
        env = self.env(PATH="%s:/usr/bin:/bin" % (self.home / "bin"))
        # It was corrected, so it weighs more, but no run may touch it.
        self.envelope("config", "set", "skills.zeta-check.autonomy", "locked")
        doc = self.envelope("status", env=env)
        self.assertEqual([(d["skill"], d["action"]) for d in doc["data"]["plan"]],
                         [("zeta-check", "skip"), ("release-notes", "evolve")])
        reason = doc["next"]["reason"]
        self.assertTrue(reason.startswith("release-notes: worth a look, though it was not missed: started by hand in 1 session"),
                        reason)
        self.assertIn("missed=0", reason)
        self.assertIn("manual=1", reason)
        self.assertIn("a run would look at\n  release-notes  worth a look", self.run_cli("status", "--text", env=env)[1])

    def test_flags_of_one_letter_may_be_written_as_all_others(self):
        self.write("88888888-1111-4111-8111-111111111111")
        self.envelope("sync")
        for argv in (("-n", "2"), ("-n2",), ("--n", "2"), ("--n=2",)):
            with self.subTest(argv=argv):
                self.assertEqual(len(self.envelope("last", *argv)["data"]["sessions"]), 2)
        self.envelope("last", "--x", "2", code=64)

    def test_one_session_is_read_or_none(self):
        other = "99999999-1111-4111-8111-111111111111"
        self.write(other)
        doc = self.envelope("sync", "--session", self.SESSION)
        self.assertEqual(doc["data"]["sources"]["claude_code"]["changed"], 0)
        doc = self.envelope("sync", "--session", other)
        self.assertEqual(doc["data"]["sources"]["claude_code"]["changed"], 1)
        for session in ("nope", "a", "jsonl"):
            self.assertEqual(self.envelope("sync", "--session", session, code=6)["error"]["code"], "SESSION_NOT_FOUND")
        doc = self.envelope("sync", "--repair-only")
        self.assertEqual((doc["data"]["sources"], doc["data"]["spool_drained"]), ({}, 0))

    def test_what_contradicts_itself_is_read_again_not_restored(self):
        before = self.rows("SELECT prompt_id, prompt_kind, is_actionable FROM prompts ORDER BY 1")
        with sqlite3.connect(self.home / ".selftune" / "selftune.db") as db:
            db.execute("UPDATE prompt SET kind='unknown' WHERE seq=0")
        db.close()
        for argv, code in ((("db", "check"), 3), (("doctor",), 3)):
            doc = self.envelope(*argv, code=code)
            self.assertEqual(doc["next"]["argv"], ["selftune", "sync", "--force"], argv)
        self.envelope("sync", "--force")
        self.envelope("db", "check")
        self.assertEqual(self.rows("SELECT prompt_id, prompt_kind, is_actionable FROM prompts ORDER BY 1"), before)

    def test_days_are_those_of_a_place(self):
        # Two places 26 hours apart, whatever this machine knows of places.
        zones = self.home / "zones"
        (zones / "Test").mkdir(parents=True)
        for name, hours in (("West", -12), ("East-1", 14)):
            (zones / "Test" / name).write_bytes(
                b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lBB", hours * 3600, 0, 0) + b"LOC\0")
        env = self.env(TZDIR=str(zones))

        def days(**params):
            doc = self.envelope("request", json.dumps({"op": "skill.daily", "params": dict(skill="zeta-check", **params)}),
                                env=env)
            return doc["data"]["days"]

        utc = days()
        self.assertEqual([d["missed"] for d in utc], [1])
        self.assertEqual(days(tz="UTC"), utc)
        ends = {days(tz=zone)[0]["day"] for zone in ("Test/West", "Test/East-1")}
        self.assertEqual(len(ends), 2, "26 hours apart it is never the same day")
        # No name leads out of the folder of places, and none waits for anything.
        os.mkfifo(zones / "Fifo")
        west = str(zones / "Test" / "West")
        for zone in ("Mars", "", "Fifo", "Test", west, "file:" + west, "libc:localtime", "../zones/Test/West", "Test//West",
                     "Test/West/", "a/b/c/d", "x" * 65, "UTC\0", "Fixed/UTC+01:00:00"):
            with self.subTest(zone=zone):
                doc = self.envelope("request", json.dumps({"op": "skill.daily", "params": {"skill": "zeta-check", "tz": zone}}),
                                    code=64, env=env)
                self.assertEqual(doc["error"]["code"], "INVALID_REQUEST")


if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=1)
