"""Persists one simulated room's entries, as the service's `RoomStore` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from characters.service.effects import Entry, PendingReply, PersistEntry, ResolveReply
from characters.service.registry import ServiceSession
from tests.simulation.agent import SimulatedAgent, number_of

if TYPE_CHECKING:
    from tests.simulation.service import Service

__all__ = ["SimulatedRoomStore"]


class SimulatedRoomStore:
    """One write at a time; what a write that failed did not keep goes with the next one.

    `confirm` is called with each thing said when it is durable, `heard` returns the answers that
    the client has by now, and `go_on` resumes a turn whose words are on the disk, or refused by it.
    """

    def __init__(
        self,
        service: Service,
        session: ServiceSession,
        agent: SimulatedAgent,
        heard: Callable[[], Iterable[ResolveReply]],
        confirm: Callable[[PersistEntry], object],
        go_on: Callable[[int], object],
    ) -> None:
        self._service, self._session, self._agent = service, session, agent
        self._heard, self._confirm, self._go_on = heard, confirm, go_on
        self._entries: list[Entry] = []
        self._turns: list[int] = []
        self._unheard: set[int] = set()  # lines that the agent was never told
        self._is_saving = self._is_dirty = self._is_planned = False
        self._closed: Callable[[], None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to write."""
        return not (self._entries or self._is_saving)

    def append(self, entry: Entry) -> None:
        """Write this down."""
        if isinstance(entry, PendingReply) and entry.parts is not None:
            numbers = (number_of(message_id)[1] for message_id in entry.message_ids)
            self._unheard.update(n for n in numbers if self._agent.remembers.last < n)
        self._entries.append(entry)
        # What is decided in one step is written in one go, as a task does that wakes up after it.
        if not (self._is_saving or self._is_planned):
            self._is_planned = True
            self._service.time.later(0.0, self._save_if_new)

    def flush(self, turn: int) -> None:
        """Let a turn go on when what is remembered by now is durable, or refused."""
        self._turns.append(turn)
        self._save()

    def close(self, closed: Callable[[], None]) -> None:
        """Save what is left; `closed` is called when that is done, or cannot be."""
        self._closed = closed
        self._save()

    def _save_if_new(self) -> None:
        self._is_planned = False
        if self._entries and not self._is_saving:
            self._save()

    def _save(self) -> None:
        if self._is_saving:
            self._is_dirty = True
            return
        self._is_saving, self._is_dirty = True, False
        self._entries += self._heard()
        turns, self._turns = self._turns, []
        entries, memory = tuple(self._entries), self._agent.remembers
        unheard, session = frozenset(self._unheard), self._session

        def write() -> None:
            # A session that was removed meanwhile must not come back.
            if self._service.registry.session(session.session_id) is not None:
                self._service.store.save(session, memory, entries, unheard)

        self._service.disk.do(write, lambda is_done: self._saved(is_done, entries, turns))

    def _saved(self, is_done: bool, entries: tuple[Entry, ...], turns: list[int]) -> None:
        self._is_saving = False
        is_more = is_done and len(self._entries) > len(entries)
        if is_done:
            del self._entries[: len(entries)]
            for said in entries:
                if isinstance(said, PersistEntry):
                    self._confirm(said)
        for turn in turns:
            self._go_on(turn)
        if self._is_dirty or is_more:
            self._save()
        elif self._closed is not None and not self._is_saving:
            self._closed()
