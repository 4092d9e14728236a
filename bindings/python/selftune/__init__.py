"""Evidence about how coding agents use their skills.

    import selftune

    with selftune.open() as engine:
        print(engine.request("status.get")["skills"])
        engine.misses(since="7d").to_pandas()
        engine.sql("SELECT platform, count(*) AS sessions FROM sessions GROUP BY 1")

Read-only unless asked otherwise. Frames go to pandas, pyarrow, polars and duckdb
without being copied; docs/sql-views.md says what their columns mean.
"""

from __future__ import annotations

from selftune._core import __version__, has
from selftune._types import LlmHandler, LlmReply, LlmRequest, Progress
from selftune.engine import Engine, Job, Subscription
from selftune.errors import SelftuneError
from selftune.frames import Frame, Stream

#: Opens an engine; its parameters are those of Engine.
open = Engine

__all__ = [
    "Engine",
    "Frame",
    "Job",
    "LlmHandler",
    "LlmReply",
    "LlmRequest",
    "Progress",
    "SelftuneError",
    "Stream",
    "Subscription",
    "__version__",
    "has",
    "open",
]
