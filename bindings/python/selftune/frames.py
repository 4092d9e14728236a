"""Tables of evidence, for any library that speaks Arrow."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from selftune import _core, notebook

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

_TYPES = {"l": "int64", "g": "float64", "b": "bool", "u": "utf8", "i": "dictionary", "tsm:UTC": "time"}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_SHOWN_ROWS = 20


def _need(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"this needs {name}: python -m pip install {name}") from error


class Frame:
    """A table in memory. Immutable; can be read as often as wanted.

    Implements the Arrow PyCapsule protocol, so that others take it as it is and
    share its memory:

        pyarrow.table(frame)    polars.DataFrame(frame)    duckdb.from_arrow(frame)

    Memory goes back when the frame and everything made from it are gone.
    """

    def __init__(self, table: _core.Table) -> None:
        self._table = table
        self._names = table.names
        self._formats = table.formats

    # --- What it is -----------------------------------------------------------

    @property
    def num_rows(self) -> int:
        return self._table.num_rows

    @property
    def columns(self) -> list[str]:
        return list(self._names)

    @property
    def types(self) -> dict[str, str]:
        """int64, float64, bool, utf8, dictionary (of utf8) or time (ms, UTC)."""
        return dict(zip(self._names, (_TYPES[f] for f in self._formats)))

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return self._table.nbytes

    def __len__(self) -> int:
        return self._table.num_rows

    def __repr__(self) -> str:
        columns = ", ".join(f"{name}: {kind}" for name, kind in self.types.items())
        return f"<selftune.Frame {self.num_rows} rows [{columns}]>"

    def _repr_html_(self) -> str:
        rows = list(self.rows(stop=_SHOWN_ROWS))
        return notebook.html_table(self.types, rows, self.num_rows)

    # --- Arrow ------------------------------------------------------------------

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        # The protocol lets a producer ignore the wish for other types.
        return self._table.stream()

    def __arrow_c_schema__(self) -> object:
        return self._table.schema()

    def to_arrow(self) -> pyarrow.Table:
        return _need("pyarrow").table(self)

    def to_pandas(self, *, arrow: bool = False) -> pandas.DataFrame:
        """A pandas.DataFrame; `arrow` keeps the columns in Arrow's memory
        (pandas.ArrowDtype) instead of converting them to NumPy's types."""
        table: Any = self.to_arrow()
        made: pandas.DataFrame = (
            table.to_pandas(types_mapper=_need("pandas").ArrowDtype) if arrow else table.to_pandas()
        )
        return made

    def to_polars(self) -> polars.DataFrame:
        return _need("polars").DataFrame(self)

    def to_duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        duck = _need("duckdb")
        return duck.from_arrow(self) if connection is None else connection.from_arrow(self)

    # --- Plain Python -----------------------------------------------------------

    def column(self, name: str, start: int = 0, stop: int | None = None) -> list[Any]:
        """Values: int, float, bool, str, datetime (UTC) or None. `start` and `stop`
        are those of a slice."""
        if name not in self._names:
            raise KeyError(f"no column {name!r}; there are {', '.join(self._names)}")
        self._need_one(name)
        return self._values(self._names.index(name), start, stop)

    def __getitem__(self, name: str) -> list[Any]:
        return self.column(name)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Any, ...]]:
        """One tuple a row, in the order of `columns`."""
        return zip(*(self._values(i, start, stop) for i in range(len(self._names))))

    def to_pylist(self) -> list[dict[str, Any]]:
        for name in self._names:
            self._need_one(name)
        return [dict(zip(self._names, row)) for row in self.rows()]

    def _need_one(self, name: str) -> None:
        if self._names.count(name) > 1:
            raise ValueError(f"{self._names.count(name)} columns are called {name!r}: give them names with AS")

    def _values(self, index: int, start: int, stop: int | None) -> list[Any]:
        start, stop, _ = slice(start, stop).indices(self.num_rows)
        values = self._table.column(index, start, max(start, stop))
        if self._formats[index] != "tsm:UTC":
            return values
        return [None if v is None else _EPOCH + datetime.timedelta(milliseconds=v) for v in values]


class Stream:
    """A result that another library reads batch by batch:

        duckdb.from_arrow(stream).aggregate("count(*)")
        pyarrow.RecordBatchReader.from_stream(stream)

    For what does not fit into memory. Each reader runs the query anew; while
    one reads, the store's log cannot shrink. The engine must be open when a
    reader begins; it may be closed while one reads.
    """

    def __init__(self, read: Callable[[], object]) -> None:
        self._read = read
        # Tried at once, so that a wrong query fails where it is written.
        self._first: object | None = read()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        first, self._first = self._first, None
        return self._read() if first is None else first

    def close(self) -> None:
        """Gives up what nobody reads yet."""
        self._first = None
