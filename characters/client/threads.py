"""The threads of a runtime, and what they share."""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["AwaitableFuture", "NetworkThread", "Shared", "StoreThread", "SwitchIntervalTuner"]

T = TypeVar("T")


@dataclass(slots=True)
class Shared(Generic[T]):
    """A value that one thread replaces while others read it.

    Replacing it is one store, so an immutable value is never seen half written.
    """

    value: T


class AwaitableFuture(Future[T]):
    """A future that can be awaited, too, in any asyncio loop."""

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self).__await__()


class StoreThread:
    """A worker with one daemon thread: a disk or cloud that hangs holds up no frame and no exit.

    One thread, because a store may rely on being called by one at a time, and because what a
    session stores last must be what stays.
    """

    def __init__(self, name: str = "troupe-store") -> None:
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on the thread; a caller that is cancelled does not stop it."""
        future: Future[T] = Future()
        # From now on it cannot be cancelled any more: the work is done, whoever waits for it.
        future.set_running_or_notify_cancel()

        def job() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # whatever it is belongs to the caller
                future.set_exception(error)

        self._jobs.put(job)
        return await asyncio.wrap_future(future)

    def post(self, work: Callable[[], object]) -> None:
        """Run `work` on the thread without an answer; it must not raise."""
        self._jobs.put(work)

    def stop(self, deadline_seconds: float) -> bool:
        """Finish all work and end the thread; return whether that was done in time."""
        if not self._thread.is_alive():
            return True
        self._jobs.put(None)
        self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


# With Python's default of 5 ms a main thread that computes without pause gives the network
# thread a round trip p99 of 148 ms; with half a millisecond it is 2 ms.
EAGER_SECONDS = 0.0005
# A thread that waits for a short frame to end loses little. A frame that waits for other threads
# loses much: it is drawn late, by a thread that had to be woken for its second half.
SHORT_FRAME_SECONDS = 0.005
PATIENT_SECONDS = SHORT_FRAME_SECONDS  # it is over by then
FRAMES_UNTIL_PATIENT = 30


class SwitchIntervalTuner:
    """Sets Python's switch interval from `begin` to `end`; called by the game's thread alone.

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
        """Let the others run soon, until frames are known to be short."""
        self._before = sys.getswitchinterval()
        self._last, self._short_frames = self._worked(), 0
        self._switch(EAGER_SECONDS)

    def frame_began(self) -> None:
        """Note that a frame begins."""
        if self._before is None:
            return
        before, self._last = self._last, self._worked()
        if self._last - before < SHORT_FRAME_SECONDS:
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
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        """The loop, for what is built before the start and runs on it later."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._tuner = SwitchIntervalTuner()
        self._kept: set[asyncio.Task[None]] = set()

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the loop; the last thing that is started."""
        self._tuner.begin()
        self._thread.start()

    def frame_began(self) -> None:
        """Note that the game begins a frame: in short ones it is not interrupted."""
        self._tuner.frame_began()

    def call(self, action: Callable[..., object], *args: Any) -> bool:
        """Run something on the loop soon, from any thread; return False if the loop has ended."""
        try:
            self.loop.call_soon_threadsafe(action, *args)
        except RuntimeError:  # closed meanwhile
            _log.debug("The network thread has ended; %s was not run.", action)
            return False
        return True

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop and return its future; from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def begin(self, work: Coroutine[Any, Any, T]) -> AwaitableFuture[T]:
        """Run a coroutine on the loop, from any thread; its future can be awaited in any loop."""
        future: AwaitableFuture[T] = AwaitableFuture()
        # It cannot be cancelled: the work is done, whoever waits for it.
        future.set_running_or_notify_cancel()

        async def run() -> None:
            try:
                future.set_result(await work)
            except BaseException as error:  # whatever it is belongs to the caller
                future.set_exception(error)

        if not self.call(lambda: self._keep(self.loop.create_task(run()))):
            work.close()
            future.set_exception(RuntimeError("the runtime is closed"))
        return future

    def _keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it is done: the loop itself does not."""
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def settled(self, seconds: float) -> None:
        """Wait until all that was begun is done, so long at most; on the loop."""
        if self._kept:
            await asyncio.wait(tuple(self._kept), timeout=seconds)

    def stop(self, deadline_seconds: float) -> bool:
        """Cancel what still runs and end the thread; return whether it ended in time."""
        if not self._thread.is_alive():
            self._tuner.end()
            self.loop.close()
            return True
        self.call(self.loop.stop)
        self._thread.join(deadline_seconds)
        self._tuner.end()
        if self._thread.is_alive():
            _log.error("The network thread did not end within %.1f s.", deadline_seconds)
            return False
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(_cancel_all())
            self.loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
