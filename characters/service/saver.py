"""Saves one room as it goes on: one write at a time, nothing lost when the room ends in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from characters.service.effects import Keep
from characters.service.rooms import Room

__all__ = ["Keeping", "Saver"]

log = logging.getLogger(__name__)

MAX_UNSAVED = 200  # turns, while the disk refuses

Keeping: TypeAlias = Callable[[Room, dict[str, Any] | None, tuple[Keep, ...]], Awaitable[None]]
"""Writes a room's session at once: what is remembered, and what was said newly."""


class Saver:
    """Collects what is to be kept, and keeps it in the background; `close` it to the end.

    `kept` hears of each thing said when it is durable.
    """

    def __init__(
        self,
        room: Room,
        keep: Keeping,
        memory: Callable[[], dict[str, Any]],
        kept: Callable[[Keep], object],
    ) -> None:
        self._room = room
        self._keep = keep
        self._memory = memory
        self._kept = kept
        self._turns: list[Keep] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._dirty = asyncio.Event()
        self._is_closing = False
        # Never cancelled: a cancelled write may be on disk or not, and would be written twice.
        self._task = asyncio.create_task(self._run())

    def add(self, said: Keep) -> None:
        """Keep that this was said."""
        self._turns.append(said)
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
        turns = tuple(self._turns)
        waiters, self._waiters = self._waiters, []
        try:
            await self._keep(self._room, self._memory(), turns)
        except Exception as error:
            # The talk goes on; the next save tries again with what is there by then.
            log.error("a session could not be saved: %s", type(error).__name__)
            self._turns = self._turns[-MAX_UNSAVED:]
        else:
            del self._turns[: len(turns)]
            for said in turns:
                self._kept(said)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
