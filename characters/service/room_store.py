"""What one room writes while it goes on, behind its back; confirms the lines that are durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from characters.service.effects import Entry, PersistEntry, ResolveReply
from characters.service.registry import ServiceSession

__all__ = ["MAX_UNSAVED", "RoomStore", "Save"]

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_UNSAVED = 600  # entries, while the disk refuses

Save: TypeAlias = Callable[
    [ServiceSession, dict[str, Any] | None, tuple[Entry, ...]], Awaitable[None]
]
"""Writes a session, its agent's memory and new entries; durable when it returns."""


class RoomStore:
    """Collects what one room has to persist and writes it in the background, one write at a time.

    `start` it in the event loop; `close` it, so that nothing is lost when the room ends.
    `confirm` is called with each line that has an id when it is durable. `heard` returns the lines
    whose answers the client received whole since the last call.
    """

    def __init__(
        self,
        session: ServiceSession,
        save: Save,
        *,
        memory: Callable[[], dict[str, Any]],
        confirm: Callable[[PersistEntry], object],
        heard: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._session = session
        self._write = save
        self._memory = memory
        self._confirm = confirm
        self._heard = heard
        self._entries: list[Entry] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._dirty = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        # Never cancelled: a cancelled write may be on disk or not, and would be written twice.
        self._task = asyncio.create_task(self._run())

    def append(self, entry: Entry) -> None:
        """Persist an entry soon."""
        self._entries.append(entry)
        self._dirty.set()

    def save_soon(self) -> None:
        """Save although nothing was appended, because an answer was received."""
        self._dirty.set()

    async def flush(self) -> None:
        """Return when all that was appended is durable, or the disk has refused it."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._dirty.set()
        await waiter

    async def alone(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do other work on the session between two writes, when all that was appended is durable.

        Who waits may be cancelled, the work never is: what is written after it is of the agent that
        it leaves.
        """
        await self.flush()
        return await asyncio.shield(self._work_alone(work))

    async def _work_alone(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._one_at_a_time:
            return await work()

    async def close(self) -> None:
        """Save what is left, then stop."""
        self._is_closing = True
        self._dirty.set()
        if self._task is not None:
            await self._task
        self._memory, self._confirm, self._heard = dict, _ignore, tuple

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            await self._dirty.wait()
            self._dirty.clear()
            is_last = self._is_closing
            await self._save()

    async def _save(self) -> None:
        async with self._one_at_a_time:
            await self._write_all()

    async def _write_all(self) -> None:
        self._entries += map(ResolveReply, self._heard())
        entries = tuple(self._entries)
        waiters, self._waiters = self._waiters, []
        try:
            await self._write(self._session, self._memory(), entries)
        except Exception as error:
            # The conversation goes on; the next save tries again with all that is there by then.
            log.error("a session could not be saved: %s", type(error).__name__)
            self._entries = self._entries[-MAX_UNSAVED:]
        else:
            del self._entries[: len(entries)]
            for entry in entries:
                if isinstance(entry, PersistEntry) and entry.message_id is not None:
                    self._confirm(entry)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _ignore(entry: PersistEntry) -> None:
    """Confirm nothing: the room has ended."""
