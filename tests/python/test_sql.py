"""engine.sql reads the public views, and nothing else can be done with it."""

import hashlib
import sqlite3

import pytest

import selftune


def digest(home):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
            for p in (home / ".selftune").iterdir() if p.is_file() and not p.name.endswith("-shm")}


HOSTILE = [
    # writing
    "DELETE FROM sessions", "INSERT INTO meta VALUES('a','b')", "UPDATE session SET platform='x'",
    "DROP VIEW sessions", "CREATE TABLE t(x)", "CREATE TEMP TABLE t AS SELECT 1", "ALTER TABLE meta RENAME TO m",
    "REPLACE INTO meta VALUES('a','b')", "WITH x AS (SELECT 1) DELETE FROM meta",
    "DELETE FROM sessions RETURNING 1",
    # other files and settings
    "ATTACH '/tmp/selftune-attached.db' AS x", "DETACH main", "VACUUM INTO '/tmp/selftune-copied.db'",
    "PRAGMA user_version", "PRAGMA journal_mode=DELETE", "PRAGMA writable_schema=ON",
    "SELECT * FROM pragma_database_list", "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')",
    "SELECT writefile('/tmp/selftune-written', 'x')", "SELECT fts3_tokenizer('x')",
    # private tables
    "SELECT * FROM session", "SELECT * FROM body", "SELECT * FROM sqlite_schema",
    "SELECT (SELECT max(text) FROM body)", "SELECT 1 WHERE EXISTS(SELECT 1 FROM prompt)",
    "SELECT * FROM sessions UNION SELECT * FROM session", "SELECT * FROM main.\"body\"",
    "WITH sessions AS (SELECT * FROM session) SELECT * FROM sessions",
    "SELECT * FROM (SELECT text FROM body) x", "SELECT * FROM dbstat", "SELECT * FROM sqlite_master",
    # more than one statement, none, not SQL
    "SELECT 1; DELETE FROM meta", "SELECT 1; SELECT 2", "", ";", "-- x", "SELEC 1", "BEGIN", "COMMIT",
    "SELECT 1 \x00; DROP TABLE meta", "EXPLAIN DELETE FROM meta", "SELECT nope FROM sessions",
    "SELECT " + "(" * 2000 + "1" + ")" * 2000, "SELECT 1" + " " * (1 << 20) + "x",
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_not_reading_a_public_view_is_refused(own_home_once, query, read_only):
    before = digest(own_home_once)
    with selftune.open(home=own_home_once, read_only=read_only) as engine:
        with pytest.raises(selftune.SelftuneError) as caught:
            engine.sql(query)
    assert caught.value.name == "QUERY_REFUSED", caught.value
    assert digest(own_home_once) == before


@pytest.fixture(scope="module")
def own_home_once(evidence, tmp_path_factory):
    import shutil

    home = tmp_path_factory.mktemp("sql") / "home"
    shutil.copytree(evidence, home, symlinks=True)
    return home


def test_values_are_bound_and_never_part_of_the_text(engine):
    name = "x'; DROP TABLE meta; --"
    frame = engine.sql("SELECT ?1 AS a, ?2 AS b, ?3 AS c, ?4 AS d, ?5 AS e", [name, 7, 1.5, None, True])
    assert frame.to_pylist() == [{"a": name, "b": 7, "c": 1.5, "d": None, "e": 1}]
    with pytest.raises(selftune.SelftuneError):
        engine.sql("SELECT ?1")
    with pytest.raises(selftune.SelftuneError):
        engine.sql("SELECT 1", [1])


@pytest.mark.parametrize("call", [
    lambda e: e.sessions(where={'platform" OR 1=1 --': "x"}), lambda e: e.sessions(columns=["1; DROP TABLE meta"]),
    lambda e: e.sessions(order="session_id; --"), lambda e: e.table("sessions; --"), lambda e: e.table("session"),
    lambda e: e.skills(where={"uses": {"a": 1}}), lambda e: e.sessions(limit=0), lambda e: e.sessions(limit=-1),
    lambda e: e.table("skills", since="7d"), lambda e: e.sql("SELECT 1 AS a", types={"a": "int"}),
    lambda e: e.sql("SELECT 1 AS a", types={"b": "int64"}),
])
def test_names_that_are_not_of_the_list_are_refused(engine, call):
    with pytest.raises(selftune.SelftuneError) as caught:
        call(engine)
    assert caught.value.name == "INVALID_REQUEST"


MANY = 70_000  # more than a batch
NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < {MANY}) SELECT "


@pytest.mark.parametrize("expression, kind, last", [
    ("CASE WHEN i > 66000 THEN i END", "int64", MANY),
    ("CASE WHEN i > 66000 THEN i + 0.5 END", "float64", MANY + 0.5),
    ("CASE WHEN i > 66000 THEN 'a' END", "utf8", "a"),
    ("CASE WHEN i > 66000 THEN i + 0.5 ELSE i END", "float64", MANY + 0.5),
    ("CASE WHEN i > 66000 THEN 'a' ELSE i END", "utf8", "a"),
    ("CASE WHEN i > 69000 THEN 'a' WHEN i > 66000 THEN 0.5 WHEN i > 65990 THEN 7 END", "utf8", "a"),
    ("NULL", "utf8", None),
])
def test_all_rows_decide_the_type_of_a_column(engine, expression, kind, last):
    frame = engine.sql(NUMBERS + expression + " AS x, i FROM n")
    assert (len(frame), frame.types["x"], frame["x"][-1]) == (MANY, kind, last)
    assert frame["i"] == list(range(1, MANY + 1))
    if "ELSE i" in expression:
        assert frame["x"][0] == (str(1) if kind == "utf8" else 1.0)


