"""One microphone, many characters: what the player says goes to the target, or nowhere.

The main thread states wishes (who, muted, which mode, key down); the network thread takes the
frames out of the ring, decides with the pure parts of the core, and offers each frame to the
driver of the target, which keeps its own gate. Nothing is opened before `allow()`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import astuple, replace
from typing import Any, TypeAlias

from characters.audio.ring import Frame, FrameRing
from characters.audio.source import FRAME_SECONDS, MicrophoneSource, SourceFactory
from characters.audio.voice import Voice
from characters.core.levels import SpeechGate, decibels, meter
from characters.core.push_to_talk import (
    PushToTalk,
    PushToTalkOptions,
    TalkCommand,
    TalkEvent,
    TalkPhase,
)
from characters.core.turn import BargeIn, SmartTurn
from characters.runtime.listening import (
    AudioDriver,
    DriverLookup,
    EarsStatus,
    ListeningMode,
    Wishes,
)

__all__ = ["Ears"]

# Without frames (closed, no device) deadlines are looked at this often.
TICK_SECONDS = 0.05
# A frame that waited longer is of a process that stood still: it is not what is said now.
STALE_SECONDS = 1.0
# A device that has not delivered for so long is not sending anything to anybody.
STARVED_SECONDS = 0.5
# After this much of the player's voice over its own, a character is cut off at once.
COMMIT_SECONDS = 0.2
METER_FALL_PER_FRAME = 0.04

Facts: TypeAlias = tuple[Any, ...]
"""The fields of a status, in order."""


class Ears:
    """The player's microphone. Main thread: everything public but `run` and the two notices."""

    def __init__(
        self,
        source_factory: SourceFactory,
        now: Callable[[], float],
        *,
        voice: Voice | None = None,
        push_to_talk: PushToTalkOptions | None = None,
        turn: SmartTurn | None = None,
        barge_in: BargeIn | None = None,
    ) -> None:
        self._source_factory = source_factory
        self._now = now
        self._voice = voice
        self._barge_in = barge_in or BargeIn()
        self._pause_seconds = (turn or SmartTurn()).stop_secs
        self._wishes = Wishes()
        self._keys: deque[bool] = deque(maxlen=16)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._woken = False
        # From here on: network thread only.
        self._source: MicrophoneSource | None = None
        self._device: str | None = None
        self._ring = FrameRing(wake=self._wake_up)
        self._talk = PushToTalk(push_to_talk or PushToTalkOptions())
        self._gate = SpeechGate()
        self._last_speech_at: float | None = None
        self._last_frame_at = 0.0
        self._candidate_since: float | None = None
        self._was_pressed = False
        self._target: str | None = None
        self._sending = False
        self._ducked: str | None = None
        self._level = 0.0
        self._facts: Facts = astuple(EarsStatus())

    # Main thread.

    @property
    def status(self) -> EarsStatus:
        """What to show now (any thread)."""
        return EarsStatus(*self._facts)

    @property
    def muted(self) -> bool:
        """Whether the player muted the microphone."""
        return self._wishes.muted

    def set_echo_handled(self, handled: bool) -> None:
        """Say whether the player wears headphones, so that loud sound here is the player's own."""
        self._barge_in = replace(self._barge_in, echo_is_handled=handled)

    def allow(self) -> None:
        """Permit the microphone: call it at the player's first explicit act, never before."""
        self._wish(allowed=True)

    def set_muted(self, muted: bool) -> None:
        """Mute or un-mute; above everything else, on every connection."""
        self._wish(muted=muted)

    def set_focused(self, focused: bool) -> None:
        """Close the microphone while the window is in the background: for the window's owner."""
        self._wish(focused=focused)

    def set_covered(self, covered: bool) -> None:
        """Close the microphone while a menu lies over the game: for the menu's owner."""
        if covered != self._wishes.covered:
            self._wish(covered=covered)

    def set_mode(self, mode: ListeningMode | str) -> None:
        """Switch between hands-free and push-to-talk, without a reconnect."""
        self._wish(mode=ListeningMode(mode))

    def set_target(self, key: str | None) -> None:
        """Say who shall hear the player; a sentence in progress still goes where it began."""
        if key != self._wishes.target:
            self._wish(target=key)

    def choose_device(self, device: str | None) -> None:
        """Switch to a microphone by its stable name, None for the system's default."""
        self._wish(device=device)

    def push_to_talk(self, down: bool) -> None:
        """Report the talk key. A press is an explicit act of the player: it also allows."""
        if down and not self._wishes.allowed:
            self.allow()
        self._keys.append(down)
        self._wake_up()

    def close(self) -> None:
        """End `run` and let go of the microphone."""
        self._wish(closed=True)

    def _wish(self, **changes: object) -> None:
        self._wishes = replace(self._wishes, **changes)  # type: ignore[arg-type] # names checked
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

    async def run(self, drivers: DriverLookup) -> None:
        """Serve the microphone until `close()` or cancellation."""
        self._loop = asyncio.get_running_loop()
        try:
            while not self._wishes.closed:
                self.step(drivers)
                try:
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                self._woken = False
        finally:
            self._loop = None
            self._finish_utterance(drivers)
            self._duck(None)
            self._close_source()
            self._tell(self._wishes)

    def transcript_arrived(self, key: str) -> None:
        """Note that the service understood the player's turn (network thread)."""
        if key == self._target and self._wishes.mode is ListeningMode.PUSH_TO_TALK:
            self._talk, _ = self._talk.advance(TalkEvent.TRANSCRIBED, self._now())
            # The service has closed the utterance itself: there is nothing left to force.
            self._sending = self._sending and self._talk.is_open

    def answer_began(self, key: str) -> None:
        """Note that a character began to speak or completed its turn (network thread)."""
        if key == self._target:
            self._talk, _ = self._talk.advance(TalkEvent.ANSWERED, self._now())

    def step(self, drivers: DriverLookup) -> None:
        """Do what is due now: wishes, keys, frames, deadlines (network thread)."""
        wishes = self._wishes
        self._tend_keys(wishes, drivers)
        self._tend_source(wishes)
        while (frame := self._ring.get()) is not None:
            self._hear(frame, wishes, drivers)
        self._retarget(wishes, drivers)
        self._tell(wishes)

    def _tend_source(self, wishes: Wishes) -> None:
        wanted = self._is_source_wanted(wishes)
        if wanted and self._source is None:
            self._ring.clear()
            self._source = self._source_factory()
            self._device = wishes.device
            if self._device is not None:
                self._source.choose(self._device)
            self._source.start(self._ring.put)
        elif not wanted and self._source is not None:
            self._close_source()
        elif self._source is not None and wishes.device != self._device:
            self._device = wishes.device
            self._source.choose(self._device)

    def _is_source_wanted(self, wishes: Wishes) -> bool:
        if not wishes.permits:
            return False
        if wishes.mode is ListeningMode.HANDS_FREE or self._was_pressed:
            return True
        return self._talk.options.startup == "prewarm_muted"

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.stop()
        self._source = None
        self._ring.clear()
        self._gate = replace(self._gate, is_open=False, against=0.0)
        self._level = 0.0

    def _tend_keys(self, wishes: Wishes, drivers: DriverLookup) -> None:
        while self._keys:
            down = self._keys.popleft()
            if wishes.mode is ListeningMode.PUSH_TO_TALK:
                event = self._meaning_of_key(down)
                if event is not None:
                    self._advance_talk(event, drivers)
        if self._talk.phase is not TalkPhase.CLOSED:
            self._advance_talk(TalkEvent.TICK, drivers)

    def _meaning_of_key(self, down: bool) -> TalkEvent | None:
        if not self._talk.options.toggle:
            return TalkEvent.PRESSED if down else TalkEvent.RELEASED
        if not down:
            return None
        return TalkEvent.RELEASED if self._talk.is_open else TalkEvent.PRESSED

    def _advance_talk(self, event: TalkEvent, drivers: DriverLookup) -> None:
        if event is TalkEvent.PRESSED and not self._talk.is_open:
            self._target = self._wishes.target
            self._was_pressed = True
        self._talk, commands = self._talk.advance(event, self._now())
        driver = drivers(self._target) if commands and self._target is not None else None
        if driver is None:
            return
        for command in commands:
            if command is TalkCommand.INTERRUPT_BOT:
                driver.interrupt()
            else:
                self._sending = False
                driver.force_user_stopped_speaking()

    def _hear(self, frame: Frame, wishes: Wishes, drivers: DriverLookup) -> None:
        self._last_frame_at = frame.captured_at
        db = decibels(frame.samples)
        self._level = max(meter(db), self._level - METER_FALL_PER_FRAME)
        self._gate = self._gate.hear(db, FRAME_SECONDS)
        if self._gate.is_open:
            self._last_speech_at = frame.captured_at
        if wishes.target != self._target:
            self._retarget(wishes, drivers)
        driver = drivers(self._target) if self._target is not None else None
        fresh = self._now() - frame.captured_at <= STALE_SECONDS
        may_send = driver is not None and fresh and self._is_wanted(wishes)
        if driver is None or not may_send:
            self._finish_utterance(drivers)
            return
        self._sending = driver.offer_audio(frame.samples.tobytes(), frame.captured_at)
        self._barge(driver, frame.captured_at)

    def _barge(self, driver: AudioDriver, now: float) -> None:
        """Duck the target under what may be the player's voice, and cut it off if it surely is."""
        speaks = self._sending and self._gate.is_open
        if not speaks:
            self._candidate_since = None
        elif self._candidate_since is None:
            self._candidate_since = now
        self._duck(self._target if speaks else None)
        since, target, voice = self._candidate_since, self._target, self._voice
        if since is None or target is None or voice is None or not self._barge_in.echo_is_handled:
            return
        if now - since >= COMMIT_SECONDS and voice.is_playing(target):
            driver.interrupt()
            self._candidate_since = now

    def _is_wanted(self, wishes: Wishes) -> bool:
        if not wishes.permits:
            return False
        return wishes.mode is ListeningMode.HANDS_FREE or self._talk.is_open

    def _is_in_sentence(self) -> bool:
        if not self._sending:
            return False
        if self._wishes.mode is ListeningMode.PUSH_TO_TALK and self._talk.is_open:
            return True
        # The service ends an utterance after this much silence: until then it is still one.
        last = self._last_speech_at
        return last is not None and self._now() - last < self._pause_seconds + 2 * FRAME_SECONDS

    def _retarget(self, wishes: Wishes, drivers: DriverLookup) -> None:
        starved = self._now() - self._last_frame_at > STARVED_SECONDS
        if starved or not self._is_wanted(wishes):
            self._finish_utterance(drivers)
        if wishes.target != self._target and not self._is_in_sentence():
            self._finish_utterance(drivers)
            self._target = wishes.target

    def _finish_utterance(self, drivers: DriverLookup) -> None:
        """Let the service know that no more frames of this utterance will come."""
        if not self._sending:
            return
        in_sentence = self._is_in_sentence()
        self._sending = False
        self._duck(None)
        driver = drivers(self._target) if self._target is not None else None
        if driver is not None and in_sentence:
            driver.force_user_stopped_speaking()

    def _duck(self, key: str | None) -> None:
        if self._voice is None or key == self._ducked:
            return
        if self._ducked is not None:
            self._voice.duck(self._ducked, False)
        if key is not None:
            self._voice.duck(key, True)
        self._ducked = key

    def _tell(self, wishes: Wishes) -> None:
        # One assignment of one tuple: whoever reads the status sees one moment, whole. It is made
        # into a status only when somebody asks, which is rarer than frames are.
        source = self._source
        self._facts = (
            self._level,
            self._target,
            self._sending and source is not None,
            source.problem if source is not None else None,
            source.device if source is not None else "",
            wishes.allowed,
            wishes.muted,
            wishes.mode,
            self._gate.is_open,
            self._ring.overruns,
        )
