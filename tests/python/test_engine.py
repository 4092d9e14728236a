"""Opening, requests, errors, jobs, model calls, notifications."""

import datetime
import gc
import inspect
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref

import pytest

import selftune
from selftune import _core

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n"


def test_the_package_says_what_it_is(engine):
    assert selftune.__version__ == engine.request("about.version")["version"]
    assert selftune.has("arrow") and not selftune.has("nonsense")


def test_a_request_gives_the_data_and_the_envelope_everything(engine):
    data = engine.request("skill.list", limit=2)
    assert len(data["items"]) == 2
    envelope = engine.envelope("skill.list", {"limit": 2})
    assert envelope["ok"] and envelope["data"] == data and envelope["warnings"] == []
    assert engine.request("skill.daily", skill="sql-helper", **{"from": "2026-01-01"})["days"]


def test_times_may_be_datetimes_with_a_zone(engine):
    zone = datetime.timezone(datetime.timedelta(hours=2))
    late = datetime.datetime(2100, 1, 1, tzinfo=zone)
    assert engine.request("skill.misses", since=late)["items"] == []
    assert len(engine.misses(until=late)) == len(engine.misses())
    assert len(engine.misses(since=late)) == 0
    assert len(engine.misses(since=datetime.date(2026, 1, 1))) == len(engine.misses())
    with pytest.raises(ValueError, match="time zone"):
        engine.misses(since=datetime.datetime(2026, 1, 1))


def test_an_error_says_what_to_do_next(tmp_path):
    with selftune.open(home=tmp_path) as engine:
        for call in (lambda: engine.request("status.get"), engine.sessions):
            with pytest.raises(selftune.SelftuneError) as caught:
                call()
            error = caught.value
            assert error.name == "STORE_MISSING" and error.code == 5 and error.exit_code == 4
            assert error.next_argv == ["selftune", "sync"] and error.suggestion
            assert not error.retryable
            assert "selftune sync" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_an_error_can_be_sent_to_another_process(engine):
    with pytest.raises(selftune.SelftuneError) as caught:
        engine.request("status.gett")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.name, copy.message, copy.suggestion) == ("UNKNOWN_OPERATION", caught.value.message,
                                                          caught.value.suggestion)


@pytest.mark.parametrize("op, params", [
    ("skill.report", {}), ("skill.report", {"skill": 7}), ("skill.list", {"limit": 0}),
    ("skill.list", {"speed": 1}), ("skill.misses", {"since": "soon"}),
])
def test_wrong_parameters_are_refused(engine, op, params):
    with pytest.raises(selftune.SelftuneError) as caught:
        engine.request(op, **params)
    assert caught.value.name == "INVALID_REQUEST"


def test_an_answer_of_no_is_an_error_with_the_data(tmp_path, own_home):
    store = own_home / ".selftune" / "selftune.db"
    with selftune.open(home=own_home, read_only=False) as engine:
        backup = engine.request("store.backup")
        with open(backup["path"], "r+b") as out:
            out.seek(8192)
            out.write(b"\xff" * 4096)
        with pytest.raises(selftune.SelftuneError) as caught:
            engine.request("store.backup_verify", id=backup["id"])
        assert caught.value.name == "CHECK_FAILED"
        assert caught.value.data["backups"][0]["ok"] is False
        assert caught.value.next_argv is not None or caught.value.suggestion
        assert engine.envelope("store.backup_verify", {"id": backup["id"]})["ok"] is False
    assert store.exists()


def test_read_only_is_the_default(evidence):
    before = (evidence / ".selftune" / "selftune.db").read_bytes()
    with selftune.open(home=evidence) as engine:
        assert engine.read_only
        with pytest.raises(selftune.SelftuneError) as caught:
            engine.request("sync.run")
        assert caught.value.name == "STORE_READ_ONLY"
        assert "read_only=False" in caught.value.suggestion
        assert caught.value.next_argv[:2] == ["selftune", "request"]
        with pytest.raises(selftune.SelftuneError):
            engine.request("store.backup")
    assert (evidence / ".selftune" / "selftune.db").read_bytes() == before


def test_a_closed_engine_says_so(evidence):
    engine = selftune.open(home=evidence)
    assert not engine.closed
    engine.close()
    engine.close()
    assert engine.closed
    for call in (lambda: engine.request("about.version"), lambda: engine.sql("SELECT 1"),
                 lambda: engine.start("about.version"), lambda: engine.subscribe(print)):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_paths_are_made_absolute(evidence, monkeypatch):
    monkeypatch.chdir(evidence.parent)
    with selftune.open(home=evidence.name) as engine:
        assert engine.request("store.info")["path"] == str(evidence / ".selftune" / "selftune.db")
    with selftune.open(home=evidence.parent, db_path=evidence / ".selftune" / "selftune.db") as engine:
        assert len(engine.sessions()) > 0


