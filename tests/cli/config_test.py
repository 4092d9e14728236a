#!/usr/bin/env python3
"""config list, get, set, validate and path, as a process in a home of its own.

    config_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402


class Config(cli_case.CliTest):
    def file(self):
        return self.home / ".selftune" / "config.json"

    def test_a_setting_is_written_read_and_taken_out(self):
        doc = self.envelope("config", "set", "autonomy", "propose")
        self.assertTrue(doc["changed"])
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("off", "propose"))
        receipt = doc["data"]["receipt"]
        self.assertEqual(receipt["targets"], [str(self.file())])
        self.assertIsNone(receipt["before"]["hash"])
        self.assertEqual(receipt["after"]["hash"], hashlib.sha256(self.file().read_bytes()).hexdigest())
        self.assertEqual(receipt["undo"]["argv"], ["selftune", "config", "set", "autonomy", "--default"])
        self.assertEqual(json.loads(self.file().read_text()), {"autonomy": "propose", "config_version": 1})
        self.assertEqual(self.file().stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.envelope("config", "get", "autonomy")["data"]["values"],
                         [{"key": "autonomy", "value": "propose", "source": "file", "default": "off",
                           "choices": ["off", "propose", "deploy"]}])
        again = self.envelope("config", "set", "autonomy", "propose")
        self.assertEqual((again["changed"], again["data"]["receipt"]), (False, None))
        doc = self.envelope("config", "set", "autonomy", "deploy")
        self.assertEqual(doc["data"]["receipt"]["undo"]["argv"][-1], "propose")
        self.envelope(*doc["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.envelope("config", "get", "autonomy")["data"]["values"][0]["value"], "propose")
        self.envelope("config", "set", "autonomy", "--default")
        self.assertEqual(json.loads(self.file().read_text()), {"config_version": 1})

    def test_every_setting_goes_there_and_back(self):
        values = {"autonomy": "deploy", "guards": "block", "suggestions": "off", "agent_cli": "codex", "agent_type": "codex",
                  "suggest.correction": "off", "suggest.regression": "off", "suggest.broken": "off",
                  "suggest.review": "off", "suggest.correction_days": "2", "suggest.regression_days": "30",
                  "suggest.broken_days": "1", "suggest.review_days": "14", "retention.texts_days": "90",
                  "llm_mode": "api", "api.provider": "openai", "api.base_url": "https://models.example/v1",
                  "api.key_env": "MODEL_KEY", "api.model": "m-1", "schedule.every_hours": "12"}
        listed = self.envelope("config", "list")["data"]["values"]
        self.assertGreater(len(listed), 8)
        keys = [row["key"] for row in listed] + ["skills.acme:a.b.autonomy"]
        for key in keys:
            with self.subTest(key):
                value = values.get(key, "locked" if key.startswith("skills") else str(self.home))
                self.assertTrue(self.envelope("config", "set", key, value)["changed"])
                row = self.envelope("config", "get", key)["data"]["values"][0]
                self.assertEqual((row["value"], row["source"]), (value, "file"))
                self.assertTrue(self.envelope("config", "validate")["data"]["valid"])
        rows = self.envelope("config", "list")["data"]["values"]
        self.assertEqual([row["key"] for row in rows if row["source"] == "file"], keys)
        for key in keys:
            self.envelope("config", "set", key, "--default")
        self.assertEqual(json.loads(self.file().read_text()), {"config_version": 1})

    def test_the_schema_of_the_file_has_every_rule_of_suggestions(self):
        listed = [row["key"] for row in self.envelope("config", "list")["data"]["values"]]
        rules = cli_case.SCHEMAS["selftune/file.config@1"]["properties"]["suggest"]["properties"]
        self.assertEqual([key for key in listed if key.startswith("suggest.")], [f"suggest.{rule}" for rule in rules])

    def test_a_dry_run_writes_nothing(self):
        doc = self.envelope("config", "set", "guards", "off", "--dry-run")
        self.assertEqual((doc["dry_run"], doc["changed"]), (True, False))
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("advise", "off"))
        self.assertFalse((self.home / ".selftune").exists())

    def test_what_cannot_be_is_refused_with_what_was_meant(self):
        (self.home / "file").write_text("x")
        for argv, hint in ((("set", "autonmy", "off"), "autonomy"),
                           (("get", "hosts.codx.home"), "hosts.codex.home"),
                           (("set", "hosts.nobody.home", "/x"), "hosts."),
                           (("set", "autonomy", "always"), None),
                           (("set", "hosts.codex.home", "codex"), None),
                           (("set", "suggest.review", "never"), None),
                           (("set", "suggest.reviews", "off"), "suggest.review"),
                           (("set", "suggest.review_days", "0"), None),
                           (("set", "suggest.review_days", "31"), None),
                           (("set", "suggest.review_days", "often"), None),
                           (("set", "suggest.days", "3"), "suggest."),
                           (("set", "api.key_env", "sk-ant-api03-x"), None),
                           (("set", "api.base_url", "models.example"), None),
                           (("set", "hosts.codex.home", ""), None),
                           (("set", "hosts.codex.home", str(self.home / "file")), None),
                           (("set", "autonomy"), None),
                           (("set", "autonomy", "off", "--default"), None)):
            with self.subTest(argv):
                doc = self.envelope("config", *argv, code=64)
                if hint is not None:
                    self.assertIn(hint, doc["error"]["suggestion"])
                    self.assertEqual(doc["next"]["argv"], ["selftune", "config", "list"])
        self.assertFalse(self.file().exists())

    def test_a_name_that_no_skill_can_have_is_a_slip(self):
        for name in ("a/b", "../x", "two words", "'x'", "a" * 65, "b\n"):
            with self.subTest(name):
                doc = self.envelope("config", "set", "skills.%s.autonomy" % name, "auto", code=64)
                self.assertEqual(doc["error"]["code"], "INVALID_REQUEST")
                self.assertEqual(doc["next"]["argv"], ["selftune", "skills", "list"])
                self.assertFalse(self.file().exists())
        # A skill that was met has the name it has, and what the file has can be taken out of it.
        skill = self.home / ".claude" / "skills" / "odd" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: odd name\ndescription: Fills forms.\n---\n")
        (self.home / ".claude" / "skills" / "odd name").symlink_to(skill.parent)
        self.make_store()
        self.envelope("config", "set", "skills.odd name.autonomy", "locked")
        self.file().write_text('{"skills":{"a/b":{"autonomy":"auto"}}}')
        self.envelope("config", "set", "skills.a/b.autonomy", "--default")
        self.assertNotIn("a/b", self.file().read_text())

    def test_hosts_have_the_names_of_the_command_line(self):
        doc = self.envelope("config", "set", "hosts.claude.home", str(self.home))
        self.assertEqual(doc["data"]["key"], "hosts.claude_code.home")
        self.assertEqual(doc["next"]["argv"], ["selftune", "sync"])
        missing = self.envelope("config", "set", "hosts.pi.home", str(self.home / "later"))
        self.assertEqual([w["code"] for w in missing["warnings"]], ["HOST_FOLDER_MISSING"])

    def test_what_the_file_has_besides_is_kept_and_not_shown(self):
        self.file().parent.mkdir()
        self.file().write_text('{"alpha":{"api_key":"k3y"},"guards":"loud"}')
        doc = self.envelope("config", "list")
        self.assertEqual(doc["data"]["unknown"], ["alpha.api_key"])
        self.assertNotIn("k3y", json.dumps(doc))
        bad = self.envelope("config", "validate", code=3)
        self.assertEqual([p["key"] for p in bad["data"]["problems"]], ["guards"])
        self.envelope("config", "set", "guards", "block")
        self.assertEqual(json.loads(self.file().read_text())["alpha"], {"api_key": "k3y"})
        self.envelope("config", "validate")
        self.file().write_text("{")
        for argv in (("list",), ("set", "guards", "off"), ("validate",)):
            self.assertEqual(self.envelope("config", *argv, code=4)["error"]["code"], "INVALID_CONFIG")
        self.assertEqual(self.file().read_text(), "{")
        self.assertEqual(self.envelope("config", "path")["data"], {"path": str(self.file()), "exists": True})
        # What doctor names helps: the file is kept beside, and there are none.
        check = self.envelope("doctor", "--only", "config.file", code=3)["data"]["checks"][0]
        subprocess.run(shlex.split(check["guidance"]["command"]), check=True)
        self.assertEqual(self.envelope("config", "list")["data"]["unknown"], [])
        self.assertEqual(self.file().with_name("config.json.broken").read_text(), "{")

    def test_what_is_no_json_is_shown_and_moved_aside_and_then_init_works(self):
        self.file().parent.mkdir()
        self.file().write_text('{\n  "autonomy": "propose",\n  "guards": block\n}\n')
        for argv in (("init",), ("sync",), ("config", "list"), ("config", "set", "guards", "off")):
            doc = self.envelope(*argv, code=4)
            self.assertEqual(doc["error"]["code"], "INVALID_CONFIG")
            self.assertIn(f"{self.file()}: line 3, column 13: ", doc["error"]["message"])
            self.assertEqual(doc["next"]["argv"], ["mv", "-n", str(self.file()), str(self.file()) + ".broken"])
        subprocess.run(doc["next"]["argv"], check=True)
        self.envelope("init", "--no-sync", "--no-hooks")

    def test_it_is_moved_aside_again_and_again(self):
        self.file().parent.mkdir()
        for name in ("config.json.broken", "config.json.broken.2"):
            self.file().write_text(f"not {name}")
            check = self.envelope("doctor", "--only", "config.file", code=3)["data"]["checks"][0]
            told = self.envelope("config", "list", code=4)["next"]["argv"]
            self.assertEqual(shlex.split(check["guidance"]["command"]), told)
            subprocess.run(told, check=True)
            self.assertEqual(self.file().with_name(name).read_text(), f"not {name}")
            self.envelope("config", "list")

    def test_a_byte_order_mark_is_accepted_and_stays(self):
        self.file().parent.mkdir()
        text = b'\xef\xbb\xbf{"guards": "block"}\r\n'
        self.file().write_bytes(text)
        self.assertEqual(self.envelope("config", "get", "guards")["data"]["values"][0]["value"], "block")
        self.assertEqual(self.file().read_bytes(), text)
        self.envelope("init", "--no-sync", "--no-hooks")
        self.assertEqual(json.loads(self.file().read_text())["guards"], "block")
        self.envelope("uninstall", "--yes")
        self.assertEqual(self.file().read_bytes(), text)

    def test_writers_at_once_lose_nothing(self):
        children = [subprocess.Popen([cli_case.SELFTUNE, "config", "set", "skills.s%d.autonomy" % i, "locked"],
                                     stdout=subprocess.PIPE, env=self.env()) for i in range(8)]
        for child in children:
            self.assertTrue(json.loads(child.communicate(timeout=60)[0])["changed"])
        self.assertEqual(set(json.loads(self.file().read_text())["skills"]), {"s%d" % i for i in range(8)})

    def test_text_for_people(self):
        code, out, _ = self.run_cli("config", "set", "autonomy", "propose", "--text")
        self.assertEqual(code, 0)
        self.assertIn("autonomy: propose (was off)", out)
        code, out, _ = self.run_cli("config", "get", "autonomy", "--text")
        self.assertEqual((code, out), (0, "propose\n"))
        code, out, _ = self.run_cli("config", "list", "--text")
        self.assertRegex(out, r"hosts\.codex\.home +%s/\.codex +default" % self.home)

if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=1)
