#!/usr/bin/env python3
"""The whole loop as a person's machine goes through it.

    loop_test.py SELFTUNE AGENT_BIN_DIR|fake

Missed triggers -> proposal -> held-out validation -> deploy -> new sessions ->
regression -> automatic rollback, with files, database, envelope and audit
checked at each step. With "fake" a small program named `claude` passes the
questions on to the stub model server; otherwise the real `claude` of that
folder does, offline.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent / "tools"
sys.path.insert(0, str(HERE))

from claude_home import Home  # noqa: E402

SELFTUNE = Path(sys.argv[1]).resolve()
AGENT = sys.argv[2] if len(sys.argv) > 2 else "fake"
SKILL = "ledger-export"
OLD = "Works with office documents."
OTHERS = {"deploy-check": "Checks a release before it goes out.",
          "sql-helper": "Tunes slow database statements."}
MISSED = [
    "sum up the invoices of march for the tax office", "which receipts are still missing for the trip to Oslo",
    "write the ledger rows for last week to a sheet", "did the payment from the bakery arrive",
    "list refunds above fifty euros since june", "make the billing overview for the new client",
    "split the hotel receipt between two projects", "find invoices that nobody paid yet",
    "compare payments with the bank statement", "how much did we get back as refunds in spring",
    "total per supplier from the ledger please", "prepare billing numbers for the board meeting",
    "match each receipt to a card transaction", "show invoices in pounds instead of dollars",
    "put yesterday's payments into the right account", "correct the ledger entry for the printer",
    "why are there two refunds for order nineteen", "billing address changed, redo the paper for Smith",
    "collect receipts for the travel report of Anna", "overdue invoices sorted by age",
    "book the payment of the landlord", "close the ledger of october",
    "refunds by reason as a small table", "who is missing in billing this quarter",
    "scan says receipt total is wrong, recalculate", "merge the invoices of both subsidiaries",
    "remind people about open payments", "export the ledger for the auditor",
    "cancel refunds that were entered twice", "start billing for the maintenance contract",
]
NEGATIVE = [
    "is version two ready to ship", "run the checks before tonight's release", "can we tag the branch now",
    "what blocks the rollout on staging", "verify the container image of the gateway",
    "are migrations safe for the weekend launch", "go through the launch list once more",
    "freeze the code and tell me what fails", "does the canary look healthy", "smoke test the login page",
    "this select takes nine seconds, make it faster", "add an index for the search by city",
    "explain the plan of the nightly job", "why does the join scan everything",
    "rewrite the subquery without the temp table", "vacuum settings for the big table",
    "the view for customers is slow again", "reduce locks while importing rows",
    "which queries run longest on the replica", "partition the events by day",
    "prepare the hotfix train for friday", "who approved the last release", "roll the gateway back to monday",
    "count deadlocks of the last hour", "replace the cursor by one statement", "tune memory for sorting",
    "check certificates before going live", "compare staging with production flags",
    "cache the result of the report statement", "look at slow statements after the update",
]


def free_home(scratch):
    root = scratch / "home"
    home = Home(root)
    home.skill_file = home.add_skill(SKILL, OLD)
    for name, text in OTHERS.items():
        home.add_skill(name, text)
    return home


def listing(description):
    return {SKILL: description, **OTHERS}


def history(home, now):
    """Sixty days' worth of use: misses with complaints, others' uses, good days."""
    when = now - timedelta(days=20)
    for text in MISSED:
        when += timedelta(hours=3)
        home.session(when, listing(OLD)).ask(text).ask(f"why didn't you use the {SKILL} skill?")
    for i, text in enumerate(NEGATIVE):
        when += timedelta(hours=3)
        home.session(when, listing(OLD)).ask_with_skill(text, "deploy-check" if i % 30 < 10 or i % 30 >= 20 else "sql-helper")
    for i in range(45):
        when += timedelta(hours=3)
        session = home.session(when, listing(OLD))
        session.ask_with_skill(f"office documents folder number {i} needs another sheet {i * 7}", SKILL)
        session.slash(SKILL, f"and page {i}")


def regression(home, now, description):
    """After the deploy it stays away where it is needed."""
    for i in range(14):
        session = home.session(now + timedelta(minutes=10 + i), listing(description))
        session.ask(f"another money task of kind {i} for the books")
        session.ask(f"you should have used {SKILL} here")


def tree(root):
    """Path -> (mode, hash) of everything but the store's side files; folders too."""
    out = {}
    for path in sorted(Path(root).rglob("*")):
        if path.is_dir():
            out[str(path.relative_to(root))] = (stat.S_IMODE(path.stat().st_mode), "")
        if path.is_file() and not path.name.endswith(("-wal", "-shm")):
            out[str(path.relative_to(root))] = (stat.S_IMODE(path.stat().st_mode),
                                                hashlib.sha256(path.read_bytes()).hexdigest())
    return out


