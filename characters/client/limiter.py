"""The connect limiter that all characters of a process share: twenty that drop are no herd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

__all__ = ["ConnectLimiter"]


Priority = Callable[[], float]


@dataclass(eq=False)
class _Waiting:
    priority: Priority
    turn: asyncio.Future[None]


class _Once:
    """Calls something the first time only."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def __call__(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()


class ConnectLimiter:
    """Lets few connects run at once and spaces them out; the first ones go immediately.

    At most ``most_in_flight`` run together, not counting those that take longer than
    ``patience_seconds``: a slow server of one character must not hold up the others. A burst
    of that many passes at once, then one each ``interval_seconds``. Who waits is let in by
    priority (lowest first: the nearest, or who is spoken to), asked for at that moment;
    equals in the order in which they came.
    Belongs to one event loop.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        most_in_flight: int = 4,
        interval_seconds: float = 0.05,
        patience_seconds: float = 1.0,
    ) -> None:
        self._clock = clock
        self._most = most_in_flight
        self._interval = interval_seconds
        self._patience = patience_seconds
        self._in_flight = 0
        self._tokens = float(most_in_flight)
        self._counted_at = clock()
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """How many connects run now, the slow ones not counted."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, priority: Priority = lambda: 0.0) -> AsyncIterator[None]:
        """Hold a place among the connects in flight."""
        waiting = _Waiting(priority, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._let_in()
        try:
            await waiting.turn
        except BaseException:
            self._give_up(waiting)
            raise
        leave = _Once(self._leave)
        slow = asyncio.get_running_loop().call_later(self._patience, leave)
        try:
            yield
        finally:
            slow.cancel()
            leave()

    def _leave(self) -> None:
        self._in_flight -= 1
        self._let_in()

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.turn.done() and not waiting.turn.cancelled():
            # It was let in and cancelled before it noticed.
            self._leave()

    def _let_in(self) -> None:
        now = self._clock()
        gained = (now - self._counted_at) / self._interval
        self._tokens = min(float(self._most), self._tokens + gained)
        self._counted_at = now
        self._waiting = [item for item in self._waiting if not item.turn.done()]
        # A hair below 1: the timer may come a clock's tick early.
        while self._waiting and self._in_flight < self._most and self._tokens >= 0.999:
            first = min(self._waiting, key=lambda item: item.priority())
            self._waiting.remove(first)
            self._tokens -= 1.0
            self._in_flight += 1
            first.turn.set_result(None)
        self._look_again()

    def _look_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and self._in_flight < self._most:
            delay = max(0.001, (1.0 - self._tokens) * self._interval)
            self._timer = asyncio.get_running_loop().call_later(delay, self._let_in)
