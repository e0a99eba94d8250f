"""One open session on the network thread: what is known of it, what is said, what is heard."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from characters.client.config import (
    CharacterEvent,
    MessageRefused,
    SessionConfig,
    SpeechNotUnderstood,
    TextRefused,
    TranscriptChanged,
)
from characters.client.context import RuntimeContext
from characters.client.conversation_state import ConversationState, RespondRequest, Waiting
from characters.client.microphone import GateMeter, MicrophoneGate, begins_at
from characters.client.threads import Shared
from characters.english import ENGLISH
from characters.protocol import messages
from characters.protocol.audio_frames import AudioFrame
from characters.protocol.codec import MessageError
from characters.protocol.link import SequencedChannel
from characters.protocol.model_settings import host_of, is_on_this_machine
from characters.session.conversation import (
    WORDLESS,
    LocalEvent,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
    SessionView,
    Turn,
    is_rejection,
)
from characters.session.events import (
    AttemptPhase,
    ConnectionLost,
    Event,
    PlayerActed,
    Session,
    Timer,
    WakeRequested,
)
from characters.transport.base import Connection, Incoming, Said, TransportError
from engine.core.events import Signal
from engine.core.words import ScreenText

__all__ = ["Conversation", "OpenSession"]

TIMELINE_LENGTH = 50
LONG_AGO_SECONDS = 3600.0  # before a load: what was said then is no caption any more
# The priority of a session with a line waiting: connected before any other, however near.
SPOKEN_TO = -1.0
# The states in which there is a connection, or was one just now.
_HAS_RESTORED = frozenset(
    {SessionState.CONNECTED, SessionState.RECONNECTING, SessionState.DISCONNECTING}
)


class OpenSession:
    """All that is known of one open session, shared by its runner, conversation and connections.

    For the network thread. Any thread may read `view`, `config` and `machine`, each of which is
    replaced as a whole; the main thread sets `distance`.
    """

    view: SessionView

    def __init__(self, config: SessionConfig, context: RuntimeContext) -> None:
        self.key = config.key
        self.config = config
        self.context = context
        self.machine = Session(
            config.character_id, config.key, config.place, config.policy, config.persist
        )
        self.talk = ConversationState()
        self.gate = MicrophoneGate()
        self.meter = GateMeter()
        self.connection: Connection | None = None
        self.channel: SequencedChannel | None = None
        self.timeline: deque[SessionStateChanged] = deque(maxlen=TIMELINE_LENGTH)
        self.retry_wait: float | None = None
        self.stored_at: float | None = None
        self.end_user_id = config.end_user_id or config.local_user_id or None
        self.distance = Shared(0.0)
        self.events: Signal[CharacterEvent] = Signal(f"session {config.key}")
        self.refresh()

    @property
    def answers_unasked(self) -> bool:
        """Whether the character answers by itself, without a request of the game."""
        return self.config.respond_mode is messages.RespondMode.AUTO

    def priority(self) -> float:
        """Return how urgent a connect is; the lowest goes first."""
        return SPOKEN_TO if self.talk.waiting else self.distance.value

    def emit(self, event: CharacterEvent) -> None:
        """Send an event to the game; the view shows already what it says."""
        if not isinstance(event, messages.Visemes):  # many a second, and no view shows them
            self.refresh()
        self.context.post(partial(self.events.emit, event))

    def refresh(self) -> None:
        """Make the view anew."""
        machine, talk, connection = self.machine, self.talk, self.connection
        retry_at = machine.due(Timer.RETRY)
        self.view = SessionView(
            character_id=self.config.character_id,
            session_key=self.key,
            dialogue=talk.dialogue.state,
            state=machine.state,
            session_id=machine.session_id,
            live_id=machine.live_id,
            room_name=machine.room_name,
            resume=machine.restored if machine.is_told and machine.state in _HAS_RESTORED else None,
            supports_session_persistence=machine.is_durable,
            attempt=machine.attempt,
            max_attempts=machine.policy.max_reconnect_attempts,
            next_retry_at=retry_at,
            retry_wait_seconds=None if retry_at is None else self.retry_wait,
            error=machine.error,
            microphone=self.gate.view,
            transcript=talk.transcript.turns,
            timeline=tuple(self.timeline),
            round_trip_seconds=None if connection is None else connection.round_trip_seconds,
            stages=talk.stages.reached,
            stored_at=self.stored_at,
            connected_at=machine.connected_at,
            is_speaking=talk.dialogue.is_speaking,
            emotion=talk.emotion,
            player_name=talk.player_name,
            has_agent=machine.has_agent,
            model=talk.model,
            ways_out=self._ways_out(),
            usage=talk.usage,
            is_hibernating=machine.is_hibernating,
            is_starting=machine.phase is AttemptPhase.AWAITING,
            unconfirmed_lines=len(talk.unconfirmed),
        )

    def _ways_out(self) -> Mapping[str, str]:
        """Return all hosts that words and sound go to, that of the talk first."""
        host = host_of(self.context.url_of(self.config))
        talk = {} if is_on_this_machine(host) else {"talk": host}
        return {**talk, **self.talk.ways_out}


# So long after the end of an utterance its words are missed.
WORDS_SECONDS = 1.0
# Less than this, without words, is a cough or a door.
COUGH_MS = 350.0
VOICE_POLL_SECONDS = 0.07  # longer than a piece of voice, so that a flow of them is not looked at


class Conversation:
    """Brings words and voice from the service to the game, and from the player to the service."""

    def __init__(self, session: OpenSession, feed: Callable[[Event], None]) -> None:
        self._session = session
        self._talk = session.talk
        self._context = session.context
        self._feed = feed
        self._voice_poll: asyncio.TimerHandle | None = None
        self._voice_until: float | None = None  # on the service's clock, of what was queued
        self._is_speech_noticed = False  # by the service, which has told no words of it yet
        self._words_due: asyncio.TimerHandle | None = None

    # --- what comes in ----------------------------------------------------------------------

    def received(self, item: Incoming) -> None:
        """Take what came in: voice to the speaker, messages to the transcript and the game."""
        if isinstance(item, AudioFrame):
            self._play(item.pcm, item.sample_rate, item.timestamp)
        elif isinstance(item, messages.AudioData):
            self._play(_pcm_of(item), item.sample_rate)
        elif isinstance(item, messages.ServerMessage):
            if isinstance(item, messages.ActionResponse) and self._talk.is_repeated(item):
                return
            has_grown = self._talk.heard(item, self._context.clock())
            self._react(item)
            self._session.emit(item)
            if has_grown:
                self._emit_transcript()

    def _react(self, message: messages.ServerMessage) -> None:
        """Do what a message means for the session, the voice and the voice input."""
        session, listener = self._session, self._context.listener
        self._watch_undo(message)
        if isinstance(message, (messages.VadSttStarted, messages.FinalUserTranscription)):
            self._feed(PlayerActed())
        if isinstance(message, messages.BotTurnCompleted) and message.was_interrupted:
            self._context.voice.interrupt(session.key)
        self._watch_speech(message)
        is_unanswered = isinstance(message, _WANT_ANSWERS) and not session.answers_unasked
        if is_unanswered:
            self._follow(LocalEvent.LEFT_UNANSWERED)
        if listener is None:
            return
        if isinstance(message, messages.FinalUserTranscription):
            listener.transcript_arrived(session.key)
            if is_unanswered:
                listener.answer_began(session.key)  # the player need not wait for any
        elif isinstance(message, messages.ServerResponse):
            if is_rejection(message):
                listener.answer_began(session.key)
        elif isinstance(message, _END_THE_WAIT):
            listener.answer_began(session.key)

    def _watch_speech(self, message: messages.ServerMessage) -> None:
        """Tell the game when what the player said has ended without words."""
        if isinstance(message, messages.VadSttStarted):
            self._is_speech_noticed = True
            self._expect_words(False)
        elif isinstance(message, messages.FinalUserTranscription):
            self._is_speech_noticed = False
            self._expect_words(False)
        elif isinstance(message, messages.VadSttStopped):
            is_over = self._is_speech_noticed and not self._talk.tells_what_it_misses
            self._is_speech_noticed = False
            self._expect_words(is_over and not _is_noise(message))
        elif isinstance(message, messages.ServerResponse) and is_rejection(message):
            self._miss_words(ScreenText.from_data(message.message or "", message.extras))

    def _watch_undo(self, message: messages.ServerMessage) -> None:
        """Say what waited for the end of an undo, and tell the game when there was nothing."""
        match message:
            case messages.TakenBack():
                if message.is_repeated:
                    self._follow(LocalEvent.TEXT_SENT)  # an answer is awaited, as after a line
            case messages.ServerResponse(event_type=messages.TakeBack.TYPE, status="error"):
                key, why = self._session.key, ENGLISH("refused.nothing_to_take_back")
                self._session.emit(MessageRefused(key, messages.TakeBack.TYPE, why))
            case _:
                return
        self._talk.is_taking_back = False
        asyncio.get_running_loop().call_soon(self._catch_up)

    def _expect_words(self, are_due: bool) -> None:
        """Give the words of what was said a while to come, or none any more."""
        if self._words_due is not None:
            self._words_due.cancel()
            self._words_due = None
        if are_due:
            loop = asyncio.get_running_loop()
            self._words_due = loop.call_later(
                WORDS_SECONDS, self._miss_words, ENGLISH("speech.say_again")
            )

    def _miss_words(self, advice: str) -> None:
        self._is_speech_noticed = False
        self._expect_words(False)
        self._session.emit(SpeechNotUnderstood(self._session.key, advice))

    def _emit_transcript(self) -> None:
        self._session.emit(TranscriptChanged(self._session.key, self._talk.transcript.turns))

    def _play(self, pcm: bytes, sample_rate: int, timestamp: float | None = None) -> None:
        if not pcm or not self._talk.dialogue.accepts_audio:
            return
        length = len(pcm) / 2 / sample_rate
        self._voice_until = None if timestamp is None else timestamp + length
        self._context.voice.play(self._session.key, pcm, sample_rate)
        self._follow(LocalEvent.AUDIO_QUEUED)
        self._watch_voice()

    def _watch_voice(self) -> None:
        """Look again and again whether the local audio has drained: only then is the turn over."""
        if self._voice_poll is not None:
            self._voice_poll.cancel()
        loop = asyncio.get_running_loop()
        self._voice_poll = loop.call_later(VOICE_POLL_SECONDS, self._look_at_voice)

    def _look_at_voice(self) -> None:
        self._voice_poll = None
        if self._context.voice.is_playing(self._session.key):
            self._watch_voice()
        else:
            self._follow(LocalEvent.AUDIO_DRAINED)

    # --- what the session does ----------------------------------------------------------------

    def state_changed(self, change: SessionStateChanged) -> None:
        """Follow the session: what a loss takes with it, what a connection brings."""
        if change.old_state is SessionState.CONNECTED:
            self._follow(LocalEvent.CONNECTION_LOST)
            self._expect_words(False)
            self._context.voice.interrupt(self._session.key)
        if change.new_state is SessionState.CONNECTED:
            resume = change.resume
            is_rejoined = resume is not None and resume.outcome is ResumeOutcome.REJOINED
            self._talk.connected(rejoined=is_rejoined)
            # Soon, not now: the game sees CONNECTED before anything is said.
            asyncio.get_running_loop().call_soon(self._catch_up)
        if change.new_state in (SessionState.DISCONNECTED, SessionState.ERROR):
            self.cut()
            for item in self._talk.take_waiting():
                self._refuse(item)

    def _catch_up(self) -> None:
        """Repeat what the old room did not confirm, and say what waited for the connection."""
        if not self._is_heard:
            return
        for message in self._talk.owed():
            if self.try_send(message):
                return
        self._talk.repeated()
        for item in self._talk.take_waiting():
            if isinstance(item, RespondRequest):
                self._ask(item)
            else:
                self._say(item)

    def cut(self) -> None:
        """End the turn in progress: its room is gone, and the rest of it will not come."""
        before = self._talk.transcript
        self._talk.cut()
        if self._talk.transcript.turns is not before.turns:
            self._emit_transcript()

    def forget(self) -> None:
        """Forget every word, and be silent."""
        self._talk.forget()
        self._context.voice.interrupt(self._session.key)
        self._emit_transcript()

    def black_out(self, words: Sequence[str]) -> None:
        """Take words out of what was said: the service has forgotten them."""
        self._talk.black_out(words)
        self._emit_transcript()

    def put_back(self, said: Iterable[Said]) -> None:
        """Go on where this was said, long ago as it is."""
        long_ago = self._context.clock() - LONG_AGO_SECONDS
        self._talk.put_back(
            Turn("player" if it.speaker == "player" else "character", it.text, long_ago,
                 interrupted=it.was_cut)
            for it in said
        )  # fmt: skip
        self._emit_transcript()

    def close(self) -> None:
        """Stop watching the voice."""
        self._expect_words(False)
        if self._voice_poll is not None:
            self._voice_poll.cancel()
            self._voice_poll = None

    # --- the player's words -------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        """Say a line, now or once there is a connection; or refuse it with a reason."""
        if not text.strip():
            self._refuse(text, ENGLISH("refused.blank"))
        elif len(text) > messages.MAX_TEXT:
            most = f"{messages.MAX_TEXT:,}"
            self._refuse(text, ENGLISH("refused.too_long", most=most))
        elif self._is_open:
            self._feed(PlayerActed())
            self._say(text)
        else:
            self._keep(text)

    def respond(self, about: str = "") -> None:
        """Ask for an answer to what was said, now or once there is a connection; or refuse."""
        request = RespondRequest(about)
        if self._is_open:
            self._feed(PlayerActed())
            self._ask(request)
        else:
            self._keep(request)

    def take_back(self, *, answer_again: bool = False) -> None:
        """Undo the last exchange, or answer its line once more; or refuse it with a reason."""
        message = messages.TakeBack(answer_again)
        problem = self._take_back_problem() or self.try_send(message)
        if problem:
            self.refuse(message.TYPE, problem)
            return
        self._talk.is_taking_back = True
        self._context.voice.interrupt(self._session.key)
        self._follow(LocalEvent.INTERRUPTED)

    def _take_back_problem(self) -> str:
        """Return why nothing can be undone now, or ""."""
        if not self._is_heard:
            return _WHY_NOT[self._session.machine.state]
        if not self._talk.takes_back:
            return ENGLISH("refused.no_take_back")
        return ENGLISH("refused.taking_back") if self._talk.is_taking_back else ""

    @property
    def _is_open(self) -> bool:
        """Whether something new may go out now."""
        return self._is_heard and not self._talk.has_older_lines

    @property
    def _is_heard(self) -> bool:
        """Whether the character is at the other end."""
        machine = self._session.machine
        return machine.state is SessionState.CONNECTED and machine.has_agent

    def _keep(self, item: Waiting) -> None:
        """Keep an item until there is a connection, or refuse it."""
        machine = self._session.machine
        if not machine.has_agent:
            self._refuse(item, ENGLISH("refused.has_left"))
        elif machine.state not in _WAITS and not machine.is_hibernating:
            self._refuse(item)
        elif self._talk.keep(item):
            self._feed(WakeRequested())
        else:
            self._refuse(item, ENGLISH("refused.too_many"))

    def _say(self, text: str) -> None:
        now = self._context.clock()
        line = messages.UserTextMessage(text, self._context.new_id())
        if problem := self.try_send(line):
            self._refuse(text, problem)
            return
        self._talk.said(line, now)
        if self._session.answers_unasked:
            self._talk.follow(LocalEvent.TEXT_SENT, now)
        self._emit_transcript()

    def _ask(self, request: RespondRequest) -> None:
        update = self._talk.update_for(request)
        if problem := self.try_send(update):
            self._refuse(request, problem)
            return
        self._talk.requested(update)
        self._follow(LocalEvent.TEXT_SENT)  # an answer is awaited, as after a line

    def _refuse(self, item: Waiting, reason: str = "") -> None:
        key, reason = self._session.key, reason or _WHY_NOT[self._session.machine.state]
        if isinstance(item, RespondRequest):
            self._session.emit(MessageRefused(key, messages.ContextUpdate.TYPE, reason))
        else:
            self._session.emit(TextRefused(key, item, reason))

    def send(self, message: messages.ClientMessage) -> None:
        """Send a message; refused with a reason while there is no connection."""
        state = self._session.machine.state
        if isinstance(message, messages.UserTextMessage):
            self.send_text(message.text)
            return
        is_connected = state is SessionState.CONNECTED
        problem = self.try_send(message) if is_connected else _WHY_NOT[state]
        if problem:
            self.refuse(message.TYPE, problem)

    def refuse(self, message_type: str, reason: str) -> None:
        """Tell the game that a message did not go out."""
        self._session.emit(MessageRefused(self._session.key, message_type, reason))

    def try_send(self, message: messages.ClientMessage) -> str:
        """Send a message; return why it was not taken, "" if it was.

        A connection that takes no more is lost; what no service takes costs nothing.
        """
        connection, full = self._session.connection, _WHY_NOT[SessionState.CONNECTED]
        if connection is None:
            return full
        try:
            connection.send(message)
        except TransportError as error:
            epoch = self._session.machine.epoch
            self._feed(ConnectionLost(epoch, error.failure, self._context.chance()))
            return full
        except MessageError as problem:
            return f"{problem.message}."
        return ""

    # --- the player's voice -------------------------------------------------------------------

    @property
    def is_listening(self) -> bool:
        """Whether the microphone's gate is open."""
        return self._session.gate.is_open

    @property
    def is_getting_ready(self) -> bool:
        """Whether the gate opens soon: it connects, or the microphone's delay runs."""
        return self._session.machine.state in _WAITS and not self._session.gate.is_open

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        """Send a frame if the gate is open and was when its first sample was heard."""
        session, begin = self._session, begins_at(pcm, captured_at)
        if session.connection is None or not session.gate.lets(begin):
            return False
        session.connection.send_audio(pcm, session.meter.count(session.gate.stamp(begin)))
        session.refresh()
        return True

    def offer_kept(self, pcm: bytes) -> bool:
        """Send a frame of before the opening, with the time stamp that follows the last one."""
        session, begin = self._session, self._session.gate.next_kept(pcm)
        if session.connection is None or begin is None:
            return False
        session.connection.send_audio(pcm, session.meter.count(begin))
        session.refresh()
        return True

    def interrupt(self) -> None:
        """Cut the character off."""
        if self._session.machine.state is not SessionState.CONNECTED:
            return
        if not self._talk.dialogue.is_turn_over:
            self.try_send(messages.InterruptBot())
        self._context.voice.interrupt(self._session.key)
        self._follow(LocalEvent.INTERRUPTED)

    def pause(self) -> None:
        """Silence the character while the player speaks over it, or seems to.

        The service knows what was heard, ends the turn or goes on; one that does not know how to
        wait is interrupted.
        """
        session, voice = self._session, self._context.voice
        if not self._talk.pauses:
            self.interrupt()
            return
        if session.machine.state is not SessionState.CONNECTED:
            return
        until = self._voice_until
        if not self._talk.dialogue.is_turn_over:
            heard = None if until is None else until - voice.waiting(session.key)
            self.try_send(messages.PauseBot(heard))
        voice.interrupt(session.key)
        self._follow(LocalEvent.PAUSED)

    def force_user_stopped_speaking(self, *, has_spoken: bool = False) -> None:
        """Tell the service that the utterance is over; `has_spoken` if there surely was one."""
        if self._session.machine.state is not SessionState.CONNECTED:
            return
        self.try_send(messages.ForceUserStoppedSpeaking())
        if has_spoken and not self._is_speech_noticed:
            self._miss_words(ENGLISH("speech.say_again"))

    def set_addressed(self, is_addressed: bool) -> None:
        """Note whether the player's voice goes to this character."""
        self._follow(LocalEvent.ADDRESSED if is_addressed else LocalEvent.NOT_ADDRESSED)

    def _follow(self, event: LocalEvent) -> None:
        if self._talk.follow(event, self._context.clock()):
            self._session.refresh()


