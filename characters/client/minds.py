"""What all characters of a runtime remember: saved for a slot, put back from one, and forgotten.

To save a mind is to let its service make a session that shares its past (a branch), which nobody
enters. To put it back is to branch from that one again and to go on there, so that a slot can be
loaded any number of times, and what is left behind stays what it was. Whom the player met later
is put back to before their first word, so that what lasts of him is not known there either.

What a service has to forget it is told until it hears it, by the next game too (`Forgetting`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat
from operator import methodcaller

from characters.client.config import SessionConfig
from characters.client.context import Endpoints, RuntimeContext, answer_in_time
from characters.client.session_runner import SessionRunner
from characters.protocol.failures import failure
from characters.session.conversation import SessionRecord
from characters.storage.sessions import ForgetStore, OwedForget
from characters.storage.slots import SavedMind, SlotStore, WhyFresh, put_back
from characters.transport.base import (
    GONE,
    Branch,
    BranchingTransport,
    BranchRequest,
    Said,
    TransportError,
)

__all__ = ["Forgetting", "Minds", "PutBack"]

_log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
MOST_TURNS = 100  # of the transcript that comes back with a character

_WHY: Mapping[str, WhyFresh] = {
    "session.cannot_branch": WhyFresh.CANNOT_BRANCH,
    "session.not_found": WhyFresh.EXPIRED,
    "session.expired": WhyFresh.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class PutBack:
    """What became of the minds of a slot: those that are as they were, and those that are not."""

    restored: tuple[SavedMind, ...]
    fresh: tuple[SavedMind, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    """Where a character goes on; without a record it has no conversation."""

    record: SessionRecord | None = None
    said: tuple[Said, ...] = ()
    is_saved: bool = False  # in the slot, and its service has it still


class Minds:
    """Saves and puts back sessions. For the network thread; `runners` are the open ones by key."""

    def __init__(
        self,
        context: RuntimeContext,
        endpoints: Endpoints,
        runners: Mapping[str, SessionRunner],
    ) -> None:
        self._context = context
        self._endpoints = endpoints
        self._runners = runners
        self._places: dict[str, SessionConfig] = {}  # how to reach what sessions are marked with
        self._lock = asyncio.Lock()

    def note_place(self, config: SessionConfig) -> None:
        """Remember how the endpoint of a session is reached."""
        self._places[config.place] = config

    # --- saving ---

    async def save(self) -> tuple[SavedMind, ...]:
        """Save what every character remembers now; what cannot be saved says why it is not."""
        async with self._lock:
            stored = await self._context.worker.run(self._context.persistence.all)
            keys = self._all_keys(stored)
            slots = asyncio.Semaphore(MOST_AT_ONCE)

            async def save_one(key: str) -> SavedMind:
                async with slots:
                    return await self._save_one(key, stored.get(key))

            return tuple(await asyncio.gather(*map(save_one, keys)))

    def _all_keys(self, stored: Mapping[str, SessionRecord]) -> list[str]:
        """Return the keys of all but those whose policy begins afresh, slot or no slot: a kiosk."""

        def is_always_fresh(key: str) -> bool:
            runner, record = self._runners.get(key), stored.get(key)
            if runner is not None:
                return runner.session.machine.policy.is_always_fresh
            return record is not None and record.is_always_fresh

        return [key for key in {**stored, **self._runners} if not is_always_fresh(key)]

    def _session_id(self, key: str, record: SessionRecord | None) -> str | None:
        runner = self._runners.get(key)
        session_id = None if runner is None else runner.session.machine.session_id
        return session_id or (None if record is None else record.session_id)

    async def _save_one(self, key: str, record: SessionRecord | None) -> SavedMind:
        runner, session_id = self._runners.get(key), self._session_id(key, record)
        if session_id is None:
            return SavedMind(key, why_fresh=WhyFresh.NEW)
        config = self._config_for(key, record)
        if config is None:
            return SavedMind(key, why_fresh=WhyFresh.ELSEWHERE)
        heard = None if runner is None else runner.session.talk.answered
        mind = SavedMind(key, endpoint_id=config.place)
        try:
            request = BranchRequest(session_id, heard=heard, is_saved=True)
            branch = await self._branch(config, request)
        except TransportError as error:
            why = _WHY.get(error.failure.code, WhyFresh.NOT_REACHED)
            _log.warning("What %s remembers was not saved: %s", key, error.failure.code)
            return replace(mind, why_fresh=why)
        return replace(mind, session_id=branch.session_id, at=branch.at)

    def _config_for(self, key: str, record: SessionRecord | None) -> SessionConfig | None:
        """Return how to reach the service of a session, None if that is not known."""
        runner = self._runners.get(key)
        if runner is not None:
            return runner.session.config
        assert record is not None  # a key comes from one of the two
        place = record.endpoint_id
        return self.config_at(key, place) if place else next(iter(self._places.values()), None)

    def config_at(self, key: str, place: str) -> SessionConfig | None:
        """Return how a place is reached that sessions are marked with, None if it is not known."""
        known = self._places.get(place)
        if known is None and (place == "local" or ("://" in place and "#" not in place)):
            known = SessionConfig(key, endpoint=place)
        return known

    async def _branch(self, config: SessionConfig, request: BranchRequest) -> Branch:
        """Let a service make a branch. Raises TransportError."""

        async def branch() -> Branch:
            transport = await self._endpoints.transport_for(config)
            if not isinstance(transport, BranchingTransport):
                raise TransportError(failure("session.cannot_branch"))
            return await transport.branch(request)

        return await answer_in_time(branch())

    # --- loading ---

    async def load(
        self, minds: Collection[SavedMind], store: SlotStore, played_seconds: float = 0.0
    ) -> PutBack:
        """Put every character back to where it was saved; the others have not been met yet.

        Durable on return. Raises TransportError where a service does not answer: then nothing was
        changed. Raises PersistenceError and PrefsError.
        """
        async with self._lock:
            run = self._context.worker.run
            stored = await run(self._context.persistence.all)
            saved = {mind.key: mind for mind in minds}
            keys = self._all_keys(stored)
            keys += [key for key in saved if key not in stored and key not in self._runners]
            slots = asyncio.Semaphore(MOST_AT_ONCE)

            async def point(key: str) -> _Point:
                async with slots:
                    return await self._point(key, saved.get(key), stored.get(key))

            points = dict(zip(keys, await asyncio.gather(*map(point, keys)), strict=True))
            plan = {key: point.record for key, point in points.items()}
            await run(partial(store.begin_load, plan, played_seconds))
            await asyncio.gather(*(self._put_back(key, it) for key, it in points.items()))
            await run(store.end_load)
        back = {key for key, point in points.items() if point.is_saved}
        return PutBack(
            tuple(mind for mind in minds if mind.key in back),
            tuple(mind for mind in minds if mind.key not in back),
        )

    async def _point(
        self, key: str, mind: SavedMind | None, record: SessionRecord | None
    ) -> _Point:
        """Find where a character goes on: where it was saved, or before its first word."""
        if mind is not None and mind.session_id is not None:
            config = self.config_at(key, mind.endpoint_id)
            return await self._branched(config, mind.session_id, mind.endpoint_id, is_saved=True)
        session_id, config = self._session_id(key, record), None
        if session_id is not None:
            config = self._config_for(key, record)
        if session_id is None or config is None:
            return _Point()
        try:
            return await self._branched(config, session_id, config.place, at=0)
        except TransportError:  # whom it does not know yet keeps nobody from loading
            return _Point()

    async def _branched(
        self,
        config: SessionConfig | None,
        session_id: str,
        place: str,
        *,
        at: int | None = None,
        is_saved: bool = False,
    ) -> _Point:
        """Branch from a session, unless its service has forgotten it. Raises TransportError."""
        if config is None:
            return _Point()
        try:
            request = BranchRequest(session_id, at=at, turns=MOST_TURNS)
            branch = await self._branch(config, request)
        except TransportError as error:
            if error.failure.code not in _WHY:
                raise
            _log.warning("%s cannot be put back: %s", config.key, error.failure.code)
            return _Point()
        if at == 0 and not branch.lasts:
            return _Point()  # a new conversation is the same
        record = SessionRecord(branch.session_id, place, saved_at=self._context.wall_clock())
        return _Point(record, branch.said, is_saved)

    async def _put_back(self, key: str, point: _Point) -> None:
        runner, record = self._runners.get(key), point.record
        if runner is not None:
            await runner.put_back(record, point.said)
            return
        context = self._context
        await context.worker.run(partial(put_back, context.persistence, key, record))
        context.stored_keys.note(key, is_stored=record is not None)

    async def delete(self, minds: Collection[SavedMind]) -> None:
        """Let the services end what was saved; what is not reached ends with its time."""
        for mind in minds:
            config = self.config_at(mind.key, mind.endpoint_id)
            if mind.session_id is None or config is None:
                continue
            forget = methodcaller("forget", mind.session_id, keeps_memory=True)
            try:
                await self._endpoints.ask(config, forget)
            except TransportError as error:
                _log.info("A saved session was not deleted: %s", error.failure.code)


# Before each try; a service that is away for longer is asked at the last pace.
PAUSES = (0.0, 1.0, 4.0, 15.0, 60.0)


class Forgetting:
    """Lets services forget sessions for good. For the network thread.

    `config_at` returns how a place is reached that sessions are marked with, None if that is not
    known yet. What is owed is on the disk before a service is asked, if the store can note it.
    """

    def __init__(
        self,
        context: RuntimeContext,
        endpoints: Endpoints,
        config_at: Callable[[str, str], SessionConfig | None],
    ) -> None:
        store = context.persistence
        self._store = store if isinstance(store, ForgetStore) else None
        self._worker = context.worker
        self._endpoints = endpoints
        self._config_at = config_at
        self._owed: dict[OwedForget, None] = {}
        self._woken = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Go on with what an earlier game could not tell."""
        if self._store is not None:
            with suppress(Exception):  # the store has said so already, to whoever reads a session
                self._owed |= dict.fromkeys(await self._worker.run(self._store.owed_forgets))
        self.wake()

    async def owe(self, forgets: Iterable[OwedForget]) -> None:
        """Let services forget sessions, now or later; durable on return, if that is possible."""
        told = tuple(forgets)
        self._owed |= dict.fromkeys(told)
        if self._store is not None:
            await self._note(partial(self._store.owe_forgets, told))
        self.wake()

    def wake(self) -> None:
        """Ask at once: a service has started, or it is known how another one is reached."""
        if not self._owed:
            return
        self._woken.set()
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()
            await self._tell_all()
            if not self._owed:
                await self._woken.wait()

    async def _tell_all(self) -> None:
        away: set[str] = set()
        for forget in tuple(self._owed):
            config = self._config_at(forget.key, forget.endpoint_id)
            if config is None or forget.endpoint_id in away:
                continue
            try:
                await self._ask(config, forget.session_id)
            except TransportError as error:
                _log.info("The service of %s forgets later: %s", forget.key, error.failure.code)
                away.add(forget.endpoint_id)
                continue
            del self._owed[forget]
            if self._store is not None:
                await self._note(partial(self._store.settle_forgets, (forget,)))

    async def _ask(self, config: SessionConfig, session_id: str) -> None:
        """Let a service forget a session. Raises TransportError."""
        try:
            await self._endpoints.ask(config, methodcaller("forget", session_id))
        except TransportError as error:
            if error.failure.code not in GONE:  # else it is forgotten already
                raise

    async def _note(self, write: Callable[[], object]) -> None:
        try:
            await self._worker.run(write)
        except Exception as error:  # a store of the game's own may raise anything
            _log.error("What services have to forget cannot be noted: %s", error)
