"""The runtime: every session of a process, on one network thread; and the builder that makes it."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Self, TypeVar

from characters.audio.mixer import Voice
from characters.audio.sources import SilentSource, SourceFactory
from characters.audio.speaker import ClockVoice
from characters.client.config import SessionConfig
from characters.client.context import (
    ConnectLimiter,
    EndpointResolver,
    Endpoints,
    RuntimeContext,
    TransportFactory,
)
from characters.client.conversation import Conversation
from characters.client.handle import SessionHandle
from characters.client.microphone import EchoFilter
from characters.client.minds import Forgetting, Minds
from characters.client.service_process import ServiceProcess
from characters.client.session_runner import SessionRunner, is_another_session
from characters.client.threads import AwaitableFuture, NetworkThread, StoreThread
from characters.client.voice_input import VoiceInput
from characters.installation import package_assets
from characters.session.events import DisconnectRequested, ServiceStarted
from characters.storage.sessions import (
    KeyValueSessionPersistence,
    MemoryStore,
    OwedForget,
    SessionData,
    SessionPersistence,
    StoredKeys,
)
from characters.transport.base import KeepingTransport, Transport
from engine.core.clock import Clock, SystemClock
from engine.core.data_folder import data_folder
from engine.core.events import Dispatcher

__all__ = ["Runtime", "RuntimeBuilder"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Runtime:
    """Opens sessions and keeps them through level loads. Made by `RuntimeBuilder`.

    Everything here is for the main thread. Events of the sessions come while `update` runs, or
    while the game drains the dispatcher that it gave.
    """

    context: RuntimeContext = field(repr=False)
    endpoints: Endpoints = field(repr=False)
    store: StoreThread = field(repr=False)
    voice_input: VoiceInput
    """The player's microphone."""
    dispatcher: Dispatcher
    """Brings the events of the sessions to the main thread."""
    owns_dispatcher: bool = False
    service: ServiceProcess | None = None
    """The embedded service behind the endpoint "local", if it is this runtime's own."""
    network: NetworkThread = field(default_factory=NetworkThread, init=False, repr=False)
    minds: Minds = field(init=False, repr=False)
    """What all characters remember, to be saved and put back; for the network thread."""
    forgetting: Forgetting = field(init=False, repr=False)
    """What services have still to forget; for the network thread."""
    _handles: dict[str, SessionHandle] = field(default_factory=dict, init=False)
    # Only the network thread changes and reads this one.
    _runners: dict[str, SessionRunner] = field(default_factory=dict, init=False)
    _is_closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.minds = Minds(self.context, self.endpoints, self._runners)
        self.forgetting = Forgetting(self.context, self.endpoints, self.minds.config_at)

    @property
    def sessions(self) -> Mapping[str, SessionHandle]:
        """Every session by its key."""
        return MappingProxyType(self._handles)

    @property
    def session_data(self) -> SessionData:
        """The stored session ids; each call may wait for a disk."""
        context = self.context
        return SessionData(context.persistence, context.wall_clock, context.stored_keys)

    @property
    def voice(self) -> Voice:
        """What plays the characters' voices."""
        return self.context.voice

    @property
    def is_running(self) -> bool:
        """Whether it was started and not closed."""
        return self.network.is_running and not self._is_closed

    def start(self) -> None:
        """Start the threads, as the first session does; a second call does nothing.

        Raises RuntimeError when the runtime was closed: build another.
        """
        if self._is_closed:
            raise RuntimeError("This runtime was closed: build another with RuntimeBuilder.")
        if self.network.is_running:
            return
        self.store.start()
        self.endpoints.thread.start()
        context = self.context
        self.store.post(partial(context.stored_keys.read, context.persistence))
        self.voice.start()
        self.network.start()
        if self.service is not None:
            self.service.started.subscribe(lambda _: self.network.call(self._service_started))
        self.network.submit(self.voice_input.run(self._conversation_of))
        self.network.begin(self.forgetting.begin())

    def update(self) -> None:
        """Begin a frame: call it once in each, as a CharacterManager does.

        Events of the sessions are delivered here, unless the runtime was given a dispatcher, which
        the game drains. Short frames are not interrupted by other threads.
        """
        self.network.frame_began()
        if self.owns_dispatcher:
            self.dispatcher.drain()

    def open_session(self, config: SessionConfig) -> SessionHandle:
        """Open a session, or return the open one of that key, which follows the new settings.

        With another endpoint, credential or player it is another session: the old one is closed.

        Raises:
            ValueError: another character has that key.
            RuntimeError: the runtime was closed.
        """
        self.start()
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
        """Disconnect a session and forget its handle; the stored id stays as `persist` says."""
        handle = self._handles.pop(key, None)
        if handle is not None:
            handle.disconnect()
            self.network.call(self._remove, key)

    def expire_session(self, key: str) -> None:
        """Let the service forget a session, as a fault; waits, so not for the main thread.

        Raises:
            LookupError: there is no such session, or it has no id yet.
            TransportError: the service did not answer or knows no such session.
        """
        handle = self._handles.get(key)
        if handle is None or handle.view.session_id is None:
            raise LookupError(f"{key} has no session that could expire: connect it first.")
        session_id = handle.view.session_id
        expiry = self.endpoints.ask(
            handle.config, lambda it: it.forget(session_id, keeps_memory=True)
        )
        self.network.submit(expiry).result()

    def forget_session(self, key: str) -> AwaitableFuture[None]:
        """Disconnect, and remove every trace of the conversation, here and at its service.

        Nothing waits here; the future is done when it is gone here, and its service is asked. One
        that cannot be reached is asked again, after a restart of the game too, until it answers.
        Raises LookupError when there is no such session.
        """
        handle = self._handles.get(key)
        if handle is None:
            raise LookupError(f"There is no session {key!r} to forget.")
        session_id, place = handle.view.session_id, handle.config.place
        gone = () if session_id is None else (OwedForget(key, session_id, place),)
        # Noted first: if the game is killed in between, the next one forgets.
        noted = self.network.begin(self.forgetting.owe(gone))
        handle.disconnect()
        handle.clear_session_id()
        return noted

    def ask_memory(
        self, key: str, ask: Callable[[KeepingTransport, str], Awaitable[T]]
    ) -> AwaitableFuture[T]:
        """Ask or change what the character of a session knows of the player; nothing waits here.

        `ask` is given the transport and the session's id, on the network thread. The future has
        what it returned, or TransportError for a service that did not answer or refused. Raises
        LookupError when there is no such conversation yet.
        """
        handle = self._handles.get(key)
        if handle is None or handle.view.session_id is None:
            raise LookupError(f"{key} has no conversation in which anything could be known.")
        session_id = handle.view.session_id
        asked = self.endpoints.ask(handle.config, lambda it: ask(it, session_id))
        return self.network.begin(asked)

    def forget_fact(self, key: str, fact: str) -> AwaitableFuture[None]:
        """Delete one thing that a character knows, wherever it is kept, the transcript too.

        Raises as `ask_memory` does.
        """
        asked = self.ask_memory(key, lambda it, session_id: it.forget_fact(session_id, fact))
        return self.network.begin(self._black_out(key, asked))

    async def _black_out(self, key: str, asked: AwaitableFuture[tuple[str, ...]]) -> None:
        words = await asked
        character_id = self._handles[key].character_id
        for runner in tuple(self._runners.values()):
            if runner.session.config.character_id == character_id:
                runner.conversation.black_out(words)

    def close(self, deadline_seconds: float = 2.0) -> bool:
        """Disconnect every session, end threads and service; return whether all ended in time."""
        in_time = self._end_threads(deadline_seconds)
        if self.service is not None:
            self.service.stop()
        return in_time

    def _end_threads(self, deadline_seconds: float) -> bool:
        if self._is_closed or not self.network.is_running:
            self._is_closed = True
            return self.network.stop(0.0)
        self._is_closed = True
        until = time.monotonic() + deadline_seconds
        self.voice_input.close()
        ending = self.network.submit(self._end(deadline_seconds * 0.7))
        try:
            ending.result(deadline_seconds * 0.8)
            in_time = True
        except TimeoutError:
            in_time = False
        in_time &= self.network.stop(max(0.1, until - time.monotonic()))
        in_time &= self.store.stop(max(0.0, until - time.monotonic()))
        # A resolver that starts a service may still be at it: its answer is not needed any more.
        self.endpoints.thread.stop(0.05)
        self.voice.close()
        if not in_time:
            sentence = "The runtime did not end within %.1f s; what hangs is left behind."
            _log.warning(sentence, deadline_seconds)
        return in_time

    # --- inside ---------------------------------------------------------------------------

    def _open(self, config: SessionConfig) -> SessionHandle:
        runner = SessionRunner(config, self.context)
        handle = SessionHandle(runner, self.network)
        self._handles[config.key] = handle
        self.network.call(self._note_place, config)
        self.network.call(self._runners.__setitem__, config.key, runner)
        return handle

    def _note_place(self, config: SessionConfig) -> None:
        self.minds.note_place(config)
        self.forgetting.wake()

    def _service_started(self) -> None:
        """Let every session of the service try anew (network thread)."""
        self.forgetting.wake()
        for runner in tuple(self._runners.values()):
            if "://" not in runner.session.config.endpoint:
                runner.feed(ServiceStarted())

    def _conversation_of(self, key: str) -> Conversation | None:
        runner = self._runners.get(key)
        return None if runner is None else runner.conversation

    def _remove(self, key: str) -> None:
        runner = self._runners.pop(key, None)
        if runner is not None:
            self.network.loop.create_task(_dispose(runner))

    async def _end(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        await self.network.settled(seconds / 2)  # a slot that is saved while its level closes
        runners = tuple(self._runners.values())
        for runner in runners:
            runner.feed(DisconnectRequested())
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await asyncio.gather(*(runner.at_rest() for runner in runners))
        except TimeoutError:
            _log.warning("Some sessions did not close within %.1f s.", seconds)
        for runner in runners:
            runner.dispose()
        await self.endpoints.close()


async def _dispose(runner: SessionRunner) -> None:
    await runner.at_rest()
    runner.dispose()


class RuntimeBuilder:
    """Makes a `Runtime`: `RuntimeBuilder().use_persistence(persistence).build()`.

    The defaults: our WebSocket transport, sessions in memory, no sound, a dispatcher of the
    runtime's own, and the embedded service behind the endpoint "local".
    """

    def __init__(self) -> None:
        self._persistence: SessionPersistence | None = None
        self._transport: TransportFactory | None = None
        self._resolve: EndpointResolver | None = None
        self._service: ServiceProcess | None = None
        self._clock: Clock = SystemClock()
        self._chance: Callable[[], float] = random.random
        self._dispatcher: Dispatcher | None = None
        self._voice: Voice | None = None
        self._microphone: SourceFactory | None = None
        self._echo: EchoFilter | None = None
        self._player_token: Callable[[], str] = str

    def use_persistence(self, persistence: SessionPersistence) -> Self:
        """Keep session records in this store."""
        self._persistence = persistence
        return self

    def use_transport(self, factory: TransportFactory) -> Self:
        """Reach a URL (with a key, or None) by the transports that the factory makes."""
        self._transport = factory
        return self

    def use_endpoint_url(self, resolve: EndpointResolver) -> Self:
        """Find the URL of a named endpoint, "local" too; may wait, has a thread of its own."""
        self._resolve = resolve
        return self

    def use_service(self, service: ServiceProcess) -> Self:
        """Let "local" be this service: the first connect starts it, the runtime's end stops it."""
        self._service = service
        return self

    def use_clock(self, clock: Clock) -> Self:
        """Take the time of sessions from this monotonic clock."""
        self._clock = clock
        return self

    def use_chance(self, chance: Callable[[], float]) -> Self:
        """Take the jitter of the back-off from this function, which returns 0 to below 1."""
        self._chance = chance
        return self

    def use_dispatcher(self, dispatcher: Dispatcher) -> Self:
        """Bring events to the main thread by this dispatcher, which the game drains."""
        self._dispatcher = dispatcher
        return self

    def use_voice(self, voice: Voice) -> Self:
        """Play the characters' voices by this voice."""
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

    def use_player_token(self, token: Callable[[], str]) -> Self:
        """Show a hosted service this token of the player at each connect.

        The game's own server signs it for the player's `end_user_id`; it is short-lived, so it is
        asked for each time, on the network thread: return the last one that was fetched.
        """
        self._player_token = token
        return self

    def build(self) -> Runtime:
        """Make the runtime; nothing is started, no thread and no socket exists before `start`."""
        now = self._clock.now
        voice = self._voice or ClockVoice()
        microphone = self._microphone or (lambda: SilentSource(now=now))
        voice_input = VoiceInput(microphone, now, voice=voice, echo=self._echo)
        dispatcher = self._dispatcher or Dispatcher(self._clock)
        service, resolve = self._service, self._resolve
        if resolve is None:
            service = service or ServiceProcess(data_folder(), package_assets())
            resolve = service.url_of
        startable = service if self._resolve is None else None
        endpoints = Endpoints(self._transport or self._reach, resolve, startable)
        store = StoreThread()
        context = RuntimeContext(
            clock=now,
            wall_clock=time.time,
            chance=self._chance,
            limiter=ConnectLimiter(now),
            worker=store,
            persistence=self._persistence or KeyValueSessionPersistence(MemoryStore()),
            stored_keys=StoredKeys(dispatcher.post),
            transport_for=endpoints.transport_for,
            service_start=endpoints.service_start,
            url_of=endpoints.url_of,
            voice=voice,
            new_id=lambda: uuid.uuid4().hex,
            post=dispatcher.post,
            listener=voice_input,
        )
        is_own = self._dispatcher is None
        return Runtime(context, endpoints, store, voice_input, dispatcher, is_own, service)

    def _reach(self, url: str, api_key: str | None) -> Transport:
        # Imported here: a game with a transport of its own needs no aiohttp.
        from characters.transport.websocket import WebSocketTransport

        service = self._service
        return WebSocketTransport(
            url,
            api_key=api_key,
            clock=self._clock.now,
            player_token=self._player_token,
            secret=service.secret if service is not None and service.url == url else None,
        )
