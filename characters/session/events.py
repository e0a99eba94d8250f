"""The values that the session machine works on: events, commands, the session itself.

* Events are what happened: requests of the game, and facts about one connection.
* Commands are what the shell has to do.
* `Session` is one character's session at one moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias

from characters.protocol.failures import Failure
from characters.session.conversation import (
    FreshReason,
    Resume,
    ResumeOutcome,
    RetryScheduled,
    SessionRecord,
    SessionState,
    SessionStateChanged,
)
from characters.session.policy import Persist, ReconnectPolicy

__all__ = [
    "AbortConnection", "AgentRequested", "AttemptFailed", "AttemptPhase", "CancelTimer",
    "CharacterReady", "ClearRecord", "CloseConnection", "Closed", "CloseMicrophone", "Command",
    "ConnectionEvent", "ConnectionLost", "ConnectionStarted", "ConnectRequested",
    "DisconnectRequested", "Event", "ForgetRequested", "HibernateRequested", "HOLDING_PHASES",
    "LoadRecord", "OpenConnection", "OpenMicrophone", "PersistChanged", "PlayerActed",
    "PolicyChanged", "Publish", "RecordLoaded", "RecordLoadFailed", "RecordStored",
    "RecordStoreFailed", "RestartRequested", "RoomGranted", "RoomJoined", "RoomMode", "ServerEnded",
    "ServiceAwaited", "ServiceStarted", "Session", "StartTimer", "StoreRecord", "Storing", "Timer",
    "TimerFired", "WakeRequested",
]  # fmt: skip


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


class RoomMode(StrEnum):
    """Whether a connection asks for a new room or for the one that still lives."""

    CREATE = "create"
    JOIN = "join"


# --- Events: requests of the game -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """Connect; ``takeover`` takes the session from another process that holds it."""

    takeover: bool = False


@dataclass(frozen=True, slots=True)
class DisconnectRequested:
    """End the session; ``keeps_id`` keeps the id whatever `persist` says, to resume it later."""

    keeps_id: bool = False


@dataclass(frozen=True, slots=True)
class ForgetRequested:
    """Forget the stored session id (``clear_session_id``)."""


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The policy was replaced; it takes effect at once."""

    policy: ReconnectPolicy


@dataclass(frozen=True, slots=True)
class PersistChanged:
    """The setting `persist` was replaced; it takes effect at the next disconnect."""

    persist: Persist


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """A setting changed that is sent with the connect request: connect again, and resume."""


@dataclass(frozen=True, slots=True)
class PlayerActed:
    """The player did something with this character: the idle time begins again."""


@dataclass(frozen=True, slots=True)
class HibernateRequested:
    """The character is far away: close its connection until the player comes near."""


@dataclass(frozen=True, slots=True)
class WakeRequested:
    """The player came near: connect again if the session hibernates."""


@dataclass(frozen=True, slots=True)
class AgentRequested:
    """The game calls back a character that has left the room."""


@dataclass(frozen=True, slots=True)
class ServiceStarted:
    """The game has started the service behind the endpoint: whoever missed it may try anew."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that was due at ``due`` fired; ``chance`` in [0, 1) is for the jitter."""

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
class ServiceAwaited(ConnectionEvent):
    """The service behind the endpoint is being started; nothing is sent before it listens."""


@dataclass(frozen=True, slots=True)
class ConnectionStarted(ConnectionEvent):
    """The connect limiter gave a slot: the request is sent now."""


@dataclass(frozen=True, slots=True)
class RoomGranted(ConnectionEvent):
    """The server answered the connect request."""

    character_session_id: str
    room_name: str
    live_id: str


@dataclass(frozen=True, slots=True)
class RoomJoined(ConnectionEvent):
    """The room was entered; ``outcome`` is what it says was restored, None if it does not say.

    ``has_agent`` is whether the character is in the room, or will be; ``retry_over`` are the
    seconds over which the service wants its clients to come back when they lose it.
    """

    outcome: ResumeOutcome | None = None
    last_seen_seconds: float | None = None
    has_agent: bool = True
    retry_over: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordStored(ConnectionEvent):
    """The record of this connection is durable."""


