"""Keeps sessions on disk from the event loop: one worker thread, calls in the order they were made.

Here the two clocks meet: the registry's, which nothing can turn back, and the wall clock that is
written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from characters.service.effects import Keep
from characters.service.registry import Registry
from characters.service.rooms import Session
from characters.service.store import SessionStore, SpokenTurn, StoredSession

__all__ = ["Keeper"]

T = TypeVar("T")


class Keeper:
    """The store behind its thread; every call is durable when it returns."""

    def __init__(
        self, store: SessionStore, *, now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._store = store
        self._now = now
        self._wall = wall
        self._thread = ThreadPoolExecutor(1, "store")

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

    async def memory(self, session_id: str) -> dict[str, Any]:
        """Return what the character of a session remembers."""
        return await self._call(self._store.memory, session_id)

    async def lines(self, session_id: str) -> frozenset[str]:
        """Return the message ids of the typed lines that a session has."""
        return await self._call(self._store.lines, session_id)

    async def keep(
        self,
        session: Session,
        memory: dict[str, Any] | None,
        turns: Iterable[Keep],
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
        spoken = [SpokenTurn(said.speaker, said.text, wall, said.message_id) for said in turns]

        def save() -> None:
            if still_known():
                self._store.save(stored, memory, spoken)

        await self._call(save)

    async def remove(self, session_ids: Iterable[str]) -> None:
        """Delete sessions and all that was said in them."""
        await self._call(self._store.remove, tuple(session_ids), self._wall())

    async def close(self) -> None:
        """Finish what was asked for, then let go of the file."""
        await self._call(self._store.close)
        self._thread.shutdown()

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
