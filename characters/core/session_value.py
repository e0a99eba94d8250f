"""A session as a value, and the one step of it that is being made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from characters.core.failure import Failure
from characters.core.policy import Persist, ReconnectPolicy
from characters.core.session_events import (
    CancelTimer,
    Command,
    OpenConnection,
    Publish,
    StartTimer,
    Timer,
)
from characters.core.state import FreshReason, Resume, SessionState, SessionStateChanged

__all__ = ["Phase", "Session", "Step", "Storing"]


class Phase(Enum):
    """How far the attempt in flight is."""

    NONE = "none"
    LOADING = "loading"
    WAITING = "waiting"
    OPENING = "opening"
    GRANTED = "granted"
    JOINED = "joined"


class Storing(Enum):
    """Whether what is held of the conversation is in the store too."""

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
    phase: Phase = Phase.NONE
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
    is_told: bool = True  # whether the game has been told of `restored`
    ready_at: float | None = None
    connected_at: float | None = None
    microphone_opened_at: float | None = None

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
        return self.phase in (Phase.OPENING, Phase.GRANTED, Phase.JOINED)


class Step:
    """One advance in the making: the session so far and the commands so far."""

    def __init__(self, session: Session, now: float) -> None:
        self.session = session
        self.now = now
        self.commands: list[Command] = []

    def set(self, **changes: Any) -> None:
        """Replace fields of the session."""
        before = vars(self.session)
        assert changes.keys() <= before.keys(), f"a session has none of {sorted(changes)}"
        # A dozen times a step: `replace` would read and write each field by itself.
        self.session = object.__new__(Session)
        vars(self.session).update(before, **changes)

    def order(self, command: Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def start(self, timer: Timer, due: float) -> None:
        """Start or replace a timer."""
        others = tuple(pair for pair in self.session.timers if pair[0] is not timer)
        self.set(timers=(*others, (timer, due)))
        self.order(StartTimer(timer, due))

    def cancel(self, *timers: Timer) -> None:
        """Stop those of the timers that run."""
        for timer in timers:
            if self.session.due(timer) is not None:
                self.set(timers=tuple(pair for pair in self.session.timers if pair[0] != timer))
                self.order(CancelTimer(timer))

    def go(self, state: SessionState, reason: str, *, next_retry_in: float | None = None) -> None:
        """Change the state and tell the game."""
        old = self.session
        self.set(state=state)
        changed = SessionStateChanged(
            t=self.now,
            character_id=old.character_id,
            session_key=old.session_key or old.character_id,
            old_state=old.state,
            new_state=state,
            session_id=old.session_id,
            error=old.error,
            attempt=old.attempt,
            max_attempts=old.policy.max_reconnect_attempts,
            next_retry_in=next_retry_in,
            resume=old.restored if state is SessionState.CONNECTED else None,
            reason=reason,
        )
        self.order(Publish(changed))
