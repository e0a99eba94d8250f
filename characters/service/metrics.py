"""What a service counts of itself, for `/metrics` and the administrator's page. Pure.

Numbers alone: no words, no ids, no keys. `exposition` writes them in the format of Prometheus, with
the package `prometheus-client` (extra `metrics`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from characters.protocol.messages import BotLlmText, BotTurnCompleted, ServerMessage
from characters.service.overlap import OverlapEvent

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = [
    "exposition", "Gauge", "has_prometheus", "Histogram", "ServiceMetrics", "SlidingWindow",
    "TurnRecorder", "TurnSpan", "TurnTracer",
]  # fmt: skip

FIRST_WORD = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 20.0)
TRANSCRIPT = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0)
LAG = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SAVE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)


class Histogram:
    """How many values there were up to each of its bounds, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def buckets(self) -> tuple[tuple[float, int], ...]:
        """Return each bound, infinity last, with how many values were at most as large."""
        return tuple(zip((*self.bounds, float("inf")), accumulate(self._counts), strict=True))

    def quantile(self, share: float) -> float | None:
        """Return the bound that `share` (0 to 1) of the values do not exceed; None without any."""
        count = self.count
        reached = (bound for bound, below in self.buckets() if below >= share * count)
        return next(reached) if count else None


class SlidingWindow:
    """The values of the last `seconds`, for figures that speak of now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._values: deque[tuple[float, float]] = deque()

    def add(self, now: float, value: float) -> None:
        """Add a value."""
        self._values.append((now, value))
        self._forget(now)

    def __len__(self) -> int:
        return len(self._values)

    def quantile(self, share: float, now: float) -> float | None:
        """Return what `share` (0 to 1) of the values do not exceed, None without any."""
        self._forget(now)
        ordered = sorted(value for _, value in self._values)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

    def mean(self, now: float) -> float:
        """Return the mean of the values, 0 without any."""
        self._forget(now)
        return sum(value for _, value in self._values) / max(1, len(self._values))

    def _forget(self, now: float) -> None:
        while self._values and self._values[0][0] < now - self._seconds:
            self._values.popleft()


LAG_SECONDS = 3.0
BUSY_SECONDS = 1.0  # long enough to be even, short enough that who has just come is in it
FEWEST_LAGS = 20  # the first ones tell of the start
WORD_SECONDS = 300.0


@dataclass(slots=True)
class ServiceMetrics:
    """The counts of one service since its start; histograms are of seconds."""

    connects: Counter[str] = field(default_factory=Counter)  # by outcome
    turns: Counter[str] = field(default_factory=Counter)  # by how they ended
    transcripts: Counter[str] = field(default_factory=Counter)  # by what became of an utterance
    dropped: Counter[str] = field(default_factory=Counter)  # frames and clients, by what
    saves: Counter[str] = field(default_factory=Counter)  # by outcome
    problems: Counter[str] = field(default_factory=Counter)  # lines of the log, by part
    first_word: Histogram = field(default_factory=lambda: Histogram(FIRST_WORD))
    transcript: Histogram = field(default_factory=lambda: Histogram(TRANSCRIPT))
    lag: Histogram = field(default_factory=lambda: Histogram(LAG))
    save: Histogram = field(default_factory=lambda: Histogram(SAVE))
    lags: SlidingWindow = field(default_factory=lambda: SlidingWindow(LAG_SECONDS))
    busy: SlidingWindow = field(default_factory=lambda: SlidingWindow(BUSY_SECONDS))
    """What share of its time the loop has worked: CPU time of its thread."""
    words: SlidingWindow = field(default_factory=lambda: SlidingWindow(WORD_SECONDS))
    save_failed_at: float | None = None
    """When the last save failed; None after one that succeeded."""

    def late(self, seconds: float, now: float) -> None:
        """Note how late the event loop was."""
        self.lag.add(seconds)
        self.lags.add(now, seconds)

    def lag_now(self, now: float) -> float:
        """Return how late the event loop is at most, but for one time in ten; at first 0."""
        return self.lags.quantile(0.9, now) or 0.0 if len(self.lags) >= FEWEST_LAGS else 0.0

    def saved(self, seconds: float, now: float, *, is_well: bool) -> None:
        """Count a save and how long it took."""
        self.saves["ok" if is_well else "failed"] += 1
        self.save.add(seconds)
        self.save_failed_at = None if is_well else now

    def drop(self, what: str) -> None:
        """Count something that did not fit."""
        self.dropped[what] += 1


class TurnSpan(Protocol):
    """The trace of one turn."""

    def first_word(self) -> None:
        """Note that the character has begun to speak."""

    def end(self, outcome: str) -> None:
        """End the trace."""


class TurnTracer(Protocol):
    """Begins the trace of a turn; `kind` is what was asked, such as "PlayerSaid"."""

    def begin(self, kind: str, room: str) -> TurnSpan:
        """Begin."""


class TurnRecorder:
    """Follows the turns of one room by what is asked and what is sent, into metrics and trace."""

    def __init__(self, metrics: ServiceMetrics, tracer: TurnTracer | None, room: str) -> None:
        self._metrics = metrics
        self._tracer = tracer
        self._room = room
        self._span: TurnSpan | None = None
        self.turns = 0
        self.asked_at: float | None = None
        """Since when the player waits for the first word of an answer, None when he does not."""
        self._quiet_at: float | None = None  # since when the player's words are awaited

    def asked(self, kind: str, now: float) -> None:
        """Note that an answer is being made."""
        self.asked_at = now
        self._end_span("replaced")
        if self._tracer is not None:
            self._span = self._tracer.begin(kind, self._room)

    def sent(self, message: ServerMessage, now: float) -> None:
        """Note what the client is told."""
        if isinstance(message, BotLlmText) and self.asked_at is not None:
            self._metrics.first_word.add(now - self.asked_at)
            self._metrics.words.add(now, now - self.asked_at)
            self.asked_at = None
            if self._span is not None:
                self._span.first_word()
        elif isinstance(message, BotTurnCompleted):
            outcome = _outcome(message)
            self._metrics.turns[outcome] += 1
            self.turns += 1
            self.asked_at = None
            self._end_span(outcome)

    def heard(self, event: OverlapEvent, now: float) -> None:
        """Note what becomes of the player's voice."""
        if event is OverlapEvent.QUIET:
            self._quiet_at = now
        if event not in (OverlapEvent.WORDS, OverlapEvent.NO_LINE):
            return
        self._metrics.transcripts["line" if event is OverlapEvent.WORDS else "no_line"] += 1
        if self._quiet_at is not None:
            self._metrics.transcript.add(now - self._quiet_at)
            self._quiet_at = None

    def close(self) -> None:
        """End what has not ended."""
        self._end_span("closed")

    def _end_span(self, outcome: str) -> None:
        span, self._span = self._span, None
        if span is not None:
            span.end(outcome)


