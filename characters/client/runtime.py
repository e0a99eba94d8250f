"""Runtime: every session of a process, on one network thread.

RuntimeBuilder: choose the parts of a runtime, or take the defaults.

From an endpoint's name to a transport that reaches it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Self, TypeAlias
from urllib.error import HTTPError

from characters.audio.mixer import Voice
from characters.audio.sources import SilentSource, SourceFactory
from characters.audio.speaker import ClockVoice
from characters.client.config import CharacterEvent, RuntimeContext, SessionConfig
from characters.client.handle import SessionHandle
from characters.client.limiter import ConnectLimiter
from characters.client.microphone import EchoFilter
from characters.client.session_runner import SessionRunner, is_another_session
from characters.client.threads import NetworkThread, StoreThread, Worker
from characters.client.voice_input import VoiceInput
from characters.protocol.failures import failure
from characters.storage.sessions import (
    KeyValueSessionPersistence,
    MemoryStore,
    SessionPersistence,
    StoredKeys,
)
from characters.transport.base import Transport, TransportError
from engine.core.clock import Clock, SystemClock
from engine.core.events import Dispatcher

__all__ = ["Runtime", "RuntimeBuilder", "RuntimeParts"]


EndpointResolver: TypeAlias = Callable[[str], str]
"""Gives the URL of a named endpoint; may wait (it may start the service), may raise."""

TransportFactory: TypeAlias = Callable[[str, "str | None"], Transport]
"""Makes the transport for a URL and an API key; called on the network thread."""

DELETE_SECONDS = 10.0


def no_names(name: str) -> str:
    """Know no endpoint by name."""
    raise LookupError(f"endpoint {name!r} is no URL, and no resolver was given for names")


class Endpoints:
    """The transports of a runtime, one for each address and key. Network thread, but `expire`."""

    def __init__(
        self, factory: TransportFactory, resolve: EndpointResolver, worker: Worker
    ) -> None:
        self._factory = factory
        self._resolve = resolve
        self._worker = worker
        self._transports: dict[tuple[str, str | None], Transport] = {}

    async def transport_for(self, config: SessionConfig) -> Transport:
        """Return the transport of a session's endpoint. Raises TransportError."""
        url = config.endpoint
        if "://" not in url:
            try:
                url = await self._worker.run(lambda: self._resolve(config.endpoint))
            except Exception as error:  # the game's own resolver raises what it likes
                raise TransportError(failure("connection.refused", str(error))) from error
        key = (url, config.api_key)
        if key not in self._transports:
            self._transports[key] = self._factory(url, config.api_key)
        return self._transports[key]

    async def close(self) -> None:
        """Give back every transport."""
        for transport in self._transports.values():
            await transport.close()
        self._transports.clear()

    def expire(self, config: SessionConfig, session_id: str) -> None:
        """Let the service forget a session; waits for its answer. Raises OSError."""
        url = config.endpoint if "://" in config.endpoint else self._resolve(config.endpoint)
        name = urllib.parse.quote(session_id, safe="")
        request = urllib.request.Request(f"{url.rstrip('/')}/sessions/{name}", method="DELETE")
        if config.api_key:
            request.add_header("X-API-Key", config.api_key)
        with urllib.request.urlopen(request, timeout=DELETE_SECONDS):
            pass


_log = logging.getLogger(__name__)

# Before each try to let a service forget: what is not forgotten by then ends with its time.
FORGET_PAUSES = (0.0, 1.0, 4.0, 15.0, 60.0)


class RuntimeParts:
    """What a builder hands over: everything made, nothing started."""

    def __init__(
        self,
        network: NetworkThread,
        store: StoreThread,
        resolver_thread: StoreThread,
        endpoints: Endpoints,
        world: RuntimeContext,
        ears: VoiceInput,
        voice: Voice,
        dispatcher: Dispatcher,
    ) -> None:
        self.network = network
        self.store = store
        self.resolver_thread = resolver_thread
        self.endpoints = endpoints
        self.world = world
        self.ears = ears
        self.voice = voice
        self.dispatcher = dispatcher


