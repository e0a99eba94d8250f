"""What every transport offers the driver: connect for a grant, join for a connection.

A transport holds no rule of the session: it never retries, never sleeps and never decides
that a silent peer is gone. Every failure reaches the driver as a `TransportError` whose
`failure` says what class it is.

What arrived and was not read yet, and how the connection ended: the same on every transport.

Pack microphone audio and unpack voice: msgpack `[kind, seq, timestamp, pcm(, sample_rate)]`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgpack

from characters.protocol.failures import CharactersError, Failure, failure
from characters.protocol.link import Bye, SequencedChannel, Welcome
from characters.protocol.messages import ClientMessage, ConnectRequest, RoomGrant, ServerMessage
from characters.protocol.network_conditions import NetworkConditions

__all__ = [
    "AudioFrame",
    "Connection",
    "Incoming",
    "Mailbox",
    "pack_microphone",
    "Transport",
    "TransportError",
    "unpack_voice",
]


class TransportError(CharactersError):
    """The connection could not be made or is lost; `failure` says why and what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retryable = failure.recoverable


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

    def set_weather(self, weather: NetworkConditions) -> None:
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

    async def join(self, grant: RoomGrant, link: SequencedChannel) -> Connection:
        """Enter the granted room and exchange what either side missed.

        `link` is a new one for a new room, and the room's own one on a rejoin. The messages that
        the service repeats come out of `receive` first, each once.
        Raises TransportError.
        """

    async def close(self) -> None:
        """Give back what the transport holds; live connections are aborted. Idempotent."""


MAX_INCOMING = 4096

T = TypeVar("T")


class Mailbox(Generic[T]):
    """The reading end of a connection; bounded, and closed once by `lost`."""

    def __init__(self) -> None:
        self._incoming: deque[T] = deque()
        self._failure: Failure | None = None
        self._readable = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        """Whether the line is gone."""
        return self._failure is not None

    async def take(self) -> T:
        """Wait for what comes next. Raises TransportError once the line is gone."""
        while not self._incoming:
            if self._failure is not None:
                raise TransportError(self._failure)
            self._readable.clear()
            await self._readable.wait()
        return self._incoming.popleft()

    def arrived(self, item: T) -> None:
        """Add what arrived; too much of it unread ends the connection."""
        if len(self._incoming) >= MAX_INCOMING:
            self.lost(failure("transport.overflow", "the game does not take what arrives"))
            return
        self._incoming.append(item)
        self._readable.set()

    def lost(self, why: Failure) -> None:
        """End the connection, once; what arrived before can still be received."""
        if self._failure is None:
            self._failure = why
            self._readable.set()


MICROPHONE, VOICE = 1, 2
MAX_FRAME = 1 << 20


def pack_microphone(seq: int, timestamp: float, pcm: bytes) -> bytes:
    """Return the binary frame for 16 kHz mono int16 audio."""
    packed: bytes = msgpack.packb([MICROPHONE, seq, timestamp, pcm])
    return packed


def unpack_voice(data: bytes) -> AudioFrame:
    """Return the voice in a binary frame. Raises ValueError when it is malformed."""
    if len(data) > MAX_FRAME:
        raise ValueError(f"an audio frame of {len(data)} bytes")
    try:
        kind, seq, timestamp, pcm, sample_rate = msgpack.unpackb(data)
    except Exception as error:
        # msgpack raises half a dozen types of its own, and unpacking two more.
        raise ValueError(f"not an audio frame: {type(error).__name__}") from None
    usable = isinstance(pcm, bytes) and len(pcm) % 2 == 0 and isinstance(seq, int)
    if kind != VOICE or not usable or not isinstance(sample_rate, int):
        raise ValueError("not a voice frame")
    if not isinstance(timestamp, int | float) or not 4000 <= sample_rate <= 192_000:
        raise ValueError("a voice frame with impossible figures")
    return AudioFrame(seq, float(timestamp), pcm, sample_rate)
