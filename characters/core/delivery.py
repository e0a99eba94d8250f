"""Numbered delivery: what makes a rejoin lose nothing and repeat nothing.

Each direction of a room numbers its control messages from 1. The sender keeps what the
receiver has not confirmed in an `Outbox`; the receiver's `Inbox` lets each number through once
and in order. After a reconnect the two ends say how far they have received, and the sender
repeats the rest. Both values outlive the connection and die with the room. Pure: who sends,
and when, is the shell's business.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Generic, TypeVar

__all__ = ["Outbox", "Inbox", "Arrival", "OutboxFullError", "ReplayError"]

T = TypeVar("T")

DEFAULT_LIMIT = 1024


class OutboxFullError(Exception):
    """The peer has confirmed nothing for `limit` messages; retryable once it does."""


class ReplayError(Exception):
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