def _outcome(message: BotTurnCompleted) -> str:
    if message.error_reason is not None:
        return "failed"
    return "interrupted" if message.was_interrupted else "completed"


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something that is measured at the moment it is asked for; `values` by label, "" for none."""

    name: str
    about: str
    label: str
    values: Mapping[str, float]


_COUNTERS = (
    ("connects", "outcome", "Requests for a room."),
    ("turns", "outcome", "Turns of characters that ended."),
    ("transcripts", "outcome", "Utterances of players."),
    ("dropped", "what", "Frames that did not fit, and clients that read too slowly."),
    ("saves", "outcome", "Writes of sessions to the store."),
    ("problems", "part", "Warnings and errors in the log."),
)
_HISTOGRAMS = (
    ("first_word", "From the order of an answer to its first word."),
    ("transcript", "From the player's silence to his words, the pause that ends a turn included."),
    ("lag", "How late the event loop was."),
    ("save", "How long a write of a session took."),
)


def has_prometheus() -> bool:
    """Tell whether `exposition` can be called."""
    return find_spec("prometheus_client") is not None


def exposition(metrics: ServiceMetrics, gauges: tuple[Gauge, ...] = ()) -> bytes:
    """Return all figures in the text format of Prometheus, the process's own among them."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(metrics, gauges))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collected:
    """The figures as the package wants them."""

    def __init__(self, metrics: ServiceMetrics, gauges: tuple[Gauge, ...]) -> None:
        self._metrics = metrics
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for name, label, about in _COUNTERS:
            counter = CounterMetricFamily(f"troupe_{name}", about, labels=(label,))
            for value, count in sorted(getattr(self._metrics, name).items()):
                counter.add_metric((value,), count)
            yield counter
        for name, about in _HISTOGRAMS:
            found: Histogram = getattr(self._metrics, name)
            buckets = [(_le(bound), float(count)) for bound, count in found.buckets()]
            yield HistogramMetricFamily(f"troupe_{name}_seconds", about, buckets, found.sum)
        for gauge in self._gauges:
            labels = (gauge.label,) if gauge.label else ()
            family = GaugeMetricFamily(f"troupe_{gauge.name}", gauge.about, labels=labels)
            for value, number in gauge.values.items():
                family.add_metric((value,) if gauge.label else (), number)
            yield family


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else f"{bound:g}"
