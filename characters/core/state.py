"""The states of a session and what the game sees of it: immutable views and change events."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from characters.core.failure import Failure
    from characters.core.transcript import Turn
    from characters.core.turn import DialogueState
    from characters.core.turn_stages import Stage

__all__ = [
    "FreshReason",
    "MicrophoneView",
    "Resume",
    "ResumeOutcome",
    "RetryScheduled",
    "SessionRecord",
    "SessionState",
    "SessionStateChanged",
    "SessionView",
    "shorten_id",
]


class SessionState(IntEnum):
    """The six states of the contract, with the original's values."""

    DISCONNECTED = 0
    CONNECTING = 1
    CONNECTED = 2
    RECONNECTING = 3
    DISCONNECTING = 4
    ERROR = 5


class ResumeOutcome(StrEnum):
    """What a connection restored, best first."""

    REJOINED = "REJOINED"
    RESUMED = "RESUMED"
    FRESH = "FRESH"


class FreshReason(StrEnum):
    """Why a conversation is a new one."""

    POLICY = "policy"
    NO_STORED_ID = "no stored id"
    EXPIRED = "expired"
    REFUSED = "refused"
    OTHER_ENDPOINT = "other endpoint"


@dataclass(frozen=True, slots=True)
class Resume:
    """What was restored; ``reason`` goes with FRESH, ``last_seen_seconds`` if the server knows."""

    outcome: ResumeOutcome
    reason: FreshReason | None = None
    last_seen_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is stored of a session: enough to resume it, or to rejoin its room.

    ``endpoint_id`` names the endpoint and a fingerprint of the credential, never the
    credential; empty means "any" (an id that somebody stored by hand). The times are
    wall-clock seconds: they outlive the process. ``dropped_at`` is None while the
    connection lives, and so also when the process died with it.
    """

    session_id: str
    endpoint_id: str = ""
    room_name: str | None = None
    dropped_at: float | None = None
    saved_at: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionStateChanged:
    """A session went from one state to another. ``t`` is on the session's monotonic clock."""

    t: float
    character_id: str
    session_key: str
    old_state: SessionState
    new_state: SessionState
    session_id: str | None = None
    error: Failure | None = None
    attempt: int = 0
    max_attempts: int | None = None
    next_retry_in: float | None = None
    resume: Resume | None = None
    reason: str = ""

    @property
    def error_code(self) -> str | None:
        """The stable code of the error, if there is one."""
        return None if self.error is None else self.error.code

    @property
    def is_error(self) -> bool:
        """Whether the session has come into ERROR."""
        return self.new_state is SessionState.ERROR

    @property
    def is_reconnecting(self) -> bool:
        """Whether the connection was lost and is being made again."""
        return self.new_state is SessionState.RECONNECTING

    @property
    def is_connection_established(self) -> bool:
        """Whether the character is now ready, the first time or again."""
        return self.new_state is SessionState.CONNECTED

    @property
    def is_reconnection_successful(self) -> bool:
        """Whether the character is ready again after a loss."""
        return self.is_connection_established and self.old_state is SessionState.RECONNECTING

    @property
    def is_disconnected(self) -> bool:
        """Whether the session has come to rest."""
        return self.new_state is SessionState.DISCONNECTED


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """An attempt failed and the next one is planned, while the state stays what it is."""

    t: float
    character_id: str
    session_key: str
    state: SessionState
    attempt: int
    max_attempts: int | None
    next_retry_in: float
    error: Failure


@dataclass(frozen=True, slots=True)
class MicrophoneView:
    """The microphone gate of the present connection, times on the session's clock."""

    ready_at: float | None = None
    opened_at: float | None = None
    frames_sent: int = 0
    frames_before_open: int = 0
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class SessionView:
    """All that a game may show of a session at one moment."""

    character_id: str
    session_key: str
    dialogue: DialogueState
    state: SessionState = SessionState.DISCONNECTED
    session_id: str | None = None
    live_id: str | None = None
    room_name: str | None = None
    resume: Resume | None = None
    supports_session_persistence: bool = False
    attempt: int = 0
    max_attempts: int | None = None
    next_retry_at: float | None = None
    retry_wait_seconds: float | None = None  # the whole wait that ends at next_retry_at
    error: Failure | None = None
    microphone: MicrophoneView = field(default_factory=MicrophoneView)
    transcript: tuple[Turn, ...] = ()
    timeline: tuple[SessionStateChanged, ...] = ()
    round_trip_seconds: float | None = None
    stages: tuple[Stage, ...] = ()  # of the last answer
    stored_at: float | None = None  # when the id was last stored, maybe before the clock began
    connected_at: float | None = None
    is_speaking: bool = False
    emotion: str | None = None
    is_hibernating: bool = False
    unconfirmed_lines: int = 0  # typed, sent, and not known to be kept by the service

    @property
    def is_resumed_session(self) -> bool:
        """Whether the conversation is one that was resumed or rejoined, not a new one."""
        return self.resume is not None and self.resume.outcome is not ResumeOutcome.FRESH


def shorten_id(text: str | None) -> str:
    """Return an id as logs and screens may show it: its first four characters and an ellipsis."""
    if not text:
        return "none"
    return f"{text[:4]}…"
