"""Frames: types, nulls, sharing memory with other libraries."""

import datetime
import gc
import os
import subprocess
import sys
import threading

import duckdb
import pandas
import polars
import pyarrow
import pytest

import selftune

SERIES = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{rows}) SELECT i, i/2.0 AS half, "
          "CASE WHEN i%3=0 THEN NULL ELSE 'täxt '||i END AS t, 'w'||(i%3) AS word, "
          "'2026-01-31T08:00:00.'||substr('00'||(i%1000),-3)||'Z' AS at, i%2 AS odd FROM n")
TYPES = {"word": "dictionary", "at": "time", "odd": "bool"}
SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n"


def series(engine, rows):
    return engine.sql(SERIES.format(rows=rows), types=TYPES)


def resident_kib():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_types_and_values(engine):
    frame = series(engine, 70_000)
    assert frame.types == {"i": "int64", "half": "float64", "t": "utf8", "word": "dictionary",
                           "at": "time", "odd": "bool"}
    assert len(frame) == frame.num_rows == 70_000
    row = next(frame.rows(start=4))
    assert row == (5, 2.5, "täxt 5", "w2",
                   datetime.datetime(2026, 1, 31, 8, 0, 0, 5000, tzinfo=datetime.timezone.utc), True)
    assert frame["t"][2] is None and frame["t"][65_999] is None and frame["t"][66_000] == "täxt 66001"
    assert frame.column("i", 65_534, 65_540) == list(range(65_535, 65_541))
    with pytest.raises(KeyError, match="no column 'x'"):
        frame.column("x")


def test_start_and_stop_are_those_of_a_slice(engine):
    frame = series(engine, 10)
    whole = list(range(1, 11))
    for start in (0, 3, 9, 10, 20, -1, -3, -20):
        for stop in (None, 0, 3, 10, 20, -1, -9, -20):
            assert frame.column("i", start, stop) == whole[start:stop], (start, stop)
            assert [row[0] for row in frame.rows(start, stop)] == whole[start:stop]


def test_columns_of_one_name_do_not_vanish(engine):
    frame = engine.sql("SELECT 1 AS a, 2 AS a, 3 AS b")
    assert list(frame.rows()) == [(1, 2, 3)] and frame["b"] == [3]
    for use in (frame.to_pylist, lambda: frame["a"]):
        with pytest.raises(ValueError, match="2 columns are called 'a'"):
            use()


def test_other_libraries_see_the_same(engine):
    frame = series(engine, 70_000)
    table = pyarrow.table(frame)
    table.validate(full=True)
    assert table.num_rows == 70_000 and table.column("t").null_count == 23_333
    assert [str(t) for t in table.schema.types] == [
        "int64", "double", "string", "dictionary<values=string, indices=int32, ordered=0>",
        "timestamp[ms, tz=UTC]", "bool"]
    assert pyarrow.schema(frame) == table.schema
    total = 70_000 * 70_001 // 2
    assert pyarrow.compute.sum(table["i"]).as_py() == total
    assert polars.DataFrame(frame)["i"].sum() == total
    assert frame.to_polars()["odd"].sum() == 35_000
    assert frame.to_pandas()["i"].sum() == frame.to_pandas(arrow=True)["i"].sum() == total
    assert isinstance(frame.to_pandas(arrow=True)["at"].dtype, pandas.ArrowDtype)
    assert pandas.DataFrame.from_arrow(frame)["half"].sum() == total / 2
    assert duckdb.from_arrow(frame).aggregate("sum(i)").fetchall() == [(total,)]
    assert duckdb.sql("SELECT count(*), count(t), count(DISTINCT word), count_if(odd) "
                      "FROM frame").fetchall() == [(70_000, 46_667, 3, 35_000)]
    with duckdb.connect() as connection:
        assert frame.to_duckdb(connection).aggregate("count(*)").fetchall() == [(70_000,)]


def buffers_of(chunk):
    return [b.address if b is not None else 0 for b in chunk.buffers()]


def test_pyarrow_reads_our_memory(engine):
    """Every buffer of every column of every batch has our address."""
    frame = series(engine, 150_000)
    table = pyarrow.table(frame)
    for index, name in enumerate(frame.columns):
        ours = frame._table.addresses(index)
        chunks = table.column(name).chunks
        assert len(ours) == len(chunks) == 3
        for batch, chunk in zip(ours, chunks):
            theirs = buffers_of(chunk)
            if pyarrow.types.is_dictionary(chunk.type):
                theirs = buffers_of(chunk.indices)
            assert theirs == batch, name
            assert all(address % 64 == 0 for address in batch)


