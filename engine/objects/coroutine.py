"""Coroutines as generators: wait a frame, some seconds, or for each other."""

from __future__ import annotations

from collections.abc import Callable, Generator
from inspect import GEN_RUNNING, getgeneratorstate
from typing import Any

from engine.core.clock import Time

__all__ = ["Coroutine", "CoroutineRunner"]


Body = Generator[Any, None, Any]
Report = Callable[[object, Exception], object]


class Coroutine:
    """One running generator; `yield` it from another to wait for its end."""

    __slots__ = (
        "_body",
        "_frame",
        "_owner",
        "_until",
        "_waiter",
        "_waits_for",
        "is_done",
        "result",
    )

    def __init__(self, body: Body, owner: object) -> None:
        self._body = body
        self._owner = owner
        self._frame = 0
        self._until = 0.0
        self._waits_for: Coroutine | None = None
        self._waiter: Coroutine | None = None
        self.is_done = False
        self.result: Any = None

    def stop(self) -> None:
        """End it; its `finally` blocks run, and a coroutine that waits for it goes on."""
        if self.is_done:
            return
        self.is_done = True
        # One that stops itself is running: it ends at its next yield.
        if getgeneratorstate(self._body) != GEN_RUNNING:
            self._body.close()


class CoroutineRunner:
    """Resume the coroutines of one scene, once a frame, after the updates.

    `yield` or `yield None` waits for the next frame, `yield 1.5` for so many seconds of game
    time, `yield other` for a generator or a Coroutine to end. An error ends one coroutine and is
    reported; the others go on.
    """

    def __init__(self, report: Report, time: Callable[[], Time]) -> None:
        self.running: list[Coroutine] = []
        self._report = report
        self._time = time

    def __len__(self) -> int:
        return len(self.running)

    def start(self, body: Body, owner: object = None) -> Coroutine:
        """Run a generator up to its first yield, and resume it from the next frame on."""
        coroutine = Coroutine(body, owner)
        self.running.append(coroutine)  # before the first step, which may end its owner
        self._step(coroutine)
        return coroutine

    def stop_owned_by(self, owner: object) -> None:
        """Stop every coroutine that was started for the owner."""
        if self.running:
            for coroutine in [c for c in self.running if c._owner is owner]:
                self._stop(coroutine)

    def move_owned_by(self, owner: object, other: CoroutineRunner) -> None:
        """Move the owner's coroutines to another scene; the time that they waited counts."""
        ahead = other._time().elapsed - self._time().elapsed
        for coroutine in [c for c in self.running if c._owner is owner]:
            self.running.remove(coroutine)
            coroutine._until += ahead
            coroutine._frame = other._time().frame + 1
            other.running.append(coroutine)

    def resume(self) -> None:
        """Resume every coroutine whose wait is over."""
        if not self.running:
            return
        for coroutine in tuple(self.running):
            if not coroutine.is_done and self._is_due(coroutine):
                self._step(coroutine)
        self.running = [c for c in self.running if not c.is_done]

    def stop_all(self) -> None:
        """Stop every coroutine."""
        for coroutine in tuple(self.running):
            self._stop(coroutine)
        self.running.clear()

    def _is_due(self, coroutine: Coroutine) -> bool:
        other = coroutine._waits_for
        if other is not None and not other.is_done:
            return False
        return coroutine._frame <= self._time().frame and coroutine._until <= self._time().elapsed

    def _step(self, coroutine: Coroutine) -> None:
        try:
            yielded = next(coroutine._body)
            if coroutine.is_done:
                coroutine._body.close()
            else:
                self._wait(coroutine, yielded)
        except StopIteration as end:
            coroutine.is_done = True
            coroutine.result = end.value
        except Exception as error:
            coroutine.is_done = True
            self._report(coroutine._owner, error)
        if coroutine.is_done and coroutine._waiter is not None:
            self._resume_waiter(coroutine._waiter)

    def _resume_waiter(self, waiter: Coroutine) -> None:
        """Resume the coroutine that waited for a nested one, in the frame in which it ended."""
        if not waiter.is_done and waiter._frame <= self._time().frame:
            self._step(waiter)

    def _wait(self, coroutine: Coroutine, yielded: object) -> None:
        coroutine._frame, coroutine._waits_for = self._time().frame + 1, None
        if isinstance(yielded, int | float):
            coroutine._until = self._time().elapsed + yielded
        elif isinstance(yielded, Coroutine):
            coroutine._waits_for = yielded
        elif isinstance(yielded, Generator):
            coroutine._waits_for = self.start(yielded, coroutine._owner)
            coroutine._waits_for._waiter = coroutine
        elif yielded is not None:
            coroutine._body.close()
            known = "Yield None, seconds, a generator or a Coroutine."
            raise TypeError(f"A coroutine yielded {yielded!r}. {known}")

    def _stop(self, coroutine: Coroutine) -> None:
        try:
            coroutine.stop()
        except Exception as error:
            self._report(coroutine._owner, error)
