"""What can happen to a session and what it can order: events are facts, commands are orders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from characters.core.failure import Failure
from characters.core.policy import Persist, ReconnectPolicy
from characters.core.state import (
    ResumeOutcome,
    RetryScheduled,
    SessionRecord,
    SessionStateChanged,
)

__all__ = [
    "AbortConnection",
    "AttemptFailed",
    "CancelTimer",
    "CharacterReady",
    "ClearRecord",
    "CloseConnection",
    "CloseMicrophone",
    "Closed",
    "Command",
    "ConnectMode",
    "ConnectRequested",
    "ConnectionEvent",
    "ConnectionLost",
    "ConnectionStarted",
    "DisconnectRequested",
    "Event",
    "ForgetRequested",
    "HibernateRequested",
    "LoadRecord",
    "OpenConnection",
    "OpenMicrophone",
    "PersistChanged",
    "PlayerActed",
    "PolicyChanged",
    "Publish",
    "RecordLoadFailed",
    "RecordLoaded",
    "RecordStoreFailed",
    "RecordStored",
    "RestartRequested",
    "RoomGranted",
    "RoomJoined",
    "ServerEnded",
    "StartTimer",
    "StoreRecord",
    "Timer",
    "TimerFired",
    "WakeRequested",
]


class Timer(StrEnum):
    """The timers of a session; each runs at most once at a time."""

    RETRY = "retry"
    START = "start"
    READY = "ready"
    MICROPHONE = "microphone"
    STABLE = "stable"
    BUDGET = "budget"
    IDLE = "idle"
    CLOSE = "close"


class ConnectMode(StrEnum):
    """Whether a connection asks for a new room or for the one that still lives."""

    CREATE = "create"
    JOIN = "join"


# --- Events: wishes of the game -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """Somebody wants the session; ``takeover`` takes it from another process that holds it."""

    takeover: bool = False


@dataclass(frozen=True, slots=True)
class DisconnectRequested:
    """Somebody wants the session to end; ``keeps_id`` for a while only, whatever `persist` says."""

    keeps_id: bool = False


@dataclass(frozen=True, slots=True)
class ForgetRequested:
    """Somebody wants the stored session id gone (``clear_session_id``)."""


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The policy was replaced; it takes effect at once."""

    policy: ReconnectPolicy


@dataclass(frozen=True, slots=True)
class PersistChanged:
    """Whether the id outlives a disconnect was decided anew; the next disconnect goes by it."""

    persist: Persist


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """Settings changed that a connection takes only when it is made: make it anew, and resume."""


@dataclass(frozen=True, slots=True)
class PlayerActed:
    """The player did something with this character: it is not idle."""


@dataclass(frozen=True, slots=True)
class HibernateRequested:
    """The character is far away: its connection may rest."""


@dataclass(frozen=True, slots=True)
class WakeRequested:
    """The player came near: a resting connection is wanted again."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that was started for ``due`` ran out; ``chance`` in [0, 1) is for the jitter."""

    timer: Timer
    due: float
    chance: float = 0.0


# --- Events: facts about one connection, told apart by its epoch ----------------------


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """A fact about the connection of one epoch."""

    epoch: int


@dataclass(frozen=True, slots=True)
class RecordLoaded(ConnectionEvent):
    """The store answered; ``room_age`` is how long ago the record's room was left, in seconds."""

    record: SessionRecord | None = None
    room_age: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordLoadFailed(ConnectionEvent):
    """The store could not be read."""

    failure: Failure
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectionStarted(ConnectionEvent):
    """The connect limiter gave way: the request goes out now."""


@dataclass(frozen=True, slots=True)
class RoomGranted(ConnectionEvent):
    """The server answered the connect request."""

    character_session_id: str
    room_name: str
    live_id: str
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class RoomJoined(ConnectionEvent):
    """The room let us in; ``outcome`` is what it says it restored, None if it does not say."""

    outcome: ResumeOutcome | None = None
    last_seen_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RecordStored(ConnectionEvent):
    """The record of this connection is durable."""


@dataclass(frozen=True, slots=True)
class RecordStoreFailed(ConnectionEvent):
    """The record of this connection could not be made durable."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class CharacterReady(ConnectionEvent):
    """The character said that it hears and answers (bot-ready)."""


@dataclass(frozen=True, slots=True)
class AttemptFailed(ConnectionEvent):
    """No connection came about."""

    failure: Failure
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectionLost(ConnectionEvent):
    """The connection is gone, or dead."""

    failure: Failure
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerEnded(ConnectionEvent):
    """The server said bye; ``retry_after`` seconds is when to come back, if it said so."""

    reason: str
    retry_after: float | None = None
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Closed(ConnectionEvent):
    """The connection that was to be closed is closed."""


Event: TypeAlias = (
    ConnectRequested
    | DisconnectRequested
    | ForgetRequested
    | PolicyChanged
    | PersistChanged
    | RestartRequested
    | PlayerActed
    | HibernateRequested
    | WakeRequested
    | TimerFired
    | ConnectionEvent
)


# --- Commands -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """Read the stored record; answer RecordLoaded or RecordLoadFailed."""

    epoch: int


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """Wait for the limiter, ask for the room, join it; answer each step.

    ``live_id`` names the connection that this session lost, so that the server may know it
    for ours; ``takeover`` asks for the session even if somebody else holds it.
    """

    epoch: int
    mode: ConnectMode
    character_session_id: str | None = None
    room_name: str | None = None
    spawn_agent: bool = True
    live_id: str | None = None
    takeover: bool = False


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Say bye and close whatever there is of the connection; answer Closed."""

    epoch: int


@dataclass(frozen=True, slots=True)
class AbortConnection:
    """Drop whatever there is of the connection at once; no answer."""

    epoch: int


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Fire ``timer`` at ``due``; a running one of that name is replaced."""

    timer: Timer
    due: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Stop a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """Make the record durable; answer RecordStored or RecordStoreFailed. The shell adds times."""

    epoch: int
    session_id: str
    room_name: str | None
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class ClearRecord:
    """Remove the stored record, after all that was ordered before."""


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """Let this character hear the player, mute and target permitting."""

    epoch: int


@dataclass(frozen=True, slots=True)
class CloseMicrophone:
    """Let no more audio through."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell the game."""

    event: SessionStateChanged | RetryScheduled


Command: TypeAlias = (
    LoadRecord
    | OpenConnection
    | CloseConnection
    | AbortConnection
    | StartTimer
    | CancelTimer
    | StoreRecord
    | ClearRecord
    | OpenMicrophone
    | CloseMicrophone
    | Publish
)
