"""An event loop on virtual time whose processes can be killed and whose disks are simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from random import Random
from typing import Any, TypeVar

from characters.client.threads import StoreThread
from tests.characters.client.virtual_time import VirtualLoop

__all__ = ["Process", "ShellLoop", "SlowDisk"]

T = TypeVar("T")


class SlowDisk(StoreThread):
    """Does work in order, each piece after a while; what is not begun dies with the process."""

    def __init__(self, loop: ShellLoop, error: Callable[[], Exception]) -> None:
        self._loop = loop
        self._error = error
        self._free_at = 0.0
        self.is_slow = self.is_failing = self.is_dead = False

    async def run(self, work: Callable[[], T]) -> T:
        """Do work in its turn. Raises what the disk raises."""
        future: asyncio.Future[T] = self._loop.create_future()
        random = self._loop.random
        takes = random.uniform(0.5, 5.0) if self.is_slow else random.random() * 0.02
        # Later than what came before, so that two never change places.
        self._free_at = max(self._free_at + 1e-6, self._loop.time() + takes)
        self._loop.call_at(self._free_at, self._do, work, future)
        return await future

    def post(self, work: Callable[[], object]) -> None:
        """Do work in its turn, without an answer: one that is refused is not done."""

        async def job() -> None:
            with suppress(Exception):
                await self.run(work)

        self._loop.create_task(job())

    def _do(self, work: Callable[[], T], future: asyncio.Future[T]) -> None:
        if self.is_dead:
            return
        try:
            if self.is_failing:
                raise self._error()
            result = work()
        except Exception as error:
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(result)


class Process:
    """What belongs together and dies together: tasks and a disk."""

    def __init__(self, loop: ShellLoop, error: Callable[[], Exception]) -> None:
        self._loop = loop
        self._context = copy_context()
        self._context.run(RUNS_IN.set, self)
        self.disk = SlowDisk(loop, error)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.is_dead = False

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task; whatever it starts belongs to this process too."""
        return self._context.run(self._loop.create_task, work)

    def call(self, action: Callable[..., object], *args: Any) -> None:
        """Call something soon, as from another thread; a dead process hears nothing."""
        self._loop.call_soon(self._call, action, args, context=self._context)

    def later(self, seconds: float, action: Callable[..., object], *args: Any) -> None:
        self._loop.call_later(seconds, self._call, action, args, context=self._context)

    def _call(self, action: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self.is_dead:
            action(*args)

    def kill(self) -> None:
        """End at once: nothing is finished, nothing more is written."""
        self.is_dead = self.disk.is_dead = True
        for task in tuple(self.tasks):
            task.cancel()


RUNS_IN: ContextVar[Process | None] = ContextVar("RUNS_IN", default=None)


class ShellLoop(VirtualLoop):
    """Knows which process a task belongs to; the same seed runs the same way."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.problems: list[str] = []
        self.set_exception_handler(self._note)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.problems.append(f"{context.get('message')}: {context.get('exception')!r}")

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task = super().create_task(coro, **options)
        process = RUNS_IN.get()
        if process is not None:
            process.tasks.add(task)
            task.add_done_callback(process.tasks.discard)
            if process.is_dead:
                task.cancel()
        return task

    def run_in_executor(  # type: ignore[override] # a coroutine is awaited as a future is
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        process = RUNS_IN.get()
        assert process is not None, "only a process has a disk"
        return process.disk.run(partial(func, *args))
