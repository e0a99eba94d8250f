"""What services have still to forget: told until they hear it, by the next game too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from operator import methodcaller

from characters.client.config import SessionConfig
from characters.client.context import Endpoints, RuntimeContext
from characters.storage.sessions import ForgetStore, OwedForget
from characters.transport.base import GONE, TransportError

__all__ = ["Forgetting"]

_log = logging.getLogger(__name__)

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
