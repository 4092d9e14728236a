"""What the tests of `import upstream` share."""

import hashlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "cli"))
sys.path.insert(0, str(TESTS / "data" / "upstream"))
import cli_case  # noqa: E402
import reference  # noqa: E402

KEPT = ("grading_results", "grading_baselines", "unit_test_files", "unit_test_run_results",
        "package_evaluation_reports", "package_candidates", "package_search_runs",
        "canonical_upload_staging", "upload_queue", "upload_watermarks", "creator_contribution_staging", "_meta")
CLOCKS = {"updated_ms", "normalized_at", "last_read_ms", "seen_ms", "at_ms"}


def sha(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def tree(folder):
    """What is in a folder: names, modes, bytes."""
    return {str(path.relative_to(folder)): (path.lstat().st_mode, path.is_file() and sha(path))
            for path in sorted(pathlib.Path(folder).rglob("*"))}


def rows(path, sql, *args):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        out = db.execute(sql, args).fetchall()
    db.close()
    return out


def dump(path, skip=("meta", "change_clock", "source_file", "sqlite_sequence")):
    """All rows of all tables but times of writing."""
    out = {}
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY 1").fetchall():
            if name in skip:
                continue
            cursor = db.execute('SELECT * FROM "%s"' % name)
            names = [c[0] for c in cursor.description]
            keep = [i for i, n in enumerate(names) if n not in CLOCKS]
            out[name] = sorted(repr([row[i] for i in keep]) for row in cursor.fetchall())
    db.close()
    return out


class ImportCase(cli_case.CliTest):
    def setUp(self):
        super().setUp()
        self.state = self.home / ".selftune"
        self.store = self.state / "selftune.db"
        self.old = self.home / "old" / "selftune.db"
        self.old.parent.mkdir()

    def build(self, sql, path=None):
        path = path or self.old
        path.parent.mkdir(exist_ok=True, parents=True)
        reference.build(path, sql)
        return path

    def take(self, *argv, code=0, **more):
        doc = self.envelope("import", "upstream", *argv, code=code, **more)
        self.counts = {row["table"]: row for row in (doc["data"] or {"tables": []})["tables"]}
        return doc

    def take_old(self, sql):
        self.build(sql)
        doc = self.take("--db", str(self.old))
        self.assert_reconciled(self.old)
        return doc["data"]

    def take_more(self, sql):
        """Another database at the same place."""
        self.old.unlink()
        self.build(sql)
        self.assertTrue(self.take("--db", str(self.old))["data"]["reconciled"])

    def assert_reconciled(self, path):
        """Against counts of our own, and against the map itself."""
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
            names = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'")]
            there = {n: db.execute('SELECT count(*) FROM "%s"' % n.replace('"', '""')).fetchone()[0] for n in names}
        db.close()
        mapped = dict(rows(self.store, "SELECT tbl,count(*) FROM import_map GROUP BY 1"))
        for name, count in there.items():
            row = self.counts[name]
            self.assertEqual(row["source"], count, name)
            self.assertEqual(row["imported"] + row["merged"] + row["kept"] + row["rejected"], count, name)
            self.assertEqual(mapped.get(name, 0), count, name)

    def q(self, sql, *args):
        return rows(self.store, sql, *args)

    def hosts_check(self, host, *argv):
        done = subprocess.run([sys.executable, "-B", str(TESTS / "tools" / "hosts_check"), "--db", str(self.store), "--expected",
                               str(TESTS / "data" / "hosts" / host / "EXPECTED.json"), *argv], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        self.assertRegex(done.stdout, r"[1-9]\d* passed, 0 failed")

    def note(self, table, src):
        (text,), = self.q("SELECT note FROM import_map WHERE tbl=? AND src_id=?", table, src)
        return json.loads(text) if text else {}

    def assert_sound(self):
        self.envelope("db", "check", "--deep")
        self.hosts_check("claude-code", "--only", "views,invariants")
        for one, what in (
                ("SELECT count(*) FROM execution_facts", "SELECT count(*) FROM sessions"),
                ("SELECT count(*) FROM queries", "SELECT count(*) FROM prompts WHERE is_actionable=1"),
                ("SELECT count(*) FROM prompts WHERE is_actionable<>(prompt_kind='user')", "SELECT 0"),
                ("SELECT count(*) FROM (SELECT session_id,prompt_index FROM prompts GROUP BY 1,2 HAVING count(*)>1)", "SELECT 0"),
                ("SELECT count(*) FROM skill_invocations i WHERE matched_prompt_id IS NOT NULL AND NOT EXISTS(SELECT 1 FROM prompts p"
                 " WHERE p.prompt_id=i.matched_prompt_id AND p.session_id=i.root_session_id AND p.prompt_kind='user')", "SELECT 0"),
                ("SELECT coalesce(sum(total_tool_calls),0)||':'||coalesce(sum(errors_encountered),0) FROM execution_facts",
                 "SELECT coalesce(sum(calls),0)||':'||coalesce(sum(errors),0) FROM tool_calls"),
                ("SELECT count(*) FROM tool_calls WHERE errors>calls OR calls<1", "SELECT 0"),
                ("SELECT count(*) FROM execution_facts WHERE reasoning_output_tokens>output_tokens", "SELECT 0")):
            self.assertEqual(self.q(one), self.q(what), one)

    def refused(self, work):
        """How long, at the worst, somebody else could not write meanwhile: in seconds of CPU time that the
        command took for it, because a busy machine may let it wait at any place."""
        longest, ended = [0.0], threading.Event()

        def ask():
            with sqlite3.connect(self.store, timeout=0, isolation_level=None) as db:
                since = None
                while not ended.is_set():
                    now = self.cpu_of_children()
                    try:
                        db.execute("BEGIN IMMEDIATE")
                        db.execute("ROLLBACK")
                        since = None
                    except sqlite3.OperationalError:
                        since = now if since is None else since
                        longest[0] = max(longest[0], now - since)
                    time.sleep(0.005)
            db.close()
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            work()
        finally:
            ended.set()
            asking.join()
        return longest[0]

    @staticmethod
    def cpu_of_children():
        ticks = 0
        for children in pathlib.Path("/proc/self/task").glob("*/children"):
            for pid in children.read_text(encoding="ascii").split():
                try:
                    stat = pathlib.Path("/proc", pid, "stat").read_text(encoding="utf-8", errors="replace")
                except OSError:
                    continue  # it has ended
                ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def main(argv):
    """SELFTUNE SCHEMA_DIR [unittest arguments]"""
    cli_case.SELFTUNE = str(pathlib.Path(argv[1]).resolve())
    cli_case.load_schemas(argv[2])
    unittest.main(module="__main__", argv=[argv[0], *argv[3:]])
