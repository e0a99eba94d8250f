"""What was said in a session and what is still to be said, over all its connections. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from characters.protocol import messages
from characters.session.conversation import (
    Dialogue,
    LocalEvent,
    Transcript,
    Turn,
    TurnEvent,
    TurnStages,
)

__all__ = [
    "ConversationState", "MOST_UNCONFIRMED", "MOST_WAITING", "RespondRequest", "Waiting",
]  # fmt: skip

# Lines typed while there is no connection; older ones are out of date by then.
MOST_WAITING = 20
# Lines that the service has not confirmed: only one that cannot write leaves so many.
MOST_UNCONFIRMED = 200
# What a service of ours calls itself in its bot-ready.
KEEPS_LINES = "troupe"
# Actions that the service may repeat with an answer.
MOST_ACTIONS = 32


@dataclass(frozen=True, slots=True)
class RespondRequest:
    """The game asks the character to speak; `about` is what it may speak about."""

    about: str = ""


Waiting: TypeAlias = str | RespondRequest
"""A line of the player, or the game's request for an answer."""


class ConversationState:
    """What was said in a session and what is still to be said; outlives connections. Pure."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.dialogue = Dialogue()
        self.stages = TurnStages()
        self.emotion: str | None = None
        self.player_name: str | None = None
        self.model: str | None = None
        self.ways_out: Mapping[str, str] = {}
        self.usage: messages.ModelUsage | None = None
        self.waiting: deque[Waiting] = deque()
        # The last line whose answer came whole: the service repeats what comes after it.
        self.answered: str | None = None
        self._unanswered: str | None = None  # the last line, if its answer did not come yet
        self._request: messages.ContextUpdate | None = None
        self._actions: deque[messages.ActionResponse] = deque(maxlen=MOST_ACTIONS)
        # The lines that the service has not confirmed, oldest first: repeated in a new room.
        self.unconfirmed: dict[str, messages.UserTextMessage] = {}
        self._are_lines_kept = False  # by the service: it confirms each by its id
        self.pauses = False
        """Whether the service knows `pause-bot`."""
        self.takes_back = False
        """Whether the service knows `take-back`."""
        self.is_taking_back = False
        """Whether an exchange is being undone: what is typed meanwhile waits."""
        self._owes_repeat = False

    @property
    def tells_what_it_misses(self) -> bool:
        """Whether the service is of our kind, which says so when it did not understand."""
        return self._are_lines_kept

    @property
    def has_older_lines(self) -> bool:
        """Whether lines have still to go out before one that is typed now."""
        owes_lines = self._owes_repeat and bool(self.unconfirmed)
        return bool(self.waiting) or owes_lines or self.is_taking_back

    def heard(self, message: messages.ServerMessage, now: float) -> bool:
        """Take a message of the service; return whether the transcript changed."""
        self.follow(message, now)
        if isinstance(message, messages.BotEmotion):
            self.emotion = message.emotion
        if (
            isinstance(message, messages.ServerResponse)
            and message.event_type == messages.UserTextMessage.TYPE
        ):
            self._confirm((message.extras or {}).get("message_id"))
        if isinstance(message, messages.PlayerNamed):
            self.player_name = message.name or None
        if isinstance(message, messages.BotReady):
            self.player_name = None  # told anew, if it is known
            self._are_lines_kept = message.about.get("service") == KEEPS_LINES
            self.pauses = message.about.get("pauses") is True
            self.takes_back = message.about.get("takes_back") is True
            self._learn_about(message.about)
        if isinstance(message, messages.Metrics):
            found = filter(None, map(messages.ModelUsage.read, message.custom))
            self.usage = next(found, self.usage)
        if isinstance(message, messages.FinalUserTranscription) and message.message_id is not None:
            self._was_understood(message.text, message.message_id)
        if isinstance(message, messages.BotTurnCompleted) and message.message_id is not None:
            self._was_answered(message.message_id)
        if isinstance(message, messages.TakenBack):
            self.unconfirmed.clear()
            self._unanswered, self._request = message.message_id, None
        before = self.transcript
        self.transcript = before.apply(message, now)
        return self.transcript.turns is not before.turns

    def _learn_about(self, about: Mapping[str, object]) -> None:
        """Note what a service of ours says of what answers, and of where words go."""
        model, ways_out = about.get("model"), about.get("ways_out")
        self.model = model if isinstance(model, str) else None
        hosts = ways_out if isinstance(ways_out, Mapping) else {}
        self.ways_out = {str(what): str(host) for what, host in hosts.items()}

    def _was_understood(self, text: str, message_id: str) -> None:
        self._unanswered = message_id
        # A spoken line is confirmed as a typed one is, and repeated in words when it was not.
        if self._are_lines_kept:
            self.unconfirmed[message_id] = messages.UserTextMessage(text, message_id)

    def _was_answered(self, message_id: str) -> None:
        self.answered = message_id
        if self._unanswered == message_id:
            self._unanswered = None
        if self._request is not None and self._request.message_id in (message_id, None):
            self._request = None

    def is_repeated(self, message: messages.ActionResponse) -> bool:
        """Return whether the actions of an answer came before, and note them if not."""
        if message.message_id is None:
            return False
        is_known = message in self._actions
        if not is_known:
            self._actions.append(message)
        return is_known

    def follow(self, event: TurnEvent, now: float) -> bool:
        """Take an event into the dialogue and the stages; return whether either changed."""
        before = (self.dialogue, self.stages)
        if event is LocalEvent.CONNECTION_LOST:
            self.emotion = None  # not carried over to the next connection
        self.dialogue = self.dialogue.after(event, now)
        self.stages = self.stages.after(event, now)
        return (self.dialogue, self.stages) != before

    def connected(self, *, rejoined: bool) -> None:
        """Note a connection: a new room is owed what an old one did not confirm.

        That stays so over any number of connections, until all of it has gone out.
        """
        self._owes_repeat = self._owes_repeat or not rejoined
        self.is_taking_back = self.is_taking_back and rejoined

    def owed(self) -> tuple[messages.UserTextMessage | messages.ContextUpdate, ...]:
        """Return what to repeat in this room before anything else is said."""
        if not self._owes_repeat:
            return ()
        request = self._request
        # A request that names no line cannot be told from one that was answered.
        if request is None or request.message_id is None:
            return tuple(self.unconfirmed.values())
        return (*self.unconfirmed.values(), request)

    def repeated(self) -> None:
        """Note that all that was owed has gone out."""
        self._owes_repeat = False

    def keep(self, item: Waiting) -> bool:
        """Keep an item until there is a connection; return False when too many wait already."""
        if len(self.waiting) >= MOST_WAITING:
            return False
        self.waiting.append(item)
        return True

    def update_for(self, request: RespondRequest) -> messages.ContextUpdate:
        """Return the message that asks for an answer to all that was said by now."""
        return messages.ContextUpdate(
            request.about or None, run_llm="true", message_id=self._unanswered
        )

    def requested(self, update: messages.ContextUpdate) -> None:
        """Note that a request for an answer went out; it is kept until it was answered."""
        self._request = update

    def said(self, line: messages.UserTextMessage, now: float) -> None:
        """Note that a line went out; it is kept until the service has confirmed it."""
        self.transcript = self.transcript.said_by_player(line.text, now)
        assert line.message_id is not None  # every line gets one, see Conversation
        self.unconfirmed[line.message_id] = line
        self._unanswered = line.message_id
        while len(self.unconfirmed) > MOST_UNCONFIRMED:
            self._forget_oldest()

    def _confirm(self, message_id: object) -> None:
        # A service that knows no message ids acknowledges each line in its turn.
        if isinstance(message_id, str):
            self.unconfirmed.pop(message_id, None)
        else:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        if self.unconfirmed:
            del self.unconfirmed[next(iter(self.unconfirmed))]

    def take_waiting(self) -> tuple[Waiting, ...]:
        """Take all that waits out."""
        taken = tuple(self.waiting)
        self.waiting.clear()
        return taken

    def forget(self) -> None:
        """Forget what was said and what was to be said: the next player may be another one."""
        self.transcript = Transcript()
        self.emotion = self.player_name = None
        self._actions.clear()
        self.is_taking_back = False
        self.waiting.clear()
        self.unconfirmed.clear()
        self.answered = self._unanswered = self._request = None

    def put_back(self, said: Iterable[Turn]) -> None:
        """Go on where this was said."""
        self.transcript = Transcript(tuple(said))

    def black_out(self, words: Sequence[str]) -> None:
        """Take words out of what was said."""
        self.transcript = self.transcript.without(words)
        if self.player_name in words:
            self.player_name = None

    def cut(self) -> None:
        """End the open turn: its room is gone, and the rest of it will not come."""
        self.transcript = self.transcript.cut()
