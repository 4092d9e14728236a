"""Our own skill among the agents of a made-up home."""

import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import CLI, Place  # noqa: E402

SKILL = ".claude/skills/selftune"
MAIN = SKILL + "/SKILL.md"


class OwnSkill(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        (self.home.path / ".claude").mkdir(parents=True)
        self.cwd = self.root

    def run_cli(self, *argv):
        return subprocess.run([CLI, *argv, "--json"], capture_output=True, text=True, env=self.env(), cwd=self.cwd,
                              check=False, timeout=120)

    def path(self, name):
        return self.home.path / name

    def data(self, *argv):
        return self.good("skill", *argv)["data"]

    def drift(self):
        """Name below the home to state and command."""
        return {str(Path(d["path"]).relative_to(self.home.path)): (d["state"], d["command"])
                for d in self.data("status")["drift"]}

    def states(self):
        return {str(Path(p["path"]).relative_to(self.home.path)): p["state"] for p in self.data("status")["installed"]}

    def rows(self):
        return self.home.sql("SELECT path, kind, hex(sha256), version FROM install ORDER BY path")

    def of_an_older_version(self, name, text="of an older version", kind="skill"):
        """A file as an older selftune left it."""
        path = self.path(name)
        path.write_text(text)
        with sqlite3.connect(self.home.database) as db:
            db.execute("INSERT OR REPLACE INTO install(path,kind,sha256,ours,created_file,version,installed_ms) "
                       "VALUES(?,?,?,'{}',1,'0.0.1',1)", (str(path), kind, hashlib.sha256(text.encode()).digest()))
        db.close()

    def project(self):
        self.cwd = self.root / "repo" / "below"
        self.cwd.mkdir(parents=True)
        (self.root / "repo/.git").mkdir()
        return self.root / "repo"