def test_pandas_and_polars_read_our_memory(engine):
    frame = series(engine, 50_000)
    ours = {name: frame._table.addresses(i)[0] for i, name in enumerate(frame.columns)}
    df = frame.to_pandas(arrow=True)
    for name in frame.columns:
        chunk = df[name].array.__arrow_array__().chunk(0)
        theirs = buffers_of(chunk.indices if name == "word" else chunk)
        assert theirs == ours[name], name
    # Polars keeps numbers and times as they are; it has texts in another form.
    data = polars.DataFrame(frame)
    for name in ("i", "half", "at"):
        assert buffers_of(data[name].to_arrow())[1] == ours[name][1], name


def test_a_frame_is_read_as_often_as_wanted_and_outlives_everything(evidence):
    with selftune.open(home=evidence) as engine:
        frame = series(engine, 70_000)
    first, second = pyarrow.table(frame), pyarrow.table(frame)
    assert first.equals(second)
    assert buffers_of(first["i"].chunk(0)) == buffers_of(second["i"].chunk(0))
    column = second["t"].slice(1, 5)
    del frame, first, second
    gc.collect()
    assert column.to_pylist() == ["täxt 2", None, "täxt 4", "täxt 5", None]


def test_the_capsules_are_those_of_the_protocol(engine):
    frame = series(engine, 10)
    assert "arrow_array_stream" in repr(frame.__arrow_c_stream__())
    assert "arrow_schema" in repr(frame.__arrow_c_schema__())
    wish = pyarrow.schema([("i", pyarrow.int32())])
    assert pyarrow.table(frame, schema=pyarrow.schema(frame)).num_rows == 10
    assert frame.__arrow_c_stream__(wish.__arrow_c_schema__()) is not None


def test_nothing_and_only_nulls(engine):
    empty = engine.sql("SELECT session_id, started_at, is_live FROM sessions WHERE 0")
    assert len(empty) == 0 and empty.to_pylist() == []
    assert pyarrow.table(empty).schema.names == ["session_id", "started_at", "is_live"]
    assert polars.DataFrame(empty).shape == (0, 3)
    assert duckdb.from_arrow(empty).fetchall() == []
    assert str(empty.to_pandas()["started_at"].dtype) == "datetime64[ms, UTC]"
    nulls = engine.sql("SELECT NULL AS a, NULL AS b UNION ALL SELECT NULL, NULL", types={"b": "int64"})
    assert nulls.to_pylist() == [{"a": None, "b": None}] * 2
    assert pyarrow.table(nulls)["b"].null_count == 2


def test_mixed_columns_and_hostile_texts(engine):
    mixed = engine.sql("SELECT 1 AS v UNION ALL SELECT 2.5 UNION ALL SELECT 'x' UNION ALL SELECT NULL "
                       "UNION ALL SELECT x'00ff'")
    assert mixed.types == {"v": "utf8"}
    assert mixed["v"] == ["1.0", "2.5", "x", None, "00ff"]
    texts = ["", "\x00", "a\x00b", "\U0001f600", "\u202e", "<script>", "x" * 100_000]
    frame = engine.sql("SELECT ?1 AS v" + "".join(f" UNION ALL SELECT ?{i}" for i in range(2, 8)), texts)
    assert frame["v"] == texts == pyarrow.table(frame)["v"].to_pylist() == polars.DataFrame(frame)["v"].to_list()
    broken = engine.sql("SELECT CAST(x'61ff62' AS TEXT) AS v")
    assert broken["v"] == ["a\ufffdb"]
    pyarrow.table(broken).validate(full=True)
    assert engine.sql("SELECT 9223372036854775807 AS big, -1.5e308 AS low")["big"] == [2**63 - 1]


def test_a_value_that_does_not_fit_later_is_an_error_that_names_it(engine):
    query = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<70000) "
             "SELECT CASE WHEN i<69000 THEN i ELSE 'late' END AS v FROM n")
    with pytest.raises(selftune.SelftuneError, match="row 69000 holds a text") as caught:
        engine.sql(query, types={"v": "int64"})
    assert caught.value.name == "QUERY_REFUSED"
    assert caught.value.suggestion and caught.value.next_argv[0] == "selftune"
    assert engine.sql(query)["v"][-1] == engine.sql(query, types={"v": "utf8"})["v"][-1] == "late"
    stream = engine.stream(query)
    with pytest.raises(Exception, match="row 69000"):
        pyarrow.RecordBatchReader.from_stream(stream).read_all()


