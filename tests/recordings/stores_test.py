#!/usr/bin/env python3
"""Stores that hosts write row by row, read while they grow.

    stores_test.py SELFTUNE DATA_DIR [SEED...]

For each recording below DATA_DIR that is a database: its rows appear in a new
one in the order in which the host wrote them, first as they were (a call without
result, a message without end), later as they are; the host keeps the database
open, and at some point folds its log in. After each group of rows a sync must
leave every file as it was, and at the end the facts are those of EXPECTED.json,
also after a forced sync. For each recording that is a tree of
JSON files: the files appear in any order, cut at any byte and completed later.
A database and the older form of the same sessions lie side by side, whichever
was read first. Syncs are killed at any time, and the next one completes them.
Prints what hosts_check prints.
"""

import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "recordings"))
sys.path.insert(0, str(TESTS / "perf"))

import subject as programs  # noqa: E402
from recordings_test import check, sync  # noqa: E402

OPENCODE = Path(".local/share/opencode/opencode.db")
OPENCODE_TREE = Path(".local/share/opencode/storage")
OPENCLAW = Path(".openclaw/agents/main/agent/openclaw-agent.sqlite")


def tree_state(folder):
    """Names, bytes and times of every file."""
    state = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state.append((str(path), path.stat().st_mtime_ns,
                          hashlib.sha256(path.read_bytes()).hexdigest()))
    return state


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.create_function("octet_length", 1, lambda v: len(v.encode() if isinstance(v, str) else v),
                       deterministic=True)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute("PRAGMA ignore_check_constraints=ON")
    return db


def copy_schema(source, target):
    names = []
    for kind, name, sql in source.execute(
            "SELECT type,name,sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC"):
        if "_fts" in name or name.startswith("sqlite_") or kind == "trigger":
            continue
        target.execute(sql)
        if kind == "table":
            names.append(name)
    return names


