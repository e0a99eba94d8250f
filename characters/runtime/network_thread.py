"""The network thread: one asyncio loop beside the game, joined with a deadline."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from characters.runtime.handover import Handover

__all__ = ["NetworkThread"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


class NetworkThread:
    """Runs an event loop beside the game until `stop`."""

    def __init__(self, name: str = "troupe-network") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._handover = Handover()

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
