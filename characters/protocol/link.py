"""The few frames with which the two ends of our WebSocket look after their connection.

They carry the label ``troupe`` and no number, because they speak about the connection and not
about the conversation. The order of a connection::

    client  hello{received}                     how far it has the service's messages
    service welcome{received, replayed, ...}    how far it has the client's, what follows
    both    the messages that the other missed, then everything new, numbered
    both    ack{received} now and then; ping{t} and pong{t}; bye{reason} before the end

Numbered delivery: what makes a rejoin lose nothing and repeat nothing.

Each direction of a room numbers its control messages from 1. The sender keeps what the
receiver has not confirmed in an `Outbox`; the receiver's `Inbox` lets each number through once
and in order. After a reconnect the two ends say how far they have received, and the sender
repeats the rest. Both values outlive the connection and die with the room. Pure: who sends,
and when, is the shell's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

from characters.protocol.codec import READERS, MessageError
from characters.protocol.failures import CharactersError

__all__ = [
    "Ack",
    "Arrival",
    "Bye",
    "decode_link",
    "encode_link",
    "Hello",
    "Inbox",
    "is_link",
    "LinkFrame",
    "Outbox",
    "OutboxFullError",
    "Ping",
    "Pong",
    "ReplayError",
    "sequence_of",
    "SequencedChannel",
    "SUBPROTOCOL",
    "Welcome",
]


T = TypeVar("T")

DEFAULT_LIMIT = 1024


class OutboxFullError(CharactersError):
    """The peer has confirmed nothing for `limit` messages; retryable once it does."""

    retryable = True


class ReplayError(CharactersError):
    """The peer asks for messages that were confirmed or never sent; start a new room."""


class Arrival(Enum):
    """What to do with a numbered message that came in."""

    DELIVER = "deliver"
    DUPLICATE = "duplicate"
    GAP = "gap"


class Outbox(Generic[T]):
    """Messages sent and not yet confirmed, oldest first, at most `limit`."""

    def __init__(self, limit: int = DEFAULT_LIMIT, *, sent: int = 0) -> None:
        self._limit = limit
        self._sent = sent
        self._confirmed = sent
        self._waiting: deque[tuple[int, T]] = deque()

    @property
    def sent(self) -> int:
        """The last number given out, 0 before the first."""
        return self._sent

    @property
    def confirmed(self) -> int:
        """The last number that the peer has confirmed."""
        return self._confirmed

    def __len__(self) -> int:
        return len(self._waiting)

    def number(self, message: T) -> int:
        """Keep `message` and return its number. Raises OutboxFullError, and then keeps nothing."""
        if len(self._waiting) >= self._limit:
            raise OutboxFullError(
                f"{self._limit} messages wait for confirmation; the peer is not reading"
            )
        self._sent += 1
        self._waiting.append((self._sent, message))
        return self._sent

    def acknowledged(self, received: int) -> None:
        """Forget everything up to `received`. Raises ReplayError for a number never sent."""
        if received > self._sent:
            raise ReplayError(f"the peer confirms {received}, but only {self._sent} were sent")
        self._confirmed = max(self._confirmed, received)
        while self._waiting and self._waiting[0][0] <= received:
            self._waiting.popleft()

    def unacknowledged(self, after: int | None = None) -> tuple[tuple[int, T], ...]:
        """Return the messages after number `after` (default: every unconfirmed one), in order.

        Raises ReplayError when some of them are gone or `after` was never sent.
        """
        start = self._confirmed if after is None else after
        if not self._confirmed <= start <= self._sent:
            raise ReplayError(
                f"cannot repeat from {start}: confirmed {self._confirmed}, sent {self._sent}"
            )
        return tuple(item for item in self._waiting if item[0] > start)


class Inbox:
    """Lets each number through once and in order."""

    def __init__(self, received: int = 0) -> None:
        self._received = received

    @property
    def received(self) -> int:
        """The last number that was delivered; what the peer is told."""
        return self._received

    def accept(self, seq: int) -> Arrival:
        """Classify number `seq`; only DELIVER moves `received` on."""
        if seq <= self._received:
            return Arrival.DUPLICATE
        if seq > self._received + 1:
            return Arrival.GAP
        self._received = seq
        return Arrival.DELIVER


LINK_LABEL = "troupe"
SUBPROTOCOL = "troupe.v1"
ACK_EVERY = 8
"""Messages that may be delivered before they are confirmed unasked: few enough to keep the
other side's outbox short, many enough that a streamed answer is not doubled in frames."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first frame: the last number that it received in this room.

    0 means that it knows nothing of the room (a new room, or a client that was restarted): it
    gets what nobody has confirmed, and goes on from the numbers in the Welcome.
    """

    received: int = 0


@dataclass(frozen=True, slots=True)
class Welcome:
    """The service's answer; `resumed` is "rejoined", "resumed" or "fresh".

    `replayed` messages follow at once, the first of them (or of what is new) numbered `next_seq`.
    """

    received: int
    replayed: int = 0
    next_seq: int = 1
    resumed: str = "fresh"
    last_seen_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a Pong with the same `t` (the sender's clock, any unit)."""

    t: float


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping."""

    t: float


@dataclass(frozen=True, slots=True)
class Ack:
    """Everything up to this number arrived."""

    received: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender ends this connection on purpose.

    Reasons of the service: idle-timeout, drain, taken-over, killed, quota, overflow; of the
    client: disconnect. `retry_after` seconds is when to come back.
    """

    reason: str
    retry_after: float | None = None


