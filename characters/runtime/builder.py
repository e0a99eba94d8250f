"""RuntimeBuilder: choose the parts of a runtime, or take the defaults."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from typing import Self

from characters.audio.clock_voice import ClockVoice
from characters.audio.source import SourceFactory
from characters.audio.sources import SilentSource
from characters.audio.voice import Voice
from characters.persistence import KeyValueSessionPersistence, MemoryStore, SessionPersistence
from characters.runtime.capture import EchoFilter
from characters.runtime.ears import Ears
from characters.runtime.endpoints import EndpointResolver, Endpoints, TransportFactory, no_names
from characters.runtime.limiter import ConnectLimiter
from characters.runtime.network_thread import NetworkThread
from characters.runtime.runtime import Runtime, RuntimeParts
from characters.runtime.store_thread import StoreThread
from characters.runtime.stored_keys import WatchedPersistence
from characters.runtime.world import World
from characters.transport import Transport
from engine.clock import Clock, SystemClock
from engine.dispatcher import Dispatcher

__all__ = ["RuntimeBuilder"]


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
        ears = Ears(microphone, now, voice=voice, echo=self._echo)
        store, resolver_thread = StoreThread(), StoreThread("troupe-resolver")
        dispatcher = self._dispatcher or Dispatcher(self._clock)
        persistence = WatchedPersistence(
            self._persistence or KeyValueSessionPersistence(MemoryStore()), dispatcher.post
        )
        endpoints = Endpoints(self._transport or self._reach, self._resolve, resolver_thread)
        world = World(
            clock=now,
            wall_clock=self._wall_clock,
            chance=self._chance,
            limiter=ConnectLimiter(now),
            worker=store,
            persistence=persistence,
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
                persistence,
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
