"""What is said in one session, on the network thread: in from the service, out from the player.

The talk of one session on the network thread: transcript, dialogue, what waits to be said.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeAlias

from characters.client.config import (
    CharacterEvent,
    MessageRefused,
    RuntimeContext,
    TextRefused,
    TranscriptChanged,
)
from characters.protocol.messages import (
    ActionResponse,
    AudioData,
    BotEmotion,
    BotReady,
    BotStartedSpeaking,
    BotTurnCompleted,
    ClientMessage,
    ContextUpdate,
    FinalUserTranscription,
    ForceUserStoppedSpeaking,
    InterruptBot,
    LlmNoResponse,
    ServerMessage,
    ServerResponse,
    UserTextMessage,
    VadSttStarted,
    VadSttStopped,
)
from characters.session.conversation import (
    Dialogue,
    LocalEvent,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
    Transcript,
    TurnEvent,
    TurnStages,
    is_rejection,
)
from characters.session.events import Event, PlayerActed, WakeRequested
from characters.transport.base import AudioFrame, Incoming

__all__ = ["Conversation", "ConversationState", "MOST_UNCONFIRMED", "MOST_WAITING"]


# Lines typed while there is no connection; more than that nobody means any more.
MOST_WAITING = 20
# Lines that the service has not confirmed: only one that cannot write leaves so many.
MOST_UNCONFIRMED = 200
# What a service of ours calls itself in its bot-ready.
KEEPS_LINES = "troupe"
# Deeds that an answer which is told again may bring again.
MOST_DEEDS = 32


@dataclass(frozen=True, slots=True)
class RespondRequest:
    """The game wants the character to speak; `about` is what it may speak about."""

    about: str = ""


Waiting: TypeAlias = str | RespondRequest
"""A line of the player, or the game's wish for an answer."""


class ConversationState:
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

    def wish(self, ask: RespondRequest) -> ContextUpdate:
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


VOICE_POLL_SECONDS = 0.07  # longer than a piece of voice, so that a flow of them is not looked at


class Outlet(Protocol):
    """What a conversation needs of its driver."""

    @property
    def state(self) -> SessionState:
        """The state of the session now."""

    @property
    def is_hibernating(self) -> bool:
        """Whether a typed line wakes the session."""

    @property
    def answers_unasked(self) -> bool:
        """Whether the character answers by itself, without the game's wish."""

    def feed(self, event: Event) -> None:
        """Tell the machine."""

    def try_send(self, message: ClientMessage) -> bool:
        """Send a message over the line; False when it was not taken."""

    def emit(self, event: CharacterEvent) -> None:
        """Tell the game, with a view that knows it already."""

    def refresh(self) -> None:
        """Make the view new."""


