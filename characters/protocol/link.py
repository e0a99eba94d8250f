"""Frames about a connection itself, and the numbers that make a rejoin lose and repeat nothing.

Link frames carry the label ``troupe`` and no number, because they are about the connection and
not about the conversation. The order of a connection::

    client  hello{received}                     how far it has the service's messages
    service welcome{received, replayed, ...}    how far it has the client's, what follows
    both    the messages that the other missed, then everything new, numbered
    both    ack{received} now and then; ping{t} and pong{t}; bye{reason} before the end

Each direction of a room numbers its messages from 1. A `SequencedChannel` keeps what it sent until
the other end confirms it, and lets each number through once and in order. After a reconnect the two
ends say how far they have received, and each repeats the rest. The channel outlives connections and
ends with its room. Pure.
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, TypeAlias

from characters.protocol.codec import MessageError, reader
from characters.protocol.failures import CharactersError

__all__ = [
    "Ack", "Arrival", "Bye", "CHALLENGE", "decode_link", "encode_link", "frame_text", "FrameQueue",
    "Hello", "LINK_LABEL", "LinkFrame", "MAX_FRAME", "MAX_OUTBOX", "numbered_text",
    "OutboxFullError", "Ping", "Pong", "proof_of", "ReplayError", "REQUEST_ID", "SECRET_VARIABLE",
    "SequencedChannel", "SUBPROTOCOL", "Welcome",
]  # fmt: skip

LINK_LABEL = "troupe"
"""Tells a frame about the connection from a message of the conversation."""

SUBPROTOCOL = "troupe.v1"

SECRET_VARIABLE = "TROUPE_SERVICE_SECRET"
"""The environment variable in which a game gives its embedded service a secret."""

CHALLENGE = "X-Troupe-Challenge"
"""The header of `GET /health` with the text that the service has to sign."""

REQUEST_ID = "X-Request-ID"
"""The header with the id under which client and service log a request, and what follows from it."""


def proof_of(secret: str, challenge: str) -> str:
    """Return what only who knows the secret can answer to a challenge (HMAC-SHA-256)."""
    return hmac.new(secret.encode(), challenge.encode("utf-8", "replace"), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first frame: the last number that it received in this room.

    0 means that it knows nothing of the room (a new room, or a client that was restarted): it
    gets what is not confirmed yet, and goes on from the numbers in the Welcome.
    """

    received: int = 0


@dataclass(frozen=True, slots=True)
class Welcome:
    """The service's answer; `resumed` is "rejoined", "resumed" or "fresh".

    `agent` is whether the character is in the room, or on its way there.
    `replayed` messages follow at once, the first of them (or of what is new) numbered `next_seq`.
    When the connection is lost, the first retry waits for a random part of `retry_over` seconds:
    else all clients of a node that dies would come to the others at once. None is no wait.
    """

    received: int
    replayed: int = 0
    next_seq: int = 1
    resumed: str = "fresh"
    last_seen_seconds: float | None = None
    agent: bool = True
    retry_over: float | None = None


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


def encode_link(frame: LinkFrame) -> dict[str, Any]:
    """Return the wire dictionary of a link frame."""
    data = {name: getattr(frame, name) for name in _READERS[type(frame)]}
    present = {name: value for name, value in data.items() if value is not None}
    return {"label": LINK_LABEL, "type": _NAMES[type(frame)], **present}


def decode_link(raw: Mapping[str, Any]) -> LinkFrame:
    """Return the link frame in `raw`. Raises MessageError(validation-error)."""
    kind = raw.get("type")
    cls = _CLASSES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise MessageError("validation-error", "Unknown link frame")
    try:
        present = {n: read for n, read in _READERS[cls].items() if raw.get(n) is not None}
        return cls(**{name: _in_range(read(raw[name])) for name, read in present.items()})
    except (TypeError, ValueError, OverflowError):
        raise MessageError("validation-error", f"Malformed link frame '{kind}'") from None


def _in_range(value: Any) -> Any:
    if isinstance(value, int | float) and not 0 <= value < 2**53:
        raise ValueError("out of range")
    return value


_CLASSES: Mapping[str, type[LinkFrame]] = {
    cls.__name__.lower(): cls for cls in (Hello, Welcome, Ping, Pong, Ack, Bye)
}
_NAMES: Mapping[type, str] = {cls: name for name, cls in _CLASSES.items()}
_READERS: Mapping[type, Mapping[str, Callable[[Any], object]]] = {
    cls: {item.name: reader(item) for item in fields(cls)} for cls in _CLASSES.values()
}


ACK_EVERY = 8
"""Messages that may be delivered before they are confirmed unasked: few enough to keep the
other side's queue short, many enough that a streamed answer is not doubled in frames."""

DEFAULT_LIMIT = 1024

MAX_FRAME = 64 * 1024
"""Bytes of the largest text frame that a service takes."""

MAX_OUTBOX = 1 << 20
"""Characters of the messages that may wait for a confirmation, whatever their number."""


def frame_text(frame: Mapping[str, Any], most: int = MAX_FRAME) -> str:
    """Return a frame as JSON text. Raises MessageError(too-large) above `most` bytes of UTF-8."""
    text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > most:
        detail = f"A message of {size:,} bytes is too large to be sent (at most {most:,})"
        raise MessageError("too-large", f"{detail}: send it in parts")
    return text


def numbered_text(text: str, number: int) -> str:
    """Return the text of a message as that of the frame with its number, encoded no second time."""
    return f'{text[:-1]},"seq":{number}}}'


class OutboxFullError(CharactersError):
    """The peer confirms nothing and too much waits for it; retryable once it does."""

    retryable = True


class ReplayError(CharactersError):
    """The peer asks for messages that were confirmed or never sent; start a new room."""