def test_an_empty_path_is_no_folder():
    for name in ("home", "config_dir", "db_path"):
        with pytest.raises(ValueError, match="empty path"):
            selftune.open(**{name: ""})


def test_a_handler_that_was_replaced_is_let_go(evidence):
    class Handler:
        def __call__(self, _):
            return "x"

    with selftune.open(home=evidence) as engine:
        handlers = [Handler() for _ in range(5)]
        known = [weakref.ref(handler) for handler in handlers]
        while handlers:
            engine.set_llm(handlers.pop(0))
        gc.collect()
        assert [ref() is not None for ref in known] == [False] * 4 + [True]
        engine.set_llm(None)
        gc.collect()
        assert known[4]() is None


def test_what_cannot_be_called_is_refused_when_it_is_handed_in(evidence):
    with selftune.open(home=evidence) as engine:
        for hand_in in (lambda: engine.set_llm(5), lambda: engine.subscribe(None)):
            with pytest.raises(TypeError, match="is not callable"):
                hand_in()
    with pytest.raises(TypeError, match="handler: int is not callable"):
        selftune.open(home=evidence, llm=5)


def test_the_methods_are_the_list_of_views_and_datasets():
    from selftune._datasets import Datasets

    methods = {n for n, _ in inspect.getmembers(Datasets, inspect.isfunction) if not n.startswith("_")}
    assert {"skills", "sessions", "prompts", "observations", "misses", "proposals", "daily",
            "listings", "exposures", "tool_calls", "executions", "signals"} <= methods


# ------------------------------------------------------------------------ jobs


def test_a_job_reports_progress_and_can_be_asked_again(own_home):
    events = []
    with selftune.open(home=own_home, read_only=False) as engine:
        job = engine.start("sync.run", {"force": True}, on_event=events.append)
        data = job.result(timeout=60)
        assert job.done() and job.result() == data
    assert events and all(e["event"] == "progress" for e in events)


def test_a_job_that_runs_is_waited_for_in_vain_and_cancelled(engine):
    job = engine.start("store.query", {"sql": SLOW})
    assert not job.done()
    with pytest.raises(TimeoutError):
        job.result(timeout=0.05)
    job.cancel()
    with pytest.raises(selftune.SelftuneError) as caught:
        job.result(timeout=60)
    assert caught.value.name == "CANCELLED" and job.done()


def test_a_listener_that_raises_stops_nothing(own_home, monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_type))

    def listen(event):
        raise RuntimeError("not my day")

    with selftune.open(home=own_home, read_only=False) as engine:
        engine.start("sync.run", {"force": True}, on_event=listen).result(timeout=60)
    assert RuntimeError in seen


def test_closing_in_a_callback_is_harmless(own_home):
    engine = selftune.open(home=own_home, read_only=False)
    job = engine.start("sync.run", {"force": True}, on_event=lambda event: engine.close())
    job.result(timeout=60)
    assert engine.closed


def test_a_timeout_is_an_error(engine):
    for call in (lambda: engine.envelope("store.query", {"sql": SLOW}, timeout=0.1),
                 lambda: engine.sql(SLOW, timeout=0.1)):
        started = time.monotonic()
        with pytest.raises(selftune.SelftuneError) as caught:
            call()
        assert caught.value.name == "DEADLINE" and caught.value.retryable
        assert time.monotonic() - started < 30


# ----------------------------------------------------------------- model calls


def evolve(home, handler):
    with selftune.open(home=home, read_only=False, llm=handler, env={"PATH": "/nonexistent"}) as engine:
        return engine.request("evolve.run", skill="ledger-export", dry_run=True)


def test_a_handler_answers_for_the_agent(own_home):
    asked = []

    def handler(request):
        asked.append((request["purpose"], threading.current_thread() is threading.main_thread()))
        raise_later.append(request["user"])
        return {"text": "[]", "usage": {"input_tokens": 1, "output_tokens": 1}}

    raise_later = []
    try:
        evolve(own_home, handler)
    except selftune.SelftuneError as error:
        assert error.__cause__ is None, error
    assert asked and all(prompt for prompt in raise_later)


