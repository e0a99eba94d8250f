"""OpenTelemetry traces of turns, with the extra `tracing`; off unless `serve --tracing` asks.

A turn is a span `turn` with two below it: `think`, from the order of an answer to its first word,
and `speak`, from there to the end. They bear what was asked, how it ended, the shortened room and
the request's id; nothing that was said.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from characters.service.logs import request_id
from characters.service.metrics import TurnTracer
from engine.core.errors import install_command

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

__all__ = ["turn_tracer"]


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