LinkFrame: TypeAlias = Hello | Welcome | Ping | Pong | Ack | Bye


class SequencedChannel:
    """One end's numbering in one room; kept across the connections of that room."""

    def __init__(self, room_name: str, limit: int = 1024) -> None:
        self.room_name = room_name
        self.outbox: Outbox[dict[str, Any]] = Outbox(limit)
        self.inbox = Inbox()
        self._limit = limit
        self._unconfirmed = 0
        self._entered = False

    def wrap(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Number an encoded message and keep it until confirmed. Raises OutboxFullError."""
        frame = dict(message)
        frame["seq"] = self.outbox.number(frame)
        return frame

    def missed(self, received: int) -> tuple[dict[str, Any], ...]:
        """Take the other end's word for how far it got; return the frames to repeat.

        Raises ReplayError when that can not be met: the room can not be rejoined.
        """
        after = received or None
        frames = self.outbox.unacknowledged(after)
        self.outbox.acknowledged(received)
        return tuple(frame for _, frame in frames)

    def enter(self, welcome: Welcome) -> tuple[dict[str, Any], ...]:
        """Take the service's welcome; return the frames to repeat. For the client's end.

        The first time, the numbers are the service's: a client that was restarted goes on where
        its earlier life stopped. Raises ReplayError.
        """
        if self._entered:
            return self.missed(welcome.received)
        self._entered = True
        waiting = [frame for _, frame in self.outbox.unacknowledged()]
        self.inbox = Inbox(welcome.next_seq - 1)
        self.outbox = Outbox(self._limit, sent=welcome.received)
        return tuple(self.wrap(frame) for frame in waiting)

    def accept(self, raw: Mapping[str, Any]) -> Arrival:
        """Classify a numbered frame. Raises MessageError when it carries no usable number."""
        arrival = self.inbox.accept(sequence_of(raw))
        if arrival is not Arrival.GAP:
            # A duplicate counts too: its sender has not seen our confirmation.
            self._unconfirmed += 1
        return arrival

    def ack(self, *, now: bool = False) -> Ack | None:
        """Return the confirmation that is due, or with `now` whatever is unconfirmed."""
        if self._unconfirmed < (1 if now else ACK_EVERY):
            return None
        self._unconfirmed = 0
        return Ack(self.inbox.received)


def is_link(raw: Mapping[str, Any]) -> bool:
    """Tell a frame about the connection from a message of the conversation."""
    return raw.get("label") == LINK_LABEL


def sequence_of(raw: Mapping[str, Any]) -> int:
    """Return the number of a message. Raises MessageError when it has none."""
    seq = raw.get("seq")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq < 2**53:
        raise MessageError("validation-error", "Message missing required number 'seq'")
    return seq


def encode_link(frame: LinkFrame) -> dict[str, Any]:
    """Return the wire dictionary of a link frame."""
    data = {name: getattr(frame, name) for name in _FIELDS[type(frame)]}
    given = {name: value for name, value in data.items() if value is not None}
    return {"label": LINK_LABEL, "type": _NAMES[type(frame)], **given}


def decode_link(raw: Mapping[str, Any]) -> LinkFrame:
    """Return the link frame in `raw`. Raises MessageError(validation-error)."""
    kind = raw.get("type")
    cls: Callable[..., LinkFrame] | None = _CLASSES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise MessageError("validation-error", "Unknown link frame")
    try:
        given = (name for name in _FIELDS[_CLASSES[str(kind)]] if raw.get(name) is not None)
        return cls(**{name: _value(raw, name) for name in given})
    except (TypeError, ValueError, OverflowError):
        raise MessageError("validation-error", f"Malformed link frame '{kind}'") from None


def _value(raw: Mapping[str, Any], name: str) -> Any:
    value = READERS[_KINDS[name]](raw[name])
    if isinstance(value, int | float) and not 0 <= value < 2**53:
        raise ValueError("out of range")
    return value


_CLASSES: Mapping[str, Any] = {
    "hello": Hello,
    "welcome": Welcome,
    "ping": Ping,
    "pong": Pong,
    "ack": Ack,
    "bye": Bye,
}
_NAMES: Mapping[type, str] = {cls: name for name, cls in _CLASSES.items()}
_FIELDS: Mapping[type, tuple[str, ...]] = {
    cls: tuple(cls.__dataclass_fields__) for cls in _CLASSES.values()
}
_KINDS: Mapping[str, str] = {
    "received": "int",
    "replayed": "int",
    "next_seq": "int",
    "t": "float",
    "retry_after": "float",
    "last_seen_seconds": "float",
    "resumed": "str",
    "reason": "str",
}
