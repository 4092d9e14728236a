"""Frames in notebooks: how they look, and SQL cells.

    %load_ext selftune.notebook
    %%selftune
    SELECT skill_name, count(*) AS uses FROM skill_invocations GROUP BY 1
"""

from __future__ import annotations

import datetime
import html
from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN_CHARS = 80


def cell_text(value: Any) -> str:
    """A value as short text, for a person."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def html_table(types: Mapping[str, str], rows: Sequence[Sequence[Any]], total: int) -> str:
    """A table as HTML. Everything that comes from the store is escaped: prompts
    and names are other people's text."""

    def align(kind: str) -> str:
        return "right" if kind in ("int64", "float64") else "left"

    kinds = list(types.values())
    out = ["<table>", "<thead><tr>"]
    out += [f'<th style="text-align:{align(kind)}">{html.escape(name)}</th>' for name, kind in types.items()]
    out.append("</tr></thead>")
    out.append("<tbody>")
    for row in rows:
        cells = (
            f'<td style="text-align:{align(kind)}">{html.escape(cell_text(value))}</td>'
            for value, kind in zip(row, kinds)
        )
        out.append("<tr>" + "".join(cells) + "</tr>")
    out += ["</tbody>", "</table>"]
    shown = f"the first {len(rows)} of {total} rows" if total > len(rows) else f"{total} rows"
    out.append(f"<p>{shown}</p>")
    return "\n".join(out)


def load_ipython_extension(ipython: Any) -> None:
    """Registers the cell magic %%selftune; its line may name a store's home."""
    import selftune

    def sql_cell(line: str, cell: str) -> Any:
        with selftune.open(home=line.strip() or None) as engine:
            return engine.sql(cell)

    ipython.register_magic_function(sql_cell, magic_kind="cell", magic_name="selftune")