def dump(database, without=()):
    """All rows as SQL, apart from those of some tables."""
    others = tuple(f'INSERT INTO "{table}"' for table in without)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return "\n".join(line for line in db.iterdump() if not line.startswith(others))


class World(unittest.TestCase):
    """A home with a history of misses, the stub model, an agent that asks it."""

    command = "claude"

    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(tempfile.mkdtemp(prefix="selftune-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, True)
        cls.start_model()
        cls.now = datetime.now(timezone.utc)
        cls.home = free_home(cls.scratch)
        history(cls.home, cls.now)
        cls.original = cls.home.skill_file.read_bytes()
        cls.database = cls.home.root / ".selftune" / "selftune.db"

    @classmethod
    def start_model(cls):
        port_file = cls.scratch / "port"
        cls.model = subprocess.Popen(
            ["node", str(TOOLS / "stubmodel.mjs"), "--script", str(HERE / "stub_script.json"),
             "--port-file", str(port_file), "--log", str(cls.scratch / "model.jsonl"),
             "--dump", str(cls.scratch / "bodies"), "--quiet"])
        cls.addClassCleanup(cls.stop_model)
        deadline = time.monotonic() + 30
        while not port_file.exists() or not port_file.read_text().strip():
            if time.monotonic() > deadline or cls.model.poll() is not None:
                raise RuntimeError("the stub model server did not start")
            time.sleep(0.05)
        cls.port = port_file.read_text().strip()
        cls.bin = cls.scratch / "bin"
        cls.bin.mkdir()
        if AGENT == "fake":
            shutil.copy(HERE / "fake_claude.py", cls.bin / "claude")
            (cls.bin / "claude").chmod(0o755)
        else:
            (cls.bin / cls.command).symlink_to(Path(AGENT).resolve() / cls.command)

    @classmethod
    def stop_model(cls):
        cls.model.terminate()
        cls.model.wait(timeout=10)

    def environment(self):
        node = Path(shutil.which("node")).parent
        return {"HOME": str(self.home.root), "PATH": f"{self.bin}:{node}:/usr/bin:/bin",
                "ANTHROPIC_API_KEY": "sk-ant-stub",
                "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}",
                "CLAUDE_CODE_MAX_RETRIES": "1", "LANG": "C.UTF-8"}

    def selftune(self, *arguments, exit_code=0):
        done = subprocess.run([str(SELFTUNE), *arguments], capture_output=True, text=True,
                              env=self.environment(), check=False, timeout=600)
        self.assertEqual(done.returncode, exit_code,
                         f"selftune {' '.join(arguments)}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
        reply = json.loads(done.stdout)
        self.assertEqual(reply["ok"], exit_code == 0)
        return reply

    def query(self, sql):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()


class Loop(World):
    def test_1_misses_are_found_with_their_cause(self):
        reply = self.selftune("sync")
        self.assertTrue(reply["changed"])
        misses = self.query("SELECT query, reason, cause FROM skill_invocations "
                            f"WHERE outcome='missed' AND skill_name='{SKILL}'")
        self.assertEqual(sorted(row[0] for row in misses), sorted(MISSED))
        self.assertEqual({row[1:] for row in misses}, {("signal", "description")})
        self.assertFalse(self.selftune("sync")["changed"])

    def test_2_a_dry_run_changes_nothing(self):
        files, rows = tree(self.home.root), dump(self.database)
        reply = self.selftune("orchestrate", "--dry-run")
        self.assertTrue(reply["dry_run"])
        self.assertFalse(reply["changed"])
        chosen = [d for d in reply["data"]["decisions"] if d["action"] == "evolve"]
        self.assertEqual([d["skill"] for d in chosen], [SKILL])
        self.assertIsNone(reply["data"]["receipt"])
        self.assertEqual(dump(self.database), rows)
        self.assertEqual(tree(self.home.root), files)

    def test_3_a_better_text_is_proposed_validated_and_deployed(self):
        reply = self.selftune("orchestrate")
        chosen = [d for d in reply["data"]["decisions"] if d["skill"] == SKILL and d["action"] == "evolve"][0]
        self.assertEqual((chosen["reason_code"], chosen["tier"]), ("deployed", "PROMOTE"), chosen)
        self.assertEqual(chosen["losses"], 0)
        self.assertGreaterEqual(chosen["gains"], 5)
        text = self.home.skill_file.read_text(encoding="utf-8")
        self.assertIn("invoices, receipts", text)
        undo = ["selftune", "evolve", "rollback", "--deploy-id", chosen["deploy_id"], "--yes"]
        self.assertEqual(reply["data"]["receipt"], {
            "operation": "orchestrate.run", "targets": [str(self.home.skill_file)],
            "before": {"hash": hashlib.sha256(self.original).hexdigest()},
            "after": {"hash": hashlib.sha256(text.encode()).hexdigest()}, "backup_path": None,
            "undo": {"command": " ".join(undo), "argv": undo}})
        self.assertEqual(text.split("---\n", 2)[2], self.original.decode().split("---\n", 2)[2])
        shown = self.selftune("proposals", "show", chosen["proposal_id"])["data"]
        diff = self.selftune("proposals", "diff", chosen["proposal_id"])["data"]["diff"]
        self.assertEqual(re.sub(r"\[-.*?-\] ?", "", diff).replace("{+", "").replace("+}", "").split(), shown["after"].split())
        diff = self.selftune("proposals", "diff", chosen["proposal_id"], "--format", "unified")["data"]["diff"]
        self.assertIn("\n-" + shown["before"], diff)
        self.assertIn("\n+" + shown["after"], diff)
        steps = [row[0] for row in self.query(
            "SELECT action FROM evolution_audit WHERE proposal_id="
            f"'{chosen['proposal_id']}' ORDER BY id")]
        self.assertEqual(steps, ["created", "validated", "approved", "deploying", "deployed"])
        calls = self.query("SELECT count(*) FROM llm_call")
        self.assertGreater(calls[0][0], 0)
        self.assertEqual(reply["data"]["budget"]["spent"]["calls"], calls[0][0])
        # Nothing of the loop's own questions became evidence.
        self.selftune("sync")
        own = self.query("SELECT count(*) FROM prompts WHERE prompt_text LIKE '%selftune:internal%'")
        self.assertEqual(own, [(0,)])

    def test_4_a_fresh_deploy_is_watched_and_not_judged_by_old_sessions(self):
        data = self.selftune("watch", "--skill", SKILL)["data"]
        self.assertIsNone(data["receipt"])
        watch = data["watches"][0]
        self.assertEqual((watch["state"], watch["observations"]["bad"]), ("watching", 0))
        self.assertGreaterEqual(watch["baseline_n"], 40)

    def test_4b_no_dry_run_of_any_command_changes_a_file_or_a_row(self):
        regression(self.home, datetime.now(timezone.utc), "Somebody else's words.")
        files, rows = tree(self.home.root), dump(self.database)
        for command in (("sync",), ("evolve", "--skill", SKILL), ("evolve", "rollback", "--skill", SKILL),
                        ("watch", "--skill", SKILL), ("orchestrate",), ("db", "migrate"),
                        ("db", "vacuum"), ("backup", "create"),
                        ("export", str(self.scratch / "export"))):
            with self.subTest(command):
                done = subprocess.run([str(SELFTUNE), *command, "--dry-run"], capture_output=True,
                                      text=True, env=self.environment(), check=False, timeout=300)
                reply = json.loads(done.stdout)
                self.assertTrue(reply["dry_run"], reply)
                self.assertFalse(reply["changed"], reply)
                self.assertEqual(dump(self.database), rows)
                self.assertEqual(tree(self.home.root), files)
        self.assertFalse((self.scratch / "export").exists())

    def test_5_a_regression_is_rolled_back_to_the_identical_bytes(self):
        description = [l for l in self.home.skill_file.read_text().splitlines()
                       if l.startswith("description:")][0].split(": ", 1)[1].strip('"')
        regression(self.home, datetime.now(timezone.utc), description)
        reply = self.selftune("orchestrate", exit_code=3)
        self.assertEqual(reply["error"]["code"], "REGRESSION_FOUND")
        back = reply["data"]["rolled_back"]
        self.assertEqual([(b["skill"], b["state"]) for b in back], [(SKILL, "rolled_back")])
        self.assertEqual(self.home.skill_file.read_bytes(), self.original)
        receipt = reply["data"]["receipt"]
        self.assertEqual((receipt["targets"], receipt["after"], receipt["undo"]),
                         ([str(self.home.skill_file)], {"hash": hashlib.sha256(self.original).hexdigest()}, None))
        self.assertNotEqual(receipt["before"], receipt["after"])
        self.assertEqual([p.name for p in self.home.skill_file.parent.iterdir()], ["SKILL.md"])
        steps = [row[0] for row in self.query(
            "SELECT action FROM evolution_audit WHERE action IN('deployed','rolled_back') ORDER BY id")]
        self.assertEqual(steps, ["deployed", "rolled_back"])
        self.assertEqual(self.query("SELECT state FROM watch"), [("regressed",)])

    def test_6_the_audit_chain_holds_and_the_skill_rests(self):
        check = self.selftune("db", "check")
        self.assertTrue(check["data"]["hash_chain"])
        self.assertEqual(check["data"]["problems"], [])
        reply = self.selftune("orchestrate")
        mine = [d for d in reply["data"]["decisions"] if d["skill"] == SKILL and d["action"] != "watch"]
        self.assertEqual(mine[0]["reason_code"], "cooldown")
        self.assertEqual(self.home.skill_file.read_bytes(), self.original)


class DryRun(World):
    def test_a_dry_evolution_only_accounts_for_the_calls_it_made(self):
        self.selftune("sync")
        accounting = ("llm_call", "llm_cache", "budget", "change_clock")
        before = dump(self.database, accounting)
        # The accounting is in the database; every other file stays as it is, but
        # for those in which a real agent keeps its own books.
        agents = (".selftune/selftune.db", ".claude.json", ".claude/", ".codex/", ".cache/", ".npm/")
        ours = (".claude/skills", ".claude/projects", ".codex/sessions")
        others = lambda: {k: v for k, v in tree(self.home.root).items()
                          if k.startswith(ours) or not k.startswith(agents)}
        files = others()
        reply = self.selftune("evolve", "--skill", SKILL, "--dry-run")
        self.assertEqual(reply["data"]["reason_code"], "dry_run")
        # A figure of the held-out set that was seen would have been used up.
        self.assertEqual([reply["data"][key] for key in ("tier", "p", "gains")], [None, None, 0])
        self.assertIn("held-out", reply["data"]["reason"])
        self.assertEqual(others(), files)
        self.assertFalse(reply["changed"])
        self.assertEqual(dump(self.database, accounting), before)
        self.assertGreater(self.query("SELECT count(*) FROM llm_call")[0][0], 0)
        self.assertEqual(self.home.skill_file.read_bytes(), self.original)

    def test_limits_and_words_for_the_agent_are_checked_before_anything_is_done(self):
        for flags in (("--max-cost-usd", "0"), ("--max-cost-usd", "-1"), ("--max-cost-usd", "1e300"),
                      ("--max-minutes", "0"), ("--max-minutes", "-3"), ("--effort", "ultra"),
                      ("--effort=--x",), ("--model=--dangerously-skip-permissions",),
                      ("--model", "a b"), ("--validation-mode", "replay"), ("--target", "body")):
            with self.subTest(flags):
                self.selftune("evolve", "--skill", SKILL, "--dry-run", *flags, exit_code=64)

    def test_a_day_without_a_budget_has_no_calls(self):
        self.selftune("sync")
        config = self.home.root / ".selftune" / "config.json"
        before = config.read_bytes() if config.exists() else None
        calls = self.query("SELECT count(*) FROM llm_call")
        try:
            for budget, code in ((0, "BUDGET_EXHAUSTED"), ("1.00", "INVALID_CONFIG")):
                with self.subTest(budget):
                    document = json.loads(before) if before else {}
                    document |= {"budget": {"daily_usd": budget}, "autonomy": "deploy"}
                    config.parent.mkdir(mode=0o700, exist_ok=True)
                    config.write_text(json.dumps(document))
                    config.chmod(0o600)
                    done = subprocess.run([str(SELFTUNE), "evolve", "--skill", SKILL], text=True, timeout=300,
                                          capture_output=True, env=self.environment(), check=False)
                    reply = json.loads(done.stdout)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertEqual(reply["error"]["code"], code, reply)
                    if budget != 0:
                        continue
                    # Nobody asked for a run after a session: it is no failure, and says why.
                    self.assertGreater(self.query("SELECT count(*) FROM improvement_signals WHERE state='pending'")[0][0], 0)
                    reply = self.selftune("orchestrate", "--reactive")
                    self.assertEqual((reply["data"]["status"], reply["data"]["decisions"]), ("nothing_to_do", []))
                    self.assertIn(code, [w["code"] for w in reply["warnings"]])
        finally:
            if before is None:
                config.unlink()
            else:
                config.write_bytes(before)
        self.assertEqual(self.query("SELECT count(*) FROM llm_call"), calls)

    def test_a_skill_that_nobody_knows_is_not_a_skill_without_evidence(self):
        for argv in (("watch", "--skill", "nope"), ("watch", "--skill", "nope", "--dry-run")):
            self.assertEqual(self.selftune(*argv, exit_code=6)["error"]["code"], "SKILL_NOT_FOUND")

    def test_flags_that_only_the_reference_obeyed_are_accepted_and_said_to_do_nothing(self):
        reply = self.selftune("watch", "--window", "20", "--threshold", "0.1", "--no-grade-watch")
        self.assertEqual([w["code"] for w in reply["warnings"]], ["NO_EFFECT"] * 3)
        for flag, bad in (("--alpha", "0"), ("--alpha", "0.6"), ("--delta", "1")):
            reply = self.selftune("watch", flag, bad, exit_code=64)
            self.assertEqual(reply["error"]["code"], "INVALID_REQUEST")
        reply = self.selftune("orchestrate", "--dry-run", "--recent-window", "48", "--max-auto-grade", "0",
                              "--auto-approve")
        self.assertEqual([w["code"] for w in reply["warnings"]].count("NO_EFFECT"), 3)

    def test_next_commands_hold_the_name_as_one_word(self):
        name = "two words; it's 'one'"
        self.home.add_skill(name, "Counts the words of a text in one file or more of them.")
        reply = self.selftune("evolve", "--skill", name, exit_code=6)
        self.assertEqual(reply["error"]["code"], "INSUFFICIENT_EVIDENCE")
        self.assertEqual(reply["next"]["argv"], ["selftune", "skills", "show", name])
        self.selftune("sync")
        reply = self.selftune("watch", "--skill", name, exit_code=6)
        self.assertEqual(reply["error"]["code"], "INSUFFICIENT_EVIDENCE")
        self.assertEqual(reply["next"]["argv"], ["selftune", "skills", "list"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
