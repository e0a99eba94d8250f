"""The timers of one session, on its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from characters.core.session_events import Timer

__all__ = ["Timers"]


class Timers:
    """At most one of each kind runs; `fire` is called with it and the time that it was due."""

    def __init__(self, clock: Callable[[], float], fire: Callable[[Timer, float], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._running: dict[Timer, asyncio.TimerHandle] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    def start(self, timer: Timer, due: float) -> float:
        """Start it, or start it anew; return the seconds that it runs."""
        self.cancel(timer)
        delay = max(0.0, due - self._clock())
        loop = asyncio.get_running_loop()
        self._running[timer] = loop.call_later(delay, self._end, timer, due)
        return delay

    def cancel(self, timer: Timer) -> None:
        """Stop it, if it runs."""
        handle = self._running.pop(timer, None)
        if handle is not None:
            handle.cancel()

    def clear(self) -> None:
        """Stop them all."""
        for timer in tuple(self._running):
            self.cancel(timer)

    def _end(self, timer: Timer, due: float) -> None:
        self._running.pop(timer, None)
        self._fire(timer, due)
