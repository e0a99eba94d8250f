"""What all characters of a runtime remember: saved for a slot, and put back from one.

To save a mind is to let its service make a session that shares its past (a branch), which nobody
enters. To put it back is to branch from that one again and to go on there, so that a slot can be
loaded any number of times, and what is left behind stays what it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from characters.client.config import SessionConfig
from characters.client.context import Endpoints, RuntimeContext
from characters.client.session_runner import SessionRunner
from characters.protocol.failures import failure
from characters.session.conversation import SessionRecord
from characters.session.policy import ResumePolicy
from characters.storage.slots import SavedMind, SlotStore, WhyFresh, put_back
from characters.transport.base import Branch, BranchingTransport, Said, TransportError

__all__ = ["Minds", "PutBack"]

_log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
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
            keys = [key for key in {**stored, **self._runners} if not self._is_always_fresh(key)]
            slots = asyncio.Semaphore(MOST_AT_ONCE)

            async def save_one(key: str) -> SavedMind:
                async with slots:
                    return await self._save_one(key, stored.get(key))

            return tuple(await asyncio.gather(*map(save_one, keys)))

    def _is_always_fresh(self, key: str) -> bool:
        """Whether a session begins afresh by its policy, as that of a kiosk, slot or no slot."""
        runner = self._runners.get(key)
        policy = None if runner is None else runner.session.machine.policy.resume_policy
        return policy is ResumePolicy.ALWAYS_FRESH

    async def _save_one(self, key: str, record: SessionRecord | None) -> SavedMind:
        runner = self._runners.get(key)
        session_id = None if runner is None else runner.session.machine.session_id
        session_id = session_id or (None if record is None else record.session_id)
        if session_id is None:
            return SavedMind(key, why_fresh=WhyFresh.NEW)
        config = self._config_for(key, record)
        if config is None:
            return SavedMind(key, why_fresh=WhyFresh.ELSEWHERE)
        heard = None if runner is None else runner.session.talk.answered
        mind = SavedMind(key, endpoint_id=config.place)
        try:
            branch = await self._branch(config, session_id, heard=heard, is_saved=True)
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
        return self._at_place(key, place) if place else next(iter(self._places.values()), None)

    def _at_place(self, key: str, place: str) -> SessionConfig | None:
        known = self._places.get(place)
        if known is None and (place == "local" or ("://" in place and "#" not in place)):
            known = SessionConfig(key, endpoint=place)
        return known

    async def _branch(
        self,
        config: SessionConfig,
        session_id: str,
        *,
        heard: str | None = None,
        is_saved: bool = False,
        turns: int = 0,
    ) -> Branch:
        """Let a service make a branch. Raises TransportError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                transport = await self._endpoints.transport_for(config)
                if not isinstance(transport, BranchingTransport):
                    raise TransportError(failure("session.cannot_branch"))
                return await transport.branch(
                    session_id, heard=heard, is_saved=is_saved, turns=turns
                )
        except TimeoutError:
            raise TransportError(failure("connection.timeout")) from None

    # --- loading ---

    async def load(
        self, minds: Collection[SavedMind], store: SlotStore, played_seconds: float = 0.0
    ) -> PutBack:
        """Put every character back to where it was saved; the others have no conversation any more.

        Durable on return. Raises TransportError where a service does not answer: then nothing was
        changed. Raises PersistenceError and PrefsError.
        """
        async with self._lock:
            branches = dict(await asyncio.gather(*map(self._branch_of, minds)))
            stored = await self._context.worker.run(self._context.persistence.all)
            plan = dict.fromkeys({**stored, **self._runners}) | {
                mind.key: self._record(mind, branches[mind.key]) for mind in minds
            }
            plan = {key: it for key, it in plan.items() if not self._is_always_fresh(key)}
            run = self._context.worker.run
            await run(partial(store.begin_load, plan, played_seconds))
            await asyncio.gather(
                *(self._put_back(key, it, branches.get(key)) for key, it in plan.items())
            )
            await run(store.end_load)
        restored = tuple(mind for mind in minds if branches[mind.key] is not None)
        return PutBack(restored, tuple(mind for mind in minds if mind not in restored))

    async def _branch_of(self, mind: SavedMind) -> tuple[str, Branch | None]:
        """Return the key and the session to go on in, None where the service has forgotten it."""
        config = None if mind.session_id is None else self._at_place(mind.key, mind.endpoint_id)
        if config is None or mind.session_id is None:
            return mind.key, None
        try:
            return mind.key, await self._branch(config, mind.session_id, turns=MOST_TURNS)
        except TransportError as error:
            if error.failure.code in _WHY:
                _log.warning("%s cannot be put back: %s", mind.key, error.failure.code)
                return mind.key, None
            raise

    def _record(self, mind: SavedMind, branch: Branch | None) -> SessionRecord | None:
        if branch is None:
            return None
        now = self._context.wall_clock()
        return SessionRecord(branch.session_id, mind.endpoint_id, saved_at=now)

    async def _put_back(
        self, key: str, record: SessionRecord | None, branch: Branch | None
    ) -> None:
        runner = self._runners.get(key)
        said: tuple[Said, ...] = () if branch is None else branch.said
        if runner is not None:
            await runner.put_back(record, said)
            return
        context = self._context
        await context.worker.run(partial(put_back, context.persistence, key, record))
        context.stored_keys.note(key, is_stored=record is not None)

    async def delete(self, minds: Collection[SavedMind]) -> None:
        """Let the services forget what was saved; what is not reached ends with its time."""
        for mind in minds:
            config = self._at_place(mind.key, mind.endpoint_id)
            if mind.session_id is None or config is None:
                continue
            expire = partial(self._endpoints.expire, config, mind.session_id, keeps_memory=True)
            try:
                await self._endpoints.thread.run(expire)
            except Exception as error:  # the game's own resolver raises what it likes
                _log.info("A saved session was not deleted: %s", type(error).__name__)
