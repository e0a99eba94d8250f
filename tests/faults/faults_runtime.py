"""Rows 1 to 15: what the real runtime, and mostly the real service process, make of faults."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from tests.faults import (
    runtime_answers,
    runtime_lines,
    runtime_misnumbering,
    runtime_real,
    runtime_sessions,
    runtime_suspended,
    runtime_virtual,
)
from tests.faults.row import Row

__all__ = ["rows"]

PARTS = (
    runtime_virtual,
    runtime_lines,
    runtime_real,
    runtime_sessions,
    runtime_answers,
    runtime_misnumbering,
    runtime_suspended,
)


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    return chain.from_iterable(part.rows(quick) for part in PARTS)
