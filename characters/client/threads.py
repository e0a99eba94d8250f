"""The network thread: one asyncio loop beside the game, joined with a deadline.

The one thread that talks to the session store, which may wait for a disk or a cloud.

Handover: how soon the game's thread lets the others run, by how long its frames are.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["NetworkThread", "Shared", "StoreThread", "SwitchIntervalTuner", "Worker"]


T = TypeVar("T")


@dataclass(slots=True)
class Shared(Generic[T]):
    """A value that one thread replaces while others read it.

    Replacing it is one store, so an immutable value is never seen half written.
    """

    value: T


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


# With Python's default of 5 ms a main thread that computes without pause gives the network
# thread a round trip p99 of 148 ms; with half a millisecond it is 2 ms.
EAGER_SECONDS = 0.0005
# Who waits for a short frame to end loses little. A frame that is made to wait for them loses
# much: it is drawn late, by a thread that had to be woken for its second half.
SHORT_FRAME_SECONDS = 0.005
PATIENT_SECONDS = SHORT_FRAME_SECONDS  # it is over by then
FRAMES_UNTIL_PATIENT = 30


class SwitchIntervalTuner:
    """Sets Python's switch interval from `begin` to `end`; all for one thread, the game's.

    It is short, unless the last frames were: a game that draws for two of sixteen milliseconds
    lets the others run in the other fourteen.
    """

    def __init__(
        self,
        worked: Callable[[], float] = time.thread_time,
        switch: Callable[[float], object] = sys.setswitchinterval,
    ) -> None:
        self._worked = worked
        self._switch = switch
        self._before: float | None = None
        self._last = 0.0
        self._short_frames = 0

    def begin(self) -> None:
        """Hand over soon, until frames are known to be short."""
        self._before = sys.getswitchinterval()
        self._last, self._short_frames = self._worked(), 0
        self._switch(EAGER_SECONDS)

    def frame_began(self) -> None:
        """Note that a frame begins."""
        if self._before is None:
            return
        now = self._worked()
        is_short = now - self._last < SHORT_FRAME_SECONDS
        self._last = now
        if is_short:
            self._short_frames += 1
            if self._short_frames == FRAMES_UNTIL_PATIENT:
                self._switch(PATIENT_SECONDS)
        else:
            if self._short_frames >= FRAMES_UNTIL_PATIENT:
                self._switch(EAGER_SECONDS)
            self._short_frames = 0

    def end(self) -> None:
        """Leave the interval as it was."""
        if self._before is not None:
            self._switch(self._before)
            self._before = None


_log = logging.getLogger(__name__)


class NetworkThread:
    """Runs an event loop beside the game until `stop`."""

    def __init__(self, name: str = "troupe-network") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._handover = SwitchIntervalTuner()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, for what is built before the start and runs on it later."""
        return self._loop

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the loop; the last thing that is started."""
        self._handover.begin()
        self._thread.start()

    def frame_began(self) -> None:
        """Note that the game begins a frame: in short ones it is not interrupted."""
        self._handover.frame_began()

    def call(self, action: Callable[..., object], *args: Any) -> None:
        """Run something on the loop soon; from any thread. After the end it does nothing."""
        try:
            self._loop.call_soon_threadsafe(action, *args)
        except RuntimeError:  # closed meanwhile: there is nobody left to tell
            _log.debug("The network thread is over; %s was not run.", action)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop and return its future; from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self, deadline_seconds: float) -> bool:
        """Cancel what still runs and end the thread; return whether it ended in time."""
        if not self._thread.is_alive():
            self._handover.end()
            if not self._loop.is_closed():
                self._loop.close()
            return True
        self.call(self._loop.stop)
        self._thread.join(deadline_seconds)
        self._handover.end()
        if self._thread.is_alive():
            _log.error("The network thread did not end within %.1f s.", deadline_seconds)
            return False
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_cancel_all())
            self._loop.close()


async def _cancel_all() -> None:
    here = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not here]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
