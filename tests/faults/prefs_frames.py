"""Fault 22: what a set costs the frame thread, 8 characters at 60 frames a second."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.case import percentile
from tests.bench.prefs_shapes import frame_dict, frame_ours
from tests.faults.row import Row

__all__ = ["frame_row"]

HITCH_SECONDS = 0.002


def frame_row(seconds: float) -> Row:
    """Return the figure, beside a bare dict in frames in between: that is what the machine adds."""
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        sets, plain = frame_ours(Path(name), 1.0), frame_dict(Path(name), 1.0)
        for _ in range(int(seconds)):  # in turns: whatever disturbs, disturbs both
            ours += next(sets)
            bare += next(plain)
        sets.close()
    hitches, noise = (sum(s > HITCH_SECONDS for s in found) for found in (ours, bare))
    shares = (0.5, 0.99, 1.0)
    figure = (
        f"{len(ours)} sets: p50/p99/max {_line(ours, shares)} us, {hitches} hitches over 2 ms; "
        f"a bare dict {_line(bare, shares)} us, {noise} hitches"
    )
    return Row(22, "set on the frame thread, 8 characters at 60 fps", figure, hitches <= 2 * noise)


def _line(samples: list[float], shares: tuple[float, ...]) -> str:
    return " / ".join(f"{percentile(samples, share) * 1e6:.1f}" for share in shares)
