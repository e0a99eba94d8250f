"""Keeps sessions on disk from the event loop: one worker thread, calls in the order they were made.

Here the two clocks meet: the registry's, which nothing can turn back, and the wall clock that is
written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from characters.service.answers import read_answer, written_answer
from characters.service.dialogue.mind import Part, Say
from characters.service.effects import Entry, Keep, Owe
from characters.service.registry import Registry
from characters.service.rooms import Session
from characters.service.store import Entry as StoredEntry
from characters.service.store import (
    OwedAnswer,
    SessionStore,
    Settled,
    SpokenTurn,
    StoredSession,
)
from characters.service.turn import Line

__all__ = ["Keeper", "Past"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Past:
    """What a room begins with: what its character remembers, and what is still to be answered."""

    memory: dict[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()  # ids of the typed lines that the session has
    left: tuple[tuple[Line, tuple[Part, ...] | None], ...] = ()


class Keeper:
    """The store behind its thread; every call is durable when it returns."""

    def __init__(
        self, store: SessionStore, *, now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._store = store
        self._now = now
        self._wall = wall
        self._thread = ThreadPoolExecutor(1, "store")
        self._to_remove: dict[str, None] = {}  # ids that the disk has still to let go of

    async def restore(self, registry: Registry) -> int:
        """Hand the registry what was kept; return how many sessions that is."""
        kept = await self._call(self._store.load)
        now, wall = self._now(), self._wall()
        # A clock that was set back between two runs must not make a session younger than new.
        sessions = [
            Session(s.session_id, s.character_id, s.end_user_id, now - max(0.0, wall - s.used_at))
            for s in kept.sessions
        ]
        registry.restore(sessions, kept.ended)
        return len(sessions)

    async def past(self, session_id: str, heard: str | None = None) -> Past:
        """Return what was before; `heard` is the last line whose answer the client had whole."""

        wall = self._wall()

        def read() -> Past:
            store = self._store
            owed = store.owed(session_id, heard)
            had = [entry for item in owed if item.is_heard for entry in _settled(item, wall)]
            if had:
                store.write(session_id, had)
            left = tuple(_left(item) for item in owed if not item.is_heard)
            return Past(store.memory(session_id), store.lines(session_id), left)

        return await self._call(read)

    async def keep(
        self,
        session: Session,
        memory: dict[str, Any] | None,
        entries: Iterable[Entry],
        still_known: Callable[[], bool],
    ) -> None:
        """Write a session, unless it has been removed by the time that its turn comes."""
        wall = self._wall()
        stored = StoredSession(
            session.session_id,
            session.character_id,
            session.end_user_id,
            wall - max(0.0, self._now() - session.used_at),
        )
        new = [_stored(entry, wall) for entry in entries]

        def save() -> None:
            self._remove_owed()
            if still_known():
                self._store.save(stored, memory, new)

        await self._call(save)

    async def remove(self, session_ids: Iterable[str]) -> None:
        """Delete sessions and all that was said in them.

        What the disk refuses is owed, and done before the next write: what somebody wanted to be
        deleted must not come back with the next start.
        """
        self._to_remove.update(dict.fromkeys(session_ids))
        await self._call(self._remove_owed)

    def _remove_owed(self) -> None:
        owed = tuple(self._to_remove)
        if owed:
            self._store.remove(owed, self._wall())
            for session_id in owed:
                del self._to_remove[session_id]

    async def close(self) -> None:
        """Finish what was asked for, then let go of the file."""
        with suppress(Exception):  # whoever asked for it was told that it failed
            await self._call(self._remove_owed)
        await self._call(self._store.close)
        self._thread.shutdown()

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _stored(entry: Entry, wall: float) -> StoredEntry:
    if isinstance(entry, Keep):
        return SpokenTurn(entry.speaker, entry.text, wall, entry.message_id, entry.answers)
    if isinstance(entry, Owe):
        answer = None if entry.parts is None else written_answer(entry.parts)
        return OwedAnswer(entry.message_ids, answer)
    return Settled(entry.message_id)


def _left(owed: OwedAnswer) -> tuple[Line, tuple[Part, ...] | None]:
    line = Line(owed.text, owed.message_ids[-1], is_kept=True)
    return line, None if owed.answer is None else read_answer(owed.answer)


def _settled(owed: OwedAnswer, wall: float) -> tuple[StoredEntry, ...]:
    """Return what to write of an answer that came whole, of which the service knew that not."""
    (message_id,) = owed.message_ids
    parts = () if owed.answer is None else read_answer(owed.answer)
    said = "".join(part.text for part in parts if isinstance(part, Say))
    turn = SpokenTurn("character", said, wall, answers=message_id)
    return (turn, Settled(message_id)) if said else (Settled(message_id),)