class Arrival(Enum):
    """What to do with a numbered message that came in."""

    DELIVER = "deliver"
    DUPLICATE = "duplicate"
    GAP = "gap"


class SequencedChannel:
    """One end's numbering in one room, kept across the connections of that room.

    `sent` is the last number given out, `confirmed` the last one that the peer has confirmed,
    `received` the last one that was let through; all are 0 before the first message. At most
    `limit` messages and `MAX_OUTBOX` characters wait for a confirmation.
    """

    def __init__(self, room_name: str, limit: int = DEFAULT_LIMIT) -> None:
        self.room_name = room_name
        self.sent = 0
        self.confirmed = 0
        self.received = 0
        self._limit = limit
        self._waiting: deque[tuple[dict[str, Any], int]] = deque()  # with their sizes
        self._size = 0
        self._unacknowledged = 0
        self._is_entered = False

    @property
    def unconfirmed(self) -> tuple[dict[str, Any], ...]:
        """The messages that were sent and not confirmed yet, oldest first."""
        return tuple(frame for frame, _ in self._waiting)

    def number(self, message: Mapping[str, Any], size: int = 0) -> dict[str, Any]:
        """Return the message with its number `seq`, and keep it until it is confirmed.

        `size` is what it takes on the wire, in characters. Raises OutboxFullError, and then keeps
        nothing.
        """
        if len(self._waiting) >= self._limit or self._size + size > MAX_OUTBOX:
            raise OutboxFullError(
                f"{len(self._waiting)} messages of {self._size:,} characters wait for "
                "confirmation; the peer is not reading"
            )
        self.sent += 1
        frame = {**message, "seq": self.sent}
        self._waiting.append((frame, size))
        self._size += size
        return frame

    def acknowledged(self, received: int) -> None:
        """Forget the messages up to `received`. Raises ReplayError for a number never sent."""
        if received > self.sent:
            raise ReplayError(f"the peer confirms {received}, but only {self.sent} were sent")
        self.confirmed = max(self.confirmed, received)
        while self._waiting and self._waiting[0][0]["seq"] <= received:
            self._size -= self._waiting.popleft()[1]

    def missed(self, received: int) -> tuple[dict[str, Any], ...]:
        """Return the messages to repeat to a peer that has them up to `received`.

        0 is a peer that knows nothing of the room: it gets what is not confirmed.
        Raises ReplayError when some of them are gone: the room cannot be rejoined.
        """
        if received and not self.confirmed <= received <= self.sent:
            raise ReplayError(
                f"cannot repeat from {received}: confirmed {self.confirmed}, sent {self.sent}"
            )
        self.acknowledged(received)
        return self.unconfirmed

    def enter(self, welcome: Welcome) -> tuple[dict[str, Any], ...]:
        """Take the service's welcome; return the messages to repeat. For the client's end.

        The first time, the numbers are the service's: a client that was restarted goes on where
        its earlier process stopped. Raises ReplayError.
        """
        if self._is_entered:
            return self.missed(welcome.received)
        self._is_entered = True
        self.received = welcome.next_seq - 1
        self.sent = self.confirmed = welcome.received
        waiting, self._waiting, self._size = self._waiting, deque(), 0
        return tuple(self.number(message, size) for message, size in waiting)

    def accept(self, raw: Mapping[str, Any]) -> Arrival:
        """Classify a numbered message; only DELIVER moves `received` on.

        Raises MessageError when it carries no usable number.
        """
        seq = raw.get("seq")
        if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq < 2**53:
            raise MessageError("validation-error", "Message missing required number 'seq'")
        if seq > self.received + 1:
            return Arrival.GAP
        # A duplicate counts too: its sender has not seen our confirmation.
        self._unacknowledged += 1
        if seq <= self.received:
            return Arrival.DUPLICATE
        self.received = seq
        return Arrival.DELIVER

    def ack(self, *, now: bool = False) -> Ack | None:
        """Return the confirmation that is due, or with `now` whatever is unconfirmed."""
        if self._unacknowledged < (1 if now else ACK_EVERY):
            return None
        self._unacknowledged = 0
        return Ack(self.received)


class FrameQueue:
    """Frames that wait for a socket, in order: messages as text, audio as bytes.

    A message that is repeated may wait as it is, to be encoded when its turn comes. `text_size` is
    how many characters of text wait.

    More than `most_audio` audio frames are not kept: the oldest of them is dropped.
    """

    def __init__(self, most_audio: int) -> None:
        self._most_audio = most_audio
        self._frames: deque[str | bytes | Mapping[str, Any]] = deque()
        self._audio = 0
        self.text_size = 0

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: str | bytes | Mapping[str, Any]) -> bool:
        """Add a frame at the end; return whether another was dropped for it."""
        is_full = isinstance(frame, bytes) and self._audio >= self._most_audio
        if isinstance(frame, bytes):
            if is_full:
                self._frames.remove(next(it for it in self._frames if isinstance(it, bytes)))
                self._audio -= 1
            self._audio += 1
        elif isinstance(frame, str):
            self.text_size += len(frame)
        self._frames.append(frame)
        return is_full

    def pop(self) -> str | bytes:
        """Take the first frame. Raises IndexError when none waits."""
        frame = self._frames.popleft()
        if isinstance(frame, bytes):
            self._audio -= 1
        elif isinstance(frame, str):
            self.text_size -= len(frame)
        else:
            return frame_text(frame, MAX_OUTBOX)
        return frame

    def drop_audio(self) -> None:
        """Drop the audio that waits."""
        self._frames = deque(frame for frame in self._frames if not isinstance(frame, bytes))
        self._audio = 0

    def clear(self) -> None:
        """Drop everything that waits."""
        self._frames.clear()
        self._audio = self.text_size = 0
