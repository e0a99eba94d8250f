"""Faults 17 to 22: the settings file."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.prefs_crash import crash_row
from tests.faults.prefs_damage import damage_rows
from tests.faults.prefs_errors import error_row
from tests.faults.prefs_frames import frame_row
from tests.faults.prefs_kill import kill_row
from tests.faults.prefs_rivals import rival_rows
from tests.faults.row import Row

__all__ = ["rows"]


def rows(quick: bool) -> Iterator[Row]:
    """Yield each figure as soon as it is known."""
    yield kill_row(runs=40 if quick else 1000)
    yield crash_row(batches=8 if quick else 40)
    yield error_row(later=2 if quick else 12)
    yield from damage_rows(step=37 if quick else 1, inputs=200 if quick else 10_000)
    yield from rival_rows(rounds=5 if quick else 100)
    yield frame_row(seconds=1.0 if quick else 60.0)
