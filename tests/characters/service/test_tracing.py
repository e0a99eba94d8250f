"""The traces of turns."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from characters.service.logs import OpenTelemetryTracer, turn_tracer
from tests.imports import ROOT


def spans_of(*steps: str) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    turn = OpenTelemetryTracer(provider.get_tracer("test")).begin("PlayerSaid", "room")
    for step in steps:
        if step == "word":
            turn.first_word()
        else:
            turn.end(step)
    return list(exporter.get_finished_spans())


def test_a_turn_is_a_span_with_thinking_and_speaking_below_it() -> None:
    think, speak, turn = spans_of("word", "completed")
    assert [span.name for span in (think, speak, turn)] == ["think", "speak", "turn"]
    assert turn.context is not None
    for part in (think, speak):
        assert part.parent is not None
        assert part.parent.span_id == turn.context.span_id
    assert turn.attributes == {
        "troupe.asked": "PlayerSaid",
        "troupe.room": "room",
        "troupe.request": "",
        "troupe.outcome": "completed",
    }


def test_a_turn_that_is_cut_before_its_first_word_has_only_thought() -> None:
    assert [span.name for span in spans_of("interrupted")] == ["think", "turn"]


@pytest.mark.slow  # an interpreter of its own that loads OpenTelemetry; spans are tried above
def test_the_console_is_written_to_at_the_end_of_the_process() -> None:
    program = (
        "from characters.service.logs import turn_tracer\n"
        "turn_tracer('console', 'node-a').begin('Event', 'room').end('closed')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    assert b'"troupe.outcome": "closed"' in ran.stderr
    assert b"node-a" in ran.stderr
    assert ran.stdout == b""


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(ImportError, match="extra `tracing`: pip install"):
        turn_tracer("console", "node-a")