class Conversation:
    """One session's talk, over all of its connections."""

    def __init__(self, key: str, world: RuntimeContext, outlet: Outlet) -> None:
        self.talk = ConversationState()
        self._key = key
        self._world = world
        self._outlet = outlet
        self._voice_poll: asyncio.TimerHandle | None = None

    # --- what comes in ----------------------------------------------------------------------

    def received(self, item: Incoming) -> None:
        """Take what came in: voice to the speaker, messages to the talk and to the game."""
        if isinstance(item, AudioFrame):
            self._play(item.pcm, item.sample_rate)
        elif isinstance(item, AudioData):
            self._play(_pcm_of(item), item.sample_rate)
        elif isinstance(item, ServerMessage):
            self._hear(item)

    def _hear(self, message: ServerMessage) -> None:
        if self.talk.is_done_already(message):
            return
        has_grown = self.talk.heard(message, self._world.clock())
        if isinstance(message, (VadSttStarted, FinalUserTranscription)):
            self._outlet.feed(PlayerActed())
        if isinstance(message, BotTurnCompleted) and message.was_interrupted:
            self._world.voice.interrupt(self._key)
        if isinstance(message, _WANT_ANSWERS) and not self._outlet.answers_unasked:
            self._turned(LocalEvent.LEFT_UNANSWERED)
        self._tell_ears(message)
        self._outlet.emit(message)
        if has_grown:
            self._tell_transcript()

    def _tell_ears(self, message: ServerMessage) -> None:
        hearing = self._world.hearing
        if hearing is None:
            return
        if isinstance(message, FinalUserTranscription):
            hearing.transcript_arrived(self._key)
            if not self._outlet.answers_unasked:
                hearing.answer_began(self._key)  # the player need not wait for any
        elif isinstance(message, _END_THE_WAIT) or is_rejection(message):
            hearing.answer_began(self._key)

    def _tell_transcript(self) -> None:
        self._outlet.emit(TranscriptChanged(self._key, self.talk.transcript.turns))

    def _play(self, pcm: bytes, sample_rate: int) -> None:
        if not pcm or not self.talk.dialogue.accepts_audio:
            return
        self._world.voice.play(self._key, pcm, sample_rate)
        self._turned(LocalEvent.AUDIO_QUEUED)
        self._watch_voice()

    def _watch_voice(self) -> None:
        """Look, once no more comes, until the local audio has drained: then the turn is over."""
        if self._voice_poll is not None:
            self._voice_poll.cancel()
        loop = asyncio.get_running_loop()
        self._voice_poll = loop.call_later(VOICE_POLL_SECONDS, self._look_at_voice)

    def _look_at_voice(self) -> None:
        self._voice_poll = None
        if self._world.voice.is_playing(self._key):
            self._watch_voice()
        else:
            self._turned(LocalEvent.AUDIO_DRAINED)

    # --- what the session does ----------------------------------------------------------------

    def state_changed(self, change: SessionStateChanged) -> None:
        """Follow the session: what a loss takes with it, what a connection brings."""
        if change.old_state is SessionState.CONNECTED:
            self._turned(LocalEvent.CONNECTION_LOST)
            self.talk.reset()
            self._world.voice.interrupt(self._key)
        if change.new_state is SessionState.CONNECTED:
            resume = change.resume
            is_rejoined = resume is not None and resume.outcome is ResumeOutcome.REJOINED
            self.talk.connected(rejoined=is_rejoined)
            # Soon, not now: the game is told CONNECTED before anything is said.
            asyncio.get_running_loop().call_soon(self._catch_up)
        if change.new_state in (SessionState.DISCONNECTED, SessionState.ERROR):
            self.cut()
            for item in self.talk.take_waiting():
                self._refuse(item)

    def _catch_up(self) -> None:
        """Say again what the old room did not confirm, and what waited for the connection."""
        if self._outlet.state is not SessionState.CONNECTED:
            return
        for line in self.talk.owed():
            if not self._outlet.try_send(line):
                return
        self.talk.repeated()
        for item in self.talk.take_waiting():
            self._let_out(item)

    def cut(self) -> None:
        """End what was being said: its room is gone, the rest of it will not come."""
        before = self.talk.transcript
        self.talk.cut()
        if self.talk.transcript is not before:
            self._tell_transcript()

    def forget(self) -> None:
        """Forget every word, and be silent: the player wants no trace of this talk."""
        self.talk.forget()
        self._world.voice.interrupt(self._key)
        self._tell_transcript()

    def close(self) -> None:
        """Stop watching the voice."""
        if self._voice_poll is not None:
            self._voice_poll.cancel()
            self._voice_poll = None

    # --- what goes out --------------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        """Say a line, now or once there is a connection; or refuse it with a reason."""
        self._say_or_keep(text)

    def respond(self, about: str = "") -> None:
        """Ask for an answer to what was said, now or once there is a connection; or refuse."""
        self._say_or_keep(RespondRequest(about))

    def _say_or_keep(self, item: Waiting) -> None:
        state = self._outlet.state
        if state is SessionState.CONNECTED and not self.talk.has_older_lines:
            self._outlet.feed(PlayerActed())
            self._let_out(item)
        elif state not in _WAITS and not self._outlet.is_hibernating:
            self._refuse(item)
        elif self.talk.keep(item):
            self._outlet.feed(WakeRequested())
        else:
            self._refuse(item, "Too many lines wait for the connection already.")

    def _let_out(self, item: Waiting) -> None:
        if isinstance(item, RespondRequest):
            self._ask(item)
        else:
            self._say(item)

    def _say(self, text: str) -> None:
        now = self._world.clock()
        line = UserTextMessage(text, self._world.new_id())
        if not self._outlet.try_send(line):
            self._refuse(text, "The connection takes no more; say it again in a moment.")
            return
        self.talk.said(line, now)
        if self._outlet.answers_unasked:
            self.talk.turned(LocalEvent.TEXT_SENT, now)
        self._tell_transcript()

    def _ask(self, ask: RespondRequest) -> None:
        wish = self.talk.wish(ask)
        if not self._outlet.try_send(wish):
            self._refuse(ask, "The connection takes no more; ask again in a moment.")
            return
        self.talk.asked(wish)
        self._turned(LocalEvent.TEXT_SENT)  # an answer is awaited, as after a line

    def _refuse(self, item: Waiting, reason: str = "") -> None:
        reason = reason or _WHY_NOT[self._outlet.state]
        if isinstance(item, RespondRequest):
            self._outlet.emit(MessageRefused(self._key, ContextUpdate.TYPE, reason))
        else:
            self._outlet.emit(TextRefused(self._key, item, reason))

    def send(self, message: ClientMessage) -> None:
        """Send a message; refused with a reason while there is no connection."""
        state = self._outlet.state
        if isinstance(message, UserTextMessage):
            self.send_text(message.text)
        elif state is not SessionState.CONNECTED or not self._outlet.try_send(message):
            self._outlet.emit(MessageRefused(self._key, message.TYPE, _WHY_NOT[state]))

    def interrupt(self) -> None:
        """Cut the character off."""
        if self._outlet.state is not SessionState.CONNECTED:
            return
        if not self.talk.dialogue.is_turn_over:
            self._outlet.try_send(InterruptBot())
        self._world.voice.interrupt(self._key)
        self._turned(LocalEvent.INTERRUPTED)

    def force_user_stopped_speaking(self) -> None:
        """Tell the service that the utterance is over."""
        if self._outlet.state is SessionState.CONNECTED:
            self._outlet.try_send(ForceUserStoppedSpeaking())

    def set_addressed(self, is_addressed: bool) -> None:
        """Note whether the player's voice goes to this character."""
        self._turned(LocalEvent.ADDRESSED if is_addressed else LocalEvent.NOT_ADDRESSED)

    def _turned(self, event: LocalEvent) -> None:
        if self.talk.turned(event, self._world.clock()):
            self._outlet.refresh()


# What frees the talk key: an answer that begins, or none that would come.
_END_THE_WAIT = (BotStartedSpeaking, BotTurnCompleted, LlmNoResponse)
_WANT_ANSWERS = (VadSttStopped, FinalUserTranscription)
_WAITS = (SessionState.CONNECTING, SessionState.CONNECTED, SessionState.RECONNECTING)

_WHY_NOT: Mapping[SessionState, str] = MappingProxyType(
    {
        SessionState.DISCONNECTED: "Nobody is connected: connect first.",
        SessionState.CONNECTING: "The character is not ready yet.",
        SessionState.CONNECTED: "The connection takes no more at the moment.",
        SessionState.RECONNECTING: "The connection was lost and is being made again.",
        SessionState.DISCONNECTING: "The talk is being ended.",
        SessionState.ERROR: "The character cannot be reached: press Retry.",
    }
)


def _pcm_of(message: AudioData) -> bytes:
    """Return the samples of a voice message; one that is no base64 is silence."""
    try:
        data = base64.b64decode(message.audio, validate=True)
    except ValueError:
        return b""
    return data[44:] if message.includes_wav_header else data
