#!/usr/bin/env python3
"""A full disk, a folder nobody may write, a kill at any moment: nothing is lost.

    faults_test.py SELFTUNE HOOK [--all]
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

import scene
from scene import StoreTest, dump

StoreTest.program = Path(sys.argv[1]).resolve()
HOOK = Path(sys.argv[2]).resolve()
ALL = "--all" in sys.argv  # every system call, not thirty of them; takes a quarter of an hour
# Row numbers and times of writing depend on how often somebody began anew.
digest = scene.programs.evidence_digest
SANITIZED = scene.SANITIZED


def small_home(test, name):
    home = test.home(name)
    scene.all_recordings(home.path, {"pi", "gemini"})
    return home


class Faults(StoreTest):
    def test_a_full_disk(self):
        """RLIMIT_FSIZE: no file grows beyond it, as on a disk that is full."""
        home = self.home()
        scene.all_recordings(home.path, {"claude-code", "codex"})
        want, size, _ = self.undisturbed(home)

        def limited(limit):
            def apply():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            return apply

        for part in (0.02, 0.2, 0.5, 0.8):
            limit = int(size * part)
            code, reply = home.run("sync", preexec_fn=limited(limit))
            self.assertNotEqual(code, 0, part)
            self.assertIn(reply["error"]["code"], ("STORE_FULL", "DISK_FULL", "WRITE_FAILED"), reply["error"])
            if home.database.exists() and home.database.stat().st_size > 0:
                self.assert_sound_file(home)
        home.good("sync")
        self.assertEqual(digest(home.database), want)
        # Other writers, too: what was there stays, and they work again.
        before = dump(home.database)
        limit = 100_000
        for command in (["backup", "create"], ["export", str(self.scratch / "out")], ["db", "vacuum"],
                        ["recover", "--yes"], ["forget", "--match", "the", "--yes"]):
            with self.subTest(" ".join(command)):
                code, reply = home.run(*command, preexec_fn=limited(limit))
                self.assertNotEqual(code, 0)
                self.assertIn(reply["error"]["code"], ("STORE_FULL", "DISK_FULL", "WRITE_FAILED"), reply["error"])
                # Forgetting notes first that it has begun, to go on later.
                begun = ("meta",) if command[0] == "forget" else ()
                self.assert_same_rows(before, dump(home.database), ("change_clock", *begun))
                shutil.rmtree(self.scratch / "out", ignore_errors=True)
                home.good(*command[:-1] if command[0] == "forget" else command,
                          *(["--dry-run"] if command[0] == "forget" else []))
        self.assert_sound(home)

    def undisturbed(self, home):
        """What a sync gives that nothing disturbs: (digest, size, seconds); the store is gone again."""
        begin = time.monotonic()
        home.good("sync")
        span = time.monotonic() - begin
        want, size = digest(home.database), home.database.stat().st_size
        shutil.rmtree(home.state)
        return want, size, span

    def assert_sound_file(self, home):
        db = home.connect()
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("PRAGMA foreign_key_check").fetchall(), [])
        db.close()

    @unittest.skipIf(shutil.which("setpriv") is None and os.geteuid() == 0,
                     "root may write everywhere, and setpriv is missing")
    def test_a_home_that_may_only_be_read(self):
        home = small_home(self, "home")
        home.good("sync")
        before = dump(home.database)
        as_nobody = []
        if os.geteuid() == 0:
            as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            if subprocess.run([*as_nobody, home.program, "version"], env=home.env(), capture_output=True,
                              check=False).returncode != 0:
                self.skipTest("the program lies where only root may go")
            self.scratch.chmod(0o755)
            for path in [home.path, *home.path.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() else 0o644)
        else:
            for path in [*home.path.rglob("*"), home.path]:
                if not path.is_symlink():
                    path.chmod(0o555 if path.is_dir() else 0o444)
            self.addCleanup(lambda: [p.chmod(0o755) for p in [home.path, *home.path.rglob("*")]
                                     if p.is_dir() and not p.is_symlink()])
        (home.path / ".pi" / "agent" / "sessions").is_dir()
        for command in (["sync", "--force"], ["backup", "create"], ["db", "vacuum"], ["recover", "--yes"],
                        ["forget", "--before", "1d", "--yes"], ["import", str(self.scratch)]):
            with self.subTest(" ".join(command)):
                done = subprocess.run([*as_nobody, home.program, *command, "--json"], env=home.env(),
                                      capture_output=True, text=True, check=False)
                reply = json.loads(done.stdout)
                self.assertNotEqual(done.returncode, 0)
                if command[0] != "import":
                    self.assertIn(reply["error"]["code"],
                                  ("STORE_READ_ONLY", "WRITE_FAILED", "FILE_UNREADABLE"), reply["error"])
                self.assertNotEqual(reply["error"]["message"], "")
        for path in [home.path, *home.path.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
        self.assert_same_rows(before, dump(home.database))
        home.good("sync", "--force")
        self.assert_sound(home)

    def test_two_syncs_at_once(self):
        home = self.home()
        scene.all_recordings(home.path, {"claude-code", "pi"})
        want, _, _ = self.undisturbed(home)
        for _ in range(3):
            running = [home.start("sync") for _ in range(4)]
            for process in running:
                out, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, out + err)
            self.assertEqual(digest(home.database), want)
            shutil.rmtree(home.state)

    def test_killed_at_random_moments(self):
        home = self.home()
        scene.all_recordings(home.path, {"claude-code", "codex", "pi"})
        want, _, span = self.undisturbed(home)
        dice = random.Random(3)
        killed, complete = 0, False
        for _ in range(6 if SANITIZED else 20):
            # One that found nothing new would be over before it could be killed.
            process = home.start("sync", *["--force"][:complete])
            time.sleep(dice.random() * span)
            process.kill()
            process.communicate()
            complete = process.returncode != -signal.SIGKILL
            killed += not complete
            if home.database.exists() and home.database.stat().st_size > 0:
                self.assert_sound_file(home)
            if dice.random() < 0.2:
                home.good("sync")
                complete = True
                self.assertEqual(digest(home.database), want)
        self.assertGreater(killed, 2)
        home.good("sync")
        self.assertEqual(digest(home.database), want)
        self.assert_sound(home)


@unittest.skipIf(shutil.which("strace") is None, "strace is missing")
@unittest.skipIf(SANITIZED, "its runtime makes thousands of other calls")
class EverySystemCall(StoreTest):
    """Ingest, killed at every call that changes a file, and with each of them failing."""

    CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "renameat2", "mkdir",
             "fchmod")
    ERRORS = {"pwrite64": "ENOSPC", "write": "ENOSPC", "fdatasync": "EIO", "fsync": "EIO", "ftruncate": "EIO"}

    def traced(self, home, *expressions):
        log = self.scratch / "log"
        options = [word for e in expressions for word in ("-e", e)]
        done = subprocess.run(["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(log), *options,
                               home.program, "sync", "--json"], env=home.env(), capture_output=True,
                              text=True, check=False, timeout=60)  # a sync that hangs is a failure
        return done, log.read_text(errors="replace")

    def test_it(self):
        home = self.home()
        scene.all_recordings(home.path, {"gemini"})
        fresh = self.scratch / "fresh"
        shutil.copytree(home.path, fresh, symlinks=True)
        done, log = self.traced(home, f"trace={','.join(self.CALLS)}")
        self.assertEqual(done.returncode, 0, done.stderr)
        want = digest(home.database)
        seen, cases = Counter(), []
        for line in log.splitlines():
            name = line.split("(")[0].split()[-1]
            if name not in self.CALLS or "(" not in line:
                continue
            seen[name] += 1
            if ".selftune" in line:
                cases.append((name, seen[name], f"signal=SIGKILL:when={seen[name]}"))
                if name in self.ERRORS:
                    cases.append((name, seen[name], f"error={self.ERRORS[name]}:when={seen[name]}"))
        self.assertGreater(len(cases), 60)
        # A page is written hundreds of times; calls of one kind at one file are alike.
        if not ALL:
            cases = sorted(random.Random(17).sample(cases, 30))
        reached = 0
        for name, nth, what in cases:
            with self.subTest(f"{name} {what}"):
                shutil.rmtree(home.state, ignore_errors=True)
                done, log = self.traced(home, f"trace={name}", f"inject={name}:{what}")
                # Two threads read, and a wait ends a transaction: a call may come earlier, later or never.
                reached += "killed by SIGKILL" in log or "(INJECTED)" in log
                if "SIGKILL" in what:
                    self.assertTrue("killed by SIGKILL" in log or done.returncode == 0)
                elif done.returncode != 0 and not done.stdout:
                    # It was the reply that could not be written.
                    self.assertTrue(any("(INJECTED)" in x and "<pipe:" in x for x in log.splitlines()), log[-500:])
                elif done.returncode != 0:
                    reply = json.loads(done.stdout)
                    self.assertIn(reply["error"]["code"],
                                  ("STORE_FULL", "DISK_FULL", "WRITE_FAILED", "STORE_READ_ONLY"), reply["error"])
                home.good("sync")
                self.assertEqual(digest(home.database), want)
        self.assertGreater(reached, len(cases) * 2 / 3)


class ManyWriters(StoreTest):
    """Eight processes of a thousand hook events each, a sync, and readers."""

    WRITERS, EACH = 8, 60 if SANITIZED else 1000

    def test_nothing_is_lost(self):
        home = self.home()
        scene.all_recordings(home.path, {"pi"})
        home.good("sync")
        others = home.sql("SELECT count(*) FROM prompts")[0][0]
        writer = ("import json,os,sys\n"
                  "hook,who,each,folder=sys.argv[1],sys.argv[2],int(sys.argv[3]),sys.argv[4]\n"
                  "for n in range(each):\n"
                  "    event={'session_id':f'writer-{who}','transcript_path':'/nowhere/x.jsonl','cwd':'/w',"
                  "'hook_event_name':'UserPromptSubmit','prompt':f'prompt {who}-{n}'}\n"
                  "    name=f'{folder}/{who}'\n"
                  "    open(name,'w').write(json.dumps(event))\n"
                  "    pid=os.posix_spawn(hook,[hook,'claude-code'],os.environ,"
                  "file_actions=[(os.POSIX_SPAWN_OPEN,0,name,os.O_RDONLY,0)])\n"
                  "    assert os.waitpid(pid,0)[1]==0\n")
        env = home.env()
        running = [subprocess.Popen([sys.executable, "-c", writer, str(HOOK), str(who), str(self.EACH),
                                     str(self.scratch)], env=env)
                   for who in range(self.WRITERS)]
        # Whatever fails below, nobody is waited for without end.
        self.addCleanup(lambda: [p.kill() for p in running if p.poll() is None])
        failures = []

        def meanwhile():
            while any(p.poll() is None for p in running):
                for command in (["sync"], ["status"], ["query", "SELECT count(*) FROM prompts"], ["backup", "create"]):
                    code, reply = home.run(*command)
                    if code != 0:
                        failures.append((command, reply["error"]))

        thread = threading.Thread(target=meanwhile, daemon=True)
        thread.start()
        for process in running:
            self.assertEqual(process.wait(timeout=500), 0)
        thread.join(timeout=120)
        self.assertFalse(thread.is_alive())
        self.assertEqual(failures, [])
        home.good("sync")
        rows = home.sql("SELECT prompt_text FROM prompts WHERE session_id LIKE 'writer-%'")
        want = {f"prompt {who}-{n}" for who in range(self.WRITERS) for n in range(self.EACH)}
        self.assertEqual(len(rows), len(want))
        self.assertEqual({r[0] for r in rows}, want)
        self.assertEqual(home.sql("SELECT count(*) FROM prompts")[0][0], others + len(want))
        self.assert_sound(home)


if __name__ == "__main__":
    scene.main(3)
