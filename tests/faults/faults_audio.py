"""Rows 16, 23 and 24: what speech makes of faults. The hour of row 24 is `python -m tests.soak`."""

from __future__ import annotations

from collections.abc import Iterable

from tests.faults import audio_devices, audio_soak
from tests.faults.row import Row

__all__ = ["rows"]


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield from audio_devices.rows(quick)
    yield from audio_soak.rows(quick)
