"""What all sessions of a runtime share: time, chance, the store, and the way to their services."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Protocol, TypeAlias

from characters.audio.mixer import Voice
from characters.client.config import SessionConfig
from characters.client.service_process import ServiceProcess
from characters.client.threads import StoreThread
from characters.protocol.failures import failure
from characters.storage.sessions import SessionPersistence, StoredKeys
from characters.transport.base import Transport, TransportError

__all__ = [
    "ConnectLimiter", "delete_session", "Endpoints", "MemoryApi", "RememberedFact",
    "RuntimeContext",
]  # fmt: skip


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
    come; None if there is nothing to wait for. `post` brings an action to the
    main thread. `url_of` returns the URL of a session's endpoint as far as it is known.
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

DELETE_SECONDS = 10.0


class Endpoints:
    """The transports of a runtime, one for each URL and key.

    For the network thread; `expire`, `memory` and `resolved` wait and are for any other.
    """

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

    def expire(self, config: SessionConfig, session_id: str, *, keeps_memory: bool = False) -> None:
        """Let the service forget a session; waits for its answer. Raises OSError.

        With `keeps_memory` only the session ends, as time would end it.
        """
        url = self.resolved(config)
        delete_session(url, session_id, config.api_key, keeps_memory=keeps_memory)

    def memory(self, config: SessionConfig, session_id: str) -> MemoryApi:
        """Return the way to what is known in a session; may wait, and raise, as a resolver does."""
        return MemoryApi(self.resolved(config), session_id, config.api_key)

    def resolved(self, config: SessionConfig) -> str:
        """Return the URL of a session's endpoint; may wait, and raise, as a resolver does."""
        return config.endpoint if "://" in config.endpoint else self._resolve(config.endpoint)


def delete_session(
    endpoint: str, session_id: str, api_key: str | None, *, keeps_memory: bool = False
) -> None:
    """Let the service at a URL forget a session; waits for its answer. Raises OSError.

    What its character knows of its player in other sessions, too, goes unless `keeps_memory`.
    """
    query = "?memory=keep" if keeps_memory else ""
    _ask("DELETE", f"{_session_url(endpoint, session_id)}{query}", api_key)


@dataclass(frozen=True, slots=True)
class RememberedFact:
    """One thing that a character knows of the player; times in wall-clock seconds.

    `since` is None where it is not kept any more when it was told, `told_in` the session in which
    that was, "" for a correction from outside. `also_in` are other sessions that know the same.
    """

    key: str
    value: str
    is_here: bool = True
    """Whether it is known in the session that was asked for."""
    is_lasting: bool = False
    is_pinned: bool = False
    since: float | None = None
    told_in: str = ""
    also_in: tuple[str, ...] = ()


def _remembered(raw: Mapping[str, Any], *, is_here: bool) -> RememberedFact:
    return RememberedFact(
        str(raw["key"]),
        str(raw["value"]),
        is_here,
        is_lasting=raw.get("learnt_at") is not None,
        is_pinned=bool(raw.get("is_pinned")),
        since=raw.get("since"),
        told_in=str(raw.get("told_in") or ""),
        also_in=tuple(raw.get("also_in") or ()),
    )


class MemoryApi:
    """Reads and changes what a character knows of the player of a session, at its service.

    Every call waits for an answer, and raises OSError when there is none or it is a refusal.
    """

    def __init__(self, endpoint: str, session_id: str, api_key: str | None = None) -> None:
        self._url = f"{_session_url(endpoint, session_id)}/memory"
        self._api_key = api_key

    def facts(self) -> tuple[RememberedFact, ...]:
        """Return what is known in the session, then what is known only in others of the two."""
        answer = json.loads(_ask("GET", self._url, self._api_key))
        here = [_remembered(it, is_here=True) for it in answer.get("facts") or ()]
        return (*here, *(_remembered(it, is_here=False) for it in answer.get("elsewhere") or ()))

    def correct(self, key: str, value: str) -> None:
        """Put another value in place of what is known."""
        body = json.dumps({"key": key, "value": value}).encode()
        _ask("PATCH", self._url, self._api_key, body)

    def pin(self, key: str, is_pinned: bool) -> None:
        """Let only a correction change what is known, or let it be as before."""
        body = json.dumps({"key": key, "pinned": is_pinned}).encode()
        _ask("PATCH", self._url, self._api_key, body)

    def forget(self, key: str) -> tuple[str, ...]:
        """Delete one thing, and its words wherever the service keeps them; return the words."""
        url = f"{self._url}?{urllib.parse.urlencode({'key': key})}"
        return tuple(json.loads(_ask("DELETE", url, self._api_key)).get("words") or ())


def _session_url(endpoint: str, session_id: str) -> str:
    return f"{endpoint.rstrip('/')}/sessions/{urllib.parse.quote(session_id, safe='')}"


def _ask(method: str, url: str, api_key: str | None, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, data=body, method=method)
    if api_key:
        request.add_header("X-API-Key", api_key)
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(request, timeout=DELETE_SECONDS) as answer:
        return bytes(answer.read(1 << 20))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: the key and the session's id are for the endpoint alone."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Return no request, so that a redirect is an error."""
