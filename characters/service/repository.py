"""The store for the event loop: one worker thread does what is asked, in the order of the calls.

What a room has to write while it goes on is collected by its `RoomStore`, which confirms the lines
that are durable; `SessionRepository` writes it, and reads. The two clocks meet there: the
registry's monotonic one, and the wall clock, which is what is written, because nothing else
survives a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from characters.service.effects import Entry, PersistEntry, ResolveReply
from characters.service.memory import KnownFact, Pair
from characters.service.metrics import ServiceMetrics
from characters.service.registry import Limits, Registry, ServiceSession
from characters.service.store import (
    FencedError,
    RoomHistory,
    SessionStore,
    StoredSession,
    Undone,
    lasting_pair,
)

__all__ = ["MAX_UNSAVED", "RoomStore", "Save", "SessionRepository"]

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


class SessionRepository:
    """The store for the event loop; every call is durable when it returns.

    `lost` is called with a session that cannot be written because it is another node's now.
    """

    def __init__(
        self,
        store: SessionStore,
        registry: Registry,
        metrics: ServiceMetrics,
        lost: Callable[[ServiceSession], object],
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._registry = registry
        self._metrics = metrics
        self._lost = lost
        self._now = now
        self._wall = wall
        self._thread = ThreadPoolExecutor(1, "store")
        self._pairs = WeakValueDictionary[Pair, asyncio.Lock]()
        self._one_pair = asyncio.Lock()
        self._removals: deque[Callable[[], None]] = deque()  # that the disk has not done yet

    async def restore(self) -> int:
        """Hand the stored sessions to the registry; return how many there are."""
        stored = await self.call(self._store.load)
        now, wall = self._now(), self._wall()
        sessions = []
        for s in stored.sessions:
            unused = max(0.0, s.counted(wall))
            away = max(0.0, wall - s.used_at - unused)
            sessions.append(
                ServiceSession(
                    s.session_id,
                    s.character_id,
                    s.end_user_id,
                    now - unused,
                    more_away=away,
                    is_saved=s.is_saved,
                )
            )
        self._registry.restore(sessions, stored.ended)
        await self._count_unused()
        return len(sessions)

    async def _count_unused(self) -> None:
        """Write how old the sessions are; a disk that refuses makes them no older."""
        now = self._now()
        unused = {s.session_id: now - s.used_at for s in self._registry.sessions}
        try:
            await self.call(self._store.count_unused, unused)
        except Exception as error:  # whatever kind of store it is
            log.warning("the age of the sessions is not written: %s", error)

    async def history(self, session: ServiceSession, heard: str | None = None) -> RoomHistory:
        """Return what a new room begins with; `heard` as in `SessionStore.history`."""
        pair, own = lasting_pair(session), self._stored(session)
        history = self._store.history
        return await self.call(history, session.session_id, heard, self._wall(), pair, own)

    async def save(
        self,
        session: ServiceSession,
        memory: dict[str, Any] | None = None,
        entries: tuple[Entry, ...] = (),
    ) -> None:
        """Write a session, unless it has been removed by the time that its turn comes.

        Raises FencedError for another node's session, and what the store raises.
        """
        begin, is_well = self._now(), False
        wall, stored = self._wall(), self._stored(session)

        def write() -> None:
            self._remove_now()
            if self._registry.session(session.session_id) is not None or self._store.is_shared:
                now = replace(stored, is_stored=session.is_stored)
                self._store.save(now, memory, entries, wall)
                session.is_stored = self._store.is_shared

        try:
            await self.call(write)
            is_well = True
        except FencedError:
            is_well = True  # the store is: the session is another node's
            self._lost(session)
            raise
        finally:
            self._metrics.saved(self._now() - begin, self._now(), is_well=is_well)

    async def branch(
        self,
        session: ServiceSession,
        branch: ServiceSession,
        number: int | None,
        heard: str | None,
        most_saved: int,
    ) -> int | None:
        """Make a session that shares another's past; see `SessionStore.branch`."""
        session_id, stored = session.session_id, self._stored(branch)
        make = partial(
            self._store.branch, session_id, stored, number, heard=heard, at=self._wall(),
            own=self._stored(session), most_saved=most_saved,
        )  # fmt: skip

        def write() -> int | None:
            self._remove_now()
            if self._registry.session(session_id) is None:
                return None
            return make()

        shared = await self.call(write)
        branch.is_stored = self._store.is_shared and shared is not None
        return shared

    async def turns(self, session_id: str) -> tuple[PersistEntry, ...]:
        """Return the last turns of a session, oldest first."""
        return await self.call(self._store.turns, session_id)

    async def take_back(self, session: ServiceSession) -> Undone | None:
        """Undo the last exchange of a session; see `SessionStore.take_back`."""
        return await self.call(self._store.take_back, self._stored(session), self._wall())

    def _stored(self, session: ServiceSession) -> StoredSession:
        return StoredSession(
            session.session_id,
            session.character_id,
            session.end_user_id,
            self._wall() - max(0.0, self._now() - session.used_at),
            is_lasting=session.is_lasting,
            is_saved=session.is_saved,
            epoch=session.epoch,
            is_stored=session.is_stored,
        )

    async def remove(self, session_ids: Iterable[str]) -> None:
        """Delete sessions and all that was said in them.

        What the disk refuses to delete is deleted before the next write: what a player wanted to
        be deleted must not come back with the next start.
        """
        self._removals.append(partial(self._store.remove, tuple(session_ids), self._wall()))
        await self.call(self._remove_now)

    async def elsewhere_of(self, end_user_id: str) -> frozenset[str]:
        """Return the sessions of a player, those of other nodes too."""
        if not self._store.is_shared:
            return frozenset()
        return frozenset(await self.call(self._store.of_player, end_user_id))

    async def expire(self, limits: Limits) -> None:
        """Remove what has expired, or is too much, of no living node."""
        times = limits.session_ttl, limits.saved_ttl
        while ids := await self.call(self._store.expire, *times, limits.max_shared):
            log.info("%d sessions expired", len(ids))

    async def family(self, session_id: str) -> tuple[str, ...]:
        """Return the ids of all sessions that share anything with one, its own too."""
        return await self.call(self._store.family, session_id)

    async def forget(
        self, session_ids: Iterable[str], end_user_id: str, character_id: str | None = None
    ) -> None:
        """Delete sessions and what lasts for good, as `remove` does; see `SessionStore.forget`."""
        forget, wall = self._store.forget, self._wall()
        ids = tuple(session_ids)
        self._removals.append(partial(forget, ids, wall, end_user_id, character_id))
        await self.call(self._remove_now)

    def _remove_now(self) -> None:
        while self._removals:
            self._removals[0]()
            self._removals.popleft()

    async def facts_in(self, pair: Pair, session_id: str) -> tuple[KnownFact, ...]:
        """Return what is known in one session of the two, and where it comes from."""
        return await self._of_pair(pair, self._store.facts_in, session_id)

    async def facts_elsewhere(self, pair: Pair, session_id: str) -> tuple[KnownFact, ...]:
        """Return what is known in other sessions of the two, and not in this one."""
        return await self._of_pair(pair, self._store.facts_elsewhere, session_id)

    async def pin(self, pair: Pair, session_id: str, key: str, is_pinned: bool) -> bool:
        """Hold on to what is known under a key, or let go of it; return whether anything is."""
        return await self._of_pair(pair, self._store.pin, session_id, key, is_pinned)

    async def lasts(self, pair: Pair) -> bool:
        """Return whether the character has known the player in more than one session."""
        return await self.call(self._store.lasts, pair)

    async def correct(self, pair: Pair, key: str, value: str) -> bool:
        """Write another value; return whether anything of that key was known."""
        return await self._of_pair(pair, self._store.correct, key, value, self._wall())

    async def forget_fact(self, pair: Pair, key: str) -> tuple[str, ...]:
        """Delete one thing that is known; return the words that it was told with."""
        return await self._of_pair(pair, self._store.forget_fact, key)

    async def _of_pair(self, pair: Pair, work: Callable[..., T], *arguments: Any) -> T:
        """Do what looks at all sessions of a player and a character: one at a time.

        With thousands of them that takes a second. What others have said is saved in between, and
        who asks again and again about one pair has one place in the line.
        """
        own = self._pairs.setdefault(pair, asyncio.Lock())
        async with own, self._one_pair:
            return await self.call(work, pair, *arguments)

    async def close(self) -> None:
        """Finish what was asked for, then close the file."""
        with suppress(Exception):  # its caller was told that it failed
            await self.call(self._remove_now)
        if not self._store.is_shared:
            await self._count_unused()
        await self.call(self._store.close)
        self._thread.shutdown()

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something with the store, in its thread and in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
