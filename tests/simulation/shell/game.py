"""The game as a process of a simulated machine: one runner for each character, one limiter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from characters.audio.speaker import ClockVoice
from characters.client.config import SessionConfig
from characters.client.context import ConnectLimiter, RuntimeContext
from characters.client.session_runner import SessionRunner
from characters.session.events import ConnectRequested, Event
from characters.storage.sessions import SessionPersistence, StoredKeys
from characters.transport.base import Transport
from tests.simulation.shell.client import ClientCharacter
from tests.simulation.shell.loop import Process, ShellLoop
from tests.simulation.shell.network import SimulatedTransport

__all__ = ["Game"]


class Game(Process):
    """One life of the game; what it had not written dies with it."""

    def __init__(
        self,
        loop: ShellLoop,
        characters: Sequence[ClientCharacter],
        persistence: SessionPersistence,
        lines: Iterator[str],
    ) -> None:
        super().__init__(loop, lambda: OSError("the disk is full"))
        self._guests = characters
        self.limiter = ConnectLimiter(loop.time)
        routes = {character.name: character.route for character in characters}

        async def transport_for(config: SessionConfig) -> Transport:
            return SimulatedTransport(routes[config.character_id])

        self._shared = RuntimeContext(
            clock=loop.time,
            wall_clock=lambda: 1_000_000.0 + loop.time(),
            chance=loop.random.random,
            limiter=self.limiter,
            worker=self.disk,
            persistence=persistence,
            stored_keys=StoredKeys(loop.call_soon),
            transport_for=transport_for,
            voice=ClockVoice(now=loop.time),
            new_id=lambda: next(lines),
            post=lambda action: action(),
        )
        self.call(self._open_sessions)

    def _open_sessions(self) -> None:
        for character in self._guests:
            character.wake_up(SessionRunner(character.config, self._shared))
            self.feed(character, ConnectRequested())

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