def test_a_stream_is_read_batch_by_batch(engine):
    stream = engine.stream(SERIES.format(rows=200_000), types=TYPES)
    reader = pyarrow.RecordBatchReader.from_stream(stream)
    assert [batch.num_rows for batch in reader] == [65_536, 65_536, 65_536, 3_392]
    assert duckdb.from_arrow(stream).aggregate("count(*)").fetchall() == [(200_000,)]
    engine.close()
    with pytest.raises(ValueError, match="closed"):
        stream.__arrow_c_stream__()


def test_a_stream_is_one_snapshot(own_home):
    with selftune.open(home=own_home, read_only=False) as engine:
        before = len(engine.sessions())
        stream = pyarrow.RecordBatchReader.from_stream(
            engine.stream("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000) "
                          "SELECT s.session_id, n.i FROM n, sessions s"))
        sample = next((own_home / ".claude" / "projects").rglob("e2e*.jsonl"))
        (sample.parent / "new.jsonl").write_bytes(sample.read_bytes().replace(b"e2e00000", b"e2e22222"))
        engine.request("sync.run")
        assert len(engine.sessions()) == before + 1
        assert sum(batch.num_rows for batch in stream) == before * 1000


def test_a_frame_looks_well_and_harmless(engine):
    frame = engine.sql("SELECT '<script>alert(1)</script>' AS \"<b>\", 2.5 AS n, NULL AS z, "
                       "'line one\nline two ' || substr(hex(zeroblob(200)), 1, 300) AS long")
    page = frame._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "&lt;b&gt;" in page
    assert "…" in page and "1 rows" in page
    many = series(engine, 70_000)._repr_html_()
    assert "the first 20 of 70000 rows" in many and len(many) < 10_000
    assert repr(series(engine, 3)).startswith("<selftune.Frame 3 rows [i: int64, half: float64")


def test_the_interpreter_runs_while_the_library_works(engine):
    """Python's own thread ticks during a query in another one."""
    failed = []

    def query():
        with pytest.raises(selftune.SelftuneError) as caught:
            engine.sql(SLOW, timeout=1)
        failed.append(caught.value.name)

    worker = threading.Thread(target=query)
    worker.start()
    ticks = 0
    while worker.is_alive():
        worker.join(0.01)
        ticks += 1
    assert failed == ["DEADLINE"] and ticks >= 10


def test_many_threads_share_an_engine(evidence):
    counts, problems = [], []

    def work(opened):
        try:
            for _ in range(5):
                counts.append(pyarrow.table(series(opened, 3_000)).num_rows)
                counts.append(len(opened.request("skill.list")["items"]) and 3_000)
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            problems.append(error)

    with selftune.open(home=evidence) as opened:
        threads = [threading.Thread(target=work, args=(opened,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == [] and counts == [3_000] * 80


def test_closing_while_others_work_is_harmless(evidence):
    opened = selftune.open(home=evidence)
    results = []

    def work():
        try:
            results.append(len(series(opened, 50_000)))
        except ValueError:
            results.append("closed")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    opened.close()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and set(results) <= {50_000, "closed"}


def test_nothing_is_kept(engine):
    """Memory and references are back when frames are gone."""

    def once():
        frame = series(engine, 20_000)
        table = pyarrow.table(frame)
        frame.__arrow_c_stream__()  # a capsule that nobody reads
        frame.__arrow_c_schema__()
        engine.stream(SERIES.format(rows=20_000))
        polars.DataFrame(frame)
        frame.column("t", 0, 1_000)
        with pytest.raises(selftune.SelftuneError):
            engine.sql("SELECT * FROM body")
        return table.num_rows

    for _ in range(5):
        once()
    gc.collect()
    before, objects = resident_kib(), len(gc.get_objects())
    for _ in range(25):
        once()
    gc.collect()
    size = series(engine, 20_000).nbytes // 1024
    assert resident_kib() - before < 8 * size, "25 times four of that size were made"
    assert len(gc.get_objects()) - objects < 500


def test_an_export_needs_no_other_library(evidence):
    """Without pyarrow and the like a frame still works, and says what is missing."""
    code = f"""
import sys
for name in ("pyarrow", "pandas", "polars", "duckdb", "numpy"):
    sys.modules[name] = None
import selftune
frame = selftune.open(home={str(evidence)!r}).skills()
assert frame.to_pylist()[0]["skill_name"]
try:
    frame.to_pandas()
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "this needs pyarrow: python -m pip install pyarrow\n", done.stderr
