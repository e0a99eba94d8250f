"""Runtime: every session of a process, on one network thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from urllib.error import HTTPError

from characters.audio.voice import Voice
from characters.runtime.config import SessionConfig
from characters.runtime.driver import SessionDriver
from characters.runtime.ears import Ears
from characters.runtime.edits import is_another_session
from characters.runtime.endpoints import Endpoints
from characters.runtime.events import CharacterEvent
from characters.runtime.handle import SessionHandle
from characters.runtime.network_thread import NetworkThread
from characters.runtime.store_thread import StoreThread
from characters.runtime.stored_keys import WatchedPersistence
from characters.runtime.world import World
from engine.dispatcher import Dispatcher

__all__ = ["Runtime", "RuntimeParts"]

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
        persistence: WatchedPersistence,
        endpoints: Endpoints,
        world: World,
        ears: Ears,
        voice: Voice,
        dispatcher: Dispatcher,
    ) -> None:
        self.network = network
        self.store = store
        self.resolver_thread = resolver_thread
        self.persistence = persistence
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
        self._drivers: dict[str, SessionDriver] = {}
        self._is_closed = False

    @property
    def sessions(self) -> Mapping[str, SessionHandle]:
        """Every session by its key."""
        return MappingProxyType(self._handles)

    @property
    def ears(self) -> Ears:
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
        parts.store.post(parts.persistence.read_keys)
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
        driver = SessionDriver(config, parts.world, lambda event: emit[0](event))
        handle = SessionHandle(driver, parts.network, parts.persistence)
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


async def _dispose(driver: SessionDriver) -> None:
    await driver.at_rest()
    driver.dispose()