def rows_of(db, table):
    columns = [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
    for row in db.execute(f"SELECT {','.join(columns)} FROM {table} ORDER BY rowid"):
        yield dict(zip(columns, row))


def early_opencode(table, row):
    """A row as the host wrote it first; None: it does not change."""
    early = dict(row, time_updated=row["time_created"])
    if table == "session":
        early["title"] = "New session"
        return early
    data = json.loads(row["data"])
    if table == "message" and data["role"] == "assistant":
        data["time"].pop("completed", None)
        for key in ("finish", "error", "summary"):
            if key != "summary" or data.get("agent") != "compaction":
                data.pop(key, None)
        data["tokens"] = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    elif table == "part" and data["type"] == "tool":
        data["state"] = {"status": "running", "input": data["state"]["input"]}
    elif table == "part" and data["type"] == "text" and "time" in data:
        data["text"] = ""
    else:
        return None
    early["data"] = json.dumps(data, separators=(",", ":"))
    return early


def opencode_steps(source, _):
    """What the host did: (time, order, table, key, row)."""
    steps = []
    for order, table in enumerate(("session", "message", "part")):
        for row in rows_of(source, table):
            early = early_opencode(table, row)
            steps.append((row["time_created"], order, table, ("id",), early or row))
            if early:
                steps.append((max(row["time_updated"], row["time_created"]), 9, table, ("id",), row))
    return sorted(steps, key=lambda step: step[:2])


def compressed(row):
    """An event as the host keeps it when it is large or old."""
    text = row["event_json"].encode()
    frame = subprocess.run(["zstd", "-q", "-c"], input=text, capture_output=True, check=True).stdout
    return dict(row, event_json=None, event_zstd=frame, event_utf8_bytes=len(text),
                navigation_json='{"version":1}')


def openclaw_steps(source, dice):
    steps = []
    for row in rows_of(source, "session_windows"):
        early = dict(row, status="running", updated_at=row["created_at"], ended_at=None,
                     transcript_updated_at=None, transcript_observed_at=None)
        steps.append((row["created_at"], 1, "session_windows", ("session_id",), early))
        steps.append((row["updated_at"], 9, "session_windows", ("session_id",), row))
        for node in rows_of(source, "session_nodes"):
            if node["session_key"] == row["session_key"]:
                steps.append((row["created_at"], 0, "session_nodes", ("session_key",),
                              dict(node, status="running", updated_at=row["created_at"])))
                steps.append((row["updated_at"], 8, "session_nodes", ("session_key",), node))
    for row in rows_of(source, "transcript_events"):
        if dice.random() < 0.4:
            row = compressed(row)
        steps.append((row["created_at"], 2, "transcript_events", ("session_id", "seq"), row))
    return sorted(steps, key=lambda step: step[:2])


def put(db, table, key, row):
    columns = ",".join(row)
    marks = ",".join("?" * len(row))
    where = " AND ".join(f"{column}=?" for column in key)
    values = tuple(row[column] for column in key)
    if db.execute(f"SELECT 1 FROM {table} WHERE {where}", values).fetchone():
        assign = ",".join(f"{c}=?" for c in row)
        db.execute(f"UPDATE {table} SET {assign} WHERE {where}", (*row.values(), *values))
    else:
        db.execute(f"INSERT INTO {table}({columns}) VALUES({marks})", tuple(row.values()))


def grow(selftune, whole, home, path, steps, fixed, dice):
    """Applies `steps` in groups with a sync behind each. Returns (passed, failed)."""
    source = sqlite3.connect(f"file:{whole / path}?mode=ro&immutable=1", uri=True)
    target = home / path
    for leftover in (target, target.with_name(target.name + "-wal"), target.with_name(target.name + "-shm")):
        leftover.unlink(missing_ok=True)
    db = connect(target)
    copy_schema(source, db)
    for table, key in fixed:
        for row in rows_of(source, table):
            put(db, table, (key,), row)
    waiting, touched = steps(source, dice), 0
    while waiting:
        size = dice.randrange(1, 40)
        group, waiting = waiting[:size], waiting[size:]
        db.execute("BEGIN")
        for _, _, table, key, row in group:
            put(db, table, key, row)
        db.execute("COMMIT")
        if dice.random() < 0.2:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = tree_state(target.parent)
        sync(selftune, home)
        if tree_state(target.parent) != before:
            touched += 1
            print(f"{path}: a sync changed the host's files")
    db.close()
    return (1, 0) if touched == 0 else (0, touched)


def growing_database(selftune, expected, scratch, seed, path, steps, fixed):
    truth = json.loads(expected.read_text(encoding="utf-8"))
    whole = expected.parent / truth["home"]
    home = scratch / f"growing-{seed}"
    shutil.copytree(whole, home, symlinks=True)
    passed, failed = grow(selftune, whole, home, path, steps, fixed, random.Random(seed))
    more = check(sync(selftune, home), expected)
    passed, failed = passed + more[0], failed + more[1]
    again = check(sync(selftune, home, "--force"), expected)
    return passed + again[0], failed + again[1]


def cut_files(selftune, expected, scratch, seed, below):
    truth = json.loads(expected.read_text(encoding="utf-8"))
    whole = expected.parent / truth["home"]
    home = scratch / f"cut-{seed}"
    shutil.copytree(whole, home, symlinks=True)
    dice = random.Random(seed)
    waiting = [p.relative_to(home) for p in sorted((home / below).rglob("*.json*"))]
    for path in waiting:
        (home / path).unlink()
    dice.shuffle(waiting)
    cut = []
    while waiting or cut:
        for path in cut:
            (home / path).write_bytes((whole / path).read_bytes())
        group, waiting = waiting[:12], waiting[12:]
        cut = [path for path in group if dice.random() < 0.7]
        for path in group:
            content = (whole / path).read_bytes()
            keep = dice.randrange(len(content) + 1) if path in cut else len(content)
            (home / path).write_bytes(content[:keep])
        sync(selftune, home)
    return check(sync(selftune, home), expected)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def older_opencode(source, home):
    """The sessions of a database as the JSON files from before it."""
    storage = home / OPENCODE_TREE
    for row in rows_of(source, "session"):
        session = {"id": row["id"], "version": row["version"], "projectID": row["project_id"],
                   "directory": row["directory"], "title": row["title"],
                   "permission": json.loads(row["permission"] or "[]"),
                   "time": {"created": row["time_created"], "updated": row["time_updated"]}}
        if row["parent_id"]:
            session["parentID"] = row["parent_id"]
        write_json(storage / "session" / row["project_id"] / f"{row['id']}.json", session)
    for row in rows_of(source, "message"):
        write_json(storage / "message" / row["session_id"] / f"{row['id']}.json",
                   dict(json.loads(row["data"]), id=row["id"], sessionID=row["session_id"]))
    for row in rows_of(source, "part"):
        write_json(storage / "part" / row["message_id"] / f"{row['id']}.json",
                   dict(json.loads(row["data"]), id=row["id"], messageID=row["message_id"]))


def older_openclaw(source, home):
    """The sessions of a database as the transcripts from before it."""
    folder = home / ".openclaw/agents/main/sessions"
    write_json(folder / "sessions.json",
               {row["session_key"]: json.loads(row["entry_json"])
                for row in rows_of(source, "session_nodes")})
    for row in rows_of(source, "transcript_events"):
        with open(folder / f"{row['session_id']}.jsonl", "a", encoding="utf-8") as lines:
            lines.write(row["event_json"] + "\n")


def side_by_side(selftune, expected, scratch, path, write_older):
    truth = json.loads(expected.read_text(encoding="utf-8"))
    whole = expected.parent / truth["home"]
    source = sqlite3.connect(f"file:{whole / path}?mode=ro&immutable=1", uri=True)
    passed = failed = 0
    for order in ("older first", "database first", "at once"):
        home = scratch / order.replace(" ", "-")
        shutil.copytree(whole, home, symlinks=True)
        if order != "database first":
            write_older(source, home)
        if order == "older first":
            (home / path).unlink()
        sync(selftune, home)
        if order == "older first":
            shutil.copy(whole / path, home / path)
        if order == "database first":
            write_older(source, home)
        more = check(sync(selftune, home), expected)
        passed, failed = passed + more[0], failed + more[1]
    return passed, failed


def killed(selftune, expected, scratch, seed):
    """Syncs end at any time; what they left is completed by the next."""
    dice = random.Random(seed)
    truth = json.loads(expected.read_text(encoding="utf-8"))
    home = scratch / f"killed-{seed}"
    shutil.copytree(expected.parent / truth["home"], home, symlinks=True)
    env = programs.Subject.env(home, home / ".selftune")
    for _ in range(8):
        with subprocess.Popen([str(selftune), "sync"], env=env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as running:
            try:
                running.wait(timeout=dice.uniform(0.005, 0.12))
            except subprocess.TimeoutExpired:
                running.kill()
    return check(sync(selftune, home), expected)


LENGTHEN = """
import sqlite3, sys
path, table, column = sys.argv[1:]
db = sqlite3.connect(path)
db.execute("PRAGMA ignore_check_constraints=ON")
db.create_function("octet_length", 1, lambda v: len(v.encode() if isinstance(v, str) else v), deterministic=True)
rowid, text = db.execute(f"SELECT rowid, {column} FROM {table} WHERE typeof({column})='text'"
                         " ORDER BY rowid DESC LIMIT 1").fetchone()
longer = text.rstrip()[:-1] + ',"a_long_member":"' + "x" * (40 << 20) + '"}'
db.execute(f"UPDATE {table} SET {column}=? WHERE rowid=?", (longer, rowid))
db.commit()
"""


# Every session put away as lines, a line of 40 MB among them; "zstd": compressed.
PUT_AWAY = """
import sqlite3, sys
path, kind = sys.argv[1:]
db = sqlite3.connect(path)
db.create_function("octet_length", 1, lambda v: len(v.encode() if isinstance(v, str) else v), deterministic=True)

def frame(data):
    out = [b"\\x28\\xb5\\x2f\\xfd\\x00\\x58"]  # a window of 2 MiB, the size unsaid
    blocks = [data[at:at + (1 << 17)] for at in range(0, len(data), 1 << 17)]
    for i, block in enumerate(blocks):
        out += [((len(block) << 3) | (i == len(blocks) - 1)).to_bytes(3, "little"), block]
    return b"".join(out)

most, = db.execute("SELECT max(n) FROM (SELECT count(*) n FROM transcript_events GROUP BY session_id)").fetchone()
for session, in db.execute("SELECT DISTINCT session_id FROM transcript_events").fetchall():
    lines = [text for text, in db.execute("SELECT event_json FROM transcript_events WHERE session_id=? ORDER BY seq",
                                          (session,))]
    if len(lines) == most:
        lines[1] = lines[1].rstrip()[:-1] + ',"a_long_member":"' + "x" * (40 << 20) + '"}'
    data = "\\n".join(lines).encode()
    db.execute("INSERT INTO session_transcript_cold_archives VALUES(?,'g',?,?,?,?,?,0,0,'sqlite',?)",
               (session, session, "0" * 64, len(lines), len(data), len(data), frame(data) if kind == "zstd" else data))
    db.execute("DELETE FROM transcript_events WHERE session_id=?", (session,))
db.commit()
"""


def long_row(selftune, expected, scratch, script, path, *arguments):
    """A row of 40 MB: it and its neighbours come, in the memory that a sync may take."""
    home = scratch / "home"
    shutil.copytree(expected.parent / json.loads(expected.read_text())["home"], home, symlinks=True)
    # By another process: what a child takes begins with what its parent ever took.
    subprocess.run([sys.executable, "-c", script, home / path, *arguments], check=True)
    process = subprocess.Popen([selftune, "sync", "--json"], env=programs.Subject.env(home, home / ".selftune"),
                               stdout=subprocess.PIPE)
    out = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    good = process.returncode == 0 and not json.loads(out)["warnings"]
    # A sanitizer takes memory of its own. Not read here: the next child would begin with that much.
    own = subprocess.run(["grep", "-q", "-e", "__asan_init", "-e", "__tsan_init", selftune], check=False).returncode == 0
    small = own or usage.ru_maxrss < 64 << 10
    if not good or not small:
        print(f"{expected.parent.name}: exit {process.returncode}, {usage.ru_maxrss >> 10} MiB, {out[-500:]}")
    passed, failed = check(programs.database(home / ".selftune"), expected)
    return passed + good + small, failed + (not good) + (not small)


def ways_of(selftune, expected, scratch, seed):
    truth = json.loads(expected.read_text(encoding="utf-8"))
    whole = expected.parent / truth["home"]
    if (whole / OPENCODE).exists():
        yield growing_database(selftune, expected, scratch, seed, OPENCODE, opencode_steps,
                               (("project", "id"), ("migration", "id")))
        yield side_by_side(selftune, expected, scratch, OPENCODE, older_opencode)
        yield killed(selftune, expected, scratch, seed)
        if seed == 1:
            yield long_row(selftune, expected, scratch / "long", LENGTHEN, OPENCODE, "part", "data")
    if (whole / OPENCLAW).exists():
        yield growing_database(selftune, expected, scratch, seed, OPENCLAW, openclaw_steps,
                               (("schema_meta", "meta_key"),))
        yield side_by_side(selftune, expected, scratch, OPENCLAW, older_openclaw)
        yield killed(selftune, expected, scratch, seed)
        if seed == 1:
            yield long_row(selftune, expected, scratch / "long", LENGTHEN, OPENCLAW, "transcript_events", "event_json")
            yield long_row(selftune, expected, scratch / "away", PUT_AWAY, OPENCLAW, "plain")
            yield long_row(selftune, expected, scratch / "away-zstd", PUT_AWAY, OPENCLAW, "zstd")
    if (whole / OPENCODE_TREE).exists():
        yield cut_files(selftune, expected, scratch, seed, OPENCODE_TREE)


def main():
    selftune, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    seeds = [int(seed) for seed in sys.argv[3:]] or [1, 2]
    total = [0, 0]
    for expected in sorted(data.rglob("EXPECTED.json")):
        name = expected.parent.relative_to(data)
        for seed in seeds:
            with tempfile.TemporaryDirectory(prefix="selftune-store-") as scratch:
                try:
                    results = list(ways_of(selftune, expected, Path(scratch), seed))
                except (RuntimeError, subprocess.SubprocessError) as error:
                    print(f"{name}: seed {seed}: {error}")
                    results = [(0, 1)]
            for passed, failed in results:
                print(f"{name}: seed {seed}: {passed} facts agree, {failed} do not")
                total[0] += passed
                total[1] += failed
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
