"""The driver of one session: feeds the machine, performs its commands, and keeps its talk.

Lives on the network thread. The machine decides; here is only doing: a line to the service,
timers, the store, the voice. Every event that comes goes through `feed`, one after the other,
and whatever the game shall see leaves as an immutable event or view.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from characters.core.failure import failure
from characters.core.link import RoomLink
from characters.core.messages import (
    AudioData,
    BotStartedSpeaking,
    BotTurnCompleted,
    ClientMessage,
    ConnectRequest,
    FinalUserTranscription,
    ForceUserStoppedSpeaking,
    InterruptBot,
    RoomGrant,
    ServerMessage,
    UserTextMessage,
    VadSttStarted,
)
from characters.core.policy import ReconnectPolicy
from characters.core.session import IllegalEvent, Session, advance
from characters.core.session_events import (
    AbortConnection,
    CancelTimer,
    ClearRecord,
    CloseConnection,
    CloseMicrophone,
    Command,
    ConnectionLost,
    DisconnectRequested,
    Event,
    LoadRecord,
    OpenConnection,
    OpenMicrophone,
    PlayerActed,
    Publish,
    StartTimer,
    StoreRecord,
    Timer,
    TimerFired,
    WakeRequested,
)
from characters.core.state import (
    MicrophoneView,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
    SessionView,
    shorten_id,
)
from characters.core.turn import Local
from characters.runtime.black_hole import BlackHole
from characters.runtime.config import SessionConfig
from characters.runtime.events import (
    CharacterEvent,
    MessageRefused,
    TextRefused,
    TranscriptChanged,
)
from characters.runtime.line import Line
from characters.runtime.microphone_gate import begins_at
from characters.runtime.records import Records
from characters.runtime.talk import Talk
from characters.runtime.world import World
from characters.transport import AudioFrame, Incoming, TransportError

__all__ = ["SessionDriver"]

_log = logging.getLogger(__name__)

TIMELINE_LENGTH = 50
VOICE_POLL_SECONDS = 0.05
# Somebody who is spoken to, or waited for with a line typed, is connected before anybody near.
SPOKEN_TO = -1.0


class SessionDriver:
    """Runs one session. Everything here is called on the network thread, but `view`."""

    def __init__(
        self, config: SessionConfig, world: World, emit: Callable[[CharacterEvent], None]
    ) -> None:
        self.config = config
        self.world = world
        self.black_hole = BlackHole()
        self.distance = 0.0
        self._emit = emit
        self._session = Session(
            config.character_id,
            config.key,
            config.place,
            config.policy,
            config.persist,
        )
        self._talk = Talk()
        self._records = Records(config.key, config.place, world, self.feed)
        self._line: Line | None = None
        self._old_lines: list[Line] = []
        self._link: RoomLink | None = None
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._events: deque[Event] = deque()
        self._is_feeding = False
        self._now = world.clock()
        self._timeline: deque[SessionStateChanged] = deque(maxlen=TIMELINE_LENGTH)
        self._microphone = MicrophoneView()
        self._counted = (0, 0)
        self._voice_poll: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self.view = self._look()

    # --- the machine ------------------------------------------------------------------------

    @property
    def policy(self) -> ReconnectPolicy:
        """The policy in force now."""
        return self._session.policy

    @property
    def state(self) -> SessionState:
        """The state now."""
        return self._session.state

    @property
    def priority(self) -> float:
        """How urgent a connect is; lowest first."""
        return SPOKEN_TO if self._talk.waiting else self.distance

    def feed(self, event: Event) -> None:
        """Let the machine decide about an event, and perform what it orders."""
        self._events.append(event)
        if self._is_feeding:
            return
        self._is_feeding = True
        try:
            while self._events:
                self._advance(self._events.popleft())
        finally:
            self._is_feeding = False
            self._refresh()

    def _advance(self, event: Event) -> None:
        now = max(self._now, self.world.clock())
        if isinstance(event, TimerFired):
            # A loop may wake up a clock's tick early.
            now = max(now, event.due)
        self._now = now
        try:
            self._session, commands = advance(self._session, event, now)
        except IllegalEvent as problem:
            _log.error("Session %s: %s; ignored.", self.config.key, problem)
            return
        for command in commands:
            self._perform(command)

    def _perform(self, command: Command) -> None:
        try:
            PERFORM[type(command)](self, command)
        except Exception:
            _log.exception("Session %s: %s failed.", self.config.key, type(command).__name__)
            why = failure("internal.error")
            if self._line is not None:
                self.feed(ConnectionLost(self._line.epoch, why, self.world.chance()))

    def _start_timer(self, command: StartTimer) -> None:
        self._cancel_timer(CancelTimer(command.timer))
        delay = max(0.0, command.due - self.world.clock())
        self._timers[command.timer] = asyncio.get_running_loop().call_later(
            delay, self._fire, command.timer, command.due
        )

    def _cancel_timer(self, command: CancelTimer) -> None:
        handle = self._timers.pop(command.timer, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, timer: Timer, due: float) -> None:
        self._timers.pop(timer, None)
        self.feed(TimerFired(timer, due, self.world.chance()))

    def _publish(self, command: Publish) -> None:
        event = command.event
        if isinstance(event, SessionStateChanged):
            _log.info(
                "Session %s (%s): %s -> %s, %s, epoch %d",
                self.config.key,
                shorten_id(event.session_id),
                event.old_state.name,
                event.new_state.name,
                event.reason,
                self._session.epoch,
            )
            self._timeline.append(event)
            self._state_changed(event)
        self._refresh()
        self._emit(event)

    # --- the line ---------------------------------------------------------------------------

    def _open_connection(self, plan: OpenConnection) -> None:
        config = self.config
        request = ConnectRequest(
            character_id=config.character_id,
            character_session_id=plan.character_session_id,
            end_user_id=config.end_user_id,
            mode=plan.mode.value,
            room_name=plan.room_name,
            spawn_agent=plan.spawn_agent,
            action_config={"actions": list(config.actions)} if config.actions else None,
            invocation_metadata={"source": "troupe"},
            persona=config.persona,
            room_rejoin_ttl_seconds=self.policy.room_rejoin_ttl_seconds,
            takeover=plan.takeover or None,
            live_id=plan.live_id,
            player_name=config.player_name,
        )
        self._line = Line(plan.epoch, self)
        self._line.open(request)

    def _close_connection(self, command: CloseConnection) -> None:
        line = self._line
        if line is not None:
            self._old_lines.append(line)
            line.close()

    def _abort_connection(self, command: AbortConnection) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._old_lines.append(line)
            line.abort()

    def link_for(self, grant: RoomGrant, *, rejoins: bool) -> RoomLink:
        """Return the numbering of the room: its own on a rejoin, else a new one."""
        link = self._link
        if link is None or not rejoins or link.room_name != grant.room_name:
            # What the old room had still to say will not come any more.
            self._talk.cut()
            self._link = link = RoomLink(grant.room_name)
        return link

    # --- the talk ---------------------------------------------------------------------------

    def received(self, item: Incoming) -> None:
        """Take what came in: voice to the speaker, messages to the talk and to the game."""
        if isinstance(item, AudioFrame):
            self._play(item.pcm, item.sample_rate)
        elif isinstance(item, AudioData):
            self._play(_pcm_of(item), item.sample_rate)
        elif isinstance(item, ServerMessage):
            self._hear(item)
        self._refresh()

    def _hear(self, message: ServerMessage) -> None:
        key, hearing = self.config.key, self.world.hearing
        has_grown = self._talk.heard(message, self.world.clock())
        if isinstance(message, (VadSttStarted, FinalUserTranscription)):
            self.feed(PlayerActed())
        if isinstance(message, BotTurnCompleted) and message.was_interrupted:
            self.world.voice.interrupt(key)
        if hearing is not None and isinstance(message, FinalUserTranscription):
            hearing.transcript_arrived(key)
        if hearing is not None and isinstance(message, (BotStartedSpeaking, BotTurnCompleted)):
            hearing.answer_began(key)
        self._refresh()
        self._emit(message)
        if has_grown:
            self._tell_transcript()

    def _tell_transcript(self) -> None:
        self._refresh()
        self._emit(TranscriptChanged(self.config.key, self._talk.transcript.turns))

    def _play(self, pcm: bytes, sample_rate: int) -> None:
        if not self._talk.dialogue.accepts_audio:
            return
        self.world.voice.play(self.config.key, pcm, sample_rate)
        self._talk.turned(Local.AUDIO_QUEUED, self.world.clock())
        if self._voice_poll is None:
            self._watch_voice()

    def _watch_voice(self) -> None:
        """Look until the local audio has drained: only then is the turn really over."""
        self._voice_poll = None
        if self.world.voice.is_playing(self.config.key):
            loop = asyncio.get_running_loop()
            self._voice_poll = loop.call_later(VOICE_POLL_SECONDS, self._watch_voice)
            return
        self._talk.turned(Local.AUDIO_DRAINED, self.world.clock())
        self._refresh()

    def _state_changed(self, change: SessionStateChanged) -> None:
        if change.old_state is SessionState.CONNECTED:
            self._talk.turned(Local.CONNECTION_LOST, self.world.clock())
            self._talk.reset()
            self.world.voice.interrupt(self.config.key)
        if change.new_state is SessionState.CONNECTED:
            self._note_ready()
            is_same_room = change.resume and change.resume.outcome is ResumeOutcome.REJOINED
            asyncio.get_running_loop().call_soon(self._catch_up, not is_same_room)
        if change.new_state in (SessionState.DISCONNECTED, SessionState.ERROR):
            self._talk.cut()
            for text in self._talk.take_waiting():
                self._refuse(text)
        self._changed.set()

    def _catch_up(self, repeats: bool) -> None:
        """Say what waited for the connection, after the game was told of it."""
        if self.state is not SessionState.CONNECTED:
            return
        for text in self._talk.take_unanswered() if repeats else ():
            if self._try_send(UserTextMessage(text)):
                self._talk.repeated(text)
        for text in self._talk.take_waiting():
            self._say(text)

    # --- what the game wants ------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        """Say a line, now or once there is a connection; or refuse it with a reason."""
        if self.state is SessionState.CONNECTED and not self._talk.waiting:
            self.feed(PlayerActed())
            self._say(text)
            return
        waits = (SessionState.CONNECTING, SessionState.CONNECTED, SessionState.RECONNECTING)
        if self.state not in waits and not self._session.is_hibernating:
            self._refuse(text)
        elif self._talk.keep(text):
            self.feed(WakeRequested())
        else:
            self._refuse(text, "Too many lines wait for the connection already.")

    def _say(self, text: str) -> None:
        now = self.world.clock()
        if not self._try_send(UserTextMessage(text)):
            self._refuse(text, "The connection takes no more; say it again in a moment.")
            return
        self._talk.said(text, now)
        self._talk.turned(Local.TEXT_SENT, now)
        self._tell_transcript()

    def _refuse(self, text: str, reason: str = "") -> None:
        self._emit(TextRefused(self.config.key, text, reason or _WHY_NOT[self.state]))

    def send(self, message: ClientMessage) -> None:
        """Send a message; refused with a reason while there is no connection."""
        if isinstance(message, UserTextMessage):
            self.send_text(message.text)
        elif self.state is not SessionState.CONNECTED or not self._try_send(message):
            self._emit(MessageRefused(self.config.key, message.TYPE, _WHY_NOT[self.state]))

    def _try_send(self, message: ClientMessage) -> bool:
        line = self._line
        if line is None:
            return False
        try:
            line.send(message)
        except TransportError as error:
            self.feed(ConnectionLost(line.epoch, error.failure, self.world.chance()))
            return False
        return True

    def interrupt(self) -> None:
        """Cut the character off."""
        if self.state is not SessionState.CONNECTED:
            return
        if not self._talk.dialogue.is_turn_over:
            self._try_send(InterruptBot())
        self.world.voice.interrupt(self.config.key)
        self._talk.turned(Local.INTERRUPTED, self.world.clock())
        self._refresh()

    def force_user_stopped_speaking(self) -> None:
        """Tell the service that the utterance is over."""
        if self.state is SessionState.CONNECTED:
            self._try_send(ForceUserStoppedSpeaking())

    def set_addressed(self, is_addressed: bool) -> None:
        """Note whether the player's voice goes to this character."""
        event = Local.ADDRESSED if is_addressed else Local.NOT_ADDRESSED
        self._talk.turned(event, self.world.clock())
        self._refresh()

    def cut(self) -> None:
        """Break the connection, as a fault would."""
        if self._line is not None:
            self._line.cut()

    # --- the microphone -------------------------------------------------------------------------

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        """Send a frame if the gate is open and was when its first sample was heard."""
        opened_at, line = self._session.microphone_opened_at, self._line
        begin = begins_at(pcm, captured_at)
        if opened_at is None or line is None or begin < opened_at:
            return False
        line.send_audio(pcm, begin)
        self._refresh()
        return True

    def _note_ready(self) -> None:
        line = self._line
        assert line is not None  # CONNECTED has a line
        line.meter.delay = self.policy.auto_mic_start_delay_seconds
        sent, before = self._microphone.frames_sent, self._microphone.frames_before_open
        self._counted = (sent, before)
        self._microphone = MicrophoneView(line.meter.ready_at, None, sent, before)

    def _open_microphone(self, command: OpenMicrophone) -> None:
        if self._line is not None:
            self._line.meter.delay = self.policy.auto_mic_start_delay_seconds
        opened_at = self._session.microphone_opened_at
        self._microphone = replace(self._microphone, opened_at=opened_at, is_open=True)

    def _close_microphone(self, command: CloseMicrophone) -> None:
        self._count_frames()
        self._microphone = replace(self._microphone, is_open=False)

    def _count_frames(self) -> None:
        if self._line is not None and self._microphone.is_open:
            meter, (sent, before) = self._line.meter, self._counted
            self._microphone = replace(
                self._microphone,
                frames_sent=sent + meter.frames_sent,
                frames_before_open=before + meter.frames_before_open,
            )

    # --- the view ---------------------------------------------------------------------------------

    def _refresh(self) -> None:
        self._count_frames()
        self.view = self._look()

    def _look(self) -> SessionView:
        session, talk = self._session, self._talk
        return SessionView(
            character_id=self.config.character_id,
            session_key=self.config.key,
            dialogue=talk.dialogue.state,
            state=session.state,
            session_id=session.session_id,
            live_id=session.live_id,
            room_name=session.room_name,
            resume=session.restored if session.is_told else None,
            supports_session_persistence=session.is_durable,
            attempt=session.attempt,
            max_attempts=session.policy.max_reconnect_attempts,
            next_retry_at=session.due(Timer.RETRY),
            error=session.error,
            microphone=self._microphone,
            transcript=talk.transcript.turns,
            timeline=tuple(self._timeline),
            round_trip_seconds=self._line.round_trip_seconds if self._line else None,
            connected_at=session.connected_at,
            is_speaking=talk.dialogue.is_speaking,
            emotion=talk.emotion,
            is_hibernating=session.is_hibernating,
        )

    # --- the end -----------------------------------------------------------------------------

    def shut_down(self) -> None:
        """Disconnect because the game ends."""
        self.feed(DisconnectRequested())

    async def at_rest(self) -> None:
        """Wait until the session is DISCONNECTED or in ERROR and all it stored is durable."""
        while self.state not in (SessionState.DISCONNECTED, SessionState.ERROR):
            self._changed.clear()
            await self._changed.wait()
        await self._records.settled()

    def dispose(self) -> None:
        """Let go of everything at once."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        if self._voice_poll is not None:
            self._voice_poll.cancel()
        for line in (*self._old_lines, self._line):
            if line is not None:
                line.abort()

    @property
    def is_leaking(self) -> bool:
        """Whether something of a connection is left although no connection is held."""
        self._old_lines = [line for line in self._old_lines if not line.is_over]
        return bool(self._old_lines or self._timers or self._records.is_busy)


PERFORM: Mapping[type[Any], Callable[[SessionDriver, Any], None]] = MappingProxyType(
    {
        LoadRecord: lambda driver, command: driver._records.load(command),
        StoreRecord: lambda driver, command: driver._records.store(command),
        ClearRecord: lambda driver, command: driver._records.clear(command),
        OpenConnection: SessionDriver._open_connection,
        CloseConnection: SessionDriver._close_connection,
        AbortConnection: SessionDriver._abort_connection,
        StartTimer: SessionDriver._start_timer,
        CancelTimer: SessionDriver._cancel_timer,
        OpenMicrophone: SessionDriver._open_microphone,
        CloseMicrophone: SessionDriver._close_microphone,
        Publish: SessionDriver._publish,
    }
)

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
