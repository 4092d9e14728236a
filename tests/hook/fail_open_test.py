#!/usr/bin/env python3
"""Whatever goes wrong, the agent does not notice: exit 0, nothing printed.

    fail_open_test.py HOOK SELFTUNE DATA_DIR
"""

import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402
from harness import prompt, tool  # noqa: E402

HOOK, SELFTUNE, DATA = (Path(a).resolve() for a in sys.argv[1:4])
MIB = 1 << 20


class FailOpen(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.home = harness.Home(self.scratch / "home", HOOK, SELFTUNE)

    def quiet(self, payload, *argv, **options):
        done = self.home.hook(payload, *argv, **options)
        self.assertEqual(done, (0, b"", b""))

    # ---- payloads

    def test_every_recorded_payload(self):
        kept = {"UserPromptSubmit", "UserPromptExpansion", "PostToolUse", "Stop", "SubagentStart", "SubagentStop",
                "SessionEnd"}
        count = wanted = 0
        for file in sorted((DATA / "hooks" / "claude-code").glob("*.jsonl")):
            for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n"):
                payload = json.loads(line)
                self.quiet(line.encode())
                count += 1
                event = payload["hook_event_name"]
                interesting = event in kept and (event != "PostToolUse" or payload["tool_name"] == "Skill" or
                                                 payload["tool_input"].get("file_path", "").endswith("/SKILL.md"))
                wanted += interesting and not payload.get("prompt", "").startswith("<task-notification>")
        self.assertEqual(count, 449)
        records = self.home.spool()
        self.assertEqual(len(records), wanted)
        self.assertEqual([r for r in records if r["payload"]["type"] == "rejected"], [])
        self.assertEqual(len({r["id"] for r in records}), wanted)

    def test_unknown_keys_versions_and_events(self):
        self.quiet(prompt("a", hook_event_name="UserPromptSubmit", version="9.9", extra={"x": [1, {"y": None}]}))
        self.quiet({"hook_event_name": "FromTheFuture", "session_id": 5, "prompt": []})
        self.quiet({"session_id": "s", "prompt": "no event name"}, "prompt-log")
        self.quiet(prompt("b"), "hook-of-the-future")
        self.quiet(prompt("c"), host="host-of-the-future")
        self.assertEqual([r["payload"]["prompt"] for r in self.home.spool()], ["a", "no event name"])

    def test_hostile_payloads_are_counted(self):
        good = json.dumps(prompt("x")).encode()
        hostile = [
            b"", b"\0\0\0", b"[]", b"null", b"\xff\xfe\x00", b"{", good[:-1], good + b"}", good[:40],
            b'{"hook_event_name":"UserPromptSubmit","session_id":"s","prompt":' + b"[" * 500_000,
            b'{"hook_event_name":"UserPromptSubmit","session_id":"s","prompt":' + b'{"a":' * 200_000,
            json.dumps(prompt(["x"])).encode(), json.dumps(prompt("x", session=7)).encode(),
            json.dumps(prompt("x", session="")).encode(), json.dumps(prompt("x", session="s" * 5000)).encode(),
            json.dumps(prompt("x", session="a\nb")).encode(),
            json.dumps(tool("Skill", "t", tool_input={"skill": " \u200b"})).encode(),
            json.dumps(prompt("x", session="s" * (7 * MIB), cwd="c" * 5000)).encode(),
            json.dumps(tool("Skill", "t", tool_input=["pdf"])).encode(),
            json.dumps(prompt("y" * (9 * MIB))).encode(),
        ]
        for payload in hostile:
            self.quiet(payload)
        records = self.home.spool()
        self.assertEqual([r["payload"]["type"] for r in records], ["rejected"] * len(hostile))
        self.assertLess(sum(len(json.dumps(r)) for r in records), 3000 * len(hostile))
        self.assertIn("no_skill", [r["payload"]["reason"] for r in records])
        self.home.make_store()
        self.assertEqual(len(self.home.bad_lines()), len(hostile))
        self.assertIn("too_large", self.home.bad_lines())
        self.assertEqual(self.home.prompts(), [])
        self.assertEqual(self.home.selftune("doctor", accept=(0, 3))["data"] is not None, True)

    def test_odd_prompts_are_prompts(self):
        texts = ["ok", "a\u0000b", "\u202ereversed", "x" * 70_000, "y" * (7 * MIB), "\U0001f600", "\"}\n{\"v\":1}"]
        for text in texts:
            self.quiet(prompt(text))
        self.quiet(b'{"hook_event_name":"UserPromptSubmit","session_id":"s2","prompt":"bad \xff\xc3 bytes \\ud800"}')
        self.home.make_store()
        found = self.home.prompts()
        self.assertEqual(len(found), len(texts) + 1)
        self.assertIn("y" * (7 * MIB), found)
        self.assertIn("bad \ufffd\ufffd bytes \ufffd", found)
        self.quiet(b"\xef\xbb\xbf" + json.dumps(prompt("behind a byte order mark")).encode())
        self.home.make_store()
        self.assertIn("behind a byte order mark", self.home.prompts())
        self.assertEqual(self.home.bad_lines(), [])

    def test_our_own_agents_leave_nothing(self):
        self.quiet(prompt("x"), env=self.home.env(SELFTUNE_INTERNAL="1"))
        self.quiet(b"{", env=self.home.env(SELFTUNE_INTERNAL="1"))
        self.quiet(prompt("[selftune:internal purpose=grade]\nGrade this"))
        self.assertFalse(self.home.state.exists())

    def test_input_that_never_comes_or_never_ends(self):
        begin = time.monotonic()
        process = self.home.start("claude-code", "prompt-log")
        process.stdin.write(b'{"session_id":"s"')
        process.stdin.flush()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertLess(time.monotonic() - begin, 10)
        process.stdin.close()
        for pipe in (process.stdout, process.stderr):
            self.assertEqual(pipe.read(), b"")
            pipe.close()
        self.assertEqual([r["payload"]["reason"] for r in self.home.spool()], ["bad_json"])
        # A closed standard input or output is no reason to fail.
        for redirect in ("<&-", ">&-", "2>&-", "</dev/null >&- 2>&-"):
            done = subprocess.run(["sh", "-c", f'"$0" claude-code {redirect}', str(HOOK)], check=False,
                                  env=self.home.env(), stdin=subprocess.DEVNULL, capture_output=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""), redirect)

    def test_an_agent_that_is_gone(self):
        script = '"$0" --strict claude-code sing | true; exit "${PIPESTATUS[0]}"'
        done = subprocess.run(["bash", "-c", f"exec 2>&1; {script}", str(HOOK)], input=b"{}", check=False,
                              env=self.home.env(), capture_output=True)
        self.assertEqual(done.returncode, 1)  # not 141
        process = self.home.start("claude-code")
        process.stdout.close()
        process.stderr.close()
        process.stdin.write(json.dumps(prompt("x")).encode())
        process.stdin.close()
        self.assertEqual(process.wait(timeout=30), 0)

    def test_input_that_stays_open_costs_nothing_once_the_event_is_whole(self):
        texts = ['plain', 'quotes " and \\ and } and ]', "x" * 200_000]
        for text in texts:
            process = self.home.start("claude-code")
            content = json.dumps(prompt(text, nested={"a": [{}, "]}"]})).encode()
            process.stdin.write(content[:-1])
            process.stdin.flush()
            time.sleep(0.02)
            self.assertIsNone(process.poll())  # not whole yet
            begin = time.monotonic()
            process.stdin.write(content[-1:])
            process.stdin.flush()
            self.assertEqual(process.wait(timeout=20), 0)
            self.assertLess(time.monotonic() - begin, 0.5)  # it would wait a second
            self.close(process)
        self.home.make_store()
        self.assertEqual(sorted(self.home.prompts()), sorted(texts))

    def test_each_hook_waits_no_longer_than_it_may(self):
        for hook, seconds in (("prompt-log", 0.25), ("skill-eval", 0.5), ("session-end", 1.0)):
            begin = time.monotonic()
            process = self.home.start("claude-code", hook)
            process.stdin.write(b'{"session_id":"s"')
            process.stdin.flush()
            self.assertEqual(process.wait(timeout=20), 0)
            took = time.monotonic() - begin
            self.assertGreater(took, seconds * 0.9, hook)
            self.assertLess(took, seconds + 0.7, hook)
            self.close(process)

    def close(self, process):
        process.stdin.close()
        for pipe in (process.stdout, process.stderr):
            self.assertEqual(pipe.read(), b"")
            pipe.close()

    # ---- surroundings

    def day(self):
        return self.home.state / "spool" / time.strftime("%Y-%m-%d.jsonl", time.gmtime())

    def test_a_pipe_in_place_of_the_spool(self):
        self.day().parent.mkdir(parents=True)
        os.mkfifo(self.day())
        begin = time.monotonic()
        self.quiet(prompt("nobody reads it"))
        reader = os.open(self.day(), os.O_RDONLY | os.O_NONBLOCK)
        self.quiet(prompt("somebody does"))
        self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(os.read(reader, 100), b"")
        os.close(reader)
        # A long event has a file of its own.
        self.quiet(prompt("y" * 70_000))
        reply = self.home.selftune("sync")
        self.assertEqual(self.home.prompts(), ["y" * 70_000])
        self.assertEqual([w["code"] for w in reply["warnings"]], ["HOOKS_UNREADABLE"])

    def test_links_are_not_followed(self):
        self.day().parent.mkdir(parents=True)
        target = self.scratch / "target"
        target.write_text("theirs", encoding="utf-8")
        self.day().symlink_to(target)
        self.quiet(prompt("x"))
        self.assertEqual(target.read_text(encoding="utf-8"), "theirs")
        self.day().unlink()
        self.day().parent.rmdir()
        elsewhere = self.scratch / "elsewhere"
        elsewhere.mkdir()
        self.day().parent.symlink_to(elsewhere)
        self.quiet(prompt("x"))
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_what_others_could_read_is_closed(self):
        self.day().parent.mkdir(parents=True, mode=0o777)
        self.day().parent.chmod(0o777)
        self.day().touch()
        self.day().chmod(0o644)
        self.quiet(prompt("private"))
        self.assertEqual(stat.S_IMODE(self.day().stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.day().parent.stat().st_mode), 0o700)
        self.assertEqual(len(self.home.spool()), 1)

    def test_a_bad_file_in_the_spool_stops_no_sync(self):
        self.quiet(prompt("taken in"))
        (self.home.state / "spool" / "2026-01-01.jsonl").symlink_to("nowhere")
        for _ in range(2):
            reply = self.home.selftune("sync")
            self.assertEqual([w["code"] for w in reply["warnings"]], ["HOOKS_UNREADABLE"])
            self.assertIn("2026-01-01.jsonl", reply["warnings"][0]["message"])
        self.assertEqual(self.home.prompts(), ["taken in"])
        checks = self.home.selftune("doctor", "--only", "hooks.spool", accept=(0, 3))["data"]["checks"]
        self.assertEqual([(c["status"], "2026-01-01.jsonl" in c["message"]) for c in checks], [("warn", True)])

    def test_no_home(self):
        self.quiet(prompt("x"), env=self.home.env(HOME=None))
        self.quiet(prompt("x"), env=self.home.env(HOME=""))
        self.quiet(prompt("x"), env=self.home.env(HOME="relative/home"))
        self.quiet(prompt("x"), env=self.home.env(HOME=str(self.scratch / "gone" / "away")))
        self.assertFalse((self.scratch / "gone").exists())

    def test_another_state_folder(self):
        other = self.scratch / "elsewhere"
        self.quiet(prompt("x"), env=self.home.env(SELFTUNE_HOME=str(other)))
        self.assertTrue(list((other / "spool").glob("*.jsonl")))
        self.assertFalse(self.home.state.exists())

    def test_a_folder_that_cannot_be_written(self):
        blocked = self.home.state
        blocked.write_text("a file where the folder should be", encoding="utf-8")
        self.quiet(prompt("x"))
        status, _, err = self.home.hook(prompt("x"), env=self.home.env(SELFTUNE_HOOK_DEBUG="1"))
        self.assertEqual(status, 0)
        self.assertIn(b"keeping an event of a hook", err)

    @unittest.skipUnless(os.geteuid() == 0, "needs another user to be refused")
    def test_a_read_only_folder(self):
        shutil.copy(HOOK, self.scratch / "hook")  # a build folder may be private
        os.chmod(self.scratch, 0o755)
        self.home.state.mkdir(mode=0o755)
        os.chmod(self.home.path, 0o755)

        def become_nobody():
            os.setgid(65534)
            os.setuid(65534)

        process = subprocess.run([str(self.scratch / "hook"), "claude-code"], input=json.dumps(prompt("x")).encode(),
                                 env=self.home.env(), preexec_fn=become_nobody, capture_output=True, check=False)
        self.assertEqual((process.returncode, process.stdout, process.stderr), (0, b"", b""))
        self.assertEqual(list(self.home.state.iterdir()), [])

    def test_a_full_disk_loses_only_what_did_not_fit(self):
        self.quiet(prompt("before"))
        spool = next((self.home.state / "spool").glob("*.jsonl"))
        room = spool.stat().st_size + 100

        def little_room():
            # By default the system ends a program that goes past it, by a signal.
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

        self.quiet(prompt("does not fit"), preexec_fn=little_room)
        self.assertEqual(spool.stat().st_size, room)  # torn
        self.quiet(prompt("z" * 70_000), preexec_fn=little_room)
        self.quiet(prompt("after"))
        self.home.make_store()
        self.assertEqual(self.home.prompts(), ["before", "after"])
        self.assertEqual(self.home.bad_lines(), ["wrong_shape"])
        self.assertEqual(list((self.home.state / "spool").glob("*.tmp")), [])

    def test_a_torn_record_at_the_end_is_counted_when_nobody_writes_it_any_more(self):
        self.quiet(prompt("whole"))
        spool = next((self.home.state / "spool").glob("*.jsonl"))
        with open(spool, "ab") as file:
            file.write(b'\n{"v":1,"id":"torn"')
        self.home.make_store()
        self.assertEqual((self.home.prompts(), self.home.bad_lines()), (["whole"], []))
        os.utime(spool, (time.time() - 3600, time.time() - 3600))
        self.home.make_store()
        self.assertEqual(self.home.bad_lines(), ["wrong_shape"])

    # ---- the store

    def test_no_store_yet(self):
        self.quiet(prompt("early"))
        self.assertFalse(self.home.database.exists())
        self.home.make_store()
        self.assertEqual(self.home.prompts(), ["early"])

    def test_a_locked_store(self):
        self.home.make_store()
        db = sqlite3.connect(self.home.database, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()
        self.quiet(prompt("while locked"))
        self.assertLess(time.monotonic() - begin, 5)
        self.home.selftune("status")  # does not wait for the writer either
        self.assertEqual(self.home.prompts(), [])
        db.execute("ROLLBACK")
        db.close()
        self.home.selftune("status")
        self.assertEqual(self.home.prompts(), ["while locked"])

    def test_a_store_of_a_newer_version_waits_for_its_program(self):
        self.home.make_store()
        db = sqlite3.connect(self.home.database, isolation_level=None)
        db.execute("PRAGMA user_version=99")
        self.quiet(prompt("for later"))
        self.home.selftune("sync", accept=(5,))
        db.execute("PRAGMA user_version=1")
        db.close()
        self.home.make_store()
        self.assertEqual(self.home.prompts(), ["for later"])

    def test_a_database_of_somebody_else_is_not_touched(self):
        self.home.state.mkdir()
        db = sqlite3.connect(self.home.database)
        db.execute("CREATE TABLE theirs(x)")
        db.commit()
        db.close()
        before = self.home.database.read_bytes()
        self.quiet(prompt("x"))
        self.home.selftune("sync", accept=(4,))
        self.assertEqual(self.home.database.read_bytes(), before)
        self.assertEqual(len(self.home.spool()), 1)

    def test_garbage_in_the_spool_stops_nothing(self):
        self.quiet(prompt("one"))
        spool = next((self.home.state / "spool").glob("*.jsonl"))
        record = json.loads(spool.read_text(encoding="utf-8").strip())
        lines = ["garbage", "{}", json.dumps({**record, "kind": "of another program"}),
                 json.dumps({**record, "payload": {"type": "sing"}}),
                 json.dumps({**record, "payload": {**record["payload"], "platform": "Robert'); --"}}),
                 json.dumps({**record, "payload": {**record["payload"], "session_id": ""}})]
        with open(spool, "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.quiet(prompt("two"))
        self.home.make_store()
        self.assertEqual(self.home.prompts(), ["one", "two"])
        self.assertEqual(len(self.home.bad_lines()), len(lines))

    # ---- the command line

    def test_a_person_is_told(self):
        for argv, text in ((["--help"], b"usage"), (["--version"], b"selftune-hook 0.")):
            process = self.home.start(*argv)
            out, err = process.communicate()
            self.assertEqual((process.returncode, err), (0, b""))
            self.assertIn(text, out)
        for argv in ([], ["--frobnicate"], ["claude-code", "prompt-log", "more"]):
            self.assertEqual(subprocess.run([str(HOOK), *argv], input=b"{}", env=self.home.env(), check=False,
                                            capture_output=True).returncode, 0)
            done = subprocess.run([str(HOOK), "--strict", *argv], input=b"{}", env=self.home.env(), check=False,
                                  capture_output=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"usage", done.stderr)

    def test_strict_says_what_is_wrong(self):
        for argv, payload, text in ((["claude-code", "sing"], prompt("x"), b"no hook sing"),
                                    (["nobody", "prompt-log"], prompt("x"), b"no host nobody"),
                                    (["claude-code"], {"hook_event_name": "Stop"}, b"cannot be used")):
            process = self.home.start("--strict", *argv)
            out, err = process.communicate(json.dumps(payload).encode())
            self.assertEqual((process.returncode, out), (1, b""))
            self.assertIn(text, err)
        process = self.home.start("--strict", "claude-code")
        self.assertEqual((process.communicate(json.dumps(prompt("x")).encode()), process.returncode), ((b"", b""), 0))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
