#!/usr/bin/env python3
"""The loop without an agent's command: models asked over HTTP (llm_mode "api").

    api_mode_test.py SELFTUNE

Both ways of speaking, against the stub model server on this machine.
"""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True

from loop_test import SKILL, World, dump, tree

KEY = "k-0123456789-secret"


class ApiMode:
    """What both providers have to hold."""

    provider, base, path = "", "", ""

    def environment(self):
        """No agent is on PATH; the key is where the configuration says."""
        return {"HOME": str(self.home.root), "PATH": "/nonexistent", "LANG": "C.UTF-8"} | self.more

    def setUp(self):
        self.more = {"TIDE_KEY": KEY}

    def calls(self):
        with open(self.scratch / "model.jsonl", encoding="utf-8") as log:
            return [json.loads(line) for line in log]

    def test_1_settings_say_where_to_ask(self):
        self.selftune("sync")
        for key, value in (("llm_mode", "api"), ("api.provider", self.provider), ("api.key_env", "TIDE_KEY"),
                           ("api.base_url", f"http://127.0.0.1:{self.port}{self.base}"), ("api.model", "m-1")):
            self.selftune("config", "set", key, value)
        self.assertTrue(self.selftune("config", "validate")["ok"])
        self.assertIn("http", self.selftune("version")["data"]["features"])
        reply = self.selftune("config", "set", "api.provider", "other", exit_code=64)
        self.assertIn("anthropic or openai", reply["error"]["message"])

    def test_2_a_key_that_is_not_there_is_said_before_anything_is_done(self):
        self.more = {}
        config = self.home.root / ".selftune" / "config.json"
        document = json.loads(config.read_text(encoding="utf-8"))
        elsewhere = json.loads(json.dumps(document))
        elsewhere["api"]["base_url"] = "https://models.invalid"
        config.write_text(json.dumps(elsewhere), encoding="utf-8")
        try:
            reply = self.selftune("evolve", "--skill", SKILL, exit_code=8)
            self.assertEqual(reply["error"]["code"], "AUTH_MISSING")
            self.assertIn("TIDE_KEY", reply["error"]["message"])
        finally:
            config.write_text(json.dumps(document), encoding="utf-8")
        self.assertEqual(self.query("SELECT count(*) FROM llm_call"), [(0,)])

    def test_3_a_dry_run_names_who_would_be_asked(self):
        files, rows = tree(self.home.root), dump(self.database)
        self.assertEqual(self.selftune("orchestrate", "--dry-run")["data"]["agent"], self.provider)
        self.assertEqual((tree(self.home.root), dump(self.database)), (files, rows))

    def test_3b_what_api_mode_cannot_do_is_said(self):
        reply = self.selftune("orchestrate", "--dry-run", "--max-cost-usd", "1")
        self.assertEqual([w["code"] for w in reply["warnings"]], ["COST_UNKNOWN"])
        checks = {c["name"]: c for c in self.selftune("doctor")["data"]["checks"]}
        self.assertEqual(checks["model.api"]["status"], "pass", checks["model.api"])
        self.assertNotIn("agents.any", checks)

    def test_4_an_agent_that_is_named_is_asked_itself(self):
        reply = self.selftune("evolve", "--skill", SKILL, "--agent", "claude", exit_code=5)
        self.assertEqual(reply["error"]["code"], "AGENT_NOT_FOUND")
        reply = self.selftune("evolve", "--skill", SKILL, "--llm-mode", "agent", exit_code=5)
        self.assertEqual(reply["error"]["code"], "AGENT_NOT_FOUND")

    def test_5_the_text_is_proposed_validated_and_deployed(self):
        reply = self.selftune("evolve", "--skill", SKILL)["data"]
        self.assertEqual((reply["deployed"], reply["reason_code"]), (True, "deployed"), reply)
        self.assertIn("invoices, receipts", self.home.skill_file.read_text(encoding="utf-8"))
        made = self.calls()
        self.assertEqual({(c["path"], c["model"], c["stream"]) for c in made}, {(self.path, "m-1", False)})
        rows = self.query("SELECT DISTINCT backend, outcome, model, input_tokens > 0 FROM llm_call")
        self.assertEqual(rows, [(self.provider, "ok", "m-1", 1)])
        self.assertEqual(self.query("SELECT count(*) FROM llm_call"), [(len(made),)])

    def test_6_the_key_is_nowhere_but_in_its_variable(self):
        for folder, _, names in os.walk(self.home.root):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(KEY.encode(), file.read(), name)


class Anthropic(ApiMode, World):
    provider, base, path = "anthropic", "", "/v1/messages"


class OpenAi(ApiMode, World):
    provider, base, path = "openai", "/v1", "/v1/chat/completions"

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
