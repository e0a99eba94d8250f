"""One microphone, many characters: what the player says goes to the target, or nowhere.

The main thread states what it wants (target, muted, mode, key down) through `VoiceInput`. The
network thread takes the frames out of the ring; a `ListeningController` decides about each with the
pure parts of `characters.audio`, and offers it to the target's conversation, which keeps its own
gate. A `BargeInDetector` ducks or pauses a character while the player speaks. Nothing is opened
before `allow()`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from characters.audio.mixer import Voice
from characters.audio.signal import (
    PushToTalk,
    SpeechGate,
    TalkCommand,
    TalkEvent,
    TalkPhase,
    decibels,
    meter,
)
from characters.audio.sources import FRAME_SECONDS, Frame, SourceFactory
from characters.client.conversation import Conversation
from characters.client.microphone import Capture, EchoFilter, PreRoll
from characters.protocol.turn_settings import ListeningMode, Startup, TurnSettings

__all__ = ["VoiceInput", "VoiceInputStatus"]


TargetLookup: TypeAlias = Callable[[str], Conversation | None]
"""Returns the conversation of a session key, None when there is none (network thread)."""


@dataclass(frozen=True, slots=True)
class VoiceInputStatus:
    """What the HUD shows of the microphone, all of it of one moment."""

    level: float = 0.0  # 0..1
    target: str | None = None
    is_open: bool = False  # frames go to the target now
    problem: str | None = None
    device: str = ""
    is_allowed: bool = False
    muted: bool = False
    mode: ListeningMode = TurnSettings.DEFAULT.mode
    is_speech: bool = False  # a local guess, from loudness alone
    overruns: int = 0
    kept_seconds: float = 0.0  # first words that wait for the target to get ready
    is_echo_handled: bool = False  # by headphones, or because it is cancelled


@dataclass(frozen=True, slots=True)
class DesiredMicrophone:
    """What the main thread wants; replaced as a whole, so it is never half read."""

    allowed: bool = False
    muted: bool = False
    focused: bool = True
    covered: bool = False
    turns: TurnSettings = TurnSettings.DEFAULT
    target: str | None = None
    device: str | None = None
    closed: bool = False

    @property
    def permits(self) -> bool:
        """Whether any character may hear the player now."""
        return self.allowed and not self.muted and self.focused and not self.covered


# After this much of the player's voice over its own, a character is silent at once. A canceller
# leaves some echo for a moment when sound stumbles on its way to the loudspeaker.
HEADPHONES_SECONDS = 0.2
CANCELLED_SECONDS = 0.5


class BargeInDetector:
    """Ducks the character that hears the player, and pauses it when it surely is the player.

    One voice pauses it once: what goes on and on, like a fan, does not do so again.
    """

    def __init__(self, voice: Voice | None) -> None:
        self._voice = voice
        self._ducked: str | None = None
        self._since: float | None = None
        self._has_paused = False

    def hear(
        self,
        key: str,
        target: Conversation,
        now: float,
        *,
        speaks: bool,
        commits_after: float | None,
    ) -> None:
        """Take a frame that went to a character.

        `commits_after` is how long the player has to speak to be waited for, None where what is
        heard may be a loudspeaker: then the service decides.
        """
        if not speaks:
            self._since, self._has_paused = None, False
        elif self._since is None:
            self._since = now
        self.duck(key if speaks else None)
        if self._since is None or self._voice is None or commits_after is None:
            return
        is_sure = now - self._since >= commits_after and not self._has_paused
        if is_sure and self._voice.is_playing(key):
            target.pause()
            self._has_paused = True

    def duck(self, key: str | None) -> None:
        """Turn one character down, None for none, and up again the one that was down."""
        if self._voice is None or key == self._ducked:
            return
        if self._ducked is not None:
            self._voice.duck(self._ducked, False)
        if key is not None:
            self._voice.duck(key, True)
        self._ducked = key


# A frame that waited longer is of a process that stood still: it is not what is said now.
STALE_SECONDS = 1.0
# A device that has not delivered for so long has ended the utterance.
STARVED_SECONDS = 0.5
# Less of it is a cough or a knock on the table: no words are missed.
SPOKEN_SECONDS = 0.35
METER_FALL_PER_FRAME = 0.04
# Kept words go out this many frames at a time: far faster than speech, and no flood.
CATCH_UP_FRAMES = 5


class ListeningController:
    """Decides who hears the player and when: talk key, target, utterance, pre-roll."""

    def __init__(
        self, capture: Capture, keys: deque[bool], now: Callable[[], float], voice: Voice | None
    ) -> None:
        self._capture = capture
        self._keys = keys
        self._now = now
        self._barge_in = BargeInDetector(voice)
        self._pre_roll = PreRoll()
        self._desired = DesiredMicrophone()
        # Of `_desired`: looked up fifty times a second.
        self._mode = self._desired.turns.mode
        self._keeps_words = False
        self._talk = PushToTalk.begin(self._desired.turns.push_to_talk)
        self._gate = SpeechGate()
        self._last_speech_at: float | None = None
        self._last_frame_at = 0.0
        self._was_pressed = False
        self._voiced = 0.0  # seconds of speech that were sent since the key was pressed
        self._find: TargetLookup = lambda key: None
        self.target_key: str | None = None
        """The session key of the character that hears the player now."""
        self._sending = False
        self._owes_end = False  # kept words have gone out whose key was released long ago
        self._level = 0.0

    def step(self, desired: DesiredMicrophone, find: TargetLookup) -> None:
        """Do what is due now: settings, keys, frames, kept words, deadlines."""
        self._find = find
        self._follow(desired)
        self._take_keys()
        self._update_source()
        for frame in self._capture.frames():
            self._hear(frame)
        if self._keeps_words:
            self._catch_up()
        self._retarget()

    def close(self) -> None:
        """Finish the utterance and close the microphone."""
        self._pre_roll.clear()
        self._finish_utterance()
        self._barge_in.duck(None)
        self._close_source()

    def transcript_arrived(self, key: str) -> None:
        """Note that the service understood the player's turn."""
        if key == self.target_key and self._mode is ListeningMode.PUSH_TO_TALK:
            self._talk, _ = self._talk.advance(TalkEvent.TRANSCRIBED, self._now())
            # The service has closed the utterance itself: there is nothing left to force.
            self._sending = self._sending and self._talk.is_open

    def answer_began(self, key: str) -> None:
        """Note that a character began to speak or completed its turn."""
        if key == self.target_key:
            self._talk, _ = self._talk.advance(TalkEvent.ANSWERED, self._now())

    @property
    def _target(self) -> Conversation | None:
        return None if self.target_key is None else self._find(self.target_key)

    def status(self) -> VoiceInputStatus:
        """Return what to show now."""
        capture, desired = self._capture, self._desired
        return VoiceInputStatus(
            level=self._level,
            target=self.target_key,
            is_open=self._sending and capture.is_open,
            problem=capture.problem,
            device=capture.device,
            is_allowed=desired.allowed,
            muted=desired.muted,
            mode=desired.turns.mode,
            is_speech=self._gate.is_open,
            overruns=capture.overruns,
            kept_seconds=self._pre_roll.seconds if self._keeps_words else 0.0,
            is_echo_handled=self._commits_after is not None,
        )

    # What is wanted.

    @property
    def _commits_after(self) -> float | None:
        if self._desired.turns.headphones:
            return HEADPHONES_SECONDS
        return CANCELLED_SECONDS if self._capture.is_free_of_echo else None

    def _follow(self, desired: DesiredMicrophone) -> None:
        if desired is self._desired:
            return
        turns, capture = desired.turns, self._capture
        # A key that was down before means nothing in a new mode.
        talk_under = self._talk.under if turns.mode is self._mode else PushToTalk.begin
        self._talk = talk_under(turns.push_to_talk)
        cancels = turns.echo_cancellation and not turns.headphones and capture.has_echo_filter
        capture.cancels_echo = cancels
        self._mode, self._keeps_words = turns.mode, turns.pre_roll_seconds > 0.0
        if not self._keeps_words:
            self._pre_roll.clear()
        self._desired = desired

    def _update_source(self) -> None:
        if self._is_source_wanted():
            self._capture.tend(self._desired.device)
        else:
            self._close_source()

    def _is_source_wanted(self) -> bool:
        if not self._desired.permits:
            return False
        if self._mode is ListeningMode.HANDS_FREE or self._was_pressed or self._talk.is_open:
            return True
        return self._talk.options.startup == Startup.PREWARM_MUTED

    def _close_source(self) -> None:
        self._capture.close()
        self._gate = replace(self._gate, is_open=False, against=0.0)
        self._level = 0.0

    # The talk key.

    def _take_keys(self) -> None:
        while self._keys:
            down = self._keys.popleft()
            if self._mode is ListeningMode.PUSH_TO_TALK:
                event = self._event_of_key(down)
                if event is not None:
                    self._advance_talk(event)
        if self._talk.phase is not TalkPhase.CLOSED:
            self._advance_talk(TalkEvent.TICK)

    def _event_of_key(self, down: bool) -> TalkEvent | None:
        if not self._talk.options.toggle:
            return TalkEvent.PRESSED if down else TalkEvent.RELEASED
        if not down:
            return None
        return TalkEvent.RELEASED if self._talk.phase is TalkPhase.HELD else TalkEvent.PRESSED

    def _advance_talk(self, event: TalkEvent) -> None:
        if event is TalkEvent.PRESSED and not self._talk.is_open:
            self._change_target()
        if event is TalkEvent.PRESSED:
            self._was_pressed, self._voiced = True, 0.0
        self._talk, commands = self._talk.advance(event, self._now())
        target = self._target if commands else None
        if target is not None:
            for command in commands:
                self._perform(command, target)

    def _perform(self, command: TalkCommand, target: Conversation) -> None:
        if command is TalkCommand.INTERRUPT_BOT:
            target.interrupt()
        else:
            self._sending = False
            target.force_user_stopped_speaking(has_spoken=self._voiced >= SPOKEN_SECONDS)

    # What is heard.

    def _hear(self, frame: Frame) -> None:
        self._last_frame_at = frame.captured_at
        db = decibels(frame.samples)
        self._level = max(meter(db), self._level - METER_FALL_PER_FRAME)
        self._gate = self._gate.hear(db, FRAME_SECONDS)
        if self._gate.is_open:
            self._last_speech_at = frame.captured_at
        if self._desired.target != self.target_key:
            self._retarget()
        key, target = self.target_key, self._target
        is_stale = self._now() - frame.captured_at > STALE_SECONDS
        if key is None or target is None or is_stale or not self._is_wanted():
            self._finish_utterance()
            return
        self._send(frame, target)
        speaks, after = self._sending and self._gate.is_open, self._commits_after
        if speaks and not self._gate.against:
            self._voiced += FRAME_SECONDS
        self._barge_in.hear(key, target, frame.captured_at, speaks=speaks, commits_after=after)

    def _send(self, frame: Frame, target: Conversation) -> None:
        if self._keeps_words and self._pre_roll and target.is_listening:
            self._pre_roll.add(frame.samples)
            return
        self._sending = target.offer_audio(frame.samples.tobytes(), frame.captured_at)
        if self._keeps_words:
            self._keep(frame, target)

    def _keep(self, frame: Frame, target: Conversation) -> None:
        if self._sending:
            self._pre_roll.clear()
        elif target.is_getting_ready:
            self._pre_roll.keep(
                frame.samples,
                frame.captured_at,
                speaks=self._gate.is_open,
                most=self._desired.turns.pre_roll_seconds,
                pause=self._pause_seconds + 2 * FRAME_SECONDS,
            )

    def _catch_up(self) -> None:
        """Send kept words to the character they were said to, once it can hear."""
        if not self._desired.permits or self._pre_roll.is_stale(self._now()):
            self._pre_roll.clear()
        target = self._target if self._pre_roll else None
        if target is None:
            return
        for _ in range(CATCH_UP_FRAMES):
            if not self._pre_roll or not target.offer_kept(self._pre_roll.first()):
                return
            self._pre_roll.sent()
            self._sending = self._owes_end = True

    def _is_wanted(self) -> bool:
        if not self._desired.permits:
            return False
        return self._mode is ListeningMode.HANDS_FREE or self._talk.is_open

    @property
    def _pause_seconds(self) -> float:
        return self._desired.turns.smart_turn.stop_secs

    def _is_in_sentence(self) -> bool:
        if not self._sending and not self._pre_roll:
            return False
        if self._mode is ListeningMode.PUSH_TO_TALK and self._was_pressed and self._talk.is_open:
            return True
        # The service ends an utterance after this much silence: until then it is still one.
        last, pause = self._last_speech_at, self._pause_seconds + 2 * FRAME_SECONDS
        return last is not None and self._now() - last < pause

    def _retarget(self) -> None:
        starved = self._now() - self._last_frame_at > STARVED_SECONDS
        if starved or not self._is_wanted():
            self._finish_utterance()
        if self._desired.target != self.target_key and not self._is_in_sentence():
            self._finish_utterance()
            self._change_target()

    def _change_target(self) -> None:
        if self._desired.target != self.target_key:
            self._pre_roll.clear()  # what was said to one is never heard by another
        self.target_key = self._desired.target

    def _finish_utterance(self) -> None:
        """Tell the service that no more frames of this utterance will come."""
        if self._sending and self._keeps_words and self._pre_roll:
            return  # it still goes out
        self._barge_in.duck(None)
        if not self._sending:
            return
        is_open_ended = self._owes_end or self._is_in_sentence()
        self._sending = self._owes_end = False
        target = self._target
        if target is not None and is_open_ended:
            target.force_user_stopped_speaking()


