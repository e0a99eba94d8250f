"""One session's record in the store: read, written and cleared in order, off the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from characters.core.failure import failure
from characters.core.session_events import (
    ClearRecord,
    Event,
    LoadRecord,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    StoreRecord,
)
from characters.core.state import SessionRecord
from characters.runtime.world import World

__all__ = ["Records"]

_log = logging.getLogger(__name__)


class Records:
    """Performs the machine's orders to the store; answers are events."""

    def __init__(self, key: str, place: str, world: World, feed: Callable[[Event], None]) -> None:
        self._key = key
        self._place = place
        self._world = world
        self._feed = feed
        self._tasks: set[asyncio.Task[None]] = set()
        # A clear that failed is owed: what the player wanted forgotten must not come back.
        self._owes_clear = False
        self.stored_at: float | None = None
        """When the record was last written, on the session's clock; None for none."""

    @property
    def is_busy(self) -> bool:
        """Whether an order is under way."""
        return bool(self._tasks)

    def load(self, command: LoadRecord) -> None:
        """Read the record."""
        self._begin(self._load(command.epoch))

    def store(self, command: StoreRecord) -> None:
        """Write the record, with the wall-clock times of now."""
        now = self._world.wall_clock()
        dropped_at = now if command.is_dropped else None
        record = SessionRecord(
            command.session_id, self._place, command.room_name, dropped_at, saved_at=now
        )
        self._begin(self._store(command.epoch, record))

    def clear(self, command: ClearRecord) -> None:
        """Remove the record."""
        self._begin(self._clear())

    async def settled(self) -> None:
        """Wait until everything ordered is done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # Tasks start in the order in which they were made: so do the jobs in the worker's queue.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, epoch: int) -> None:
        try:
            record = await self._world.worker.run(self._read)
        except Exception as error:  # a user's own store raises what it likes
            _log.exception("The stored session of %s could not be read.", self._key)
            why = failure("persistence.unavailable", type(error).__name__)
            self._feed(RecordLoadFailed(epoch, why, self._world.chance()))
            return
        self.stored_at = None
        if record is not None and record.saved_at:  # an id stored by hand has no time
            self.stored_at = self._world.clock() - (self._world.wall_clock() - record.saved_at)
        age = 0.0
        if record is not None and record.dropped_at is not None:
            age = self._world.wall_clock() - record.dropped_at
        self._feed(RecordLoaded(epoch, record, age))

    def _read(self) -> SessionRecord | None:
        if self._owes_clear:
            self._world.persistence.clear(self._key)
            self._owes_clear = False
        return self._world.persistence.load(self._key)

    async def _store(self, epoch: int, record: SessionRecord) -> None:
        try:
            await self._world.worker.run(lambda: self._world.persistence.store(self._key, record))
        except Exception as error:
            _log.exception("The session of %s could not be stored.", self._key)
            why = failure("persistence.unavailable", type(error).__name__)
            self._feed(RecordStoreFailed(epoch, why))
            return
        self._owes_clear = False
        self.stored_at = self._world.clock()
        self._feed(RecordStored(epoch))

    async def _clear(self) -> None:
        self.stored_at = None
        try:
            await self._world.worker.run(lambda: self._world.persistence.clear(self._key))
        except Exception:
            _log.exception("The stored session of %s could not be cleared.", self._key)
            self._owes_clear = True
