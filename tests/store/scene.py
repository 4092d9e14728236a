"""What the store suites share: a home, the program, a store with rows in every table."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "perf"))
sys.path.insert(0, str(TESTS / "support"))

import schema_check  # noqa: E402
import subject as programs  # noqa: E402, F401  # its digest of the evidence
import surroundings  # noqa: E402

DATA = TESTS / "data" / "hosts"
API = TESTS.parent / "libselftune" / "api" / "schema"
# A sanitizer's runtime makes calls and takes memory of its own, and is slow.
SANITIZED = "--sanitized" in sys.argv
DERIVED = {"counter", "rollup_dirty", "skill_day", "skill_session", "skill_total"}
# What is computed, noted at each command, or says where to read on.
OTHERWISE = DERIVED | {"change_clock", "meta", "source_file"}
SCHEMAS = {}


def schemas():
    if not SCHEMAS:
        for path in API.glob("*.json"):
            schema = json.loads(path.read_text(encoding="utf-8"))
            SCHEMAS[schema["$id"]] = schema
    return SCHEMAS


def all_recordings(home, only=None):
    """The recorded homes of every host, laid over each other."""
    for expected in sorted(DATA.rglob("EXPECTED.json")):
        if only is not None and expected.relative_to(DATA).parts[0] not in only:
            continue
        truth = json.loads(expected.read_text(encoding="utf-8"))
        shutil.copytree(expected.parent / truth["home"], home, symlinks=True, dirs_exist_ok=True)


class Home:
    """A person's home with a state folder in it."""

    def __init__(self, path, selftune):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.state = self.path / ".selftune"
        self.database = self.state / "selftune.db"
        self.program = str(selftune)

    def env(self, **more):
        return surroundings.environment(self.path, **more)

    def start(self, *argv, **options):
        options.setdefault("env", self.env())
        return subprocess.Popen([self.program, *map(str, argv)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)

    def run(self, *argv, **options):
        """(exit code, envelope) of a command; its data is checked against its schema."""
        process = self.start(*argv, **options)
        out, err = process.communicate(timeout=300)
        try:
            reply = json.loads(out)
        except ValueError:
            raise AssertionError(f"{argv}: exit {process.returncode}\n{out[-2000:]}{err[-2000:]}") from None
        wrong = schema_check.problems(schemas()["selftune/envelope@1"], reply)
        if reply["data"] is not None and reply["schema"] in schemas():
            wrong += schema_check.problems(schemas()[reply["schema"]], reply["data"])
        if wrong:
            raise AssertionError(f"{argv}: {wrong[:3]}")
        return process.returncode, reply

    def good(self, *argv, **options):
        code, reply = self.run(*argv, **options)
        if code != 0:
            raise AssertionError(f"{argv}: exit {code}: {reply['error']}")
        return reply

    def connect(self):
        return sqlite3.connect(self.database)

    def sql(self, query, *arguments):
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return db.execute(query, arguments).fetchall()
        finally:
            db.close()


def dump(database, without=()):
    """Every row of every table: {table: sorted rows}."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    db.text_factory = bytes
    try:
        tables = [r[0].decode() for r in db.execute("SELECT name FROM sqlite_schema WHERE type='table'"
                                                    " AND name NOT LIKE 'sqlite_%' ORDER BY 1")]
        return {table: sorted(map(repr, db.execute(f'SELECT * FROM "{table}"')))
                for table in tables if table not in without}
    finally:
        db.close()


def tree(folder):
    """{path: mode, size and bytes} of everything below a folder."""
    out = {}
    for path in sorted(Path(folder).rglob("*")):
        stat = path.lstat()
        body = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        out[str(path.relative_to(folder))] = (stat.st_mode, body)
    return out


# ------------------------------------------------ rows that no recording gives

NOW = 1_790_000_000_000


def hashed_event(previous, event):
    """An evolution_event row with its hash, as audit_chain.cc makes it."""
    hexed = {k: (event[k] or b"").hex() for k in ("sha256_before", "sha256_after")}
    text = json.dumps({
        "event_id": event["event_id"], "proposal_id": event["proposal_id"],
        "skill_id": event["skill_id"], "action": event["action"],
        "occurred_ms": event["occurred_ms"], "details": event["details"] or "",
        **{k: event.get(k) or "" for k in ("validation", "eval_set", "snapshot")}, "target": "description",
        "location": "", **hexed, "run_id": "", "iterations": 0, "validation_mode": "",
        "validation_agent": "", "texts": event["texts"] or ""}, separators=(",", ":"),
        ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


def body(db, text):
    digest = hashlib.sha256(text.encode()).digest()
    db.execute("INSERT OR IGNORE INTO body(sha256,bytes,text) VALUES(?,?,?)",
               (digest, len(text.encode()), text))
    return db.execute("SELECT body_id FROM body WHERE sha256=?", (digest,)).fetchone()[0]


def add_decisions(database):
    """Rows of the loop, of deploys, watches, model calls and runs."""
    db = sqlite3.connect(database)
    db.execute("PRAGMA foreign_keys=ON")
    skill, = db.execute("SELECT skill_id FROM observation WHERE effective=1 LIMIT 1").fetchone()
    prompts = [r[0] for r in db.execute("SELECT prompt_pk FROM prompt WHERE actionable=1 LIMIT 9")]
    sessions = [r[0] for r in db.execute("SELECT session_pk FROM session LIMIT 9")]
    old, new = "Old words about forms.", "New words about forms, ünd more.\n"
    old_body, new_body = body(db, old), body(db, new)
    texts = f"{hashlib.sha256(old.encode()).hexdigest()} {hashlib.sha256(new.encode()).hexdigest()}"
    put = db.execute
    put("INSERT OR IGNORE INTO skill_state VALUES(?,'propose',NULL,?,'it rests',?)", (skill, NOW, NOW))
    put("INSERT INTO capability VALUES('agent','json','yes',?)", (NOW,))
    put("INSERT INTO hook_stat VALUES('claude_code','prompt',3,?,NULL)", (NOW,)) if has(db, "hook_stat") else None
    put("INSERT INTO notice VALUES('claude_code','s','hint','k',?)", (NOW,)) if has(db, "notice") else None
    for i, prompt in enumerate(prompts):
        put("INSERT OR IGNORE INTO label(prompt_pk,skill_id,label,reason,source,weight,at_ms,detail)"
            " VALUES(?,?,?,'curated','test',?,?,?)",
            (prompt, skill, ("should", "should_not", "unknown")[i % 3], i / 9, NOW + i, f"no. {i}"))
        put("INSERT INTO eval_entry VALUES(?,?,?,?,'implicit','log',0.25,'train',NULL,1,?,?,NULL)",
            (skill, f"e{i}", body(db, f"query {i}"), i % 2, NOW, NOW))
    put("INSERT INTO holdout_look VALUES(?,1,?,'p-1',?,40,9,1,0.01,0.05,'promote')",
        (skill, NOW, b"\x01" * 32))
    put("INSERT INTO proposal VALUES('p-1',?,'description','/x/SKILL.md','deployed',?,?,?,?,0.5,'why',"
        "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,?,?)",
        (skill, old_body, new_body, b"\x02" * 32, b"\x03" * 32, NOW, NOW))
    previous = b""
    for i, action in enumerate(("created", "validated", "approved", "deploying", "deployed")):
        event = {"event_id": f"ev-{i}", "proposal_id": "p-1", "skill_id": skill, "action": action,
                 "occurred_ms": NOW + i, "details": f"step {i}" if i else None,
                 "sha256_before": None, "sha256_after": b"\x03" * 32 if action == "deployed" else None,
                 "texts": texts if i == 0 else None}
        digest = hashed_event(previous, event)
        put("INSERT INTO evolution_event(event_id,proposal_id,skill_id,action,occurred_ms,details,target,"
            "sha256_before,sha256_after,evidence_ref,prev_hash,hash) VALUES(?,?,?,?,?,?,'description',?,?,?,?,?)",
            (event["event_id"], "p-1", skill, action, event["occurred_ms"], event["details"], None,
             event["sha256_after"], event["texts"], previous or None, digest))
        previous = digest
    put("INSERT OR REPLACE INTO meta VALUES('evolution_chain',?)", (f"5 {previous.hex()}",))
    put("UPDATE counter SET value=value+5 WHERE name='evidence'")
    for rep in (1, 2):
        put("INSERT INTO replay_result VALUES('p-1','r-1','after',1,?,?,'replay',0,?,1,1,1,'{}')",
            (rep, skill, body(db, "query 1")))
    put("INSERT INTO deploy VALUES('d-1','p-1',?,'deploy',NULL,'deployed',NULL,?,?)", (skill, NOW, NOW))
    put("INSERT INTO deploy VALUES('d-2','p-1',?,'rollback','d-1','aborted','no',?,NULL)", (skill, NOW))
    put("INSERT INTO deploy_target VALUES('d-1',0,'/x/SKILL.md','claude_code',1,2,?,?,NULL,'swapped')",
        (b"\x02" * 32, b"\x03" * 32))
    put("INSERT INTO watch(deploy_id,skill_id,content_sha256,q,alpha,k0,n0,n,f,state,started_ms,e_down,e_up)"
        " VALUES('d-1',?,?,0.6,0.05,3,9,?,0,'watching',?,1.5,9e999)",
        (skill, b"\x03" * 32, len(sessions), NOW))
    for session in sessions:
        put("INSERT INTO watch_observation VALUES('d-1',?,1,'grader',?)", (session, NOW))
    for i in range(5):
        put("INSERT INTO llm_call(call_id,run_id,purpose,skill_id,backend,started_ms,outcome,cost_micro_usd,"
            "cost_source,prompt_sha256) VALUES(?,?,'propose',?,'agent',?,'ok',?,'reported',?)",
            (f"c{i}", "r-1", skill, NOW + i, 1 << 40, bytes([i]) * 32))
    put("INSERT INTO llm_cache VALUES(?,'propose',NULL,?,?,NULL)", (b"\x07" * 32, NOW, "reply \u0000 \U0001f600"))
    put("INSERT INTO budget VALUES('day','2026-11-26',5,1,1000,77,?)", (NOW,))
    put("INSERT INTO job_run(run_id,job,started_ms,elapsed_ms,status,metrics) VALUES('r-1','orchestrate',?,5,'ok','{}')",
        (NOW,))
    put("INSERT INTO job_action VALUES('r-1',0,?,'evolve','because',1,0,NULL,4,2)", (skill,))
    put("INSERT INTO install VALUES('/home/dev/.claude/settings.json','hook','claude_code','{}',?,0,NULL,'0.1.0',?)",
        (b"\x08" * 32, NOW))
    put("INSERT INTO vcs_commit VALUES(?,?,'fix the table',NULL,NULL,?)", (sessions[0], "7" * 40, NOW))
    put("INSERT INTO commit_logged VALUES(?,?)", ("7" * 40, sessions[0]))
    put("INSERT OR REPLACE INTO commit_due VALUES(?,3,'git says: fatal')", (sessions[0],))
    put("INSERT INTO import_map VALUES('origin','grading_results','7','kept',NULL,?,NULL,'{\"row\":{}}')", (bytes(16),))
    put("INSERT INTO skill_rest VALUES(?,'locked',?,?,NULL,?)", (skill, NOW, bytes(16), NOW))
    put("INSERT INTO import_untold VALUES('partly','origin','prompts','7','cut')")
    db.commit()
    db.close()


def add_rest(database):
    """A row in the tables that few recordings fill."""
    db = sqlite3.connect(database)
    session, source = db.execute("SELECT session_pk, source_id FROM session WHERE source_id IS NOT NULL"
                                 " AND session_pk NOT IN (SELECT session_pk FROM part_metric) LIMIT 1").fetchone()
    prompt, owner = db.execute("SELECT prompt_pk, session_pk FROM prompt WHERE actionable=1 LIMIT 1").fetchone()
    skill, = db.execute("SELECT skill_id FROM skill LIMIT 1").fetchone()
    db.execute("INSERT OR IGNORE INTO spawn VALUES(?,'call-1',0,NULL)", (session,))
    db.execute("INSERT OR IGNORE INTO improvement_signal(session_pk,prompt_pk,skill_id,mention,kind,resolved,"
               "occurred_ms,state) VALUES(?,?,?,'pdf','correction',1,?,'consumed')", (owner, prompt, skill, NOW))
    db.execute("INSERT INTO bad_line VALUES(?,1,7777777,9,'not_json','{]',?)", (source, NOW))
    db.execute("UPDATE source_file SET bad_lines=bad_lines+1 WHERE source_id=?", (source,))
    db.execute("INSERT OR IGNORE INTO session_part(session_pk,source_id) VALUES(?,?)", (session, source))
    db.execute("INSERT OR IGNORE INTO llm_cache VALUES(?,'propose',NULL,?,'reply',NULL)", (b"\x08" * 32, NOW))
    db.commit()
    db.close()


def has(db, table):
    return db.execute("SELECT 1 FROM sqlite_schema WHERE name=?", (table,)).fetchone() is not None


def main(first):
    """Runs the tests; `first`: the first argument that is unittest's."""
    unittest.main("__main__", argv=sys.argv[:1] + [a for a in sys.argv[first:] if a not in ("--sanitized", "--all")],
                  verbosity=1)


class StoreTest(unittest.TestCase):
    """A scratch folder and, in subclasses, one full store made once."""

    program = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-store-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def home(self, name="home"):
        return Home(self.scratch / name, self.program)

    def copy_of(self, other, name):
        """Another home with the same store, and nothing to read in it."""
        home = self.home(name)
        shutil.copytree(other.state, home.state)
        return home

    def assert_sound(self, home):
        report = home.good("db", "check", "--deep")["data"]
        self.assertEqual(report["problems"], [])

    def assert_same_rows(self, a, b, without=()):
        for table, rows in a.items():
            if table in without:
                continue
            self.assertEqual(len(rows), len(b[table]), table)
            self.assertEqual(rows, b[table], table)


class FullStore:
    """One home with every recording and every kind of row; made at first use."""

    _made = None

    @classmethod
    def get(cls, program):
        if cls._made is None:
            folder = tempfile.TemporaryDirectory(prefix="selftune-full-")
            home = Home(Path(folder.name) / "home", program)
            all_recordings(home.path)
            home.good("sync")
            add_decisions(home.database)
            home.good("status")
            cls._made = (folder, home)
        return cls._made[1]

    @classmethod
    def drop(cls):
        if cls._made is not None:
            cls._made[0].cleanup()
            cls._made = None
