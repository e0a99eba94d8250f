"""The one thread that talks to the session store, which may wait for a disk or a cloud."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

__all__ = ["StoreThread", "Worker"]

T = TypeVar("T")


class Worker(Protocol):
    """Runs what may wait, in the order in which it was given, off the event loop."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` and return what it returns or raise what it raises."""
        ...


class StoreThread:
    """A worker with one daemon thread: a store that hangs never holds up a frame or an exit.

    One thread, because a store is promised to be called by one at a time, and because what a
    session stores last must be what stays.
    """

    def __init__(self, name: str = "troupe-store") -> None:
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` on the thread; whoever waits may be cancelled, the work is done anyway."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                result = work()
            except BaseException as error:  # whatever it is belongs to the caller
                _settle(loop, future, partial(future.set_exception, error))
            else:
                _settle(loop, future, partial(future.set_result, result))

        self._jobs.put(job)
        return await future

    def post(self, work: Callable[[], object]) -> None:
        """Run ``work`` on the thread without an answer; it must not raise."""
        self._jobs.put(work)

    def stop(self, deadline_seconds: float) -> bool:
        """Finish what was given and end; return whether that was done in time."""
        if not self._thread.is_alive():
            return True
        self._jobs.put(None)
        self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _settle(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], action: Callable[[], None]
) -> None:
    def settle() -> None:
        if not future.done():
            action()

    with suppress(RuntimeError):  # the loop was closed while the store still worked
        loop.call_soon_threadsafe(settle)
