"""The talk of one session on the network thread: transcript, dialogue, what waits to be said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from characters.core.messages import (
    ActionResponse,
    BotEmotion,
    BotReady,
    BotTurnCompleted,
    ContextUpdate,
    FinalUserTranscription,
    ServerMessage,
    ServerResponse,
    UserTextMessage,
)
from characters.core.transcript import Transcript
from characters.core.turn import Dialogue, TurnEvent
from characters.core.turn_stages import TurnStages

__all__ = ["MOST_UNCONFIRMED", "MOST_WAITING", "Ask", "Talk"]

# Lines typed while there is no connection; more than that nobody means any more.
MOST_WAITING = 20
# Lines that the service has not confirmed: only one that cannot write leaves so many.
MOST_UNCONFIRMED = 200
# What a service of ours calls itself in its bot-ready.
KEEPS_LINES = "troupe"
# Deeds that an answer which is told again may bring again.
MOST_DEEDS = 32


@dataclass(frozen=True, slots=True)
class Ask:
    """The game wants the character to speak; `about` is what it may speak about."""

    about: str = ""


Waiting: TypeAlias = str | Ask
"""A line of the player, or the game's wish for an answer."""


class Talk:
    """What outlives connections: what was said, and what is still to be said."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.dialogue = Dialogue()
        self.stages = TurnStages()
        self.emotion: str | None = None
        self.waiting: deque[Waiting] = deque()
        # The last line whose answer came whole: what comes after it the service tells again.
        self.answered: str | None = None
        self._unanswered: str | None = None  # the last line, if its answer did not come yet
        self._asked: ContextUpdate | None = None
        self._deeds: deque[ActionResponse] = deque(maxlen=MOST_DEEDS)
        self._unconfirmed: dict[str, UserTextMessage] = {}
        self._are_lines_kept = False  # by the service: it confirms each by its id
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
        if isinstance(message, BotReady):
            self._are_lines_kept = message.about.get("service") == KEEPS_LINES
        if isinstance(message, FinalUserTranscription) and message.message_id is not None:
            self._was_understood(message.text, message.message_id)
        if isinstance(message, BotTurnCompleted) and message.message_id is not None:
            self._was_answered(message.message_id)
        before = self.transcript
        self.transcript = before.apply(message, now)
        return self.transcript is not before

    def _was_understood(self, text: str, message_id: str) -> None:
        self._unanswered = message_id
        # A spoken line is confirmed as a typed one is, and repeated in words when it was not.
        if self._are_lines_kept:
            self._unconfirmed[message_id] = UserTextMessage(text, message_id)

    def _was_answered(self, message_id: str) -> None:
        self.answered = message_id
        if self._unanswered == message_id:
            self._unanswered = None
        if self._asked is not None and self._asked.message_id in (message_id, None):
            self._asked = None

    def is_done_already(self, message: ServerMessage) -> bool:
        """Tell whether this is a deed of an answer that was told before, and note it if not."""
        if not isinstance(message, ActionResponse) or message.message_id is None:
            return False
        is_known = message in self._deeds
        if not is_known:
            self._deeds.append(message)
        return is_known

    def turned(self, event: TurnEvent, now: float) -> bool:
        """Let the dialogue know, and whoever asks how long it took; return whether it matters."""
        before = self.dialogue, self.stages
        self.dialogue = self.dialogue.after(event, now)
        self.stages = self.stages.after(event, now)
        return (self.dialogue, self.stages) != before

    def connected(self, *, rejoined: bool) -> None:
        """Note a connection: what an old room did not confirm is owed to a new one.

        The debt outlives a connection that is lost before it was paid, whatever comes next.
        """
        self._owes_repeat = self._owes_repeat or not rejoined

    def owed(self) -> tuple[UserTextMessage | ContextUpdate, ...]:
        """Return what to repeat in this room before anything else is said."""
        if not self._owes_repeat:
            return ()
        # A wish that names no line cannot be told from one that was granted.
        is_named = self._asked is not None and self._asked.message_id is not None
        return (*self.unconfirmed, *((self._asked,) if self._asked and is_named else ()))

    def repeated(self) -> None:
        """Note that all that was owed has gone out."""
        self._owes_repeat = False

    def keep(self, item: Waiting) -> bool:
        """Keep it until there is a connection; False when too much waits already."""
        if len(self.waiting) >= MOST_WAITING:
            return False
        self.waiting.append(item)
        return True

    def wish(self, ask: Ask) -> ContextUpdate:
        """Return what asks the service for an answer to all that was said by now."""
        return ContextUpdate(ask.about or None, run_llm="true", message_id=self._unanswered)

    def asked(self, wish: ContextUpdate) -> None:
        """Note that a wish went out; it is kept until it was granted."""
        self._asked = wish

    def said(self, line: UserTextMessage, now: float) -> None:
        """Note that a line went out; it is kept until the service has confirmed it."""
        self.transcript = self.transcript.said_by_player(line.text, now)
        assert line.message_id is not None  # every line gets one, see Conversation
        self._unconfirmed[line.message_id] = line
        self._unanswered = line.message_id
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

    def take_waiting(self) -> tuple[Waiting, ...]:
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
        self.answered = self._unanswered = self._asked = None

    def reset(self) -> None:
        """Begin a new connection's modules: emotion is not carried over."""
        self.emotion = None

    def cut(self) -> None:
        """End the open turn: its room is gone, the rest of it will not come."""
        self.transcript = self.transcript.cut()
