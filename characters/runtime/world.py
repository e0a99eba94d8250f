"""What all drivers of a runtime share: time, chance, the store, the way out and the way home."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from characters.audio.voice import Voice
from characters.persistence import SessionPersistence
from characters.runtime.config import SessionConfig
from characters.runtime.limiter import ConnectLimiter
from characters.runtime.store_thread import Worker
from characters.transport import Transport

__all__ = ["Hearing", "World"]


class Hearing(Protocol):
    """What the ears want to know of the talk (network thread)."""

    def transcript_arrived(self, key: str) -> None:
        """The service understood the player's turn."""

    def answer_began(self, key: str) -> None:
        """A character began to speak, or completed its turn."""


@dataclass(frozen=True)
class World:
    """The surroundings of a driver; all of it belongs to the network thread.

    ``transport_for`` gives the transport of a session's endpoint; it may have to wait until
    the endpoint is known, and raises TransportError when there is none.
    """

    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    chance: Callable[[], float]
    limiter: ConnectLimiter
    worker: Worker
    persistence: SessionPersistence
    transport_for: Callable[[SessionConfig], Awaitable[Transport]]
    voice: Voice
    new_id: Callable[[], str]
    hearing: Hearing | None = None
