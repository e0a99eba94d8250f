"""One room's way to its client: numbered, kept while he is away, and what he has had of it."""

from __future__ import annotations

from collections import deque
from typing import Any

from characters.core.link import RoomLink
from characters.core.messages import BotTurnCompleted, ServerMessage, encode_server
from characters.service.peer import Peer

__all__ = ["Post"]


class Post:
    """Sends to whoever is inside; `peer` is None while nobody is."""

    def __init__(self, room_name: str) -> None:
        self.link = RoomLink(room_name)
        self.peer: Peer | None = None
        self._told: deque[tuple[int, str]] = deque()  # number of a completed turn, what it answers

    def enter(self, peer: Peer, missed: tuple[dict[str, Any], ...]) -> None:
        """Let a connection in, and repeat what it missed."""
        self.peer = peer
        for frame in missed:
            peer.send(frame)

    def send(self, message: ServerMessage) -> None:
        """Send, or keep for when somebody is there. Raises OutboxFullError."""
        frame = self.link.wrap(encode_server(message))
        if isinstance(message, BotTurnCompleted) and message.message_id is not None:
            self._told.append((frame["seq"], message.message_id))
        if self.peer is not None:
            self.peer.send(frame)

    @property
    def has_heard(self) -> bool:
        """Whether `take_heard` would return anything."""
        return bool(self._told) and self._told[0][0] <= self.link.outbox.confirmed

    def take_heard(self) -> tuple[str, ...]:
        """Return the lines whose answers the client has confirmed to have, each once."""
        heard = []
        while self.has_heard:
            heard.append(self._told.popleft()[1])
        return tuple(heard)

    def send_if_seen(self, message: ServerMessage) -> None:
        """Send what is not worth repeating, such as the shape of a mouth."""
        if self.peer is not None:
            self.send(message)

    def send_voice(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        """Send a piece of voice to whoever hears it."""
        if self.peer is not None:
            self.peer.send_voice(pcm, timestamp, sample_rate)

    def drop_voice(self) -> None:
        """Forget the voice that is not on its way yet."""
        if self.peer is not None:
            self.peer.drop_voice()

    def bye(self, reason: str, retry_after: float | None = None) -> None:
        """Say goodbye to whoever is inside."""
        if self.peer is not None:
            self.peer.bye(reason, retry_after)
            self.peer = None
