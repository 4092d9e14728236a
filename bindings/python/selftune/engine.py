"""An open store: requests, tables, jobs, notifications."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, cast

from selftune import _core
from selftune._datasets import Datasets
from selftune._long import LONG
from selftune._types import ColumnType, Conditions, LlmHandler, Order, Progress, Scalar, Time, Topic, plain
from selftune.errors import SelftuneError
from selftune.frames import Frame, Stream

if TYPE_CHECKING:
    from selftune._operations import Requests
else:

    class Requests:
        pass


_TOPICS: dict[Topic, int] = {
    "evidence": 1, "grading": 2, "evolution": 4, "jobs": 8, "upload": 16, "settings": 32,
}
_ALL_TOPICS = 0xFFFFFFFF
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}
_WAIT_MS = 200  # between looks at what Python has to do (signals)

StrPath = Union[str, "os.PathLike[str]"]

_log = logging.getLogger("selftune")


class Job:
    """A request that runs on a thread of the library."""

    def __init__(self, job: _core.Job, engine: Engine) -> None:
        self._job = job
        self._engine = engine
        _live.add(self)

    def envelope(self, timeout: float | None = None) -> dict[str, Any]:
        """Waits and gives the whole reply; TimeoutError when it still runs."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _WAIT_MS if end is None else min(_WAIT_MS, int(1000 * (end - time.monotonic())))
            with self._engine._model_errors():
                reply = self._job.wait(max(left, 0))
            if reply is not None:
                return cast("dict[str, Any]", json.loads(reply))
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"the job still runs after {timeout} s")

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Waits and gives the data of the reply, as `Engine.request` does."""
        return _data(self.envelope(timeout))

    def done(self) -> bool:
        try:
            self.envelope(0)
        except TimeoutError:
            return False
        except SelftuneError:
            return True
        return True

    def cancel(self) -> None:
        """Asks it to stop at the next safe point; returns at once."""
        self._job.cancel()


class Subscription:
    """Calls back until it is closed; a context manager."""

    def __init__(self, subscription: _core.Subscription) -> None:
        self._subscription = subscription
        _live.add(self)

    def close(self) -> None:
        """Returns after the last call."""
        self._subscription.close()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Engine(Requests, Datasets):
    """An open store with its configuration. Any thread may use it.

    Close it, or use it as a context manager; frames outlive it. In a process that was
    forked while an engine was open, this one and new ones raise FORKED: start it with
    exec ("spawn" in multiprocessing), or close all engines before.
    """

    def __init__(
        self,
        home: StrPath | None = None,
        read_only: bool = True,
        *,
        config_dir: StrPath | None = None,
        db_path: StrPath | None = None,
        create: bool = True,
        migrate: bool = True,
        network: bool = True,
        env: Mapping[str, str] | None = None,
        llm: LlmHandler | None = None,
    ) -> None:
        flags = 0
        for wanted, flag in (
            (read_only, _core.READ_ONLY), (not create, _core.NO_CREATE),
            (not migrate, _core.NO_MIGRATE), (not network, _core.NO_NETWORK),
        ):
            flags |= flag if wanted else 0
        self.read_only = read_only
        self._lock = threading.Lock()
        self._model_error: BaseException | None = None
        entries = [f"{name}={value}" for name, value in (env or {}).items()]
        self._core = _core.Engine(
            _absolute(home), _absolute(config_dir), _absolute(db_path), flags, entries, _forward_log
        )
        _live.add(self)
        if llm is not None:
            self.set_llm(llm)

    # --- Life -------------------------------------------------------------------

    def close(self) -> None:
        """Calls that run go on to their end; jobs keep the store open as long as
        they are held. Closing twice is fine."""
        self._core.close()

    @property
    def closed(self) -> bool:
        return self._core.closed

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- Requests ---------------------------------------------------------------

    if not TYPE_CHECKING:

        def request(self, op, /, **params):
            """Runs an operation (docs/reference/operations.md) and returns its data.

            Raises SelftuneError when it fails, and when it ran and its answer is
            "no" (a regression was found): the error's `data` says more then.
            """
            return _data(self.envelope(op, params))

    def envelope(
        self, op: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Runs an operation and returns the whole reply: data, warnings, next,
        error. Raises SelftuneError only when it failed. `timeout` in seconds."""
        if op in LONG and threading.current_thread() is threading.main_thread():
            return self._interruptible(op, params, timeout)
        with self._model_errors():
            return cast("dict[str, Any]", json.loads(self._core.request(_request(op, params, timeout))))

    def start(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        *,
        on_event: Callable[[Progress], object] | None = None,
        timeout: float | None = None,
    ) -> Job:
        """Runs an operation on a thread of the library. `on_event` hears of its
        progress, from that thread; what it raises goes to sys.unraisablehook."""

        def listen(text: str) -> None:
            if on_event is not None:
                on_event(json.loads(text))

        listener = listen if on_event is not None else None
        return Job(self._core.start(_request(op, params, timeout), listener), self)

    def _interruptible(
        self, op: str, params: Mapping[str, Any] | None, timeout: float | None
    ) -> dict[str, Any]:
        job = self.start(op, params, timeout=timeout)
        try:
            return job.envelope()
        except BaseException:
            job.cancel()
            raise

    # --- Tables -----------------------------------------------------------------

    def sql(
        self,
        query: str,
        args: Sequence[Scalar | None] = (),
        *,
        types: Mapping[str, ColumnType] | None = None,
        timeout: float | None = None,
    ) -> Frame:
        """Runs one SELECT over the public views (docs/sql-views.md); `args` are
        bound to ?1, ?2, ... Anything else is refused.

        A column that no view has gets the type that holds all its values: int64,
        float64 when some are real, utf8 when they are mixed; `types` says another."""
        request = {"sql": query, "args": plain(list(args)), "whole": True}
        return Frame(self._core.export(_export(request, types, timeout)))

    def stream(
        self,
        query: str,
        args: Sequence[Scalar | None] = (),
        *,
        types: Mapping[str, ColumnType] | None = None,
        timeout: float | None = None,
    ) -> Stream:
        """The same, read batch by batch by whoever takes it. `timeout` binds it
        to the last batch. The first 65,536 rows decide the types; a later value
        that does not fit fails, and `types` helps."""
        request = _export({"sql": query, "args": plain(list(args))}, types, timeout)
        return Stream(lambda: self._core.stream(request))

    def table(
        self,
        name: str,
        *,
        where: Conditions | None = None,
        columns: Sequence[str] | None = None,
        since: Time | None = None,
        until: Time | None = None,
        order: Order | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Frame:
        """A view or dataset by name. The methods named like them are the same.

        Without `order` ("column", "-column" from high to low, or several) the
        order of the rows is not told."""
        request = {
            "dataset": name,
            "where": {column: plain(value) for column, value in (where or {}).items()},
            "columns": None if columns is None else list(columns),
            "since": plain(since),
            "until": plain(until),
            "order": [order] if isinstance(order, str) else order and list(order),
            "limit": limit,
            "whole": True,
        }
        return Frame(self._core.export(_export(request, None, timeout)))

    # --- Notifications ----------------------------------------------------------

    def subscribe(
        self, changed: Callable[[int, frozenset[Topic]], object], *topics: Topic
    ) -> Subscription:
        """Calls `changed(clock, topics)` from a thread of the library when the
        store has changed, whichever process wrote it. No topics: all."""
        _check_callable("changed", changed)
        wanted = 0
        for topic in topics:
            wanted |= _TOPICS[topic]

        def listen(clock: int, bits: int) -> None:
            changed(clock, frozenset(topic for topic, bit in _TOPICS.items() if bits & bit))

        return Subscription(self._core.subscribe(wanted or _ALL_TOPICS, listen))

    # --- Model calls ------------------------------------------------------------

    def set_llm(self, handler: LlmHandler | None) -> None:
        """Lets `handler` answer the library's questions to a model, from any of
        its threads; None lets an agent CLI do it again. What the handler raises
        fails the request that asked."""
        if handler is None:
            self._core.set_llm_handler(None)
            return
        _check_callable("handler", handler)

        def ask(text: str) -> str | None:
            try:
                reply = handler(json.loads(text))
                return json.dumps({"text": reply} if isinstance(reply, str) else reply)
            except BaseException as error:  # noqa: BLE001 - nothing may pass through C
                with self._lock:
                    self._model_error = error
                return None

        self._core.set_llm_handler(ask)

    def _model_errors(self) -> _ModelErrors:
        return _ModelErrors(self)


class _ModelErrors:
    """Gives a request's failure the exception of the handler as its cause."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, SelftuneError):
            return
        with self._engine._lock:
            cause, self._engine._model_error = self._engine._model_error, None
        if isinstance(cause, (KeyboardInterrupt, SystemExit)):
            raise cause
        if cause is not None:
            raise error from cause


# Jobs, subscriptions and engines that exist: what runs must end before the
# interpreter does, or its threads would call into a Python that is gone.
_live: weakref.WeakSet[Any] = weakref.WeakSet()


@atexit.register
def _shut_down() -> None:
    # First: what daemon threads would hear of jobs that are cancelled and engines that are closed, they
    # would print while the interpreter goes, which ends the process with an abort.
    _core.end()
    alive = list(_live)
    jobs = [held for held in alive if isinstance(held, Job)]
    for job in jobs:
        job.cancel()  # all of them before any is waited for: one that waits its turn ends behind the others
    for job in jobs:
        try:
            job._job.wait(-1)
        except SelftuneError:
            pass  # that it was cancelled
    for held in alive:
        if not isinstance(held, Job):
            held.close()


def _check_callable(name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{name}: {type(value).__name__} is not callable")


def _absolute(path: StrPath | None) -> str:
    if path is None:
        return ""
    if not os.fspath(path):
        raise ValueError("an empty path is no folder: leave it away for the usual one")
    return os.path.abspath(os.fspath(path))


def _forward_log(level: int, line: str) -> None:
    _log.log(_LEVELS.get(level, logging.INFO), "%s", line)


def _request(op: str, params: Mapping[str, Any] | None, timeout: float | None) -> str:
    request: dict[str, Any] = {
        "op": op,
        "params": {name: plain(value) for name, value in (params or {}).items() if value is not None},
        "client": {"name": "python", "version": _core.__version__},
    }
    if timeout is not None:
        request["deadline_ms"] = max(1, int(1000 * timeout))
    return _text(request)


def _text(request: dict[str, Any]) -> str:
    """As JSON; ValueError for what JSON cannot say: NaN, infinity, lone surrogates."""
    text = json.dumps(request, allow_nan=False, ensure_ascii=False)
    text.encode()
    return text


def _export(request: dict[str, Any], types: Mapping[str, ColumnType] | None, timeout: float | None) -> str:
    request = {key: value for key, value in request.items() if value is not None}
    if types:
        request["types"] = dict(types)
    if timeout is not None:
        request["deadline_ms"] = max(1, int(1000 * timeout))
    return _text(request)


def _data(envelope: dict[str, Any]) -> dict[str, Any]:
    if not envelope["ok"]:
        raise SelftuneError.from_envelope(envelope)
    return cast("dict[str, Any]", envelope["data"])
