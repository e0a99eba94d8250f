"""What all sessions of a runtime share: time, chance, the store, and the way to their services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import methodcaller
from typing import Protocol, TypeAlias, TypeVar

from characters.audio.mixer import Voice
from characters.client.config import SessionConfig
from characters.client.service_process import ServiceProcess
from characters.client.threads import StoreThread
from characters.protocol.failures import failure
from characters.storage.sessions import SessionPersistence, StoredKeys
from characters.transport.base import (
    KeepingTransport,
    RememberedFact,
    Transport,
    TransportError,
)

__all__ = [
    "answer_in_time", "ConnectLimiter", "Endpoints", "KeepingTransport", "RememberedFact",
    "RuntimeContext",
]  # fmt: skip

T = TypeVar("T")


class ConversationListener(Protocol):
    """What the voice input must know of the conversations (network thread)."""

    def transcript_arrived(self, key: str) -> None:
        """The service understood the player's turn."""

    def answer_began(self, key: str) -> None:
        """A character began to speak or completed its turn, or no answer will come."""


@dataclass(frozen=True)
class RuntimeContext:
    """The surroundings of a session; all of it belongs to the network thread.

    `transport_for` returns the transport of a session's endpoint; it may have to wait until the
    endpoint is known, and raises TransportError when there is none. `service_start` returns what
    waits for an endpoint that the game is just starting, and raises TransportError when it does not
    come; None if there is nothing to wait for. `post` brings an action to the main thread. `url_of`
    returns the URL of a session's endpoint as far as it is known.
    """

    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    chance: Callable[[], float]
    limiter: ConnectLimiter
    worker: StoreThread
    persistence: SessionPersistence
    stored_keys: StoredKeys
    transport_for: Callable[[SessionConfig], Awaitable[Transport]]
    voice: Voice
    new_id: Callable[[], str]
    post: Callable[[Callable[[], object]], object]
    listener: ConversationListener | None = None
    service_start: Callable[[SessionConfig], Awaitable[object] | None] = lambda config: None
    url_of: Callable[[SessionConfig], str] = lambda config: config.endpoint


@dataclass(eq=False)
class _Waiting:
    priority: Callable[[], float]
    turn: asyncio.Future[None]


class ConnectLimiter:
    """Spaces connects out, so that twenty that drop together do not hit a service together.

    At most `most_in_flight` run together, not counting those that take longer than
    `patience_seconds`: a slow server of one character must not hold up the others. A burst
    of that many passes at once, then one each `interval_seconds`. The waiting connect of the lowest
    priority goes next (asked for at that moment); equals go in the order in which they came.
    Belongs to one event loop.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        most_in_flight: int = 4,
        interval_seconds: float = 0.05,
        patience_seconds: float = 1.0,
    ) -> None:
        self._clock = clock
        self._most = most_in_flight
        self._interval = interval_seconds
        self._patience = patience_seconds
        self._tokens = float(most_in_flight)
        self._counted_at = clock()
        self.in_flight: set[_Waiting] = set()
        """The connects that run now, the slow ones not counted."""
        self.waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, priority: Callable[[], float] = float) -> AsyncIterator[None]:
        """Hold a place among the connects in flight."""
        loop = asyncio.get_running_loop()
        place = _Waiting(priority, loop.create_future())
        self.waiting.append(place)
        self._let_in()
        try:
            await place.turn
            # Taking long frees the place for another one.
            slow = loop.call_later(self._patience, self._leave, place)
            try:
                yield
            finally:
                slow.cancel()
        finally:
            self._leave(place)

    def _leave(self, place: _Waiting) -> None:
        if place in self.waiting:
            self.waiting.remove(place)
        if place in self.in_flight:
            self.in_flight.remove(place)
            self._let_in()

    def _let_in(self) -> None:
        before, self._counted_at = self._counted_at, self._clock()
        gained = (self._counted_at - before) / self._interval
        self._tokens = min(float(self._most), self._tokens + gained)
        # A hair below 1: the timer may come a clock's tick early.
        while self.waiting and len(self.in_flight) < self._most and self._tokens >= 0.999:
            first = min(self.waiting, key=methodcaller("priority"))
            self.waiting.remove(first)
            if first.turn.done():
                continue  # cancelled, and not yet gone
            self._tokens -= 1.0
            self.in_flight.add(first)
            first.turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.waiting and len(self.in_flight) < self._most:
            delay = max(0.001, (1.0 - self._tokens) * self._interval)
            self._timer = asyncio.get_running_loop().call_later(delay, self._let_in)


EndpointResolver: TypeAlias = Callable[[str], str]
"""Returns the URL of a named endpoint; may wait (it may start the service), may raise.

