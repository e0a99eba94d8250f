"""An event loop on virtual time: it never waits, it jumps to what is due next."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = [
    "VirtualLoop",
]


T = TypeVar("T")

STEP_SECONDS = 0.001


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the time that the loop would wait is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits and nothing is due: a deadlock")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs hours in moments, and the same way every time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.run_until_complete(work)

    def run_for(self, seconds: float) -> None:
        """Let virtual seconds pass."""
        self.run_until_complete(asyncio.sleep(seconds))

    def run_until(self, condition: Callable[[], object], within: float = 10.0) -> float:
        """Run until the condition holds; return how many virtual seconds that took."""
        began = self.time()

        async def wait() -> None:
            while not condition():
                assert self.time() - began < within, f"not within {within} virtual seconds"
                await asyncio.sleep(STEP_SECONDS)

        self.run_until_complete(wait())
        return self.time() - began

    def finish(self) -> None:
        """Cancel what is left and close."""
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left))
        self.close()
