"""The way back to the main thread: any thread posts, one thread drains."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from engine.clock import Clock, SystemClock

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)


class Dispatcher:
    """Keep actions in the order in which they were posted until the main thread runs them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        # deque.append and popleft are atomic: posting takes no lock that a frame could wait for.
        self.waiting: deque[Callable[[], object]] = deque()

    def __len__(self) -> int:
        return len(self.waiting)

    def __bool__(self) -> bool:
        return True

    def post(self, action: Callable[[], object]) -> None:
        """Queue an action for the main thread; callable from any thread, never waits."""
        self.waiting.append(action)

    def drain(self, budget_seconds: float | None = None) -> int:
        """Run what is queued, in order, and return how many actions ran; main thread only.

        With a budget the rest stays for the next frame once the time is used up, but at least
        one action runs. What an action posts waits for the next drain, so this always ends.
        """
        actions = self.waiting
        waiting = len(actions)
        if not waiting:
            return 0
        deadline = None if budget_seconds is None else self._clock.now() + budget_seconds
        for ran in range(1, waiting + 1):
            self._run(actions.popleft())
            if deadline is not None and self._clock.now() >= deadline:
                return ran
        return waiting

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            name = getattr(action, "__qualname__", None) or type(action).__qualname__
            _log.exception("Posted action %s failed; the others go on.", name)
