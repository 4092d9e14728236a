#!/usr/bin/env python3
"""What tools of a session committed, and what agents and slash commands did, by hooks alone.

    commit_test.py HOOK SELFTUNE

Real repositories, the payloads of each host; no transcript is there to help.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402
from harness import prompt, tool  # noqa: E402

HOOK, SELFTUNE = (Path(a).resolve() for a in sys.argv[1:3])
ROWS = ("SELECT session_id, platform, commit_sha, commit_title, branch, repo_remote "
        "FROM commit_tracking ORDER BY timestamp, commit_title")
SESSION = "33333333-3333-4333-8333-333333333333"


class Events(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        self.addCleanup(scratch.cleanup)
        self.home = harness.Home(Path(scratch.name) / "home", HOOK, SELFTUNE)
        self.repo = Path(scratch.name) / "my repo"
        self.repo.mkdir()

    def git(self, *argv, cwd=None):
        env = {**self.home.env(), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@b"}
        done = subprocess.run(["git", *argv], cwd=cwd or self.repo, env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def commit(self, title):
        self.git("commit", "--allow-empty", "--quiet", "-m", title)
        return self.git("rev-parse", "HEAD")

    def quiet(self, payload, *argv, host="claude-code"):
        self.assertEqual(self.home.hook(payload, *argv, host=host), (0, b"", b""))

    def bash(self, command, event="PostToolUse", **more):
        return tool("Bash", "t1", SESSION, {"command": command}, cwd=str(self.repo), hook_event_name=event,
                    duration_ms=2000, tool_response={"stdout": "", "stderr": ""}, **more)

    def test_each_host_says_what_was_committed(self):
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", "https://me:token@example.com/a.git")
        where = {"session_id": SESSION, "cwd": str(self.repo)}
        run = {"command": "git commit -m x"}
        shells = {
            "claude-code": ("", self.bash("git commit -m x")),
            "codex": ("", {**where, "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "c",
                           "tool_input": run, "tool_response": "done"}),
            "gemini": ("", {**where, "hook_event_name": "AfterTool", "tool_name": "run_shell_command",
                            "tool_input": run, "tool_response": {"llmContent": "", "returnDisplay": ""}}),
            "qwen": ("", {**where, "hook_event_name": "PostToolUse", "tool_name": "run_shell_command",
                          "tool_input": run}),
            "copilot": ("commit-track", {"sessionId": SESSION, "cwd": str(self.repo), "toolName": "bash",
                                         "toolArgs": run, "toolResult": {"resultType": "success"}}),
            "cline": ("", {"hookName": "tool_result", "taskId": "conv_1",
                           "sessionContext": {"rootSessionId": SESSION},
                           "workspaceInfo": {"rootPath": str(self.repo)},
                           "tool_result": {"id": "c", "name": "run_commands", "durationMs": 3000,
                                           "input": {"commands": ["echo \"a\"", "git commit -m x"]}}}),
            "opencode": ("event", {**where, "type": "post_tool_use", "tool": "shell", "tool_name": "bash", **run}),
            "pi": ("event", {**where, "type": "post_tool_use", "tool": "shell", "tool_name": "bash", **run}),
        }
        for host, (handler, payload) in shells.items():
            home = harness.Home(self.home.path.parent / host, HOOK, SELFTUNE)
            home.make_store()
            with self.subTest(host=host):
                sha = self.commit(f"by {host}")
                self.assertEqual(home.hook(payload, *([handler] if handler else []), host=host), (0, b"", b""))
                home.selftune("status")
                self.assertIn((SESSION, host.replace("-", "_"), sha, f"by {host}", "main",
                               "https://example.com/a.git"), home.sql(ROWS))
                self.assertEqual(home.bad_lines(), [])
                self.assertNotIn("token", (home.state / "spool").exists() and json.dumps(home.spool()) or "")

    def test_commits_that_print_nothing_or_lie_elsewhere(self):
        self.git("init", "-q", "-b", "main")
        first = self.commit("first")
        self.git("checkout", "-q", "--detach")
        second = self.commit("detached")
        self.git("checkout", "-q", "-b", "topic", first)
        third = self.commit("topic work")
        self.git("checkout", "-q", "main")
        self.commit("main work")
        self.git("merge", "-q", "-m", "joined", "topic")
        printed = " ".join(self.git("reflog", "--format=%h").split())
        self.quiet(self.bash("cd .. && git -C './my repo' merge topic; exit 3", event="PostToolUseFailure",
                             error=f"Exit code 3\n{printed}"))
        self.home.selftune("sync")
        rows = {row[2]: row[3:5] for row in self.home.sql(ROWS)}
        self.assertEqual(rows[first], ("first", "main"))
        self.assertEqual(rows[second], ("detached", None))
        self.assertEqual(rows[third][0], "topic work")
        self.assertEqual(rows[self.git("rev-parse", "HEAD")][0], "merge topic")
        self.assertEqual(len(rows), 5)
        # Twice is once; what is no commit adds nothing.
        self.quiet(self.bash("git commit"))
        self.quiet(self.bash("git log"))
        self.home.selftune("sync")
        self.assertEqual(len(self.home.sql(ROWS)), 5)

    def test_a_commit_belongs_to_who_made_it(self):
        self.git("init", "-q", "-b", "main")
        self.commit("by the first")
        self.quiet(self.bash("git commit"))
        self.quiet(self.bash("git commit") | {"session_id": "another"})
        self.home.selftune("sync")
        self.assertEqual([row[0] for row in self.home.sql(ROWS)], [SESSION])

    def test_an_event_that_comes_twice_is_one_prompt(self):
        where = {"session_id": SESSION, "cwd": "/w", "prompt": "once", "hook_event_name": "UserPromptSubmit"}
        for turn in ("t1", "t1", "t2"):
            self.quiet({**where, "turn_id": turn}, host="codex")
        self.home.selftune("sync")
        self.assertEqual(self.home.sql("SELECT platform, count(*) FROM prompts"), [("codex", 2)])

    def summary(self):
        reply = self.home.selftune("request", json.dumps({"op": "status.skill_v2", "params": {"skill": "pdf"}}))
        return reply["data"]["commit_summary"]

    def test_the_report_of_a_skill_has_the_commits_of_its_sessions(self):
        self.git("init", "-q", "-b", "main")
        self.quiet(prompt("make a report", SESSION, cwd=str(self.repo)))
        self.quiet(tool("Skill", "t0", SESSION, {"skill": "pdf"}, cwd=str(self.repo)))
        self.home.selftune("sync")
        self.assertIsNone(self.summary())
        made = []
        for number, branch in ((1, "main"), (2, "other")):
            if branch != "main":
                self.git("checkout", "-q", "-b", branch)
            made.append((self.commit(f"report {number}"), f"report {number}", branch))
            self.quiet(self.bash("git commit"))
        # A session without the skill.
        self.commit("by the way")
        self.quiet({**self.bash("git commit"), "session_id": "another"})
        self.home.selftune("sync")
        found = self.summary()
        self.assertEqual((found["total_commits"], found["unique_branches"]), (2, 2))
        self.assertEqual(sorted((c["sha"], c["title"], c["branch"]) for c in found["recent_commits"]), sorted(made))
        times = [c["timestamp"] for c in found["recent_commits"]]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_forget_takes_the_titles(self):
        self.git("init", "-q", "-b", "main")
        self.commit("the secret plan")
        self.quiet(prompt("hello", SESSION, cwd=str(self.repo)))
        self.quiet(self.bash("git commit"))
        self.home.selftune("sync")
        self.home.selftune("forget", "--session", SESSION, "--yes")
        self.assertEqual([row[3] for row in self.home.sql(ROWS)], [None])
        self.assertNotIn(b"the secret plan", self.home.database.read_bytes())

    def test_a_commit_of_a_subagent_is_its_own(self):
        self.git("init", "-q", "-b", "main")
        self.commit("by the agent")
        self.quiet({"session_id": SESSION, "hook_event_name": "SubagentStart", "agent_id": "a7",
                    "agent_type": "Explore", "cwd": "/w"})
        self.quiet(self.bash("git commit", agent_id="a7", agent_type="Explore"))
        self.quiet({"session_id": SESSION, "hook_event_name": "SubagentStop", "agent_id": "a7"})
        self.quiet({"session_id": SESSION, "hook_event_name": "SubagentStop", "agent_id": "unheard"})
        self.home.selftune("sync")
        self.assertEqual(self.home.sql(ROWS)[0][0], f"{SESSION}:agent:a7")
        self.assertEqual(self.home.sql("SELECT session_id, agent_type FROM session WHERE kind='subagent'"),
                         [(f"{SESSION}:agent:a7", "Explore")])

    def test_a_subagent_of_codex_has_a_session_of_its_own(self):
        self.quiet({"session_id": SESSION, "hook_event_name": "SubagentStart", "agent_id": "child",
                    "agent_type": "default", "cwd": "/w"}, host="codex")
        self.home.selftune("sync")
        self.assertEqual(self.home.sql("SELECT session_id, root_session_id FROM sessions WHERE session_id='child'"),
                         [("child", SESSION)])

    def test_a_typed_skill_is_known_before_its_transcript(self):
        skill = self.home.path / ".claude" / "skills" / "pdf" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: pdf\ndescription: Reports.\n---\nx\n", encoding="utf-8")
        self.home.make_store()
        for name, turn in (("pdf", "p1"), ("standup", "p2")):
            text = f"/{name} now"
            self.quiet({"session_id": SESSION, "hook_event_name": "UserPromptExpansion", "prompt_id": turn,
                        "expansion_type": "slash_command", "command_name": name, "command_args": "now",
                        "prompt": text})
            self.quiet(prompt(text, SESSION, prompt_id=turn))
        self.home.selftune("status")
        self.assertEqual(self.home.prompts(), ["/pdf now", "/standup now"])
        self.assertEqual(self.home.sql("SELECT skill_name, route, invocation_mode, matched_prompt_id "
                                       "FROM skill_invocations"),
                         [("pdf", "slash_command", "explicit", f"{SESSION}:p0")])

    def test_a_turn_that_failed_ends(self):
        self.quiet(prompt("hello", SESSION))
        self.quiet({"session_id": SESSION, "hook_event_name": "StopFailure", "error": "overloaded"})
        self.quiet({"sessionId": "c", "errorContext": "model_call", "error": {"message": "x"}}, "session-stop",
                   host="copilot")
        self.quiet({"hookName": "agent_error", "taskId": "c"}, host="cline")
        self.quiet({"hookName": "TaskCancel", "taskId": "c"}, host="cline")
        self.quiet({"session_id": "x", "hook_event_name": "Interrupt"}, host="codex")
        self.quiet({"session_id": "q", "hook_event_name": "StopFailure", "error": "rate_limit"}, host="qwen")
        self.assertEqual([r["payload"]["type"] for r in self.home.spool()], ["prompt_submit"] + ["turn_end"] * 6)

    def test_a_skill_that_could_not_be_loaded_is_a_refused_use(self):
        call = {"session_id": SESSION, "hook_event_name": "PostToolUseFailure", "cwd": "/w", "error": "not found"}
        self.quiet({**call, "tool_name": "Skill", "tool_input": {"skill": "nope"}, "tool_use_id": "t1"})
        self.quiet({**call, "session_id": "q", "tool_name": "skill", "tool_input": {"skill": "nope"},
                    "tool_use_id": "toolu_1_x", "tool_call_id": "call_1"}, host="qwen")
        self.home.selftune("sync")
        self.assertEqual(self.home.sql("SELECT platform, skill_name, outcome FROM skill_invocations ORDER BY 1"),
                         [("claude_code", "nope", "refused"), ("qwen", "nope", "refused")])

    def test_a_subagent_of_others_is_the_one_its_transcript_will_have(self):
        agent = {"agent_id": "a7", "agent_type": "general-purpose", "cwd": "/w"}
        for event in ("SubagentStart", "SubagentStop"):
            self.quiet({**agent, "session_id": SESSION, "hook_event_name": event}, host="qwen")
        # It tells of the end only: what nobody heard of is left to the transcript.
        self.quiet({**agent, "sessionId": "c", "parentAgentId": "c", "stopReason": "end_turn"}, "subagent-stop",
                   host="copilot")
        self.home.selftune("sync")
        self.assertEqual(self.home.sql("SELECT platform, session_id, agent_type FROM session WHERE kind='subagent'"),
                         [("qwen", f"{SESSION}:agent:a7", "general-purpose")])


if __name__ == "__main__":
    if shutil.which("git") is None:
        raise SystemExit("git is not installed")
    os.umask(0o022)
    unittest.main(argv=sys.argv[:1], verbosity=1)
