"""What a service counts, and how Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from characters.protocol.messages import BotLlmText, BotTurnCompleted, ServerMessage
from characters.service.metrics import (
    Gauge,
    Histogram,
    ServiceMetrics,
    SlidingWindow,
    TurnRecorder,
    exposition,
)
from characters.service.overlap import OverlapEvent


def test_a_histogram_counts_what_is_at_most_as_large_as_its_bounds() -> None:
    it = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        it.add(value)
    assert it.buckets() == ((0.1, 2), (1.0, 3), (float("inf"), 4))
    assert it.count == 4
    assert it.sum == pytest.approx(7.65)
    assert (it.quantile(0.5), it.quantile(0.75), it.quantile(1.0)) == (0.1, 1.0, float("inf"))
    assert Histogram((1.0,)).quantile(0.5) is None


def test_a_window_forgets_what_is_too_old() -> None:
    it = SlidingWindow(3.0)
    for now in range(10):
        it.add(float(now), float(now))
    assert (it.quantile(0.0, 9.0), it.quantile(0.5, 9.0), it.quantile(1.0, 9.0)) == (6, 7, 9)
    assert it.quantile(1.0, 99.0) is None


class Span:
    def __init__(self, kind: str, told: list[str]) -> None:
        self.told = told
        told.append(f"begin {kind}")

    def first_word(self) -> None:
        self.told.append("word")

    def end(self, outcome: str) -> None:
        self.told.append(outcome)


class Tracer:
    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, kind: str, room: str) -> Span:
        return Span(kind, self.told)


def recorded(*steps: tuple[float, ServerMessage | str]) -> tuple[ServiceMetrics, list[str]]:
    metrics, tracer = ServiceMetrics(), Tracer()
    recorder = TurnRecorder(metrics, tracer, "room")
    for now, step in steps:
        if isinstance(step, str):
            recorder.asked(step, now)
        else:
            recorder.sent(step, now)
    return metrics, tracer.told


def test_the_time_to_the_first_word_is_counted_once_a_turn() -> None:
    metrics, told = recorded(
        (1.0, "PlayerSaid"), (1.4, BotLlmText("Oh")), (2.0, BotLlmText(" yes")),
        (3.0, BotTurnCompleted()),
    )  # fmt: skip
    assert metrics.first_word.count == 1
    assert metrics.first_word.sum == pytest.approx(0.4)
    assert metrics.turns == {"completed": 1}
    assert told == ["begin PlayerSaid", "word", "completed"]


def test_how_a_turn_ended_is_counted() -> None:
    metrics, told = recorded(
        (1.0, "Event"), (2.0, BotTurnCompleted(was_interrupted=True)),
        (3.0, "Event"), (4.0, BotTurnCompleted(error_reason="the agent failed")),
    )  # fmt: skip
    assert metrics.turns == {"interrupted": 1, "failed": 1}
    assert metrics.first_word.count == 0
    assert told == ["begin Event", "interrupted", "begin Event", "failed"]


def test_a_room_that_ends_in_mid_turn_ends_its_trace() -> None:
    tracer = Tracer()
    recorder = TurnRecorder(ServiceMetrics(), tracer, "room")
    recorder.asked("Silence", 1.0)
    recorder.close()
    recorder.close()
    assert tracer.told == ["begin Silence", "closed"]


def test_transcripts_are_counted_from_the_players_silence() -> None:
    metrics = ServiceMetrics()
    recorder = TurnRecorder(metrics, None, "room")
    for now, event in (
        (1.0, OverlapEvent.VOICE), (2.0, OverlapEvent.QUIET), (2.7, OverlapEvent.WORDS),
        (5.0, OverlapEvent.NO_LINE),
    ):  # fmt: skip
        recorder.heard(event, now)
    assert metrics.transcripts == {"line": 1, "no_line": 1}
    assert metrics.transcript.count == 1
    assert metrics.transcript.sum == pytest.approx(0.7)


def samples(text: bytes) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            yield sample.name, dict(sample.labels), sample.value


def test_prometheus_reads_every_figure() -> None:
    metrics = ServiceMetrics()
    metrics.connects["fresh"] += 2
    metrics.connects["429"] += 1
    metrics.saved(0.003, 9.0, is_well=True)
    rooms = Gauge("rooms", "Rooms.", "state", {"live": 3.0, "away": 1.0})
    found = list(samples(exposition(metrics, (rooms, Gauge("draining", "", "", {"": 0.0})))))
    assert ("troupe_connects_total", {"outcome": "fresh"}, 2.0) in found
    assert ("troupe_connects_total", {"outcome": "429"}, 1.0) in found
    assert ("troupe_rooms", {"state": "live"}, 3.0) in found
    assert ("troupe_draining", {}, 0.0) in found
    assert ("troupe_save_seconds_bucket", {"le": "0.005"}, 1.0) in found
    assert ("troupe_save_seconds_bucket", {"le": "0.002"}, 0.0) in found
    assert ("troupe_save_seconds_count", {}, 1.0) in found


def test_a_save_that_failed_is_remembered_until_one_succeeds() -> None:
    metrics = ServiceMetrics()
    metrics.saved(0.1, 5.0, is_well=False)
    assert (metrics.save_failed_at, metrics.saves["failed"]) == (5.0, 1)
    metrics.saved(0.1, 6.0, is_well=True)
    assert metrics.save_failed_at is None
