#!/usr/bin/env python3
"""`selftune init`, killed at any moment: the next one ends as if nothing had been.

    init_kill_test.py SELFTUNE SELFTUNE_HOOK [--sanitized] [--all]

--all: at every system call that changes a file; takes minutes.
"""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "perf"))

from place import CLI, HOOK, PLAIN, Place, harness, ours  # noqa: E402
from subject import evidence_digest  # noqa: E402

ALL = "--all" in sys.argv
SANITIZED = "--sanitized" in sys.argv
DATA = Path(__file__).resolve().parents[1] / "data/hosts"
CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fchmod", "mkdir", "link",
         "rename", "renameat2", "unlink")
HOOKS_OF_A_PERSON = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "echo mine"}]}]}})
CONFIG_OF_A_PERSON = '{ "guards" : "block",\n  "theirs": {"kept": [1]} }\n'


@unittest.skipIf(shutil.which("strace") is None, "strace is missing")
@unittest.skipIf(SANITIZED, "its runtime makes thousands of other calls")
class Killed(Place):
    """On a machine with agents of each kind, whose settings the person wrote."""

    def setUp(self):
        super().setUp()
        for name in ("claude", "codex", "opencode"):
            self.agent(name)
        # Memory instead of a disk: there are thousands of flushes.
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        folder = tempfile.TemporaryDirectory(prefix="selftune-kill-", dir=shm)
        self.addCleanup(folder.cleanup)
        self.home = harness.Home(Path(folder.name) / "a b/home", HOOK, CLI)
        self.fresh = self.home.path.parent / "fresh"
        shutil.copytree(DATA / "pi/0.87.1/home", self.home.path, dirs_exist_ok=True)
        self.write(PLAIN[:-2].rstrip() + ',\n  "hooks"' + HOOKS_OF_A_PERSON[8:] + "\n")
        self.write(HOOKS_OF_A_PERSON, "codex")
        (self.home.path / ".claude/agents").mkdir()
        (self.home.path / ".claude/agents/mine.md").write_text("mine")

    def config_of_a_person(self):
        self.home.state.mkdir(mode=0o700)
        (self.home.state / "config.json").write_text(CONFIG_OF_A_PERSON)

    def back_to_fresh(self):
        shutil.rmtree(self.home.path)
        shutil.copytree(self.fresh, self.home.path, symlinks=True)

    def traced(self, *expressions, command=("init",)):
        log = self.root / "log"
        options = [word for e in expressions for word in ("-e", e)]
        done = subprocess.run(["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(log), *options, str(CLI), *command,
                               "--json"], env=self.env(), cwd=self.root, capture_output=True, check=False, timeout=60)
        return done.returncode, log.read_text(errors="replace")

    def moments(self, calls=CALLS, command=("init",)):
        """(call, its number, what it is about) of each change of a file in an undisturbed run."""
        status, log = self.traced("trace=" + ",".join(calls), command=command)
        self.assertEqual(status, 0, log[-500:])
        seen, out = dict.fromkeys(calls, 0), []
        for line in log.splitlines():
            match = re.match(r"\d+ +(\w+)\(", line)
            if not match or match.group(1) not in calls:
                continue
            call = match.group(1)
            seen[call] += 1
            if str(self.home.path) not in line or (call == "openat" and "O_CREAT" not in line):
                continue
            path = re.findall(re.escape(str(self.home.path)) + r'([^">]*)', line)[-1]
            # Files of our skill are alike, and so are those with names of the moment.
            kind = re.sub(r"/selftune/.*|/agents/.*|[0-9a-f-]{9,}", "", path)
            out.append((call, seen[call], kind))
        return out

    def some_of(self, moments, most):
        """Before and after each file of the person's is another, and so many of the rest, of each kind one."""
        if ALL:
            return [m for m in moments if m[0] != "pwrite64"] + [m for m in moments if m[0] == "pwrite64"][::10]
        dice, kinds = random.Random(11), {}
        for moment in moments:
            kinds.setdefault((moment[0], moment[2]), []).append(moment)
        swaps = [at for at, (call, _, kind) in enumerate(moments)
                 if call in ("rename", "renameat2", "link")
                 and kind.endswith((".json", ".js")) and "/backups/" not in kind]
        always = [moments[at] for swap in swaps for at in (swap, swap + 1)]
        one_each = [dice.choice(kind) for kind in kinds.values()]
        return always + dice.sample(one_each, min(most, len(one_each)))

    def world(self):
        """Everything that is there, without moments, row numbers and SQLite's own files."""
        tree = {}
        for path, entry in self.tree(but=()).items():
            if "/selftune.db" not in path and path not in (".selftune/config.json",) and "/locks/" not in path:
                tree[re.sub(r"/\d{13}-", "/", path)] = entry
        config = json.loads((self.home.state / "config.json").read_text())
        config.pop("initialized_at")
        # The configuration says when it was made, and its hash is another each time.
        rows = self.home.sql("SELECT path,kind,platform,ours,CASE kind WHEN 'other' THEN '' ELSE hex(sha256) END,"
                             "created_file,backup_path,version FROM install ORDER BY path,kind")
        rows = [tuple(re.sub(r"/\d{13}-", "/", x) if isinstance(x, str) else x for x in row) for row in rows]
        return {"files": tree, "config": config, "rows": rows, "evidence": evidence_digest(self.home.database)}

    def assert_same(self, now, want):
        for part, value in want.items():
            if part == "files":
                self.assertEqual(sorted(now[part]), sorted(value))
            self.assertEqual(now[part], value, part)

    def whole(self):
        """Right after the kill: each file of the person's is the old or the new one."""
        for host in ("claude_code", "codex"):
            self.assertIn("echo mine", json.dumps(json.loads(self.settings(host).read_text())))
        config = self.home.state / "config.json"
        if config.exists():
            json.loads(config.read_text())
        for temp in self.home.state.rglob(".selftune-tmp-*"):
            os.utime(temp, (time.time() - 7200,) * 2)  # its writer could still be at it else

    def check(self, most):
        before = self.tree()
        shutil.copytree(self.home.path, self.fresh, symlinks=True)
        moments = self.some_of(self.moments(), most)
        want = self.world()
        events = [event for event, _, _ in ours(self.settings().read_text())]
        self.assertEqual(sorted(events), sorted(set(events)))  # each of our hooks once
        self.good("uninstall", "--yes")
        self.assertEqual(self.tree(), before)
        after = self.config_bytes()
        killed = 0
        for call, nth, about in moments:
            with self.subTest(f"{call} {nth} {about}"):
                self.back_to_fresh()
                _, log = self.traced(f"trace={call}", f"inject={call}:signal=SIGKILL:when={nth}")
                # Two threads read at once: a call may come earlier, later or never.
                killed += "killed by SIGKILL" in log
                self.whole()
                self.good("init", "--dry-run")
                self.good("init")
                self.assert_same(self.world(), want)
                self.good("uninstall", "--yes")
                self.assertEqual(self.tree(), before)
                self.assertEqual(self.config_bytes(), after)
        self.assertGreater(killed, len(moments) * 2 / 3)

    def config_bytes(self):
        path = self.home.state / "config.json"
        return path.read_bytes() if path.exists() else None

    def test_on_a_machine_that_never_had_selftune(self):
        self.check(15)

    def test_with_settings_of_a_person(self):
        self.config_of_a_person()
        self.check(5)

    def test_while_it_takes_over_the_references_installation(self):
        self.installation_of_the_reference()
        self.check(5)


    def test_an_uninstall_that_was_killed_is_ended_by_the_next_one(self):
        command = ("uninstall", "--yes")
        before = self.tree()
        self.good("init", "--no-sync")
        shutil.copytree(self.home.path, self.fresh, symlinks=True)
        moments = self.moments(calls=("rmdir", "unlink", "rename", "pwrite64"), command=command)
        self.assertEqual(self.tree(), before)
        # At each folder, and before and after each file that goes.
        mine = [m for m in moments if not m[2].startswith("/.selftune")]
        dice = random.Random(17)
        some = mine if ALL else [m for m in mine if m[0] == "rmdir"] + dice.sample(mine, 10)
        some += dice.sample([m for m in moments if m[0] == "pwrite64"], 10)
        self.assertGreater(len([m for m in some if m[0] == "rmdir"]), 3)
        killed = 0
        for call, nth, about in some:
            with self.subTest(f"{call} {nth} {about}"):
                self.back_to_fresh()
                _, log = self.traced(f"trace={call}", f"inject={call}:signal=SIGKILL:when={nth}", command=command)
                killed += "killed by SIGKILL" in log
                self.good(*command)
                self.assertEqual(self.tree(), before)
        self.assertGreater(killed, len(some) * 2 / 3)

    def test_a_copy_that_no_row_knew_of_is_the_one_that_is_kept(self):
        skill = self.home.path / ".claude/skills/selftune/SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: selftune\ndescription: Mine.\n---\n")
        command = ("skill", "install", "--agent", "claude", "--replace")
        fresh = {p: p.read_bytes() for p in self.home.path.rglob("*") if p.is_file()}
        self.good("init", "--no-skill", "--no-sync")
        shutil.copytree(self.home.path, self.fresh, symlinks=True)
        replaced = self.home.state / "backups/replaced"
        moments = self.moments(calls=("rename", "renameat2", "link", "pwrite64"), command=command)
        self.assertEqual(len(list(replaced.iterdir())), 1)
        copied = max(at for at, (call, _, kind) in enumerate(moments) if call != "pwrite64" and "/backups/replaced" in kind)
        left = 0
        for call, nth, _ in [m for m in moments[copied:] if m[0] == "pwrite64"][:3]:
            with self.subTest(nth):
                self.back_to_fresh()
                self.traced(f"trace={call}", f"inject={call}:signal=SIGKILL:when={nth}", command=command)
                left += replaced.exists() and any(replaced.iterdir()) and not self.home.sql(
                    "SELECT 1 FROM install WHERE backup_path LIKE '%/replaced/%'")
                self.good(*command)
                self.assertEqual(len(list(replaced.iterdir())), 1)
                self.good("skill", "uninstall")
                self.assertEqual(skill.read_bytes(), fresh[skill])
                self.assertEqual(list(replaced.iterdir()), [])
        self.assertGreater(left, 0)


