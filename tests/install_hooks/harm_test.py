#!/usr/bin/env python3
"""`selftune hooks` where something is in the way: broken files, files of others, kills, other writers.

    harm_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import place  # noqa: E402
from place import PLAIN, Place  # noqa: E402


class Harm(Place):
    def test_writers_at_the_same_time_lose_nothing(self):
        path = self.write('{"n": 0}')
        stop = threading.Event()
        last = [0]

        def host():
            while not stop.is_set() and last[0] < 2000:
                document = json.loads(path.read_text())
                document["n"] = last[0] + 1
                fresh = path.with_name(".theirs")
                fresh.write_text(json.dumps(document))
                os.replace(fresh, path)
                last[0] += 1

        writer = threading.Thread(target=host)
        writer.start()
        codes = set()
        try:
            for _ in range(6):
                for verb in ("install", "uninstall"):
                    done = self.run_cli("hooks", verb, "claude")
                    codes.add(json.loads(done.stdout)["error"] and json.loads(done.stdout)["error"]["code"])
        finally:
            stop.set()
            writer.join()
        self.assertLessEqual(codes, {None, "FILE_CHANGED"})
        self.assertEqual(json.loads(path.read_text())["n"], last[0])
        left = [p.name for p in path.parent.iterdir() if "selftune" in p.name]
        self.assertEqual([n for n in left if "conflict" not in n], [])

    def folder(self):
        return {p.name: p.read_bytes() for p in self.settings().parent.iterdir()} \
            if self.settings().parent.exists() else {}

    def killed(self, call, when, verb):
        """Whether `verb` was killed at this system call."""
        log = self.root / "trace"
        subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e",
                        f"inject={call}:signal=KILL:when={when}", str(place.CLI), "hooks", verb, "claude", "--json"],
                       env=self.env(ASAN_OPTIONS="detect_leaks=0", LSAN_OPTIONS="detect_leaks=0"),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120)
        return "killed by SIGKILL" in log.read_text()

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_killed_at_any_change_of_a_file_the_next_run_goes_on(self):
        kills = 0
        for text, first, then in ((PLAIN, "install", ["install", "uninstall"]),
                                  ("", "install", ["install", "uninstall"]), (None, "install", ["uninstall"]),
                                  (PLAIN, "uninstall", ["uninstall"])):
            for call in ("renameat2", "link", "unlink", "fsync"):
                for when in range(1, 5):
                    shutil.rmtree(self.home.state, ignore_errors=True)
                    shutil.rmtree(self.settings().parent, ignore_errors=True)
                    if text is not None:
                        self.write(text)
                    before = self.folder()
                    if first == "uninstall":
                        self.good("hooks", "install", "claude")
                    if not self.killed(call, when, first):
                        break
                    kills += 1
                    for name, content in self.folder().items():
                        if name == "settings.json" and content:
                            json.loads(content)  # whole, old or new
                    for verb in then:
                        self.good("hooks", verb, "claude")
                    with self.subTest(text=text, first=first, call=call, when=when):
                        self.assertEqual(self.folder(), before)
        self.assertGreater(kills, 10)

    def test_a_file_that_is_not_ours_is_not_replaced(self):
        path = self.settings("opencode")
        path.parent.mkdir(parents=True)
        path.write_text("// mine\n")
        self.bad("FILE_EXISTS", "hooks", "install", "opencode")
        self.assertEqual(path.read_text(), "// mine\n")
        path.unlink()
        self.good("hooks", "install", "opencode")
        path.write_text(path.read_text() + "// edited\n")
        self.bad("FILE_CHANGED", "hooks", "install", "opencode")
        reply = self.good("hooks", "uninstall", "opencode")
        self.assertIn("edited", reply["data"]["platforms"][0]["needs"][0])
        self.assertTrue(path.exists())

    def test_a_file_that_only_speaks_of_us_is_kept(self):
        path = self.settings("opencode")
        path.parent.mkdir(parents=True)
        for text in ("// my own, instead of the selftune-managed one\n", None):
            if text is None:
                path.unlink()
                self.good("hooks", "install", "opencode")
                text = path.read_text() + "// edited\n"
                shutil.rmtree(self.home.state)
            path.write_text(text)
            self.good("hooks", "uninstall")
            self.assertEqual(path.read_text(), text)

    def test_what_nobody_remembers_is_kept_beside_ours(self):
        path = self.settings("opencode")
        self.good("hooks", "install", "opencode")
        ours = path.read_text()
        path.write_text(ours + "// edited\n")
        shutil.rmtree(self.home.state)
        self.good("hooks", "install", "opencode")
        self.assertEqual(path.read_text(), ours)
        kept = path.with_name(path.name + ".orig")
        self.assertEqual(kept.read_text(), ours + "// edited\n")
        self.good("hooks", "uninstall", "opencode")
        self.assertFalse(path.exists())
        self.assertTrue(kept.exists())

    def test_hooks_come_out_when_config_and_store_are_broken(self):
        path = self.write(PLAIN)
        for name in ("config.json", "selftune.db"):
            self.good("hooks", "install", "claude")
            for side in ("selftune.db-wal", "selftune.db-shm"):
                (self.home.state / side).unlink(missing_ok=True)
            (self.home.state / name).write_text("{")
            self.good("hooks", "uninstall")
            self.assertEqual(path.read_text(), PLAIN)
            (self.home.state / name).unlink()

    def test_without_a_record_uninstall_still_finds_them(self):
        path = self.write(PLAIN)
        self.good("hooks", "install", "claude")
        shutil.rmtree(self.home.state)
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(path.read_text(), PLAIN)
        self.assertFalse(self.home.database.exists())

    def test_a_file_that_was_written_anew_is_the_persons(self):
        path = self.settings()
        self.settings().parent.mkdir(parents=True)
        self.good("hooks", "install", "claude")
        path.unlink()
        self.write('{"model": "opus"}\n')
        self.good("hooks", "install", "claude")
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(path.read_text(), '{"model": "opus"}\n')
        # The same with a file that was ours and grew.
        path.unlink()
        self.good("hooks", "install", "claude")
        document = json.loads(path.read_text())
        document["model"] = "haiku"
        document["hooks"]["Stop"][0]["hooks"][0]["timeout"] = 7
        path.write_text(json.dumps(document))
        self.assertTrue(self.good("hooks", "install", "claude")["changed"])
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(json.loads(path.read_text()), {"model": "haiku"})

    @unittest.skipIf(os.geteuid() == 0, "root may write anything")
    def test_a_file_that_may_not_be_written_is_not_replaced(self):
        self.write(PLAIN, mode=0o444)
        self.bad("WRITE_FAILED", "hooks", "install", "claude")
        self.assertEqual(self.settings().read_text(), PLAIN)

    def test_a_broken_file_of_a_host_that_has_nothing_of_ours_is_passed_by(self):
        self.write(PLAIN)
        self.write('{"a": 1,}', "gemini")
        self.settings("qwen").mkdir(parents=True)
        self.good("hooks", "install", "claude")
        reply = self.good("hooks", "uninstall")
        self.assertEqual(self.settings().read_text(), PLAIN)
        self.assertIn("could not be read", json.dumps(reply["data"]["platforms"]))
        self.write('{"a": "/usr/bin/selftune-hook gemini",}', "gemini")
        self.bad("SETTINGS_INVALID", "hooks", "uninstall")

    def test_what_cannot_be_read_is_refused_and_left(self):
        for host, text in (("claude_code", '{\n  // a note\n  "a": 1\n}'), ("claude_code", '{"a": 1,}'),
                           ("claude_code", '{"a": '), ("codex", "[]"), ("gemini", '{"hooks": []}'),
                           ("claude_code", '{"hooks": {}, "hooks": {}}'),
                           ("claude_code", '{"hooks": {"Stop": [{"hooks": [], "hooks": []}]}}')):
            with self.subTest(host=host, text=text):
                path = self.write(text, host)
                reply, status = self.bad("SETTINGS_INVALID", "hooks", "install", host)
                self.assertEqual(status, 1)
                self.assertIn(str(path), reply["error"]["message"])
                self.assertEqual(path.read_text(), text)
                self.assertEqual(self.good("hooks", "status", host)["data"]["platforms"][0]["state"], "unreadable")
        reply, _ = self.bad("SETTINGS_INVALID", "hooks", "install", "gemini")
        self.write('{\n  "a": 1,\n}', "qwen")
        reply, _ = self.bad("SETTINGS_INVALID", "hooks", "install", "qwen")
        self.assertIn("line 3, column 1", reply["error"]["message"])

    def test_one_bad_file_holds_up_no_other_host(self):
        self.write("{", "claude_code")
        self.write(PLAIN, "codex")
        reply, _ = self.bad("SETTINGS_INVALID", "hooks", "install")
        actions = {p["id"]: p["action"] for p in reply["data"]["platforms"]}
        self.assertEqual(actions, {"claude_code": "failed", "codex": "installed"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
