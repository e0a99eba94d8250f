"""The log of a service: as text, or an object of JSON a line, each line with its request's id.

The id comes with a client's request (`X-Request-ID`), or is made here, and is told in the answer.
Everything that a request begins, a room too, logs under the id of that request: tasks inherit it.
What a log may hold is up to those who write to it: sizes, states and shortened ids, never what was
said, and no keys. Of an exception only its kind and place are written.

OpenTelemetry's traces (extra `tracing`, `serve --tracing`) carry that id too. A turn is a span
`turn` with two below it: `think`, from the order of an answer to its first word, and `speak`, from
there to the end. They bear what was asked, how it ended and the shortened room.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from characters.service.metrics import ServiceMetrics, TurnTracer
from engine.core.errors import install_command

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

__all__ = [
    "begin_request", "JsonFormatter", "LoggedProblem", "OpenTelemetryTracer", "place_of",
    "ProblemLog", "request_id", "set_up_logs", "turn_tracer",
]  # fmt: skip

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


def turn_tracer(to: str, node: str) -> TurnTracer:
    """Return a tracer that sends its spans "otlp" or to the "console".

    OTLP goes by HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says. Raises ImportError without the
    packages, whose message says what to do.
    """
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

        if to == "otlp":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        needed = install_command("tracing")
        raise ImportError(f"--tracing needs the extra `tracing`: {needed}") from None
    resource = Resource.create({"service.name": "troupe", "service.instance.id": node})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter() if to == "otlp" else ConsoleSpanExporter(out=sys.stderr)
    # It exports on a thread of its own, and what is left when the process ends.
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OpenTelemetryTracer(provider.get_tracer("troupe"))


class OpenTelemetryTracer:
    """Begins the spans of turns."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, kind: str, room: str) -> OpenTelemetryTurn:
        """Begin the spans of a turn."""
        attributes = {"troupe.asked": kind, "troupe.room": room, "troupe.request": request_id()}
        turn = self._tracer.start_span("turn", attributes=attributes)
        return OpenTelemetryTurn(self._tracer, turn)


class OpenTelemetryTurn:
    """The spans of one turn."""

    def __init__(self, tracer: Tracer, turn: Span) -> None:
        self._tracer = tracer
        self._turn = turn
        self._part = self._begin("think")

    def first_word(self) -> None:
        """Note that the character has begun to speak."""
        self._part.end()
        self._part = self._begin("speak")

    def end(self, outcome: str) -> None:
        """End the spans."""
        self._part.end()
        self._turn.set_attribute("troupe.outcome", outcome)
        self._turn.end()

    def _begin(self, name: str) -> Span:
        from opentelemetry.trace import set_span_in_context

        return self._tracer.start_span(name, context=set_span_in_context(self._turn))
