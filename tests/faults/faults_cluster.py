"""Faults of a service on three nodes over PostgreSQL: `python -m tests.faults cluster`."""

from __future__ import annotations

from collections.abc import Iterable

from tests.cluster.faults import FAULTS, run_fault
from tests.cluster.herd import run_herd
from tests.faults.row import Row
from tests.postgres import running_postgres

__all__ = ["rows"]


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    with running_postgres(is_durable=True) as server:
        for fault in FAULTS:
            yield run_fault(server, fault, 2 if quick else 20)
        yield run_herd(server, 100 if quick else 500, within=15.0)