LookupError means that there is no such name, so that nothing is tried again.
"""

TransportFactory: TypeAlias = Callable[[str, "str | None"], Transport]
"""Makes the transport for a URL and an API key; called on the network thread."""

ANSWER_SECONDS = 10.0


async def answer_in_time(question: Awaitable[T]) -> T:
    """Return what a service answers to a question. Raises TransportError, soon enough."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await question
    except TimeoutError:
        raise TransportError(failure("connection.timeout")) from None


class Endpoints:
    """The transports of a runtime, one for each URL and key; for the network thread."""

    def __init__(
        self,
        make_transport: TransportFactory,
        resolve: EndpointResolver,
        service: ServiceProcess | None = None,
    ) -> None:
        self._make_transport = make_transport
        self._resolve = resolve
        self._service = service
        self._start: asyncio.Task[None] | None = None
        self._urls: dict[str, str] = {}  # of the names that were resolved
        self._transports: dict[tuple[str, str | None], Transport] = {}
        # A resolver may start a service: that must hold up neither the loop nor the store.
        self.thread = StoreThread("troupe-resolver")

    async def transport_for(self, config: SessionConfig) -> Transport:
        """Return the transport of a session's endpoint. Raises TransportError."""
        url = config.endpoint
        if "://" not in url:
            try:
                url = await self.thread.run(lambda: self._resolve(config.endpoint))
            except LookupError as error:
                raise TransportError(failure("connection.invalid_url", str(error))) from error
            except Exception as error:  # the game's own resolver raises what it likes
                raise TransportError(failure("connection.refused", str(error))) from error
            self._urls[config.endpoint] = url
        key = (url, config.api_key)
        if key not in self._transports:
            self._transports[key] = self._make_transport(url, config.api_key)
        return self._transports[key]

    def url_of(self, config: SessionConfig) -> str:
        """Return the URL of a session's endpoint; empty until its name has been resolved."""
        endpoint = config.endpoint
        return endpoint if "://" in endpoint else self._urls.get(endpoint, "")

    def service_start(self, config: SessionConfig) -> Awaitable[object] | None:
        """Return what waits until the session's own service has been started, all by one start.

        It raises TransportError when the service does not come. None if it listens already, or is
        another's.
        """
        service = self._service
        if service is None or "://" in config.endpoint:
            return None
        if self._start is None or self._start.done():
            if not service.is_coming:
                return None
            self._start = asyncio.create_task(self._await_start(config.endpoint))
            # All who waited may be gone by then.
            self._start.add_done_callback(lambda task: task.cancelled() or task.exception())
        return asyncio.shield(self._start)

    async def _await_start(self, name: str) -> None:
        try:
            await self.thread.run(lambda: self._resolve(name))
        except LookupError as error:
            raise TransportError(failure("connection.invalid_url", str(error))) from error
        except Exception as error:
            raise TransportError(failure("service.not_started", str(error))) from error

    async def close(self) -> None:
        """Close every transport."""
        for transport in self._transports.values():
            await transport.close()
        self._transports.clear()

    async def ask(
        self, config: SessionConfig, ask: Callable[[KeepingTransport], Awaitable[T]]
    ) -> T:
        """Ask the endpoint of a session about what it keeps. Raises TransportError."""
        transport = await self.transport_for(config)
        if not isinstance(transport, KeepingTransport):
            raise TransportError(failure("connection.not_found", "this transport asks for nothing"))
        return await answer_in_time(ask(transport))
