"""Rows 2, 4 to 7 and 11 to 15: what a whole session makes of faults."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from tests.faults import runtime_answers, runtime_real, runtime_sessions, runtime_virtual
from tests.faults.row import Row

__all__ = ["rows"]


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    return chain.from_iterable(
        module.rows(quick)
        for module in (runtime_virtual, runtime_real, runtime_sessions, runtime_answers)
    )
