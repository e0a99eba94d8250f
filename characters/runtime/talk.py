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

__all__ = ["MOST_UNCONFIRMED", "MOST_WAITING", "Talk"]

# Lines typed while there is no connection; more than that nobody means any more.
MOST_WAITING = 20
# Lines that the service has not confirmed: only one that cannot write leaves so many.
MOST_UNCONFIRMED = 200


class Talk:
    """What outlives connections: what was said, and what is still to be said."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.dialogue = Dialogue()
        self.emotion: str | None = None
        self.waiting: deque[str] = deque()
        self._unconfirmed: dict[str, UserTextMessage] = {}
        self._owes_repeat = False

    @property
    def has_older_lines(self) -> bool:
        """Whether lines have still to go out before one that is typed now."""
        return bool(self.waiting) or (self._owes_repeat and bool(self._unconfirmed))

    @property
    def unconfirmed(self) -> tuple[UserTextMessage, ...]:
        """The lines that the service has not confirmed, oldest first: repeated in a new room."""
        return tuple(self._unconfirmed.values())

    def heard(self, message: ServerMessage, now: float) -> bool:
        """Take a message of the service; return whether the transcript changed."""
        self.turned(message, now)
        if isinstance(message, BotEmotion):
            self.emotion = message.emotion
        if isinstance(message, ServerResponse) and message.event_type == UserTextMessage.TYPE:
            self._confirm((message.extras or {}).get("message_id"))
        before = self.transcript
        self.transcript = before.apply(message, now)
        return self.transcript is not before

    def turned(self, event: TurnEvent, now: float) -> None:
        """Let the dialogue know."""
        self.dialogue = self.dialogue.after(event, now)

    def connected(self, *, rejoined: bool) -> None:
        """Note a connection: what an old room did not confirm is owed to a new one.

        The debt outlives a connection that is lost before it was paid, whatever comes next.
        """
        self._owes_repeat = self._owes_repeat or not rejoined

    def owed(self) -> tuple[UserTextMessage, ...]:
        """Return the lines to repeat in this room before anything else is said."""
        return self.unconfirmed if self._owes_repeat else ()

    def repeated(self) -> None:
        """Note that all that was owed has gone out."""
        self._owes_repeat = False

    def keep(self, text: str) -> bool:
        """Keep a line until there is a connection; False when too many wait already."""
        if len(self.waiting) >= MOST_WAITING:
            return False
        self.waiting.append(text)
        return True

    def said(self, line: UserTextMessage, now: float) -> None:
        """Note that a line went out; it is kept until the service has confirmed it."""
        self.transcript = self.transcript.said_by_player(line.text, now)
        assert line.message_id is not None  # every line gets one, see Conversation
        self._unconfirmed[line.message_id] = line
        while len(self._unconfirmed) > MOST_UNCONFIRMED:
            self._forget_oldest()

    def _confirm(self, message_id: object) -> None:
        # A service that knows no message ids acknowledges each line in its turn.
        if isinstance(message_id, str):
            self._unconfirmed.pop(message_id, None)
        else:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        if self._unconfirmed:
            del self._unconfirmed[next(iter(self._unconfirmed))]

    def take_waiting(self) -> tuple[str, ...]:
        """Take what waits."""
        taken = tuple(self.waiting)
        self.waiting.clear()
        return taken

    def forget(self) -> None:
        """Forget what was said and what was to be said: somebody else may stand here now."""
        self.transcript = Transcript()
        self.emotion = None
        self.waiting.clear()
        self._unconfirmed.clear()

    def reset(self) -> None:
        """Begin a new connection's modules: emotion is not carried over."""
        self.emotion = None

    def cut(self) -> None:
        """End the open turn: its room is gone, the rest of it will not come."""
        self.transcript = self.transcript.cut()