@pytest.mark.parametrize("expression, kind", [
    ("CASE WHEN i > 66000 THEN i END", "int64"),
    ("CASE WHEN i > 66000 THEN 0.5 ELSE i END", "float64"),
    ("CASE WHEN i > 66000 THEN 'a' ELSE i END", "utf8"),
])
def test_a_stream_says_which_type_it_needs(engine, expression, kind):
    pa = pytest.importorskip("pyarrow")
    query = NUMBERS + expression + " AS x FROM n"
    with pytest.raises(Exception, match=f'QUERY_REFUSED.*row 66001.*"types":{{"x":"{kind}"}}'):
        pa.RecordBatchReader.from_stream(engine.stream(query)).read_all()
    table = pa.RecordBatchReader.from_stream(engine.stream(query, types={"x": kind})).read_all()
    assert table.num_rows == MANY


def test_what_was_asked_for_is_not_widened(engine):
    with pytest.raises(selftune.SelftuneError) as caught:
        engine.sql("SELECT 0.5 AS x", types={"x": "int64"})
    assert caught.value.name == "QUERY_REFUSED"
    assert '"types":{"x":"float64"}' in str(caught.value)


def test_values_that_would_change_are_refused(engine):
    big = [2**63 - 1, -(2**63), 1e19]
    assert engine.sql("SELECT ?1 AS a, ?2 AS b, ?3 AS c", big).to_pylist() == [dict(zip("abc", big))]
    for wrong in (2**63, -(2**63) - 1, 10**30):
        with pytest.raises(OverflowError, match="str or a float"):
            engine.sql("SELECT ?1", [wrong])
        with pytest.raises(OverflowError):
            engine.sessions(where={"session_id": [wrong]})
    for wrong in (float("nan"), float("inf"), "a\ud800"):
        with pytest.raises(ValueError):
            engine.sql("SELECT ?1", [wrong])


@pytest.mark.parametrize("query", ["SELECT 1 AS a; -- c", "SELECT 1 AS a;;", "SELECT 1 AS a /* x */ ; /* y */\n",
                                   "-- before\nSELECT 1 AS a"])
def test_comments_are_no_statements(engine, query):
    assert engine.sql(query).to_pylist() == [{"a": 1}]


def test_values_that_are_too_large_are_the_query_s_fault(engine):
    for query in ("SELECT randomblob(100000000)", "SELECT hex(zeroblob(60000000))"):
        with pytest.raises(selftune.SelftuneError) as caught:
            engine.sql(query)
        assert caught.value.name == "QUERY_REFUSED", query


def test_conditions_are_what_they_say(engine):
    hostile = "x'; DROP TABLE session; --"
    assert len(engine.observations(skill=hostile)) == 0
    all_of = engine.observations()
    by_name = {name: len(engine.observations(skill=name)) for name in set(all_of["skill_name"])}
    assert sum(by_name.values()) == len(all_of) > 100
    two = engine.observations(skill=["ledger-export", "query-tuner"])
    assert len(two) == by_name["ledger-export"] + by_name["query-tuner"]
    nulls = engine.observations(where={"cause": None})
    assert set(nulls["cause"]) == {None}
    assert len(nulls) + len(engine.misses()) == len(all_of)
    assert len(engine.observations(outcome="missed")) == len(engine.misses())
    assert len(engine.observations(skill=[])) == 0
    assert set(engine.sessions(platform="claude-code")["platform"]) == {"claude_code"}
    times = engine.prompts(order="-occurred_at", limit=5)["occurred_at"]
    assert times == sorted(times, reverse=True) and len(times) == 5
    middle = sorted(t for t in engine.prompts()["occurred_at"] if t)[50]
    before, after = engine.prompts(until=middle), engine.prompts(since=middle)
    assert all(t < middle for t in before["occurred_at"]) and all(t >= middle for t in after["occurred_at"])


def test_the_answers_are_those_of_sqlite(engine, evidence):
    bare = sqlite3.connect(f"file:{evidence}/.selftune/selftune.db?mode=ro", uri=True)
    for view in ("sessions", "prompts", "skill_invocations", "execution_facts", "tool_calls",
                 "exposures", "source_files", "improvement_signals"):
        frame = engine.table(view)
        names = ", ".join(frame.columns)
        rows = bare.execute(f"SELECT {names} FROM {view}").fetchall()
        assert len(rows) == len(frame) > 0
        assert sorted(map(repr, map(plain, frame.rows()))) == sorted(map(repr, rows)), view
    bare.close()


def plain(row):
    """Values as SQLite spells them."""
    out = []
    for value in row:
        if isinstance(value, bool):
            value = int(value)
        elif hasattr(value, "strftime"):
            value = value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
        out.append(value)
    return tuple(out)


def test_datasets_agree_with_each_other(engine):
    skills = {row["skill_name"]: row for row in engine.skills().to_pylist()}
    daily = engine.daily().to_pylist()
    for name, row in skills.items():
        assert row["uses"] == len(engine.observations(skill=name, outcome="triggered"))
        assert row["uses"] == sum(d["uses"] for d in daily if d["skill_name"] == name)
        assert row["missed"] == len(engine.misses(skill=name))
    assert skills["ledger-export"]["missed"] > 0
    assert all(d["day"].hour == 0 for d in daily)
    assert len(engine.proposals()) == 0 and engine.proposals().types["created_at"] == "time"
    listed = engine.sql("SELECT count(*) AS n FROM exposures WHERE state IN ('full','truncated','name_only')")
    assert sum(engine.listings()["listings"]) == listed["n"][0]
