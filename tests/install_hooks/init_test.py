#!/usr/bin/env python3
"""`selftune init`, `quickstart` and `uninstall` on a machine.

    init_test.py SELFTUNE SELFTUNE_HOOK
"""

import fcntl
import json
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import CLI, Place, harness, ours  # noqa: E402

FIELDS = ("agent_type", "cli_path", "llm_mode", "agent_cli", "hooks_installed", "initialized_at")


class Machine(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        self.write('{\n  "model": "opus"\n}\n')

    def config(self):
        return json.loads((self.home.state / "config.json").read_text())

    def steps(self, reply):
        return {s["id"]: s["status"] for s in reply["data"]["steps"]}

    def test_everything_is_set_up_and_taken_down_again(self):
        before = self.tree()
        reply = self.good("init")
        self.assertEqual(self.steps(reply), {"import": "skipped", "store": "done", "hooks.claude_code": "done",
                                             "skill": "done", "config": "done", "sync": "done"})
        self.assertTrue(reply["changed"])
        config = self.config()
        for field in FIELDS:
            self.assertIn(field, config)
        self.assertEqual(config["agent_type"], "claude_code")
        self.assertEqual(config["cli_path"], str(CLI))
        self.assertEqual((config["llm_mode"], config["agent_cli"]), ("agent", "claude"))
        self.assertIs(config["hooks_installed"], True)
        self.assertEqual(config["agents"], [{"type": "claude_code", "binary": str(self.bin / "claude"),
                                             "home": str(self.home.path / ".claude"), "hooks": True,
                                             "detected_by": "command", "primary": True}])
        self.assertEqual(config["autonomy"], "deploy")
        self.assertIn("autonomy", json.dumps(reply["warnings"]))
        self.assertEqual(config["skills"]["selftune"]["autonomy"], "locked")
        self.assertEqual((self.home.state / "config.json").stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.good("config", "validate")["data"]["unknown"], [])
        for part in ("skills/selftune/SKILL.md", "skills/selftune/workflows/initialize.md",
                     "skills/selftune/references/cli.md", "agents/selftune-evolution-reviewer.md"):
            self.assertTrue((self.home.path / ".claude" / part).exists(), part)
        # The skill's text names them: an agent that runs none reads them there.
        self.assertTrue((self.home.path / ".claude/skills/selftune/agents/selftune-evolution-reviewer.md").is_file())
        self.assertFalse((self.home.path / ".claude/skills/selftune/forms").exists())
        self.assertGreater(len(ours(self.settings().read_text())), 3)

        for argv in ((), ("--no-hooks",)):  # hooks of an earlier run are there all the same
            again = self.good("init", *argv)
            self.assertFalse(again["changed"], again)
            self.assertEqual(self.config(), config)

        self.bad("CONFIRMATION_REQUIRED", "uninstall")
        self.assertFalse(self.good("uninstall", "--dry-run", "--yes")["changed"])
        self.assertTrue(self.settings().exists() and (self.home.state / "config.json").exists())
        self.good("uninstall", "--yes")
        self.assertEqual(self.tree(), before)
        self.assertTrue(self.home.database.exists())
        self.assertFalse((self.home.state / "config.json").exists())

    def test_the_agent_that_agent_type_names_is_the_primary_one(self):
        self.agent("codex")
        for name in ("claude_code", "codex"):
            self.good("init", "--no-sync")
            self.assertEqual([(agent["type"], agent["primary"]) for agent in self.config()["agents"]],
                             [("claude_code", name == "claude_code"), ("codex", name == "codex")])
            path = self.home.state / "config.json"
            path.write_text(json.dumps({**self.config(), "agent_type": "codex"}))

    def test_purged_nothing_is_left(self):
        before = self.tree(but=())
        self.good("init")
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual(self.tree(but=()), before)

    def test_purging_touches_nothing_that_is_not_ours(self):
        self.good("init")
        (self.home.state / "mine.txt").write_text("mine")
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual([p.name for p in self.home.state.iterdir()], ["mine.txt"])

    def test_the_references_files_are_not_purged(self):
        (self.home.state / "backups").mkdir(parents=True)
        with sqlite3.connect(self.home.database) as db:
            db.execute("CREATE TABLE sessions(id)")
        db.close()
        (self.home.state / "config.json").write_text('{"agent_type": "claude_code"}')
        (self.home.state / "backups/ref.json").write_text("x")
        (self.home.state / "locks").mkdir()
        before = self.tree(but=("locks",))
        self.bad("STORE_FOREIGN", "uninstall", "--yes", "--purge-evidence")
        self.good("uninstall", "--yes")
        self.assertEqual(self.tree(but=("locks",)), before)

    def test_a_folder_with_another_owner_keeps_what_is_his(self):
        state = self.root / "proj"
        for name in ("backups/a", "deploy/b", "hooks/c", "spool/d", "locks/e"):
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text("mine")
        (state / "config.json").write_text('{"app": 1}')
        self.home.state = state
        self.home.database = state / "selftune.db"
        self.home.env = lambda **more: type(self.home).env(self.home, SELFTUNE_HOME=str(state), **more)
        self.bad("INVALID_CONFIG", "init")
        self.assertEqual((state / "config.json").read_text(), '{"app": 1}')
        (state / "config.json").unlink()
        before = {p for p in state.rglob("*")}
        self.good("init")
        self.good("backup", "create")
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual({p for p in state.rglob("*")}, before)

    def test_a_dry_run_changes_nothing(self):
        before = self.tree(but=())
        reply = self.good("init", "--dry-run")
        self.assertFalse(reply["changed"])
        self.assertIn("hooks.claude_code", self.steps(reply))
        self.assertEqual(self.tree(but=()), before)

    def test_a_store_that_was_there_before_is_ours(self):
        self.good("sync")
        self.assertEqual(self.bad("NOT_FOUND", "import", "upstream")[1], 6)
        for more in ((), ("--no-sync",), ("--no-sync",)):
            self.assertEqual(self.steps(self.good("init", *more))["import"], "skipped")

    def test_quickstart_lets_nothing_run_by_itself_and_says_so(self):
        def told(*argv):
            warnings = [w for w in self.good(*argv, "--dry-run")["warnings"] if w["code"] == "AUTONOMY"]
            done = [w for w in self.good(*argv)["warnings"] if w["code"] == "AUTONOMY"]
            self.assertEqual([w["message"].replace("would be", "is") for w in warnings], [w["message"] for w in done])
            return [(w["message"].partition("; ")[0], w["next"]["argv"][-1]) for w in done]

        self.assertEqual(told("quickstart"), [("nothing runs by itself", "propose")])
        self.assertEqual(self.config()["autonomy"], "off")
        self.assertEqual(told("init"), [("nothing runs by itself", "propose")])
        self.assertEqual(self.config()["autonomy"], "off")
        self.assertEqual(told("init", "--autonomy", "propose"), [])
        self.assertEqual(self.config()["autonomy"], "propose")
        # Of one who chose otherwise before.
        self.good("init", "--autonomy", "deploy")
        self.assertEqual(told("quickstart"), [
            ("nothing runs by itself (autonomy is off, and was deploy)", "deploy")])
        self.assertEqual(self.config()["autonomy"], "off")

    def test_settings_from_before_survive_the_way_back(self):
        self.good("config", "set", "autonomy", "off")
        self.good("config", "set", "guards", "block")
        self.good("config", "set", "skills.pdf.autonomy", "locked")
        before = (self.home.state / "config.json").read_bytes()
        receipt = self.good("init", "--no-hooks", "--no-skill")["data"]["receipt"]
        self.assertEqual(len(receipt["before"]["hash"]), 64)
        self.good(*receipt["undo"]["argv"][1:])
        self.assertEqual((self.home.state / "config.json").read_bytes(), before)
        # What was changed since stays, too.
        self.good("init")
        self.good("init", "--autonomy", "propose")
        self.good("config", "set", "agent_cli", "codex")
        self.good("uninstall", "--yes")
        config = self.config()
        self.assertEqual((config["guards"], config["skills"]), ("block", {"pdf": {"autonomy": "locked"}}))
        for key in ("agent_type", "cli_path", "agents", "initialized_at"):
            self.assertNotIn(key, config)
        self.assertEqual(self.good("hooks", "list")["data"]["items"], [])

    def test_a_configuration_comes_back_byte_for_byte(self):
        text = '{ "hosts":{},\n\n   "guards" : "block", "budget": {"daily_usd": 1.50}, "api": {"headers": {"x": "k3y-k3y"}} }\n'
        self.home.state.mkdir(parents=True, mode=0o700)
        path = self.home.state / "config.json"
        path.write_text(text)
        path.chmod(0o640)
        self.good("init", "--no-sync")
        for file in self.home.state.glob("selftune.db*"):
            self.assertNotIn(b"k3y-k3y", file.read_bytes())
        (self.home.state / "tmp").mkdir()
        self.good("uninstall", "--yes")
        self.assertEqual((path.read_text(), path.stat().st_mode & 0o777), (text, 0o640))
        self.good("init", "--no-sync")
        self.good("bugreport")
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual([p.name for p in self.home.state.iterdir()], ["config.json"])

    def test_taking_part_in_the_alpha_is_written_down_and_nothing_more(self):
        self.bad("INVALID_REQUEST", "init", "--alpha-email", "a@b.example")
        self.bad("INVALID_REQUEST", "init", "--alpha", "--alpha-email", "nobody")
        self.assertFalse((self.home.state / "config.json").exists())
        self.good("init", "--no-sync", "--alpha", "--alpha-email", "a@b.example", "--alpha-name", "A")
        alpha = self.config()["alpha"]
        self.assertEqual((alpha["enrolled"], alpha["email"], alpha["display_name"]), (True, "a@b.example", "A"))
        self.assertRegex(alpha["user_id"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.good("init", "--no-sync", "--no-alpha")
        self.assertEqual(self.config()["alpha"], {**alpha, "enrolled": False})
        self.good("init", "--no-sync", "--alpha")
        self.assertEqual(self.config()["alpha"]["user_id"], alpha["user_id"])
        self.assertEqual(self.good("config", "validate")["data"]["unknown"], [])

    def test_the_scheduler_is_set_up_when_asked_and_goes_with_the_rest(self):
        table = self.root / "tab"
        program = self.bin / "crontab"
        program.write_text(f'#!/bin/sh\ncase "$1" in -l) cat {str(table)!r} 2>/dev/null || '
                           f'{{ echo no crontab for me >&2; exit 1; }};; -r) rm {str(table)!r};; '
                           f'-) cat >{str(table)!r};; esac\n')
        program.chmod(0o755)
        (self.bin / "systemctl").write_text("#!/bin/sh\nexit 1\n")
        (self.bin / "systemctl").chmod(0o755)
        before = self.tree()
        self.assertNotIn("schedule", self.steps(self.good("init", "--dry-run", "--no-sync")))
        self.assertEqual(self.steps(self.good("init", "--dry-run", "--schedule", "--no-sync"))["schedule"], "done")
        self.assertFalse(table.exists())
        table.write_text("* * * * * mine\n")
        reply = self.good("init", "--no-sync", "--schedule", "--every-hours", "12")
        self.assertEqual(self.steps(reply)["schedule"], "done")
        self.assertIn("20 */12 * * *", table.read_text())
        rows = [i for i in self.good("hooks", "list")["data"]["items"] if i["kind"] == "schedule"]
        self.assertEqual([(r["path"], r["drift"]) for r in rows], [("crontab", "none")])
        done = self.good("uninstall", "--yes")
        self.assertEqual(self.steps(done)["schedule"], "done")
        self.assertEqual(table.read_text(), "* * * * * mine\n")
        self.assertEqual(self.tree(), before)
        self.assertNotIn("schedule", self.steps(self.good("uninstall", "--yes")))

    def test_a_plan_is_carried_out_as_it_was_shown_or_not_at_all(self):
        self.good("init", "--no-sync")
        plan = self.good("uninstall", "--dry-run")["data"]["plan_id"]
        self.assertEqual(self.good("uninstall", "--dry-run")["data"]["plan_id"], plan)
        other = self.good("uninstall", "--dry-run", "--keep-config")["data"]["plan_id"]
        self.assertNotEqual(other, plan)
        before = self.tree()
        self.assertEqual(self.bad("CONFLICTED", "uninstall", "--plan", other)[1], 2)
        (self.home.path / ".claude/skills/selftune/SKILL.md").write_text("edited")
        self.assertEqual(self.bad("CONFLICTED", "uninstall", "--plan", plan)[1], 2)
        self.assertEqual(set(self.tree()), set(before))
        plan = self.good("uninstall", "--dry-run")["data"]["plan_id"]
        done = self.good("uninstall", "--plan", plan)
        self.assertTrue(done["changed"])
        self.assertIsNone(done["data"]["plan_id"])
        self.assertFalse((self.home.state / "config.json").exists())

    def test_a_report_of_a_fault_says_little_of_the_person(self):
        skill = self.home.path / ".claude/skills/secret-project/SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: secret-project\ndescription: x\n---\n")
        self.good("init")
        self.home.hook({"session_id": "s", "hook_event_name": "UserPromptSubmit",
                        "prompt": "launch at dawn"}, host="claude")
        self.good("sync")
        plan = self.good("bugreport", "--dry-run")["data"]
        self.assertFalse(Path(plan["path"]).exists())
        data = self.good("bugreport", "--dir", str(self.root))["data"]
        path = Path(data["path"])
        text = path.read_text()
        self.assertEqual((path.parent, path.stat().st_mode & 0o777), (self.root, 0o600))
        for word in ("secret-project", "launch at dawn", str(self.home.path)):
            self.assertNotIn(word, text)
        report = json.loads(text)
        self.assertEqual(set(data["contents"]), set(report) - {"made_at"})
        self.assertTrue(report["doctor"]["checks"])
        self.assertEqual(report["settings"]["autonomy"], "deploy")
        self.assertEqual(report["settings"]["cli_path"], "(set)")

    def test_in_text_many_files_are_one_short_line(self):
        self.good("init", "--no-sync")
        done = subprocess.run([CLI, "uninstall", "--yes", "--text"], capture_output=True, text=True, env=self.env(),
                              check=True)
        skill = next(line for line in done.stdout.splitlines() if " skill: " in line)
        self.assertRegex(skill, r"^ok  skill: \d+ files in /.*/skills/selftune/$")
        self.assertLess(max(map(len, done.stdout.splitlines())), 60 + 2 * len(str(self.home.path)))

    def test_settings_of_the_person_survive(self):
        self.home.state.mkdir(parents=True)
        (self.home.state / "config.json").write_text(json.dumps(
            {"autonomy": "propose", "guards": "block", "theirs": {"kept": [1]}, "initialized_at": "2020-01-01T00:00:00Z"}))
        self.good("init", "--force")
        config = self.config()
        self.assertEqual((config["autonomy"], config["guards"], config["theirs"]), ("propose", "block", {"kept": [1]}))
        self.assertNotEqual(config["initialized_at"], "2020-01-01T00:00:00Z")

    def test_what_fails_is_said_and_the_next_run_goes_on(self):
        self.write("{ // mine\n}")
        reply, status = self.bad("SETTINGS_INVALID", "init")
        self.assertEqual(status, 1)
        self.assertEqual(self.steps(reply)["hooks.claude_code"], "failed")
        self.assertEqual(self.steps(reply)["config"], "done")
        self.assertIs(self.config()["hooks_installed"], False)
        self.write("{}")
        reply = self.good("init")
        self.assertEqual(self.steps(reply)["hooks.claude_code"], "done")
        self.assertIs(self.config()["hooks_installed"], True)

    def end_session(self):
        return self.home.hook({"hook_event_name": "SessionEnd", "session_id": "s-1", "reason": "other"},
                              host="claude", env=self.env())

    def say_something(self):
        said = harness.prompt("you should have used the selftune skill", session="s-1")
        code, _, err = self.home.hook(said, host="claude", env=self.env())
        self.assertEqual((code, err), (0, b""))

    def runs(self):
        return self.home.sql("SELECT trigger, status FROM job_run")

    def test_after_a_session_a_run_starts_where_init_allowed_it(self):
        self.good("sync")
        self.assertEqual(self.end_session(), (0, b"", b""))
        self.good("init")
        notes = json.loads((self.home.state / "hooks/notes.json").read_text())
        self.assertEqual((notes["reactive"], notes["pending"]), (str(CLI), False))
        self.assertIn("selftune", (self.home.state / "hooks/skills").read_text().split("\n"))
        # Nobody said anything about a skill.
        self.assertEqual(self.home.hook(harness.prompt("thanks"), host="claude", env=self.env()), (0, b"", b""))
        self.assertEqual(self.end_session(), (0, b"", b""))
        self.assertFalse((self.home.state / "hooks/told").exists())
        self.say_something()
        self.assertEqual(self.end_session(), (0, b"", b""))
        deadline = time.monotonic() + 60
        while not any(status != "running" for _, status in self.runs()):
            self.assertLess(time.monotonic(), deadline, "no run began")
            time.sleep(0.1)
        ((trigger, status),) = self.runs()
        self.assertEqual(trigger, "reactive")
        self.end_session()
        self.assertEqual(len(list((self.home.state / "hooks/told").glob("run-*"))), 1)
        log = self.home.state / "logs/reactive.log"
        while not log.read_text().endswith("\n"):  # the run ends after its row does
            self.assertLess(time.monotonic(), deadline, "the run said nothing")
            time.sleep(0.1)
        self.assertEqual(json.loads(log.read_text())["data"]["status"], status)
        # The run found what was said, and left it: nobody changes our own skill, so it rests.
        self.assertFalse((self.home.state / "hooks/told/pending").exists())
        notes = json.loads((self.home.state / "hooks/notes.json").read_text())
        self.assertEqual((notes["pending"], notes["resting"]), (False, "\nselftune\n"))
        self.assertGreater(notes["pending_from_ms"], 1000 * time.time())
        self.good("config", "set", "autonomy", "propose")
        self.assertIs(json.loads((self.home.state / "hooks/notes.json").read_text())["review"], True)
        self.good("config", "set", "autonomy", "off")
        self.assertEqual(self.notes(), {"guards": {}, "corrections": True})
        self.good("config", "set", "suggestions", "off")
        self.assertEqual([path.name for path in (self.home.state / "hooks").iterdir()], ["told"])
        self.say_something()
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertFalse(self.home.state.exists())

    def test_what_is_pending_is_known_to_hooks_whoever_took_it_in(self):
        self.good("sync")
        self.good("init")
        self.say_something()
        mark = self.home.state / "hooks/told/pending"
        self.assertTrue(mark.exists())
        self.good("status")
        self.assertIs(self.notes()["pending"], True)
        self.assertFalse(mark.exists())

    def notes(self):
        return json.loads((self.home.state / "hooks/notes.json").read_text())

    def test_a_run_that_comes_to_nothing_forgets_nothing(self):
        self.good("sync")
        self.good("init")
        self.say_something()
        mark = self.home.state / "hooks/told/pending"
        with open(self.home.state / "locks/orchestrate.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another run, which has read already
            self.bad("LOCK_HELD", "orchestrate", "--reactive")
        self.assertIs(self.notes()["pending"], True)
        self.assertFalse(mark.exists())

    def test_what_was_said_is_known_when_whoever_read_it_was_killed(self):
        self.good("sync")
        self.good("init")
        self.say_something()
        said = self.home.state / "hooks/told"
        notes = self.home.state / "hooks/notes.json"
        before = notes.read_text()
        self.good("status")
        notes.write_text(before)  # killed after it took in the event and before it wrote
        (said / "pending-seen").touch()
        self.good("status")
        self.assertIs(self.notes()["pending"], True)
        self.assertEqual(list(said.glob("pending*")), [])

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_who_writes_last_what_hooks_say_has_read_last(self):
        self.good("sync")
        self.good("init")
        self.say_something()
        notes = self.home.state / "hooks/notes.json"
        slow = subprocess.Popen(["strace", "-f", "-qq", "-o", str(self.root / "trace"), "-e", "trace=rename", "-e",
                                 "inject=rename:delay_enter=2000000", str(CLI), "status", "--json"],
                                env=self.env(ASAN_OPTIONS="detect_leaks=0"), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not list(notes.parent.glob(".selftune-tmp-*")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        # It has read the store and the settings, and has not written yet.
        self.good("config", "set", "autonomy", "propose")
        self.assertEqual(slow.wait(timeout=60), 0)
        self.assertEqual((self.notes().get("review"), self.notes()["pending"]), (True, True))

    def test_where_no_end_of_a_session_is_told_a_turn_that_ends_starts_the_run(self):
        self.good("sync")
        self.good("init")
        turn = {"type": "turn_end", "session_id": "ses_1", "cwd": "/w"}
        said = {"type": "prompt_submit", "session_id": "ses_1", "cwd": "/w", "prompt": "you forgot to use the selftune skill"}
        self.assertEqual(self.home.hook(said, "event", host="opencode", env=self.env()), (0, b"", b""))
        for _ in range(3):
            self.assertEqual(self.home.hook(turn, "event", host="opencode", env=self.env()), (0, b"", b""))
        deadline = time.monotonic() + 60
        while not any(status != "running" for _, status in self.runs()):
            self.assertLess(time.monotonic(), deadline, "no run began")
            time.sleep(0.1)
        self.assertEqual([trigger for trigger, _ in self.runs()], ["reactive"])

    def test_without_any_agent_evidence_can_be_read(self):
        (self.bin / "claude").unlink()
        self.settings().unlink()
        self.settings().parent.rmdir()
        reply = self.good("init")
        self.assertEqual(self.config()["agent_type"], "unknown")
        self.assertIn("NO_AGENT", json.dumps(reply["warnings"]))

    def test_the_references_installation_is_taken_over(self):
        self.installation_of_the_reference()
        self.write(json.dumps({"hooks": {"Stop": [{"hooks": [{
            "type": "command", "command": "node /x/bin/run-hook.cjs /x/cli/selftune/hooks/session-stop.ts"}]}]}}))
        before = self.tree(but=())
        planned = self.good("init", "--dry-run")
        self.assertIn("1 rows", next(s["detail"] for s in planned["data"]["steps"] if s["id"] == "import"))
        self.assertEqual(self.steps(planned)["sync"], "skipped")
        self.bad("STORE_FOREIGN", "init", "--dry-run", "--no-import")
        self.assertEqual(self.tree(but=()), before)
        reply = self.good("init")
        self.assertEqual(self.steps(reply)["import"], "done")
        self.assertNotIn("run-hook", self.settings().read_text())
        self.assertGreater(len(ours(self.settings().read_text())), 3)
        self.assertTrue((self.home.state / "selftune.db.reference").exists())
        self.assertEqual(self.home.sql("SELECT count(*) FROM sessions")[0][0], 1)
        self.assertEqual(self.config()["initialized_at"], "2026-01-01T00:00:00Z")
        self.assertNotIn("selftune-dev", (self.home.path / ".claude/skills/selftune/SKILL.md").read_text())
        self.assertEqual([w["next"]["argv"][0] for w in reply["warnings"] if w["code"] == "REFERENCE_STILL_RUNS"], ["sh"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
