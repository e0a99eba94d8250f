"""Row 24: eight characters, talk by text and voice, and random faults, for a while."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.row import Row
from tests.soak.soak import Result, wear_out

__all__ = ["as_row", "rows"]


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` is shorter."""
    seconds = 30.0 if quick else 300.0
    with TemporaryDirectory() as folder:
        yield as_row(wear_out(Path(folder), seconds, seed=24))


def as_row(result: Result) -> Row:
    """Return what a life in the village amounts to."""
    first, last = result.samples[0], result.samples[-1]
    figure = (
        f"{sum(result.acts.values())} acts in {last.seconds / 60:.0f} min: {len(result.failures)} "
        f"unrecovered or wrong; game {first.game.megabytes:.1f} MB after "
        f"{first.seconds / 60:.0f} min, {last.game.megabytes:.1f} at the end, "
        f"{last.game.threads} threads, {last.game.files} files, {last.tasks} tasks; service "
        f"{result.last_life[0].service.megabytes:.0f} to {last.service.megabytes:.0f} MB in its "
        f"last life; held more than before: {', '.join(result.leaks) or 'nothing'}"
    )
    is_right = not result.failures and not result.leaks
    return Row(24, "soak with random faults, 8 characters", figure, is_right)