# What frees the talk key: an answer that begins, or none that would come.
_END_THE_WAIT = (messages.BotStartedSpeaking, messages.BotTurnCompleted, messages.LlmNoResponse)
_WANT_ANSWERS = (messages.VadSttStopped, messages.FinalUserTranscription)
_WAITS = (SessionState.CONNECTING, SessionState.CONNECTED, SessionState.RECONNECTING)

_WHY_NOT: Mapping[SessionState, str] = MappingProxyType(
    {
        SessionState.DISCONNECTED: ENGLISH("refused.disconnected"),
        SessionState.CONNECTING: ENGLISH("refused.connecting"),
        SessionState.CONNECTED: ENGLISH("refused.connected"),
        SessionState.RECONNECTING: ENGLISH("refused.reconnecting"),
        SessionState.DISCONNECTING: ENGLISH("refused.disconnecting"),
        SessionState.ERROR: ENGLISH("refused.error"),
    }
)


def _is_noise(message: messages.VadSttStopped) -> bool:
    is_short = message.audio_duration_ms is not None and message.audio_duration_ms < COUGH_MS
    return is_short or message.reason in WORDLESS


def _pcm_of(message: messages.AudioData) -> bytes:
    """Return the samples of a voice message: none for one that is no base64."""
    try:
        data = base64.b64decode(message.audio, validate=True)
    except ValueError:
        return b""
    return data[44:] if message.includes_wav_header else data
