#!/usr/bin/env python3
"""What `sync` reads, when a person says what: hosts, an age, all anew, nothing yet.

    sync_options_test.py SELFTUNE
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from claude_home import Home  # noqa: E402

SELFTUNE = Path(sys.argv[1]).resolve()
DATA = Path(__file__).resolve().parents[1] / "data" / "hosts"
DAY = 24 * 3600


class SyncOptions(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="selftune-sync-"))
        self.addCleanup(shutil.rmtree, self.scratch, True)
        self.home = Home(self.scratch / "home")
        self.home.root.mkdir()
        now = datetime.now(timezone.utc)
        self.old, self.young = (self.home.session(now - timedelta(days=d), None) for d in (30, 1))
        for session, days in ((self.old, 30), (self.young, 1)):
            session.ask("a question")
            os.utime(session.path, (time.time() - days * DAY,) * 2)
        # A second host.
        pi = next((DATA / "pi").glob("*/home"))
        for source in pi.rglob("*.jsonl"):
            target = self.home.root / ".pi" / source.relative_to(next(pi.rglob(".pi")))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def sync(self, *options):
        env = {"HOME": str(self.home.root), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run([str(SELFTUNE), "sync", *options], capture_output=True, check=False, env=env,
                              timeout=300)
        reply = json.loads(done.stdout)
        self.assertEqual((done.returncode, reply["error"]), (0, None), options)
        return reply

    def read(self, *options):
        """Files that a sync with these options read, by host."""
        sources = self.sync(*options)["data"]["sources"]
        return {host: source["changed"] for host, source in sources.items() if source["changed"]}

    def tree(self):
        return {str(p): (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "")
                for p in self.home.root.rglob("*")}

    def test_only_some_hosts(self):
        """The names of hosts, as people write them too."""
        self.assertEqual(set(self.read("--only", "claude")), {"claude_code"})
        self.assertEqual(set(self.read("--only", "claude_code,pi")), {"pi"})
        self.assertEqual(self.read(), {})

    def test_hosts_are_sources_too(self):
        """--source is another name of --only: together they are one list."""
        self.assertEqual(set(self.read("--source", "claude")), {"claude_code"})
        self.assertEqual(set(self.read("--only=claude", "--source=pi,codex")), {"pi"})
        self.assertEqual(set(self.read("--force", "--source", "claude", "--only", "pi")), {"claude_code", "pi"})

    def test_since(self):
        """Older files wait until they are asked for."""
        self.assertEqual(self.read("--only", "claude", "--since", "7d"), {"claude_code": 1})
        self.assertEqual(self.read("--only", "claude", "--since", "7d"), {})
        day = (datetime.now(timezone.utc) - timedelta(days=60)).strftime("%Y-%m-%d")
        self.assertEqual(self.read("--only", "claude", "--since", day), {"claude_code": 1})

    def test_force(self):
        """All is read again and says the same."""
        first = self.read()
        self.assertEqual(self.read(), {})
        self.assertEqual(self.read("--force"), first)
        self.assertEqual(self.read("--force", "--only", "pi"), {"pi": first["pi"]})

    def test_dry_run(self):
        """Says what would be read; no file changes, none appears."""
        before = self.tree()
        reply = self.sync("--dry-run")
        self.assertTrue(reply["dry_run"])
        self.assertFalse(reply["changed"])
        self.assertEqual(self.tree(), before)
        planned = {h: s["changed"] for h, s in reply["data"]["sources"].items() if s["changed"]}
        self.assertEqual(self.read(), planned)
        self.assertEqual(self.read("--dry-run"), {})
        self.assertEqual(self.read("--dry-run", "--force"), planned)
        self.assertEqual(self.read("--dry-run", "--force", "--only", "claude", "--since", "7d"), {"claude_code": 1})

    def test_nothing_is_left_to_fold_in(self):
        """All that a sync writes is in the database at its end, also when it was."""
        state = self.home.root / ".selftune"
        for _ in range(2):
            self.sync()
            self.assertEqual((state / "selftune.db-wal").stat().st_size, 0)
            db = sqlite3.connect(f"file:{state / 'selftune.db'}?mode=ro", uri=True)
            told = db.execute("SELECT value FROM meta WHERE key='last_sync_ms'").fetchone()
            db.close()
            self.assertLess(abs(time.time() * 1000 - int(told[0])), 60_000)
            self.home.session(datetime.now(timezone.utc), None).ask("another question")

    def test_written_over(self):
        """Another text of the same size, with the time put back, replaces what was read."""
        self.read()
        stat = self.old.path.stat()
        time.sleep(0.05)  # a tick of the file system
        text = self.old.path.read_bytes()
        with open(self.old.path, "r+b") as out:
            out.write(text.replace(b"a question", b"A QUESTION"))
        os.utime(self.old.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.assertEqual(self.read(), {"claude_code": 1})
        self.assertEqual(self.prompts(), [["A QUESTION", 1], ["a question", 1]])

    def test_changed_far_before_its_old_end_and_grown(self):
        """Shows in the last kilobyte that was read when what lies behind it moved; else --force finds it."""
        for number in range(40):
            self.old.ask(f"{number:02} " + "words " * 20)
        self.read()
        for words, options in (("other words that are longer", ()), ("OTHER WORDS THAT ARE LONGER", ("--force",))):
            text = self.old.path.read_text()
            old = "10 words words" if not options else "10 other words that are longer"
            self.assertEqual(text.count(old), 1)
            with open(self.old.path, "r+") as out:
                out.write(text.replace(old, "10 " + words))
            self.old.ask("and one more")
            self.assertEqual(self.read("--only", "claude", *options)["claude_code"], 2 if options else 1)
            self.assertEqual(sum(prompt.startswith("10 " + words) for prompt, _ in self.prompts()), 1, words)
            self.assertEqual(sum(prompt.startswith("10 ") for prompt, _ in self.prompts()), 1)

    def prompts(self):
        """What Claude Code was asked, and how often."""
        env = {"HOME": str(self.home.root), "PATH": "/usr/bin:/bin"}
        done = subprocess.run([str(SELFTUNE), "query", "SELECT prompt_text, count(*) FROM prompts WHERE "
                               "platform='claude_code' GROUP BY 1 ORDER BY 1"], capture_output=True, check=True, env=env)
        return json.loads(done.stdout)["data"]["rows"]
        self.assertEqual(self.read(), {})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
