"""Sessions on virtual time: everything around them is fake, everything in them is real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, TypeVar

from characters.client.config import CharacterEvent, SessionConfig
from characters.client.context import ConnectLimiter, RuntimeContext
from characters.client.session_runner import SessionRunner
from characters.client.threads import StoreThread
from characters.protocol.failures import failure
from characters.protocol.turn_settings import BargeIn
from characters.session.conversation import SessionState, SessionStateChanged
from characters.session.events import ConnectRequested
from characters.storage.sessions import (
    KeyValueSessionPersistence,
    MemoryStore,
    SessionPersistence,
    StoredKeys,
)
from characters.transport.base import Transport, TransportError
from tests.characters.client.fake_service import FakeService
from tests.characters.client.virtual_time import VirtualLoop

__all__ = [
    "Actor",
    "FakeVoice",
    "Stage",
]


T = TypeVar("T")
E = TypeVar("E")


class FakeVoice:
    """Plays for as long as a test says."""

    device = ""
    problem: str | None = None

    def __init__(self) -> None:
        self.playing: set[str] = set()
        self.played: list[tuple[str, bytes]] = []
        self.interrupted: list[str] = []
        self.looks = 0

    def start(self) -> None: ...

    def play(self, key: str, pcm: bytes, sample_rate: int) -> None:
        self.playing.add(key)
        self.played.append((key, pcm))

    def interrupt(self, key: str) -> None:
        self.playing.discard(key)
        self.interrupted.append(key)

    def duck(self, key: str, ducked: bool) -> None: ...

    def place(self, key: str, gain: float, pan: float) -> None: ...

    def set_volume(self, key: str, volume: float) -> None: ...

    def set_master(self, volume: float) -> None: ...

    def set_barge_in(self, barge_in: BargeIn) -> None: ...

    def choose(self, device: str | None) -> None: ...

    def is_playing(self, key: str) -> bool:
        self.looks += 1
        return key in self.playing

    def waiting(self, key: str) -> float:
        return 0.2

    def level(self, key: str) -> float:
        return 0.0

    def close(self) -> None: ...


class FakeWorker(StoreThread):
    """Does the work after a moment; a store that hangs never does it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.is_hanging = False
        self.is_failing = False

    async def run(self, work: Callable[[], T]) -> T:
        if self.is_hanging:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self.seconds)
        if self.is_failing:
            raise OSError("the disk is full")
        return work()


class Actor:
    """A session with what it told the game."""

    def __init__(self, config: SessionConfig, context: RuntimeContext) -> None:
        self.events: list[CharacterEvent] = []
        self.runner = SessionRunner(config, context)
        self.session = self.runner.session
        self.conversation = self.runner.conversation
        self.session.events.subscribe(self.events.append)

    @property
    def view(self) -> Any:
        return self.session.view

    @property
    def state(self) -> SessionState:
        return self.runner.state

    @property
    def states(self) -> str:
        return " ".join(event.new_state.name for event in self.all(SessionStateChanged))

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


class Stage:
    """A runtime's context with actors in it; use it in a `with`, so that nothing is left behind."""

    def __init__(self, persistence: SessionPersistence | None = None) -> None:
        self.loop = VirtualLoop()
        self.service = FakeService(self.loop.time)
        self.services: dict[str, FakeService] = {}
        self.voice = FakeVoice()
        self.worker = FakeWorker()
        self.chance = 0.5
        self.wall = 1_000_000.0
        self.persistence = persistence or KeyValueSessionPersistence(MemoryStore())
        self.actors: list[Actor] = []
        self.context = RuntimeContext(
            clock=self.loop.time,
            wall_clock=lambda: self.wall + self.loop.time(),
            chance=lambda: self.chance,
            limiter=ConnectLimiter(self.loop.time),
            worker=self.worker,
            persistence=self.persistence,
            stored_keys=StoredKeys(self.loop.call_soon),
            transport_for=self._transport_for,
            voice=self.voice,
            new_id=partial(next, map("line-{}".format, count(1))),
            post=lambda action: action(),
        )

    async def _transport_for(self, config: SessionConfig) -> Transport:
        if config.endpoint == "nowhere":
            raise TransportError(failure("connection.dns"))
        return self.services.get(config.character_id, self.service)

    def actor(self, character_id: str = "nurse", **config: Any) -> Actor:
        actor = Actor(SessionConfig(character_id, **config), self.context)
        self.actors.append(actor)
        return actor

    def connected(self, character_id: str = "nurse", **config: Any) -> Actor:
        """Return an actor that has just connected."""
        actor = self.actor(character_id, **config)
        self.do(actor.runner.feed, ConnectRequested())
        self.until_state(actor, SessionState.CONNECTED)
        return actor

    def do(self, action: Callable[..., object], *args: Any) -> None:
        """Call something on the loop."""
        self.loop.call_soon(action, *args)
        self.loop.run_for(0.0)

    def run_for(self, seconds: float) -> None:
        self.loop.run_for(seconds)

    def until(self, condition: Callable[[], object], within: float = 10.0) -> float:
        return self.loop.run_until(condition, within)

    def until_state(self, actor: Actor, state: SessionState, within: float = 10.0) -> float:
        return self.until(lambda: actor.state is state, within)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for actor in self.actors:
            actor.runner.dispose()
        self.loop.finish()
