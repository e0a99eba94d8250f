"""The game as a process of a simulated machine: one runner for each character, and its slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from characters.audio.speaker import ClockVoice
from characters.client.config import SessionConfig
from characters.client.context import ConnectLimiter, Endpoints, RuntimeContext
from characters.client.minds import Minds
from characters.client.session_runner import SessionRunner
from characters.client.threads import NetworkThread
from characters.components.slots import LoadedSlot, SaveSlots
from characters.session.events import ConnectRequested, Event
from characters.storage.sessions import KeyValueSessionPersistence, StoredKeys
from characters.transport.base import Transport
from engine.prefs.format import Change, apply_change
from engine.prefs.prefs import PrefsView
from tests.simulation.shell.client import ClientCharacter
from tests.simulation.shell.loop import Process, ShellLoop
from tests.simulation.shell.network import SimulatedTransport

__all__ = ["Game", "KeptPrefs"]


class KeptPrefs(PrefsView):
    """Preferences that outlive the process: what a disk has begun to write is there."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Any] = {}

    @property
    def values(self) -> Mapping[str, Any]:
        return self._kept

    def change(self, change: Change, *, durable: bool = False) -> None:
        apply_change(self._kept, change)

    def save(self) -> None:
        """Return at once: it is there."""


class SimulatedEndpoints(Endpoints):
    """The one service, by the way of a character."""

    def __init__(self, guests: Sequence[ClientCharacter], worker: Any) -> None:
        self._guests = {character.name: character for character in guests}
        self.thread = worker

    async def transport_for(self, config: SessionConfig) -> Transport:
        return SimulatedTransport(self._guests[config.character_id].route)


class Game(Process):
    """One life of the game; what it had not written dies with it."""

    def __init__(
        self,
        loop: ShellLoop,
        characters: Sequence[ClientCharacter],
        prefs: KeptPrefs,
        lines: Iterator[str],
        count: Callable[[str], object],
    ) -> None:
        super().__init__(loop, lambda: OSError("the disk is full"))
        self._count = count
        self._guests = characters
        self.limiter = ConnectLimiter(loop.time)
        endpoints = SimulatedEndpoints(characters, self.disk)
        self._shared = RuntimeContext(
            clock=loop.time,
            wall_clock=lambda: 1_000_000.0 + loop.time(),
            chance=loop.random.random,
            limiter=self.limiter,
            worker=self.disk,
            persistence=KeyValueSessionPersistence(prefs),
            stored_keys=StoredKeys(loop.call_soon),
            transport_for=endpoints.transport_for,
            voice=ClockVoice(now=loop.time),
            new_id=lambda: next(lines),
            post=lambda action: action(),
        )
        self._runners: dict[str, SessionRunner] = {}
        self._minds = Minds(self._shared, endpoints, self._runners)
        self.call(self._open, prefs)

    def _open(self, prefs: Any) -> None:
        network = NetworkThread()
        network.loop.close()
        network.loop = self._loop
        runtime: Any = SimpleNamespace(
            context=self._shared, minds=self._minds, network=network, store=self.disk
        )
        self.slots = SaveSlots(runtime, prefs)
        self.slots.saved.subscribe(lambda _: self._count("saves"))
        self.slots.loaded.subscribe(self._loaded)
        self.slots.failed.subscribe(lambda _: self._count("slots refused"))
        for character in self._guests:
            self._minds.note_place(character.config)
            runner = self._runners[character.name] = SessionRunner(character.config, self._shared)
            character.wake_up(runner)
            self.feed(character, ConnectRequested())

    def load(self, name: str) -> None:
        """Load a slot, if it is there."""
        if any(slot.name == name for slot in self.slots.list()):
            self.slots.load(name)

    def _loaded(self, loaded: LoadedSlot) -> None:
        """Everybody who is back shows what was said until the slot was saved, then what is new."""
        self._count("loads")
        for character in self._guests:
            found = [it for it in loaded.slot.minds if it.key == character.name]
            if found and found[0].session_id and character.name not in loaded.fresh:
                character.check_loaded(found[0].session_id)

    def feed(self, character: ClientCharacter, event: Event) -> None:
        """Tell a session what the player wants."""
        if character.runner is not None:
            self.call(character.runner.feed, event)

    def crash(self) -> None:
        """Kill the process, and all that hung on it."""
        self.kill()
        for character in self._guests:
            if character.runner is not None:
                character.runner.dispose()
