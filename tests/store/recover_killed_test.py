#!/usr/bin/env python3
"""Recovery that is killed: the store is the old or the new one.

    recover_killed_test.py SELFTUNE
"""

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import scene
from scene import StoreTest, dump

StoreTest.program = Path(sys.argv[1]).resolve()


@unittest.skipIf(shutil.which("strace") is None, "strace is missing")
@unittest.skipIf(scene.SANITIZED, "leaks are not found in a traced process")
class Killed(StoreTest):
    """Killed at any call that changes a file, the store is the old or the new one."""

    def test_at_every_step_of_the_swap(self):
        full = self.home("full")
        scene.all_recordings(full.path, {"pi"})
        full.good("sync")
        db = full.connect()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        old = dump(full.database)
        calls = ("renameat2,rename,unlink,link,openat,fsync,fdatasync,ftruncate")
        log = self.scratch / "log"
        whole = self.copy_of(full, "whole")
        self.traced(log, whole, f"trace={calls}")
        names = [line.split("(")[0].split()[-1] for line in log.read_text().splitlines()
                 if ".selftune" in line]
        self.assertIn("link", names)
        counts = {}
        steps = []
        for line in log.read_text().splitlines():
            if "(" not in line:
                continue
            name = line.split("(")[0].split()[-1]
            counts[name] = counts.get(name, 0) + 1
            if ".selftune" in line and name in ("rename", "renameat2", "unlink", "link", "fsync", "fdatasync"):
                steps.append((name, counts[name]))
        self.assertGreater(len(steps), 5)
        # Most flushes are those of a file that nobody looks at yet.
        flushes = [step for step in steps if step[0] == "fdatasync"]
        steps = [step for step in steps if step not in flushes[2:]]
        for name, nth in steps:
            with self.subTest(f"{name} {nth}"):
                home = self.copy_of(full, f"home-{name}-{nth}")
                self.traced(log, home, f"trace={name}", f"inject={name}:signal=SIGKILL:when={nth}", dies=True)
                # Any reader or writer finds a whole store, and what is written now stays.
                home.good("status")
                if not Path(f"{home.database}.swapping").exists():
                    home.good("db", "vacuum")
                db = home.connect()
                db.execute("INSERT INTO budget VALUES('day',?,1,0,0,0,0)", (f"{name}-{nth}",))
                db.commit()
                db.close()
                home.good("db", "vacuum")
                self.assertEqual(home.sql("SELECT count(*) FROM budget"), [(1,)])
                db = home.connect()
                db.execute("DELETE FROM budget")
                db.commit()
                db.close()
                self.assert_same_rows(old, dump(home.database), scene.OTHERWISE)
                data = home.good("recover", "--yes")["data"]
                self.assertFalse(data["damaged"])
                self.assert_same_rows(old, dump(home.database), scene.OTHERWISE)
                left = [p.name for p in home.state.iterdir() if p.name.endswith((".rebuilding", ".swapping"))]
                self.assertEqual(left, [])
                shutil.rmtree(home.path)

    def traced(self, log, home, *expressions, dies=False):
        options = [word for e in expressions for word in ("-e", e)]
        done = subprocess.run(["strace", "-f", "-qq", "-y", "-o", str(log), *options, home.program,
                               "recover", "--yes", "--json"], env=home.env(), capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode != 0, dies, done.stdout + done.stderr)


if __name__ == "__main__":
    scene.main(2)
