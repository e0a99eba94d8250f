"""What is said in one session, on the network thread: in from the service, out from the player."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from characters.core.messages import (
    AudioData,
    BotStartedSpeaking,
    BotTurnCompleted,
    ClientMessage,
    ContextUpdate,
    FinalUserTranscription,
    ForceUserStoppedSpeaking,
    InterruptBot,
    LlmNoResponse,
    ServerMessage,
    UserTextMessage,
    VadSttStarted,
    VadSttStopped,
)
from characters.core.session_events import Event, PlayerActed, WakeRequested
from characters.core.state import ResumeOutcome, SessionState, SessionStateChanged
from characters.core.turn import Local, is_rejection
from characters.runtime.events import (
    CharacterEvent,
    MessageRefused,
    TextRefused,
    TranscriptChanged,
)
from characters.runtime.talk import Ask, Talk, Waiting
from characters.runtime.world import World
from characters.transport import AudioFrame, Incoming

__all__ = ["Conversation", "Outlet"]

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

    def __init__(self, key: str, world: World, outlet: Outlet) -> None:
        self.talk = Talk()
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
            self._turned(Local.LEFT_UNANSWERED)
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
        self._turned(Local.AUDIO_QUEUED)
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
            self._turned(Local.AUDIO_DRAINED)

    # --- what the session does ----------------------------------------------------------------

    def state_changed(self, change: SessionStateChanged) -> None:
        """Follow the session: what a loss takes with it, what a connection brings."""
        if change.old_state is SessionState.CONNECTED:
            self._turned(Local.CONNECTION_LOST)
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
        self._say_or_keep(Ask(about))

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
        if isinstance(item, Ask):
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
            self.talk.turned(Local.TEXT_SENT, now)
        self._tell_transcript()

    def _ask(self, ask: Ask) -> None:
        wish = self.talk.wish(ask)
        if not self._outlet.try_send(wish):
            self._refuse(ask, "The connection takes no more; ask again in a moment.")
            return
        self.talk.asked(wish)
        self._turned(Local.TEXT_SENT)  # an answer is awaited, as after a line

    def _refuse(self, item: Waiting, reason: str = "") -> None:
        reason = reason or _WHY_NOT[self._outlet.state]
        if isinstance(item, Ask):
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
        self._turned(Local.INTERRUPTED)

    def force_user_stopped_speaking(self) -> None:
        """Tell the service that the utterance is over."""
        if self._outlet.state is SessionState.CONNECTED:
            self._outlet.try_send(ForceUserStoppedSpeaking())

    def set_addressed(self, is_addressed: bool) -> None:
        """Note whether the player's voice goes to this character."""
        self._turned(Local.ADDRESSED if is_addressed else Local.NOT_ADDRESSED)

    def _turned(self, event: Local) -> None:
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