class Runtime:
    """Opens sessions and keeps them through level loads. Made by `RuntimeBuilder`.

    Everything here is for the main thread. What sessions tell comes through the dispatcher:
    drain it once a frame.
    """

    def __init__(self, parts: RuntimeParts) -> None:
        self._parts = parts
        self._handles: dict[str, SessionHandle] = {}
        # Only the network thread changes and reads this one.
        self._drivers: dict[str, SessionRunner] = {}
        self._is_closed = False

    @property
    def sessions(self) -> Mapping[str, SessionHandle]:
        """Every session by its key."""
        return MappingProxyType(self._handles)

    @property
    def ears(self) -> VoiceInput:
        """The player's microphone."""
        return self._parts.ears

    @property
    def voice(self) -> Voice:
        """What plays the characters' voices."""
        return self._parts.voice

    @property
    def dispatcher(self) -> Dispatcher:
        """Brings the events of the sessions to the main thread."""
        return self._parts.dispatcher

    @property
    def is_running(self) -> bool:
        """Whether it was started and not closed."""
        return self._parts.network.is_running and not self._is_closed

    def start(self) -> None:
        """Start the threads; a second call does nothing.

        Raises:
            RuntimeError: the runtime was closed; build another.
        """
        if self._is_closed:
            raise RuntimeError("This runtime was closed: build another with RuntimeBuilder.")
        parts = self._parts
        if parts.network.is_running:
            return
        parts.store.start()
        parts.resolver_thread.start()
        parts.store.post(partial(parts.world.stored_keys.read, parts.world.persistence))
        parts.voice.start()
        parts.network.start()
        parts.network.submit(parts.ears.run(self._drivers.get))

    def frame_began(self) -> None:
        """Note that the game begins a frame: short ones are not interrupted by other threads.

        A CharacterManager says it in each of its frames; a loop without one should.
        """
        self._parts.network.frame_began()

    def open_session(self, config: SessionConfig) -> SessionHandle:
        """Open a session, or return the open one of that key, which follows the new settings.

        With another endpoint, credential or player it is another session: the old one is closed.

        Raises:
            ValueError: another character has that key.
            RuntimeError: the runtime is not running.
        """
        if not self.is_running:
            raise RuntimeError("The runtime is not running: call start() first.")
        known = self._handles.get(config.key)
        if known is None:
            return self._open(config)
        if known.character_id != config.character_id:
            raise ValueError(
                f"Session key {config.key!r} belongs to character {known.character_id!r} already; "
                f"give {config.character_id!r} another session_key."
            )
        if is_another_session(known.config, config):
            self.close_session(config.key)
            return self._open(config)
        if known.config != config:
            known.apply_config(config)
        return known

    def close_session(self, key: str) -> None:
        """Disconnect a session and forget its handle; the stored id stays as ``persist`` says."""
        handle = self._handles.pop(key, None)
        if handle is not None:
            handle.disconnect()
            self._parts.network.call(self._remove, key)

    def expire_session(self, key: str) -> None:
        """Let the service forget a session, as a fault; waits, so not for the main thread.

        Raises:
            LookupError: there is no such session, or it has no id yet.
            OSError: the service did not answer or knows no such session.
        """
        handle = self._handles.get(key)
        session_id = None if handle is None else handle.view.session_id
        if handle is None or session_id is None:
            raise LookupError(f"{key} has no session that could expire: connect it first.")
        self._parts.endpoints.expire(handle.config, session_id)

    def forget_session(self, key: str) -> None:
        """Disconnect, and let nothing be left of the conversation, here and at its service.

        Returns at once; a service that cannot be asked now is asked again for a while.

        Raises:
            LookupError: there is no such session.
        """
        handle = self._handles.get(key)
        if handle is None:
            raise LookupError(f"There is no session {key!r} to forget.")
        session_id = handle.view.session_id
        handle.disconnect()
        handle.clear_session_id()
        if session_id is not None:
            self._parts.network.submit(self._forget_at_service(handle.config, session_id))

    def close(self, deadline_seconds: float = 2.0) -> bool:
        """Disconnect everybody and end the threads; return whether all ended in time."""
        if self._is_closed or not self._parts.network.is_running:
            self._is_closed = True
            return self._parts.network.stop(0.0)
        self._is_closed = True
        until = time.monotonic() + deadline_seconds
        parts = self._parts
        parts.ears.close()
        ending = parts.network.submit(self._end(deadline_seconds * 0.7))
        try:
            ending.result(deadline_seconds * 0.8)
            in_time = True
        except TimeoutError:
            in_time = False
        in_time &= parts.network.stop(max(0.1, until - time.monotonic()))
        in_time &= parts.store.stop(max(0.0, until - time.monotonic()))
        # A resolver that starts a service may still be at it: nobody needs its answer any more.
        parts.resolver_thread.stop(0.05)
        parts.voice.close()
        if not in_time:
            _log.warning(
                "The runtime did not end within %.1f s; what hangs is let go.", deadline_seconds
            )
        return in_time

    # --- inside ---------------------------------------------------------------------------

    def _open(self, config: SessionConfig) -> SessionHandle:
        parts = self._parts
        emit: list[Callable[[CharacterEvent], None]] = []
        driver = SessionRunner(config, parts.world, lambda event: emit[0](event))
        handle = SessionHandle(driver, parts.network)
        emit.append(lambda event: parts.dispatcher.post(partial(handle.events.emit, event)))
        self._handles[config.key] = handle
        parts.network.call(self._drivers.__setitem__, config.key, driver)
        return handle

    def _remove(self, key: str) -> None:
        driver = self._drivers.pop(key, None)
        if driver is not None:
            self._parts.network.loop.create_task(_dispose(driver))

    async def _forget_at_service(self, config: SessionConfig, session_id: str) -> None:
        parts = self._parts
        for pause in FORGET_PAUSES:
            await asyncio.sleep(pause)
            try:
                await parts.resolver_thread.run(lambda: parts.endpoints.expire(config, session_id))
                return
            except HTTPError as answer:
                if answer.code == HTTPStatus.NOT_FOUND:
                    return  # it is forgotten already
                why = str(answer)
            except Exception as error:  # the game's own resolver raises what it likes
                why = type(error).__name__
        _log.warning("The service of %s did not forget a session: %s.", config.key, why)

    async def _end(self, seconds: float) -> None:
        drivers = tuple(self._drivers.values())
        for driver in drivers:
            driver.shut_down()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(driver.at_rest() for driver in drivers))
        except TimeoutError:
            _log.warning("Some sessions did not close within %.1f s.", seconds)
        for driver in drivers:
            driver.dispose()
        await self._parts.endpoints.close()