@dataclass(frozen=True, slots=True)
class RecordStoreFailed(ConnectionEvent):
    """The record of this connection could not be made durable."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class CharacterReady(ConnectionEvent):
    """The character is ready to hear and answer (bot-ready)."""


@dataclass(frozen=True, slots=True)
class AttemptFailed(ConnectionEvent):
    """No connection could be made."""

    failure: Failure
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectionLost(ConnectionEvent):
    """The connection is gone, or dead."""

    failure: Failure
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerEnded(ConnectionEvent):
    """The server said bye; ``retry_after`` is in how many seconds to connect again, if given."""

    reason: str
    retry_after: float | None = None
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Closed(ConnectionEvent):
    """The connection is closed, as was ordered."""


Event: TypeAlias = (
    ConnectRequested | DisconnectRequested | ForgetRequested | PolicyChanged | PersistChanged |
    RestartRequested | PlayerActed | HibernateRequested | WakeRequested | AgentRequested |
    ServiceStarted | TimerFired | ConnectionEvent
)  # fmt: skip


# --- Commands -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """Read the stored record; answer RecordLoaded or RecordLoadFailed."""

    epoch: int


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """Wait for the limiter, ask for the room, join it; answer each step.

    ``live_id`` names the connection that this session lost, which proves to the server that it
    is ours; ``takeover`` asks for the session even if another process holds it.
    """

    epoch: int
    mode: RoomMode
    character_session_id: str | None = None
    room_name: str | None = None
    spawn_agent: bool = True
    live_id: str | None = None
    takeover: bool = False


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Say bye and close the connection, however far it is; answer Closed."""

    epoch: int


@dataclass(frozen=True, slots=True)
class AbortConnection:
    """Drop the connection at once, however far it is; no answer."""

    epoch: int


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Fire ``timer`` at ``due``; a running one of the same name is replaced."""

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
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class ClearRecord:
    """Remove the stored record, after the commands before this one."""


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """Let the player's voice through to this character, unless muted or not its target."""

    epoch: int


@dataclass(frozen=True, slots=True)
class CloseMicrophone:
    """Let no more of the player's voice through."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell the game."""

    event: SessionStateChanged | RetryScheduled


Command: TypeAlias = (
    LoadRecord | OpenConnection | CloseConnection | AbortConnection | StartTimer | CancelTimer |
    StoreRecord | ClearRecord | OpenMicrophone | CloseMicrophone | Publish
)  # fmt: skip


class AttemptPhase(Enum):
    """How far the attempt in flight is."""

    NONE = "none"
    LOADING = "loading"
    WAITING = "waiting"
    OPENING = "opening"
    AWAITING = "awaiting"  # the start of the service, which costs nobody time or an attempt
    GRANTED = "granted"
    JOINED = "joined"


HOLDING_PHASES = (
    AttemptPhase.OPENING,
    AttemptPhase.AWAITING,
    AttemptPhase.GRANTED,
    AttemptPhase.JOINED,
)
"""The phases with a connection, or one being made."""


class Storing(Enum):
    """Whether the session id is in the store too."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Session:
    """One character's session at one moment. Times are on the caller's monotonic clock.

    Without slots, so that a step copies its fields at once instead of one by one.
    """

    character_id: str
    session_key: str = ""
    endpoint_id: str = ""
    policy: ReconnectPolicy = ReconnectPolicy.DEFAULT
    persist: Persist = Persist.ACROSS_RESTARTS

    state: SessionState = SessionState.DISCONNECTED
    phase: AttemptPhase = AttemptPhase.NONE
    epoch: int = 0
    attempt: int = 0
    # Since when the budget runs: the connect, or the loss after the last stable time.
    trouble_since: float | None = None
    timers: tuple[tuple[Timer, float], ...] = ()

    # What is known of the conversation.
    session_id: str | None = None
    room_name: str | None = None
    room_left_at: float | None = None
    live_id: str | None = None
    is_loaded: bool = False
    fresh_reason: FreshReason | None = None

    # The connection held, or being made.
    plan: OpenConnection | None = None
    storing: Storing = Storing.PENDING
    restored: Resume | None = None
    is_told: bool = True  # whether a CONNECTED with `restored` was published
    ready_at: float | None = None
    connected_at: float | None = None
    microphone_opened_at: float | None = None

    has_agent: bool = True  # false: CONNECTED to a room that the character has left
    wants_agent: bool = False  # asked for since it left
    retry_over: float = 0.0  # seconds over which the first retry is spread

    takeover: bool = False
    wants_connect: bool = False  # asked for while DISCONNECTING
    is_hibernating: bool = False
    error: Failure | None = None
    reason: str = ""  # why the session is DISCONNECTING

    def due(self, timer: Timer) -> float | None:
        """Return when a timer will fire, None if it does not run."""
        return dict(self.timers).get(timer)

    @property
    def is_durable(self) -> bool:
        """Whether what is known of the session is on disk, so that a restart can resume it."""
        return self.session_id is not None and self.storing is Storing.DONE

    @property
    def is_holding(self) -> bool:
        """Whether there is a connection, or one being made."""
        return self.phase in HOLDING_PHASES
