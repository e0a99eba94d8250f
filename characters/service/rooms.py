"""Sessions, rooms and what is said about them: the registry's values."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial

__all__ = ["ConflictError", "Expired", "Grant", "Limits", "RefusalError", "Room", "Session"]

PROOFS_KEPT = 16


class RefusalError(Exception):
    """The service does not do what was asked; `status` and `detail` are the wire's."""

    def __init__(self, status: int, detail: object, retry_after: float | None = None) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class ConflictError(Exception):
    """A question to the shell: does the live connection in `room` still answer?"""

    def __init__(self, room: Room) -> None:
        super().__init__("the session is live elsewhere")
        self.room = room


@dataclass(frozen=True, slots=True)
class Limits:
    """What the registry holds at most, and for how long (seconds)."""

    session_ttl: float = 30 * 86400.0
    max_room_ttl: float = 3600.0
    default_room_ttl: float = 60.0
    token_ttl: float = 15.0
    silent_after: float = 1.4  # a client pings once a second
    max_sessions: int = 10_000
    max_rooms: int = 256


@dataclass(slots=True)
class Session:
    """One conversation's address; what was said is the store's."""

    session_id: str
    character_id: str
    end_user_id: str | None
    used_at: float


@dataclass(slots=True)
class Room:
    """A place where one session is live, or was until `left_at`."""

    name: str
    session: Session
    ttl: float
    resumed: str  # "fresh" or "resumed": how the room began
    last_seen_seconds: float | None
    left_at: float
    agent: bool = True
    persona: str | None = None
    doomed: bool = False  # its session was ended: whoever leaves stays out
    live_id: str | None = None
    heard_at: float = 0.0
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # -> live id, valid until
    # Ids of its last connections, granted and entered: whoever knows one has been let in before.
    issued: deque[str] = field(default_factory=partial(deque, maxlen=PROOFS_KEPT))

    def is_over(self, now: float) -> bool:
        """Tell whether nobody is inside, nobody may enter, and the time to rejoin has passed."""
        waiting = any(now < until for _, until in self.tokens.values())
        return self.live_id is None and not waiting and now >= self.left_at + self.ttl


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to enter `room` with `token`; `closed` rooms are no more, `replaced` is pushed out."""

    room: Room
    token: str
    live_id: str
    is_new: bool
    closed: tuple[Room, ...] = ()


@dataclass(frozen=True, slots=True)
class Expired:
    """What time has ended."""

    sessions: tuple[Session, ...]
    rooms: tuple[Room, ...]
