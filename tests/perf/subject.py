"""The programs under test: how selftune is started against a home and a store."""

import hashlib
import shutil
import sqlite3
import sys
from pathlib import Path

import measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import surroundings  # noqa: E402


class Subject:
    """selftune of one build directory."""

    def __init__(self, build):
        self.build = Path(build).resolve()
        measure.use_build(self.build)
        self.cli = self.build / "frontends" / "cli" / "selftune"
        self.dashboard = self.build / "frontends" / "dashboard" / "selftune-dashboard"
        self.hook = self.build / "frontends" / "hook" / "selftune-hook"
        self.python = self.build / "bindings" / "python"

    def yard(self, name):
        return self.build / "tests" / "perf" / name

    @staticmethod
    def env(home, state):
        return surroundings.environment(home, SELFTUNE_HOME=str(state))

    def sync(self, home, state, *options):
        return measure.run([self.cli, "sync", *options], self.env(home, state))

    def cold_sync(self, home, state, *options):
        shutil.rmtree(state, ignore_errors=True)
        Path(state).mkdir(parents=True)
        return self.sync(home, state, *options)

    def command(self, home, state, *argv, accept=(0,)):
        return measure.run([self.cli, *argv], self.env(home, state), accept=accept)


def database(state):
    return Path(state) / "selftune.db"


def evidence_digest(path):
    """One hash over what the public views say, without row numbers and times of writing."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    digest = hashlib.sha256()
    views = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='view' ORDER BY 1")]
    for view in ("sessions", "prompts", "skill_invocations", "execution_facts", "tool_calls",
                 "exposures", "bad_lines"):
        if view not in views:
            continue
        columns = [c[1] for c in db.execute(f"PRAGMA table_info({view})")
                   if c[1] not in ("id", "normalized_at", "is_live")]
        names = ", ".join(columns)
        digest.update(view.encode())
        for row in sorted(map(repr, db.execute(f"SELECT {names} FROM {view}"))):
            digest.update(row.encode())
    db.close()
    return digest.hexdigest()