# Without frames (closed, no device) deadlines are looked at this often.
TICK_SECONDS = 0.05


class VoiceInput:
    """The player's microphone. Main thread: everything public but `run` and the two notices."""

    def __init__(
        self,
        source_factory: SourceFactory,
        now: Callable[[], float],
        *,
        voice: Voice | None = None,
        echo: EchoFilter | None = None,
        turns: TurnSettings = TurnSettings.DEFAULT,
    ) -> None:
        self._voice = voice
        self._desired = DesiredMicrophone(turns=turns)
        self._keys: deque[bool] = deque(maxlen=16)
        self._listener = ListeningController(
            Capture(source_factory, self._wake_up, echo), self._keys, now, voice
        )
        # The two notices of the network thread.
        self.transcript_arrived = self._listener.transcript_arrived
        self.answer_began = self._listener.answer_began
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._woken = False
        self.status = VoiceInputStatus()
        """What to show now (any thread)."""
        self._addressed: Conversation | None = None

    # Main thread.

    @property
    def muted(self) -> bool:
        """Whether the player muted the microphone."""
        return self._desired.muted

    @property
    def turns(self) -> TurnSettings:
        """How turns are taken now."""
        return self._desired.turns

    def set_turns(self, turns: TurnSettings) -> None:
        """Change how turns are taken, at once and without a reconnect.

        What the service detects by (`smart_turn`, `voice_activity`) counts from a session's
        next connect on.
        """
        if self._voice is not None:
            self._voice.set_barge_in(turns.barge_in)
        self._want(turns=turns)

    def set_mode(self, mode: ListeningMode | str) -> None:
        """Switch between hands-free and push-to-talk, without a reconnect."""
        self.set_turns(replace(self.turns, mode=ListeningMode(mode)))

    def allow(self) -> None:
        """Permit the microphone; to be called at the player's first explicit act, never before."""
        self._want(allowed=True)

    def set_muted(self, muted: bool) -> None:
        """Mute or un-mute; above everything else, on every connection."""
        self._want(muted=muted)

    def set_focused(self, focused: bool) -> None:
        """Close the microphone while the window is in the background."""
        if focused != self._desired.focused:
            self._want(focused=focused)

    def set_covered(self, covered: bool) -> None:
        """Close the microphone while a menu lies over the game."""
        if covered != self._desired.covered:
            self._want(covered=covered)

    def set_target(self, key: str | None) -> None:
        """Choose who hears the player; a sentence in progress still goes where it began."""
        if key != self._desired.target:
            self._want(target=key)

    def choose_device(self, device: str | None) -> None:
        """Switch to a microphone by its stable name, None for the system's default."""
        self._want(device=device)

    def push_to_talk(self, down: bool) -> None:
        """Report the talk key. A press is an explicit act of the player: it also allows."""
        if down and not self._desired.allowed:
            self.allow()
        self._keys.append(down)
        self._wake_up()

    def close(self) -> None:
        """End `run` and close the microphone."""
        self._want(closed=True)

    def _want(self, **changes: object) -> None:
        self._desired = replace(self._desired, **changes)  # type: ignore[arg-type] # names checked
        self._wake_up()

    def _wake_up(self) -> None:
        # One pending wake is enough: the loop then takes all that has come.
        loop = self._loop
        if loop is None or self._woken:
            return
        self._woken = True
        try:
            loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop was closed while a sound thread still delivered
            self._loop = None

    # Network thread.

    async def run(self, find: TargetLookup) -> None:
        """Serve the microphone until `close()` or cancellation."""
        self._loop = asyncio.get_running_loop()
        try:
            while not self._desired.closed:
                self.step(find)
                tick = TICK_SECONDS if self._desired.allowed else None  # there are no deadlines yet
                with suppress(TimeoutError):
                    async with asyncio.timeout(tick):
                        await self._wake.wait()
                self._wake.clear()
                self._woken = False
        finally:
            self._loop = None
            self._listener.close()
            self.status = self._listener.status()

    def step(self, find: TargetLookup) -> None:
        """Do what is due now (network thread)."""
        self._listener.step(self._desired, find)
        self._address(find)
        # One assignment: a reader on another thread sees one moment, whole.
        self.status = self._listener.status()

    def _address(self, find: TargetLookup) -> None:
        """Note at the target that it hears the player, and at the one before that it does not."""
        key = self._listener.target_key
        target = find(key) if key is not None else None
        if target is self._addressed:
            return
        if self._addressed is not None:
            self._addressed.set_addressed(False)
        if target is not None:
            target.set_addressed(True)
        self._addressed = target
