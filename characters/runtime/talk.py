"""The talk of one session on the network thread: transcript, dialogue, what waits to be said."""

from __future__ import annotations

from collections import deque

from characters.core.messages import (
    BotEmotion,
    ServerMessage,
    ServerResponse,
    UserTextMessage,
)
from characters.core.transcript import Transcript
from characters.core.turn import Dialogue, TurnEvent

__all__ = ["MOST_WAITING", "Talk"]

# Lines typed while there is no connection; more than that nobody means any more.
MOST_WAITING = 20


class Talk:
    """What outlives connections: what was said, and what is still to be said."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.dialogue = Dialogue()
        self.emotion: str | None = None
        self.waiting: deque[str] = deque()
        # Sent, and not yet acknowledged by the service: said again in a new room.
        self._unanswered: deque[str] = deque(maxlen=MOST_WAITING)

    def heard(self, message: ServerMessage, now: float) -> bool:
        """Take a message of the service; return whether the transcript changed."""
        self.turned(message, now)
        if isinstance(message, BotEmotion):
            self.emotion = message.emotion
        if _acknowledges_text(message) and self._unanswered:
            self._unanswered.popleft()
        before = self.transcript
        self.transcript = before.apply(message, now)
        return self.transcript is not before

    def turned(self, event: TurnEvent, now: float) -> None:
        """Let the dialogue know."""
        self.dialogue = self.dialogue.after(event, now)

    def keep(self, text: str) -> bool:
        """Keep a line until there is a connection; False when too many wait already."""
        if len(self.waiting) >= MOST_WAITING:
            return False
        self.waiting.append(text)
        return True

    def said(self, text: str, now: float) -> None:
        """Note that a line went out."""
        self.transcript = self.transcript.said_by_player(text, now)
        self._unanswered.append(text)

    def take_waiting(self) -> tuple[str, ...]:
        """Take what waits."""
        taken = tuple(self.waiting)
        self.waiting.clear()
        return taken

    def take_unanswered(self) -> tuple[str, ...]:
        """Take the lines that the lost room has not acknowledged."""
        taken = tuple(self._unanswered)
        self._unanswered.clear()
        return taken

    def repeated(self, text: str) -> None:
        """Note that a line, which the transcript has, went out once more."""
        self._unanswered.append(text)

    def reset(self) -> None:
        """Begin a new connection's modules: emotion is not carried over."""
        self.emotion = None

    def cut(self) -> None:
        """End the open turn: its room is gone, the rest of it will not come."""
        self.transcript = self.transcript.cut()


def _acknowledges_text(message: ServerMessage) -> bool:
    return isinstance(message, ServerResponse) and message.event_type == UserTextMessage.TYPE
