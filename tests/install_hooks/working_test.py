#!/usr/bin/env python3
"""Installed hooks: each called as its agent would, what they bring, what the doctor says of them.

    working_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import FILE_HOSTS, HOOK, Place, SETTINGS_HOSTS, ours  # noqa: E402

# OpenCode as far as prompts go: a session, its subagent, a command, sessions of before.
OPENCODE = r"""
const module = await import(process.argv[1]);
const known = { ses_old: {}, ses_child: { parentID: "ses_1" } };
const client = { session: { get: async ({ path }) => ({ data: known[path.id] }) } };
const plugin = await module.selftunePrompts({ client, directory: "/w" });
const created = (id, parentID) =>
  plugin.event({ event: { type: "session.created", properties: { info: { id, parentID } } } });
const say = (sessionID, id, text) =>
  plugin["chat.message"]({ sessionID }, { message: { id }, parts: [
    { type: "text", text }, { type: "text", text: "x", synthetic: true }] });
await created("ses_1");
await say("ses_1", "m1", "sum it up");
await plugin["command.execute.before"]({ command: "notes", sessionID: "ses_1", arguments: "for may" },
                                       { parts: [{ type: "text", text: "Write notes for may" }] });
await say("ses_1", "m2", "Write notes for may");
await say("ses_1", "m3", '"a \\"b\\" c"\n');
await created("ses_2", "ses_1");
await say("ses_2", "m4", "a task");
await say("ses_old", "m5", "go on");
await say("ses_child", "m6", "a task of before");
await say("ses_gone", "m7", "nobody knows");
"""


class Verified(Place):
    def test_each_hook_is_called_as_its_agent_would(self):
        for host in SETTINGS_HOSTS + FILE_HOSTS:
            self.good("hooks", "install", host)
        self.good("hooks", "status")
        before = self.tree()
        reply = self.good("hooks", "verify")
        events = {p["id"]: [h["event"] for h in p["hooks"]] for p in reply["data"]["platforms"]}
        self.assertEqual(sorted(events), sorted(SETTINGS_HOSTS + FILE_HOSTS))
        self.assertEqual(len(events["claude_code"]), 10)
        self.assertEqual(len(events["cline"]), 6)
        self.assertEqual(events["pi"], ["plugin"])
        for platform in reply["data"]["platforms"]:
            for hook in platform["hooks"]:
                self.assertTrue(hook["ok"], (platform["id"], hook))
                self.assertEqual((hook["exit_code"], hook["problem"]), (0, None))
                self.assertGreaterEqual(hook["elapsed_ms"], 0)
        self.assertEqual(self.tree(), before)
        self.assertFalse((self.home.state / "spool").exists())

    def test_a_hook_that_does_not_work_is_found(self):
        shim = self.bin / "selftune-hook"
        shim.write_text("#!/bin/sh\ncat >/dev/null\necho hello\n")
        shim.chmod(0o755)
        self.good("hooks", "install", "claude", "--hook-program", str(shim))
        reply, status = self.bad("UNHEALTHY", "hooks", "verify", "claude")
        self.assertEqual(status, 3)
        problems = {h["problem"] for h in reply["data"]["platforms"][0]["hooks"]}
        self.assertEqual(problems, {"what it prints is no JSON"})
        shim.write_text("#!/bin/sh\ncat >/dev/null\n")
        reply, _ = self.bad("UNHEALTHY", "hooks", "verify", "claude")
        problems = {h["event"]: h["problem"] for h in reply["data"]["platforms"][0]["hooks"]}
        self.assertEqual(problems["Stop"], "the event did not arrive")
        self.assertIsNone(problems["PreToolUse"])
        shim.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
        reply, _ = self.bad("UNHEALTHY", "hooks", "verify", "claude")
        self.assertIn("exit code 3: broken", reply["error"]["message"])
        self.good("hooks", "verify", "codex")


class Doctor(Place):
    def check(self, host):
        done = self.run_cli("doctor", "--only", f"hooks.{host}", "--exit-zero")
        reply = json.loads(done.stdout)
        if reply["error"]:
            return None
        return reply["data"]["checks"][0]

    def fix(self, *more):
        return json.loads(self.run_cli("doctor", "--fix", "--only", "hooks.*", *more).stdout)

    def test_it_says_what_is_wrong_with_hooks_and_puts_it_in_order(self):
        path = self.write('{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "true"}]}]}}')
        self.good("sync")
        self.assertIsNone(self.check("claude_code"))  # nobody asked for hooks
        self.good("hooks", "install", "claude")
        check = self.check("claude_code")
        self.assertIn(check["status"], ("pass", "warn"), check)  # warn: a slow machine
        self.assertIn("beside 1 of others, 1 of which run at every tool call", check["message"])

        document = json.loads(path.read_text())
        del document["hooks"]["Stop"]
        path.write_text(json.dumps(document))
        check = self.check("claude_code")
        self.assertEqual((check["status"], check["guidance"]["command"]),
                         ("warn", "selftune hooks install claude_code"))
        before = path.read_bytes()
        planned = self.fix("--dry-run")
        self.assertEqual([c["name"] for c in planned["data"]["applied"]], ["hooks.claude_code"])
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual([c["name"] for c in self.fix()["data"]["applied"]], ["hooks.claude_code"])
        self.assertEqual(json.loads(path.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"], "true")
        self.assertNotIn("missing", self.check("claude_code")["message"])
        self.assertEqual(self.fix()["data"]["applied"], [])

    def test_a_program_that_is_gone_and_a_file_that_is_broken(self):
        other = self.root / "other" / "selftune-hook"
        other.parent.mkdir()
        shutil.copy(HOOK, other)
        self.good("hooks", "install", "claude", "--hook-program", str(other))
        other.unlink()
        self.good("sync")
        self.assertIn("there is no program", self.check("claude_code")["message"])
        self.assertEqual(len(self.fix()["data"]["applied"]), 1)
        self.assertNotIn(str(other), self.settings().read_text())
        self.settings().write_text("{")
        check = self.check("claude_code")
        self.assertEqual(check["status"], "warn")
        self.assertIn("line 1, column 2", check["message"])
        self.assertEqual([c["name"] for c in self.fix()["data"]["remaining"]], ["hooks.claude_code"])
        self.assertEqual(self.settings().read_text(), "{")


class Events(Place):
    def test_the_installed_command_brings_events_into_the_store(self):
        payloads = {
            "claude_code": {"session_id": "s-1", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "one"},
            "codex": {"session_id": "s-2", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "two"},
            "gemini": {"session_id": "s-3", "cwd": "/w", "hook_event_name": "BeforeAgent", "prompt": "three"},
            "qwen": {"session_id": "s-4", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "four"},
        }
        for host, payload in payloads.items():
            self.write("{}", host)
            self.good("hooks", "install", host)
            handlers = {h["command"] for event, _, h in ours(self.settings(host).read_text())}
            self.assertEqual(len(handlers), 1)
            done = subprocess.run(["sh", "-c", handlers.pop()], input=json.dumps(payload), text=True, env=self.env(),
                                  capture_output=True, check=False, timeout=30)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.good("sync")
        self.assertEqual(self.home.sql("SELECT platform, prompt_text FROM prompts ORDER BY session_id"),
                         [("claude_code", "one"), ("codex", "two"), ("gemini", "three"), ("qwen", "four")])

    def test_clines_script_says_go_on_and_makes_room_for_a_foreign_one(self):
        theirs = self.write("#!/bin/sh\n", "cline")
        self.good("hooks", "install", "cline")
        self.assertEqual(theirs.read_text(), "#!/bin/sh\n")
        ours = self.home.path / "Documents/Cline/Hooks/PostToolUse"
        payload = {"taskId": "conv_1", "sessionContext": {"rootSessionId": "s-6"}, "hookName": "tool_result",
                   "tool_result": {"id": "c", "name": "skills", "input": {"skill": "commit-helper", "args": None}}}
        done = subprocess.run([str(ours)], input=json.dumps(payload), text=True, env=self.env(),
                              capture_output=True, check=False, timeout=30)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '{"cancel":false}\n', ""))
        event = json.dumps(self.home.spool()[-1])
        for word in ("s-6", "commit-helper", "cline"):
            self.assertIn(word, event)
        self.good("hooks", "uninstall", "cline")
        self.assertEqual([p.name for p in theirs.parent.iterdir()], ["PostToolUse"])
        self.assertFalse((self.home.path / "Documents").exists())

    def test_cline_2_reads_one_folder_alone_and_what_lies_there_stays_for_cline_3(self):
        usual, other = self.home.path / ".cline/hooks", self.home.path / "Documents/Cline/Hooks"
        state = self.home.path / ".cline/data/globalState.json"
        state.parent.mkdir(parents=True)
        state.write_text("{}")
        self.good("hooks", "install", "cline")
        names = {p.name for p in other.iterdir()}
        self.assertIn("PostToolUse", names)
        self.assertFalse(usual.exists())
        (state.parent / "sessions").mkdir()
        self.good("hooks", "install", "cline")
        self.assertEqual(({p.name for p in other.iterdir()}, usual.exists()), (names, False))
        self.good("hooks", "uninstall", "cline")
        self.assertFalse((self.home.path / "Documents").exists())
        self.good("hooks", "install", "cline")
        self.assertEqual({p.name for p in usual.iterdir()}, names)

    def run_command(self, command, payload):
        done = subprocess.run(["bash", "-c", command], input=json.dumps(payload), text=True, env=self.env(),
                              capture_output=True, check=False, timeout=30)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_copilot_tells_of_prompts_of_persons_only(self):
        (self.home.path / ".copilot").mkdir()
        self.good("hooks", "install", "copilot")
        command = json.loads(self.settings("copilot").read_text())["hooks"]["userPromptSubmitted"][0]["bash"]
        typed = {"sessionId": "s-7", "timestamp": 1, "cwd": "/w", "prompt": "sum it up"}
        task = {**typed, "sessionId": "a-1", "agentId": "a-1", "agentType": "general-purpose", "parentAgentId": "s-7"}
        for payload in (typed, task):
            self.run_command(command, payload)
        self.assertEqual([record["payload"]["prompt"] for record in self.home.spool()], ["sum it up"])

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_opencode_tells_of_prompts_of_persons_only(self):
        (self.home.path / ".config/opencode").mkdir(parents=True)
        self.good("hooks", "install", "opencode")
        module = self.root / "plugin.mjs"
        shutil.copy(self.settings("opencode"), module)
        done = subprocess.run(["node", "--input-type=module", "-e", OPENCODE, str(module)], env=self.env(),
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        deadline = time.monotonic() + 20
        while len(self.home.spool()) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        heard = {tuple(record["payload"][key] for key in ("session_id", "prompt_id", "prompt"))
                 for record in self.home.spool()}
        self.assertEqual(heard, {("ses_1", "m1", "sum it up"), ("ses_1", "m2", "/notes for may"),
                                 ("ses_1", "m3", 'a "b" c'), ("ses_old", "m5", "go on")})

    def test_qwen_calls_a_call_by_the_id_of_its_chat_file(self):
        (self.home.path / ".qwen").mkdir()
        self.good("hooks", "install", "qwen")
        command = json.loads(self.settings("qwen").read_text())["hooks"]["PostToolUse"][0]["hooks"][0]["command"]
        self.run_command(command, {"session_id": "s-8", "hook_event_name": "PostToolUse", "tool_name": "skill",
                                   "tool_input": {"skill": "commit-helper"}, "tool_response": {},
                                   "tool_use_id": "toolu_1_x", "tool_call_id": "call_1"})
        self.assertIn("call_1", json.dumps(self.home.spool()[-1]))
        self.assertNotIn("toolu", json.dumps(self.home.spool()[-1]))

    def test_copilots_file_says_the_handler(self):
        (self.home.path / ".copilot").mkdir()
        self.good("hooks", "install", "copilot")
        hooks = json.loads(self.settings("copilot").read_text())["hooks"]
        payload = {"sessionId": "s-5", "timestamp": 1, "cwd": "/w", "reason": "complete"}
        command = hooks["sessionEnd"][0]["bash"]
        done = subprocess.run(["bash", "-c", command], input=json.dumps(payload), text=True, env=self.env(),
                              capture_output=True, check=False, timeout=30)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        event = json.dumps(self.home.spool()[-1])
        for word in ("session_end", "s-5", "copilot"):
            self.assertIn(word, event)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
