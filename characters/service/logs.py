"""The log of a service: as text, or an object of JSON a line, each line with its request's id.

The id comes with a client's request (`X-Request-ID`), or is made here, and is told in the answer.
Everything that a request begins, a room too, logs under the id of that request: tasks inherit it.
What a log may hold is up to those who write to it: sizes, states and shortened ids, never what was
said, and no keys. Of an exception only its kind and place are written.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from characters.service.metrics import ServiceMetrics

__all__ = [
    "begin_request",
    "JsonFormatter",
    "LoggedProblem",
    "place_of",
    "ProblemLog",
    "request_id",
    "set_up_logs",
]

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MOST_PROBLEMS = 50
MOST_TEXT = 300

_FIT = re.compile(r"[A-Za-z0-9._\-]{4,64}")
_REQUEST: ContextVar[str] = ContextVar("request", default="")

# The part of the service that a logger speaks of: the longest prefix counts.
PARTS = {
    "characters.agents": "model",
    "characters.speech": "speech",
    "characters.service.voice": "speech",
    "characters.service.store": "store",
    "characters.service.repository": "store",
    "characters.service.database": "store",
    "characters.service.memory": "store",
}


def request_id() -> str:
    """Return the id of the request that led here, "" if none did."""
    return _REQUEST.get()


def begin_request(given: str, made: str) -> str:
    """Take the id that a client has given, or the one that was `made` where it is unfit."""
    found = given if _FIT.fullmatch(given) else made
    _REQUEST.set(found)
    return found


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record: time, level, logger, message, and the request's id."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, Any] = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := request_id():
            fields["request"] = request
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields |= {"error": type(error).__name__, "at": place_of(error)}
        return json.dumps(fields, ensure_ascii=False)


def place_of(error: BaseException) -> str:
    """Return the function and the line that raised an error; no text of it may be in a log."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""


@dataclass(frozen=True, slots=True)
class LoggedProblem:
    """A warning or an error of the log; `at` is the wall clock's seconds."""

    at: float
    level: str
    part: str
    text: str


class ProblemLog(logging.Handler):
    """Counts warnings and errors by the part that they are about, and keeps the last ones."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        super().__init__(logging.WARNING)
        self.metrics = metrics
        self._last: deque[LoggedProblem] = deque(maxlen=MOST_PROBLEMS)

    @property
    def last(self) -> tuple[LoggedProblem, ...]:
        """The last problems, the newest first."""
        return tuple(reversed(self._last))

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        text = record.getMessage()[:MOST_TEXT]
        part = _part(record.name)
        self.metrics.problems[part] += 1
        self._last.append(LoggedProblem(record.created, record.levelname, part, text))


def _part(logger: str) -> str:
    fits = [name for name in PARTS if logger == name or logger.startswith(name + ".")]
    return PARTS[max(fits, key=len)] if fits else "service"


def set_up_logs(level: str, form: str, problems: ProblemLog) -> None:
    """Write the log to standard error from `level` on, as "text" or "json"; count all problems."""
    shown = logging.StreamHandler()
    shown.setLevel(level)
    shown.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT_FORMAT))
    lowest = min(logging.getLevelName(level), logging.WARNING)
    logging.basicConfig(level=lowest, handlers=[shown, problems])