def test_an_exception_in_a_handler_fails_the_request_and_is_its_cause(own_home):
    class Broken(Exception):
        pass

    def handler(request):
        raise Broken("no model today")

    with pytest.raises(selftune.SelftuneError) as caught:
        evolve(own_home, handler)
    assert isinstance(caught.value.__cause__, Broken)
    # The engine is as good as before.
    with selftune.open(home=own_home) as engine:
        assert engine.request("about.version")["version"]


@pytest.mark.parametrize("answer", [None, 7, {"words": "x"}])
def test_a_handler_that_answers_nonsense_fails_the_request(own_home, answer):
    with pytest.raises(selftune.SelftuneError):
        evolve(own_home, lambda request: answer)


# --------------------------------------------------------------- notifications


def test_changes_are_heard_of_and_of_no_more_after_closing(own_home):
    heard = threading.Event()
    changes = []

    def changed(clock, topics):
        changes.append((clock, topics))
        heard.set()

    with selftune.open(home=own_home, read_only=False) as engine:
        with engine.subscribe(changed, "evidence", "jobs"):
            (next((own_home / ".claude" / "projects").rglob("*.jsonl")).parent / "new.jsonl").write_bytes(
                next((own_home / ".claude" / "projects").rglob("e2e*.jsonl")).read_bytes().replace(
                    b"e2e00000", b"e2e11111"))
            engine.request("sync.run")
            assert heard.wait(30)
        count = len(changes)
        engine.request("sync.run", force=True)
        assert len(changes) == count
    clock, topics = changes[0]
    assert clock > 0 and topics & {"evidence", "jobs"}


# ------------------------------------------------------------- other processes


def test_after_a_fork_the_child_is_told_and_the_parent_goes_on(engine):
    frame = engine.sessions()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            engine.request("about.version")
            answer = b"no error"
        except selftune.SelftuneError as error:
            answer = error.name.encode()
        os.write(write, answer + b" %d" % len(frame.column("session_id")))
        del frame
        engine.close()
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        assert answer.read().decode() == f"FORKED {len(frame)}"
    assert os.waitpid(pid, 0)[1] == 0
    assert engine.request("about.version")["version"]


@pytest.mark.parametrize("ending", [
    "", "sys.exit(3)", "raise ValueError", "engine.close()", "del engine; import gc; gc.collect()",
])
def test_the_interpreter_ends_with_everything_open(evidence, ending):
    """Jobs, subscriptions, streams and threads alive: no crash, no hanging."""
    code = f"""
import sys, threading, selftune
engine = selftune.open(home={str(evidence)!r}, llm=lambda request: "x")
job = engine.start("store.query", {{"sql": {SLOW!r}}}, on_event=print)
subscription = engine.subscribe(print)
stream = engine.stream("SELECT * FROM prompts")
frame = engine.prompts()
capsule = frame.__arrow_c_stream__()
threading.Thread(target=lambda: engine.sql({SLOW!r}, timeout=0.2), daemon=True).start()
{ending}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode in (0, 1, 3), (done.returncode, done.stderr)
    assert "Fatal" not in done.stderr and "Segmentation" not in done.stderr


@pytest.mark.parametrize("work", [
    'engine.request("status.get")', 'engine.sql("SELECT * FROM prompts")',
    'engine.start("status.get", on_event=lambda event: None)', 'selftune.open(home=home).close()',
    f'engine.start("store.query", {dict(sql=SLOW)!r}).result()',
])
def test_daemon_threads_in_the_library_do_not_disturb_the_end(evidence, work):
    """They come back while the interpreter goes: again and again, in four threads."""
    code = f"""
import threading, time, selftune
home = {str(evidence)!r}
engine = selftune.open(home=home)
def forever():
    while True:
        {work}
for _ in range(4):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.1)
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                              check=False)
        assert (done.returncode, done.stderr) == (0, "")  # nor do they say what they hear of it


@pytest.mark.parametrize("call", [f'engine.request("store.query", sql={SLOW!r})',
                                  f"engine.sql({SLOW!r})"])
def test_ctrl_c_ends_a_long_request(evidence, call):
    """The signal is seen while the library works."""
    code = f"""
import os, signal, threading, selftune
from selftune import engine as module
module.LONG = frozenset(["store.query"])
engine = selftune.open(home={str(evidence)!r})
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.stdout == "interrupted\n", done.stderr


def test_the_core_is_not_for_subclassing_by_accident():
    assert _core.READ_ONLY == 1 and _core.NO_NETWORK == 8