async def _dispose(driver: SessionRunner) -> None:
    await driver.at_rest()
    driver.dispose()


class RuntimeBuilder:
    """Makes a `Runtime`. What is not chosen: our WebSocket, memory only, no sound.

    runtime = RuntimeBuilder().use_persistence(persistence).build()
    runtime.start()
    """

    def __init__(self) -> None:
        self._persistence: SessionPersistence | None = None
        self._transport: TransportFactory | None = None
        self._resolve: EndpointResolver = no_names
        self._clock: Clock = SystemClock()
        self._wall_clock: Callable[[], float] = time.time
        self._chance: Callable[[], float] = random.random
        self._dispatcher: Dispatcher | None = None
        self._voice: Voice | None = None
        self._microphone: SourceFactory | None = None
        self._echo: EchoFilter | None = None

    def use_persistence(self, persistence: SessionPersistence) -> Self:
        """Keep session records there."""
        self._persistence = persistence
        return self

    def use_transport(self, factory: TransportFactory) -> Self:
        """Reach a URL (with a key, or None) by the transports that the factory makes."""
        self._transport = factory
        return self

    def use_endpoint_url(self, resolve: EndpointResolver) -> Self:
        """Find the URL of a named endpoint ("local"); may wait, is called off every loop."""
        self._resolve = resolve
        return self

    def use_clock(self, clock: Clock) -> Self:
        """Take the time of sessions from this monotonic clock."""
        self._clock = clock
        return self

    def use_wall_clock(self, wall_clock: Callable[[], float]) -> Self:
        """Take the times in stored records from this clock (seconds since 1970)."""
        self._wall_clock = wall_clock
        return self

    def use_chance(self, chance: Callable[[], float]) -> Self:
        """Take the jitter of the back-off from here; returns 0 to below 1."""
        self._chance = chance
        return self

    def use_dispatcher(self, dispatcher: Dispatcher) -> Self:
        """Bring events to the main thread by this dispatcher."""
        self._dispatcher = dispatcher
        return self

    def use_voice(self, voice: Voice) -> Self:
        """Play the characters' voices there."""
        self._voice = voice
        return self

    def use_microphone(self, source_factory: SourceFactory) -> Self:
        """Hear the player by the sources that the factory makes."""
        self._microphone = source_factory
        return self

    def use_echo_filter(self, echo: EchoFilter) -> Self:
        """Take the echo of the loudspeakers out of what the microphone hears."""
        self._echo = echo
        return self

    def build(self) -> Runtime:
        """Make the runtime; nothing is started, no thread and no socket exists before `start`."""
        now = self._clock.now
        voice = self._voice or ClockVoice()
        microphone = self._microphone or (lambda: SilentSource(now=now))
        ears = VoiceInput(microphone, now, voice=voice, echo=self._echo)
        store, resolver_thread = StoreThread(), StoreThread("troupe-resolver")
        dispatcher = self._dispatcher or Dispatcher(self._clock)
        endpoints = Endpoints(self._transport or self._reach, self._resolve, resolver_thread)
        world = RuntimeContext(
            clock=now,
            wall_clock=self._wall_clock,
            chance=self._chance,
            limiter=ConnectLimiter(now),
            worker=store,
            persistence=self._persistence or KeyValueSessionPersistence(MemoryStore()),
            stored_keys=StoredKeys(dispatcher.post),
            transport_for=endpoints.transport_for,
            voice=voice,
            new_id=lambda: uuid.uuid4().hex,
            hearing=ears,
        )
        return Runtime(
            RuntimeParts(
                NetworkThread(),
                store,
                resolver_thread,
                endpoints,
                world,
                ears,
                voice,
                dispatcher,
            )
        )

    def _reach(self, url: str, api_key: str | None) -> Transport:
        # Imported here: whoever brings a transport of their own needs no aiohttp.
        from characters.transport.endpoint import EndpointTransport

        return EndpointTransport(url, api_key=api_key, clock=self._clock.now)
