#!/usr/bin/env python3
"""The real `codex`, without a network: as the agent that is asked, and as the one that is read.

    real_codex_test.py SELFTUNE FOLDER

Installs the pinned Codex CLI from npm into FOLDER once, then runs itself in a
network namespace that has nothing but loopback, against the stub model server.
Exit 77 (skipped) when npm cannot fetch it or the kernel refuses the namespace;
both are said.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
E2E = HERE.parent / "e2e"
sys.path[:0] = [str(HERE), str(E2E)]

import npm_agent  # noqa: E402
import ways  # noqa: E402

CODEX = ways.Codex.agent
MODEL = "gpt-5.5"
CONFIG = """model = "{model}"
model_provider = "stub"
check_for_update_on_startup = false
suppress_unstable_features_warning = true
[model_providers.stub]
name = "stub"
base_url = "http://127.0.0.1:{port}/v1"
env_key = "STUB_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
[features]
local_thread_store_compression = true
[notice.model_migrations]
"{model}" = "gpt-6-sol"
"""
SKILL = "tide-table"
LISTED = "only-in-the-skill-listing"


def write_config(home, port):
    folder = home / ".codex"
    (folder / "skills" / SKILL).mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(CONFIG.format(model=MODEL, port=port))
    (folder / "skills" / SKILL / "SKILL.md").write_text(
        f"---\nname: {SKILL}\ndescription: High and low water, {LISTED}.\n---\n\n# Tides\n")


def requests(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def tests_of_asking(loop_test):
    class Asked(loop_test.World):
        """The loop with `codex exec` as the model behind every question."""

        command = "codex"

        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            write_config(cls.home.root, cls.port)

        def environment(self):
            node = Path(shutil.which("node")).parent
            return {"HOME": str(self.home.root), "PATH": f"{self.bin}:{node}:/usr/bin:/bin",
                    "STUB_API_KEY": "sk-stub", "LANG": "C.UTF-8"}

        def test_1_a_dry_evolution_asks_codex_and_changes_nothing(self):
            self.selftune("sync")
            before = self.home.skill_file.read_bytes()
            reply = self.selftune("evolve", "--skill", loop_test.SKILL, "--dry-run")
            self.assertEqual(reply["data"]["reason_code"], "dry_run", reply["data"])
            self.assertEqual(self.home.skill_file.read_bytes(), before)
            self.assertEqual(self.query(
                "SELECT DISTINCT backend, agent_version, outcome FROM llm_call"),
                [("codex", f"codex-cli {CODEX.version}", "ok")])

        def test_2_every_question_was_alone(self):
            asked = requests(self.scratch / "model.jsonl")
            self.assertEqual({one["rule"] for one in asked}, {"judge", "propose"})
            # One request a question, and the tokens are what the model counted.
            calls = self.query("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM llm_call")
            self.assertEqual(calls, [(len(asked), sum(one["usage"]["input_tokens"] for one in asked),
                                      sum(one["usage"]["output_tokens"] for one in asked))])
            for body in sorted((self.scratch / "bodies").iterdir()):
                text = body.read_text(encoding="utf-8")
                self.assertIn("selftune:internal", text)
                self.assertNotIn(LISTED, text)
                self.assertNotIn("workspace-write", text)
            self.assertEqual(list((self.home.root / ".codex").rglob("rollout-*.jsonl*")), [])

        def test_3_a_better_text_is_validated_and_deployed_through_codex(self):
            reply = self.selftune("orchestrate")
            chosen = [d for d in reply["data"]["decisions"]
                      if d["skill"] == loop_test.SKILL and d["action"] == "evolve"][0]
            self.assertEqual((chosen["reason_code"], chosen["tier"]), ("deployed", "PROMOTE"), chosen)
            self.assertIn("invoices, receipts", self.home.skill_file.read_text())
            self.assertEqual(list((self.home.root / ".codex").rglob("rollout-*.jsonl*")), [])
            self.selftune("sync")
            self.assertEqual(self.query("SELECT count(*) FROM sessions WHERE platform='codex'"), [(0,)])

    return Asked


def tests_of_reading(selftune, folder):
    class Read(unittest.TestCase):
        """Sessions that the real codex wrote, compared with what the model served."""

        @classmethod
        def setUpClass(cls):
            cls.scratch = Path(tempfile.mkdtemp(prefix="selftune-codex-"))
            cls.addClassCleanup(shutil.rmtree, cls.scratch, True)
            cls.home = cls.scratch / "home"
            cls.work = cls.home / "work"
            cls.work.mkdir(parents=True)
            cls.log = cls.scratch / "model.jsonl"
            port_file = cls.scratch / "port"
            cls.model = subprocess.Popen(
                ["node", str(HERE.parent / "tools" / "stubmodel.mjs"), "--script",
                 str(HERE / "codex_script.json"), "--port-file", str(port_file),
                 "--log", str(cls.log), "--quiet"])
            cls.addClassCleanup(cls.stop_model)
            deadline = time.monotonic() + 30
            while not port_file.exists() or not port_file.read_text().strip():
                if time.monotonic() > deadline or cls.model.poll() is not None:
                    raise RuntimeError("the stub model server did not start")
                time.sleep(0.05)
            write_config(cls.home, port_file.read_text().strip())

        @classmethod
        def stop_model(cls):
            cls.model.terminate()
            cls.model.wait(timeout=10)

        def run_program(self, *argv):
            node = Path(shutil.which("node")).parent
            env = {"HOME": str(self.home), "PATH": f"{folder}:{node}:/usr/bin:/bin",
                   "STUB_API_KEY": "sk-stub", "LANG": "C.UTF-8"}
            done = subprocess.run([str(a) for a in argv], cwd=self.work, env=env, check=False,
                                  capture_output=True, text=True, timeout=120,
                                  stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-2000:])
            return done.stdout

        def codex(self, *arguments):
            """Runs `codex exec`; the id of the session."""
            out = self.run_program(folder / "codex", "exec", *arguments[:-1], "--json",
                                   "--skip-git-repo-check",
                                   "--dangerously-bypass-approvals-and-sandbox", arguments[-1])
            events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
            return [e["thread_id"] for e in events if e["type"] == "thread.started"][0]

        def resume(self, session, prompt):
            out = self.run_program(folder / "codex", "exec", "resume", "--json",
                                   "--skip-git-repo-check",
                                   "--dangerously-bypass-approvals-and-sandbox", session, prompt)
            self.assertIn(session, out)

        def sync(self):
            reply = json.loads(self.run_program(selftune, "sync"))
            self.assertEqual(reply["data"]["sources"]["codex"]["warnings"], [])
            self.assertEqual(reply["data"]["sources"]["codex"]["bad_lines"], 0)
            self.assertEqual(reply["data"]["sources"]["codex"]["set_aside"], 0)
            return reply

        def query(self, sql, *values):
            path = self.home / ".selftune" / "selftune.db"
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                return db.execute(sql, values).fetchall()

        def served(self, session):
            return [one for one in requests(self.log)
                    if one["thread"] == session and one["kind"] == "answer"]

        def facts(self):
            """What is known of all sessions but where it was read."""
            return [self.query(sql) for sql in (
                "SELECT session_id, prompt_index, prompt_text, occurred_at, source_offset FROM prompts ORDER BY 1, 2",
                "SELECT session_id, skill_name, outcome, route, source_offset FROM skill_invocations ORDER BY 1, 2, 5",
                "SELECT session_id, name, calls, errors, nonzero_exits FROM tool_calls ORDER BY 1, 2",
                "SELECT session_id, input_tokens, output_tokens, assistant_turns FROM execution_facts ORDER BY 1",
                "SELECT session_id, started_at, ended_at, model, host_version, is_archived FROM sessions ORDER BY 1",
                "SELECT session_id, skill_name, source_offset FROM exposures ORDER BY 1, 2, 3")]

        def check_session(self, session, prompts):
            answers = self.served(session)
            self.assertEqual([row[0] for row in self.query(
                "SELECT prompt_text FROM prompts WHERE session_id=? ORDER BY prompt_index", session)],
                prompts)
            calls = {}
            for answer in answers:
                for block in answer["blocks"]:
                    if "tool" in block:
                        calls[block["tool"]] = calls.get(block["tool"], 0) + 1
            self.assertEqual(dict(self.query(
                "SELECT name, calls FROM tool_calls WHERE session_id=?", session)), calls)
            usage = [answer["usage"] for answer in answers]
            self.assertEqual(self.query(
                "SELECT input_tokens, output_tokens, assistant_turns FROM execution_facts "
                "WHERE session_id=?", session),
                [(sum(u["input_tokens"] for u in usage), sum(u["output_tokens"] for u in usage),
                  len(answers))])

        def test_1_what_was_typed_and_done_is_what_was_read(self):
            first = self.codex("sum up the ledger of march")
            Read.first = first
            self.sync()
            self.check_session(first, ["sum up the ledger of march"])
            self.assertEqual(self.query(
                "SELECT skill_name, outcome, route FROM skill_invocations WHERE session_id=?", first),
                [(SKILL, "triggered", "shell_read")])
            self.assertEqual(self.query(
                "SELECT nonzero_exits FROM tool_calls WHERE session_id=?", first), [(1,)])
            self.assertIn((SKILL,), self.query(
                "SELECT skill_name FROM exposures WHERE session_id=?", first))
            self.assertEqual(self.query(
                "SELECT platform, model, host_version, workspace_path FROM sessions WHERE session_id=?",
                first), [("codex", MODEL, CODEX.version, str(self.work))])

        def test_2_a_resumed_session_goes_on(self):
            self.resume(self.first, "and the ledger of april")
            self.sync()
            self.check_session(self.first, ["sum up the ledger of march", "and the ledger of april"])

        def test_3_an_archived_session_is_the_same_session(self):
            second = self.codex("a question for the archive")
            Read.second = second
            self.sync()
            self.run_program(folder / "codex", "archive", second)
            self.sync()
            self.check_session(second, ["a question for the archive"])
            self.assertEqual(self.query("SELECT session_id FROM sessions WHERE is_archived=1"),
                             [(second,)])

        def test_4_what_codex_compresses_is_counted_once_and_found_again(self):
            before = self.facts()
            rollouts = sorted((self.home / ".codex").rglob("rollout-*.jsonl"))
            self.assertEqual(len(rollouts), 2)
            old = time.time() - 9 * 86400
            for path in rollouts:
                os.utime(path, (old, old))
            # The host looks for old rollouts once in some hours, when it starts.
            for lock in (self.home / ".codex" / ".tmp").glob("rollout-*.lock"):
                lock.unlink()
            third = self.codex("an unrelated question")
            deadline = time.monotonic() + 30
            while any(path.exists() for path in rollouts) and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertEqual([p.name for p in rollouts if p.exists()], [])
            self.assertTrue(all(Path(f"{p}.zst").exists() for p in rollouts))
            self.sync()
            after = [[row for row in rows if row[0] != third] for rows in self.facts()]
            self.assertEqual(after, before)
            self.assertEqual(sorted(row[0] for row in self.query(
                "SELECT source_path FROM sessions WHERE session_id<>?", third)),
                sorted(f"{p}.zst" for p in rollouts))
            for table in ("prompts", "skill_invocations", "exposures"):
                self.assertEqual(self.query(
                    f"SELECT count(*) FROM {table} WHERE session_id<>? AND source_path NOT LIKE '%.zst'",
                    third), [(0,)])
            self.assertFalse(json.loads(self.run_program(selftune, "sync"))["changed"])

        def test_5_codex_goes_on_with_a_compressed_session(self):
            self.resume(self.first, "and finally the ledger of may")
            self.assertEqual([p.suffix for p in (self.home / ".codex").rglob(f"*{self.first}*")],
                             [".jsonl"])
            self.sync()
            self.check_session(self.first, ["sum up the ledger of march", "and the ledger of april",
                                            "and finally the ledger of may"])
            self.assertEqual(self.query(
                "SELECT path FROM source_files WHERE state='active' AND path LIKE ?",
                f"%{self.first}%"),
                [(str(p),) for p in (self.home / ".codex").rglob(f"*{self.first}*")])

    return Read


def inside(selftune, folder):
    npm_agent.raise_loopback()
    sys.argv = [sys.argv[0], selftune, folder]
    import loop_test
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(
        loader.loadTestsFromTestCase(case)
        for case in (tests_of_reading(Path(selftune), Path(folder)), tests_of_asking(loop_test)))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() else 1


def main():
    if sys.argv[1] == "--inside":
        return inside(*sys.argv[2:])
    return CODEX.run_inside(__file__, Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())


if __name__ == "__main__":
    sys.exit(main())
