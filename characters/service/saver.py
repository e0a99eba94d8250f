"""Saves one room as it goes on: one write at a time, nothing lost when the room ends in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from characters.service.effects import Entry, Keep, Settle
from characters.service.rooms import Room

__all__ = ["Keeping", "Saver"]

log = logging.getLogger(__name__)

MAX_UNSAVED = 600  # entries, while the disk refuses

Keeping: TypeAlias = Callable[[Room, dict[str, Any] | None, tuple[Entry, ...]], Awaitable[None]]
"""Writes a room's session at once: what is remembered, and what is new."""


class Saver:
    """Collects what is to be kept, and keeps it in the background; `close` it to the end.

    `kept` hears of each thing said when it is durable. `heard` names the lines whose answers the
    client has had whole since it was asked last.
    """

    def __init__(
        self,
        room: Room,
        keep: Keeping,
        memory: Callable[[], dict[str, Any]],
        kept: Callable[[Keep], object],
        heard: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._room = room
        self._keep = keep
        self._memory = memory
        self._kept = kept
        self._heard = heard
        self._entries: list[Entry] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._dirty = asyncio.Event()
        self._is_closing = False
        # Never cancelled: a cancelled write may be on disk or not, and would be written twice.
        self._task = asyncio.create_task(self._run())

    def add(self, entry: Entry) -> None:
        """Write this down."""
        self._entries.append(entry)
        self._dirty.set()

    def nudge(self) -> None:
        """Save soon, although nothing was added: an answer was heard."""
        self._dirty.set()

    async def flush(self) -> None:
        """Return when what is remembered by now is durable, or the disk has refused it."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._dirty.set()
        await waiter

    async def close(self) -> None:
        """Save what is left, then stop."""
        self._is_closing = True
        self._dirty.set()
        await self._task

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            await self._dirty.wait()
            self._dirty.clear()
            is_last = self._is_closing
            await self._save()

    async def _save(self) -> None:
        self._entries += map(Settle, self._heard())
        entries = tuple(self._entries)
        waiters, self._waiters = self._waiters, []
        try:
            await self._keep(self._room, self._memory(), entries)
        except Exception as error:
            # The talk goes on; the next save tries again with what is there by then.
            log.error("a session could not be saved: %s", type(error).__name__)
            self._entries = self._entries[-MAX_UNSAVED:]
        else:
            del self._entries[: len(entries)]
            for entry in entries:
                if isinstance(entry, Keep):
                    self._kept(entry)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
