"""Watches the event loop: measures how late it is, and keeps the collector of garbage off it.

A full collection stands the loop still for as long as it walks every object of every room
(measured: a p99 of 200 ms with 240 rooms). So what has survived one small collection is put where
the collector does not look (`gc.freeze`), and the whole is collected when nobody is there to
notice: when no client is connected. Rooms that end do not wait for that: they have no cycles left.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

from characters.service.metrics import ServiceMetrics

__all__ = ["LoopWatch"]

EVERY_SECONDS = 0.025
CLOCK_SECONDS = time.get_clock_info("monotonic").resolution  # 15 ms on some systems
COLLECT_SECONDS = 60.0  # at least, between two full collections
YOUNG = 20_000  # new objects until a small collection: 2 ms


class LoopWatch:
    """Measures the lag of the loop that `run` runs in, until it is cancelled.

    `is_quiet` tells whether nobody would notice a pause.
    """

    def __init__(
        self, now: Callable[[], float], metrics: ServiceMetrics, is_quiet: Callable[[], bool]
    ) -> None:
        self._now = now
        self._metrics = metrics
        self._is_quiet = is_quiet
        self._collected_at = now()
        self._owns_collector = False

    def take_collector(self) -> None:
        """Decide from now on when this process collects its garbage."""
        self._owns_collector = True
        self._collect()
        gc.set_threshold(YOUNG, 1_000_000, 1_000_000)
        gc.callbacks.append(_keep_survivors)

    async def run(self) -> None:
        """Measure, until cancelled."""
        while True:
            began, worked = self._now(), time.thread_time()
            due = began + EVERY_SECONDS
            await asyncio.sleep(EVERY_SECONDS)
            now = self._now()
            self._metrics.busy.add(now, (time.thread_time() - worked) / (now - began))
            self._metrics.late(max(0.0, now - due - CLOCK_SECONDS), now)
            self.look(now)

    def look(self, now: float) -> None:
        """Collect everything if it is time to and nobody would notice, else what is new.

        Python counts the new ones less those that went, also those that it does not look at: while
        rooms come and go it may not count to YOUNG for minutes, and then walk a million.
        """
        if not self._owns_collector:
            return
        if now - self._collected_at > COLLECT_SECONDS and self._is_quiet():
            self._collect()
        else:
            gc.collect(0)

    def _collect(self) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._collected_at = self._now()


def _keep_survivors(phase: str, about: dict[str, int]) -> None:
    """Let the collector look at nothing twice: its older generations stay empty."""
    if phase == "stop":
        gc.freeze()
