"""A session lived in a test: feeds the machine, keeps its timers and what it ordered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from characters.protocol.failures import Failure, failure
from characters.session.conversation import (
    ResumeOutcome,
    SessionRecord,
    SessionState,
    SessionStateChanged,
)
from characters.session.events import (
    AttemptFailed,
    CharacterReady,
    Closed,
    Command,
    ConnectionLost,
    ConnectionStarted,
    ConnectRequested,
    Event,
    OpenConnection,
    Publish,
    RecordLoaded,
    RecordStored,
    RoomGranted,
    RoomJoined,
    Session,
    Timer,
    TimerFired,
)
from characters.session.machine import advance
from characters.session.policy import ReconnectPolicy

__all__ = [
    "Life",
]


T = TypeVar("T")


class Life:
    """Drives one session through what a test tells of it; time only moves by `wait`."""

    def __init__(self, policy: ReconnectPolicy = ReconnectPolicy.DEFAULT, **fields: Any) -> None:
        fields.setdefault("endpoint_id", "home")
        self.session = Session("nurse", policy=policy, **fields)
        self.now = 1000.0
        self.commands: list[Command] = []
        self.last: tuple[Command, ...] = ()

    # What happens.

    def feed(self, event: Event) -> Life:
        self.session, self.last = advance(self.session, event, self.now)
        self.commands += self.last
        return self

    def wait(self, seconds: float, chance: float = 0.0) -> Life:
        """Let time pass; timers fire when they are due, in order."""
        end = self.now + seconds
        while due := self._next_due(end):
            timer, self.now = due[0], max(self.now, due[1])
            self.feed(TimerFired(timer, due[1], chance))
        self.now = end
        return self

    def _next_due(self, end: float) -> tuple[Timer, float] | None:
        coming = [pair for pair in self.session.timers if pair[1] <= end + 1e-9]
        return min(coming, key=lambda pair: pair[1], default=None)

    def connect(self, record: SessionRecord | None = None, room_age: float = 0.0) -> Life:
        """Ask for the session; the store answers at once."""
        self.feed(ConnectRequested())
        return self if self.session.is_loaded else self.load(record, room_age)

    def load(self, record: SessionRecord | None, room_age: float = 0.0) -> Life:
        """Let the store answer."""
        return self.feed(RecordLoaded(self.epoch, record, room_age))

    def grant(self, session_id: str = "id-1", room: str = "room-1") -> Life:
        self.feed(ConnectionStarted(self.epoch))
        return self.feed(RoomGranted(self.epoch, session_id, room, f"live-{self.epoch}"))

    def join(self, outcome: ResumeOutcome | None = None) -> Life:
        return self.feed(RoomJoined(self.epoch, outcome))

    def store(self) -> Life:
        return self.feed(RecordStored(self.epoch))

    def ready(self) -> Life:
        return self.feed(CharacterReady(self.epoch))

    def arrive(self, session_id: str = "id-1", room: str = "room-1") -> Life:
        """Get from an open attempt to CONNECTED."""
        return self.grant(session_id, room).join().store().ready()

    def lose(self, code: str = "transport.signal_disconnected", **more: Any) -> Life:
        return self.feed(ConnectionLost(self.epoch, failure(code), **more))

    def refuse(self, code: str | Failure, **more: Any) -> Life:
        """Let the attempt in flight fail."""
        why = failure(code) if isinstance(code, str) else code
        return self.feed(AttemptFailed(self.epoch, why, **more))

    def closed(self) -> Life:
        return self.feed(Closed(self.epoch))

    # What is.

    @property
    def epoch(self) -> int:
        return self.session.epoch

    @property
    def state(self) -> SessionState:
        return self.session.state

    @property
    def plan(self) -> OpenConnection:
        """The last connection that was ordered."""
        return self.all(OpenConnection)[-1]

    @property
    def changes(self) -> tuple[SessionStateChanged, ...]:
        """Every state change that was published."""
        events = (command.event for command in self.all(Publish))
        return tuple(event for event in events if isinstance(event, SessionStateChanged))

    @property
    def states(self) -> str:
        return " ".join(change.new_state.name for change in self.changes)

    def all(self, kind: type[T]) -> list[T]:
        return [command for command in self.commands if isinstance(command, kind)]

    def ordered(self, kind: type[T]) -> list[T]:
        """The commands of that kind that the last event led to."""
        return [command for command in self.last if isinstance(command, kind)]

    def clone(self) -> Life:
        other = Life()
        other.session, other.now = self.session, self.now
        return other

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands)


def changed(policy: ReconnectPolicy = ReconnectPolicy.DEFAULT, **fields: Any) -> ReconnectPolicy:
    """Return a policy with other fields."""
    return replace(policy, **fields)