class Left(Place):
    """What was left, without a kill."""

    def setUp(self):
        super().setUp()
        self.agent("claude")
        self.config = self.home.state / "config.json"

    def temps(self, age):
        out = []
        for folder in ("", "backups/install", "hooks"):
            path = self.home.state / folder / ".selftune-tmp-0011223344aabbcc"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{")
            os.utime(path, (time.time() - age,) * 2)
            out.append(path)
        return out

    def test_a_temporary_file_goes_when_nobody_can_be_writing_it(self):
        old, theirs = self.temps(7200), self.home.state / ".selftune-tmp-mine"
        theirs.write_text("mine")
        self.good("init", "--dry-run")
        self.assertEqual([path.exists() for path in old], [True] * 3)
        self.good("init", "--no-sync")
        self.assertEqual([path.exists() for path in old], [False] * 3)
        young = self.temps(60)
        self.good("init", "--no-sync")
        self.assertEqual([path.exists() for path in young], [True] * 3)
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual([path.name for path in self.home.state.iterdir()], [theirs.name])

    def test_what_a_person_set_between_two_inits_survives_the_way_back(self):
        self.home.state.mkdir(mode=0o700)
        self.config.write_text(CONFIG_OF_A_PERSON)
        self.good("init", "--no-sync")
        self.good("config", "set", "guards", "advise")
        self.good("init", "--no-sync", "--autonomy", "propose")
        self.good("uninstall", "--yes")
        now = json.loads(self.config.read_text())
        self.assertEqual((now["guards"], now["theirs"]), ("advise", {"kept": [1]}))
        self.assertNotIn("agents", now)

    def test_a_store_that_nobody_filled_is_none_yet(self):
        self.home.state.mkdir(mode=0o700)
        with sqlite3.connect(self.home.database) as db:
            db.execute("PRAGMA journal_mode=WAL")
        db.close()
        self.assertEqual(self.bad("STORE_MISSING", "status")[0]["next"]["argv"], ["selftune", "sync"])
        for more in (("--dry-run",), ()):
            steps = {step["id"]: step["status"] for step in self.good("init", *more)["data"]["steps"]}
            self.assertEqual((steps["import"], steps["store"], steps["sync"]), ("skipped", "done", "done"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
