"""What the methods take and give."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict, Union

Scalar = Union[str, int, float, bool]
#: A value, or values of which one must fit.
Condition = Union[str, int, float, bool, datetime.datetime, Sequence[Union[Scalar, datetime.datetime]]]
#: Conditions by name of column; None: the value is null.
Conditions = Mapping[str, Union[Condition, None]]
#: "column", "-column" from high to low, or several.
Order = Union[str, Sequence[str]]
#: RFC 3339, a day, an age such as "7d", or a datetime with a time zone.
Time = Union[str, datetime.datetime, datetime.date]
ColumnType = Literal["int64", "float64", "bool", "utf8", "time", "dictionary"]
Topic = Literal["evidence", "grading", "evolution", "jobs", "upload", "settings"]


class LlmRequest(TypedDict):
    """A question of the library to a model; '' where it has no wish."""

    purpose: str
    tier: str
    system: str
    user: str
    model: str
    effort: str
    json_schema: str
    timeout_ms: int


class LlmUsage(TypedDict, total=False):
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float


class LlmReply(TypedDict, total=False):
    """The answer; `text` must be there."""

    text: str
    model: str
    usage: LlmUsage


LlmHandler = Callable[[LlmRequest], Union[str, LlmReply]]


class Progress(TypedDict):
    """An event of a job; `total` is 0 when it is unknown."""

    event: str
    stage: str
    done: int
    total: int
    message: str


def plain(value: Any) -> Any:
    """Times as RFC 3339; a datetime without a zone is refused, not guessed, and
    so is an integer that the store cannot hold."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError(f"{value} does not fit into 64 bits: give it as a str or a float")
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        utc = value.astimezone(datetime.timezone.utc)
        return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return value


def merge(where: Conditions | None, more: Conditions) -> dict[str, Condition | None]:
    """`where` and the conditions of `more` that were given."""
    out: dict[str, Condition | None] = dict(where or {})
    out.update({column: value for column, value in more.items() if value is not None})
    return out
