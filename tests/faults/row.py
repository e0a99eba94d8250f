"""One figure of the faults that we inject: what was tried, what came out, whether that is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Row", "as_table"]


@dataclass(frozen=True)
class Row:
    """A row of RESULTS.md; `number` is the fault's."""

    number: int
    fault: str
    figure: str
    is_right: bool


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| # | fault | figure | |", "|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: row.number):
        verdict = "ok" if row.is_right else "**WRONG**"
        lines.append(f"| {row.number} | {row.fault} | {row.figure} | {verdict} |")
    return "\n".join(lines)
