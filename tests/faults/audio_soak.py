"""Row 24: eight characters, talk by text and voice, and random faults, for a while."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.row import Row
from tests.soak.soak import wear_out

__all__ = ["rows"]


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` is shorter."""
    yield soak(30.0 if quick else 300.0)


def soak(seconds: float) -> Row:
    """Let a player live in a village for so long."""
    with TemporaryDirectory() as folder:
        result = wear_out(Path(folder), seconds, seed=24)
    first, last = result.samples[0], result.samples[-1]
    figure = (
        f"{sum(result.acts.values())} acts in {seconds:g} s: {len(result.failures)} unrecovered or "
        f"wrong; game {first.game.megabytes:.0f} to {last.game.megabytes:.0f} MB, "
        f"held at the end: {', '.join(result.leaks) or 'nothing more'}"
    )
    is_right = not result.failures and not result.leaks
    return Row(24, "soak with random faults, 8 characters", figure, is_right)
