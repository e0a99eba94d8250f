"""A simulated client's record on the disk of its profile, as the runtime's `Records` keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from characters.protocol.failures import failure
from characters.session.conversation import SessionRecord
from characters.session.events import (
    ClearRecord,
    LoadRecord,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    StoreRecord,
)
from tests.simulation.disk import Disk
from tests.simulation.virtual_time import Time

if TYPE_CHECKING:
    from tests.simulation.client import Client

__all__ = ["Records"]


class Records:
    """Performs the machine's orders to the disk; what a process had not written dies with it."""

    def __init__(self, client: Client, time: Time, disk: Disk) -> None:
        self._client, self._time, self._disk = client, time, disk
        self._life = client.life
        self._owes_clear = False  # a clear that the disk refused
        self.wall_offset = 1_000_000.0

    def begin_again(self) -> None:
        """Go on as a process that was just started."""
        self._life = self._client.life
        self._owes_clear = False

    @property
    def stored_id(self) -> str | None:
        """The session id that is durable now."""
        record = self._disk.records.get(self._client.name)
        return None if record is None else record.session_id

    def load(self, command: LoadRecord) -> None:
        life, epoch, name = self._life, command.epoch, self._client.name

        def work(is_working: bool) -> None:
            if life != self._life:
                return
            if not is_working:
                why = failure("persistence.unavailable")
                self._client.feed(RecordLoadFailed(epoch, why, self._time.random.random()))
                return
            if self._owes_clear:
                self._disk.records.pop(name, None)
                self._owes_clear = False
            record = self._disk.records.get(name)
            dropped_at = None if record is None else record.dropped_at
            age = 0.0 if dropped_at is None else self._wall() - dropped_at
            self._client.feed(RecordLoaded(epoch, record, age))

        self._disk.do(name, work)

    def store(self, command: StoreRecord) -> None:
        life, epoch, now, name = self._life, command.epoch, self._wall(), self._client.name
        dropped_at = now if command.is_dropped else None
        record = SessionRecord(command.session_id, "home", command.room_name, dropped_at, now)

        def work(is_working: bool) -> None:
            if life != self._life:
                return
            if is_working:
                self._disk.records[name] = record
                self._client.watch.ids_on_disk.add(record.session_id)
                self._owes_clear = False
                self._client.feed(RecordStored(epoch))
            else:
                self._client.feed(RecordStoreFailed(epoch, failure("persistence.unavailable")))

        self._disk.do(name, work)

    def clear(self, command: ClearRecord) -> None:
        life, name = self._life, self._client.name

        def work(is_working: bool) -> None:
            if life != self._life:
                return
            self._owes_clear = not is_working
            if is_working:
                self._disk.records.pop(name, None)

        self._disk.do(name, work)

    def _wall(self) -> float:
        return self._time.now + self.wall_offset
