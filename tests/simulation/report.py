"""What a run counted, a broken promise in words, and the summary of many runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TypeAlias

from characters.protocol.failures import Failure
from characters.session.conversation import SessionState
from tests.simulation.promise import BrokenPromise

__all__ = ["Entry", "Outcome", "Tally", "broken"]

Entry: TypeAlias = tuple[float, object, SessionState]
"""When, what happened, and the state after it."""


@dataclass
class Outcome:
    """What one seed counted; `broken` is what went wrong, in words, or nothing."""

    seed: int
    session_hours: float = 0.0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    broken: str = ""


def broken(
    problem: BrokenPromise, seed: int, now: float, diary: Iterable[Entry], again: str
) -> str:
    """Say what was broken, when, by whom, what came before, and how to see it again."""
    hours, seconds = divmod(now, 3600.0)
    who = f", character {problem.who}" if problem.who else ""
    head = f"seed {seed}, {hours:.0f} h {seconds:.3f} s of virtual time{who}: {problem}"
    events = [f"  {at:12.3f} {_in_short(event)} -> {state.name}" for at, event, state in diary]
    told = "  its last events (virtual seconds, event, state after it):"
    replay = f"  replay: python -m tests.simulation {again}"
    return "\n".join([head, *([told] if events else []), *events, replay])


def _in_short(event: object) -> str:
    """Write an event with the words that tell it from others."""
    if not is_dataclass(event):
        return str(event)
    names = (field.name for field in fields(event))
    values = {name: getattr(event, name) for name in names if name not in ("chance", "due")}
    shown = (
        f"{name}={value.code if isinstance(value, Failure) else value}"
        for name, value in values.items()
    )
    return f"{type(event).__name__}({', '.join(shown)})"


@dataclass
class Tally:
    """The sum of many outcomes."""

    schedules: int = 0
    broken: int = 0
    session_hours: float = 0.0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one seed; of a broken one only that it was."""
        self.schedules += 1
        if outcome.broken:
            self.broken += 1
            return
        self.session_hours += outcome.session_hours
        self.steps += outcome.steps
        for mine, more in (
            (self.faults, outcome.faults),
            (self.outcomes, outcome.outcomes),
            (self.words, outcome.words),
        ):
            mine.update(more)

    def progress(self, seconds: float) -> str:
        """Return one line on a run that goes on."""
        return (
            f"... {self.schedules:,} seeds, {self.broken} broken,"
            f" {self.session_hours:,.0f} session-hours in {seconds:,.0f} s"
        )

    def summary(self, seconds: float) -> str:
        """Return the summary of a run that took so many real seconds."""
        hours = self.session_hours or 1.0
        made = self.outcomes.total()
        back = self.outcomes["REJOINED"] + self.outcomes["RESUMED"]
        return "\n".join(
            [
                f"{self.schedules:,} seeds, {self.broken} broken;"
                f" {self.schedules / seconds:.2f} schedules a second",
                f"{self.session_hours:,.0f} virtual session-hours in {seconds:,.0f} s,"
                f" {self.session_hours / seconds:,.0f} a second; {self.steps:,} steps",
                f"an hour of a session: {self.faults.total() / hours:.1f} events,"
                f" {made / hours:.1f} connections, {back / hours:.1f} of them resumed or rejoined,"
                f" {self.words['lines typed'] / hours:.1f} lines",
                f"events: {_listed(self.faults)}",
                f"connections: {_listed(self.outcomes)}",
                f"words: {_listed(self.words)}",
                "every promise was kept" if not self.broken else f"{self.broken} seeds BROKEN",
            ]
        )


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count:,}" for name, count in ordered)
