"""What every transport offers a session: `connect` for a grant, `join` for a connection.

A transport holds no rule of the session: it never retries, never sleeps and never decides
that a silent peer is gone. Every failure reaches the session as a `TransportError` whose
`failure` says what class it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.failures import CharactersError, Failure
from characters.protocol.link import Bye, SequencedChannel, Welcome
from characters.protocol.messages import ClientMessage, ConnectRequest, RoomGrant, ServerMessage
from characters.protocol.network_conditions import NetworkConditions

__all__ = [
    "Branch", "BranchingTransport", "BranchRequest", "Connection", "GONE", "Incoming",
    "KeepingTransport",
    "RememberedFact", "Said", "Transport", "TransportError",
]  # fmt: skip


class TransportError(CharactersError):
    """The connection could not be made or is lost; `failure` says why and what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retryable = failure.recoverable


Incoming: TypeAlias = ServerMessage | AudioFrame | Bye


class Connection(Protocol):
    """One live connection to a room. All calls come from the event loop's thread."""

    @property
    def welcome(self) -> Welcome:
        """What the service answered to the hello."""

    @property
    def last_received(self) -> float:
        """When the last frame of any kind arrived, on the clock that the transport was given."""

    @property
    def round_trip_seconds(self) -> float | None:
        """How long the last answered ping took; None before."""

    def send(self, message: ClientMessage) -> None:
        """Queue a message; never waits.

        A connection that is lost takes the message too: a rejoin of the room sends it. What it
        does not take costs nothing: MessageError for what no service takes, TransportError
        (transport.overflow) when the peer has confirmed nothing for too long.
        """

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        """Queue microphone audio (16 kHz mono int16); the oldest is dropped when it piles up."""

    async def receive(self) -> Incoming:
        """Wait for what comes next. After a Bye the connection is over.

        What arrived before the end still comes out first; what is never read is repeated on a
        rejoin, where messages are numbered. Raises TransportError once the connection is lost.
        """

    def ping(self) -> None:
        """Ask for a sign of life; never waits."""

    def set_conditions(self, conditions: NetworkConditions) -> None:
        """Make frames in both directions late, slow or lost, as a fault, or end the fault.

        What was held back goes on its way when the fault ends. If the connection is given up
        before, none of it counts as received or as sent, and a rejoin repeats it.
        """

    def abort(self) -> None:
        """Drop the connection at once, without a goodbye; idempotent."""

    async def close(self) -> None:
        """Say bye and close, within a bounded time; idempotent."""


class Transport(Protocol):
    """A way to reach one endpoint. All calls come from the event loop's thread."""

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        """Ask for a room; the caller bounds the time. Raises TransportError."""

    async def join(self, grant: RoomGrant, channel: SequencedChannel) -> Connection:
        """Enter the granted room and exchange what either side missed.

        `channel` is a new one for a new room, and the room's own one on a rejoin. The messages
        that the service repeats come out of `receive` first, each once.
        Raises TransportError.
        """

    async def close(self) -> None:
        """Abort the live connections and release what the transport holds; idempotent."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said in a session, by "player" or "character"."""

    speaker: str
    text: str
    was_cut: bool = False


@dataclass(frozen=True, slots=True)
class BranchRequest:
    """A branch to make of a session: up to its entry `at`, and nothing that follows.

    `at` None is all that was said so far, 0 nothing of it: as it was before the first word.
    `heard` is the last line whose answer was received whole. One that `is_saved` is kept for a
    save slot, longer than others. So many `turns` of what was said are returned.
    """

    session_id: str
    at: int | None = None
    heard: str | None = None
    is_saved: bool = False
    turns: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the body of `POST /sessions/{id}/branch`."""
        return {"at": self.at, "heard": self.heard, "save": self.is_saved, "turns": self.turns}


@dataclass(frozen=True, slots=True)
class Branch:
    """A session that shares the past of another, up to its entry `at`; `said` is the end of it.

    `lasts` tells whether its character knows its player in other sessions, too.
    """

    session_id: str
    at: int
    said: tuple[Said, ...] = ()
    lasts: bool = False


@runtime_checkable
class BranchingTransport(Protocol):
    """A transport to an endpoint that may keep branches of a session."""

    async def branch(self, request: BranchRequest) -> Branch:
        """Make a session that shares the past of another up to an entry, and nothing that follows.

        Raises TransportError, `session.cannot_branch` where the endpoint keeps no branches.
        """


@dataclass(frozen=True, slots=True)
class RememberedFact:
    """One thing that a character knows of the player; times in wall-clock seconds.

    `since` is None where it is not kept any more when it was told, `told_in` the session in which
    that was, "" for a correction from outside. `also_in` are other sessions that know the same.
    """

    key: str
    value: str
    is_here: bool = True
    """Whether it is known in the session that was asked for."""
    is_lasting: bool = False
    is_pinned: bool = False
    since: float | None = None
    told_in: str = ""
    also_in: tuple[str, ...] = ()


GONE = frozenset({"session.not_found", "session.expired", "connection.not_found"})
"""The failures of one who asks for what is not there, or not any more."""


@runtime_checkable
class KeepingTransport(Protocol):
    """A transport to an endpoint that keeps sessions and what their characters know of the player.

    Each call waits for the answer. Raises TransportError, with a failure of `GONE` for a session,
    or a fact, that is not there.
    """

    async def forget(self, session_id: str, *, keeps_memory: bool = False) -> None:
        """Delete a session, and what its character knows of the player in others.

        With `keeps_memory` only the session ends, as time would end it.
        """

    async def facts(self, session_id: str) -> tuple[RememberedFact, ...]:
        """Return what is known in a session, then what only others of the two know."""

    async def correct(self, session_id: str, key: str, value: str) -> None:
        """Put another value in place of what is known."""

    async def pin(self, session_id: str, key: str, is_pinned: bool) -> None:
        """Let only a correction change what is known, or let it be as before."""

    async def forget_fact(self, session_id: str, key: str) -> tuple[str, ...]:
        """Delete one thing, and its words wherever the service keeps them; return the words."""
