"""The one exception of the package."""

from __future__ import annotations

import json
from typing import Any

from selftune._error_next import ERROR_NEXT


class SelftuneError(Exception):
    """A request failed, or answered "no".

    `name` is stable ("STORE_MISSING"); `suggestion` says what to do about it and
    `next_argv` is the command that does it.
    """

    def __init__(
        self,
        code: int,
        name: str,
        message: str,
        suggestion: str | None = None,
        next_argv: list[str] | None = None,
        retryable: bool = False,
        exit_code: int = 1,
        details: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, name, message, suggestion, next_argv, retryable, exit_code, details, data)
        self.code = code
        self.name = name
        self.message = message
        self.suggestion = suggestion
        self.next_argv = next_argv
        self.retryable = retryable
        self.exit_code = exit_code
        self.details = details
        #: What the operation found out, when it ran and its answer is "no".
        self.data = data

    def __str__(self) -> str:
        text = f"{self.name}: {self.message}"
        if self.suggestion:
            text += f"\n  {self.suggestion}"
        if self.next_argv:
            text += f"\n  {' '.join(self.next_argv)}"
        return text

    @classmethod
    def from_json(cls, code: int, text: str) -> SelftuneError:
        """From the error object of the C interface."""
        error = json.loads(text)
        return cls._from_dict(code, error, error.get("next"), None)

    @classmethod
    def from_envelope(cls, envelope: dict[str, Any]) -> SelftuneError:
        """From a reply with `ok` false."""
        return cls._from_dict(0, envelope["error"] or {}, envelope.get("next"), envelope.get("data"))

    @classmethod
    def from_stream(cls, code: int, text: str) -> SelftuneError:
        """From the last error of an Arrow stream, "NAME: message"."""
        name, separator, message = text.partition(": ")
        if not separator or not name.isupper():
            name, message = "INTERNAL", text
        suggestion, argv = ERROR_NEXT.get(name, ERROR_NEXT["INTERNAL"])
        return cls(code, name, message, suggestion, argv)

    @classmethod
    def _from_dict(
        cls, code: int, error: dict[str, Any], step: dict[str, Any] | None, data: dict[str, Any] | None
    ) -> SelftuneError:
        return cls(
            code,
            error.get("code", "INTERNAL"),
            error.get("message", ""),
            error.get("suggestion"),
            step["argv"] if step else None,
            bool(error.get("retryable", False)),
            int(error.get("exit_code", 1)),
            error.get("details"),
            data,
        )
