"""Fault 22: what a set costs the frame thread, 8 characters at 60 frames a second."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.prefs.prefs import PlayerPrefs
from tests.bench.case import percentile
from tests.bench.prefs_shapes import CHARACTERS, FRAME_SECONDS, work
from tests.faults.row import Row

__all__ = ["frame_row"]

HITCH_SECONDS = 0.002


class Frames:
    """Times each set; tells the hitches in which it waited from those of a busy machine."""

    def __init__(self, set_one: Callable[[str, str], object]) -> None:
        self.samples: list[float] = []
        self.waited = self.preempted = 0
        self._set_one = set_one

    def run(self, seconds: float) -> None:
        """Run frames that work for two milliseconds and set a value for each character."""
        due = time.perf_counter()
        for frame in range(int(seconds / FRAME_SECONDS)):
            work(0.002)
            for number in range(CHARACTERS):
                self._measure(f"convai.session.character-{number}", f"{frame:040}")
            due += FRAME_SECONDS
            time.sleep(max(due - time.perf_counter(), 0))

    def _measure(self, key: str, value: str) -> None:
        waits = own_waits()
        start = time.perf_counter()
        self._set_one(key, value)
        taken = time.perf_counter() - start
        self.samples.append(taken)
        if taken > HITCH_SECONDS:
            self.waited += own_waits() > waits
            self.preempted += own_waits() == waits

    def __str__(self) -> str:
        cells = (f"{percentile(self.samples, share) * 1e6:.1f}" for share in (0.5, 0.99, 1.0))
        return (
            f"p50/p99/max {' / '.join(cells)} us, {self.waited} hitches over 2 ms in which it "
            f"waited, {self.preempted} in which the machine ran something else"
        )


def own_waits() -> int:
    """Return how often this thread has waited of its own accord: for a lock, a disk, the others.

    Where the system does not count that, every hitch counts as a wait.
    """
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    except (ImportError, AttributeError):
        return time.perf_counter_ns()


def frame_row(seconds: float) -> Row:
    """Return the figure, beside a bare dict in frames in between."""
    with tempfile.TemporaryDirectory() as name, PlayerPrefs.open(Path(name) / "p") as prefs:
        values: dict[str, str] = {}
        ours, bare = Frames(prefs.set_string), Frames(values.__setitem__)
        for _ in range(int(seconds)):  # in turns: whatever disturbs, disturbs both
            ours.run(1.0)
            bare.run(1.0)
    figure = f"{len(ours.samples)} sets: {ours}; a bare dict: {bare}"
    name = "set on the frame thread, 8 characters at 60 fps"
    return Row(22, name, figure, ours.waited == 0)
