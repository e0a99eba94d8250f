"""What every transport offers the driver: connect for a grant, join for a connection.

A transport holds no rule of the session: it never retries, never sleeps and never decides
that a silent peer is gone. Every failure reaches the driver as a `TransportError` whose
`failure` says what class it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from characters.core.failure import Failure
from characters.core.link import Bye, RoomLink, Welcome
from characters.core.messages import ClientMessage, ConnectRequest, RoomGrant, ServerMessage
from characters.core.weather import Weather

__all__ = [
    "AudioFrame",
    "Bye",
    "ConnectRequest",
    "Connection",
    "Incoming",
    "RoomGrant",
    "RoomLink",
    "Transport",
    "TransportError",
    "Welcome",
]


class TransportError(Exception):
    """The connection could not be made or is lost; `failure.recoverable` says if to retry."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of the character's voice: 16-bit little-endian mono; `timestamp` in seconds."""

    seq: int
    timestamp: float
    pcm: bytes
    sample_rate: int


Incoming: TypeAlias = ServerMessage | AudioFrame | Bye


class Connection(Protocol):
    """One live connection to a room. All calls come from the event loop's thread."""

    @property
    def welcome(self) -> Welcome:
        """What the service said on the way in."""

    @property
    def last_received(self) -> float:
        """When anything at all arrived, on the clock that the transport was given."""

    @property
    def round_trip_seconds(self) -> float | None:
        """How long the last answered ping took; None before."""

    def send(self, message: ClientMessage) -> None:
        """Queue a message; never waits.

        Raises:
            TransportError: (transport.overflow) the peer has confirmed nothing for too long;
                the message was not taken. A connection that is lost takes the message all the
                same: it is repeated when the room is rejoined.
        """

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        """Queue microphone audio (16 kHz mono int16); the oldest is dropped when it piles up."""

    async def receive(self) -> Incoming:
        """Wait for what comes next. After a Bye the connection is over.

        What arrived before the end still comes out first; what is never read is repeated on a
        rejoin, where messages are numbered.

        Raises:
            TransportError: the connection is lost.
        """

    def ping(self) -> None:
        """Ask for a sign of life; never waits."""

    def set_weather(self, weather: Weather) -> None:
        """Let frames in both directions be late, slow or swallowed, as a fault, or be calm again.

        What waits goes on its way when the line is healed; if it is given up before, nothing of
        it counts as arrived or as sent, and a rejoin repeats it.
        """

    def abort(self) -> None:
        """Drop the connection at once, without a word to the peer; idempotent."""

    async def close(self) -> None:
        """Say bye and close, within a bounded time; idempotent."""


class Transport(Protocol):
    """A way to reach one endpoint. All calls come from the event loop's thread."""

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        """Ask for a room. Raises TransportError; time-outs are the caller's business."""

    async def join(self, grant: RoomGrant, link: RoomLink) -> Connection:
        """Enter the granted room and exchange what either side missed.

        `link` is a new one for a new room, and the room's own one on a rejoin. The messages that
        the service repeats come out of `receive` first, each once.
        Raises TransportError.
        """

    async def close(self) -> None:
        """Give back what the transport holds; live connections are aborted. Idempotent."""
